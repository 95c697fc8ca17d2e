/*
 * Purging a decided batch: unlinking its slots, each after its identity was checked in our own
 * folder, then its journal and folder.
 *
 * Some batches of a job are purged at once, because unlinks of one folder wait for
 * each other. Each batch keeps its own order: a synced line in the ledger, a synced PURGE (J5), the
 * slots, a sync of their folder, a synced END, its line, its folder. Between batches there is no
 * order, so a crash leaves each of them before PURGE (nothing of it is gone), between PURGE and END
 * (recover unlinks the rest), or behind END (recover removes the folder).
 */
#ifndef SPR_CORE_BATCH_PURGE_H
#define SPR_CORE_BATCH_PURGE_H

#include "core/batch/change.h"
#include "core/batch/journal.h"

/* Purges one batch of a job; its line in the ledger must exist. */
int spr_purge_batch(struct spr_change *change, uint64_t job, uint64_t number);
/* All batches of a job; SPR_E_STOPPED between two groups. */
int spr_purge_job(struct spr_change *change, const struct spr_ledger_job *job);
/* From a journal that is open in state DECIDED or PURGING. */
int spr_purge_slots(struct spr_change *change, struct spr_batch *batch,
                    struct spr_journal *journal);
/* Removes the journal and folder of a batch without slots (R6); 0 also when slots are left. */
int spr_purge_folder(struct spr_change *change, uint64_t job, uint64_t number, bool *ret_removed);

#endif
