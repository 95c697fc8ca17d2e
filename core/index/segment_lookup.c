/*
 * Look-ups. A normal form: tag → strings whose own normal form is compared → the rows that have one
 * of them. A domain: all strings of the class. A queue id: the inode that it names, or its tag,
 * then the ids are compared. Blocks whose keys cannot hold what is looked for are not decoded.
 */
#include "core/fault.h"
#include "core/index/address.h"
#include "core/index/hash.h"
#include "core/index/segment_view.h"
#include "formats/cursor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What is looked for in a column: keys of one class. */
struct wanted {
    uint64_t *keys; /* bitmap over the ids of the class */
    uint32_t count; /* how many are wanted */
    uint32_t low, high;
};

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

/* ---- Strings --------------------------------------------------------------------------------- */

static void want(struct wanted *wanted, uint32_t id)
{
    wanted->keys[id / 64] |= UINT64_C(1) << (id % 64);
    wanted->low = wanted->count == 0 ? id : wanted->low;
    wanted->high = id;
    wanted->count++;
}

static bool is_wanted(const struct wanted *wanted, uint64_t id)
{
    return id >= wanted->low && id <= wanted->high && (wanted->keys[id / 64] >> (id % 64) & 1) != 0;
}

/* Strings of the class with this tag, if it is theirs. */
static int want_tagged(struct spr_segment_reader *reader, enum spr_string_class class,
                       struct spr_text normal, struct wanted *wanted, struct spr_fault *fault)
{
    const struct spr_segment *segment = reader->segment;
    const uint64_t tag = spr_hash64(normal.bytes, normal.length, segment->seed) &
                         (class == SPR_CLASS_RECIPIENTS ? SPR_TAG_RECIPIENTS : SPR_TAG_MASK);
    const uint32_t start = segment->class_start[class];
    const uint32_t end = segment->class_start[class + 1];
    int r = 0;
    for (uint32_t id = start; r == 0 && id < end;) {
        const uint64_t *tags = NULL;
        uint32_t count = 0;
        r = spr_segment_keys(reader, SPR_AT_STRING_TAG, id / SPR_COLUMN_BLOCK, &tags, &count,
                             fault);
        for (uint32_t i = id % SPR_COLUMN_BLOCK; r == 0 && i < count && id < end; i++, id++) {
            struct spr_text text = { NULL, 0 };
            uint8_t form[SPR_ADDRESS_MAX];
            if (tags[i] != tag) {
                continue;
            }
            r = spr_segment_borrow(reader, id, &text, fault);
            if (r == 0 &&
                spr_texts_equal((struct spr_text){ form, spr_address_normalise(text, form) },
                                normal)) {
                want(wanted, id - start);
            }
        }
    }
    return r;
}

/* Strings of the class that have this domain. */
static int want_domain(struct spr_segment_reader *reader, enum spr_string_class class,
                       struct spr_text domain, struct wanted *wanted, struct spr_fault *fault)
{
    const struct spr_segment *segment = reader->segment;
    const uint32_t start = segment->class_start[class];
    int r = 0;
    for (uint32_t id = start; r == 0 && id < segment->class_start[class + 1]; id++) {
        struct spr_text text = { NULL, 0 };
        uint8_t form[SPR_ADDRESS_MAX];
        r = spr_segment_borrow(reader, id, &text, fault);
        if (r < 0) {
            break;
        }
        if (!spr_address_is_normal(text)) {
            text = (struct spr_text){ form, spr_address_normalise(text, form) };
        }
        const struct spr_text own = spr_address_domain(text);
        if (own.bytes != NULL && spr_texts_equal(own, domain)) {
            want(wanted, id - start);
        }
    }
    return r;
}

/* ---- Columns --------------------------------------------------------------------------------- */

/* Next item from `item` on, of the column, whose id is wanted. Keys of ids start at `base`; key 1
 * below a base of 2 is that of the column beside. UINT64_MAX: none. */
struct search {
    unsigned column;
    uint64_t base;
    const struct wanted *wanted;
    uint64_t item; /* found; UINT64_MAX at the end */
};

static bool may_hold(const struct spr_column_view *view, uint32_t block,
                     const struct search *search)
{
    uint64_t low;
    uint64_t high;
    spr_column_bounds(view, block, &low, &high);
    return high >= search->wanted->low + search->base && low <= search->wanted->high + search->base;
}

static int find_next(struct spr_segment_reader *reader, struct search *search, uint64_t from,
                     struct spr_fault *fault)
{
    const struct spr_column_view *view = &reader->segment->columns[search->column];
    uint32_t block = (uint32_t)(from / SPR_COLUMN_BLOCK);
    for (; block < view->blocks; block++, from = (uint64_t)block * SPR_COLUMN_BLOCK) {
        if (!may_hold(view, block, search)) {
            continue;
        }
        const uint64_t *keys = NULL;
        uint32_t count = 0;
        int r = spr_segment_keys(reader, search->column, block, &keys, &count, fault);
        if (r < 0) {
            return r;
        }
        for (uint32_t i = (uint32_t)(from % SPR_COLUMN_BLOCK); i < count; i++) {
            if (keys[i] >= search->base && is_wanted(search->wanted, keys[i] - search->base)) {
                search->item = (uint64_t)block * SPR_COLUMN_BLOCK + i;
                return 0;
            }
        }
    }
    search->item = UINT64_MAX;
    return 0;
}

static int find_rows(struct spr_segment_reader *reader, enum spr_column column,
                     const struct wanted *wanted, struct spr_fault *fault)
{
    struct search search = { SPR_AT_TEXT + (unsigned)column, 1, wanted, 0 };
    int r = find_next(reader, &search, 0, fault);
    while (r == 0 && search.item != UINT64_MAX) {
        r = add_row(reader, (uint32_t)search.item, fault);
        if (r == 0) {
            r = find_next(reader, &search, search.item + 1, fault);
        }
    }
    return r;
}

/* Accounts: their own ids, or "the sender's" where the sender is wanted. */
static int find_accounts(struct spr_segment_reader *reader, const struct wanted *wanted,
                         struct spr_fault *fault)
{
    const struct spr_segment *segment = reader->segment;
    const uint32_t blocks = segment->columns[SPR_AT_TEXT + SPR_COLUMN_ACCOUNT].blocks;
    const struct search own = { SPR_AT_TEXT + SPR_COLUMN_ACCOUNT, SPR_KEY_SAME + 1, wanted, 0 };
    const struct search sender = { SPR_AT_TEXT + SPR_COLUMN_SENDER, 1, wanted, 0 };
    int r = 0;
    for (uint32_t block = 0; r == 0 && block < blocks; block++) {
        uint64_t low;
        uint64_t high;
        const uint64_t *accounts = NULL;
        const uint64_t *senders = NULL;
        uint32_t count = 0;
        spr_column_bounds(&segment->columns[own.column], block, &low, &high);
        const bool may_be_same = low == SPR_KEY_SAME &&
                                 segment->columns[sender.column].blocks > 0 &&
                                 may_hold(&segment->columns[sender.column], block, &sender);
        if (!may_be_same && !may_hold(&segment->columns[own.column], block, &own)) {
            continue;
        }
        r = spr_segment_keys(reader, own.column, block, &accounts, &count, fault);
        if (r == 0) {
            r = spr_segment_keys(reader, sender.column, block, &senders, &count, fault);
        }
        for (uint32_t i = 0; r == 0 && i < count; i++) {
            const bool is_same = accounts[i] == SPR_KEY_SAME;
            const uint64_t key = is_same ? senders[i] : accounts[i] - 1; /* id + 1 */
            if (accounts[i] > 0 && key > 0 && is_wanted(wanted, key - 1)) {
                r = add_row(reader, block * SPR_COLUMN_BLOCK + i, fault);
            }
        }
    }
    return r;
}

/* Rows of recipients: the first of each row that has the address or its original. */
static int find_recipients(struct spr_segment_reader *reader, const struct wanted *wanted,
                           struct spr_fault *fault)
{
    const uint32_t rows = reader->segment->rows;
    struct search address = { SPR_AT_RCPT_ADDRESS, 1, wanted, 0 };
    struct search original = { SPR_AT_RCPT_ORIGINAL, SPR_KEY_SAME + 1, wanted, 0 };
    uint64_t end = 0; /* of the recipients of the rows before `row` */
    uint32_t row = 0;
    int r = find_next(reader, &address, 0, fault);
    if (r == 0) {
        r = find_next(reader, &original, 0, fault);
    }
    while (r == 0) {
        const uint64_t item = address.item < original.item ? address.item : original.item;
        if (item == UINT64_MAX) {
            break;
        }
        while (r == 0 && row < rows && end <= item) {
            uint64_t count = 0;
            r = spr_segment_key_within(reader, SPR_AT_RCPT_COUNT, row++,
                                       reader->segment->recipients, &count, fault);
            end += count;
        }
        if (r == 0 && end <= item) {
            return spr_segment_corrupt(reader->segment,
                                       reader->segment->map + SPR_SEGMENT_AT_RECIPIENTS,
                                       "a recipient belongs to no row", fault);
        }
        if (r == 0) {
            r = add_row(reader, row - 1, fault);
        }
        if (r == 0 && address.item < end) {
            r = find_next(reader, &address, end, fault);
        }
        if (r == 0 && original.item < end) {
            r = find_next(reader, &original, end, fault);
        }
    }
    return r;
}

/* ---- Queue ids ------------------------------------------------------------------------------- */

static int add_if_id(struct spr_segment_reader *reader, uint32_t row, struct spr_text id,
                     struct spr_fault *fault)
{
    struct spr_text own = { NULL, 0 };
    int r = spr_segment_queue_id(reader, row, &own, fault);
    return r == 0 && spr_texts_equal(own, id) ? add_row(reader, row, fault) : r;
}

/* Rows with this key in a column, whose id is the one. */
static int find_key(struct spr_segment_reader *reader, unsigned column, uint64_t key,
                    struct spr_text id, struct spr_fault *fault)
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
                r = add_if_id(reader, block * SPR_COLUMN_BLOCK + i, id, fault);
            }
        }
    }
    return r;
}

static int compare_rows(const void *a, const void *b)
{
    const uint32_t left = *(const uint32_t *)a;
    const uint32_t right = *(const uint32_t *)b;
    return left < right ? -1 : left > right;
}

/* Each shape that the id may have names an inode; ids without a shape have a tag. */
static int find_queue_id(struct spr_segment_reader *reader, struct spr_text id,
                         struct spr_fault *fault)
{
    const uint64_t tag = spr_hash64(id.bytes, id.length, reader->segment->seed) & SPR_TAG_MASK;
    uint64_t inodes[2];
    unsigned count = 0;
    int r = find_key(reader, SPR_AT_ID_TAG, tag + 1, id, fault);
    const uint32_t literals = reader->found_count;
    for (unsigned shape = SPR_ID_HEX; shape <= SPR_ID_BASE52; shape++) {
        if (spr_id_inode((enum spr_id_shape)shape, id, &inodes[count])) {
            count += count == 0 || inodes[count] != inodes[0];
        }
    }
    for (unsigned i = 0; r == 0 && i < count; i++) {
        r = find_key(reader, SPR_AT_INODE, inodes[i], id, fault);
    }
    if (r < 0 || reader->found_count == literals || reader->found_count < 2) {
        return r;
    }
    /* Found by two ways: in order, and once. */
    uint32_t kept = 1;
    qsort(reader->found, reader->found_count, sizeof(*reader->found), compare_rows);
    for (uint32_t i = 1; i < reader->found_count; i++) {
        if (reader->found[i] != reader->found[kept - 1]) {
            reader->found[kept++] = reader->found[i];
        }
    }
    reader->found_count = kept;
    return 0;
}

static int find_strings(struct spr_segment_reader *reader, enum spr_lookup lookup,
                        struct spr_text normal, struct wanted *wanted, struct spr_fault *fault)
{
    switch (lookup) {
    case SPR_LOOKUP_ACCOUNT:
    case SPR_LOOKUP_SENDER:
    case SPR_LOOKUP_LOCAL_USER:
        return want_tagged(reader, SPR_CLASS_PEOPLE, normal, wanted, fault);
    case SPR_LOOKUP_RCPT:
        return want_tagged(reader, SPR_CLASS_RECIPIENTS, normal, wanted, fault);
    case SPR_LOOKUP_CLIENT:
        return want_tagged(reader, SPR_CLASS_CLIENTS, normal, wanted, fault);
    case SPR_LOOKUP_SENDER_DOMAIN:
        return want_domain(reader, SPR_CLASS_PEOPLE, normal, wanted, fault);
    case SPR_LOOKUP_RCPT_DOMAIN:
        return want_domain(reader, SPR_CLASS_RECIPIENTS, normal, wanted, fault);
    case SPR_LOOKUP_QUEUE_ID:
    case SPR_LOOKUP_COUNT:
        break;
    }
    return 0;
}

static int find_text(struct spr_segment_reader *reader, enum spr_lookup lookup,
                     struct spr_text normal, struct spr_fault *fault)
{
    struct wanted wanted = { .keys = calloc(reader->segment->strings / 64u + 1, 8) };
    if (wanted.keys == NULL) {
        return spr_fault_set(fault, -ENOMEM, reader->segment->name, 0, "out of memory");
    }
    int r = find_strings(reader, lookup, normal, &wanted, fault);
    if (r < 0 || wanted.count == 0) {
        free(wanted.keys);
        return r;
    }
    switch (lookup) {
    case SPR_LOOKUP_ACCOUNT:
        r = find_accounts(reader, &wanted, fault);
        break;
    case SPR_LOOKUP_SENDER:
    case SPR_LOOKUP_SENDER_DOMAIN:
        r = find_rows(reader, SPR_COLUMN_SENDER, &wanted, fault);
        break;
    case SPR_LOOKUP_LOCAL_USER:
        r = find_rows(reader, SPR_COLUMN_LOCAL_USER, &wanted, fault);
        break;
    case SPR_LOOKUP_CLIENT:
        r = find_rows(reader, SPR_COLUMN_CLIENT, &wanted, fault);
        break;
    case SPR_LOOKUP_RCPT:
    case SPR_LOOKUP_RCPT_DOMAIN:
        r = find_recipients(reader, &wanted, fault);
        break;
    case SPR_LOOKUP_QUEUE_ID:
    case SPR_LOOKUP_COUNT:
        break;
    }
    free(wanted.keys);
    return r;
}

int spr_segment_lookup(struct spr_segment_reader *reader, enum spr_lookup lookup,
                       struct spr_text normal_form, const uint32_t **ret_rows, uint32_t *ret_count,
                       struct spr_fault *fault)
{
    reader->found_count = 0;
    int r = lookup == SPR_LOOKUP_QUEUE_ID ? find_queue_id(reader, normal_form, fault)
                                          : find_text(reader, lookup, normal_form, fault);
    if (r < 0) {
        return r;
    }
    *ret_rows = reader->found;
    *ret_count = reader->found_count;
    return 0;
}
