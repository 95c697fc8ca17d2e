/*
 * Applying a plan, and going on with it: batches of the plan's entries, then the messages that
 * moved meanwhile, up to three rounds.
 */
#include "core/batch/job.h"

#include "core/batch/apply.h"
#include "core/batch/first_room.h"
#include "core/batch/make_room.h"
#include "core/batch/purge.h"
#include "core/batch/steps.h"
#include "core/fault.h"
#include "io/dirents.h"
#include "io/own.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS_MAX     3
#define BATCH_MIN      64 /* a full disk does not halve a batch below it */
#define USER_BYTES_MAX 4096

struct job {
    struct spr_change *change;
    const struct spr_plan *plan;
    uint64_t number;
    uint64_t next;      /* first entry that no batch has covered */
    uint64_t room_left; /* messages that may still go for good */
    uint32_t batch_max;
    uint64_t *again; /* entries that moved meanwhile */
    uint64_t again_count;
};

/* ---- The plan's copy ------------------------------------------------------------------------- */

static void plan_name(uint64_t number, char name[48])
{
    (void)snprintf(name, 48, "plan-%" PRIu64, number);
}

static void drop_plan(const char *index_dir, uint64_t number)
{
    char name[48];
    plan_name(number, name);
    const int fd = index_dir != NULL ? spr_root_open(index_dir) : -1;
    if (fd >= 0) {
        (void)spr_unlink(fd, name); /* resume knows a leftover by its words */
        (void)close(fd);            /* a folder: nothing can be lost */
    }
}

/* Without the copy the job cannot be resumed; that is no reason not to begin it. A copy of another
 * job with this number, from before the private folder was removed, goes first. */
static void keep_plan(const struct spr_plan *plan, const char *index_dir, uint64_t number)
{
    char name[48];
    struct spr_replace *replace = NULL;
    if (index_dir == NULL) {
        return;
    }
    drop_plan(index_dir, number);
    plan_name(number, name);
    const int fd = spr_root_open(index_dir);
    if (fd >= 0 && spr_replace_begin(fd, name, &replace) == 0) {
        if (spr_plan_save(plan, spr_replace_fd(replace), NULL) == 0) {
            (void)spr_replace_commit(replace); /* as above */
        } else {
            spr_replace_abort(replace);
        }
    }
    if (fd >= 0) {
        (void)close(fd); /* a folder: nothing can be lost */
    }
}

static bool is_same_text(const char *a, const char *b)
{
    return a != NULL && b != NULL ? strncmp(a, b, SPR_LEDGER_TEXT_MAX / 2) == 0 : a == b;
}

/* The ledger shortens long texts in their middle, so their beginnings are compared. */
static bool is_plan_of(const struct spr_plan *plan, const struct spr_ledger_job *job)
{
    return plan->action == job->action && plan->count == job->planned &&
           is_same_text(plan->command, job->command) && is_same_text(plan->reason, job->reason);
}

/* -ENOENT also when what lies there is not the plan of this job. */
static int read_plan(const char *index_dir, const struct spr_ledger_job *job,
                     struct spr_plan **ret_plan, struct spr_fault *fault)
{
    struct spr_plan *plan = NULL;
    char name[48];
    plan_name(job->job, name);
    const int dir_fd = index_dir != NULL ? spr_root_open(index_dir) : -ENOENT;
    if (dir_fd < 0) {
        return dir_fd;
    }
    const int fd = spr_own_open(dir_fd, name, false);
    (void)close(dir_fd); /* a folder: nothing can be lost */
    if (fd < 0) {
        return fd;
    }
    int r = spr_plan_load(fd, &plan, fault);
    (void)close(fd); /* read only: nothing can be lost */
    if (r == 0 && !is_plan_of(plan, job)) {
        r = -ENOENT;
    }
    if (r < 0) {
        spr_plan_free(plan);
        return r;
    }
    *ret_plan = plan;
    return 0;
}

/* ---- Batches --------------------------------------------------------------------------------- */

/* Messages that moved meanwhile are kept for another round. */
static void collect_again(struct job *job, const struct spr_batch *batch, const uint64_t *entries)
{
    for (uint32_t i = 0; i < batch->message_count; i++) {
        if (spr_fate_may_pass(&batch->messages[i])) {
            job->again[job->again_count++] = entries[batch->messages[i].entry];
        }
    }
}

static int run_once(struct job *job, const uint64_t *entries, uint32_t count, bool last_round,
                    bool *ret_begun)
{
    struct spr_change *change = job->change;
    struct spr_batch *batch = NULL;
    struct spr_wake wake = { .path = "" };
    int r = spr_batch_new(&batch);
    if (r == 0) {
        r = spr_batch_place(change, job->number, batch);
    }
    if (r == 0) {
        r = spr_steps_build(change, job->plan, entries, count, batch, &wake);
    }
    if (r == 0) {
        batch->next = job->next + (last_round ? 0 : count);
        r = spr_batch_run(change, batch, &wake, last_round);
    }
    if (r == 0 && !last_round) {
        collect_again(job, batch, entries);
    }
    if (r == 0 && (change->options.flags & SPR_PURGE_NOW) != 0 && job->plan->action == SPR_DELETE) {
        r = spr_purge_batch(change, job->number, batch->number);
    }
    *ret_begun = batch != NULL && batch->begun;
    spr_batch_free(batch);
    return r;
}

/* The job's oldest batch that still has its trash. */
static int purge_oldest(struct job *job)
{
    const struct spr_ledger_job *known = spr_ledger_find(job->change->ledger, job->number);
    for (uint32_t i = 0; known != NULL && i < known->batch_count; i++) {
        const struct spr_ledger_batch *batch = &known->batches[i];
        if (batch->operation == SPR_DELETE && !batch->purged && batch->counts.out > 0 &&
            batch->counts.out <= job->room_left) {
            job->room_left -= batch->counts.out;
            const int r = spr_purge_batch(job->change, job->number, batch->number);
            return r < 0 ? r : 1;
        }
    }
    return 0;
}

/* No room for the smallest batch: some go for good, as the preview said. *ret_passed: entries that
 * are done with. */
static int make_room(struct job *job, const uint64_t *entries, uint32_t count, uint32_t *ret_passed)
{
    struct spr_change *change = job->change;
    *ret_passed = 0;
    if (job->plan->action != SPR_DELETE || (change->options.flags & SPR_KEEP_UNDO) != 0) {
        return -ENOSPC;
    }
    int r = purge_oldest(job);
    if (r != 0) {
        return r;
    }
    const uint32_t most = job->room_left < count ? (uint32_t)job->room_left : count;
    if (most == 0) {
        return -ENOSPC;
    }
    r = spr_room_unlink(change, job->plan, entries, most, ret_passed);
    if (r <= 0) {
        return r < 0 ? r : -ENOSPC;
    }
    job->room_left -= (uint64_t)r;
    change->report.purged += (uint64_t)r;
    change->report.done += (uint64_t)r;
    change->report.skipped += *ret_passed - (uint32_t)r;
    return spr_ledger_add_room(change->ledger, job->number, (uint64_t)r);
}

static int run_entries(struct job *job, const uint64_t *entries, uint64_t count, bool last_round)
{
    uint32_t size = job->batch_max;
    for (uint64_t at = 0; at < count;) {
        const uint32_t part = count - at < size ? (uint32_t)(count - at) : size;
        uint32_t passed = part;
        bool begun = false;
        int r = run_once(job, entries + at, part, last_round, &begun);
        if (!begun && (r == -ENOSPC || r == -EDQUOT)) {
            passed = 0;
            if (size > BATCH_MIN) {
                size = size / 2 > BATCH_MIN ? size / 2 : BATCH_MIN;
                r = spr_private_drop_reserve(job->change->place);
            } else {
                r = make_room(job, entries + at, part, &passed);
            }
        }
        if (r < 0) {
            return r;
        }
        at += passed;
        job->next += last_round ? 0 : passed;
        spr_change_progress(job->change, 0);
        if (job->change->stopped && at < count) {
            return SPR_E_STOPPED;
        }
    }
    return 0;
}

/* The plan's entries from next on, then rounds for what moved meanwhile. */
static int run_plan(struct job *job)
{
    const uint64_t count = job->plan->count > job->next ? job->plan->count - job->next : 0;
    uint64_t *entries = malloc((count + 1) * sizeof(*entries));
    job->again = malloc((count + 1) * sizeof(*job->again));
    int r = entries == NULL || job->again == NULL ? -ENOMEM : 0;
    for (uint64_t i = 0; r == 0 && i < count; i++) {
        entries[i] = job->next + i;
    }
    if (r == 0) {
        r = run_entries(job, entries, count, false);
    }
    for (unsigned round = 1; r == 0 && round < ROUNDS_MAX && job->again_count > 0; round++) {
        const uint64_t left = job->again_count;
        memcpy(entries, job->again, left * sizeof(*entries));
        job->again_count = 0;
        r = run_entries(job, entries, left, round + 1 == ROUNDS_MAX);
    }
    free(entries);
    free(job->again);
    return r;
}

/* ---- Beginning and ending -------------------------------------------------------------------- */

int spr_job_check_plan(struct spr_change *change, const struct spr_plan *plan)
{
    if (plan->root_inode != change->place->root.inode) {
        return spr_fault_set(change->fault, SPR_E_CHANGED, plan->spool_root, 0,
                             "the spool at this place is another one than was planned for");
    }
    int r = spr_change_use(change, plan->format, &plan->layout);
    if (r < 0) {
        return r;
    }
    const struct spr_format *format = change->format;
    if (!change->server.known) {
        return spr_fault_set(change->fault, SPR_E_UNABLE, plan->spool_root, 0,
                             "the server may be running: stop it or use a renamed spool, and say "
                             "--server-stopped");
    }
    const uint32_t actions = change->server.runs ? format->actions_live : format->actions_stopped;
    if (plan->action > SPR_RELEASE || (actions >> plan->action & 1) == 0) {
        return spr_fault_set(change->fault, SPR_E_UNABLE, plan->format, 0,
                             change->server.runs
                                 ? "this action is not possible while the server runs"
                                 : "this action is not possible on this kind of spool");
    }
    return 0;
}

static void user_name(char name[64])
{
    struct passwd entry;
    struct passwd *found = NULL;
    char buffer[USER_BYTES_MAX];
    const uid_t uid = getuid();
    if (getpwuid_r(uid, &entry, buffer, sizeof(buffer), &found) == 0 && found != NULL) {
        (void)snprintf(name, 64, "%s", found->pw_name);
    } else {
        (void)snprintf(name, 64, "%u", (unsigned)uid);
    }
}

static int add_to_ledger(struct spr_change *change, const struct spr_plan *plan, uint64_t number)
{
    char user[64];
    user_name(user);
    const struct spr_ledger_job line = {
        .job = number,
        .action = plan->action,
        .created = (int64_t)time(NULL),
        .planned = plan->count,
        .passed = plan->unchangeable + plan->header_only,
        .user = user,
        .format = plan->format,
        .command = plan->command,
        .reason = plan->reason,
    };
    return spr_ledger_add_job(change->ledger, &line);
}

static uint64_t next_number(struct spr_ledger *ledger)
{
    uint64_t highest = 0;
    for (uint32_t i = 0; i < spr_ledger_count(ledger); i++) {
        const uint64_t job = spr_ledger_at(ledger, i)->job;
        highest = job > highest ? job : highest;
    }
    return highest + 1;
}

static enum spr_job_state end_state(const struct spr_change *change, uint64_t number)
{
    const struct spr_job_sums sums = spr_job_sum(spr_ledger_find(change->ledger, number));
    if (sums.stuck > 0) {
        return SPR_JOB_STUCK;
    }
    if (sums.out == 0) {
        return SPR_JOB_ABORTED;
    }
    return sums.purged >= sums.out ? SPR_JOB_PURGED : SPR_JOB_DONE;
}

/* Nothing done because everything had changed is told by its own code. */
static int judge_end(struct spr_change *change, const struct spr_plan *plan)
{
    const struct spr_job_report *report = &change->report;
    if (plan->count > 0 && report->done == 0 && report->skipped == plan->count &&
        report->first_error == 0) {
        return spr_fault_set(change->fault, SPR_E_CHANGED, plan->spool_root, 0,
                             "none of the messages is as it was indexed");
    }
    return 0;
}

static int run_job(struct job *job, const char *index_dir)
{
    struct spr_change *change = job->change;
    const uint32_t wish = change->options.batch_max;
    job->batch_max = wish > 0 && wish < SPR_BATCH_MESSAGES_MAX ? wish : SPR_BATCH_MESSAGES_MAX;
    change->steps_total = job->plan->count;
    change->steps_done = job->next;
    change->report.job = job->number;
    int r = run_plan(job);
    if (r == SPR_E_STOPPED) {
        return spr_fault_set(change->fault, r, change->place->spool_root, job->number,
                             "stopped between two batches; resume goes on");
    }
    if (r < 0) {
        return spr_fault_set(change->fault, r, change->place->spool_root, job->number,
                             "the batch at hand was left open; resume settles it");
    }
    r = spr_ledger_add_end(change->ledger, job->number, end_state(change, job->number));
    if (r == 0) {
        drop_plan(index_dir, job->number);
        r = judge_end(change, job->plan);
    }
    return r;
}

/* Begins and enters the job; what a full disk has no room for even then is left to the caller. */
static int begin_job(struct job *job, const char *index_dir, const struct spr_options *options,
                     struct spr_fault *fault)
{
    int r = spr_change_begin(job->plan->spool_root, options, true, &job->change, fault);
    if (r < 0) {
        return r;
    }
    job->change->report = (struct spr_job_report){ 0 };
    r = spr_job_check_plan(job->change, job->plan);
    if (r == 0) {
        job->number = next_number(job->change->ledger);
        keep_plan(job->plan, index_dir, job->number);
        r = add_to_ledger(job->change, job->plan, job->number);
    }
    return r;
}

/* The first change of a spool may find no room for the private folder, nor for the list of jobs. */
static int begin_with_room(struct job *job, const char *index_dir,
                           const struct spr_options *options, struct spr_fault *fault)
{
    struct spr_first_room room = { .plan = job->plan, .options = options };
    int r;
    for (;;) {
        r = begin_job(job, index_dir, options, fault);
        if (r != -ENOSPC && r != -EDQUOT) {
            break;
        }
        spr_change_end(job->change);
        job->change = NULL;
        const int made = spr_first_room_make(&room, fault);
        if (made <= 0) {
            return made < 0 ? made : r;
        }
    }
    if (r == 0 && room.gone > 0) {
        struct spr_job_report *report = &job->change->report;
        report->purged = room.gone;
        report->done = room.gone;
        report->skipped = room.passed - room.gone;
        report->bytes = room.bytes;
        job->next = room.passed;
        job->room_left -= room.gone;
        r = spr_ledger_add_room(job->change->ledger, job->number, room.gone);
    }
    return r;
}

int spr_plan_apply(struct spr_plan *plan, const char *index_dir, const struct spr_options *options,
                   struct spr_job_report *ret_report, struct spr_fault *fault)
{
    struct job job = { .plan = plan, .room_left = plan->purge_at_most };
    int r = begin_with_room(&job, index_dir, options, fault);
    if (r == 0) {
        r = run_job(&job, index_dir);
    }
    if (r == 0) {
        *ret_report = job.change->report;
    }
    spr_change_end(job.change);
    return r;
}

/* Without its plan a job has come to its end. */
static int end_without_plan(struct spr_change *change, uint64_t number)
{
    const struct spr_ledger_job *known = spr_ledger_find(change->ledger, number);
    const struct spr_job_sums sums = spr_job_sum(known);
    change->report.skipped +=
        known->planned > sums.next && known->planned > 0 ? known->planned - sums.next : 0;
    return spr_ledger_add_end(change->ledger, number, end_state(change, number));
}

int spr_job_resume(const char *spool_root, uint64_t job_number, const char *index_dir,
                   const struct spr_options *options, struct spr_job_report *ret_report,
                   struct spr_fault *fault)
{
    struct spr_change *change = NULL;
    struct spr_plan *plan = NULL;
    int r = spr_change_begin(spool_root, options, false, &change, fault);
    if (r < 0) {
        return r;
    }
    const struct spr_ledger_job *known = spr_ledger_find(change->ledger, job_number);
    change->report.job = job_number;
    if (known == NULL) {
        r = spr_fault_set(fault, -ENOENT, spool_root, job_number, "no job of this number");
    } else if (!known->ended) {
        r = read_plan(index_dir, known, &plan, fault);
        if (r == 0) {
            const struct spr_job_sums sums = spr_job_sum(known);
            struct job job = { .change = change,
                               .plan = plan,
                               .number = job_number,
                               .next = sums.next,
                               .room_left = plan->purge_at_most > sums.purged
                                                ? plan->purge_at_most - sums.purged
                                                : 0 };
            r = spr_job_check_plan(change, plan);
            r = r < 0 ? r : run_job(&job, index_dir);
        } else if (r == -ENOENT) {
            r = end_without_plan(change, job_number);
        }
    }
    if (r == 0) {
        *ret_report = change->report;
    }
    spr_plan_free(plan);
    spr_change_end(change);
    return r;
}
