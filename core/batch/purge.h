/*
 * Purging a decided batch: unlinking its slots, each after its identity was checked in our own
 * folder, then its journal and folder.
 */
#ifndef SPR_CORE_BATCH_PURGE_H
#define SPR_CORE_BATCH_PURGE_H

#include "core/batch/change.h"
#include "core/batch/journal.h"

/* Purges one batch of a job; its line in the ledger must exist. */
int spr_purge_batch(struct spr_change *change, uint64_t job, uint64_t number);
/* From a journal that is open in state DECIDED or PURGING. */
int spr_purge_slots(struct spr_change *change, struct spr_batch *batch,
                    struct spr_journal *journal);
/* Removes the journal and folder of a batch without slots (R6); 0 also when slots are left. */
int spr_purge_folder(struct spr_change *change, uint64_t job, uint64_t number, bool *ret_removed);

#endif
