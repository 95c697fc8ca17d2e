/*
 * Messages to ordered steps: each entry of a plan is found again, confirmed, and asked of the
 * format. Nothing in the spool changes here but missing hash folders, which are made.
 */
#ifndef SPR_CORE_BATCH_STEPS_H
#define SPR_CORE_BATCH_STEPS_H

#include "core/batch/apply.h"
#include "core/batch/look.h"

/* Builds the batch for these entries of a plan. A message that cannot be changed is in it too, as
 * SKIPPED, with the reason. look: has looked at them and waited; NULL: they are looked at here. */
int spr_steps_build(struct spr_change *change, const struct spr_selection *selection,
                    const struct spr_look *look, struct spr_batch *batch, struct spr_wake *wake);
/* The batch that brings back what another one took: its messages that are out and still lie where
 * it put them. */
int spr_steps_undo(struct spr_change *change, struct spr_batch *done, struct spr_batch *batch,
                   struct spr_wake *wake);

/* Shared: number, names, identity of one file, with its pin; the folder of a path, made if missing.
 */
int spr_steps_head(struct spr_change *change, enum spr_action operation, struct spr_batch *batch);
int spr_steps_prepare_file(struct spr_change *change, struct spr_batch *batch,
                           struct spr_batch_file *file);
int spr_steps_target(struct spr_change *change, struct spr_batch *batch,
                     const struct spr_path *path, struct spr_batch_file *file);
void spr_steps_wake(const struct spr_step *step, struct spr_wake *wake);

#endif
