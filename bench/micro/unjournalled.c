/*
 * What the journal of a delete costs: deletes what an expression finds, with everything or with
 * neither journals nor syncs: they answer as if all were well and do nothing. Renames, checks and
 * barriers stay as they are.
 *
 * usage: unjournalled all|none SPOOL INDEX EXPRESSION
 *
 * After none nothing can be undone, as nothing was written down: the spool is for throwing away.
 */
#include "bench/measure.h"
#include "core/spoolray.h"
#include "io/calls.h"

#include <stdio.h>
#include <string.h>

static int sync_nothing(int fd)
{
    (void)fd;
    return 0;
}

/* Journals, the list of jobs and the lock's text are all that is written by offset. */
static int64_t write_nothing(int fd, const void *bytes, size_t length, uint64_t offset)
{
    (void)fd;
    (void)bytes;
    (void)offset;
    return (int64_t)length;
}

static int reserve_nothing(int fd, int mode, uint64_t offset, uint64_t length)
{
    (void)fd;
    (void)mode;
    (void)offset;
    (void)length;
    return 0;
}

static void leave_out(void)
{
    static struct spr_calls table;
    table = *spr_calls_plain();
    table.fsync = sync_nothing;
    table.fdatasync = sync_nothing;
    table.pwrite = write_nothing;
    table.fallocate = reserve_nothing;
    spr_calls_set(&table);
}

int main(int argc, char **argv)
{
    if (argc != 5 || (strcmp(argv[1], "all") != 0 && strcmp(argv[1], "none") != 0)) {
        fputs("usage: unjournalled all|none SPOOL INDEX EXPRESSION\n", stderr);
        return 2;
    }
    const bool is_none = strcmp(argv[1], "none") == 0;
    struct spr_fault fault = { 0 };
    struct spr_options options = SPR_OPTIONS_INIT;
    struct spr_plan_request request = SPR_PLAN_REQUEST_INIT;
    struct spr_index *index = NULL;
    struct spr_query *query = NULL;
    struct spr_plan *plan = NULL;
    struct spr_job_report report;
    int r = spr_index_open(argv[3], &options, &index, &fault);
    r = r < 0 ? r : spr_query_compile(argv[4], 0, &query, &fault);
    request.action = SPR_DELETE;
    request.query = query;
    r = r < 0 ? r : spr_plan_prepare(index, &request, &options, &plan, &fault);
    if (r < 0) {
        spr_measure_fail(argv[4], r, &fault);
    }
    if (is_none) {
        leave_out();
    }
    const double start = spr_measure_now();
    r = spr_plan_apply(plan, argv[3], &options, &report, &fault);
    const double seconds = spr_measure_now() - start;
    if (r < 0) {
        spr_measure_fail(argv[2], r, &fault);
    }
    spr_measure_row("delete", is_none ? "library; no journal or syncs" : "library; all", seconds,
                    report.done);
    spr_plan_free(plan);
    spr_query_free(query);
    spr_index_close(index);
    return 0;
}
