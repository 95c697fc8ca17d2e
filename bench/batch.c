/*
 * Measures a change of the spool from start to end: plan, delete, undo, delete again, purge.
 *
 * usage: batch SPOOL INDEX EXPRESSION
 *
 * The index is of that spool; afterwards the messages are gone for good.
 */
#include "bench/measure.h"
#include "core/spoolray.h"

#include <stdio.h>

static uint64_t delete_matching(struct spr_index *index, const char *index_dir, const char *text,
                                const char *variant)
{
    struct spr_fault fault = { 0 };
    struct spr_options options = SPR_OPTIONS_INIT;
    struct spr_query *query = NULL;
    struct spr_plan *plan = NULL;
    int r = spr_query_compile(text, 0, &query, &fault);
    if (r < 0) {
        spr_measure_fail(text, r, &fault);
    }
    struct spr_plan_request request = SPR_PLAN_REQUEST_INIT;
    request.action = SPR_DELETE;
    request.query = query;

    double start = spr_measure_now();
    r = spr_plan_prepare(index, &request, &options, &plan, &fault);
    if (r < 0) {
        spr_measure_fail("plan", r, &fault);
    }
    struct spr_plan_report planned;
    spr_plan_describe(plan, &planned);
    spr_measure_row("plan", variant, spr_measure_now() - start, planned.messages);

    struct spr_job_report report;
    start = spr_measure_now();
    r = spr_plan_apply(plan, index_dir, &options, &report, &fault);
    if (r < 0) {
        spr_measure_fail("delete", r, &fault);
    }
    spr_measure_row("delete", variant, spr_measure_now() - start, report.done);
    spr_plan_free(plan);
    spr_query_free(query);
    return report.job;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fputs("usage: batch SPOOL INDEX EXPRESSION\n", stderr);
        return 2;
    }
    struct spr_fault fault = { 0 };
    struct spr_options options = SPR_OPTIONS_INIT;
    struct spr_index *index = NULL;
    int r = spr_index_open(argv[2], &options, &index, &fault);
    if (r < 0) {
        spr_measure_fail(argv[2], r, &fault);
    }
    uint64_t job = delete_matching(index, argv[2], argv[3], "first");

    struct spr_job_report report;
    double start = spr_measure_now();
    r = spr_job_undo(argv[1], job, &options, &report, &fault);
    if (r < 0) {
        spr_measure_fail("undo", r, &fault);
    }
    spr_measure_row("undo", "first", spr_measure_now() - start, report.done);

    struct spr_scan_request request = SPR_SCAN_REQUEST_INIT;
    request.spool_root = argv[1];
    struct spr_scan_report scanned;
    start = spr_measure_now();
    r = spr_scan(index, &request, &scanned, &fault);
    if (r < 0) {
        spr_measure_fail("refresh", r, &fault);
    }
    spr_measure_row("refresh", "after undo", spr_measure_now() - start, scanned.messages);

    job = delete_matching(index, argv[2], argv[3], "second");
    start = spr_measure_now();
    r = spr_job_purge(argv[1], job, &options, &report, &fault);
    if (r < 0) {
        spr_measure_fail("purge", r, &fault);
    }
    spr_measure_row("purge", "second", spr_measure_now() - start, report.purged);
    spr_index_close(index);
    return 0;
}
