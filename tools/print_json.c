/*
 * JSON Lines, value by value.
 */
#include "tools/print_json.h"

#include "tools/escape.h"

#include <assert.h>
#include <math.h>

#define SHORT_MAX 4096 /* bytes of a text that is put at one go */

/* What stands before a value. */
static void begin_value(struct spr_json *json, const char *key)
{
    struct spr_out *out = json->out;
    const bool has_some = json->has_some;
    json->has_some = true;
    if (key == NULL) {
        if (has_some) {
            spr_out_char(out, ',');
        }
        return;
    }
    const size_t length = strlen(key);
    uint8_t *to = spr_out_room(out, length + 4);
    if (to == NULL) {
        return;
    }
    uint8_t *at = to;
    if (has_some) {
        *at++ = ',';
    }
    *at++ = '"';
    memcpy(at, key, length);
    at += length;
    *at++ = '"';
    *at++ = ':';
    out->used += (size_t)(at - to);
}

static void put_unit(struct spr_out *out, uint32_t unit)
{
    static const char digits[] = "0123456789abcdef";
    const char escape[] = {
        '\\',
        'u',
        digits[unit >> 12],
        digits[unit >> 8 & 15],
        digits[unit >> 4 & 15],
        digits[unit & 15],
    };
    spr_out_bytes(out, escape, sizeof(escape));
}

/* A code point that is not written as it is. */
static void put_escape(struct spr_out *out, uint32_t point)
{
    static const char letters[] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n',  ['\f'] = 'f',
        ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\',
    };
    if (point < sizeof(letters) && letters[point] != '\0') {
        spr_out_char(out, '\\');
        spr_out_char(out, letters[point]);
    } else if (point > 0xffff) {
        put_unit(out, 0xd800 + ((point - 0x10000) >> 10));
        put_unit(out, 0xdc00 + ((point - 0x10000) & 0x3ff));
    } else {
        put_unit(out, point);
    }
}

/* Printable ASCII: only quotes and backslashes are escaped. */
static void put_plain(struct spr_out *out, const uint8_t *bytes, size_t length)
{
    size_t from = 0;
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] == '"' || bytes[i] == '\\') {
            spr_out_bytes(out, bytes + from, i - from);
            put_escape(out, bytes[i]);
            from = i + 1;
        }
    }
    spr_out_bytes(out, bytes + from, length - from);
}

/* Are all of the eight bytes printable ASCII that is not escaped? A borrow comes from a byte that
 * is found itself, so that it hides none. */
static bool are_literal(uint64_t word)
{
    const uint64_t quotes = (word ^ SPR_EACH_BYTE('"')) - SPR_EACH_BYTE(1);
    const uint64_t backslashes = (word ^ SPR_EACH_BYTE('\\')) - SPR_EACH_BYTE(1);
    return spr_special_bytes(word) == 0 && ((quotes | backslashes) & SPR_EACH_BYTE(0x80)) == 0;
}

/* Up to eight bytes, the rest of the word being filled up with literal ones. */
static uint64_t load_short(const uint8_t *bytes, size_t length)
{
    uint64_t word = SPR_EACH_BYTE('a');
    for (size_t i = 0; i < length; i++) {
        word = word << 8 | bytes[i];
    }
    return word;
}

/* Copies bytes that are all literal; false: some are not. */
static bool copy_literal(uint8_t *to, const uint8_t *bytes, size_t length)
{
    uint64_t word;
    if (length < sizeof(word)) {
        for (size_t i = 0; i < length; i++) {
            to[i] = bytes[i];
        }
        return are_literal(load_short(bytes, length));
    }
    for (size_t i = 0; i < length - sizeof(word); i += sizeof(word)) {
        memcpy(&word, bytes + i, sizeof(word));
        memcpy(to + i, &word, sizeof(word));
        if (!are_literal(word)) {
            return false;
        }
    }
    /* The last eight, some of which may have been among the last ones. */
    memcpy(&word, bytes + length - sizeof(word), sizeof(word));
    memcpy(to + length - sizeof(word), &word, sizeof(word));
    return are_literal(word);
}

/* The string if it is short and nothing in it is escaped, as nearly all are; else false, and
 * nothing is put. */
static bool put_literal_string(struct spr_out *out, struct spr_text text)
{
    uint8_t *to = text.length <= SHORT_MAX ? spr_out_room(out, text.length + 2) : NULL;
    if (to == NULL || !copy_literal(to + 1, text.bytes, text.length)) {
        return false;
    }
    to[0] = '"';
    to[1 + text.length] = '"';
    out->used += text.length + 2;
    return true;
}

/* The string; false: some of its bytes are not UTF-8. */
static bool put_string(struct spr_out *out, struct spr_text text)
{
    bool is_valid = true;
    if (put_literal_string(out, text)) {
        return true;
    }
    spr_out_char(out, '"');
    for (size_t i = 0; i < text.length;) {
        const size_t plain = spr_escape_plain(text, i);
        put_plain(out, text.bytes + i, plain);
        i += plain;
        if (i == text.length) {
            break;
        }
        const struct spr_glyph glyph = spr_glyph_at(text, i);
        if (!glyph.valid) {
            static const char digits[] = "0123456789abcdef";
            const char mended[] = { '\\', '\\', 'x', digits[glyph.point >> 4],
                                    digits[glyph.point & 15] };
            spr_out_bytes(out, mended, sizeof(mended));
            is_valid = false;
        } else if (glyph.visible) {
            spr_out_bytes(out, text.bytes + i, glyph.length);
        } else {
            put_escape(out, glyph.point);
        }
        i += glyph.length;
    }
    spr_out_char(out, '"');
    return is_valid;
}

static void put_base64(struct spr_out *out, struct spr_text text)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    spr_out_char(out, '"');
    for (size_t i = 0; i < text.length; i += 3) {
        const size_t left = text.length - i;
        const uint32_t group = (uint32_t)text.bytes[i] << 16 |
                               (left > 1 ? (uint32_t)text.bytes[i + 1] << 8 : 0) |
                               (left > 2 ? text.bytes[i + 2] : 0u);
        const char four[] = {
            letters[group >> 18],
            letters[group >> 12 & 63],
            left > 1 ? letters[group >> 6 & 63] : '=',
            left > 2 ? letters[group & 63] : '=',
        };
        spr_out_bytes(out, four, sizeof(four));
    }
    spr_out_char(out, '"');
}

void spr_json_text(struct spr_json *json, const char *key, struct spr_text text)
{
    if (text.bytes == NULL) {
        spr_json_null(json, key);
        return;
    }
    begin_value(json, key);
    if (!put_string(json->out, text) && key != NULL) {
        spr_out_bytes(json->out, ",\"", 2);
        spr_out_string(json->out, key);
        spr_out_string(json->out, "_b64\":");
        put_base64(json->out, text);
    }
}

void spr_json_string(struct spr_json *json, const char *key, const char *text)
{
    spr_json_text(json, key, spr_text_string(text));
}

void spr_json_number(struct spr_json *json, const char *key, uint64_t number)
{
    begin_value(json, key);
    spr_out_number(json->out, number > INT64_MAX ? INT64_MAX : (int64_t)number);
}

void spr_json_known(struct spr_json *json, const char *key, int64_t number)
{
    if (number == INT64_MIN) {
        spr_json_null(json, key);
        return;
    }
    begin_value(json, key);
    spr_out_number(json->out, number);
}

void spr_json_real(struct spr_json *json, const char *key, double number)
{
    char digits[40];
    if (!isfinite(number)) {
        spr_json_null(json, key);
        return;
    }
    (void)snprintf(digits, sizeof(digits), "%.17g", number); /* 24 characters at most */
    begin_value(json, key);
    spr_out_string(json->out, digits);
    if (strpbrk(digits, ".e") == NULL) {
        spr_out_bytes(json->out, ".0", 2); /* so that it is read as a real again */
    }
}

void spr_json_bool(struct spr_json *json, const char *key, bool value)
{
    begin_value(json, key);
    spr_out_string(json->out, value ? "true" : "false");
}

void spr_json_null(struct spr_json *json, const char *key)
{
    begin_value(json, key);
    spr_out_bytes(json->out, "null", 4);
}

/* Begins a container and makes it the open one. */
static void open_below(struct spr_json *json, const char *key, char opener, char closer)
{
    assert(json->depth < SPR_JSON_DEPTH_MAX);
    begin_value(json, key);
    spr_out_char(json->out, opener);
    json->closers[json->depth++] = closer;
    json->has_some = false;
}

void spr_json_list(struct spr_json *json, const char *key)
{
    open_below(json, key, '[', ']');
}

void spr_json_item(struct spr_json *json)
{
    open_below(json, NULL, '{', '}');
}

void spr_json_object(struct spr_json *json, const char *key)
{
    open_below(json, key, '{', '}');
}

void spr_json_close(struct spr_json *json)
{
    assert(json->depth > 0);
    spr_out_char(json->out, json->closers[--json->depth]);
    json->has_some = true;
}

void spr_json_begin(struct spr_json *json, struct spr_out *out, const char *schema)
{
    json->out = out;
    json->depth = 0;
    json->has_some = false;
    spr_json_item(json);
    if (schema != NULL) {
        spr_json_string(json, "schema", schema);
    }
}

void spr_json_end(struct spr_json *json)
{
    while (json->depth > 0) {
        spr_json_close(json);
    }
    spr_out_char(json->out, '\n');
}
