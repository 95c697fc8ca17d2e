/*
 * Every system call of an operation fails once, with every errno that the batch protocol names;
 * then every call from the nth on. Whatever the operation answers: the server sees whole messages,
 * recover settles the rest, and what was told as done is so.
 */
#include "core/batch/job.h"
#include "tests/support/faulty_io.h"
#include "tests/support/whole.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#define MESSAGES  2
#define CALLS_MAX 20000

static struct change_spool spool;
static struct whole whole;
static struct spr_job_report told;

static struct spr_options all_in_one(void)
{
    struct spr_options options = SPR_OPTIONS_INIT;
    options.flags = strcmp(spool.format->name, "imail") == 0 ? SPR_SERVER_STOPPED : 0;
    return options;
}

static int apply(enum spr_action action, const char *prefix, uint32_t flags)
{
    struct spr_options options = all_in_one();
    options.flags |= flags;
    struct spr_plan *plan = plan_for(&spool, action, prefix);
    const int r = spr_plan_apply(plan, spool.index, &options, &told, NULL);
    spr_plan_free(plan);
    return r;
}

/* The plan is made before calls begin to fail. */
static struct spr_plan *planned;

static void plan_delete(void)
{
    planned = plan_for(&spool, SPR_DELETE, "");
}

static void plan_hold(void)
{
    planned = plan_for(&spool, SPR_HOLD, "deferred");
}

static void plan_release(void)
{
    cr_assert_eq(apply(SPR_HOLD, "deferred", 0), 0);
    planned = plan_for(&spool, SPR_RELEASE, "hold");
}

static void be_deleted(void)
{
    cr_assert_eq(apply(SPR_DELETE, "", 0), 0);
}

static int run_planned(void)
{
    const struct spr_options options = all_in_one();
    return spr_plan_apply(planned, spool.index, &options, &told, NULL);
}

/* The second message is looked at by other threads while the first one moves. */
static int run_planned_by_two(void)
{
    struct spr_options options = all_in_one();
    options.workers = 2;
    options.batch_max = 1;
    return spr_plan_apply(planned, spool.index, &options, &told, NULL);
}

static int run_planned_for_good(void)
{
    struct spr_options options = all_in_one();
    options.flags |= SPR_PURGE_NOW;
    return spr_plan_apply(planned, spool.index, &options, &told, NULL);
}

static int run_undo(void)
{
    const struct spr_options options = all_in_one();
    return spr_job_undo(spool.root, 1, &options, &told, NULL);
}

static int run_purge(void)
{
    const struct spr_options options = all_in_one();
    return spr_job_purge(spool.root, 1, &options, &told, NULL);
}

struct operation {
    char name[32];
    void (*make)(struct change_spool *spool, unsigned messages);
    void (*before)(void);
    int (*run)(void);
    bool may_go;
};

static const struct operation OPERATIONS[] = {
    { "delete", make_postfix_spool, plan_delete, run_planned, false },
    { "delete of pairs", make_pair_spool, plan_delete, run_planned, false },
    { "delete by two", make_postfix_spool, plan_delete, run_planned_by_two, false },
    { "delete for good", make_postfix_spool, plan_delete, run_planned_for_good, true },
    { "hold", make_postfix_spool, plan_hold, run_planned, false },
    { "release", make_postfix_spool, plan_release, run_planned, false },
    { "undo", make_postfix_spool, be_deleted, run_undo, false },
    { "undo of pairs", make_pair_spool, be_deleted, run_undo, false },
    { "purge", make_postfix_spool, be_deleted, run_purge, true },
};
#define OPERATION_COUNT (sizeof(OPERATIONS) / sizeof(OPERATIONS[0]))

static void check_after(const struct operation *operation, int r, uint64_t nth, int error)
{
    struct spr_job_report report;
    struct spr_fault fault = { 0 };
    char occasion[64];
    (void)snprintf(occasion, sizeof(occasion), "%s, %s", operation->name, strerrorname_np(error));
    check_seen_whole(&spool, &whole, occasion, nth);
    const int recovered = spr_recover(spool.root, NULL, &report, &fault);
    cr_assert_eq(recovered, 0, "%s %lu: recover %d: %s: %s", occasion, nth, recovered,
                 fault.subject, fault.detail);
    const struct whole_counts counts = check_whole(&spool, &whole, occasion, nth);
    cr_assert_eq(counts.in + counts.out + counts.held + counts.gone, MESSAGES, "%s %lu", occasion,
                 nth);
    cr_assert(operation->may_go || counts.gone == 0, "%s %lu: lost", occasion, nth);
    if (r == 0 && (operation->run == run_planned || operation->run == run_planned_by_two) &&
        planned->action == SPR_DELETE) {
        cr_assert_eq(told.done, counts.out, "%s %lu: told %lu", occasion, nth, told.done);
    }
    if (r == 0 && operation->run == run_undo) {
        cr_assert_eq(told.done, counts.in, "%s %lu: told %lu", occasion, nth, told.done);
    }
}

/* One errno over all calls of one operation; answers how many calls there were. */
static uint64_t sweep(const struct operation *operation, int error, bool onwards)
{
    for (uint64_t nth = 1; nth < CALLS_MAX; nth++) {
        const struct spr_fault_rule rule = { .nth = nth, .onwards = onwards, .error = error };
        operation->make(&spool, MESSAGES);
        take_whole(&spool, &whole);
        /* A log that is said not to be there, or to be there already, does not stop its message. */
        whole.pivots_only =
            (error == ENOENT || error == EEXIST) && operation->make == make_postfix_spool;
        operation->before();
        spr_faulty_start(&rule, 1);
        const int r = operation->run();
        const bool is_done = spr_faulty_hits() == 0;
        spr_faulty_stop();
        check_after(operation, r, nth, error);
        spr_plan_free(planned);
        planned = NULL;
        remove_spool(&spool);
        if (is_done) {
            cr_assert_eq(r, 0, "%s without a fault: %d", operation->name, r);
            return nth;
        }
    }
    return CALLS_MAX;
}

ParameterizedTestParameters(batch_faults, any_call_may_fail)
{
    static int errors[] = { EIO,   ENOSPC, EACCES, EROFS,  EINTR,  EAGAIN,
                            EPERM, EXDEV,  ESTALE, ENOENT, EEXIST, EMFILE };
    return cr_make_param_array(int, errors, sizeof(errors) / sizeof(errors[0]));
}

ParameterizedTest(int *error, batch_faults, any_call_may_fail)
{
    for (size_t i = 0; i < OPERATION_COUNT; i++) {
        const uint64_t calls = sweep(&OPERATIONS[i], *error, false);
        cr_expect_gt(calls, 30, "%s: is the table in use?", OPERATIONS[i].name);
    }
}

/* The device dies: nothing works from some call on. */
Test(batch_faults, all_calls_fail_from_some_on)
{
    for (size_t i = 0; i < OPERATION_COUNT; i++) {
        (void)sweep(&OPERATIONS[i], EIO, true);
    }
}

/* The disk is full from some call on. */
Test(batch_faults, disk_full_from_some_call_on)
{
    for (size_t i = 0; i < OPERATION_COUNT; i++) {
        (void)sweep(&OPERATIONS[i], ENOSPC, true);
    }
}
