/*
 * Look-ups. A normal form: tag → strings whose own normal form is compared → the rows that have one
 * of them. A queue id: the inode that it names, or its tag, then the ids are compared. Blocks whose
 * keys cannot hold what is looked for are not decoded.
 */
#include "core/fault.h"
#include "core/index/address.h"
#include "core/index/hash.h"
#include "core/index/segment_view.h"
#include "formats/cursor.h"

#include <errno.h>
#include <stdlib.h>

/* ---- Strings --------------------------------------------------------------------------------- */

static void add_string(struct spr_string_set *set, uint32_t id)
{
    set->bits[id / 64] |= UINT64_C(1) << (id % 64);
    const bool is_empty = set->first > set->last;
    set->first = is_empty || id < set->first ? id : set->first;
    set->last = is_empty || id > set->last ? id : set->last;
}

static int compare_string(struct spr_segment_reader *reader, uint32_t id, struct spr_text normal,
                          struct spr_string_set *set, struct spr_fault *fault)
{
    struct spr_text text = { NULL, 0 };
    uint8_t form[SPR_ADDRESS_MAX];
    const int r = spr_segment_borrow(reader, id, &text, fault);
    if (r < 0) {
        return r;
    }
    if (spr_texts_equal((struct spr_text){ form, spr_address_normalise(text, form) }, normal)) {
        add_string(set, id);
    }
    return 0;
}

int spr_segment_find_strings(struct spr_segment_reader *reader, struct spr_segment_ids ids,
                             struct spr_text normal_form, struct spr_string_set *set,
                             struct spr_fault *fault)
{
    const struct spr_segment *segment = reader->segment;
    const bool are_recipients = ids.first == segment->class_start[SPR_CLASS_RECIPIENTS] &&
                                ids.end == segment->class_start[SPR_CLASS_RECIPIENTS + 1];
    const uint64_t tag = spr_hash64(normal_form.bytes, normal_form.length, segment->seed) &
                         (are_recipients ? SPR_TAG_RECIPIENTS : SPR_TAG_MASK);
    int r = 0;
    for (uint32_t id = ids.first; r == 0 && id < ids.end;) {
        const uint64_t *tags = NULL;
        uint32_t count = 0;
        r = spr_segment_keys(reader, SPR_AT_STRING_TAG, id / SPR_COLUMN_BLOCK, &tags, &count,
                             fault);
        for (uint32_t i = id % SPR_COLUMN_BLOCK; r == 0 && i < count && id < ids.end; i++, id++) {
            if (tags[i] == tag) {
                r = compare_string(reader, id, normal_form, set, fault);
            }
        }
    }
    return r;
}

/* ---- Queue ids ------------------------------------------------------------------------------- */

/* A queue id, and where its rows are noted. */
struct id_search {
    struct spr_text id;
    uint64_t *rows;
};

static int add_if_id(struct spr_segment_reader *reader, uint32_t row,
                     const struct id_search *search, struct spr_fault *fault)
{
    struct spr_text own = { NULL, 0 };
    const int r = spr_segment_queue_id(reader, row, &own, fault);
    if (r == 0 && spr_texts_equal(own, search->id)) {
        search->rows[row / 64] |= UINT64_C(1) << (row % 64);
    }
    return r;
}

/* Rows with this key in a column, whose id is the one. */
static int find_key(struct spr_segment_reader *reader, unsigned column, uint64_t key,
                    const struct id_search *search, struct spr_fault *fault)
{
    const struct spr_column_view *view = &reader->segment->columns[column];
    int r = 0;
    for (uint32_t block = 0; r == 0 && block < view->blocks; block++) {
        uint64_t low;
        uint64_t high;
        const uint64_t *keys = NULL;
        uint32_t count = 0;
        spr_column_bounds(view, block, &low, &high);
        if (key < low || key > high) {
            continue;
        }
        r = spr_segment_keys(reader, column, block, &keys, &count, fault);
        for (uint32_t i = 0; r == 0 && i < count; i++) {
            if (keys[i] == key) {
                r = add_if_id(reader, block * SPR_COLUMN_BLOCK + i, search, fault);
            }
        }
    }
    return r;
}

/* Each shape that the id may have names an inode; ids without a shape have a tag. */
static int find_queue_id(struct spr_segment_reader *reader, const struct id_search *search,
                         struct spr_fault *fault)
{
    const struct spr_text id = search->id;
    const uint64_t tag = spr_hash64(id.bytes, id.length, reader->segment->seed) & SPR_TAG_MASK;
    uint64_t inodes[2];
    unsigned count = 0;
    int r = find_key(reader, SPR_AT_ID_TAG, tag + 1, search, fault);
    for (unsigned shape = SPR_ID_HEX; shape <= SPR_ID_BASE52; shape++) {
        if (spr_id_inode((enum spr_id_shape)shape, id, &inodes[count])) {
            count += count == 0 || inodes[count] != inodes[0];
        }
    }
    for (unsigned i = 0; r == 0 && i < count; i++) {
        r = find_key(reader, SPR_AT_INODE, inodes[i], search, fault);
    }
    return r;
}

/* The class that a look-up's strings are of, and the column; SPR_COLUMN_COUNT: of recipients. */
static enum spr_column column_of(enum spr_lookup lookup)
{
    switch (lookup) {
    case SPR_LOOKUP_ACCOUNT:
        return SPR_COLUMN_ACCOUNT;
    case SPR_LOOKUP_SENDER:
        return SPR_COLUMN_SENDER;
    case SPR_LOOKUP_LOCAL_USER:
        return SPR_COLUMN_LOCAL_USER;
    case SPR_LOOKUP_CLIENT:
        return SPR_COLUMN_CLIENT;
    case SPR_LOOKUP_RCPT:
    case SPR_LOOKUP_QUEUE_ID:
    case SPR_LOOKUP_COUNT:
        break;
    }
    return SPR_COLUMN_COUNT;
}

static int find_text(struct spr_segment_reader *reader, enum spr_lookup lookup,
                     struct spr_text normal, uint64_t *rows, struct spr_fault *fault)
{
    const struct spr_segment *segment = reader->segment;
    const enum spr_column column = column_of(lookup);
    const bool is_recipient = column == SPR_COLUMN_COUNT;
    const struct spr_segment_ids ids =
        is_recipient ? spr_segment_ids_of_recipients(segment) : spr_segment_ids_of(segment, column);
    struct spr_string_set set = { calloc(segment->strings / 64u + 1, 8), UINT32_MAX, 0 };
    if (set.bits == NULL) {
        return spr_fault_set(fault, -ENOMEM, segment->name, 0, "out of memory");
    }
    int r = spr_segment_find_strings(reader, ids, normal, &set, fault);
    if (r == 0) {
        const struct spr_segment_rcpt_field any = { SPR_RCPT_ADDRESSES, SPR_RCPT_ANY };
        r = is_recipient ? spr_segment_rows_with_recipient(reader, any, &set, rows, fault)
                         : spr_segment_rows_with(reader, column, &set, rows, fault);
    }
    free(set.bits);
    return r;
}

int spr_segment_lookup(struct spr_segment_reader *reader, enum spr_lookup lookup,
                       struct spr_text normal_form, uint64_t *rows, struct spr_fault *fault)
{
    const struct id_search search = { normal_form, rows };
    return lookup == SPR_LOOKUP_QUEUE_ID ? find_queue_id(reader, &search, fault)
                                         : find_text(reader, lookup, normal_form, rows, fault);
}
