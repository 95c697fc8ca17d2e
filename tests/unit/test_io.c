#include "io/backend.h"
#include "io/dirents.h"
#include "io/io.h"
#include "tests/support/faulty_io.h"
#include "tests/support/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

enum { NAME_BYTES = 32, BATCH = 7, FILES_MAX = 1200 };

/* One way to read: an engine, and whether windows are made to be cold. */
struct way {
    char name[16]; /* a parameter is copied to the test's process: no pointers in it */
    enum spr_io_engine engine;
    bool cold;
};

static struct way ways[] = {
    { "threads, warm", SPR_IO_THREADS, false },
    { "threads, cold", SPR_IO_THREADS, true },
    { "ring, warm", SPR_IO_URING, false },
    { "ring, cold", SPR_IO_URING, true },
};
#define WAY_COUNT (sizeof(ways) / sizeof(ways[0]))

static char root[TEMPORARY_PATH_MAX];
static int dir_fd = -1;
static uint64_t device;
static char names[FILES_MAX][NAME_BYTES];
static struct spr_io_request requests[FILES_MAX];
static uint32_t completed[FILES_MAX]; /* how often */

static void open_root(void)
{
    make_temporary(root);
    dir_fd = open(root, O_RDONLY | O_DIRECTORY);
    cr_assert(dir_fd >= 0);
    struct spr_io_meta meta;
    cr_assert_eq(spr_meta_of(dir_fd, &meta), 0);
    device = meta.device;
}

static void close_root(void)
{
    spr_faulty_stop();
    close(dir_fd);
    remove_temporary(root);
}

TestSuite(io, .init = open_root, .fini = close_root, .timeout = 60);

static uint8_t content(uint32_t number, uint64_t offset)
{
    return (uint8_t)(number * 31 + offset * 7 + offset / 251);
}

static void make_file(uint32_t number, uint32_t size)
{
    uint8_t *bytes = malloc(size + 1);
    for (uint32_t i = 0; i < size; i++) {
        bytes[i] = content(number, i);
    }
    snprintf(names[number], NAME_BYTES, "f%u", number);
    int fd = openat(dir_fd, names[number], O_WRONLY | O_CREAT | O_EXCL, 0600);
    cr_assert(fd >= 0);
    cr_assert_eq(write(fd, bytes, size), (ssize_t)size);
    close(fd);
    free(bytes);
}

static void ask_heads(uint32_t count, uint32_t length)
{
    for (uint32_t i = 0; i < count; i++) {
        requests[i] = (struct spr_io_request){
            .op = SPR_IO_HEAD, .dir_fd = dir_fd, .name = names[i], .length = length
        };
        completed[i] = 0;
    }
}

static int count_open(void)
{
    int count = 0;
    for (int fd = 0; fd < 4096; fd++) {
        count += fcntl(fd, F_GETFD) >= 0;
    }
    return count;
}

static bool can_ring(const struct way *way)
{
    enum spr_io_engine engine;
    const char *reason;
    spr_io_probe(way->engine, &engine, &reason);
    if (engine == way->engine) {
        return true;
    }
    cr_log_warn("%s: %s", way->name, reason);
    return false;
}

/* A cached file never makes a window cold by itself: every sample is told to miss. */
static void start_way(const struct way *way, const struct spr_fault_rule *rule)
{
    struct spr_fault_rule rules[2] = {
        { .site = "pread2", .nth = way->cold, .onwards = true, .error = EAGAIN }
    };
    if (rule != NULL) {
        rules[1] = *rule;
    }
    spr_faulty_start(rules, 2);
}

static struct spr_io_shared *new_shared(const struct way *way, uint32_t workers)
{
    struct spr_io_shared *shared = NULL;
    cr_assert_eq(spr_io_shared_new(way->engine, device, workers, &shared), 0, "%s", way->name);
    return shared;
}

static struct spr_io *new_io(struct spr_io_shared *shared)
{
    struct spr_io *io = NULL;
    cr_assert_eq(spr_io_new(shared, 0, 0, &io), 0);
    return io;
}

static void note_completion(const struct spr_io_done *done)
{
    cr_assert(done->request >= requests && done->request < requests + FILES_MAX);
    completed[done->request - requests]++;
}

static void check_bytes(const struct spr_io_done *done)
{
    const uint32_t number = (uint32_t)(done->request - requests);
    for (int64_t i = 0; i < done->result; i++) {
        cr_assert_eq(done->bytes[i], content(number, done->request->offset + (uint64_t)i));
    }
}

/* Fetches all completions; returns how many failed. */
static uint32_t drain(struct spr_io *io)
{
    struct spr_io_done done[BATCH];
    uint32_t failed = 0;
    for (int n = spr_io_wait(io, done, BATCH); n > 0; n = spr_io_wait(io, done, BATCH)) {
        for (int i = 0; i < n; i++) {
            note_completion(&done[i]);
            failed += done[i].result < 0;
            check_bytes(&done[i]);
            spr_io_release(io, &done[i]);
        }
    }
    return failed;
}

static void expect_each_once(uint32_t count, const char *name)
{
    for (uint32_t i = 0; i < count; i++) {
        cr_assert_eq(completed[i], 1, "%s: request %u completed %u times", name, i, completed[i]);
    }
}

ParameterizedTestParameters(io, reads_many_files_each_once)
{
    return cr_make_param_array(struct way, ways, WAY_COUNT);
}

ParameterizedTest(struct way *way, io, reads_many_files_each_once)
{
    if (!can_ring(way)) {
        return;
    }
    const uint32_t count = 300;
    for (uint32_t i = 0; i < count; i++) {
        make_file(i, i * 37);
    }
    ask_heads(count, 4096);
    start_way(way, NULL);
    const int open_before = count_open();
    struct spr_io_shared *shared = new_shared(way, 2);
    struct spr_io *io = new_io(shared);

    cr_assert_eq(spr_io_window(io, requests, count), 0);
    const uint32_t failed = drain(io);

    uint64_t total = 0;
    for (uint32_t i = 0; i < count; i++) {
        total += i * 37 < 4096 ? i * 37 : 4096;
    }
    cr_expect_eq(failed, 0);
    expect_each_once(count, way->name);
    cr_expect_eq(spr_io_shared_bytes(shared), total);
    cr_expect_eq(io->window_is_cold, way->cold, "%s", way->name);
    cr_expect_eq(io->ring != NULL, way->cold && way->engine == SPR_IO_URING, "%s", way->name);
    const char *reason;
    cr_expect_str_eq(spr_io_shared_engine(shared, &reason),
                     way->engine == SPR_IO_URING ? "io_uring" : "threads");
    spr_io_free(io);
    spr_io_shared_free(shared);
    cr_expect_eq(count_open(), open_before);
}

struct bad_name {
    const char *name;
    int result;
};

ParameterizedTestParameters(io, completes_what_is_no_file_with_its_error)
{
    return cr_make_param_array(struct way, ways, WAY_COUNT);
}

ParameterizedTest(struct way *way, io, completes_what_is_no_file_with_its_error)
{
    if (!can_ring(way)) {
        return;
    }
    static const struct bad_name bad[] = {
        { "fifo", -EBADF }, { "folder", -EBADF }, { "link", -ELOOP }, { "absent", -ENOENT },
        { "..", -EINVAL },  { ".", -EINVAL },     { "", -EINVAL },    { "folder/x", -EINVAL },
    };
    const uint32_t count = sizeof(bad) / sizeof(bad[0]);
    cr_assert_eq(mkfifoat(dir_fd, "fifo", 0600), 0);
    cr_assert_eq(mkdirat(dir_fd, "folder", 0700), 0);
    make_file(0, 100);
    cr_assert_eq(symlinkat("f0", dir_fd, "link"), 0);
    /* Three good ones first, so that a cold way is cold. */
    make_file(1, 100);
    make_file(2, 100);
    ask_heads(3, 4096);
    for (uint32_t i = 0; i < count; i++) {
        requests[3 + i] = (struct spr_io_request){
            .op = SPR_IO_HEAD, .dir_fd = dir_fd, .name = bad[i].name, .length = 4096
        };
    }
    start_way(way, NULL);
    const int open_before = count_open();
    struct spr_io_shared *shared = new_shared(way, 1);
    struct spr_io *io = new_io(shared);

    cr_assert_eq(spr_io_window(io, requests, 3 + count), 0);
    struct spr_io_done done;
    while (spr_io_wait(io, &done, 1) == 1) {
        note_completion(&done);
        const uint32_t number = (uint32_t)(done.request - requests);
        const int expected = number < 3 ? 100 : bad[number - 3].result;
        cr_expect_eq(done.result, expected, "%s: %s", way->name, done.request->name);
        spr_io_release(io, &done);
    }

    expect_each_once(3 + count, way->name);
    spr_io_free(io);
    spr_io_shared_free(shared);
    cr_expect_eq(count_open(), open_before);
}

ParameterizedTestParameters(io, refuses_files_of_another_device)
{
    return cr_make_param_array(struct way, ways, WAY_COUNT);
}

ParameterizedTest(struct way *way, io, refuses_files_of_another_device)
{
    if (!can_ring(way)) {
        return;
    }
    make_file(0, 100);
    ask_heads(1, 4096);
    start_way(way, NULL);
    struct spr_io_shared *shared = NULL;
    cr_assert_eq(spr_io_shared_new(way->engine, device + 1, 1, &shared), 0);
    struct spr_io *io = new_io(shared);
    struct spr_io_done done;

    cr_assert_eq(spr_io_window(io, requests, 1), 0);
    cr_assert_eq(spr_io_wait(io, &done, 1), 1);

    cr_expect_eq(done.result, -EBADF);
    cr_expect_null(done.file);
    cr_expect_eq(done.meta.size, 100);
    spr_io_release(io, &done);
    spr_io_free(io);
    spr_io_shared_free(shared);
}

ParameterizedTestParameters(io, reads_ranges_of_the_file_that_the_head_opened)
{
    return cr_make_param_array(struct way, ways, WAY_COUNT);
}

ParameterizedTest(struct way *way, io, reads_ranges_of_the_file_that_the_head_opened)
{
    if (!can_ring(way)) {
        return;
    }
    const uint32_t heads = 20;
    for (uint32_t i = 0; i < heads; i++) {
        make_file(i, 30000);
    }
    ask_heads(heads, 1000);
    start_way(way, NULL);
    const int open_before = count_open();
    struct spr_io_shared *shared = new_shared(way, 1);
    struct spr_io *io = new_io(shared);
    struct spr_io_done done[20];

    cr_assert_eq(spr_io_window(io, requests, heads), 0);
    for (uint32_t got = 0; got < heads;) {
        const int n = spr_io_wait(io, done + got, heads - got);
        cr_assert(n > 0);
        got += (uint32_t)n;
    }
    for (uint32_t i = 0; i < heads; i++) {
        cr_assert_eq(done[i].result, 1000);
        check_bytes(&done[i]);
        cr_assert_eq(unlinkat(dir_fd, done[i].request->name, 0), 0); /* the open one is read */
    }
    static struct spr_io_request ranges[40];
    for (uint32_t i = 0; i < 2 * heads; i++) {
        ranges[i] = (struct spr_io_request){ .op = SPR_IO_RANGE,
                                             .file = done[i / 2].file,
                                             .user = &done[i / 2],
                                             .offset = i % 2 == 0 ? 1000 : 29990,
                                             .length = i % 2 == 0 ? 20001 : 500 };
    }
    cr_assert_eq(spr_io_window(io, ranges, 2 * heads), 0);
    struct spr_io_done range;
    uint32_t seen = 0;
    while (spr_io_wait(io, &range, 1) == 1) {
        seen++;
        const struct spr_io_done *head = range.request->user;
        const uint32_t number = (uint32_t)(head->request - requests);
        cr_assert_eq(range.result, range.request->offset == 1000 ? 20001 : 10);
        cr_assert_null(range.file);
        for (int64_t b = 0; b < range.result; b++) {
            cr_assert_eq(range.bytes[b], content(number, range.request->offset + (uint64_t)b));
        }
        spr_io_release(io, &range);
    }

    cr_expect_eq(seen, 2 * heads);
    for (uint32_t i = 0; i < heads; i++) {
        spr_io_release(io, &done[i]);
    }
    cr_expect_eq(count_open(), open_before + (io->ring != NULL));
    spr_io_free(io);
    spr_io_shared_free(shared);
}

ParameterizedTestParameters(io, reads_the_head_of_a_huge_sparse_file)
{
    return cr_make_param_array(struct way, ways, WAY_COUNT);
}

ParameterizedTest(struct way *way, io, reads_the_head_of_a_huge_sparse_file)
{
    if (!can_ring(way)) {
        return;
    }
    for (uint32_t i = 0; i < 4; i++) {
        make_file(i, 5);
        int fd = openat(dir_fd, names[i], O_WRONLY);
        cr_assert_eq(ftruncate(fd, (off_t)1 << 40), 0);
        close(fd);
    }
    ask_heads(4, SPR_IO_READ_MAX);
    start_way(way, NULL);
    struct spr_io_shared *shared = new_shared(way, 4);
    struct spr_io *io = new_io(shared);
    struct spr_io_done done;

    cr_assert_eq(spr_io_window(io, requests, 4), 0);
    while (spr_io_wait(io, &done, 1) == 1) {
        note_completion(&done);
        cr_expect_eq(done.result, SPR_IO_READ_MAX);
        cr_expect_eq(done.meta.size, UINT64_C(1) << 40);
        cr_expect_eq(done.bytes[4], content((uint32_t)(done.request - requests), 4));
        cr_expect_eq(done.bytes[SPR_IO_READ_MAX - 1], 0);
        spr_io_release(io, &done);
    }

    expect_each_once(4, way->name);
    spr_io_free(io);
    spr_io_shared_free(shared);
}

ParameterizedTestParameters(io, goes_on_when_a_window_has_more_files_than_descriptors)
{
    return cr_make_param_array(struct way, ways, WAY_COUNT);
}

ParameterizedTest(struct way *way, io, goes_on_when_a_window_has_more_files_than_descriptors)
{
    if (!can_ring(way)) {
        return;
    }
    const uint32_t count = 200;
    for (uint32_t i = 0; i < count; i++) {
        make_file(i, 64);
    }
    ask_heads(count, 4096);
    start_way(way, NULL);
    struct spr_io_shared *shared = new_shared(way, 1);
    struct spr_io *io = new_io(shared);
    struct rlimit few = { .rlim_cur = 40, .rlim_max = 4096 };
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &few), 0);

    cr_assert_eq(spr_io_window(io, requests, count), 0);
    const uint32_t failed = drain(io);

    cr_expect_eq(failed, 0, "%s: %u failed", way->name, failed);
    expect_each_once(count, way->name);
    spr_io_free(io);
    spr_io_shared_free(shared);
}

ParameterizedTestParameters(io, goes_on_when_the_caller_holds_every_buffer)
{
    return cr_make_param_array(struct way, ways, WAY_COUNT);
}

ParameterizedTest(struct way *way, io, goes_on_when_the_caller_holds_every_buffer)
{
    if (!can_ring(way)) {
        return;
    }
    const uint32_t count = 12; /* of 1 MiB: more than the pool of 4 MiB */
    for (uint32_t i = 0; i < count; i++) {
        make_file(i, SPR_IO_READ_MAX);
    }
    ask_heads(count, SPR_IO_READ_MAX);
    start_way(way, NULL);
    struct spr_io_shared *shared = new_shared(way, 1);
    struct spr_io *io = new_io(shared);
    static struct spr_io_done done[12];

    cr_assert_eq(spr_io_window(io, requests, count), 0);
    for (uint32_t i = 0; i < count; i++) {
        cr_assert_eq(spr_io_wait(io, &done[i], 1), 1, "%s: %u", way->name, i);
        note_completion(&done[i]);
    }

    expect_each_once(count, way->name);
    for (uint32_t i = 0; i < count; i++) {
        cr_assert_eq(done[i].result, SPR_IO_READ_MAX);
        check_bytes(&done[i]);
        spr_io_release(io, &done[i]);
    }
    spr_io_free(io);
    spr_io_shared_free(shared);
}

ParameterizedTestParameters(io, frees_with_requests_still_on_their_way)
{
    return cr_make_param_array(struct way, ways, WAY_COUNT);
}

ParameterizedTest(struct way *way, io, frees_with_requests_still_on_their_way)
{
    if (!can_ring(way)) {
        return;
    }
    const uint32_t count = 100;
    for (uint32_t i = 0; i < count; i++) {
        make_file(i, 3000);
    }
    ask_heads(count, 4096);
    start_way(way, NULL);
    const int open_before = count_open();
    struct spr_io_shared *shared = new_shared(way, 1);
    struct spr_io *io = new_io(shared);
    struct spr_io_done done;

    cr_assert_eq(spr_io_window(io, requests, count), 0);
    cr_assert_eq(spr_io_wait(io, &done, 1), 1);
    spr_io_free(io);

    spr_io_shared_free(shared);
    cr_expect_eq(count_open(), open_before);
}

ParameterizedTestParameters(io, tells_meta_without_opening)
{
    return cr_make_param_array(struct way, ways, WAY_COUNT);
}

ParameterizedTest(struct way *way, io, tells_meta_without_opening)
{
    if (!can_ring(way)) {
        return;
    }
    make_file(0, 123);
    ask_heads(2, 0);
    requests[0].op = SPR_IO_STAT;
    requests[1].op = SPR_IO_STAT;
    requests[1].name = "absent";
    start_way(way, NULL);
    struct spr_io_shared *shared = new_shared(way, 1);
    struct spr_io *io = new_io(shared);
    struct spr_io_done done[2];

    cr_assert_eq(spr_io_window(io, requests, 2), 0);
    cr_assert_eq(spr_io_wait(io, done, 2), 2);

    cr_expect_eq(done[0].result, 0);
    cr_expect_eq(done[0].meta.size, 123);
    cr_expect_eq(done[1].result, -ENOENT);
    spr_io_free(io);
    spr_io_shared_free(shared);
}

Test(io, refuses_a_window_whole)
{
    make_file(0, 10);
    ask_heads(2, 4096);
    requests[1].name = names[0];
    requests[1].length = SPR_IO_READ_MAX + 1;
    struct spr_io_shared *shared = new_shared(&ways[0], 1);
    struct spr_io *io = new_io(shared);
    struct spr_io_done done;

    cr_expect_eq(spr_io_window(io, requests, 2), -EINVAL);
    cr_expect_eq(spr_io_wait(io, &done, 1), 0);

    spr_io_free(io);
    spr_io_shared_free(shared);
}

Test(io, tells_why_there_is_no_ring)
{
    enum spr_io_engine engine;
    const char *reason;
    struct spr_io_shared *shared = NULL;
    spr_faulty_start(
        &(struct spr_fault_rule){
            .site = "ring_setup", .nth = 1, .onwards = true, .error = ENOSYS },
        1);

    spr_io_probe(SPR_IO_URING, &engine, &reason);

    cr_expect_eq(engine, SPR_IO_THREADS);
    cr_expect_not_null(strstr(reason, "no io_uring"));
    cr_expect_eq(spr_io_shared_new(SPR_IO_URING, device, 1, &shared), -ENOSYS);
    cr_expect_eq(spr_io_shared_new(SPR_IO_AUTO, device, 1, &shared), 0);
    cr_expect_str_eq(spr_io_shared_engine(shared, &reason), "threads");
    spr_io_shared_free(shared);
}

/* Every call of a scan fails once, at each place in turn; each request completes exactly once,
 * nothing stays open, and a second round on the same spr_io reads what the first could not. */
struct sweep {
    const struct way *way;
    struct spr_fault_rule rule;
    const char *name;
};

static void sweep_once(const struct way *way, const struct spr_fault_rule *rule, const char *name)
{
    const uint32_t count = 12;
    ask_heads(count, 5000);
    start_way(way, rule);
    struct spr_io_shared *shared = NULL;
    int r = spr_io_shared_new(way->engine, device, 1, &shared);
    if (r < 0) { /* the ring's set-up was hit */
        cr_assert_eq(way->engine, SPR_IO_URING);
        return;
    }
    struct spr_io *io = new_io(shared);
    cr_assert_eq(spr_io_window(io, requests, count), 0);
    const uint32_t failed = drain(io);
    expect_each_once(count, name);
    cr_assert(failed <= 1 || rule->onwards, "%s: %u failed at %lu", name, failed, rule->nth);
    spr_faulty_stop();
    ask_heads(count, 5000);
    cr_assert_eq(spr_io_window(io, requests, count), 0);
    cr_assert_eq(drain(io), 0, "%s: after %lu", name, rule->nth);
    expect_each_once(count, name);
    spr_io_free(io);
    spr_io_shared_free(shared);
}

static void sweep(const struct way *way, struct spr_fault_rule rule, const char *name)
{
    const int open_before = count_open();
    /* The cold ways' own rule strikes too: the sweep ends when only that one is left. */
    for (rule.nth = 1; rule.nth < 1000; rule.nth++) {
        sweep_once(way, &rule, name);
        cr_assert_eq(count_open(), open_before, "%s: leak after %lu", name, rule.nth);
        if (spr_faulty_passed() < rule.nth) {
            return;
        }
    }
    cr_assert_fail("%s: never passed", name);
}

ParameterizedTestParameters(io, survives_a_fault_at_every_call)
{
    return cr_make_param_array(struct way, ways, WAY_COUNT);
}

ParameterizedTest(struct way *way, io, survives_a_fault_at_every_call)
{
    if (!can_ring(way)) {
        return;
    }
    static const struct spr_fault_rule faults[] = {
        { .error = EIO },    { .error = EINTR },   { .error = ENOMEM },    { .error = EAGAIN },
        { .error = EINVAL }, { .error = EPERM },   { .error = ECANCELED }, { .error = EMFILE },
        { .error = ENOSYS }, { .short_bytes = 1 },
    };
    for (uint32_t i = 0; i < 12; i++) {
        make_file(i, 600 * i);
    }

    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        sweep(way, faults[i], way->name);
    }
}

ParameterizedTestParameters(io, finishes_by_plain_calls_when_the_ring_refuses)
{
    return cr_make_param_array(struct way, ways, WAY_COUNT);
}

ParameterizedTest(struct way *way, io, finishes_by_plain_calls_when_the_ring_refuses)
{
    if (!can_ring(way) || way->engine != SPR_IO_URING || !way->cold) {
        return;
    }
    static const struct spr_fault_rule rules[] = {
        { .site = "ring_submit", .nth = 1, .error = EBADF },
        { .site = "ring_setup", .nth = 2, .error = EMFILE },
    };
    for (uint32_t i = 0; i < 50; i++) {
        make_file(i, 100 * i);
    }
    for (size_t i = 0; i < 2; i++) {
        ask_heads(50, 4096);
        start_way(way, &rules[i]);
        struct spr_io_shared *shared = new_shared(way, 1);
        struct spr_io *io = new_io(shared);

        cr_assert_eq(spr_io_window(io, requests, 50), 0);
        cr_expect_eq(drain(io), 0);

        expect_each_once(50, rules[i].site);
        const char *reason;
        cr_expect_str_eq(spr_io_shared_engine(shared, &reason), "threads");
        cr_expect_not_null(strstr(reason, "plain calls"));
        spr_io_free(io);
        spr_io_shared_free(shared);
    }
}
