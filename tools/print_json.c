/*
 * JSON Lines, built with jansson. Its output is passed through spr_escape_json, so that controls,
 * bidirectional overrides and the like leave as \uNNNN and cannot steer a terminal.
 */
#include "tools/print_json.h"

#include "tools/escape.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#define DEPTH_MAX 8
#define KEY_MAX   64

struct spr_json {
    json_t *open[DEPTH_MAX]; /* borrowed but for the first */
    unsigned depth;          /* of those, at least 1 */
    bool failed;
};

struct spr_json *spr_json_new(const char *schema)
{
    struct spr_json *json = calloc(1, sizeof(*json));
    if (json == NULL) {
        return NULL;
    }
    json->depth = 1;
    json->open[0] = json_object();
    json->failed = json->open[0] == NULL;
    if (schema != NULL) {
        spr_json_string(json, "schema", schema);
    }
    return json;
}

/* Takes the value over. */
static void add(struct spr_json *json, const char *key, json_t *value)
{
    if (json == NULL || json->failed) {
        json_decref(value);
        return;
    }
    json_t *top = json->open[json->depth - 1];
    const int r = json_is_array(top) ? json_array_append_new(top, value)
                                     : json_object_set_new(top, key, value);
    json->failed = r != 0;
}

static char *encode_base64(struct spr_text text, size_t *ret_length)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *out = malloc(text.length / 3 * 4 + 5);
    if (out == NULL) {
        return NULL;
    }
    char *end = out;
    for (size_t i = 0; i < text.length; i += 3) {
        const size_t left = text.length - i;
        const uint32_t group = (uint32_t)text.bytes[i] << 16 |
                               (left > 1 ? (uint32_t)text.bytes[i + 1] << 8 : 0) |
                               (left > 2 ? text.bytes[i + 2] : 0u);
        *end++ = letters[group >> 18];
        *end++ = letters[group >> 12 & 63];
        *end++ = left > 1 ? letters[group >> 6 & 63] : '=';
        *end++ = left > 2 ? letters[group & 63] : '=';
    }
    *ret_length = (size_t)(end - out);
    return out;
}

/* The text with each byte that is not UTF-8 as \xNN. */
static json_t *mended_string(struct spr_text text)
{
    char *out = malloc(text.length * 4 + 1);
    if (out == NULL) {
        return NULL;
    }
    char *end = out;
    for (size_t i = 0; i < text.length;) {
        const struct spr_glyph glyph = spr_glyph_at(text, i);
        if (glyph.valid) {
            memcpy(end, text.bytes + i, glyph.length);
            end += glyph.length;
        } else {
            end += sprintf(end, "\\x%02x", glyph.point);
        }
        i += glyph.length;
    }
    json_t *string = json_stringn(out, (size_t)(end - out));
    free(out);
    return string;
}

void spr_json_text(struct spr_json *json, const char *key, struct spr_text text)
{
    if (text.bytes == NULL) {
        spr_json_null(json, key);
        return;
    }
    if (spr_utf8_valid(text)) {
        add(json, key, json_stringn((const char *)text.bytes, text.length));
        return;
    }
    char sibling[KEY_MAX];
    (void)snprintf(sibling, sizeof(sibling), "%s_b64", key);
    size_t length = 0;
    char *encoded = encode_base64(text, &length);
    add(json, key, mended_string(text));
    add(json, sibling, encoded != NULL ? json_stringn(encoded, length) : NULL);
    free(encoded);
}

void spr_json_string(struct spr_json *json, const char *key, const char *text)
{
    spr_json_text(json, key, spr_text_string(text));
}

void spr_json_number(struct spr_json *json, const char *key, uint64_t number)
{
    add(json, key, json_integer(number > INT64_MAX ? INT64_MAX : (json_int_t)number));
}

void spr_json_known(struct spr_json *json, const char *key, int64_t number)
{
    add(json, key, number == INT64_MIN ? json_null() : json_integer(number));
}

void spr_json_real(struct spr_json *json, const char *key, double number)
{
    add(json, key, json_real(number));
}

void spr_json_bool(struct spr_json *json, const char *key, bool value)
{
    add(json, key, json_boolean(value));
}

void spr_json_null(struct spr_json *json, const char *key)
{
    add(json, key, json_null());
}

/* Adds a container and makes it the open one. */
static void open_below(struct spr_json *json, const char *key, json_t *container)
{
    const bool fits = json != NULL && json->depth < DEPTH_MAX;
    add(json, key, container);
    if (!fits || json->failed) {
        if (json != NULL) {
            json->failed = true;
        }
        return;
    }
    json->open[json->depth++] = container;
}

void spr_json_list(struct spr_json *json, const char *key)
{
    open_below(json, key, json_array());
}

void spr_json_item(struct spr_json *json)
{
    open_below(json, NULL, json_object());
}

void spr_json_object(struct spr_json *json, const char *key)
{
    open_below(json, key, json_object());
}

void spr_json_close(struct spr_json *json)
{
    if (json != NULL && json->depth > 1) {
        json->depth--;
    }
}

int spr_json_write(struct spr_json *json, FILE *out)
{
    if (json == NULL) {
        return -ENOMEM;
    }
    char *text = json->failed ? NULL : json_dumps(json->open[0], JSON_COMPACT);
    json_decref(json->open[0]);
    free(json);
    if (text == NULL) {
        return -ENOMEM;
    }
    spr_escape_json(out, spr_text_string(text));
    (void)fputc('\n', out);
    free(text);
    return 0;
}
