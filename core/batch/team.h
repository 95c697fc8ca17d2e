/*
 * Workers for the calls of one phase, as many as pay.
 *
 *  (T1) A round returns only when every worker of it was joined: whatever it did happened before
 *       what its caller does next, so barriers and frames stay where they are.
 *  (T2) After a failure no item is begun; those in flight end.
 *  (T3) A round too small to measure is run by the calling thread alone, in order.
 *
 * How many pay depends on the file system, so it is measured (PERF 6): one worker has a first part
 * of a round, more have the next ones, and the count that was faster by a clear margin than every
 * smaller one is kept for a while.
 */
#ifndef SPR_CORE_BATCH_TEAM_H
#define SPR_CORE_BATCH_TEAM_H

#include <stdint.h>

#define SPR_TEAM_ROUND 2048u /* items a round at most */
#define SPR_TEAM_DEAL  16u   /* items that follow each other go to one worker */

struct spr_team {
    uint32_t fixed; /* so many workers, whatever is measured; 0: measure */
    uint32_t most;  /* that are ever tried */
    uint32_t trial; /* number of the count being tried; past the last: one is kept */
    uint32_t kept;  /* workers */
    uint32_t rounds_kept;
    double best; /* items a second */
};

typedef int (*spr_team_fn)(uint32_t item, void *user);
/* Calls act for items 0 to count - 1, each once, in any order and on any thread; what it touches
 * besides its item must bear that. The first negative answer, else 0. */
int spr_team_round(struct spr_team *team, uint32_t count, spr_team_fn act, void *user);
/* One worker whatever was measured, in order: for what more must not do at once. */
int spr_team_alone(uint32_t count, spr_team_fn act, void *user);
/* The most that the next round of this size has at any time. */
uint32_t spr_team_size(const struct spr_team *team, uint32_t count);

#endif
