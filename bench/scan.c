/*
 * Measures one full scan into an index that does not exist yet, and one refresh when nothing
 * changed.
 *
 * usage: scan SPOOL INDEX auto|uring|threads
 *
 * INDEX must not exist; it is left for bench/query.
 */
#include "bench/measure.h"
#include "core/spoolray.h"

#include <stdio.h>
#include <string.h>

static uint32_t engine_named(const char *name)
{
    if (strcmp(name, "uring") == 0) {
        return SPR_ENGINE_URING;
    }
    return strcmp(name, "threads") == 0 ? SPR_ENGINE_THREADS : SPR_ENGINE_AUTO;
}

static double scan_once(struct spr_index *index, const char *spool, uint64_t *ret_messages)
{
    struct spr_scan_request request = SPR_SCAN_REQUEST_INIT;
    request.spool_root = spool;
    struct spr_scan_report report;
    struct spr_fault fault = { 0 };

    double start = spr_measure_now();
    int r = spr_scan(index, &request, &report, &fault);
    double seconds = spr_measure_now() - start;
    if (r < 0) {
        spr_measure_fail("scan", r, &fault);
    }
    *ret_messages = report.messages;
    return seconds;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fputs("usage: scan SPOOL INDEX auto|uring|threads\n", stderr);
        return 2;
    }
    struct spr_options options = SPR_OPTIONS_INIT;
    options.engine = engine_named(argv[3]);
    struct spr_index *index = NULL;
    struct spr_fault fault = { 0 };
    int r = spr_index_open(argv[2], &options, &index, &fault);
    if (r < 0) {
        spr_measure_fail("index", r, &fault);
    }

    uint64_t messages = 0;
    double seconds = scan_once(index, argv[1], &messages);
    spr_measure_row("scan", argv[3], seconds, messages);
    seconds = scan_once(index, argv[1], &messages);
    spr_measure_row("refresh", argv[3], seconds, messages);

    struct spr_index_report report;
    r = spr_index_describe(index, &report);
    if (r < 0) {
        spr_measure_fail("index", r, NULL);
    }
    fprintf(stderr, "index: %.1f bytes a message\n",
            (double)report.bytes_on_disk / (double)(report.messages > 0 ? report.messages : 1));
    spr_index_close(index);
    return 0;
}
