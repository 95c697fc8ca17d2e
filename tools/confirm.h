/*
 * Confirmation of what cannot be taken back lightly: the count typed on a terminal; off a terminal
 * --yes, for changes together with --expect N, --everything or a plan file.
 */
#ifndef SPR_TOOLS_CONFIRM_H
#define SPR_TOOLS_CONFIRM_H

#include "tools/cli.h"

/* --expect against what matched: messages that would be changed, or those and the ones left out. 0
 * or an exit code with its error line. */
int spr_confirm_expect(const struct spr_cli *cli, uint64_t messages, uint64_t left_out);
/* has_plan_file: the plan was reviewed as a file. verb: "delete". 0 or an exit code. */
int spr_confirm_change(const struct spr_cli *cli, const char *verb, uint64_t messages,
                       bool has_plan_file);
/* Undo and purge: --yes, or the word typed. */
int spr_confirm_job(const struct spr_cli *cli, const char *question, const char *word);

#endif
