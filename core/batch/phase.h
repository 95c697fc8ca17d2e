/*
 * One phase of a batch: all pivots, or all other files, there or back. The barriers between phases
 * are apply.c's.
 */
#ifndef SPR_CORE_BATCH_PHASE_H
#define SPR_CORE_BATCH_PHASE_H

#include "core/batch/change.h"

/* Everything of this part that still goes and has not moved, on as many threads as pay; a message
 * that cannot gets its fate. All of it has ended on return. */
int spr_phase_move(struct spr_change *change, struct spr_batch *batch, bool pivots);
/* Everything of this part that moved and whose message is not out. */
int spr_phase_put_back(struct spr_change *change, struct spr_batch *batch, bool pivots);
/* What leaves and is stuck keeps its pivot in our hands: what went back of it is taken again, so
 * that it is whole there. */
int spr_phase_take_again(struct spr_change *change, struct spr_batch *batch);
/* The message of this file does not go. */
void spr_phase_fail(struct spr_change *change, struct spr_batch *batch,
                    const struct spr_batch_file *file, int code);

#endif
