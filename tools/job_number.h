/*
 * The number of a job as an operator gives it.
 */
#ifndef SPR_TOOLS_JOB_NUMBER_H
#define SPR_TOOLS_JOB_NUMBER_H

#include "tools/cli.h"

/* 0, or an exit code with its error line. */
int spr_args_job(const char *text, uint64_t *ret_job);

#endif
