/*
 * The command line and the configuration file, read into values by option.
 */
#ifndef SPR_TOOLS_ARGS_H
#define SPR_TOOLS_ARGS_H

#include "tools/options.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define SPR_SPOOLS_MAX 64

struct spr_verb;

struct spr_args {
    const struct spr_verb *verb;
    const char *values[SPR_OPT_TOTAL]; /* NULL: not given; a switch that is on: "yes" */
    const char *spools[SPR_SPOOLS_MAX];
    unsigned spool_count;
    const char **words; /* after the verb */
    unsigned word_count;
    char *config;  /* the configuration file's text; values may point into it */
    char *command; /* what was typed, quoted for the shell */
};

/* Reads argv; verbs is the table of main.c; args->verb stays NULL when none is named. 0, or an exit
 * code whose error line went to err. ret_args is to be freed in either case. */
int spr_args_parse(int argc, char *const *argv, const struct spr_verb *verbs, FILE *err,
                   struct spr_args *ret_args);
/* Every option given must be one of the verb's. 0 or an exit code. */
int spr_args_check(const struct spr_args *args, FILE *err);
/* Fills in what the command line left open from --config or /etc/spoolray.conf. */
int spr_args_configure(struct spr_args *args, const char *default_path, FILE *err);
void spr_args_free(struct spr_args *args);

bool spr_args_on(const struct spr_args *args, enum spr_option_id option);
/* NULL when not given. */
const char *spr_args_text(const struct spr_args *args, enum spr_option_id option);
/* Only for options that were checked to be numbers when read. */
uint64_t spr_args_number(const struct spr_args *args, enum spr_option_id option, uint64_t absent);

/* The positional words from number first on, joined by blanks; to be freed; NULL without memory. */
char *spr_args_join(const struct spr_args *args, unsigned first);

/* For the two readers: where a value came from, its error lines (the answer is the exit code), and
 * taking a value over; text NULL for a switch. */
struct spr_origin {
    FILE *err;
    const char *path; /* NULL: the command line */
    unsigned line;
};
int spr_args_complain(const struct spr_origin *origin, const char *name, const char *text,
                      const char *reason);
int spr_args_unknown(const struct spr_origin *origin, const char *name, size_t length);
int spr_args_store(struct spr_args *args, const struct spr_option *option, const char *text,
                   const struct spr_origin *origin);

#endif
