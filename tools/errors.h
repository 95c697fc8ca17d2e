/*
 * Error lines: "spoolray: SUBJECT: what happened (state of things; next command)".
 */
#ifndef SPR_TOOLS_ERRORS_H
#define SPR_TOOLS_ERRORS_H

#include "tools/cli.h"

/* The line for a failed library call; hint (what is the state, what to do next) may be NULL, then
 * the code's own hint stands. Returns code. */
int spr_error_fault(int code, const struct spr_fault *fault, const char *hint);
/* The line for something this program found itself. subject may be NULL. Returns exit_code. */
int spr_error_say(enum spr_exit exit_code, const char *subject, const char *what, const char *hint);
/* A syntax error in a query: the query with a caret under the column. Returns code. */
int spr_error_query(int code, const struct spr_fault *fault, const char *query);
/* A note on stderr, unless quiet. */
void spr_note(const struct spr_cli *cli, const char *subject, const char *what);

#endif
