/*
 * Look-ups: normal form → hash → bucket → string compared → posting lists; queue id → hash →
 * bucket → rows whose id is compared.
 */
#include "core/fault.h"
#include "core/index/hash.h"
#include "core/index/segment_view.h"
#include "formats/cursor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int add_row(struct spr_segment_reader *reader, uint32_t row, struct spr_fault *fault)
{
    if (reader->found_count == reader->found_capacity) {
        const uint32_t capacity = reader->found_capacity < 64 ? 64 : reader->found_capacity * 2;
        uint32_t *found = realloc(reader->found, capacity * sizeof(*found));
        if (found == NULL) {
            return spr_fault_set(fault, -ENOMEM, reader->segment->name, 0, "out of memory");
        }
        reader->found = found;
        reader->found_capacity = capacity;
    }
    reader->found[reader->found_count++] = row;
    return 0;
}

/* Slots [*ret_first, *ret_end) of the hash's bucket. */
static int find_bucket(const struct spr_segment *segment, unsigned starts, unsigned slots,
                       uint64_t hash, uint64_t ends[2], struct spr_fault *fault)
{
    const uint64_t count = segment->columns[slots].count;
    const uint64_t bucket = spr_bucket_of(hash, spr_bucket_bits(count));
    int r = spr_segment_key_within(segment, starts, bucket, count, &ends[0], fault);
    return r < 0 ? r : spr_segment_key_within(segment, starts, bucket + 1, count, &ends[1], fault);
}

/* Item of a slot if its tag fits, else UINT32_MAX. */
static int take_slot(const struct spr_segment *segment, unsigned slots, uint64_t slot,
                     uint64_t hash, uint32_t *ret_item, struct spr_fault *fault)
{
    uint64_t key = 0;
    int r = spr_segment_key_within(segment, slots, slot, (uint64_t)UINT32_MAX << SPR_TAG_BITS, &key,
                                   fault);
    if (r == 0) {
        *ret_item =
            spr_tag_of(key) == spr_tag_of(hash) ? (uint32_t)(key >> SPR_TAG_BITS) : UINT32_MAX;
    }
    return r;
}

static int find_string(struct spr_segment_reader *reader, struct spr_text text, uint32_t *ret_id,
                       struct spr_fault *fault)
{
    const struct spr_segment *segment = reader->segment;
    const uint64_t hash = spr_hash64(text.bytes, text.length, segment->seed);
    uint64_t ends[2] = { 0, 0 };
    int r = find_bucket(segment, SPR_AT_KEY_START, SPR_AT_KEY_SLOT, hash, ends, fault);
    uint32_t id = SPR_STRING_NONE;
    for (uint64_t slot = ends[0]; r == 0 && slot < ends[1]; slot++) {
        uint32_t item = UINT32_MAX;
        r = take_slot(segment, SPR_AT_KEY_SLOT, slot, hash, &item, fault);
        if (r < 0 || item == UINT32_MAX) {
            continue;
        }
        struct spr_text candidate = { NULL, 0 };
        r = spr_segment_borrow(reader, item, &candidate, fault);
        if (r == 0 && spr_texts_equal(candidate, text)) {
            id = item;
            break;
        }
    }
    *ret_id = id;
    return r;
}

/* The rows of one posting entry; `wanted` false: only walks over them. */
static int take_rows(struct spr_segment_reader *reader, const uint8_t **at, const uint8_t *end,
                     uint64_t row, bool wanted, struct spr_fault *fault)
{
    uint64_t more;
    if (!spr_pack_varint(at, end, &more) || more >= SPR_POSTING_ROWS) {
        return SPR_E_CORRUPT;
    }
    for (;;) {
        if (row >= reader->segment->rows ||
            (wanted && reader->found_count > 0 && row <= reader->found[reader->found_count - 1])) {
            return SPR_E_CORRUPT;
        }
        if (wanted) {
            int r = add_row(reader, (uint32_t)row, fault);
            if (r < 0) {
                return r;
            }
        }
        if (more-- == 0) {
            return 0;
        }
        uint64_t gap;
        if (!spr_pack_varint(at, end, &gap) || gap >= UINT32_MAX) {
            return SPR_E_CORRUPT;
        }
        row += gap + 1;
    }
}

/* Entries of one item in a decoded block. *ret_past: an entry behind the item was met. */
static int take_entries(struct spr_segment_reader *reader, const struct spr_block_entry *entry,
                        const uint8_t *bytes, uint32_t item, bool *ret_past,
                        struct spr_fault *fault)
{
    const uint8_t *at = bytes;
    const uint8_t *end = bytes + entry->raw;
    uint64_t current = entry->first;
    uint64_t first_row = 0;
    for (uint32_t i = 0; i < entry->count; i++) {
        uint64_t step;
        uint64_t move;
        if (!spr_pack_varint(&at, end, &step) || step > UINT32_MAX ||
            !spr_pack_varint(&at, end, &move)) {
            return SPR_E_CORRUPT;
        }
        current += step;
        first_row += (uint64_t)spr_unzigzag(move);
        if (current > item) {
            *ret_past = true;
            return 0;
        }
        int r = take_rows(reader, &at, end, first_row, current == item, fault);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int take_block(struct spr_segment_reader *reader, uint32_t block, uint32_t item,
                      bool *ret_past, struct spr_fault *fault)
{
    const struct spr_block_view *view = &reader->segment->posting_blocks;
    const struct spr_block_entry entry = spr_block_entry(view, block);
    struct spr_decoded *postings = &reader->postings;
    const char *reason = "a posting list leaves its block or its rows";
    int r = 0;
    if (postings->block != block) {
        free(postings->bytes);
        *postings = (struct spr_decoded){ .block = UINT32_MAX, .bytes = malloc(entry.raw) };
        if (postings->bytes == NULL) {
            return spr_fault_set(fault, -ENOMEM, reader->segment->name, 0, "out of memory");
        }
        r = spr_block_unpack(reader->unpacker, view, block, postings->bytes, &reason);
        postings->block = r == 0 ? block : UINT32_MAX;
    }
    if (r == 0) {
        r = take_entries(reader, &entry, postings->bytes, item, ret_past, fault);
    }
    return r == SPR_E_CORRUPT
               ? spr_segment_corrupt(reader->segment, view->payload + entry.offset, reason, fault)
               : r;
}

/* All entries of an item; it may continue over several blocks. */
static int find_postings(struct spr_segment_reader *reader, uint32_t item, struct spr_fault *fault)
{
    const struct spr_block_view *view = &reader->segment->posting_blocks;
    uint32_t block = spr_block_find(view, item);
    if (block == UINT32_MAX) {
        return 0;
    }
    while (block > 0 && spr_block_entry(view, block).first == item) {
        block--;
    }
    bool past = false;
    int r = 0;
    for (; r == 0 && !past && block < view->blocks && spr_block_entry(view, block).first <= item;
         block++) {
        r = take_block(reader, block, item, &past, fault);
    }
    return r;
}

static int find_queue_id(struct spr_segment_reader *reader, struct spr_text id,
                         struct spr_fault *fault)
{
    const struct spr_segment *segment = reader->segment;
    const uint64_t hash = spr_hash64(id.bytes, id.length, segment->seed);
    uint64_t ends[2] = { 0, 0 };
    int r = find_bucket(segment, SPR_AT_ID_START, SPR_AT_ID_SLOT, hash, ends, fault);
    for (uint64_t slot = ends[0]; r == 0 && slot < ends[1]; slot++) {
        uint32_t row = UINT32_MAX;
        r = take_slot(segment, SPR_AT_ID_SLOT, slot, hash, &row, fault);
        if (r < 0 || row == UINT32_MAX) {
            continue;
        }
        struct spr_text candidate = { NULL, 0 };
        r = spr_segment_queue_id(reader, row, &candidate, fault);
        if (r == 0 && spr_texts_equal(candidate, id)) {
            r = add_row(reader, row, fault);
        }
    }
    return r;
}

int spr_segment_lookup(struct spr_segment_reader *reader, enum spr_posting posting,
                       struct spr_text normal_form, const uint32_t **ret_rows, uint32_t *ret_count,
                       struct spr_fault *fault)
{
    reader->found_count = 0;
    int r;
    if (posting == SPR_POSTING_QUEUE_ID) {
        r = find_queue_id(reader, normal_form, fault);
    } else {
        uint32_t id = SPR_STRING_NONE;
        r = find_string(reader, normal_form, &id, fault);
        if (r == 0 && id != SPR_STRING_NONE) {
            r = find_postings(reader, (uint32_t)posting * reader->segment->strings + id, fault);
        }
    }
    if (r < 0) {
        return r;
    }
    *ret_rows = reader->found;
    *ret_count = reader->found_count;
    return 0;
}
