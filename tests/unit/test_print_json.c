#include "tools/print_json.h"

#include <math.h>
#include <stdlib.h>

#include <criterion/criterion.h>
#include <jansson.h>

static struct spr_text text(const char *word)
{
    return (struct spr_text){ (const uint8_t *)word, __builtin_strlen(word) };
}

/* UTF-8 of a code point, surrogates included. */
static size_t encode(uint32_t point, char out[4])
{
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    const size_t length = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const unsigned lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    for (size_t i = length - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (point & 0x3f));
        point >>= 6;
    }
    out[0] = (char)(lead[length] | point);
    return length;
}

/* The line as jansson reads it. */
static json_t *read_back(const struct spr_out *out)
{
    const struct spr_text line = spr_out_text(out);
    json_error_t error;
    json_t *object = json_loadb((const char *)line.bytes, line.length, JSON_ALLOW_NUL, &error);
    cr_assert_not_null(object, "%s: %.*s", error.text, (int)line.length, (const char *)line.bytes);
    return object;
}

Test(print_json, nests_lists_and_objects)
{
    struct spr_out out;
    struct spr_json json;
    spr_out_begin(&out, NULL);

    spr_json_begin(&json, &out, "test/1");
    spr_json_list(&json, "none");
    spr_json_close(&json);
    spr_json_list(&json, "some");
    spr_json_item(&json);
    spr_json_text(&json, "address", text("a\x1b[31m\"\\@\xff"));
    spr_json_null(&json, "error");
    spr_json_close(&json);
    spr_json_item(&json);
    spr_json_close(&json);
    spr_json_string(&json, NULL, "word");
    spr_json_close(&json);
    spr_json_object(&json, "object");
    spr_json_bool(&json, "yes", true);
    spr_json_number(&json, "most", UINT64_MAX);
    spr_json_known(&json, "unknown", INT64_MIN);
    spr_json_known(&json, "least", INT64_MIN + 1);
    spr_json_real(&json, "half", 0.5);
    spr_json_real(&json, "whole", 3);
    spr_json_real(&json, "none", NAN);
    spr_json_end(&json);

    spr_out_char(&out, '\0');
    cr_expect_str_eq((const char *)spr_out_text(&out).bytes,
                     "{\"schema\":\"test/1\",\"none\":[],\"some\":[{\"address\":"
                     "\"a\\u001b[31m\\\"\\\\@\\\\xff\",\"address_b64\":\"YRtbMzFtIlxA/w==\","
                     "\"error\":null},{},\"word\"],\"object\":{\"yes\":true,\"most\":"
                     "9223372036854775807,\"unknown\":null,\"least\":-9223372036854775807,"
                     "\"half\":0.5,\"whole\":3.0,\"none\":null}}\n");
    spr_out_end(&out);
}

Test(print_json, writes_what_another_reader_reads_back)
{
    struct spr_out out;
    struct spr_json json;
    spr_out_begin(&out, NULL);
    for (uint32_t point = 0; point < 0x110000; point++) {
        char bytes[] = "before \0\0\0\0 \"\\\" after";
        const size_t length = sizeof(bytes) - 1;
        (void)encode(point, bytes + 7);
        if ((point >= 0xd800 && point <= 0xdfff) || (point > 0x2100 && point % 257 != 0)) {
            continue;
        }
        const struct spr_text expected = { (const uint8_t *)bytes, length };

        spr_out_reset(&out);
        spr_json_begin(&json, &out, NULL);
        spr_json_text(&json, "text", expected);
        spr_json_end(&json);

        json_t *object = read_back(&out);
        const json_t *value = json_object_get(object, "text");
        cr_assert_eq(json_string_length(value), length, "U+%04X", point);
        cr_assert_eq(memcmp(json_string_value(value), bytes, length), 0, "U+%04X", point);
        cr_assert_null(json_object_get(object, "text_b64"));
        json_decref(object);
    }
    spr_out_end(&out);
}

Test(print_json, lets_nothing_pass_that_steers)
{
    struct spr_out out;
    struct spr_json json;
    spr_out_begin(&out, NULL);

    spr_json_begin(&json, &out, NULL);
    spr_json_text(&json, "t", text("\xc2\x9b\xe2\x80\xae\x7f\xf3\xa0\x80\x81\b\f\n\r\t/"));
    spr_json_end(&json);

    spr_out_char(&out, '\0');
    cr_expect_str_eq((const char *)spr_out_text(&out).bytes,
                     "{\"t\":\"\\u009b\\u202e\\u007f\\udb40\\udc01\\b\\f\\n\\r\\t/\"}\n");
    spr_out_end(&out);
}

Test(print_json, writes_a_line_longer_than_its_buffer_to_a_stream)
{
    char *line = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&line, &length);
    struct spr_out out;
    struct spr_json json;
    static char big[3 * SPR_OUT_BYTES];
    memset(big, 'x', sizeof(big) - 1);
    spr_out_begin(&out, stream);

    spr_json_begin(&json, &out, NULL);
    spr_json_list(&json, "addresses");
    for (unsigned i = 0; i < 5000; i++) {
        spr_json_string(&json, NULL, "someone@example.org");
    }
    spr_json_string(&json, NULL, big);
    spr_json_end(&json);
    spr_out_end(&out);

    cr_assert_eq(fclose(stream), 0);
    json_t *object = json_loadb(line, length, 0, NULL);
    const json_t *list = json_object_get(object, "addresses");
    cr_assert_eq(json_array_size(list), 5001);
    cr_assert_str_eq(json_string_value(json_array_get(list, 4999)), "someone@example.org");
    cr_assert_str_eq(json_string_value(json_array_get(list, 5000)), big);
    json_decref(object);
    free(line);
}
