/*
 * One call that changes a spool: its private directory, locked, its ledger, what is known of the
 * server, and the report that grows.
 */
#ifndef SPR_CORE_BATCH_CHANGE_H
#define SPR_CORE_BATCH_CHANGE_H

#include "core/batch/ledger.h"
#include "core/batch/private.h"
#include "core/batch/server.h"
#include "core/batch/team.h"

struct spr_change {
    struct spr_private *place;
    struct spr_ledger *ledger;
    struct spr_options options;
    const struct spr_format *format; /* of the job at hand */
    struct spr_layout layout;
    struct spr_server server;
    struct spr_job_report report;
    struct spr_team movers, unlinkers; /* what was learnt of this file system */
    struct spr_fault *fault;
    uint64_t steps_done, steps_total;
    bool recovered; /* what a crash left is settled */
    bool stopped;   /* the progress callback said so; batches end first */
};

/* Opens, locks, and settles what a crash left. -ENOENT when the spool has no private directory. */
int spr_change_begin(const char *spool_root, const struct spr_options *options,
                     struct spr_change **ret_change, struct spr_fault *fault);
/* The same in two goes, for what may be the first use: open takes nothing and makes nothing; enter
 * makes the private directory where it is missing, and goes on where it failed on a full disk. */
int spr_change_open(const char *spool_root, const struct spr_options *options,
                    struct spr_change **ret_change, struct spr_fault *fault);
int spr_change_enter(struct spr_change *change);
/* Remakes the reserve. */
void spr_change_end(struct spr_change *change);

/* Which format, and whether its server runs. SPR_E_UNABLE with the reason when it is not known
 * here. */
int spr_change_use(struct spr_change *change, const char *format, const struct spr_layout *layout);

void spr_change_progress(struct spr_change *change, uint64_t steps);
/* Remembers the first message that failed. */
void spr_change_note(struct spr_change *change, int code, const char *folder, const char *name);
const char *spr_reason_of(int code); /* static clause, for messages that were left alone */

#endif
