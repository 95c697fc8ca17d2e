/*
 * Bytes as lines of values, written as JSON: another reader must read the same back. A text that is
 * not UTF-8 must come with its exact bytes. The line itself must be harmless.
 */
#include "tests/fuzz/fuzz.h"
#include "tools/escape.h"
#include "tools/print_json.h"

#include <stdlib.h>

#include <jansson.h>

#define VALUES_MAX 64

struct values {
    struct spr_text text[VALUES_MAX];
    unsigned count;
};

static void expect(bool holds)
{
    if (!holds) {
        abort();
    }
}

static struct values split(const uint8_t *bytes, size_t length)
{
    struct values values = { .count = 0 };
    while (values.count < VALUES_MAX) {
        const uint8_t *end = length > 0 ? memchr(bytes, '\n', length) : NULL;
        const size_t size = end != NULL ? (size_t)(end - bytes) : length;
        values.text[values.count++] = (struct spr_text){ bytes, size };
        if (end == NULL) {
            break;
        }
        bytes = end + 1;
        length -= size + 1;
    }
    return values;
}

static int digit_value(char c)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c != '\0' ? strchr(letters, c) : NULL;
    return at != NULL ? (int)(at - letters) : 0;
}

static void expect_base64(const json_t *value, struct spr_text text)
{
    const char *digits = json_string_value(value);
    expect(digits != NULL && json_string_length(value) == (text.length + 2) / 3 * 4);
    for (size_t i = 0; i < text.length; i++) {
        const char *group = digits + i / 3 * 4;
        const int bits = digit_value(group[0]) << 18 | digit_value(group[1]) << 12 |
                         digit_value(group[2]) << 6 | digit_value(group[3]);
        expect((bits >> (16 - 8 * (i % 3)) & 0xff) == text.bytes[i]);
    }
}

static void expect_value(const json_t *item, struct spr_text text)
{
    const json_t *value = json_object_get(item, "text");
    const json_t *exact = json_object_get(item, "text_b64");
    if (!spr_utf8_valid(text)) {
        expect(json_is_string(value));
        expect_base64(exact, text);
        return;
    }
    expect(exact == NULL && json_string_length(value) == text.length);
    expect(text.length == 0 || memcmp(json_string_value(value), text.bytes, text.length) == 0);
    expect(json_integer_value(json_object_get(item, "length")) == (json_int_t)text.length);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const uint8_t nothing[1];
    const struct values values = split(length > 0 ? bytes : nothing, length);
    struct spr_out out;
    struct spr_json json;
    spr_out_begin(&out, NULL);
    spr_json_begin(&json, &out, "fuzz/1");
    spr_json_list(&json, "values");
    for (unsigned i = 0; i < values.count; i++) {
        spr_json_item(&json);
        spr_json_text(&json, "text", values.text[i]);
        spr_json_number(&json, "length", values.text[i].length);
        spr_json_close(&json);
    }
    spr_json_end(&json);

    const struct spr_text line = spr_out_text(&out);
    expect(!out.failed && line.bytes[line.length - 1] == '\n');
    for (size_t i = 0; i + 1 < line.length;) {
        const struct spr_glyph glyph = spr_glyph_at(line, i);
        expect(glyph.valid && glyph.visible);
        i += glyph.length;
    }
    json_t *object = json_loadb((const char *)line.bytes, line.length, JSON_ALLOW_NUL, NULL);
    const json_t *list = json_object_get(object, "values");
    expect(json_array_size(list) == values.count);
    for (unsigned i = 0; i < values.count; i++) {
        expect_value(json_array_get(list, i), values.text[i]);
    }
    json_decref(object);
    spr_out_end(&out);
    return 0;
}
