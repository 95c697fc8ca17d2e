/*
 * Numbers are their own keys. Texts are gathered, ranked, and the rank is the key.
 */
#include "core/query/order.h"

#include "core/index/address.h"
#include "core/query/bitmap.h"

#include <errno.h>
#include <string.h>

#define KEY_UNKNOWN INT64_MIN

/* Distinct texts of one sort, in one block of memory. */
struct texts {
    uint8_t *bytes;
    size_t used, capacity;
    struct text_at *items;
    size_t count, item_capacity;
};
struct text_at {
    size_t offset, length;
    size_t number; /* order of arrival: what entries carry until ranks are known */
};

static int add_text(struct texts *texts, struct spr_text text, int64_t *ret_number)
{
    if (texts->count == texts->item_capacity) {
        const size_t capacity = texts->item_capacity == 0 ? 256 : texts->item_capacity * 2;
        struct text_at *items = reallocarray(texts->items, capacity, sizeof(*items));
        if (items == NULL) {
            return -ENOMEM;
        }
        texts->items = items;
        texts->item_capacity = capacity;
    }
    if (texts->capacity - texts->used < text.length) {
        const size_t capacity = (texts->capacity + text.length) * 2;
        uint8_t *bytes = realloc(texts->bytes, capacity);
        if (bytes == NULL) {
            return -ENOMEM;
        }
        texts->bytes = bytes;
        texts->capacity = capacity;
    }
    if (text.length > 0) {
        memcpy(texts->bytes + texts->used, text.bytes, text.length);
    }
    texts->items[texts->count] = (struct text_at){ texts->used, text.length, texts->count };
    texts->used += text.length;
    *ret_number = (int64_t)texts->count++;
    return 0;
}

static int compare_texts(const void *left, const void *right, void *user)
{
    const struct texts *texts = user;
    const struct text_at *a = left;
    const struct text_at *b = right;
    const size_t shorter = a->length < b->length ? a->length : b->length;
    const int r =
        shorter > 0 ? memcmp(texts->bytes + a->offset, texts->bytes + b->offset, shorter) : 0;
    if (r != 0) {
        return r;
    }
    return (a->length > b->length) - (a->length < b->length);
}

/* Replaces numbers of arrival by ranks; equal texts share one. */
static int rank_entries(struct texts *texts, struct spr_order_entry *entries, uint64_t count)
{
    int64_t *rank = calloc(texts->count + 1, sizeof(*rank));
    if (rank == NULL) {
        return -ENOMEM;
    }
    if (texts->count > 1) { /* without any there is no array either */
        qsort_r(texts->items, texts->count, sizeof(*texts->items), compare_texts, texts);
    }
    int64_t current = 0;
    for (size_t i = 0; i < texts->count; i++) {
        if (i > 0 && compare_texts(&texts->items[i - 1], &texts->items[i], texts) != 0) {
            current++;
        }
        rank[texts->items[i].number] = current;
    }
    for (uint64_t i = 0; i < count; i++) {
        if (entries[i].key != KEY_UNKNOWN) {
            entries[i].key = rank[entries[i].key];
        }
    }
    free(rank);
    return 0;
}

/* Keys of one segment's rows. */
struct keys {
    enum spr_sort sort;
    struct spr_segment_reader *reader;
    struct texts texts;
    int64_t *number_of_id; /* sender: string id to number of arrival, -1 not seen */
    uint32_t string_count;
    struct spr_fault *fault;
};

static int sender_key(struct keys *keys, uint32_t row, int64_t *ret_key)
{
    uint32_t id = SPR_STRING_NONE;
    int r = spr_segment_text_id(keys->reader, row, SPR_COLUMN_SENDER, &id, keys->fault);
    if (r < 0) {
        return r;
    }
    *ret_key = KEY_UNKNOWN;
    if (id >= keys->string_count) {
        return 0;
    }
    if (keys->number_of_id[id] < 0) {
        struct spr_text text;
        uint8_t form[SPR_ADDRESS_MAX];
        r = spr_segment_string(keys->reader, id, &text, keys->fault);
        if (r < 0) {
            return r;
        }
        const struct spr_text normal = { form, spr_address_normalise(text, form) };
        r = add_text(&keys->texts, normal, &keys->number_of_id[id]);
        if (r < 0) {
            return r;
        }
    }
    *ret_key = keys->number_of_id[id];
    return 0;
}

static int row_key(struct keys *keys, uint32_t row, int64_t *ret_key)
{
    struct spr_segment_facts facts;
    struct spr_text id;
    int r = 0;
    switch (keys->sort) {
    case SPR_SORT_NONE:
        *ret_key = 0;
        return 0;
    case SPR_SORT_ARRIVAL:
        return spr_segment_number(keys->reader, row, SPR_NUMBER_ARRIVAL, ret_key, keys->fault);
    case SPR_SORT_SIZE:
        return spr_segment_number(keys->reader, row, SPR_NUMBER_SIZE, ret_key, keys->fault);
    case SPR_SORT_SENDER:
        return sender_key(keys, row, ret_key);
    case SPR_SORT_ID:
        r = spr_segment_queue_id(keys->reader, row, &id, keys->fault);
        return r < 0 ? r : add_text(&keys->texts, id, ret_key);
    case SPR_SORT_RECIPIENTS:
        r = spr_segment_facts(keys->reader, row, &facts, keys->fault);
        if (r == 0) {
            *ret_key = facts.recipient_count;
        }
        return r;
    }
    return r;
}

static int segment_keys(struct keys *keys, const struct spr_segment *segment, uint32_t number,
                        const uint64_t *rows, struct spr_order_entry *entries, uint64_t *used)
{
    const uint32_t row_count = spr_segment_count(segment);
    keys->string_count = spr_segment_string_count(segment);
    int r = spr_segment_reader_new(segment, &keys->reader);
    if (r < 0) {
        return r;
    }
    if (keys->sort == SPR_SORT_SENDER) {
        keys->number_of_id = malloc(((size_t)keys->string_count + 1) * sizeof(int64_t));
        if (keys->number_of_id == NULL) {
            r = -ENOMEM;
            goto done;
        }
        memset(keys->number_of_id, 0xff, ((size_t)keys->string_count + 1) * sizeof(int64_t));
    }
    for (uint32_t row = spr_bitmap_next(rows, row_count, 0); row < row_count;
         row = spr_bitmap_next(rows, row_count, row + 1)) {
        struct spr_order_entry *entry = &entries[(*used)++];
        *entry = (struct spr_order_entry){ 0, number, row };
        r = row_key(keys, row, &entry->key);
        if (r < 0) {
            goto done;
        }
    }

done:
    free(keys->number_of_id);
    keys->number_of_id = NULL;
    spr_segment_reader_free(keys->reader);
    keys->reader = NULL;
    return r;
}

static int compare_entries(const void *left, const void *right, void *user)
{
    const bool *descending = user;
    const struct spr_order_entry *a = left;
    const struct spr_order_entry *b = right;
    if (a->key != b->key) {
        if (a->key == KEY_UNKNOWN || b->key == KEY_UNKNOWN) {
            return a->key == KEY_UNKNOWN ? 1 : -1;
        }
        const int r = a->key < b->key ? -1 : 1;
        return *descending ? -r : r;
    }
    if (a->segment != b->segment) {
        return a->segment < b->segment ? -1 : 1;
    }
    return (a->row > b->row) - (a->row < b->row);
}

int spr_order_make(const struct spr_snapshot *snapshot, const struct spr_selection *selection,
                   enum spr_sort sort, bool descending, struct spr_order_entry **ret_entries,
                   struct spr_fault *fault)
{
    struct keys keys = { .sort = sort, .fault = fault };
    struct spr_order_entry *entries = calloc(selection->count + 1, sizeof(*entries));
    if (entries == NULL) {
        return -ENOMEM;
    }
    int r = 0;
    uint64_t used = 0;
    for (uint32_t i = 0; i < selection->segment_count && r == 0; i++) {
        r = segment_keys(&keys, snapshot->segments[i], i, selection->rows[i], entries, &used);
    }
    if (r == 0 && (sort == SPR_SORT_SENDER || sort == SPR_SORT_ID)) {
        r = rank_entries(&keys.texts, entries, used);
    }
    free(keys.texts.items);
    free(keys.texts.bytes);
    if (r < 0) {
        free(entries);
        return r;
    }
    qsort_r(entries, used, sizeof(*entries), compare_entries, &descending);
    *ret_entries = entries;
    return 0;
}
