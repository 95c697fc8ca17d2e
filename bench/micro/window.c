/*
 * The queue between a worker and its reads: the files of one folder asked for in windows, all
 * cached, by each engine, against bare calls. The difference is what queueing costs a file.
 *
 * usage: window FOLDER [ROUNDS]       (a folder that holds files, the first 1024 are taken; 100)
 */
#include "bench/measure.h"
#include "io/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_MAX 1024
#define HEAD      4096
#define TAKEN     16 /* completions at once, as a scan takes them */

static struct spr_io_request requests[FILES_MAX];
static uint32_t request_count;

static void find_files(DIR *folder)
{
    const struct dirent *entry;
    while (request_count < FILES_MAX && (entry = readdir(folder)) != NULL) {
        if (entry->d_type == DT_REG) {
            char *name = strdup(entry->d_name);
            if (name == NULL) {
                spr_measure_fail("window", -ENOMEM, NULL);
            }
            requests[request_count++] = (struct spr_io_request){
                .op = SPR_IO_HEAD, .dir_fd = dirfd(folder), .name = name, .length = HEAD
            };
        }
    }
    if (request_count == 0) {
        spr_measure_fail("window: no files", -ENOENT, NULL);
    }
}

/* Also brings the files into the page cache. */
static void read_bare(unsigned rounds)
{
    static char bytes[HEAD];
    const double start = spr_measure_now();
    for (unsigned i = 0; i < rounds * request_count; i++) {
        const struct spr_io_request *request = &requests[i % request_count];
        struct stat meta;
        const int fd = openat(request->dir_fd, request->name,
                              O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOATIME | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &meta) < 0 || pread(fd, bytes, sizeof(bytes), 0) < 0) {
            spr_measure_fail(request->name, -errno, NULL);
        }
        (void)close(fd); /* read only */
    }
    if (rounds > 1) {
        spr_measure_row("window", "bare calls", spr_measure_now() - start,
                        (uint64_t)rounds * request_count);
    }
}

static void take_all(struct spr_io *io)
{
    struct spr_io_done done[TAKEN];
    int got;
    while ((got = spr_io_wait(io, done, TAKEN)) > 0) {
        for (int i = 0; i < got; i++) {
            if (done[i].result < 0) {
                spr_measure_fail(done[i].request->name, (int)done[i].result, NULL);
            }
            spr_io_release(io, &done[i]);
        }
    }
}

static void read_queued(enum spr_io_engine engine, const char *name, uint64_t device,
                        unsigned rounds)
{
    struct spr_io_shared *shared = NULL;
    struct spr_io *io = NULL;
    int r = spr_io_shared_new(engine, device, 1, &shared);
    if (r == 0) {
        r = spr_io_new(shared, 0, 0, &io);
    }
    if (r < 0) {
        fprintf(stderr, "window: %s: %s\n", name, strerror(-r)); /* no ring here: one row less */
        spr_io_shared_free(shared);
        return;
    }
    const double start = spr_measure_now();
    for (unsigned round = 0; round < rounds; round++) {
        for (uint32_t from = 0; from < request_count;) {
            const uint32_t wanted = spr_io_pace(io).window;
            const uint32_t left = request_count - from;
            const uint32_t count = wanted < left ? wanted : left;
            r = spr_io_window(io, requests + from, count);
            if (r < 0) {
                spr_measure_fail("window", r, NULL);
            }
            take_all(io);
            from += count;
        }
    }
    spr_measure_row("window", name, spr_measure_now() - start, (uint64_t)rounds * request_count);
    spr_io_free(io);
    spr_io_shared_free(shared);
}

int main(int argc, char **argv)
{
    const unsigned rounds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 100;
    DIR *folder = argc == 2 || argc == 3 ? opendir(argv[1]) : NULL;
    struct stat meta;
    if (folder == NULL || rounds < 2 || fstat(dirfd(folder), &meta) < 0) {
        fputs("usage: window FOLDER [ROUNDS]       (2 or more)\n", stderr);
        return 2;
    }
    find_files(folder);
    read_bare(1);
    read_bare(rounds);
    read_queued(SPR_IO_THREADS, "threads", meta.st_dev, rounds);
    read_queued(SPR_IO_URING, "io_uring", meta.st_dev, rounds);
    return 0; /* all memory goes with the process */
}
