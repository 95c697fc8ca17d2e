/*
 * Packing blocks of keys: the smallest of the forms that the column's packing allows.
 *
 * A directory entry: low u64, high u64, checksum u64, payload offset in 8-byte words u32, words
 * u16, width in bits u8, flags u8.
 */
#include "core/index/column.h"
#include "core/index/hash.h"

#include <errno.h>
#include <stdlib.h>

#define SLOTS            1024 /* of the set that counts distinct keys; four times SPR_COLUMN_DISTINCT_MAX */
#define PLANES_ITEMS_MIN 64 /* a frame's own bytes outweigh what fewer could save */

struct range {
    uint64_t low, high; /* of keys that are not 0 */
    bool has_zero;
};

struct form {
    uint64_t head; /* dictionary keys, first key or next new key; none where flags say neither */
    uint8_t width, flags;
};

struct key_set {
    uint64_t keys[SPR_COLUMN_DISTINCT_MAX];
    uint16_t slots[SLOTS]; /* index + 1 */
    unsigned count;
};

static uint8_t bits_of(uint64_t value)
{
    return value == 0 ? 0 : (uint8_t)(64 - __builtin_clzll(value));
}

static size_t words_of(uint64_t items, unsigned width)
{
    return (size_t)((items * width + 63) / 64);
}

static struct range range_of(const uint64_t *keys, uint32_t count)
{
    uint64_t low = UINT64_MAX; /* of key - 1, where 0 is the largest */
    uint64_t high = 0;
    bool has_zero = false;
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t before = keys[i] - 1;
        low = before < low ? before : low;
        high = keys[i] > high ? keys[i] : high;
        has_zero |= keys[i] == 0;
    }
    return (struct range){ high == 0 ? 0 : low + 1, high, has_zero && high > 0 };
}

static uint64_t range_code(const struct range *range, uint64_t key)
{
    if (!range->has_zero) {
        return key - range->low;
    }
    return key == 0 ? 0 : key - range->low + 1;
}

static uint8_t range_width(const struct range *range)
{
    return bits_of(range_code(range, range->high));
}

/* The key's index in the set, added if missing; -1 when the set is full. */
static int set_index(struct key_set *set, uint64_t key)
{
    unsigned slot = (unsigned)((key * 0x9e3779b97f4a7c15u) >> 54);
    while (set->slots[slot] != 0) {
        const unsigned index = set->slots[slot] - 1u;
        if (set->keys[index] == key) {
            return (int)index;
        }
        slot = (slot + 1) % SLOTS;
    }
    if (set->count == SPR_COLUMN_DISTINCT_MAX) {
        return -1;
    }
    set->keys[set->count++] = key;
    set->slots[slot] = (uint16_t)set->count;
    return (int)set->count - 1;
}

static struct form range_form(const struct range *range, const uint64_t *keys, uint32_t count,
                              uint64_t *codes)
{
    for (uint32_t i = 0; i < count; i++) {
        codes[i] = range_code(range, keys[i]);
    }
    return (struct form){ .width = range_width(range),
                          .flags = range->has_zero ? SPR_COLUMN_HAS_ZERO : 0 };
}

/* Where few keys differ. The set is filled on success. */
static bool dictionary_form(const struct range *range, const uint64_t *keys, uint32_t count,
                            struct key_set *set, uint64_t *codes, struct form *ret_form)
{
    const uint8_t wide = range_width(range);
    if (wide < 2) {
        return false;
    }
    set->count = 0;
    memset(set->slots, 0, sizeof(set->slots));
    uint64_t last = keys[0];
    uint64_t index = (uint64_t)set_index(set, last);
    for (uint32_t i = 0; i < count; i++) {
        if (keys[i] != last) {
            const int found = set_index(set, keys[i]);
            if (found < 0) {
                return false;
            }
            last = keys[i];
            index = (uint64_t)found;
        }
        codes[i] = index;
    }
    const uint8_t width = bits_of(set->count - 1);
    if (1 + words_of(set->count, wide) + words_of(count, width) >= words_of(count, wide)) {
        return false;
    }
    *ret_form = (struct form){
        .head = set->count,
        .width = width,
        .flags = (uint8_t)(SPR_COLUMN_DICTIONARY | (range->has_zero ? SPR_COLUMN_HAS_ZERO : 0)),
    };
    return true;
}

/* Where differences have fewer bits on average. */
static bool delta_form(const struct range *range, const uint64_t *keys, uint32_t count,
                       uint64_t *codes, struct form *ret_form)
{
    uint64_t bits = 0;
    uint64_t all = 0;
    uint64_t before = keys[0];
    for (uint32_t i = 0; i < count; i++) {
        codes[i] = spr_zigzag((int64_t)(keys[i] - before));
        before = keys[i];
        all |= codes[i];
        bits += bits_of(codes[i]);
    }
    if (bits + count >= (uint64_t)count * range_width(range)) {
        return false;
    }
    *ret_form = (struct form){ .head = keys[0], .width = bits_of(all), .flags = SPR_COLUMN_DELTA };
    return true;
}

/* Where new keys come in order. *next goes on behind the block in any case. */
static bool serial_form(const uint64_t *keys, uint32_t count, uint64_t *next, uint64_t *codes,
                        struct form *ret_form)
{
    const uint64_t first = *next;
    uint64_t expected = first;
    uint64_t all = 0;
    uint32_t met = 0;
    bool has_last = false;
    for (uint32_t i = 0; i < count; i++) {
        const bool is_next = keys[i] == expected;
        codes[i] = is_next ? 0 : keys[i] + 1;
        expected += is_next;
        met += is_next;
        all |= codes[i];
        if (keys[i] > expected) {
            expected = keys[i] + 1;
        }
        has_last |= keys[i] == UINT64_MAX; /* whose code would be 0 */
    }
    *next = expected;
    if (met < count / 64 || has_last) {
        return false;
    }
    *ret_form = (struct form){ .head = first, .width = bits_of(all), .flags = SPR_COLUMN_SERIAL };
    return true;
}

static void put_codes(uint8_t *out, const uint64_t *codes, uint32_t count, unsigned width)
{
    uint64_t word = 0;
    unsigned used = 0;
    for (uint32_t i = 0; i < count && width > 0; i++) {
        word |= codes[i] << used;
        used += width;
        if (used >= 64) {
            spr_store_u64(out, word);
            out += 8;
            used -= 64;
            word = used == 0 ? 0 : codes[i] >> (width - used);
        }
    }
    if (used > 0) {
        spr_store_u64(out, word);
    }
}

/* The codes as planes in packer->planes. 0 where they would not be smaller than `limit`. */
static size_t pack_planes(struct spr_packer *packer, uint32_t count, unsigned width, size_t limit)
{
    size_t used = 0;
    for (unsigned shift = 0; shift < width; shift += 8) {
        size_t length = count;
        if (width <= SPR_COLUMN_NARROW) {
            put_codes(packer->plane, packer->codes, count, width);
            length = words_of(count, width) * 8;
        }
        for (uint32_t i = 0; width > SPR_COLUMN_NARROW && i < count; i++) {
            packer->plane[i] = (uint8_t)(packer->codes[i] >> shift);
        }
        const size_t stored =
            spr_frame_pack(packer->context, packer->plane, length, packer->planes + used + 4,
                           sizeof(packer->planes) - used - 4);
        if (stored == 0 || used + 4 + stored >= limit) {
            return 0;
        }
        spr_store_u32(packer->planes + used, (uint32_t)stored);
        used += 4 + stored;
    }
    return used;
}

static void put_entry(struct spr_column_builder *column, const struct range *range,
                      const struct form *form, size_t start)
{
    struct spr_bytes *directory = &column->directory;
    const size_t length = column->payload.length - start;
    const size_t words = length / 8;
    spr_bytes_put_u64(directory, range->low);
    spr_bytes_put_u64(directory, range->high);
    spr_bytes_put_u64(directory, spr_hash64(column->payload.at + start, length, 0));
    spr_bytes_put_u32(directory, (uint32_t)(start / 8));
    spr_bytes_put_u8(directory, (uint8_t)words);
    spr_bytes_put_u8(directory, (uint8_t)(words >> 8));
    spr_bytes_put_u8(directory, form->width);
    spr_bytes_put_u8(directory, form->flags);
}

static struct form choose_form(struct spr_column_builder *column, const struct range *range,
                               struct key_set *set)
{
    const uint64_t *keys = column->staged;
    const uint32_t count = column->staged_count;
    uint64_t *codes = column->packer->codes;
    struct form form;
    if (column->packing == SPR_PACK_SERIAL &&
        serial_form(keys, count, &column->next, codes, &form)) {
        return form;
    }
    if (dictionary_form(range, keys, count, set, codes, &form)) {
        return form;
    }
    if (column->packing == SPR_PACK_DELTA && delta_form(range, keys, count, codes, &form)) {
        return form;
    }
    return range_form(range, keys, count, codes);
}

static void put_payload(struct spr_column_builder *column, const struct range *range,
                        struct form *form, const struct key_set *set)
{
    struct spr_packer *packer = column->packer;
    struct spr_bytes *payload = &column->payload;
    const uint32_t count = column->staged_count;
    if (form->flags & (SPR_COLUMN_DICTIONARY | SPR_COLUMN_DELTA | SPR_COLUMN_SERIAL)) {
        spr_bytes_put_u64(payload, form->head);
    }
    if (form->flags & SPR_COLUMN_DICTIONARY) {
        uint64_t codes[SPR_COLUMN_DISTINCT_MAX];
        for (unsigned i = 0; i < set->count; i++) {
            codes[i] = range_code(range, set->keys[i]);
        }
        put_codes(payload->at + payload->length, codes, set->count, range_width(range));
        payload->length += words_of(set->count, range_width(range)) * 8;
    }
    const size_t packed = words_of(count, form->width) * 8;
    const size_t planes =
        column->packing == SPR_PACK_PLAIN || count < PLANES_ITEMS_MIN || form->width == 0
            ? 0
            : pack_planes(packer, count, form->width, packed - packed / 16);
    if (planes == 0) {
        put_codes(payload->at + payload->length, packer->codes, count, form->width);
        payload->length += packed;
        return;
    }
    form->flags |= SPR_COLUMN_PLANES;
    spr_bytes_put_raw(payload, packer->planes, planes);
    while (payload->length % 8 != 0) {
        spr_bytes_put_u8(payload, 0);
    }
}

void spr_column_flush(struct spr_column_builder *column)
{
    const size_t start = column->payload.length;
    struct key_set set;
    const struct range range = range_of(column->staged, column->staged_count);
    struct form form = choose_form(column, &range, &set);
    put_payload(column, &range, &form, &set);
    put_entry(column, &range, &form, start);
    column->has_keys |= range.high > 0;
    column->staged_count = 0;
}

/* A whole block of one key. */
static void put_constant(struct spr_column_builder *column, uint64_t key)
{
    const struct range range = { key, key, false };
    const struct form form = { 0 };
    put_entry(column, &range, &form, column->payload.length);
    column->has_keys |= key > 0;
    column->next = key >= column->next ? key + 1 : column->next;
    column->count += SPR_COLUMN_BLOCK;
}

void spr_column_init(struct spr_column_builder *column, enum spr_packing packing,
                     struct spr_packer *packer)
{
    column->packing = packing;
    column->packer = packer;
    column->next = 1;
}

int spr_column_reserve(struct spr_column_builder *column, uint64_t known, uint64_t count)
{
    /* Head, dictionary and codes at full width: planes are smaller. */
    const size_t block_bytes = (1 + SPR_COLUMN_DISTINCT_MAX + SPR_COLUMN_BLOCK) * 8;
    const uint64_t entries = count / SPR_COLUMN_BLOCK + 2;
    const uint64_t blocks = (count - known) / SPR_COLUMN_BLOCK + 3;
    if (count > SIZE_MAX / 64 ||
        column->payload.length / 8 + blocks * block_bytes / 8 > UINT32_MAX) {
        return -E2BIG;
    }
    const size_t wanted = (size_t)entries * SPR_COLUMN_ENTRY_BYTES;
    int r = spr_bytes_reserve(
        &column->directory,
        wanted - (column->directory.length < wanted ? column->directory.length : wanted));
    return r < 0 ? r : spr_bytes_reserve(&column->payload, (size_t)blocks * block_bytes);
}

void spr_column_fill_run(struct spr_column_builder *column, uint64_t key, uint64_t count)
{
    while (column->count < count) {
        const uint64_t left = count - column->count;
        const uint32_t room = SPR_COLUMN_BLOCK - column->staged_count;
        if (room == SPR_COLUMN_BLOCK && left >= room) {
            put_constant(column, key);
            continue;
        }
        const uint32_t run = left < room ? (uint32_t)left : room;
        uint64_t *staged = column->staged + column->staged_count;
        for (uint32_t i = 0; i < run; i++) {
            staged[i] = key;
        }
        column->staged_count += run;
        column->count += run;
        if (run == room) {
            spr_column_flush(column);
        }
    }
}

void spr_column_finish(struct spr_column_builder *column)
{
    if (column->staged_count > 0) {
        spr_column_flush(column);
    }
}

void spr_column_clear(struct spr_column_builder *column)
{
    column->directory.length = 0;
    column->payload.length = 0;
    column->count = 0;
    column->staged_count = 0;
    column->next = 1;
    column->has_keys = false;
}

void spr_column_free(struct spr_column_builder *column)
{
    spr_bytes_free(&column->directory);
    spr_bytes_free(&column->payload);
}

size_t spr_column_memory(const struct spr_column_builder *column)
{
    return sizeof(*column) + column->directory.length + column->payload.length;
}
