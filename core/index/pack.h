/*
 * Growable bytes with little-endian puts, and bounds-checked varints (LEB128, at most 10 bytes).
 * Reserve first, then put: a put never fails.
 */
#ifndef SPR_CORE_INDEX_PACK_H
#define SPR_CORE_INDEX_PACK_H

#include "formats/words.h"

#include <endian.h>
#include <stdbool.h>
#include <string.h>

#define SPR_VARINT_MAX 10

struct spr_bytes {
    uint8_t *at;
    size_t length, capacity;
};

/* Room for `more` bytes behind length. -ENOMEM leaves it as it was. */
int spr_bytes_reserve(struct spr_bytes *bytes, size_t more);
void spr_bytes_free(struct spr_bytes *bytes);

/* Into reserved room. */
void spr_bytes_put_u8(struct spr_bytes *bytes, uint8_t value);
void spr_bytes_put_u32(struct spr_bytes *bytes, uint32_t value);
void spr_bytes_put_u64(struct spr_bytes *bytes, uint64_t value);
void spr_bytes_put_varint(struct spr_bytes *bytes, uint64_t value);
void spr_bytes_put_raw(struct spr_bytes *bytes, const void *from, size_t length);
/* Length as varint, then the bytes; SPR_VARINT_MAX + length of room. */
void spr_bytes_put_text(struct spr_bytes *bytes, struct spr_text text);

/* Little-endian loads and stores at any alignment; the caller has checked the bounds. */
static inline uint16_t spr_load_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] | (at[1] << 8));
}

static inline uint32_t spr_load_u32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return le32toh(value);
}

static inline uint64_t spr_load_u64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof(value));
    return le64toh(value);
}

static inline void spr_store_u32(uint8_t *at, uint32_t value)
{
    value = htole32(value);
    memcpy(at, &value, sizeof(value));
}

static inline void spr_store_u64(uint8_t *at, uint64_t value)
{
    value = htole64(value);
    memcpy(at, &value, sizeof(value));
}

/* Advances *at; false when it does not end before end or does not fit 64 bits. */
bool spr_pack_varint(const uint8_t **at, const uint8_t *end, uint64_t *ret_value);
/* The text borrows from the bytes; an empty one has bytes not NULL. */
bool spr_pack_text(const uint8_t **at, const uint8_t *end, struct spr_text *ret_text);

static inline uint64_t spr_zigzag(int64_t value)
{
    return ((uint64_t)value << 1) ^ (uint64_t)(value < 0 ? -1 : 0);
}

static inline int64_t spr_unzigzag(uint64_t value)
{
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

#endif
