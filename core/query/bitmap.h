/*
 * Sets of row numbers and of string ids: one bit each, in 64-bit words.
 */
#ifndef SPR_CORE_QUERY_BITMAP_H
#define SPR_CORE_QUERY_BITMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

static inline size_t spr_bitmap_words(uint32_t bits)
{
    return ((size_t)bits + 63) / 64;
}

/* All clear; never NULL for want of bits. NULL: no memory. */
static inline uint64_t *spr_bitmap_new(uint32_t bits)
{
    return calloc(spr_bitmap_words(bits) + 1, sizeof(uint64_t));
}

static inline bool spr_bitmap_has(const uint64_t *bitmap, uint32_t bit)
{
    return ((bitmap[bit / 64] >> (bit % 64)) & 1) != 0;
}

static inline void spr_bitmap_set(uint64_t *bitmap, uint32_t bit)
{
    bitmap[bit / 64] |= (uint64_t)1 << (bit % 64);
}

static inline uint64_t spr_bitmap_count(const uint64_t *bitmap, uint32_t bits)
{
    uint64_t count = 0;
    for (size_t i = 0; i < spr_bitmap_words(bits); i++) {
        count += (uint64_t)__builtin_popcountll(bitmap[i]);
    }
    return count;
}

static inline bool spr_bitmap_empty(const uint64_t *bitmap, uint32_t bits)
{
    for (size_t i = 0; i < spr_bitmap_words(bits); i++) {
        if (bitmap[i] != 0) {
            return false;
        }
    }
    return true;
}

/* The first set bit at or after from, or bits if there is none. */
static inline uint32_t spr_bitmap_next(const uint64_t *bitmap, uint32_t bits, uint32_t from)
{
    if (from >= bits) {
        return bits;
    }
    size_t word = from / 64;
    uint64_t rest = bitmap[word] & (UINT64_MAX << (from % 64));
    while (rest == 0) {
        word++;
        if (word >= spr_bitmap_words(bits)) {
            return bits;
        }
        rest = bitmap[word];
    }
    const uint32_t bit = (uint32_t)(word * 64) + (uint32_t)__builtin_ctzll(rest);
    return bit < bits ? bit : bits;
}

#endif
