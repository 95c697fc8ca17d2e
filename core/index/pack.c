/*
 * Growable bytes, little-endian loads and stores, varints.
 */
#include "core/index/pack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int spr_bytes_reserve(struct spr_bytes *bytes, size_t more)
{
    if (more <= bytes->capacity - bytes->length) {
        return 0;
    }
    size_t needed;
    if (__builtin_add_overflow(bytes->length, more, &needed) || needed > SIZE_MAX / 2) {
        return -ENOMEM;
    }
    size_t capacity = bytes->capacity + bytes->capacity / 2;
    if (capacity < needed) {
        capacity = needed;
    }
    if (capacity < 64) {
        capacity = 64;
    }
    uint8_t *at = realloc(bytes->at, capacity);
    if (at == NULL) {
        return -ENOMEM;
    }
    bytes->at = at;
    bytes->capacity = capacity;
    return 0;
}

void spr_bytes_free(struct spr_bytes *bytes)
{
    free(bytes->at);
    *bytes = (struct spr_bytes){ 0 };
}

void spr_bytes_put_u8(struct spr_bytes *bytes, uint8_t value)
{
    bytes->at[bytes->length++] = value;
}

void spr_bytes_put_u32(struct spr_bytes *bytes, uint32_t value)
{
    spr_store_u32(bytes->at + bytes->length, value);
    bytes->length += 4;
}

void spr_bytes_put_u64(struct spr_bytes *bytes, uint64_t value)
{
    spr_store_u64(bytes->at + bytes->length, value);
    bytes->length += 8;
}

void spr_bytes_put_varint(struct spr_bytes *bytes, uint64_t value)
{
    while (value >= 0x80) {
        bytes->at[bytes->length++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    bytes->at[bytes->length++] = (uint8_t)value;
}

void spr_bytes_put_raw(struct spr_bytes *bytes, const void *from, size_t length)
{
    if (length > 0) {
        memcpy(bytes->at + bytes->length, from, length);
        bytes->length += length;
    }
}

void spr_bytes_put_text(struct spr_bytes *bytes, struct spr_text text)
{
    spr_bytes_put_varint(bytes, text.length);
    spr_bytes_put_raw(bytes, text.bytes, text.length);
}

bool spr_pack_varint(const uint8_t **at, const uint8_t *end, uint64_t *ret_value)
{
    uint64_t value = 0;
    const uint8_t *from = *at;
    for (unsigned shift = 0; shift < 64 && from < end; shift += 7) {
        const uint8_t byte = *from++;
        if (shift == 63 && byte > 1) {
            return false;
        }
        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            *at = from;
            *ret_value = value;
            return true;
        }
    }
    return false;
}

bool spr_pack_text(const uint8_t **at, const uint8_t *end, struct spr_text *ret_text)
{
    const uint8_t *from = *at;
    uint64_t length;
    if (!spr_pack_varint(&from, end, &length) || length > (uint64_t)(end - from)) {
        return false;
    }
    *ret_text = (struct spr_text){ from, (size_t)length };
    *at = from + length;
    return true;
}
