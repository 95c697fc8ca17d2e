/*
 * The files of paired messages as they lie now: one listing of each folder of a batch tells whether
 * a set has changed since it was indexed, and whether a lock lies beside it; and before a set comes
 * back, whether its stem is taken.
 */
#ifndef SPR_CORE_BATCH_PAIRING_H
#define SPR_CORE_BATCH_PAIRING_H

#include "core/batch/change.h"
#include "core/batch/plan.h"

struct spr_pairing;
/* entries: indices into the plan; dirs: their folders in the batch, one per entry. For a format
 * without paired roles the answer to every question is 0. */
int spr_pairing_read(struct spr_change *change, const struct spr_plan *plan,
                     const uint64_t *entries, const uint32_t *dirs, uint32_t count,
                     struct spr_batch *batch, struct spr_pairing **ret_pairing);
/* For the messages of a batch that shall come back to where they were taken: is there anything with
 * the stem of one of them, of whatever kind and in whatever case? */
int spr_pairing_read_taken(struct spr_change *change, struct spr_batch *done,
                           struct spr_pairing **ret_pairing);
/* Read for a plan: 0: the set is whole and the same; SPR_E_BUSY: locked; SPR_E_CHANGED, -ENOENT.
 * Read for what comes back: 0 or -EEXIST. */
int spr_pairing_check(const struct spr_pairing *pairing, uint32_t number);
void spr_pairing_free(struct spr_pairing *pairing);

#endif
