#include "io/backend.h"
#include "io/io.h"
#include "io/workers.h"
#include "tests/support/faulty_io.h"
#include "tests/support/window.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

enum { BATCH = 7 };

TestSuite(io, .init = open_window, .fini = close_window, .timeout = 60);

ParameterizedTestParameters(io, reads_many_files_each_once)
{
    return cr_make_param_array(struct way, ways, WAY_COUNT);
}

ParameterizedTest(struct way *way, io, reads_many_files_each_once)
{
    if (!can_run(way)) {
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

    cr_assert_eq(spr_io_window(io, window.requests, count), 0);
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
    if (!can_run(way)) {
        return;
    }
    static const struct bad_name bad[] = {
        { "fifo", -EBADF }, { "folder", -EBADF }, { "link", -ELOOP }, { "absent", -ENOENT },
        { "..", -EINVAL },  { ".", -EINVAL },     { "", -EINVAL },    { "folder/x", -EINVAL },
    };
    const uint32_t count = sizeof(bad) / sizeof(bad[0]);
    cr_assert_eq(mkfifoat(window.dir_fd, "fifo", 0600), 0);
    cr_assert_eq(mkdirat(window.dir_fd, "folder", 0700), 0);
    make_file(0, 100);
    cr_assert_eq(symlinkat("f0", window.dir_fd, "link"), 0);
    /* Three good ones first, so that a cold way is cold. */
    make_file(1, 100);
    make_file(2, 100);
    ask_heads(3, 4096);
    for (uint32_t i = 0; i < count; i++) {
        window.requests[3 + i] = (struct spr_io_request){
            .op = SPR_IO_HEAD, .dir_fd = window.dir_fd, .name = bad[i].name, .length = 4096
        };
    }
    start_way(way, NULL);
    const int open_before = count_open();
    struct spr_io_shared *shared = new_shared(way, 1);
    struct spr_io *io = new_io(shared);

    cr_assert_eq(spr_io_window(io, window.requests, 3 + count), 0);
    struct spr_io_done done;
    while (spr_io_wait(io, &done, 1) == 1) {
        note_completion(&done);
        const uint32_t number = (uint32_t)(done.request - window.requests);
        const int expected = number < 3 ? 100 : bad[number - 3].result;
        cr_expect_eq(done.result, expected, "%s: %s", way->name, done.request->name);
        spr_io_release(io, &done);
    }

    expect_each_once(3 + count, way->name);
    spr_io_free(io);
    spr_io_shared_free(shared);
    cr_expect_eq(count_open(), open_before);
}

ParameterizedTestParameters(io, never_waits_for_the_holder_of_a_lease)
{
    return cr_make_param_array(struct way, ways, WAY_COUNT);
}

ParameterizedTest(struct way *way, io, never_waits_for_the_holder_of_a_lease)
{
    if (!can_run(way)) {
        return;
    }
    make_file(0, 100);
    ask_heads(1, 4096);
    const int leased = openat(window.dir_fd, window.names[0], O_RDWR);
    (void)signal(SIGIO, SIG_IGN); /* the kernel's word to the holder */
    cr_assert_eq(fcntl(leased, F_SETLEASE, F_WRLCK), 0);
    start_way(way, NULL);
    struct spr_io_shared *shared = new_shared(way, 1);
    struct spr_io *io = new_io(shared);
    struct spr_io_done done;

    cr_assert_eq(spr_io_window(io, window.requests, 1), 0);
    cr_assert_eq(spr_io_wait(io, &done, 1), 1);

    cr_expect_eq(done.result, -EAGAIN);
    spr_io_free(io);
    spr_io_shared_free(shared);
    close(leased);
}

ParameterizedTestParameters(io, refuses_files_of_another_device)
{
    return cr_make_param_array(struct way, ways, WAY_COUNT);
}

ParameterizedTest(struct way *way, io, refuses_files_of_another_device)
{
    if (!can_run(way)) {
        return;
    }
    make_file(0, 100);
    ask_heads(1, 4096);
    start_way(way, NULL);
    struct spr_io_shared *shared = NULL;
    cr_assert_eq(spr_io_shared_new(way->engine, window.device + 1, 1, &shared), 0);
    struct spr_io *io = new_io(shared);
    struct spr_io_done done;

    cr_assert_eq(spr_io_window(io, window.requests, 1), 0);
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
    if (!can_run(way)) {
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

    cr_assert_eq(spr_io_window(io, window.requests, heads), 0);
    for (uint32_t got = 0; got < heads;) {
        const int n = spr_io_wait(io, done + got, heads - got);
        cr_assert(n > 0);
        got += (uint32_t)n;
    }
    for (uint32_t i = 0; i < heads; i++) {
        cr_assert_eq(done[i].result, 1000);
        check_bytes(&done[i]);
        cr_assert_eq(unlinkat(window.dir_fd, done[i].request->name, 0),
                     0); /* the open one is read */
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
        const uint32_t number = (uint32_t)(head->request - window.requests);
        cr_assert_eq(range.result, range.request->offset == 1000 ? 20001 : 10);
        cr_assert_null(range.file);
        for (int64_t b = 0; b < range.result; b++) {
            cr_assert_eq(range.bytes[b],
                         window_content(number, range.request->offset + (uint64_t)b));
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
    if (!can_run(way)) {
        return;
    }
    for (uint32_t i = 0; i < 4; i++) {
        make_file(i, 5);
        int fd = openat(window.dir_fd, window.names[i], O_WRONLY);
        cr_assert_eq(ftruncate(fd, (off_t)1 << 40), 0);
        close(fd);
    }
    ask_heads(4, SPR_IO_READ_MAX);
    start_way(way, NULL);
    struct spr_io_shared *shared = new_shared(way, 4);
    struct spr_io *io = new_io(shared);
    struct spr_io_done done;

    cr_assert_eq(spr_io_window(io, window.requests, 4), 0);
    while (spr_io_wait(io, &done, 1) == 1) {
        note_completion(&done);
        cr_expect_eq(done.result, SPR_IO_READ_MAX);
        cr_expect_eq(done.meta.size, UINT64_C(1) << 40);
        cr_expect_eq(done.bytes[4], window_content((uint32_t)(done.request - window.requests), 4));
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
    if (!can_run(way)) {
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

    cr_assert_eq(spr_io_window(io, window.requests, count), 0);
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
    if (!can_run(way)) {
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

    cr_assert_eq(spr_io_window(io, window.requests, count), 0);
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
    if (!can_run(way)) {
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

    cr_assert_eq(spr_io_window(io, window.requests, count), 0);
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
    if (!can_run(way)) {
        return;
    }
    make_file(0, 123);
    ask_heads(2, 0);
    window.requests[0].op = SPR_IO_STAT;
    window.requests[1].op = SPR_IO_STAT;
    window.requests[1].name = "absent";
    start_way(way, NULL);
    struct spr_io_shared *shared = new_shared(way, 1);
    struct spr_io *io = new_io(shared);
    struct spr_io_done done[2];

    cr_assert_eq(spr_io_window(io, window.requests, 2), 0);
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
    window.requests[1].name = window.names[0];
    window.requests[1].length = SPR_IO_READ_MAX + 1;
    struct spr_io_shared *shared = new_shared(&ways[0], 1);
    struct spr_io *io = new_io(shared);
    struct spr_io_done done;

    cr_expect_eq(spr_io_window(io, window.requests, 2), -EINVAL);
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
    cr_expect_eq(spr_io_shared_new(SPR_IO_URING, window.device, 1, &shared), -ENOSYS);
    cr_expect_eq(spr_io_shared_new(SPR_IO_AUTO, window.device, 1, &shared), 0);
    cr_expect_str_eq(spr_io_shared_engine(shared, &reason), "threads");
    spr_io_shared_free(shared);
}

struct team {
    struct spr_io_shared *shared;
    _Atomic uint32_t good, bad;
};

/* Each worker reads every file in windows of the length that io asks for. */
static int read_all(uint32_t number, void *user)
{
    struct team *team = user;
    struct spr_io *io;
    int r = spr_io_new(team->shared, number, 0, &io);
    if (r < 0) {
        return r;
    }
    for (uint32_t from = 0; from < 400 && r == 0;) {
        const uint32_t wished = spr_io_pace(io).window;
        const uint32_t count = 400 - from < wished ? 400 - from : wished;
        r = spr_io_window(io, window.requests + from, count);
        struct spr_io_done done[BATCH];
        for (int n = spr_io_wait(io, done, BATCH); n > 0; n = spr_io_wait(io, done, BATCH)) {
            for (int i = 0; i < n; i++) {
                const uint32_t file = (uint32_t)(done[i].request - window.requests);
                const bool good =
                    done[i].result == 10 && done[i].bytes[9] == window_content(file, 9);
                atomic_fetch_add(good ? &team->good : &team->bad, 1);
                spr_io_release(io, &done[i]);
            }
        }
        from += count;
    }
    spr_io_free(io);
    return r;
}

ParameterizedTestParameters(io, serves_many_workers_that_share_one_pace)
{
    return cr_make_param_array(struct way, ways, WAY_COUNT);
}

ParameterizedTest(struct way *way, io, serves_many_workers_that_share_one_pace)
{
    if (!can_run(way)) {
        return;
    }
    for (uint32_t i = 0; i < 400; i++) {
        make_file(i, 10);
    }
    ask_heads(400, 4096);
    start_way(way, NULL);
    struct team team = { .shared = new_shared(way, 4) };
    struct spr_workers *workers = NULL;

    cr_assert_eq(spr_workers_start(4, true, read_all, &team, &workers), 0);
    cr_expect_eq(spr_workers_join(workers), 0);

    cr_expect_eq(team.good, 1600);
    cr_expect_eq(team.bad, 0);
    cr_expect_eq(spr_io_shared_bytes(team.shared), 16000);
    cr_expect_eq(spr_io_workers_wanted(team.shared) > 2, way->cold || spr_cores() > 2);
    spr_io_shared_free(team.shared);
}
