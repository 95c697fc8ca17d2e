/*
 * A job: a plan run as batches. Shared pieces of applying and resuming.
 */
#ifndef SPR_CORE_BATCH_JOB_H
#define SPR_CORE_BATCH_JOB_H

#include "core/batch/change.h"
#include "core/batch/plan.h"

/* The state a job of the ledger is in, as people are told. */
enum spr_job_state spr_job_state_of(const struct spr_private *place,
                                    const struct spr_ledger_job *job);
/* Everything that its batches did. */
struct spr_job_sums {
    uint64_t out, skipped, back, stuck, lost, purged, restored, bytes, next;
    bool can_undo;
};
struct spr_job_sums spr_job_sum(const struct spr_ledger_job *job);

#endif
