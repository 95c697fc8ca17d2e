/*
 * What every verb of the command line is given, and what it answers.
 *
 * A verb answers an exit code (enum spr_exit, 0 and above) or passes on the negative result of a
 * library call whose error line is already printed; main.c turns that into an exit code by its one
 * table.
 */
#ifndef SPR_TOOLS_CLI_H
#define SPR_TOOLS_CLI_H

#include "core/spoolray.h"
#include "tools/args.h"

#include <stdbool.h>
#include <stdio.h>

enum spr_exit {
    SPR_EXIT_DONE = 0,
    SPR_EXIT_NOTHING = 1,
    SPR_EXIT_USAGE = 2,
    SPR_EXIT_PARTIAL = 3,
    SPR_EXIT_REFUSED = 4,
    SPR_EXIT_CHANGED = 5,
    SPR_EXIT_IO = 6,
    SPR_EXIT_CORRUPT = 7,
    SPR_EXIT_INTERRUPTED = 130,
};

struct spr_cli {
    const struct spr_args *args;
    bool json, quiet;
    bool out_is_terminal, err_is_terminal, in_is_terminal;
    bool colour; /* on stdout */
    unsigned columns;
};

/* One verb: its row in main.c's table. */
struct spr_verb {
    const char *name;
    uint32_t bit;        /* enum spr_verb_bit */
    const char *usage;   /* after the name */
    const char *summary; /* one line of the front page */
    const char *details; /* more lines of its own help page */
    unsigned words_min, words_max;
    int (*run)(struct spr_cli *cli);
};

int spr_cmd_triage(struct spr_cli *cli);
int spr_cmd_scan(struct spr_cli *cli);
int spr_cmd_top(struct spr_cli *cli);
int spr_cmd_query(struct spr_cli *cli);
int spr_cmd_show(struct spr_cli *cli);
int spr_cmd_plan(struct spr_cli *cli);
int spr_cmd_apply(struct spr_cli *cli);
int spr_cmd_change(struct spr_cli *cli); /* delete, hold, release */
int spr_cmd_jobs(struct spr_cli *cli);
int spr_cmd_undo(struct spr_cli *cli);
int spr_cmd_resume(struct spr_cli *cli);
int spr_cmd_purge(struct spr_cli *cli);
int spr_cmd_formats(struct spr_cli *cli);
int spr_cmd_bench(struct spr_cli *cli);
int spr_cmd_version(struct spr_cli *cli);

/* The help pages; verbs is main.c's table, ended by a NULL name. */
void spr_help_front(FILE *out, const struct spr_verb *verbs);
void spr_help_verb(FILE *out, const struct spr_verb *verb);

#endif
