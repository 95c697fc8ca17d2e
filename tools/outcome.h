/*
 * What a change would do, and what it did.
 */
#ifndef SPR_TOOLS_OUTCOME_H
#define SPR_TOOLS_OUTCOME_H

#include "tools/cli.h"

/* The preview; states may be NULL, else the selection by state (freed by the caller). */
int spr_preview_print(const struct spr_cli *cli, const struct spr_plan_report *plan,
                      const char *expression, struct spr_top *states);

/* The end of a job: apply, undo, resume or purge. result is what the library call returned, its
 * error line already printed. The exit code or the result. */
struct spr_outcome {
    const char *schema; /* "spoolray.apply/1" */
    const char *past;   /* "taken out" */
    const char *spool_root;
    enum spr_action action;
    uint64_t job;       /* 0: only the report knows */
    const char *detail; /* of a failure, else NULL */
    bool undoable;      /* tell how to undo and to free the space */
};
int spr_outcome_print(const struct spr_cli *cli, const struct spr_outcome *outcome,
                      const struct spr_job_report *job, int result);

#endif
