/*
 * SIGKILL before every single system call of an operation; then the table of the batch protocol:
 * what the server sees at once (P2), what recover makes of it (P1), that recovering twice changes
 * nothing, and that the job can be finished or taken back.
 */
#include "core/batch/job.h"
#include "tests/support/faulty_io.h"
#include "tests/support/whole.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

#define MESSAGES  5
#define CALLS_MAX 20000

static struct change_spool spool;
static struct whole whole;

static struct spr_options two_a_batch(uint32_t flags)
{
    struct spr_options options = SPR_OPTIONS_INIT;
    options.batch_max = 3;
    options.flags = flags;
    /* A spool that somebody changed a moment ago is not quiet, even if it was us before the kill.
     */
    options.flags |= strcmp(spool.format->name, "imail") == 0 ? SPR_SERVER_STOPPED : 0;
    return options;
}

/* ---- Operations ------------------------------------------------------------------------------ */

static int apply_by(uint32_t workers, enum spr_action action, const char *prefix, uint32_t flags)
{
    struct spr_job_report report;
    struct spr_options options = two_a_batch(flags);
    options.workers = workers;
    struct spr_plan *plan = plan_for(&spool, action, prefix);
    struct spr_fault fault = { 0 };
    const int r = spr_plan_apply(plan, spool.index, &options, &report, &fault);
    if (r < 0) {
        (void)fprintf(stderr, "apply: %d %s: %s\n", r, fault.subject, fault.detail);
    }
    spr_plan_free(plan);
    return r;
}

static int apply_flags(enum spr_action action, const char *prefix, uint32_t flags)
{
    return apply_by(0, action, prefix, flags);
}

static int do_delete_by_two(void)
{
    return apply_by(2, SPR_DELETE, "", 0);
}

static int do_delete(void)
{
    return apply_flags(SPR_DELETE, "", 0);
}

static int do_delete_for_good(void)
{
    return apply_flags(SPR_DELETE, "", SPR_PURGE_NOW);
}

static int do_hold(void)
{
    return apply_flags(SPR_HOLD, "deferred", 0);
}

static int do_release(void)
{
    return apply_flags(SPR_RELEASE, "hold", 0);
}

static int do_undo(void)
{
    struct spr_job_report report = { 0 };
    struct spr_fault fault = { 0 };
    const struct spr_options options = two_a_batch(0);
    const int r = spr_job_undo(spool.root, 1, &options, &report, &fault);
    if (r < 0 || report.stuck > 0) {
        (void)fprintf(stderr, "undo: %d %s: stuck %lu, %s: %s\n", r, fault.detail, report.stuck,
                      report.first_path, report.first_reason);
    }
    return r;
}

static int do_purge(void)
{
    struct spr_job_report report;
    return spr_job_purge(spool.root, 1, NULL, &report, NULL);
}

static int do_recover(void)
{
    struct spr_job_report report;
    struct spr_fault fault = { 0 };
    const int r = spr_recover(spool.root, NULL, &report, &fault);
    if (r < 0) {
        (void)fprintf(stderr, "recover: %d %s: %s\n", r, fault.subject, fault.detail);
    }
    return r;
}

/* Runs in a child that is killed before its nth call. True when it came to its end. */
static bool run_killed(int (*operation)(void), uint64_t nth)
{
    const pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        const struct spr_fault_rule rule = { .nth = nth, .kill = true };
        spr_faulty_start(&rule, 1);
        const int r = operation();
        _exit(r < 0 ? 1 : 0);
    }
    int status = 0;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(!WIFEXITED(status) || WEXITSTATUS(status) == 0, "call %lu: failed", nth);
    return WIFEXITED(status);
}

/* ---- The sweep ------------------------------------------------------------------------------- */

struct sweep {
    const char *name;
    void (*make)(struct change_spool *spool, unsigned messages);
    int (*before)(void); /* brings the spool to where the operation begins; NULL: as made */
    int (*operation)(void);
    bool may_go;  /* messages may be gone for good afterwards */
    bool is_held; /* taken as it was made, they lie in hold/ when the operation begins */
};

static void recover_twice(const struct sweep *sweep, uint64_t nth)
{
    cr_assert_eq(do_recover(), 0, "%s %lu", sweep->name, nth);
    char *spool_before = look_at_spool(&spool);
    char *own_before = look_at_private(&spool);
    cr_assert_eq(do_recover(), 0, "%s %lu", sweep->name, nth);
    char *spool_after = look_at_spool(&spool);
    char *own_after = look_at_private(&spool);
    cr_assert_str_eq(spool_after, spool_before, "%s %lu", sweep->name, nth);
    cr_assert_str_eq(own_after, own_before, "%s %lu", sweep->name, nth);
    free(spool_before);
    free(own_before);
    free(spool_after);
    free(own_after);
}

static struct whole_counts check_promises(const struct sweep *sweep, uint64_t nth)
{
    check_seen_whole(&spool, &whole, sweep->name, nth);
    recover_twice(sweep, nth);
    const struct whole_counts counts = check_whole(&spool, &whole, sweep->name, nth);
    cr_assert_eq(counts.in + counts.out + counts.held + counts.gone, whole.messages, "%s %lu",
                 sweep->name, nth);
    cr_assert(sweep->may_go || counts.gone == 0, "%s %lu: lost %u", sweep->name, nth, counts.gone);
    return counts;
}

static void start(const struct sweep *sweep)
{
    sweep->make(&spool, MESSAGES);
    take_whole(&spool, &whole);
    if (sweep->before != NULL) {
        cr_assert_eq(sweep->before(), 0, "%s", sweep->name);
    }
}

/* What was begun can be finished: resume with its plan, without it, or undo. */
static void finish(const struct sweep *sweep, uint64_t nth)
{
    struct spr_jobs *jobs = NULL;
    struct spr_job job;
    struct spr_job_report report;
    cr_assert_eq(spr_jobs_open(spool.root, &jobs, NULL), 0);
    const int known = spr_jobs_next(jobs, &job, NULL);
    spr_jobs_close(jobs);
    if (known == 0) {
        return;
    }
    const bool without_index = nth % 2 == 0;
    const struct spr_options options = two_a_batch(0);
    struct spr_fault fault = { 0 };
    const char *index = without_index ? NULL : spool.index;
    cr_assert_eq(spr_job_resume(spool.root, 1, index, &options, &report, &fault), 0, "%s %lu: %s",
                 sweep->name, nth, fault.detail);
    struct whole_counts counts = check_whole(&spool, &whole, sweep->name, nth);
    if (!without_index && sweep->operation == do_delete) {
        cr_assert_eq(counts.out, MESSAGES, "%s %lu: out %u", sweep->name, nth, counts.out);
    }
    if (!sweep->may_go && sweep->operation != do_release && sweep->operation != do_undo) {
        const int r = do_undo();
        cr_assert(r == 0 || r == SPR_E_UNABLE, "%s %lu: %d", sweep->name, nth, r);
        counts = check_whole(&spool, &whole, sweep->name, nth);
        cr_assert_eq(counts.in, MESSAGES, "%s %lu: back %u", sweep->name, nth, counts.in);
    }
}

static void sweep_all(const struct sweep *sweep)
{
    uint64_t nth = 1;
    for (;; nth++) {
        start(sweep);
        const bool is_done = run_killed(sweep->operation, nth);
        (void)check_promises(sweep, nth);
        finish(sweep, nth);
        remove_spool(&spool);
        if (is_done) {
            break;
        }
        cr_assert_lt(nth, CALLS_MAX);
    }
    cr_expect_gt(nth, 50, "%s: only %lu calls: is the table in use?", sweep->name, nth);
}

Test(batch_kill, delete_of_queue_files)
{
    sweep_all(&(struct sweep){ "delete", make_postfix_spool, NULL, do_delete, false, false });
}

Test(batch_kill, delete_by_two_workers_that_look_ahead)
{
    sweep_all(&(struct sweep){ "delete by two", make_postfix_spool, NULL, do_delete_by_two, false,
                               false });
}

Test(batch_kill, delete_for_good)
{
    sweep_all(&(struct sweep){ "delete for good", make_postfix_spool, NULL, do_delete_for_good,
                               true, false });
}

Test(batch_kill, hold)
{
    sweep_all(&(struct sweep){ "hold", make_postfix_spool, NULL, do_hold, false, false });
}

Test(batch_kill, release)
{
    sweep_all(&(struct sweep){ "release", make_postfix_spool, do_hold, do_release, false, true });
}

Test(batch_kill, undo)
{
    sweep_all(&(struct sweep){ "undo", make_postfix_spool, do_delete, do_undo, false, false });
}

Test(batch_kill, undo_of_a_hold)
{
    sweep_all(
        &(struct sweep){ "undo of a hold", make_postfix_spool, do_hold, do_undo, false, true });
}

Test(batch_kill, purge)
{
    sweep_all(&(struct sweep){ "purge", make_postfix_spool, do_delete, do_purge, true, false });
}

Test(batch_kill, delete_of_pairs)
{
    sweep_all(&(struct sweep){ "pairs", make_pair_spool, NULL, do_delete, false, false });
}

Test(batch_kill, undo_of_pairs)
{
    sweep_all(
        &(struct sweep){ "undo of pairs", make_pair_spool, do_delete, do_undo, false, false });
}

/* ---- Killed again while recovering ------------------------------------------------------------
 */

/* At a spread of first kills, every call of recover is a second one. */
static void sweep_recover(const struct sweep *sweep, uint64_t first, uint64_t step)
{
    for (;; first += step) {
        bool is_done = false;
        for (uint64_t second = 1; !is_done; second++) {
            start(sweep);
            if (run_killed(sweep->operation, first)) {
                remove_spool(&spool);
                return;
            }
            is_done = run_killed(do_recover, second);
            (void)check_promises(sweep, first * 1000 + second);
            remove_spool(&spool);
        }
    }
}

Test(batch_kill, recover_after_delete)
{
    sweep_recover(&(struct sweep){ "recover", make_postfix_spool, NULL, do_delete, false, false },
                  60, 41);
}

Test(batch_kill, recover_after_undo)
{
    sweep_recover(&(struct sweep){ "recover", make_pair_spool, do_delete, do_undo, false, false },
                  60, 41);
}

Test(batch_kill, recover_after_purge)
{
    sweep_recover(
        &(struct sweep){ "recover", make_postfix_spool, do_delete, do_purge, true, false }, 40, 41);
}
