/*
 * One batch from PREPARED to DECIDED.
 *
 *  (A1) Barrier A: nothing in the spool moves before journal and folders of the batch are synced.
 *       A phase is moved by as many workers as pay (phase.h); it has ended when all of them were
 *       joined, so a barrier is behind every call of its phase whoever made it.
 *  (A2) What leaves: the pivot before its supports, with barrier B between. What arrives: supports
 *       before the pivot, likewise. So whenever a pivot is in the server's sight, on disk as in
 *       memory, its supports are.
 *  (A3) Barrier C: every rename is synced before the decision; barrier D: success is told only
 * after the decision is synced. (A4) A failure that is not one message's own stops everything: no
 * call is begun after it, the batch stays open, and recover decides. (A5) A message whose files
 * cannot all move goes back whole, before the decision.
 */
#ifndef SPR_CORE_BATCH_APPLY_H
#define SPR_CORE_BATCH_APPLY_H

#include "core/batch/change.h"
#include "core/batch/journal.h"

/* Once a batch, after the decision. */
struct spr_wake {
    char path[SPR_PATH_MAX + 1]; /* "": nobody */
    struct spr_text bytes;       /* static */
};

/* The next free batch of a job: number and folder path, so that folder 0 can be named. */
int spr_batch_place(struct spr_change *change, uint64_t job, struct spr_batch *batch);
/* Runs a built batch. A failure with batch->begun false: nothing was done. Afterwards the
 * fates are in the batch and its line is in the ledger. last_round:
 * false: messages that moved meanwhile are tried again by the caller.
 */
int spr_batch_run(struct spr_change *change, struct spr_batch *batch, const struct spr_wake *wake,
                  bool last_round);
/* Can this failure pass when the message is looked for anew? */
bool spr_fate_may_pass(const struct spr_batch_message *message);

/* Shared with recover. */
bool spr_operation_arrives(enum spr_action operation);
/* Everything that has not moved yet, with barriers B and C, then what failed goes back. */
int spr_batch_move_all(struct spr_change *change, struct spr_batch *batch);
/* Messages that are not out: supports back, sync, pivots back, sync (arriving: the other way). */
int spr_batch_put_back(struct spr_change *change, struct spr_batch *batch);
/* Counts into the report and writes the ledger's line. */
int spr_batch_settle(struct spr_change *change, struct spr_batch *batch, bool last_round);
#define SPR_BATCH_NAME_MAX 64
void spr_batch_name(uint64_t job, uint64_t number, char name[SPR_BATCH_NAME_MAX]);
/* Opens PRIV/<job>/<number>; name for faults. */
int spr_batch_open_folder(struct spr_change *change, uint64_t job, uint64_t number,
                          char name[SPR_BATCH_NAME_MAX]);

#endif
