/*
 * Applying a plan, and going on with it: what comes before the first batch and after the last.
 */
#include "core/batch/job.h"

#include "core/batch/reserve.h"
#include "core/batch/run.h"
#include "core/fault.h"
#include "io/dirents.h"
#include "io/locks.h"
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

#define USER_BYTES_MAX   4096
#define BEGIN_ROUNDS_MAX 5 /* the reserve, then 64 messages each */

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

/* ---- Beginning and ending -------------------------------------------------------------------- */

static int check_plan(struct spr_change *change, const struct spr_plan *plan)
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

/* No batch was begun: nothing is open. What went for good before it did not help is told here, as
 * it may not be possible to tell it in the ledger. */
static int refuse_full(struct spr_job_run *run, int code)
{
    struct spr_change *change = run->change;
    char detail[160];
    if (run->number != 0 && change->report.done == 0) {
        (void)spr_ledger_add_end(change->ledger, run->number, SPR_JOB_ABORTED); /* or stays open */
    }
    if ((change->options.flags & SPR_KEEP_UNDO) != 0) {
        code = SPR_E_UNABLE;
        (void)snprintf(detail, sizeof(detail),
                       "the disk is full, and what could not be undone is refused");
    } else if (run->gone > 0) {
        (void)snprintf(detail, sizeof(detail),
                       "the disk is full; %" PRIu64 " messages were purged for good to make room, "
                       "and that is not enough here",
                       run->gone);
    } else {
        (void)snprintf(detail, sizeof(detail), "the disk is full, and nothing may be purged");
    }
    return spr_fault_set(change->fault, code, change->place->spool_root, run->number, detail);
}

static int run_job(struct spr_job_run *run, const char *index_dir)
{
    struct spr_change *change = run->change;
    change->steps_total = run->plan->count;
    change->steps_done = run->next;
    change->report.job = run->number;
    int r = spr_run_plan(run);
    if (r == SPR_E_STOPPED) {
        return spr_fault_set(change->fault, r, change->place->spool_root, run->number,
                             "stopped between two batches; resume goes on");
    }
    if (spr_is_disk_full(r) && !run->is_open) {
        return refuse_full(run, r);
    }
    if (r < 0) {
        return spr_fault_set(change->fault, r, change->place->spool_root, run->number,
                             "the batch at hand was left open; resume settles it");
    }
    r = spr_ledger_add_end(change->ledger, run->number, end_state(change, run->number));
    if (r == 0) {
        drop_plan(index_dir, run->number);
        r = judge_end(change, run->plan);
    }
    return r;
}

/* What must be on the disk before the first batch: private directory, lock, list of jobs, and the
 * job's line in it. Goes on where it failed. */
static int enter_job(struct spr_job_run *run, const char *index_dir)
{
    struct spr_change *change = run->change;
    int r = spr_change_enter(change);
    if (r == 0) {
        change->report = (struct spr_job_report){ 0 };
        r = check_plan(change, run->plan);
    }
    if (r == 0) {
        const uint64_t number = next_number(change->ledger);
        keep_plan(run->plan, index_dir, number);
        r = add_to_ledger(change, run->plan, number);
        if (r == 0) {
            run->number = number;
        }
    }
    return r;
}

/* Nobody else makes room here at the same time: the private directory's lock, or the spool root
 * itself where that cannot be made. */
static int lock_root(struct spr_change *change, bool *locked)
{
    if (*locked || change->place->lock_fd >= 0) {
        return 0;
    }
    const int r = spr_flock(change->place->root_fd, false);
    *locked = r == 0;
    return r == -EWOULDBLOCK ? spr_fault_set(change->fault, SPR_E_BUSY, change->place->spool_root,
                                             0, "another spoolray is changing this spool")
                             : r;
}

/* 1 when there is more room than before. */
static int find_room(struct spr_job_run *run, bool *locked)
{
    struct spr_change *change = run->change;
    int r = spr_reserve_drop(change->place);
    if (r != 0) {
        return r;
    }
    r = lock_root(change, locked);
    if (r == 0) {
        r = check_plan(change, run->plan);
    }
    return r < 0 ? r : spr_run_make_room(run);
}

/* On a full disk not even the private directory can be made: then messages go first. Where that
 * does not help soon, it never does: a file system can be out of another kind of room. */
static int begin_job(struct spr_job_run *run, const char *index_dir)
{
    struct spr_change *change = run->change;
    bool locked = false;
    int r = enter_job(run, index_dir);
    for (unsigned round = 0; spr_is_disk_full(r); round++) {
        const bool may_try =
            round < BEGIN_ROUNDS_MAX && (change->ledger == NULL || change->recovered);
        r = may_try ? find_room(run, &locked) : r;
        if (spr_is_disk_full(r)) {
            r = refuse_full(run, r);
            break;
        }
        if (r >= 0) {
            r = enter_job(run, index_dir);
        }
    }
    if (locked) {
        (void)spr_funlock(change->place->root_fd); /* closing does it too */
    }
    return r < 0 ? r : spr_run_tell_room(run);
}

int spr_plan_apply(struct spr_plan *plan, const char *index_dir, const struct spr_options *options,
                   struct spr_job_report *ret_report, struct spr_fault *fault)
{
    struct spr_change *change = NULL;
    int r = spr_change_open(plan->spool_root, options, &change, fault);
    if (r < 0) {
        return r;
    }
    struct spr_job_run run = { .change = change, .plan = plan, .room_left = plan->purge_at_most };
    r = spr_run_begin(&run);
    if (r == 0) {
        r = begin_job(&run, index_dir);
    }
    if (r == 0) {
        r = run_job(&run, index_dir);
    }
    if (r == 0) {
        *ret_report = change->report;
    }
    spr_run_end(&run);
    spr_change_end(change);
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

static int resume_with(struct spr_change *change, const struct spr_ledger_job *known,
                       const struct spr_plan *plan, const char *index_dir)
{
    const struct spr_job_sums sums = spr_job_sum(known);
    struct spr_job_run run = { .change = change,
                               .plan = plan,
                               .number = known->job,
                               .next = sums.next,
                               .room_left = plan->purge_at_most > sums.purged
                                                ? plan->purge_at_most - sums.purged
                                                : 0 };
    int r = check_plan(change, plan);
    if (r == 0) {
        r = spr_run_begin(&run);
    }
    if (r == 0) {
        r = run_job(&run, index_dir);
    }
    spr_run_end(&run);
    return r;
}

int spr_job_resume(const char *spool_root, uint64_t job_number, const char *index_dir,
                   const struct spr_options *options, struct spr_job_report *ret_report,
                   struct spr_fault *fault)
{
    struct spr_change *change = NULL;
    struct spr_plan *plan = NULL;
    int r = spr_change_begin(spool_root, options, &change, fault);
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
            r = resume_with(change, known, plan, index_dir);
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
