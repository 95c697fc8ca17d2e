/*
 * The bounds-checked reader, the small text helpers of every parser, and the look into a file's
 * extents. No take ever reads outside [0, length); offset never passes length.
 */
#include "formats/cursor.h"

#include "formats/format.h"

#include <string.h>

#define VARINT_BYTES_MAX 10 /* 64 bits in groups of 7 */
#define DIGITS_SAFE      19 /* so many always fit 64 bits */

/* What a failed take of bytes yields: known, empty, never NULL. */
static const uint8_t nothing[1] = { 0 };

void spr_cursor_init(struct spr_cursor *c, struct spr_text text)
{
    *c = (struct spr_cursor){ .bytes = text.bytes, .length = text.length };
}

bool spr_cursor_failed(const struct spr_cursor *c)
{
    return c->reason != NULL;
}

void spr_cursor_fail(struct spr_cursor *c, const char *reason)
{
    if (c->reason == NULL) {
        c->reason = reason;
    }
}

size_t spr_cursor_left(const struct spr_cursor *c)
{
    return c->length - c->offset;
}

/* The next length bytes, or NULL and a failed cursor. */
static const uint8_t *take(struct spr_cursor *c, size_t length)
{
    if (c->reason != NULL) {
        return NULL;
    }
    if (length > c->length - c->offset) {
        spr_cursor_fail(c, "ends too early");
        return NULL;
    }
    const uint8_t *bytes = c->bytes == NULL ? nothing : c->bytes + c->offset;
    c->offset += length;
    return bytes;
}

/* A little-endian number of so many bytes; 0 on failure. */
static uint64_t take_little_endian(struct spr_cursor *c, size_t length)
{
    const uint8_t *bytes = take(c, length);
    if (bytes == NULL) {
        return 0;
    }
    uint64_t value = 0;
    for (size_t i = length; i > 0; i--) {
        value = value << 8 | bytes[i - 1];
    }
    return value;
}

uint8_t spr_take_u8(struct spr_cursor *c)
{
    return (uint8_t)take_little_endian(c, 1);
}

uint16_t spr_take_u16le(struct spr_cursor *c)
{
    return (uint16_t)take_little_endian(c, 2);
}

uint32_t spr_take_u32le(struct spr_cursor *c)
{
    return (uint32_t)take_little_endian(c, 4);
}

uint64_t spr_take_u64le(struct spr_cursor *c)
{
    return take_little_endian(c, 8);
}

struct spr_text spr_take_bytes(struct spr_cursor *c, size_t length)
{
    const uint8_t *bytes = take(c, length);
    if (bytes == NULL) {
        return (struct spr_text){ .bytes = nothing };
    }
    return (struct spr_text){ .bytes = bytes, .length = length };
}

uint64_t spr_take_varint(struct spr_cursor *c)
{
    size_t start = c->offset;
    uint64_t value = 0;
    for (unsigned i = 0; i < VARINT_BYTES_MAX; i++) {
        uint8_t byte = spr_take_u8(c);
        if (spr_cursor_failed(c)) {
            c->offset = start;
            return 0;
        }
        if (i == VARINT_BYTES_MAX - 1 && byte > 1) {
            break; /* bits beyond 64, or an eleventh byte */
        }
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if ((byte & 0x80) == 0) {
            return value;
        }
    }
    c->offset = start;
    spr_cursor_fail(c, "number too long");
    return 0;
}

struct spr_text spr_take_line(struct spr_cursor *c)
{
    size_t left = spr_cursor_left(c);
    if (left == 0) {
        spr_cursor_fail(c, "no more lines");
    }
    if (spr_cursor_failed(c)) {
        return (struct spr_text){ .bytes = nothing };
    }
    const uint8_t *start = c->bytes + c->offset;
    const uint8_t *feed = memchr(start, '\n', left);
    size_t length = feed == NULL ? left : (size_t)(feed - start);
    c->offset += feed == NULL ? length : length + 1;
    if (feed != NULL && length > 0 && start[length - 1] == '\r') {
        length--;
    }
    return (struct spr_text){ .bytes = start, .length = length };
}

static uint8_t lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + ('a' - 'A')) : byte;
}

bool spr_text_equal_nocase(struct spr_text a, const char *word)
{
    if (a.length != strlen(word)) {
        return false;
    }
    for (size_t i = 0; i < a.length; i++) {
        if (lower(a.bytes[i]) != lower((uint8_t)word[i])) {
            return false;
        }
    }
    return true;
}

bool spr_text_decimal(struct spr_text a, uint64_t *ret_value)
{
    a = spr_text_trim(a);
    if (a.length == 0) {
        return false;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < a.length; i++) {
        const unsigned digit = (unsigned)a.bytes[i] - '0';
        if (digit > 9) {
            return false;
        }
        if (i < DIGITS_SAFE) {
            value = value * 10 + digit;
        } else if (__builtin_mul_overflow(value, 10, &value) ||
                   __builtin_add_overflow(value, (uint64_t)digit, &value)) {
            return false;
        }
    }
    *ret_value = value;
    return true;
}

struct spr_text spr_view_from(const struct spr_file_view *file, uint64_t offset)
{
    for (unsigned i = 0; i < file->extent_count; i++) {
        const struct spr_extent *extent = &file->extents[i];
        if (offset >= extent->offset && offset - extent->offset < extent->bytes.length) {
            size_t skipped = (size_t)(offset - extent->offset);
            return (struct spr_text){ .bytes = extent->bytes.bytes + skipped,
                                      .length = extent->bytes.length - skipped };
        }
    }
    return (struct spr_text){ 0 };
}

struct spr_text spr_view_bytes(const struct spr_file_view *file, uint64_t offset, uint64_t length)
{
    struct spr_text text = spr_view_from(file, offset);
    if (text.bytes == NULL || length > text.length) {
        return (struct spr_text){ 0 };
    }
    text.length = (size_t)length;
    return text;
}
