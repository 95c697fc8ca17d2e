/*
 * One first scan that is held to one plan of reading, whatever the page cache holds: the choice
 * that a scan makes by itself is measured against each. What tells warm from cold, the reads that
 * do not wait, is answered here.
 *
 * usage: plan SPOOL INDEX FORMAT auto|warm|past-cache|through-cache
 */
#include "bench/measure.h"
#include "core/spoolray.h"
#include "io/calls.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { MIXED_SHARE = 4 }; /* one in four is cached: reads go through the cache, windows are cold */

static int64_t always_cached(int fd, void *bytes, size_t length, uint64_t offset, int flags)
{
    (void)flags; /* it waits */
    return spr_calls_plain()->pread(fd, bytes, length, offset);
}

static int64_t never_cached(int fd, void *bytes, size_t length, uint64_t offset, int flags)
{
    (void)fd;
    (void)bytes;
    (void)length;
    (void)offset;
    (void)flags;
    return -EAGAIN;
}

static int64_t sometimes_cached(int fd, void *bytes, size_t length, uint64_t offset, int flags)
{
    static atomic_uint asked;
    const unsigned number = atomic_fetch_add_explicit(&asked, 1, memory_order_relaxed);
    return number % MIXED_SHARE == 0 ? always_cached(fd, bytes, length, offset, flags) : -EAGAIN;
}

static void hold_to(const char *plan, struct spr_calls *calls)
{
    *calls = *spr_calls_plain();
    if (strcmp(plan, "warm") == 0) {
        calls->pread2 = always_cached;
    } else if (strcmp(plan, "past-cache") == 0) {
        calls->pread2 = never_cached;
    } else if (strcmp(plan, "through-cache") == 0) {
        calls->pread2 = sometimes_cached;
    }
    spr_calls_set(calls);
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fputs("usage: plan SPOOL INDEX FORMAT auto|warm|past-cache|through-cache\n", stderr);
        return 2;
    }
    struct spr_calls calls;
    hold_to(argv[4], &calls);
    struct spr_options options = SPR_OPTIONS_INIT;
    struct spr_index *index = NULL;
    struct spr_fault fault = { 0 };
    int r = spr_index_open(argv[2], &options, &index, &fault);
    if (r < 0) {
        spr_measure_fail("index", r, &fault);
    }
    struct spr_scan_request request = SPR_SCAN_REQUEST_INIT;
    request.spool_root = argv[1];
    request.format = argv[3];
    struct spr_scan_report report;
    r = spr_scan(index, &request, &report, &fault);
    if (r < 0) {
        spr_measure_fail("scan", r, &fault);
    }
    spr_index_close(index);
    return 0;
}
