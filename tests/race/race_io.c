/*
 * Many workers over one shared pace, for the thread sanitizer: every file is read once by each
 * worker, warm and cold.
 */
#include "io/calls.h"
#include "io/dirents.h"
#include "io/io.h"
#include "io/workers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_COUNT = 300, FILE_BYTES = 700, WORKER_COUNT = 6, DONE_MAX = 9, NAME_BYTES = 16 };

struct team {
    struct spr_io_shared *shared;
    char names[FILE_COUNT][NAME_BYTES];
    struct spr_io_request requests[FILE_COUNT];
    _Atomic uint32_t good;
};

static void check(int r, const char *what)
{
    if (r < 0) {
        (void)fprintf(stderr, "%s: %s\n", what, strerror(-r));
        exit(1);
    }
}

static int64_t miss_cache(int fd, void *bytes, size_t length, uint64_t offset, int flags)
{
    (void)fd;
    (void)bytes;
    (void)length;
    (void)offset;
    (void)flags;
    return -EAGAIN;
}

static int read_window(struct team *team, struct spr_io *io, uint32_t from, uint32_t count)
{
    int r = spr_io_window(io, team->requests + from, count);
    struct spr_io_done done[DONE_MAX];
    for (int n = r < 0 ? 0 : spr_io_wait(io, done, DONE_MAX); n > 0;
         n = spr_io_wait(io, done, DONE_MAX)) {
        for (int i = 0; i < n; i++) {
            atomic_fetch_add(&team->good,
                             done[i].result == FILE_BYTES && done[i].bytes[FILE_BYTES - 1] == 'x');
            spr_io_release(io, &done[i]);
        }
    }
    return r;
}

static int read_all(uint32_t number, void *user)
{
    struct team *team = user;
    struct spr_io *io;
    int r = spr_io_new(team->shared, number, 0, &io);
    for (uint32_t from = 0; r == 0 && from < FILE_COUNT;) {
        const uint32_t wished = spr_io_pace(io).window;
        const uint32_t count = FILE_COUNT - from < wished ? FILE_COUNT - from : wished;
        r = read_window(team, io, from, count);
        from += count;
    }
    spr_io_free(io);
    return r;
}

static void run_team(struct team *team)
{
    struct spr_workers *workers;
    team->good = 0;
    check(spr_workers_start(WORKER_COUNT, true, read_all, team, &workers), "start");
    while (spr_workers_wait(workers, 20) == 0) {
    }
    check(spr_workers_join(workers), "join");
    if (team->good != FILE_COUNT * WORKER_COUNT) {
        (void)fprintf(stderr, "%u of %u\n", team->good, FILE_COUNT * WORKER_COUNT);
        exit(1);
    }
}

static void make_files(struct team *team, int dir_fd)
{
    char bytes[FILE_BYTES];
    memset(bytes, 'x', sizeof(bytes));
    for (uint32_t i = 0; i < FILE_COUNT; i++) {
        (void)snprintf(team->names[i], NAME_BYTES, "f%u", i);
        const int fd = openat(dir_fd, team->names[i], O_WRONLY | O_CREAT, 0600);
        if (fd < 0 || write(fd, bytes, sizeof(bytes)) != FILE_BYTES) {
            check(-errno, "file");
        }
        (void)close(fd); /* a test's file */
        team->requests[i] = (struct spr_io_request){
            .op = SPR_IO_HEAD, .dir_fd = dir_fd, .name = team->names[i], .length = 4096
        };
    }
}

static void race_reads(struct team *team)
{
    char root[] = "/tmp/spoolray-race-XXXXXX";
    const int dir_fd = mkdtemp(root) != NULL ? spr_root_open(root) : -errno;
    check(dir_fd, root);
    struct spr_io_meta meta;
    check(spr_meta_of(dir_fd, &meta), "meta");
    make_files(team, dir_fd);

    struct spr_calls cold = *spr_calls_plain();
    cold.pread2 = miss_cache;
    for (int i = 0; i < 2; i++) {
        spr_calls_set(i == 0 ? NULL : &cold);
        check(spr_io_shared_new(SPR_IO_THREADS, meta.device, WORKER_COUNT, &team->shared), "io");
        run_team(team);
        spr_io_shared_free(team->shared);
    }

    for (uint32_t i = 0; i < FILE_COUNT; i++) {
        (void)unlinkat(dir_fd, team->names[i], 0); /* a leftover in /tmp at worst */
    }
    (void)close(dir_fd); /* nothing can be lost */
    (void)rmdir(root);   /* as above */
}

int main(void)
{
    struct team *team = calloc(1, sizeof(*team));
    check(team != NULL ? 0 : -ENOMEM, "memory");
    race_reads(team);
    free(team);
    return 0;
}
