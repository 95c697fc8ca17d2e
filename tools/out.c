/*
 * Buffered output: what is not done in line.
 */
#include "tools/out.h"

#include <stdlib.h>

#define DIGITS_MAX 20 /* of 64 bits with a sign */

void spr_out_begin(struct spr_out *out, FILE *file_or_null)
{
    out->file = file_or_null;
    out->bytes = out->own;
    out->used = 0;
    out->capacity = sizeof(out->own);
    out->failed = false;
}

void spr_out_flush(struct spr_out *out)
{
    if (out->file != NULL && out->used > 0) {
        (void)fwrite(out->bytes, 1, out->used, out->file); /* the stream keeps its error */
        out->used = 0;
    }
}

void spr_out_reset(struct spr_out *out)
{
    out->used = 0;
    out->failed = false;
}

void spr_out_end(struct spr_out *out)
{
    spr_out_flush(out);
    if (out->bytes != out->own) {
        free(out->bytes);
    }
    spr_out_begin(out, out->file);
}

struct spr_text spr_out_text(const struct spr_out *out)
{
    return (struct spr_text){ out->bytes, out->used };
}

static bool grow(struct spr_out *out, size_t length)
{
    size_t capacity;
    if (__builtin_add_overflow(out->used, length, &capacity) ||
        __builtin_mul_overflow(capacity, 2u, &capacity)) {
        return false;
    }
    uint8_t *bytes = out->bytes == out->own ? malloc(capacity) : realloc(out->bytes, capacity);
    if (bytes == NULL) {
        return false;
    }
    if (out->bytes == out->own) {
        memcpy(bytes, out->own, out->used);
    }
    out->bytes = bytes;
    out->capacity = capacity;
    return true;
}

uint8_t *spr_out_make_room(struct spr_out *out, size_t length)
{
    if (out->file != NULL) {
        spr_out_flush(out);
        return length <= out->capacity ? out->bytes : NULL;
    }
    if (!grow(out, length)) {
        out->failed = true;
        return NULL;
    }
    return out->bytes + out->used;
}

void spr_out_long(struct spr_out *out, const void *bytes, size_t length)
{
    uint8_t *to = spr_out_make_room(out, length);
    if (to != NULL) {
        memcpy(to, bytes, length);
        out->used += length;
    } else if (out->file != NULL) {
        (void)fwrite(bytes, 1, length, out->file); /* as above */
    }
}

void spr_out_number(struct spr_out *out, int64_t number)
{
    char digits[DIGITS_MAX];
    char *at = digits + sizeof(digits);
    uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;
    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    if (number < 0) {
        *--at = '-';
    }
    spr_out_bytes(out, at, (size_t)(digits + sizeof(digits) - at));
}

void spr_out_spaces(struct spr_out *out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        spr_out_char(out, ' ');
    }
}
