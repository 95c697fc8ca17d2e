/*
 * Columns of a segment as values: keys with their block verified or decoded, and what they mean.
 */
#include "core/fault.h"
#include "core/index/classes.h"
#include "core/index/segment_view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(SPR_SEGMENT_BLOCK == SPR_COLUMN_BLOCK, "what is asked for is a block of keys");

static int corrupt_block(const struct spr_segment *segment, unsigned column, uint32_t block,
                         const char *detail, struct spr_fault *fault)
{
    const struct spr_column_view *view = &segment->columns[column];
    const uint8_t *at =
        view->blocks > 0 ? view->payload + spr_column_offset(view, block) : segment->map;
    return spr_segment_corrupt(segment, at, detail, fault);
}

static int verify(const struct spr_segment *segment, unsigned column, uint32_t block,
                  struct spr_fault *fault)
{
    atomic_uchar *verified = &segment->verified[column][block];
    if (!atomic_load_explicit(verified, memory_order_relaxed)) {
        if (!spr_column_verify(&segment->columns[column], block)) {
            return corrupt_block(segment, column, block, "checksum of a column's block differs",
                                 fault);
        }
        atomic_store_explicit(verified, 1, memory_order_relaxed);
    }
    return 0;
}

int spr_segment_keys(struct spr_segment_reader *reader, unsigned column, uint32_t block,
                     const uint64_t **ret_keys, uint32_t *ret_count, struct spr_fault *fault)
{
    const struct spr_segment *segment = reader->segment;
    const struct spr_column_view *view = &segment->columns[column];
    struct spr_decoded_keys *decoded = &reader->columns[column];
    if (decoded->keys == NULL) {
        decoded->keys = malloc(SPR_COLUMN_BLOCK * sizeof(*decoded->keys));
        if (decoded->keys == NULL) {
            return spr_fault_set(fault, -ENOMEM, segment->name, 0, "out of memory");
        }
    }
    if (view->blocks == 0 && decoded->block == UINT32_MAX) {
        memset(decoded->keys, 0, SPR_COLUMN_BLOCK * sizeof(*decoded->keys));
        decoded->block = 0; /* as any other */
    }
    if (view->blocks > 0 && decoded->block != block) {
        int r = verify(segment, column, block, fault);
        if (r < 0) {
            return r;
        }
        decoded->block = UINT32_MAX;
        if (!spr_column_decode(view, block, reader->unpacker, decoded->keys)) {
            return corrupt_block(segment, column, block, "a column's block cannot be decoded",
                                 fault);
        }
        decoded->block = block;
    }
    *ret_keys = decoded->keys;
    *ret_count = spr_column_items(view, block);
    return 0;
}

int spr_segment_key(struct spr_segment_reader *reader, unsigned column, uint64_t item,
                    uint64_t *ret_key, struct spr_fault *fault)
{
    const struct spr_segment *segment = reader->segment;
    const struct spr_column_view *view = &segment->columns[column];
    const uint32_t block = (uint32_t)(item / SPR_COLUMN_BLOCK);
    if (item >= view->count) {
        return spr_segment_corrupt(segment, segment->map + SPR_SEGMENT_AT_ROWS,
                                   "item beyond its column", fault);
    }
    if (view->blocks == 0) {
        *ret_key = 0;
        return 0;
    }
    const struct spr_decoded_keys *decoded = &reader->columns[column];
    if (decoded->block == block) {
        *ret_key = decoded->keys[item % SPR_COLUMN_BLOCK];
        return 0;
    }
    int r = verify(segment, column, block, fault);
    if (r < 0) {
        return r;
    }
    r = spr_column_key(view, item, ret_key);
    if (r < 0) {
        return corrupt_block(segment, column, block, "index beyond the dictionary of its block",
                             fault);
    }
    if (r > 0) {
        return 0;
    }
    const uint64_t *keys = NULL;
    uint32_t count = 0;
    r = spr_segment_keys(reader, column, block, &keys, &count, fault);
    if (r == 0) {
        *ret_key = keys[item % SPR_COLUMN_BLOCK];
    }
    return r;
}

int spr_segment_key_within(struct spr_segment_reader *reader, unsigned column, uint64_t item,
                           uint64_t max, uint64_t *ret_key, struct spr_fault *fault)
{
    uint64_t key = 0;
    int r = spr_segment_key(reader, column, item, &key, fault);
    if (r < 0) {
        return r;
    }
    if (key > max) {
        return corrupt_block(reader->segment, column, (uint32_t)(item / SPR_COLUMN_BLOCK),
                             "a column's key is beyond its range", fault);
    }
    *ret_key = key;
    return 0;
}

int spr_segment_id(const struct spr_segment *segment, enum spr_string_class class, uint64_t key,
                   uint32_t *ret_id, struct spr_fault *fault)
{
    const uint32_t start = segment->class_start[class];
    if (key > segment->class_start[class + 1] - start) {
        return spr_segment_corrupt(segment, segment->map + SPR_SEGMENT_AT_STRINGS,
                                   "string id beyond its class", fault);
    }
    *ret_id = key == 0 ? SPR_STRING_NONE : start + (uint32_t)(key - 1);
    return 0;
}

/* A key of a column whose key 1 is that of the column beside it. */
static int resolve(const struct spr_segment *segment, enum spr_string_class class, uint64_t key,
                   uint32_t beside, uint32_t *ret_id, struct spr_fault *fault)
{
    if (key == SPR_KEY_SAME) {
        *ret_id = beside;
        return 0;
    }
    return spr_segment_id(segment, class, key == 0 ? 0 : key - SPR_KEY_SAME, ret_id, fault);
}

int spr_segment_text_id(struct spr_segment_reader *reader, uint32_t row, enum spr_column column,
                        uint32_t *ret_id, struct spr_fault *fault)
{
    uint64_t key = 0;
    uint32_t sender = SPR_STRING_NONE;
    int r = spr_segment_key(reader, SPR_AT_TEXT + (unsigned)column, row, &key, fault);
    if (r < 0) {
        return r;
    }
    if (column != SPR_COLUMN_ACCOUNT) {
        return spr_segment_id(reader->segment, spr_class_of(column), key, ret_id, fault);
    }
    if (key == SPR_KEY_SAME) {
        r = spr_segment_text_id(reader, row, SPR_COLUMN_SENDER, &sender, fault);
    }
    return r < 0 ? r : resolve(reader->segment, spr_class_of(column), key, sender, ret_id, fault);
}

int spr_segment_number(struct spr_segment_reader *reader, uint32_t row, enum spr_number number,
                       int64_t *ret_value, struct spr_fault *fault)
{
    uint64_t key = 0;
    uint64_t file_size = 0;
    int r = spr_segment_key(reader, SPR_AT_NUMBER + (unsigned)number, row, &key, fault);
    if (r == 0 && number == SPR_NUMBER_SIZE) {
        r = spr_segment_key(reader, SPR_AT_FILE_SIZE, row, &file_size, fault);
    }
    if (r == 0) {
        key = number == SPR_NUMBER_SIZE ? spr_size_key(key, file_size) : key;
        *ret_value = (int64_t)(key ^ SPR_SIGN_BIT);
    }
    return r;
}

/* Column and largest key of every fact. */
static const struct {
    enum spr_segment_column column;
    uint64_t max;
} FACTS[] = {
    [SPR_ROW_STATE] = { SPR_AT_STATE, SPR_STATE_CORRUPT },
    [SPR_ROW_AUTH_SOURCE] = { SPR_AT_AUTH_SOURCE, SPR_AUTH_LOG },
    [SPR_ROW_FLAGS] = { SPR_AT_FLAGS, UINT32_MAX },
    [SPR_ROW_RECIPIENTS] = { SPR_AT_RCPT_COUNT, SPR_SEGMENT_RECIPIENTS_MAX },
};
#define FACT_COUNT (sizeof(FACTS) / sizeof(FACTS[0]))

int spr_segment_facts(struct spr_segment_reader *reader, uint32_t row,
                      struct spr_segment_facts *ret_facts, struct spr_fault *fault)
{
    uint64_t values[FACT_COUNT] = { 0 };
    int r = 0;
    for (unsigned i = 0; r == 0 && i < FACT_COUNT; i++) {
        r = spr_segment_key_within(reader, FACTS[i].column, row, FACTS[i].max, &values[i], fault);
    }
    if (r == 0) {
        *ret_facts = (struct spr_segment_facts){
            .state = (enum spr_state)values[SPR_ROW_STATE],
            .auth_source = (enum spr_auth_source)values[SPR_ROW_AUTH_SOURCE],
            .flags = (uint32_t)values[SPR_ROW_FLAGS],
            .recipient_count = (uint32_t)values[SPR_ROW_RECIPIENTS],
        };
    }
    return r;
}

int spr_segment_recipient(struct spr_segment_reader *reader, uint64_t item,
                          struct spr_segment_recipient *ret_recipient, struct spr_fault *fault)
{
    const struct spr_segment *segment = reader->segment;
    uint64_t keys[4] = { 0 };
    int r = 0;
    for (unsigned i = 0; r == 0 && i < 4; i++) {
        r = spr_segment_key(reader, SPR_AT_RCPT_ADDRESS + i, item, &keys[i], fault);
    }
    if (r == 0 && keys[3] > SPR_RECIPIENT_FAILED) {
        r = corrupt_block(segment, SPR_AT_RCPT_STATE, (uint32_t)(item / SPR_COLUMN_BLOCK),
                          "a column's key is beyond its range", fault);
    }
    if (r == 0) {
        r = spr_segment_id(segment, SPR_CLASS_RECIPIENTS, keys[0], &ret_recipient->address, fault);
    }
    if (r == 0) {
        r = resolve(segment, SPR_CLASS_RECIPIENTS, keys[1], ret_recipient->address,
                    &ret_recipient->original, fault);
    }
    if (r == 0) {
        r = spr_segment_id(segment, SPR_CLASS_OTHER, keys[2], &ret_recipient->error, fault);
    }
    ret_recipient->state = (enum spr_recipient_state)keys[3];
    return r;
}

int spr_segment_first_recipient(struct spr_segment_reader *reader, uint32_t row,
                                uint64_t *ret_first, struct spr_fault *fault)
{
    const uint64_t recipients = reader->segment->recipients;
    uint32_t from = row / SPR_ANCHOR_ROWS * SPR_ANCHOR_ROWS;
    uint64_t first = 0;
    int r = 0;
    if (reader->counted_row > from && reader->counted_row <= row) { /* most rows follow another */
        from = reader->counted_row;
        first = reader->counted;
    } else {
        r = spr_segment_key_within(reader, SPR_AT_RCPT_ANCHOR, row / SPR_ANCHOR_ROWS, recipients,
                                   &first, fault);
    }
    for (uint32_t i = from; r == 0 && i < row; i++) {
        uint64_t count = 0;
        r = spr_segment_key_within(reader, SPR_AT_RCPT_COUNT, i, recipients, &count, fault);
        first += count;
    }
    if (r == 0) {
        reader->counted_row = row;
        reader->counted = first;
        *ret_first = first;
    }
    return r;
}

/* ---- In bulk --------------------------------------------------------------------------------- */

int spr_segment_key_part(struct spr_segment_reader *reader, unsigned column, uint64_t first,
                         uint32_t count, const uint64_t **ret_keys, uint32_t *ret_part,
                         struct spr_fault *fault)
{
    const struct spr_column_view *view = &reader->segment->columns[column];
    if (first >= view->count || count > view->count - first) {
        return spr_segment_corrupt(reader->segment, reader->segment->map + SPR_SEGMENT_AT_ROWS,
                                   "item beyond its column", fault);
    }
    const uint32_t from = (uint32_t)(first % SPR_COLUMN_BLOCK);
    uint32_t items = 0;
    int r = spr_segment_keys(reader, column, (uint32_t)(first / SPR_COLUMN_BLOCK), ret_keys, &items,
                             fault);
    if (r == 0) {
        *ret_keys += from;
        *ret_part = count < items - from ? count : items - from;
    }
    return r;
}

int spr_segment_text_ids(struct spr_segment_reader *reader, enum spr_column column, uint32_t first,
                         uint32_t count, uint32_t *out, struct spr_fault *fault)
{
    const enum spr_string_class class = spr_class_of(column);
    int r = 0;
    if (column == SPR_COLUMN_ACCOUNT) { /* what may be the same */
        r = spr_segment_text_ids(reader, SPR_COLUMN_SENDER, first, count, out, fault);
    }
    while (r == 0 && count > 0) {
        const uint64_t *keys = NULL;
        uint32_t part = 0;
        r = spr_segment_key_part(reader, SPR_AT_TEXT + (unsigned)column, first, count, &keys, &part,
                                 fault);
        for (uint32_t i = 0; r == 0 && i < part; i++) {
            r = column == SPR_COLUMN_ACCOUNT
                    ? resolve(reader->segment, class, keys[i], out[i], &out[i], fault)
                    : spr_segment_id(reader->segment, class, keys[i], &out[i], fault);
        }
        first += part;
        out += part;
        count -= part;
    }
    return r;
}

int spr_segment_numbers(struct spr_segment_reader *reader, enum spr_number number, uint32_t first,
                        uint32_t count, int64_t *out, struct spr_fault *fault)
{
    int r = 0;
    while (r == 0 && count > 0) {
        const uint64_t *keys = NULL;
        const uint64_t *sizes = NULL;
        uint32_t part = 0;
        r = spr_segment_key_part(reader, SPR_AT_NUMBER + (unsigned)number, first, count, &keys,
                                 &part, fault);
        if (r == 0 && number == SPR_NUMBER_SIZE) {
            r = spr_segment_key_part(reader, SPR_AT_FILE_SIZE, first, count, &sizes, &part, fault);
        }
        for (uint32_t i = 0; r == 0 && i < part; i++) {
            const uint64_t key = sizes != NULL ? spr_size_key(keys[i], sizes[i]) : keys[i];
            out[i] = (int64_t)(key ^ SPR_SIGN_BIT);
        }
        first += part;
        out += part;
        count -= part;
    }
    return r;
}

int spr_segment_fact_values(struct spr_segment_reader *reader, enum spr_segment_fact fact,
                            uint32_t first, uint32_t count, uint32_t *out, struct spr_fault *fault)
{
    int r = 0;
    while (r == 0 && count > 0) {
        const uint64_t *keys = NULL;
        uint32_t part = 0;
        r = spr_segment_key_part(reader, FACTS[fact].column, first, count, &keys, &part, fault);
        for (uint32_t i = 0; r == 0 && i < part; i++) {
            if (keys[i] > FACTS[fact].max) {
                r = corrupt_block(reader->segment, FACTS[fact].column, first / SPR_COLUMN_BLOCK,
                                  "a column's key is beyond its range", fault);
            }
            out[i] = (uint32_t)keys[i];
        }
        first += part;
        out += part;
        count -= part;
    }
    return r;
}

int spr_segment_recipient_values(struct spr_segment_reader *reader,
                                 enum spr_segment_rcpt_value value, uint64_t first, uint32_t count,
                                 uint32_t *out, struct spr_fault *fault)
{
    static const unsigned columns[] = { [SPR_RCPT_ADDRESS_ID] = SPR_AT_RCPT_ADDRESS,
                                        [SPR_RCPT_ERROR_ID] = SPR_AT_RCPT_ERROR,
                                        [SPR_RCPT_STATE_NUMBER] = SPR_AT_RCPT_STATE };
    const enum spr_string_class class =
        value == SPR_RCPT_ADDRESS_ID ? SPR_CLASS_RECIPIENTS : SPR_CLASS_OTHER;
    int r = 0;
    while (r == 0 && count > 0) {
        const uint64_t *keys = NULL;
        uint32_t part = 0;
        r = spr_segment_key_part(reader, columns[value], first, count, &keys, &part, fault);
        for (uint32_t i = 0; r == 0 && i < part; i++) {
            if (value != SPR_RCPT_STATE_NUMBER) {
                r = spr_segment_id(reader->segment, class, keys[i], &out[i], fault);
                continue;
            }
            if (keys[i] > SPR_RECIPIENT_FAILED) {
                r = corrupt_block(reader->segment, columns[value],
                                  (uint32_t)(first / SPR_COLUMN_BLOCK),
                                  "a column's key is beyond its range", fault);
            }
            out[i] = (uint32_t)keys[i];
        }
        first += part;
        out += part;
        count -= part;
    }
    return r;
}
