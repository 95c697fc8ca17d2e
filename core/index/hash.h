/*
 * Hashing, in one place: XXH3 with a seed. The only file that knows xxHash.
 */
#ifndef SPR_CORE_INDEX_HASH_H
#define SPR_CORE_INDEX_HASH_H

#include <stddef.h>
#include <stdint.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static inline uint64_t spr_hash64(const void *bytes, size_t length, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes, length, seed);
}

#endif
