/*
 * A full disk: the first of the selected messages go for good, so that the rest can go undoably.
 */
#ifndef SPR_CORE_BATCH_MAKE_ROOM_H
#define SPR_CORE_BATCH_MAKE_ROOM_H

#include "core/batch/plan.h"
#include "core/batch/steps.h"

#define SPR_ROOM_MESSAGES 64

/* Unlinks up to SPR_ROOM_MESSAGES of these entries (supports first, pivot last as a message whose
 * pivot is gone is gone), each after identity and, where the server locks, its lock. Answers how
 * many, or a negative errno. *ret_passed: how many entries were looked at. */
int spr_room_unlink(struct spr_change *change, const struct spr_plan *plan, const uint64_t *entries,
                    uint32_t count, uint32_t *ret_passed);

#endif
