/*
 * Text from mail, made harmless where it is printed (SAFETY I6).
 *
 * Valid, visible UTF-8 passes. C0 controls, DEL and bytes that are not UTF-8 become \xNN; C1
 * controls, bidirectional and other invisible controls, line separators and noncharacters become
 * \u{N}. Nothing that steers a terminal, hides or reorders text is left.
 */
#ifndef SPR_TOOLS_ESCAPE_H
#define SPR_TOOLS_ESCAPE_H

#include "core/spoolray.h"
#include "tools/out.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define SPR_ESCAPE_MAX 12

/* One code point of text at offset. */
struct spr_glyph {
    uint32_t point;
    unsigned length; /* bytes it takes in text */
    bool valid;      /* false: one byte that is not UTF-8; point is that byte */
    bool visible;    /* may be printed as it is */
    unsigned width;  /* columns on a terminal when printed as it is */
};
/* offset < text.length */
struct spr_glyph spr_glyph_at(struct spr_text text, size_t offset);
bool spr_utf8_valid(struct spr_text text);

/* One byte eight times. */
#define SPR_EACH_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))
/* High bits where one of eight bytes is not printable ASCII; more of them only above one that is
 * not. */
static inline uint64_t spr_special_bytes(uint64_t word)
{
    return (word | (word - SPR_EACH_BYTE(0x20)) | (word + SPR_EACH_BYTE(1))) & SPR_EACH_BYTE(0x80);
}
/* How many bytes from there on are printable ASCII. */
size_t spr_escape_plain(struct spr_text text, size_t from);

void spr_escape_text(struct spr_out *out, struct spr_text text);
void spr_escape_write(FILE *file, struct spr_text text);
void spr_escape_string(FILE *file, const char *text);
/* Columns that the escaped text takes. */
size_t spr_escape_width(struct spr_text text);
/* The escaped text in exactly width columns: cut with an ellipsis, or padded. */
void spr_escape_cell(struct spr_out *out, struct spr_text text, size_t width, bool right);
/* As one word for a POSIX shell; control bytes by $'…'. */
void spr_escape_shell(FILE *out, struct spr_text text);

struct spr_text spr_text_string(const char *text);

#endif
