/*
 * One buffer in front of a stream, or text growing in memory. Rows are put together here, because a
 * call of stdio for each of their bytes and short texts costs more than making them.
 *
 * A stream keeps its error; main looks at the end. Text that found no memory is cut, and says so.
 */
#ifndef SPR_TOOLS_OUT_H
#define SPR_TOOLS_OUT_H

#include "core/spoolray.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define SPR_OUT_BYTES 32768

/* Holds a pointer into itself: it is not copied. */
struct spr_out {
    FILE *file; /* NULL: the bytes are kept */
    uint8_t *bytes;
    size_t used, capacity;
    bool failed; /* memory only */
    uint8_t own[SPR_OUT_BYTES];
};

void spr_out_begin(struct spr_out *out, FILE *file_or_null);
/* Hands the bytes to the stream. */
void spr_out_flush(struct spr_out *out);
/* In memory: forgets the text, keeps the room. */
void spr_out_reset(struct spr_out *out);
/* Flushes and frees. */
void spr_out_end(struct spr_out *out);
/* The text so far, if it is kept. */
struct spr_text spr_out_text(const struct spr_out *out);

/* Bytes that do not fit in what is left. */
void spr_out_long(struct spr_out *out, const void *bytes, size_t length);

/* Makes room for bytes to be put at the address and added to used. NULL: more than a stream's
 * buffer takes, or no memory. */
uint8_t *spr_out_make_room(struct spr_out *out, size_t length);

static inline uint8_t *spr_out_room(struct spr_out *out, size_t length)
{
    return length <= out->capacity - out->used ? out->bytes + out->used
                                               : spr_out_make_room(out, length);
}

static inline void spr_out_bytes(struct spr_out *out, const void *bytes, size_t length)
{
    if (length > out->capacity - out->used) {
        spr_out_long(out, bytes, length);
        return;
    }
    if (length > 0) {
        memcpy(out->bytes + out->used, bytes, length);
        out->used += length;
    }
}

static inline void spr_out_char(struct spr_out *out, char c)
{
    spr_out_bytes(out, &c, 1);
}

static inline void spr_out_string(struct spr_out *out, const char *text)
{
    spr_out_bytes(out, text, strlen(text));
}

void spr_out_number(struct spr_out *out, int64_t number);
void spr_out_spaces(struct spr_out *out, size_t count);

#endif
