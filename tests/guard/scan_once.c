/*
 * One full scan into an index that does not exist yet, by one worker and plain calls: what the
 * guard counts.
 *
 * usage: scan_once SPOOL INDEX
 */
#include "core/spoolray.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    if (argc != 3) {
        fputs("usage: scan_once SPOOL INDEX\n", stderr);
        return 2;
    }
    struct spr_options options = SPR_OPTIONS_INIT;
    options.engine = SPR_ENGINE_THREADS;
    options.workers = 1;
    struct spr_scan_request request = SPR_SCAN_REQUEST_INIT;
    request.spool_root = argv[1];
    request.format = "postfix";
    struct spr_scan_report report;
    struct spr_fault fault = { 0 };
    struct spr_index *index = NULL;
    int r = spr_index_open(argv[2], &options, &index, &fault);
    if (r == 0) {
        r = spr_scan(index, &request, &report, &fault);
    }
    spr_index_close(index);
    if (r < 0) {
        fprintf(stderr, "scan_once: %s: %s %s\n", spr_strerror(r), fault.subject, fault.detail);
        return 1;
    }
    printf("%llu\n", (unsigned long long)report.messages);
    return 0;
}
