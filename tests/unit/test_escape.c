/*
 * Nothing that steers a terminal leaves the escaper, whatever bytes come in.
 */
#include "tools/escape.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

static char *written(void (*write)(FILE *, struct spr_text), const void *bytes, size_t length)
{
    char *out = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&out, &size);
    cr_assert_not_null(stream);
    write(stream, (struct spr_text){ bytes, length });
    cr_assert_eq(fclose(stream), 0);
    return out;
}

static void assert_escaped(const void *bytes, size_t length, const char *expected)
{
    char *out = written(spr_escape_write, bytes, length);
    cr_assert_str_eq(out, expected);
    free(out);
}

/* UTF-8 of any number below 0x110000, surrogates included. */
static size_t encode(uint32_t point, uint8_t out[4])
{
    if (point < 0x80) {
        out[0] = (uint8_t)point;
        return 1;
    }
    const size_t length = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const uint8_t lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    for (size_t i = length - 1; i > 0; i--) {
        out[i] = (uint8_t)(0x80 | (point & 0x3f));
        point >>= 6;
    }
    out[0] = (uint8_t)(lead[length] | point);
    return length;
}

/* The characters that SAFETY I6 names. */
static bool is_dangerous(uint32_t point)
{
    return point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0x061c ||
           (point >= 0x200e && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
           (point >= 0x2066 && point <= 0x2069) || (point >= 0xd800 && point <= 0xdfff);
}

/* All the bytes that came out are UTF-8 without anything dangerous. */
static bool is_harmless(const char *out, size_t size)
{
    const struct spr_text text = { (const uint8_t *)out, size };
    for (size_t i = 0; i < size;) {
        const struct spr_glyph glyph = spr_glyph_at(text, i);
        if (!glyph.valid || is_dangerous(glyph.point)) {
            return false;
        }
        i += glyph.length;
    }
    return true;
}

Test(escape, lets_visible_text_pass)
{
    assert_escaped("a b~ \\ \" <>", 11, "a b~ \\ \" <>");
    assert_escaped("gr\xc3\xbc\xc3\x9f", 6, "gr\xc3\xbc\xc3\x9f");
    assert_escaped("\xf0\x9f\x93\xa7", 4, "\xf0\x9f\x93\xa7");
}

Test(escape, shows_controls_as_numbers)
{
    assert_escaped("\x1b[31m", 5, "\\x1b[31m");
    assert_escaped("a\nb\tc\0d\x7f", 8, "a\\x0ab\\x09c\\x00d\\x7f");
    assert_escaped("\xc2\x9b", 2, "\\u{9b}");
    assert_escaped("\xe2\x80\xae", 3, "\\u{202e}");
    assert_escaped("\xe2\x80\xa8", 3, "\\u{2028}");
}

Test(escape, shows_bytes_that_are_not_utf8)
{
    assert_escaped("\xff\xfe", 2, "\\xff\\xfe");
    assert_escaped("\xc0\xaf", 2, "\\xc0\\xaf");
    assert_escaped("\xe2\x80", 2, "\\xe2\\x80");
    assert_escaped("\xed\xa0\x80", 3, "\\xed\\xa0\\x80");
    assert_escaped("\xf4\x90\x80\x80", 4, "\\xf4\\x90\\x80\\x80");
    assert_escaped("\xe2\x80G", 3, "\\xe2\\x80G");
}

Test(escape, judges_every_code_point)
{
    for (uint32_t point = 0; point < 0x110000; point++) {
        uint8_t bytes[4];
        const size_t length = encode(point, bytes);
        const struct spr_glyph glyph = spr_glyph_at((struct spr_text){ bytes, length }, 0);

        const bool surrogate = point >= 0xd800 && point <= 0xdfff;
        cr_assert_eq(glyph.valid, !surrogate, "U+%04X", point);
        cr_assert(surrogate || (glyph.point == point && glyph.length == length), "U+%04X", point);
        cr_assert(!glyph.visible || !is_dangerous(point), "U+%04X", point);
    }
}

Test(escape, makes_every_short_byte_string_harmless)
{
    for (uint32_t number = 0; number < 1u << 16; number++) {
        const uint8_t bytes[] = { (uint8_t)(number >> 8), (uint8_t)number, 0x80 };
        for (size_t length = 1; length <= sizeof(bytes); length++) {
            char *out = written(spr_escape_write, bytes, length);
            cr_assert(is_harmless(out, strlen(out)), "%02x %02x, %zu bytes", bytes[0], bytes[1],
                      length);
            free(out);
        }
    }
}

Test(escape, gives_a_cell_exactly_its_columns)
{
    static const char *const texts[] = {
        "",
        "short",
        "exactly ten",
        "\x1b\x1b\x1b\x1b",
        "\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97",
        "\xff\xff\xff\xff\xff",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        for (size_t width = 0; width < 24; width++) {
            char *out = NULL;
            size_t size = 0;
            FILE *stream = open_memstream(&out, &size);
            cr_assert_not_null(stream);
            struct spr_out cell;
            spr_out_begin(&cell, stream);
            spr_escape_cell(&cell, spr_text_string(texts[i]), width, (width & 1) != 0);
            spr_out_end(&cell);
            cr_assert_eq(fclose(stream), 0);
            cr_assert_eq(spr_escape_width((struct spr_text){ (uint8_t *)out, size }), width,
                         "text %zu in %zu columns: %s", i, width, out);
            free(out);
        }
    }
}

static void write_shell(FILE *out, struct spr_text text)
{
    spr_escape_shell(out, text);
}

Test(escape, quotes_a_word_that_the_shell_gives_back)
{
    for (unsigned first = 1; first < 256; first++) {
        const uint8_t bytes[] = { 'a', (uint8_t)first, ' ', '\'', '$', (uint8_t)first, '\\', '\n' };
        char *word = written(write_shell, bytes, sizeof(bytes));
        cr_assert(is_harmless(word, strlen(word)), "byte %u: %s", first, word);
        free(word);
    }
    char *plain = written(write_shell, "account:bob@example.org", 23);
    cr_assert_str_eq(plain, "account:bob@example.org");
    free(plain);
    char *quoted = written(write_shell, "it's", 4);
    cr_assert_str_eq(quoted, "'it'\\''s'");
    free(quoted);
    char *control = written(write_shell, "a\x1b'", 3);
    cr_assert_str_eq(control, "$'a\\x1b\\x27'");
    free(control);
    char *empty = written(write_shell, "", 0);
    cr_assert_str_eq(empty, "''");
    free(empty);
}

Test(escape, finds_where_plain_text_ends)
{
    for (size_t special = 0; special < 40; special++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            uint8_t bytes[40];
            memset(bytes, byte % 2 == 0 ? '~' : ' ', sizeof(bytes));
            bytes[special] = (uint8_t)byte;
            const bool plain = byte >= 0x20 && byte < 0x7f;

            for (size_t from = 0; from <= special; from++) {
                cr_assert_eq(spr_escape_plain((struct spr_text){ bytes, sizeof(bytes) }, from),
                             (plain ? sizeof(bytes) : special) - from, "byte %02x at %zu, from %zu",
                             byte, special, from);
            }
        }
    }
}
