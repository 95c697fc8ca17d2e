/*
 * JSON Lines: one object a line, always valid UTF-8. In a text from mail a byte that is not UTF-8
 * reads \xNN, and a sibling "…_b64" has the exact bytes. Controls, bidirectional overrides and the
 * like leave as \uNNNN, so that a line cannot steer a terminal.
 *
 * A writer of our own, because a tree of values took 40 µs a message of eight recipients where
 * finding the message takes 4: every value goes into the buffer at once, and nothing is allocated.
 */
#ifndef SPR_TOOLS_PRINT_JSON_H
#define SPR_TOOLS_PRINT_JSON_H

#include "tools/out.h"

#define SPR_JSON_DEPTH_MAX 8

/* One line in the making. Keys are ours: plain ASCII without quotes; NULL in a list. */
struct spr_json {
    struct spr_out *out;
    unsigned depth;
    bool has_some; /* the open container has a value */
    char closers[SPR_JSON_DEPTH_MAX];
};

/* schema may be NULL. */
void spr_json_begin(struct spr_json *json, struct spr_out *out, const char *schema);
/* bytes NULL: null */
void spr_json_text(struct spr_json *json, const char *key, struct spr_text text);
/* NULL: null */
void spr_json_string(struct spr_json *json, const char *key, const char *text);
void spr_json_number(struct spr_json *json, const char *key, uint64_t number);
/* INT64_MIN, the library's unknown time or count: null */
void spr_json_known(struct spr_json *json, const char *key, int64_t number);
/* Infinite or no number: null */
void spr_json_real(struct spr_json *json, const char *key, double number);
void spr_json_bool(struct spr_json *json, const char *key, bool value);
void spr_json_null(struct spr_json *json, const char *key);
/* Opens a list or an object below key; _item opens an object as the list's next value. */
void spr_json_list(struct spr_json *json, const char *key);
void spr_json_item(struct spr_json *json);
void spr_json_object(struct spr_json *json, const char *key);
void spr_json_close(struct spr_json *json);
/* Closes what is open and ends the line. */
void spr_json_end(struct spr_json *json);

#endif
