/*
 * Numbers, sizes, times and texts as people read them. Times are local, ISO 8601.
 */
#ifndef SPR_TOOLS_PRINT_TEXT_H
#define SPR_TOOLS_PRINT_TEXT_H

#include "tools/cli.h"

#define SPR_SHORT_MAX 40

/* Each fills text and returns it. */
const char *spr_text_count(uint64_t count, char text[SPR_SHORT_MAX]); /* 94,213 */
const char *spr_text_size(uint64_t bytes, char text[SPR_SHORT_MAX]);  /* 1.2 MB */
const char *spr_text_minute(int64_t time, char text[SPR_SHORT_MAX]);  /* 2026-11-23 21:40 */
const char *spr_text_second(int64_t time, char text[SPR_SHORT_MAX]);  /* 2026-11-23 21:40:05 */
const char *spr_text_stamp(int64_t time, char text[SPR_SHORT_MAX]); /* 2026-11-23T21:40:05+01:00 */
const char *spr_text_span(uint64_t seconds, char text[SPR_SHORT_MAX]); /* 2 h 14 min */
const char *spr_text_share(uint64_t part, uint64_t whole, char text[SPR_SHORT_MAX]); /* 94 % */
/* "1 message", "2 messages" */
const char *spr_text_messages(uint64_t count, char text[SPR_SHORT_MAX]);

const char *spr_action_name(enum spr_action action);
const char *spr_action_past(enum spr_action action); /* "taken out", "put on hold" */
const char *spr_state_name(enum spr_state state);
const char *spr_auth_source_name(enum spr_auth_source source);
const char *spr_recipient_state_name(enum spr_recipient_state state);
const char *spr_job_state_name(enum spr_job_state state);

/* Bold on a colour terminal. */
void spr_print_bold(const struct spr_cli *cli, const char *text);
/* A term of the query language, field:value, quoted for it; raw bytes, for the compiler. */
void spr_write_term(FILE *out, const char *field, struct spr_text value);
/* The same, quoted once more for the shell. */
void spr_print_term(FILE *out, const char *field, struct spr_text value);
/* " --spool ROOT", for a command to be typed. */
void spr_print_spool(FILE *out, const char *root);

#endif
