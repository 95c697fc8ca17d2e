/*
 * Looking ahead: what lies at the names of messages is read by several workers before their batch
 * is built, and while the batch before it is moved.
 *
 *  (S1) It only looks. Of the batch that is moved meanwhile nothing is read or written: folders,
 *       descriptors and memory are a look's own.
 *  (S2) It decides nothing. What it saw is older than what the builder would see, so every file is
 *       compared again, strictly, before it moves (M1); what changed meanwhile is passed over and
 *       tried anew.
 *  (S3) A file that was not there is believed to be missing only where it cannot come without a
 *       change of its message: messages that the server keeps in memory, and those that went
 *       elsewhere, are left to the builder. A missing folder is believed for as long as it takes
 *       to look at DEAL_COUNT messages.
 *  (S4) What could not be seen plainly is left to the builder too.
 */
#ifndef SPR_CORE_BATCH_LOOK_H
#define SPR_CORE_BATCH_LOOK_H

#include "core/batch/change.h"
#include "core/batch/plan.h"

/* Some entries of a plan, in the order of the batch they shall be; borrowed. */
struct spr_selection {
    const struct spr_plan *plan;
    const uint64_t *entries;
    uint32_t count;
};

struct spr_look;
/* Begins on threads of its own, where there is enough to look at; else NULL. The change's format,
 * layout and place, the plan and the entries must stay until it is freed. */
struct spr_look *spr_look_begin(const struct spr_change *change,
                                const struct spr_selection *selection);
/* Until all is seen. NULL is accepted, here and below. */
void spr_look_wait(struct spr_look *look);
/* Ends it wherever it is. */
void spr_look_free(struct spr_look *look);
/* Does it begin with these entries? */
bool spr_look_covers(const struct spr_look *look, const struct spr_selection *selection);

enum spr_seen {
    SPR_SEEN_NOTHING, /* look yourself */
    SPR_SEEN_ABSENT,
    SPR_SEEN_FILE,
};
struct spr_sight {
    enum spr_seen seen;
    unsigned attempt; /* of locate; of roles that are looked for on demand */
    const struct spr_identity *identity;
};
/* Of one role of an entry, by its number in the selection; after spr_look_wait. */
struct spr_sight spr_look_sight(const struct spr_look *look, uint32_t number, unsigned role);

#endif
