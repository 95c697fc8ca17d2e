/*
 * The triage verdict over one snapshot.
 */
#ifndef SPR_CORE_QUERY_TRIAGE_H
#define SPR_CORE_QUERY_TRIAGE_H

#include "core/catalog.h"

int spr_triage_run(const struct spr_snapshot *snapshot, struct spr_verdict_report **ret_report,
                   struct spr_fault *fault);

#endif
