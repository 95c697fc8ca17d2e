/*
 * A bounds-checked reader over borrowed bytes. It cannot leave its bounds; after the first failure
 * every take yields zero or an empty text, so a parser reads straight down and asks once.
 */
#ifndef SPR_FORMATS_CURSOR_H
#define SPR_FORMATS_CURSOR_H

#include "formats/words.h"

#include <stdbool.h>
#include <string.h>

struct spr_cursor {
    const uint8_t *bytes;
    size_t length;
    size_t offset;      /* of the next byte; stays at the failed take */
    const char *reason; /* NULL while nothing failed; static text */
};

void spr_cursor_init(struct spr_cursor *c, struct spr_text text);
bool spr_cursor_failed(const struct spr_cursor *c);
/* The first reason stays; later ones are ignored. */
void spr_cursor_fail(struct spr_cursor *c, const char *reason);
size_t spr_cursor_left(const struct spr_cursor *c);

uint8_t spr_take_u8(struct spr_cursor *c);
uint16_t spr_take_u16le(struct spr_cursor *c);
uint32_t spr_take_u32le(struct spr_cursor *c);
uint64_t spr_take_u64le(struct spr_cursor *c);
struct spr_text spr_take_bytes(struct spr_cursor *c, size_t length);
/* LEB128, at most 10 bytes. */
uint64_t spr_take_varint(struct spr_cursor *c);
/* Up to and including LF; the returned line has neither LF nor a CR before it. The last line may
 * lack its LF. At the end: fails with "no more lines". */
struct spr_text spr_take_line(struct spr_cursor *c);

/* Small helpers over text that every parser needs. ASCII only, no locale. Those that a parser asks
 * of every record stand here, so that a literal's length is known where they are called. */
static inline bool spr_text_equal(struct spr_text a, const char *word)
{
    const size_t length = strlen(word);
    return a.length == length && (length == 0 || memcmp(a.bytes, word, length) == 0);
}

static inline bool spr_texts_equal(struct spr_text a, struct spr_text b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.bytes, b.bytes, a.length) == 0);
}

static inline bool spr_text_starts(struct spr_text a, const char *prefix)
{
    const size_t length = strlen(prefix);
    return a.length >= length && (length == 0 || memcmp(a.bytes, prefix, length) == 0);
}

static inline struct spr_text spr_text_of(const char *word)
{
    const struct spr_text text = { (const uint8_t *)word, strlen(word) };
    return text;
}

/* Blank, tab or a part of a line's end. */
static inline bool spr_is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static inline struct spr_text spr_text_trim(struct spr_text a)
{
    while (a.length > 0 && spr_is_blank(a.bytes[0])) {
        a.bytes++;
        a.length--;
    }
    while (a.length > 0 && spr_is_blank(a.bytes[a.length - 1])) {
        a.length--;
    }
    return a;
}

bool spr_text_equal_nocase(struct spr_text a, const char *word);
/* Decimal digits only, the whole text (blanks around it allowed); false on overflow. */
bool spr_text_decimal(struct spr_text a, uint64_t *ret_value);

#endif
