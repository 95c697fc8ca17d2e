/*
 * The ledger: PRIV/jobs, the spool's list of jobs. Lines of text, only ever appended, each with a
 * checksum; a torn last line does not count.
 *
 *   job NUMBER key=value ...     a job was begun
 *   batch NUMBER key=value ...   one of its batches is decided and settled
 *   purge NUMBER key=value ...   the slots of a batch are gone for good
 *   room NUMBER key=value ...    messages that went for good to make room
 *   end NUMBER state=WORD        the job has come to rest
 *
 *  (L1) A job is told to nobody before its line is synced.
 *  (L2) A batch without its line may be anything: recover looks at its journal. A batch with its
 *       line needs no look.
 *  (L3) A purge is announced by a line before its journal says PURGE.
 *  (L4) What the lines say is bookkeeping: no file is moved or removed because of them.
 */
#ifndef SPR_CORE_BATCH_LEDGER_H
#define SPR_CORE_BATCH_LEDGER_H

#include "core/batch/batch.h"
#include "core/batch/private.h"

#define SPR_LEDGER_TEXT_MAX 2048 /* of command and reason, shortened in the middle */

struct spr_ledger_batch {
    uint64_t number, next, bytes, undoes;
    enum spr_action operation;
    struct spr_batch_counts counts;
    uint64_t again; /* of the skipped: those that another batch tries once more */
    bool purge_begun, purged;
    uint64_t purged_messages;
};

struct spr_ledger_job {
    uint64_t job;
    enum spr_action action;
    int64_t created;
    uint64_t planned, room; /* room: messages that went for good to make room */
    uint64_t passed;        /* matched, but nothing could be tried with them */
    uint64_t room_next;     /* first entry of the plan behind those */
    char *room_names;       /* their paths, a newline behind each; NULL: none */
    char *user, *format, *command, *reason;
    bool ended;
    enum spr_job_state state; /* when ended */
    struct spr_ledger_batch *batches;
    uint32_t batch_count, batch_capacity;
};

struct spr_ledger;
/* Reads what is there; a spool without jobs has an empty one. */
int spr_ledger_open(const struct spr_private *place, struct spr_ledger **ret_ledger,
                    struct spr_fault *fault);
void spr_ledger_close(struct spr_ledger *ledger);
uint32_t spr_ledger_count(const struct spr_ledger *ledger);
struct spr_ledger_job *spr_ledger_at(struct spr_ledger *ledger, uint32_t index);
struct spr_ledger_job *spr_ledger_find(struct spr_ledger *ledger, uint64_t job);
const struct spr_ledger_batch *spr_ledger_find_batch(const struct spr_ledger_job *job,
                                                     uint64_t number);

/* Each appends one line, syncs it, and takes it in. The texts are copied. */
int spr_ledger_add_job(struct spr_ledger *ledger, const struct spr_ledger_job *job);
int spr_ledger_add_batch(struct spr_ledger *ledger, uint64_t job,
                         const struct spr_ledger_batch *batch);
int spr_ledger_add_purge(struct spr_ledger *ledger, uint64_t job, uint64_t number,
                         uint64_t messages, bool is_begin);
int spr_ledger_add_room(struct spr_ledger *ledger, uint64_t job, uint64_t messages, uint64_t next,
                        const char *names);
int spr_ledger_add_end(struct spr_ledger *ledger, uint64_t job, enum spr_job_state state);

#endif
