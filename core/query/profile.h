/*
 * The facts about one set of messages that the verdict weighs: sizes, times, how many different
 * recipients.
 */
#ifndef SPR_CORE_QUERY_PROFILE_H
#define SPR_CORE_QUERY_PROFILE_H

#include "core/catalog.h"

#define SPR_FANOUT_STEPS 1024 /* recipients a message; more count as the last */

struct spr_profile {
    uint64_t messages, recipients, pending, bytes, bounces, header_only;
    uint64_t states[SPR_STATE_CORRUPT + 1];
    uint64_t fanout[SPR_FANOUT_STEPS]; /* messages by number of recipients */
    int64_t first, last;               /* arrivals; SPR_TIME_UNKNOWN */
    int64_t burst_start, burst_end;    /* shortest span with 90 % of the known arrivals */
    uint64_t peak;                     /* most arrivals within 60 s */
};

/* rows: one bitmap a segment. */
int spr_profile_take(const struct spr_snapshot *snapshot, uint64_t *const *rows,
                     struct spr_profile *ret_profile, struct spr_fault *fault);
/* Distinct recipient addresses in normal form: 8 bytes each while counting. */
int spr_profile_distinct(const struct spr_snapshot *snapshot, uint64_t *const *rows,
                         uint64_t *ret_count, struct spr_fault *fault);

#endif
