/*
 * Two hash tables with linear probing over one block of text: spellings, and the values they
 * belong to. Value 0 stands for messages without a text.
 */
#include "core/query/tally.h"

#include "core/index/hash.h"
#include "formats/cursor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS_START 256
#define NO_SPELLING UINT32_MAX

struct key {
    size_t offset;
    uint32_t length, hash;
};
struct spelling {
    struct key key;
    uint32_t value;
    uint64_t messages;
};
struct value {
    struct key key;
    uint32_t best; /* spelling */
    uint64_t mark, messages, recipients, bytes;
    int64_t first, last;
};
/* Numbers of entries plus one, 0: free. */
struct table {
    uint32_t *slots;
    uint32_t slot_count, used;
};

struct spr_tally {
    uint64_t seed;
    uint8_t *bytes;
    size_t bytes_used, bytes_capacity;
    struct spelling *spellings;
    struct value *values;
    uint32_t spelling_count, spelling_capacity, value_count, value_capacity;
    struct table by_spelling, by_normal;
    uint32_t *ranked; /* values: heap_count of them a heap, the ranks found behind it, backwards */
    uint64_t ranked_count, heap_count;
};

static const struct key *spelling_key(const struct spr_tally *tally, uint32_t number)
{
    return &tally->spellings[number].key;
}

static const struct key *value_key(const struct spr_tally *tally, uint32_t number)
{
    return &tally->values[number].key;
}

typedef const struct key *(*key_fn)(const struct spr_tally *tally, uint32_t number);

static int grow_table(const struct spr_tally *tally, struct table *table, key_fn key_of)
{
    const uint32_t count = table->slot_count == 0 ? SLOTS_START : table->slot_count * 2;
    uint32_t *slots = count > table->slot_count ? calloc(count, sizeof(*slots)) : NULL;
    if (slots == NULL) {
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < table->slot_count; i++) {
        if (table->slots[i] != 0) {
            uint32_t at = key_of(tally, table->slots[i] - 1)->hash & (count - 1);
            while (slots[at] != 0) {
                at = (at + 1) & (count - 1);
            }
            slots[at] = table->slots[i];
        }
    }
    free(table->slots);
    table->slots = slots;
    table->slot_count = count;
    return 0;
}

/* The slot of a text, or the free one where it belongs. */
static uint32_t *find_slot(const struct spr_tally *tally, const struct table *table, key_fn key_of,
                           struct spr_text text, uint32_t hash)
{
    uint32_t at = hash & (table->slot_count - 1);
    while (table->slots[at] != 0) {
        const struct key *key = key_of(tally, table->slots[at] - 1);
        if (key->hash == hash && key->length == text.length &&
            (text.length == 0 ||
             memcmp(tally->bytes + key->offset, text.bytes, text.length) == 0)) {
            break;
        }
        at = (at + 1) & (table->slot_count - 1);
    }
    return &table->slots[at];
}

static int keep_text(struct spr_tally *tally, struct spr_text text, uint32_t hash,
                     struct key *ret_key)
{
    if (tally->bytes_capacity - tally->bytes_used < text.length) {
        const size_t capacity = (tally->bytes_capacity + text.length) * 2;
        uint8_t *bytes = realloc(tally->bytes, capacity);
        if (bytes == NULL) {
            return -ENOMEM;
        }
        tally->bytes = bytes;
        tally->bytes_capacity = capacity;
    }
    if (text.length > 0) {
        memcpy(tally->bytes + tally->bytes_used, text.bytes, text.length);
    }
    *ret_key = (struct key){ tally->bytes_used, (uint32_t)text.length, hash };
    tally->bytes_used += text.length;
    return 0;
}

static int grow_array(void **array, uint32_t *capacity, uint32_t count, size_t item)
{
    if (count < *capacity) {
        return 0;
    }
    const uint32_t wanted = *capacity == 0 ? 64 : *capacity * 2;
    void *grown = wanted > *capacity ? reallocarray(*array, wanted, item) : NULL;
    if (grown == NULL) {
        return -ENOMEM;
    }
    *array = grown;
    *capacity = wanted;
    return 0;
}

static int add_value(struct spr_tally *tally, const struct key *key, uint32_t *ret_value)
{
    void *array = tally->values;
    const int r =
        grow_array(&array, &tally->value_capacity, tally->value_count, sizeof(*tally->values));
    tally->values = array;
    if (r < 0) {
        return r;
    }
    tally->values[tally->value_count] = (struct value){
        .key = *key,
        .best = NO_SPELLING,
        .first = SPR_TIME_UNKNOWN,
        .last = SPR_TIME_UNKNOWN,
    };
    *ret_value = tally->value_count++;
    return 0;
}

static uint32_t hash_text(const struct spr_tally *tally, struct spr_text text)
{
    return (uint32_t)spr_hash64(text.bytes, text.length, tally->seed);
}

/* shared: bytes already kept that equal normal, or NULL. */
static int find_value(struct spr_tally *tally, struct spr_text normal, const struct key *shared,
                      uint32_t *ret_value)
{
    struct table *table = &tally->by_normal;
    if (table->used * UINT64_C(4) >= table->slot_count * UINT64_C(3)) {
        const int r = grow_table(tally, table, value_key);
        if (r < 0) {
            return r;
        }
    }
    const uint32_t hash = hash_text(tally, normal);
    uint32_t *slot = find_slot(tally, table, value_key, normal, hash);
    if (*slot != 0) {
        *ret_value = *slot - 1;
        return 0;
    }
    struct key key;
    int r = 0;
    if (shared != NULL) {
        key = *shared;
    } else {
        r = keep_text(tally, normal, hash, &key);
    }
    uint32_t value = 0;
    if (r == 0) {
        r = add_value(tally, &key, &value);
    }
    if (r < 0) {
        return r;
    }
    *slot = value + 1;
    table->used++;
    *ret_value = value;
    return 0;
}

static int add_spelling(struct spr_tally *tally, struct spr_text spelled, struct spr_text normal,
                        uint32_t hash, uint32_t *ret_spelling)
{
    void *array = tally->spellings;
    int r = grow_array(&array, &tally->spelling_capacity, tally->spelling_count,
                       sizeof(*tally->spellings));
    tally->spellings = array;
    if (r < 0) {
        return r;
    }
    struct spelling spelling = { 0 };
    r = keep_text(tally, spelled, hash, &spelling.key);
    if (r < 0) {
        return r;
    }
    const bool same = spr_texts_equal(spelled, normal);
    r = find_value(tally, normal, same ? &spelling.key : NULL, &spelling.value);
    if (r < 0) {
        return r;
    }
    tally->spellings[tally->spelling_count] = spelling;
    *ret_spelling = tally->spelling_count++;
    return 0;
}

int spr_tally_spelling(struct spr_tally *tally, struct spr_text spelled, struct spr_text normal,
                       uint32_t *ret_spelling)
{
    struct table *table = &tally->by_spelling;
    if (table->used * UINT64_C(4) >= table->slot_count * UINT64_C(3)) {
        const int r = grow_table(tally, table, spelling_key);
        if (r < 0) {
            return r;
        }
    }
    const uint32_t hash = hash_text(tally, spelled);
    uint32_t *slot = find_slot(tally, table, spelling_key, spelled, hash);
    if (*slot == 0) {
        uint32_t number = 0;
        const int r = add_spelling(tally, spelled, normal, hash, &number);
        if (r < 0) {
            return r;
        }
        *slot = number + 1;
        table->used++;
    }
    *ret_spelling = *slot - 1;
    return 0;
}

bool spr_tally_find(const struct spr_tally *tally, struct spr_text spelled, uint32_t *ret_spelling)
{
    const struct table *table = &tally->by_spelling;
    if (table->slot_count == 0) {
        return false;
    }
    const uint32_t slot =
        *find_slot(tally, table, spelling_key, spelled, hash_text(tally, spelled));
    if (slot != 0) {
        *ret_spelling = slot - 1;
    }
    return slot != 0;
}

void spr_tally_count(struct spr_tally *tally, uint32_t spelling,
                     const struct spr_tally_message *message)
{
    const bool known = spelling != SPR_TALLY_UNKNOWN;
    struct value *value = &tally->values[known ? tally->spellings[spelling].value : 0];
    value->recipients += message->recipients;
    if (value->mark == message->mark) {
        return;
    }
    value->mark = message->mark;
    value->messages++;
    value->bytes += message->bytes;
    if (message->arrival != SPR_TIME_UNKNOWN) {
        if (value->first == SPR_TIME_UNKNOWN || message->arrival < value->first) {
            value->first = message->arrival;
        }
        if (value->last == SPR_TIME_UNKNOWN || message->arrival > value->last) {
            value->last = message->arrival;
        }
    }
    if (known) {
        tally->spellings[spelling].messages++;
    }
}

/* Does value a rank before value b? */
static bool ranks_before(const struct spr_tally *tally, uint32_t a, uint32_t b)
{
    const struct value *left = &tally->values[a];
    const struct value *right = &tally->values[b];
    if (left->messages != right->messages) {
        return left->messages > right->messages;
    }
    const struct key *one = &left->key;
    const struct key *other = &right->key;
    const uint32_t shorter = one->length < other->length ? one->length : other->length;
    const int r =
        shorter > 0 ? memcmp(tally->bytes + one->offset, tally->bytes + other->offset, shorter) : 0;
    return r != 0 ? r < 0 : one->length < other->length;
}

/* Makes the first count values of ranked a heap again, whose place `at` may be too far up. */
static void sift_down(struct spr_tally *tally, uint64_t at, uint64_t count)
{
    uint32_t *heap = tally->ranked;
    const uint32_t value = heap[at];
    for (uint64_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && ranks_before(tally, heap[child + 1], heap[child])) {
            child++;
        }
        if (!ranks_before(tally, heap[child], value)) {
            break;
        }
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = value;
}

/* Takes values off the heap until the one of this rank is; the last place has rank 0. */
static uint32_t value_of_rank(struct spr_tally *tally, uint64_t rank)
{
    while (tally->ranked_count - tally->heap_count <= rank) {
        const uint64_t last = --tally->heap_count;
        const uint32_t first = tally->ranked[0];
        tally->ranked[0] = tally->ranked[last];
        tally->ranked[last] = first;
        sift_down(tally, 0, last);
    }
    return tally->ranked[tally->ranked_count - 1 - rank];
}

int spr_tally_rank(struct spr_tally *tally)
{
    for (uint32_t i = 0; i < tally->spelling_count; i++) {
        struct value *value = &tally->values[tally->spellings[i].value];
        if (value->best == NO_SPELLING ||
            tally->spellings[i].messages > tally->spellings[value->best].messages) {
            value->best = i;
        }
    }
    tally->ranked = malloc(((size_t)tally->value_count + 1) * sizeof(uint32_t));
    if (tally->ranked == NULL) {
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < tally->value_count; i++) {
        if (tally->values[i].messages > 0) {
            tally->ranked[tally->ranked_count++] = i;
        }
    }
    tally->heap_count = tally->ranked_count;
    for (uint64_t at = tally->heap_count / 2; at-- > 0;) {
        sift_down(tally, at, tally->heap_count);
    }
    return 0;
}

uint64_t spr_tally_values(const struct spr_tally *tally)
{
    return tally->value_count - 1; /* value 0 is none */
}

uint64_t spr_tally_size(const struct spr_tally *tally)
{
    return tally->ranked_count;
}

static struct spr_text text_of(const struct spr_tally *tally, const struct key *key)
{
    static const uint8_t nothing[1] = { 0 };
    return (struct spr_text){ key->length > 0 ? tally->bytes + key->offset : nothing, key->length };
}

void spr_tally_row(struct spr_tally *tally, uint64_t rank, struct spr_top_row *ret_row,
                   struct spr_text *ret_normal)
{
    const uint32_t number = value_of_rank(tally, rank);
    const struct value *value = &tally->values[number];
    const struct spr_text unknown = { NULL, 0 };
    *ret_row = (struct spr_top_row){
        .value = number == 0 ? unknown : text_of(tally, &tally->spellings[value->best].key),
        .messages = value->messages,
        .recipients = value->recipients,
        .bytes = value->bytes,
        .first = value->first,
        .last = value->last,
    };
    *ret_normal = number == 0 ? unknown : text_of(tally, &value->key);
}

int spr_tally_new(uint64_t seed, struct spr_tally **ret_tally)
{
    struct spr_tally *tally = calloc(1, sizeof(*tally));
    if (tally == NULL) {
        return -ENOMEM;
    }
    tally->seed = seed;
    uint32_t unknown = 0;
    const struct key none = { 0, 0, 0 };
    const int r = add_value(tally, &none, &unknown);
    if (r < 0) {
        spr_tally_free(tally);
        return r;
    }
    *ret_tally = tally;
    return 0;
}

void spr_tally_free(struct spr_tally *tally)
{
    if (tally == NULL) {
        return;
    }
    free(tally->bytes);
    free(tally->spellings);
    free(tally->values);
    free(tally->by_spelling.slots);
    free(tally->by_normal.slots);
    free(tally->ranked);
    free(tally);
}
