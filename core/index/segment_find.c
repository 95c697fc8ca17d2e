/*
 * Which rows have one of a set of strings, block of keys by block: one whose keys cannot be of the
 * set is not decoded; of a decoded one all keys are put to the set, without a branch for each.
 */
#include "core/index/classes.h"
#include "core/index/segment_view.h"

#include <string.h>

#define WORDS (SPR_COLUMN_BLOCK / 64) /* of a bitmap over the items of a block */

/* The set as keys of one column. */
struct sought {
    unsigned column;
    const uint64_t *bits;
    uint64_t low, span; /* keys low ... low + span may be in the set */
    uint64_t first;     /* the id of key low */
};

/* Keys of ids begin at base. False: the set has none of the class. */
static bool seek(const struct spr_segment *segment, unsigned column, enum spr_string_class class,
                 uint64_t base, const struct spr_string_set *set, struct sought *ret_sought)
{
    const uint32_t start = segment->class_start[class];
    const uint32_t end = segment->class_start[class + 1];
    const uint32_t first = set->first > start ? set->first : start;
    const uint32_t last = set->last < end ? set->last : end - 1;
    if (start == end || set->first > set->last || first > last) {
        return false;
    }
    *ret_sought = (struct sought){ .column = column,
                                   .bits = set->bits,
                                   .low = first - start + base,
                                   .span = last - first,
                                   .first = first };
    return true;
}

static bool may_hold(const struct spr_segment *segment, uint32_t block, const struct sought *sought)
{
    const struct spr_column_view *view = &segment->columns[sought->column];
    uint64_t low;
    uint64_t high;
    if (view->blocks == 0) {
        return false;
    }
    spr_column_bounds(view, block, &low, &high);
    return high >= sought->low && low <= sought->low + sought->span;
}

static inline uint64_t is_sought(const struct sought *sought, uint64_t key)
{
    const uint64_t offset = key - sought->low;
    const uint64_t inside = offset <= sought->span;
    const uint64_t id = sought->first + (inside ? offset : 0);
    return sought->bits[id / 64] >> (id % 64) & inside;
}

/* Bit i: item i of up to 64 has the key. */
static inline uint64_t equal_bits(const uint64_t *keys, uint32_t count, uint64_t key)
{
    uint8_t equal[64];
    uint64_t word = 0;
    for (uint32_t i = 0; i < count; i++) {
        equal[i] = keys[i] == key;
    }
    for (uint32_t i = 0; i + 8 <= count; i += 8) { /* the lowest bits of eight bytes */
        word |= (spr_load_u64(equal + i) * UINT64_C(0x0102040810204080) >> 56) << i;
    }
    for (uint32_t i = count / 8 * 8; i < count; i++) {
        word |= (uint64_t)equal[i] << i;
    }
    return word;
}

/* Adds to hits the items that have one key: most sets have one string. */
static void mark_key(const uint64_t *keys, uint32_t count, uint64_t key, uint64_t hits[WORDS])
{
    uint32_t at = 0;
    for (; at + 64 <= count; at += 64) {
        hits[at / 64] |= equal_bits(keys + at, 64, key);
    }
    if (at < count) {
        hits[at / 64] |= equal_bits(keys + at, count - at, key);
    }
}

/* Adds to hits the items whose key is in the set. */
static void mark(const uint64_t *keys, uint32_t count, const struct sought *sought,
                 uint64_t hits[WORDS])
{
    if (sought->span == 0) {
        mark_key(keys, count, sought->low, hits);
        return;
    }
    for (uint32_t at = 0; at < count; at += 64) {
        const uint32_t left = count - at < 64 ? count - at : 64;
        uint64_t word = 0;
        for (uint32_t i = 0; i < left; i++) {
            word |= is_sought(sought, keys[at + i]) << i;
        }
        hits[at / 64] |= word;
    }
}

/* The same for a block of a column, if it may have one. */
static int mark_block(struct spr_segment_reader *reader, const struct sought *sought,
                      uint32_t block, uint64_t hits[WORDS], struct spr_fault *fault)
{
    const uint64_t *keys = NULL;
    uint32_t count = 0;
    if (!may_hold(reader->segment, block, sought)) {
        return 0;
    }
    const int r = spr_segment_keys(reader, sought->column, block, &keys, &count, fault);
    if (r == 0) {
        mark(keys, count, sought, hits);
    }
    return r;
}

static uint32_t blocks_of(uint64_t items)
{
    return (uint32_t)((items + SPR_COLUMN_BLOCK - 1) / SPR_COLUMN_BLOCK);
}

static void add_rows(const struct spr_segment *segment, uint32_t block, const uint64_t hits[WORDS],
                     uint64_t *rows)
{
    const size_t first = (size_t)block * WORDS;
    const size_t words = ((size_t)segment->rows + 63) / 64 - first;
    for (size_t i = 0; i < WORDS && i < words; i++) {
        rows[first + i] |= hits[i];
    }
}

/* Accounts: their own ids, or "the sender's" where the sender is in the set. */
static int mark_accounts(struct spr_segment_reader *reader, const struct sought *own,
                         const struct sought *sender, uint32_t block, uint64_t hits[WORDS],
                         struct spr_fault *fault)
{
    const struct spr_segment *segment = reader->segment;
    const uint64_t *accounts = NULL;
    uint64_t senders[WORDS] = { 0 };
    uint64_t low;
    uint64_t high;
    uint32_t count = 0;
    spr_column_bounds(&segment->columns[own->column], block, &low, &high);
    const bool may_be_same = low == SPR_KEY_SAME && may_hold(segment, block, sender);
    if (!may_be_same && !may_hold(segment, block, own)) {
        return 0;
    }
    int r = may_be_same ? mark_block(reader, sender, block, senders, fault) : 0;
    if (r == 0) {
        r = spr_segment_keys(reader, own->column, block, &accounts, &count, fault);
    }
    if (r < 0) {
        return r;
    }
    uint64_t same[WORDS] = { 0 };
    if (may_be_same) {
        mark_key(accounts, count, SPR_KEY_SAME, same);
    }
    mark(accounts, count, own, hits);
    for (size_t i = 0; i < WORDS; i++) {
        hits[i] |= same[i] & senders[i];
    }
    return 0;
}

int spr_segment_rows_with(struct spr_segment_reader *reader, enum spr_column column,
                          const struct spr_string_set *set, uint64_t *rows, struct spr_fault *fault)
{
    const struct spr_segment *segment = reader->segment;
    const unsigned number = SPR_AT_TEXT + (unsigned)column;
    const bool is_account = column == SPR_COLUMN_ACCOUNT;
    const uint64_t base = is_account ? SPR_KEY_SAME + 1 : 1;
    struct sought own;
    if (!seek(segment, number, spr_class_of(column), base, set, &own)) {
        return 0;
    }
    struct sought sender = own; /* the same strings by the sender's keys */
    sender.column = SPR_AT_TEXT + SPR_COLUMN_SENDER;
    sender.low -= base - 1;
    int r = 0;
    for (uint32_t block = 0; r == 0 && block < segment->columns[number].blocks; block++) {
        uint64_t hits[WORDS] = { 0 };
        r = is_account ? mark_accounts(reader, &own, &sender, block, hits, fault)
                       : mark_block(reader, &own, block, hits, fault);
        if (r == 0) {
            add_rows(segment, block, hits, rows);
        }
    }
    return r;
}

/* ---- Recipients ------------------------------------------------------------------------------ */

/* The row whose recipients are counted last. */
struct owner {
    const uint64_t *counts; /* of the block of rows in hand */
    uint32_t next;          /* row behind it */
    uint64_t end;           /* of its recipients */
};

/* Counts rows until they include a recipient. */
static int find_owner(struct spr_segment_reader *reader, struct owner *owner, uint64_t item,
                      struct spr_fault *fault)
{
    const struct spr_segment *segment = reader->segment;
    while (owner->end <= item) {
        const uint32_t row = owner->next;
        uint32_t count = 0;
        if (row == segment->rows) {
            return spr_segment_corrupt(segment, segment->map + SPR_SEGMENT_AT_RECIPIENTS,
                                       "a recipient belongs to no row", fault);
        }
        if (row % SPR_COLUMN_BLOCK == 0) {
            const int r = spr_segment_keys(reader, SPR_AT_RCPT_COUNT, row / SPR_COLUMN_BLOCK,
                                           &owner->counts, &count, fault);
            if (r < 0) {
                return r;
            }
        }
        const uint64_t recipients = owner->counts[row % SPR_COLUMN_BLOCK];
        if (recipients > segment->recipients) {
            return spr_segment_corrupt(segment, segment->map + SPR_SEGMENT_AT_RECIPIENTS,
                                       "rows have more recipients than the segment", fault);
        }
        owner->end += recipients;
        owner->next++;
    }
    return 0;
}

/* Keeps the hits whose state is wanted. */
static int keep_state(struct spr_segment_reader *reader, enum spr_segment_rcpt_state state,
                      uint32_t block, uint64_t hits[WORDS], struct spr_fault *fault)
{
    const uint64_t *keys = NULL;
    uint32_t count = 0;
    const int r = spr_segment_keys(reader, SPR_AT_RCPT_STATE, block, &keys, &count, fault);
    for (uint32_t i = 0; r == 0 && i < count; i++) {
        const bool is_pending = keys[i] == SPR_RECIPIENT_PENDING;
        if (is_pending != (state == SPR_RCPT_PENDING)) {
            hits[i / 64] &= ~(UINT64_C(1) << (i % 64));
        }
    }
    return r;
}

/* The next hit at or after an index of the block; SPR_COLUMN_BLOCK: none. */
static uint32_t next_hit(const uint64_t hits[WORDS], uint64_t from)
{
    if (from >= SPR_COLUMN_BLOCK) {
        return SPR_COLUMN_BLOCK;
    }
    size_t word = (size_t)from / 64;
    uint64_t rest = hits[word] & UINT64_MAX << (from % 64);
    while (rest == 0) {
        if (++word == WORDS) {
            return SPR_COLUMN_BLOCK;
        }
        rest = hits[word];
    }
    return (uint32_t)(word * 64) + (uint32_t)__builtin_ctzll(rest);
}

/* Sets the rows that the hits of a block belong to; the one counted last has a hit already. */
static int add_owners(struct spr_segment_reader *reader, uint32_t block, const uint64_t hits[WORDS],
                      struct owner *owner, uint64_t *rows, struct spr_fault *fault)
{
    const uint64_t start = (uint64_t)block * SPR_COLUMN_BLOCK;
    uint64_t from = owner->end > start ? owner->end - start : 0;
    int r = 0;
    for (uint32_t hit = next_hit(hits, from); r == 0 && hit < SPR_COLUMN_BLOCK;
         hit = next_hit(hits, from)) {
        r = find_owner(reader, owner, start + hit, fault);
        if (r == 0) {
            rows[(owner->next - 1) / 64] |= UINT64_C(1) << ((owner->next - 1) % 64);
            from = owner->end - start;
        }
    }
    return r;
}

int spr_segment_rows_with_recipient(struct spr_segment_reader *reader,
                                    struct spr_segment_rcpt_field field,
                                    const struct spr_string_set *set, uint64_t *rows,
                                    struct spr_fault *fault)
{
    const struct spr_segment *segment = reader->segment;
    struct sought sought[2];
    unsigned count = 0;
    if (field.text == SPR_RCPT_ERRORS) {
        count += seek(segment, SPR_AT_RCPT_ERROR, SPR_CLASS_OTHER, 1, set, &sought[count]);
    } else {
        count += seek(segment, SPR_AT_RCPT_ADDRESS, SPR_CLASS_RECIPIENTS, 1, set, &sought[count]);
        count += seek(segment, SPR_AT_RCPT_ORIGINAL, SPR_CLASS_RECIPIENTS, SPR_KEY_SAME + 1, set,
                      &sought[count]);
    }
    struct owner owner = { 0 };
    int r = 0;
    for (uint32_t block = 0; r == 0 && count > 0 && block < blocks_of(segment->recipients);
         block++) {
        uint64_t hits[WORDS] = { 0 };
        for (unsigned i = 0; r == 0 && i < count; i++) {
            r = mark_block(reader, &sought[i], block, hits, fault);
        }
        if (r == 0 && next_hit(hits, 0) == SPR_COLUMN_BLOCK) {
            continue;
        }
        if (r == 0 && field.state != SPR_RCPT_ANY) {
            r = keep_state(reader, field.state, block, hits, fault);
        }
        if (r == 0) {
            r = add_owners(reader, block, hits, &owner, rows, fault);
        }
    }
    return r;
}
