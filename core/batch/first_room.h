/*
 * The first change of a spool on a full disk: there is no private folder, and no room to make one.
 * Some of the messages go for good, as the preview said, until there is.
 */
#ifndef SPR_CORE_BATCH_FIRST_ROOM_H
#define SPR_CORE_BATCH_FIRST_ROOM_H

#include "core/batch/plan.h"

struct spr_first_room {
    const struct spr_plan *plan;
    const struct spr_options *options;
    /* so far: messages that went, entries of the plan that were looked at, bytes freed */
    uint64_t gone, passed, bytes;
};

/* Lets some more go. 1 some went, 0 none may, or a negative errno. */
int spr_first_room_make(struct spr_first_room *room, struct spr_fault *fault);

#endif
