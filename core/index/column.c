/*
 * Packing and unpacking of fixed-width blocks.
 *
 * A directory entry: base u64, checksum u64, payload offset in 8-byte words u32, number of
 * dictionary keys u16 (0: none), width in bits u8, flags u8.
 */
#include "core/index/column.h"

#include "core/index/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS 1024 /* of the set that counts distinct keys; four times SPR_COLUMN_DISTINCT_MAX */

struct block_shape {
    uint64_t base;
    uint16_t distinct;
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

static uint64_t words_of(uint64_t items, unsigned width)
{
    return (items * width + 63) / 64;
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

static struct block_shape choose_range(const uint64_t *keys, uint32_t count)
{
    uint64_t low = UINT64_MAX;
    uint64_t high = 0;
    bool has_zero = false;
    for (uint32_t i = 0; i < count; i++) {
        if (keys[i] == 0) {
            has_zero = true;
            continue;
        }
        low = keys[i] < low ? keys[i] : low;
        high = keys[i] > high ? keys[i] : high;
    }
    if (high == 0) {
        return (struct block_shape){ .base = 0 };
    }
    return (struct block_shape){
        .base = low,
        .width = bits_of(high - low + (has_zero ? 1 : 0)),
        .flags = has_zero ? SPR_COLUMN_HAS_ZERO : 0,
    };
}

/* The smaller of the two forms. */
static struct block_shape choose_shape(const uint64_t *keys, uint32_t count, struct key_set *set)
{
    const struct block_shape range = choose_range(keys, count);
    set->count = 0;
    memset(set->slots, 0, sizeof(set->slots));
    for (uint32_t i = 0; i < count; i++) {
        if (set_index(set, keys[i]) < 0) {
            return range;
        }
    }
    const uint8_t width = bits_of(set->count - 1);
    if (set->count + words_of(count, width) >= words_of(count, range.width)) {
        return range;
    }
    return (struct block_shape){ .distinct = (uint16_t)set->count, .width = width };
}

static uint64_t code_of(const struct block_shape *shape, struct key_set *set, uint64_t key)
{
    if (shape->distinct > 0) {
        return (uint64_t)set_index(set, key);
    }
    if (shape->flags & SPR_COLUMN_HAS_ZERO) {
        return key == 0 ? 0 : key - shape->base + 1;
    }
    return key - shape->base;
}

static void put_code(uint8_t *words, uint64_t index, unsigned width, uint64_t code)
{
    if (width == 0) {
        return;
    }
    const uint64_t bit = index * width;
    const unsigned shift = (unsigned)(bit % 64);
    uint8_t *at = words + bit / 64 * 8;
    spr_store_u64(at, spr_load_u64(at) | code << shift);
    if (shift + width > 64) {
        spr_store_u64(at + 8, spr_load_u64(at + 8) | code >> (64 - shift));
    }
}

static uint64_t take_code(const uint8_t *words, uint64_t index, unsigned width)
{
    if (width == 0) {
        return 0;
    }
    const uint64_t bit = index * width;
    const unsigned shift = (unsigned)(bit % 64);
    const uint8_t *at = words + bit / 64 * 8;
    uint64_t code = spr_load_u64(at) >> shift;
    if (shift + width > 64) {
        code |= spr_load_u64(at + 8) << (64 - shift);
    }
    return width == 64 ? code : code & ((UINT64_C(1) << width) - 1);
}

static void flush_staged(struct spr_column_builder *column)
{
    const uint32_t count = column->staged_count;
    struct key_set set;
    const struct block_shape shape = choose_shape(column->staged, count, &set);
    uint8_t *start = column->payload.at + column->payload.length;
    const uint64_t offset = column->payload.length / 8;
    for (unsigned i = 0; i < shape.distinct; i++) {
        spr_bytes_put_u64(&column->payload, set.keys[i]);
    }
    uint8_t *words = column->payload.at + column->payload.length;
    const size_t word_bytes = (size_t)words_of(count, shape.width) * 8;
    memset(words, 0, word_bytes);
    column->payload.length += word_bytes;
    for (uint32_t i = 0; i < count; i++) {
        put_code(words, i, shape.width, code_of(&shape, &set, column->staged[i]));
    }
    const size_t length = (size_t)(column->payload.at + column->payload.length - start);

    spr_bytes_put_u64(&column->directory, shape.base);
    spr_bytes_put_u64(&column->directory, spr_hash64(start, length, 0));
    spr_bytes_put_u32(&column->directory, (uint32_t)offset);
    spr_bytes_put_u8(&column->directory, (uint8_t)shape.distinct);
    spr_bytes_put_u8(&column->directory, (uint8_t)(shape.distinct >> 8));
    spr_bytes_put_u8(&column->directory, shape.width);
    spr_bytes_put_u8(&column->directory, shape.flags);
    column->staged_count = 0;
}

int spr_column_reserve(struct spr_column_builder *column, uint64_t more)
{
    /* One block more than fills up, at full width: also room for spr_column_finish. */
    const uint64_t blocks = (column->staged_count + more) / SPR_COLUMN_BLOCK + 1;
    const uint64_t block_bytes = SPR_COLUMN_BLOCK * 8;
    if (more > SIZE_MAX / 64 ||
        column->payload.length / 8 + blocks * SPR_COLUMN_BLOCK > UINT32_MAX) {
        return -E2BIG;
    }
    int r = spr_bytes_reserve(&column->directory, (size_t)blocks * SPR_COLUMN_ENTRY_BYTES);
    if (r < 0) {
        return r;
    }
    return spr_bytes_reserve(&column->payload, (size_t)(blocks * block_bytes));
}

void spr_column_push(struct spr_column_builder *column, uint64_t key)
{
    column->staged[column->staged_count++] = key;
    column->count++;
    if (column->staged_count == SPR_COLUMN_BLOCK) {
        flush_staged(column);
    }
}

uint64_t spr_column_built(const struct spr_column_builder *column, uint64_t index)
{
    const uint64_t packed = column->count - column->staged_count;
    if (index >= packed) {
        return column->staged[index - packed];
    }
    const struct spr_column_view view = {
        .directory = column->directory.at,
        .payload = column->payload.at,
        .count = packed,
        .payload_bytes = column->payload.length,
        .blocks = (uint32_t)(column->directory.length / SPR_COLUMN_ENTRY_BYTES),
    };
    uint64_t key = 0;
    (void)spr_column_key(&view, index, &key); /* our own packing: always inside */
    return key;
}

void spr_column_finish(struct spr_column_builder *column)
{
    if (column->staged_count > 0) {
        flush_staged(column);
    }
}

void spr_column_clear(struct spr_column_builder *column)
{
    column->directory.length = 0;
    column->payload.length = 0;
    column->count = 0;
    column->staged_count = 0;
}

void spr_column_free(struct spr_column_builder *column)
{
    spr_bytes_free(&column->directory);
    spr_bytes_free(&column->payload);
}

size_t spr_column_memory(const struct spr_column_builder *column)
{
    return sizeof(*column) + column->directory.capacity + column->payload.capacity;
}

static uint32_t items_of(const struct spr_column_view *view, uint32_t block)
{
    const uint64_t left = view->count - (uint64_t)block * SPR_COLUMN_BLOCK;
    return left < SPR_COLUMN_BLOCK ? (uint32_t)left : SPR_COLUMN_BLOCK;
}

static struct block_shape shape_of(const struct spr_column_view *view, uint32_t block)
{
    const uint8_t *entry = view->directory + (size_t)block * SPR_COLUMN_ENTRY_BYTES;
    return (struct block_shape){
        .base = spr_load_u64(entry),
        .distinct = spr_load_u16(entry + 20),
        .width = entry[22],
        .flags = entry[23],
    };
}

static uint64_t bytes_of(const struct spr_column_view *view, uint32_t block)
{
    const struct block_shape shape = shape_of(view, block);
    return (shape.distinct + words_of(items_of(view, block), shape.width)) * 8;
}

uint64_t spr_column_offset(const struct spr_column_view *view, uint32_t block)
{
    return (uint64_t)spr_load_u32(view->directory + (size_t)block * SPR_COLUMN_ENTRY_BYTES + 16) *
           8;
}

bool spr_column_check(const struct spr_column_view *view, uint32_t *ret_block)
{
    for (uint32_t block = 0; block < view->blocks; block++) {
        const struct block_shape shape = shape_of(view, block);
        const uint64_t offset = spr_column_offset(view, block);
        if (shape.width > 64 || shape.distinct > SPR_COLUMN_DISTINCT_MAX ||
            (shape.flags & ~SPR_COLUMN_HAS_ZERO) != 0 || offset > view->payload_bytes ||
            bytes_of(view, block) > view->payload_bytes - offset) {
            *ret_block = block;
            return false;
        }
    }
    return true;
}

bool spr_column_verify(const struct spr_column_view *view, uint32_t block)
{
    const uint8_t *entry = view->directory + (size_t)block * SPR_COLUMN_ENTRY_BYTES;
    return spr_hash64(view->payload + spr_column_offset(view, block), (size_t)bytes_of(view, block),
                      0) == spr_load_u64(entry + 8);
}

bool spr_column_key(const struct spr_column_view *view, uint64_t index, uint64_t *ret_key)
{
    const uint32_t block = (uint32_t)(index / SPR_COLUMN_BLOCK);
    const struct block_shape shape = shape_of(view, block);
    const uint8_t *words = view->payload + spr_column_offset(view, block);
    const uint64_t code =
        take_code(words + (size_t)shape.distinct * 8, index % SPR_COLUMN_BLOCK, shape.width);
    if (shape.distinct > 0) {
        if (code >= shape.distinct) {
            return false;
        }
        *ret_key = spr_load_u64(words + code * 8);
        return true;
    }
    if (shape.flags & SPR_COLUMN_HAS_ZERO) {
        *ret_key = code == 0 ? 0 : shape.base + code - 1;
        return true;
    }
    *ret_key = shape.base + code;
    return true;
}
