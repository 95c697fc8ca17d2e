/*
 * Journals of some batches of a job, opened together, by a thread each where they are large; so
 * they can be read while the batches before them are still being synced.
 *
 * A thread writes its own place only; joining orders that before any reading.
 */
#ifndef SPR_CORE_BATCH_OPENED_H
#define SPR_CORE_BATCH_OPENED_H

#include "core/batch/change.h"
#include "core/batch/journal.h"

#define SPR_OPENED_MAX 4u /* a full batch takes some 7 MiB */

struct spr_opened {
    uint64_t number;
    int code; /* 0, or why it could not be opened: -ENOENT when its folder is gone */
    enum spr_journal_state state;
    struct spr_batch *batch;
    struct spr_journal *journal;
    struct spr_fault fault;
};

struct spr_opened_group {
    struct spr_change *change;
    uint64_t job;
    uint64_t messages; /* that these batches took */
    uint32_t count;
    struct spr_opened batches[SPR_OPENED_MAX];
    struct spr_workers *workers; /* NULL: joined */
    _Atomic uint32_t next;       /* to be opened; relaxed: who takes which does not matter */
};

/* Of group, job, messages, count and the numbers of its batches are set, all else is zero. */
void spr_opened_begin(struct spr_opened_group *group);
void spr_opened_wait(struct spr_opened_group *group);
/* Closes and frees all; NULL is accepted. */
void spr_opened_free(struct spr_opened_group *group);

#endif
