/*
 * JSON Lines: one object a line, always valid UTF-8. In a text from mail a byte that is not UTF-8
 * reads \xNN, and a sibling "…_b64" has the exact bytes. The only place that knows jansson.
 *
 * Every function accepts NULL, so that lack of memory is met once, by spr_json_write.
 */
#ifndef SPR_TOOLS_PRINT_JSON_H
#define SPR_TOOLS_PRINT_JSON_H

#include "core/spoolray.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct spr_json;

struct spr_json *spr_json_new(const char *schema);
/* bytes NULL: null */
void spr_json_text(struct spr_json *json, const char *key, struct spr_text text);
/* NULL: null */
void spr_json_string(struct spr_json *json, const char *key, const char *text);
void spr_json_number(struct spr_json *json, const char *key, uint64_t number);
/* INT64_MIN, the library's unknown time or count: null */
void spr_json_known(struct spr_json *json, const char *key, int64_t number);
void spr_json_real(struct spr_json *json, const char *key, double number);
void spr_json_bool(struct spr_json *json, const char *key, bool value);
void spr_json_null(struct spr_json *json, const char *key);
/* Opens a list of objects or an object below key; _item opens the list's next object. */
void spr_json_list(struct spr_json *json, const char *key);
void spr_json_item(struct spr_json *json);
void spr_json_object(struct spr_json *json, const char *key);
void spr_json_close(struct spr_json *json);
/* Writes the line and frees; 0 or a negative errno. */
int spr_json_write(struct spr_json *json, FILE *out);

#endif
