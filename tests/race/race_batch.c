/*
 * Messages deleted, brought back, deleted again and purged by several workers, for the thread
 * sanitizer; and that the spool is what it was in between.
 */
#include "core/batch/job.h"
#include "tests/support/change_spool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGE_COUNT = 1500, WORKER_COUNT = 4 };

static void check(int r, uint64_t got, uint64_t wanted, const char *what)
{
    if (r < 0 || got != wanted) {
        (void)fprintf(stderr, "%s: %d, %llu of %llu\n", what, r, (unsigned long long)got,
                      (unsigned long long)wanted);
        exit(1);
    }
}

static void delete_all(const struct change_spool *spool, const struct spr_options *options,
                       uint64_t messages)
{
    struct spr_job_report report = { 0 };
    struct spr_fault fault = { 0 };
    struct spr_plan *plan = plan_for(spool, SPR_DELETE, "");
    const int r = spr_plan_apply(plan, spool->index, options, &report, &fault);
    check(r, report.done, messages, "delete");
    spr_plan_free(plan);
}

int main(void)
{
    struct change_spool spool;
    struct spr_options options = SPR_OPTIONS_INIT;
    struct spr_job_report report = { 0 };
    struct spr_fault fault = { 0 };
    options.workers = WORKER_COUNT;
    options.batch_max = MESSAGE_COUNT / 3 + 1;
    make_postfix_spool(&spool, MESSAGE_COUNT);
    struct spr_plan *plan = plan_for(&spool, SPR_DELETE, "");
    const uint64_t messages = plan->count;
    spr_plan_free(plan);

    delete_all(&spool, &options, messages);
    const unsigned slots = count_slots(&spool);
    int r = spr_job_undo(spool.root, 1, &options, &report, &fault);
    check(r, report.done, messages, "undo");
    check(0, count_slots(&spool), 0, "slots after undo");
    delete_all(&spool, &options, messages);
    check(0, count_slots(&spool), slots, "slots after the second delete");
    report = (struct spr_job_report){ 0 };
    r = spr_job_purge(spool.root, 2, &options, &report, &fault);
    check(r, report.purged, messages, "purge");
    check(0, count_slots(&spool), 0, "slots after purge");

    remove_spool(&spool);
    return 0;
}
