/*
 * Running a plan's entries as batches, and what is done when the disk is full:
 * the reserve goes; then batches become small, 64 messages; then the job's smallest batch is
 * purged; with none yet, the first messages go for good. Only delete may do the last two, and never
 * for more messages than the preview said.
 */
#ifndef SPR_CORE_BATCH_RUN_H
#define SPR_CORE_BATCH_RUN_H

#include "core/batch/change.h"
#include "core/batch/look.h"
#include "core/batch/make_room.h"

struct spr_job_run {
    struct spr_change *change;
    const struct spr_plan *plan;
    uint64_t number;    /* 0: not yet in the ledger */
    uint64_t next;      /* first entry that no batch has covered */
    uint64_t room_left; /* messages that may still go for good */
    uint32_t batch_max;
    uint64_t *again; /* entries that moved meanwhile */
    uint64_t again_count;
    struct spr_room room;
    uint64_t gone;          /* messages that made room, all together */
    bool is_open;           /* the batch that failed was begun: recover settles it */
    struct spr_look *ahead; /* at the next batch; NULL: none */
};

/* *run has change, plan, next and room_left. */
int spr_run_begin(struct spr_job_run *run);
void spr_run_end(struct spr_job_run *run);
/* For what has to be written before the first batch: 1 when some messages made room, else why not;
 * -ENOSPC when there are none that may go. */
int spr_run_make_room(struct spr_job_run *run);
/* Tells the ledger of them, when run->number is in it. */
int spr_run_tell_room(struct spr_job_run *run);
/* Every entry from next on, then rounds for what moved meanwhile. */
int spr_run_plan(struct spr_job_run *run);

#endif
