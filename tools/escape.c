/*
 * Text from mail, made harmless where it is printed: a strict UTF-8 decoder, a table of code
 * points that steer or hide, and the writers built on both.
 */
#include "tools/escape.h"

#include <string.h>

struct range {
    uint32_t first, last;
};

/* Code points that are not letters to be seen but orders to a terminal or a renderer: controls,
 * soft hyphen, bidirectional marks and overrides, zero-width characters, line separators,
 * interlinear and tag characters, noncharacters, private use. Sorted. */
static const struct range INVISIBLE[] = {
    { 0x00, 0x1f },       { 0x7f, 0x9f },       { 0xad, 0xad },        { 0x034f, 0x034f },
    { 0x061c, 0x061c },   { 0x115f, 0x1160 },   { 0x17b4, 0x17b5 },    { 0x180b, 0x180f },
    { 0x200b, 0x200f },   { 0x2028, 0x202e },   { 0x2060, 0x206f },    { 0x3164, 0x3164 },
    { 0xe000, 0xf8ff },   { 0xfdd0, 0xfdef },   { 0xfe00, 0xfe0f },    { 0xfeff, 0xfeff },
    { 0xffa0, 0xffa0 },   { 0xfff0, 0xfffb },   { 0xfffe, 0xffff },    { 0x1bca0, 0x1bca3 },
    { 0x1d173, 0x1d17a }, { 0x1fffe, 0x1ffff }, { 0x2fffe, 0x2ffff },  { 0x3fffe, 0x3ffff },
    { 0x4fffe, 0x4ffff }, { 0x5fffe, 0x5ffff }, { 0x6fffe, 0x6ffff },  { 0x7fffe, 0x7ffff },
    { 0x8fffe, 0x8ffff }, { 0x9fffe, 0x9ffff }, { 0xafffe, 0xaffff },  { 0xbfffe, 0xbffff },
    { 0xcfffe, 0xcffff }, { 0xdfffe, 0xdffff }, { 0xe0000, 0x10ffff },
};

/* Marks drawn over the character before them. Sorted. */
static const struct range COMBINING[] = {
    { 0x0300, 0x036f }, { 0x0483, 0x0489 }, { 0x0591, 0x05bd },
    { 0x0610, 0x061a }, { 0x064b, 0x065f }, { 0x1ab0, 0x1aff },
    { 0x1dc0, 0x1dff }, { 0x20d0, 0x20ff }, { 0xfe20, 0xfe2f },
};

/* Characters two columns wide. Sorted. */
static const struct range WIDE[] = {
    { 0x1100, 0x115f },   { 0x2e80, 0x303e },   { 0x3041, 0xa4cf },   { 0xac00, 0xd7a3 },
    { 0xf900, 0xfaff },   { 0xfe30, 0xfe6f },   { 0xff00, 0xff60 },   { 0xffe0, 0xffe6 },
    { 0x1f300, 0x1f64f }, { 0x1f680, 0x1f6ff }, { 0x1f900, 0x1faff }, { 0x20000, 0x3fffd },
};

static bool is_within(const struct range *ranges, size_t count, uint32_t point)
{
    for (size_t i = 0; i < count && ranges[i].first <= point; i++) {
        if (point <= ranges[i].last) {
            return true;
        }
    }
    return false;
}
#define IS_WITHIN(ranges, point) is_within(ranges, sizeof(ranges) / sizeof((ranges)[0]), point)

/* Decodes a sequence of more than one byte; its length, or 0 if it is not well-formed: overlong,
 * a surrogate, beyond U+10FFFF, cut short. */
static unsigned decode_sequence(const uint8_t *bytes, size_t left, uint32_t *ret_point)
{
    static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
    const unsigned length = bytes[0] >= 0xf0 ? 4 : bytes[0] >= 0xe0 ? 3 : 2;
    if (bytes[0] < 0xc2 || bytes[0] > 0xf4 || left < length) {
        return 0;
    }
    uint32_t point = bytes[0] & (0xffu >> (length + 1));
    for (unsigned i = 1; i < length; i++) {
        if ((bytes[i] & 0xc0) != 0x80) {
            return 0;
        }
        point = point << 6 | (bytes[i] & 0x3fu);
    }
    if (point < smallest[length] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) {
        return 0;
    }
    *ret_point = point;
    return length;
}

/* May the byte be printed as it is? */
static bool is_plain(uint8_t byte)
{
    return byte >= 0x20 && byte < 0x7f;
}

/* Nearly all text is plain, so eight bytes are judged at a time. */
size_t spr_escape_plain(struct spr_text text, size_t from)
{
    size_t at = from;
    uint64_t word;
    while (text.length - at >= sizeof(word)) {
        memcpy(&word, text.bytes + at, sizeof(word));
        if (spr_special_bytes(word) != 0) {
            break;
        }
        at += sizeof(word);
    }
    while (at < text.length && is_plain(text.bytes[at])) {
        at++;
    }
    return at - from;
}

struct spr_glyph spr_glyph_at(struct spr_text text, size_t offset)
{
    const uint8_t *bytes = text.bytes + offset;
    struct spr_glyph glyph = { .point = bytes[0], .length = 1, .valid = true };
    if (is_plain(bytes[0])) {
        glyph.visible = true;
        glyph.width = 1;
        return glyph;
    }
    if (bytes[0] >= 0x80) {
        const unsigned length = decode_sequence(bytes, text.length - offset, &glyph.point);
        glyph.valid = length > 0;
        glyph.length = glyph.valid ? length : 1;
    }
    if (!glyph.valid || IS_WITHIN(INVISIBLE, glyph.point)) {
        return glyph;
    }
    glyph.visible = true;
    glyph.width = IS_WITHIN(COMBINING, glyph.point) ? 0 : IS_WITHIN(WIDE, glyph.point) ? 2 : 1;
    return glyph;
}

bool spr_utf8_valid(struct spr_text text)
{
    for (size_t i = spr_escape_plain(text, 0); i < text.length;) {
        const struct spr_glyph glyph = spr_glyph_at(text, i);
        if (!glyph.valid) {
            return false;
        }
        i += glyph.length;
        i += spr_escape_plain(text, i);
    }
    return true;
}

/* What is printed for one glyph; its columns. out is not ended by a NUL. */
static unsigned escape_glyph(struct spr_text text, size_t offset, struct spr_glyph glyph,
                             char out[SPR_ESCAPE_MAX], unsigned *ret_length)
{
    if (glyph.visible) {
        memcpy(out, text.bytes + offset, glyph.length);
        *ret_length = glyph.length;
        return glyph.width;
    }
    char digits[SPR_ESCAPE_MAX + 1];
    const int length = !glyph.valid || glyph.point < 0x80
                           ? snprintf(digits, sizeof(digits), "\\x%02x", glyph.point)
                           : snprintf(digits, sizeof(digits), "\\u{%x}", glyph.point);
    memcpy(out, digits, (size_t)length);
    *ret_length = (unsigned)length;
    return (unsigned)length;
}

void spr_escape_text(struct spr_out *out, struct spr_text text)
{
    char bytes[SPR_ESCAPE_MAX];
    for (size_t i = 0; i < text.length;) {
        const size_t plain = spr_escape_plain(text, i);
        spr_out_bytes(out, text.bytes + i, plain);
        i += plain;
        if (i < text.length) {
            const struct spr_glyph glyph = spr_glyph_at(text, i);
            unsigned length;
            (void)escape_glyph(text, i, glyph, bytes, &length);
            spr_out_bytes(out, bytes, length);
            i += glyph.length;
        }
    }
}

void spr_escape_write(FILE *file, struct spr_text text)
{
    struct spr_out out;
    spr_out_begin(&out, file);
    spr_escape_text(&out, text);
    spr_out_end(&out);
}

void spr_escape_string(FILE *file, const char *text)
{
    spr_escape_write(file, spr_text_string(text));
}

size_t spr_escape_width(struct spr_text text)
{
    char bytes[SPR_ESCAPE_MAX];
    size_t width = spr_escape_plain(text, 0);
    for (size_t i = width; i < text.length;) {
        const struct spr_glyph glyph = spr_glyph_at(text, i);
        unsigned length;
        width += escape_glyph(text, i, glyph, bytes, &length);
        i += glyph.length;
    }
    return width;
}

void spr_escape_cell(struct spr_out *out, struct spr_text text, size_t width, bool right)
{
    const size_t whole = spr_escape_width(text);
    if (whole <= width) {
        spr_out_spaces(out, right ? width - whole : 0);
        spr_escape_text(out, text);
        spr_out_spaces(out, right ? 0 : width - whole);
        return;
    }
    char bytes[SPR_ESCAPE_MAX];
    size_t used = 0;
    for (size_t i = 0; i < text.length;) {
        const struct spr_glyph glyph = spr_glyph_at(text, i);
        unsigned length;
        const unsigned columns = escape_glyph(text, i, glyph, bytes, &length);
        if (used + columns + 1 > width) {
            break;
        }
        spr_out_bytes(out, bytes, length);
        used += columns;
        i += glyph.length;
    }
    if (used < width) {
        spr_out_string(out, "\xe2\x80\xa6");
        used++;
    }
    spr_out_spaces(out, width - used);
}

static bool is_plain_word(struct spr_text text)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
    for (size_t i = 0; i < text.length; i++) {
        if (text.bytes[i] == '\0' || strchr(plain, text.bytes[i]) == NULL) {
            return false;
        }
    }
    return text.length > 0;
}

void spr_escape_shell(FILE *out, struct spr_text text)
{
    if (is_plain_word(text)) {
        (void)fwrite(text.bytes, 1, text.length, out);
        return;
    }
    bool harmless = true;
    for (size_t i = 0; i < text.length && harmless;) {
        const struct spr_glyph glyph = spr_glyph_at(text, i);
        harmless = glyph.visible;
        i += glyph.length;
    }
    (void)fputs(harmless ? "'" : "$'", out);
    for (size_t i = 0; i < text.length;) {
        const struct spr_glyph glyph = spr_glyph_at(text, i);
        if (harmless && glyph.point == '\'') {
            (void)fputs("'\\''", out);
        } else if (harmless || (glyph.visible && glyph.point != '\'' && glyph.point != '\\')) {
            (void)fwrite(text.bytes + i, 1, glyph.length, out);
        } else {
            for (unsigned j = 0; j < glyph.length; j++) {
                (void)fprintf(out, "\\x%02x", text.bytes[i + j]);
            }
        }
        i += glyph.length;
    }
    (void)fputc('\'', out);
}

struct spr_text spr_text_string(const char *text)
{
    return (struct spr_text){ (const uint8_t *)text, text != NULL ? strlen(text) : 0 };
}
