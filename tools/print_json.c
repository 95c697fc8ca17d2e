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

/* One line in the making: every value is text at once, because a message may have a million
 * recipients, and as a tree they would take a kilobyte each. */
struct spr_json {
    FILE *out; /* into text */
    char *text;
    size_t length;
    bool is_list[DEPTH_MAX], has_some[DEPTH_MAX];
    unsigned depth; /* of those, at least 1 */
    bool failed;
};

struct spr_json *spr_json_new(const char *schema)
{
    struct spr_json *json = calloc(1, sizeof(*json));
    if (json == NULL) {
        return NULL;
    }
    json->depth = 1;
    json->out = open_memstream(&json->text, &json->length);
    if (json->out == NULL) {
        free(json);
        return NULL;
    }
    (void)fputc('{', json->out); /* memory streams fail at fclose */
    if (schema != NULL) {
        spr_json_string(json, "schema", schema);
    }
    return json;
}

static void put_value(struct spr_json *json, json_t *value)
{
    json->failed = json->failed || value == NULL ||
                   json_dumpf(value, json->out, JSON_COMPACT | JSON_ENCODE_ANY) != 0;
    json_decref(value);
}

/* What stands before a value. */
static void begin_value(struct spr_json *json, const char *key)
{
    const unsigned top = json->depth - 1;
    (void)fputs(json->has_some[top] ? "," : "", json->out); /* as above */
    json->has_some[top] = true;
    if (!json->is_list[top]) {
        put_value(json, json_string(key));
        (void)fputc(':', json->out); /* as above */
    }
}

/* Takes the value over. */
static void add(struct spr_json *json, const char *key, json_t *value)
{
    if (json == NULL || json->failed) {
        json_decref(value);
        return;
    }
    begin_value(json, key);
    put_value(json, value);
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
static void open_below(struct spr_json *json, const char *key, bool is_list)
{
    if (json == NULL || json->failed) {
        return;
    }
    if (json->depth == DEPTH_MAX) {
        json->failed = true;
        return;
    }
    begin_value(json, key);
    (void)fputc(is_list ? '[' : '{', json->out); /* as above */
    json->is_list[json->depth] = is_list;
    json->has_some[json->depth] = false;
    json->depth++;
}

void spr_json_list(struct spr_json *json, const char *key)
{
    open_below(json, key, true);
}

void spr_json_item(struct spr_json *json)
{
    open_below(json, NULL, false);
}

void spr_json_object(struct spr_json *json, const char *key)
{
    open_below(json, key, false);
}

void spr_json_close(struct spr_json *json)
{
    if (json != NULL && !json->failed && json->depth > 1) {
        json->depth--;
        (void)fputc(json->is_list[json->depth] ? ']' : '}', json->out); /* as above */
    }
}

int spr_json_write(struct spr_json *json, FILE *out)
{
    if (json == NULL) {
        return -ENOMEM;
    }
    while (json->depth > 1 && !json->failed) {
        spr_json_close(json);
    }
    (void)fputc('}', json->out); /* as above */
    const bool is_whole = fclose(json->out) == 0 && !json->failed;
    if (is_whole) {
        spr_escape_json(out, (struct spr_text){ (const uint8_t *)json->text, json->length });
        (void)fputc('\n', out);
    }
    free(json->text);
    free(json);
    return is_whole ? 0 : -ENOMEM;
}
