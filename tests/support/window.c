/*
 * A folder of files with known contents, and windows of requests for their heads.
 */
#include "tests/support/window.h"

#include "io/dirents.h"
#include "tests/support/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <criterion/criterion.h>

enum { BATCH = 7, DESCRIPTORS_LOOKED_AT = 4096 };

struct way ways[WAY_COUNT] = {
    { "threads, warm", SPR_IO_THREADS, false },
    { "threads, cold", SPR_IO_THREADS, true },
    { "ring, warm", SPR_IO_URING, false },
    { "ring, cold", SPR_IO_URING, true },
};

struct window window = { .dir_fd = -1 };

void open_window(void)
{
    make_temporary(window.root);
    window.dir_fd = open(window.root, O_RDONLY | O_DIRECTORY);
    cr_assert(window.dir_fd >= 0);
    struct spr_io_meta meta;
    cr_assert_eq(spr_meta_of(window.dir_fd, &meta), 0);
    window.device = meta.device;
}

void close_window(void)
{
    spr_faulty_stop();
    close(window.dir_fd);
    remove_temporary(window.root);
}

uint8_t window_content(uint32_t number, uint64_t offset)
{
    return (uint8_t)(number * 31 + offset * 7 + offset / 251);
}

void make_file(uint32_t number, uint32_t size)
{
    uint8_t *bytes = malloc(size + 1);
    for (uint32_t i = 0; i < size; i++) {
        bytes[i] = window_content(number, i);
    }
    snprintf(window.names[number], WINDOW_NAME_BYTES, "f%u", number);
    int fd = openat(window.dir_fd, window.names[number], O_WRONLY | O_CREAT | O_EXCL, 0600);
    cr_assert(fd >= 0);
    cr_assert_eq(write(fd, bytes, size), (ssize_t)size);
    close(fd);
    free(bytes);
}

void ask_heads(uint32_t count, uint32_t length)
{
    for (uint32_t i = 0; i < count; i++) {
        window.requests[i] = (struct spr_io_request){
            .op = SPR_IO_HEAD, .dir_fd = window.dir_fd, .name = window.names[i], .length = length
        };
        window.completed[i] = 0;
    }
}

int count_open(void)
{
    int count = 0;
    for (int fd = 0; fd < DESCRIPTORS_LOOKED_AT; fd++) {
        count += fcntl(fd, F_GETFD) >= 0;
    }
    return count;
}

bool can_run(const struct way *way)
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
void start_way(const struct way *way, const struct spr_fault_rule *rule)
{
    struct spr_fault_rule rules[2] = {
        { .site = "pread2", .nth = way->cold, .onwards = true, .error = EAGAIN }
    };
    if (rule != NULL) {
        rules[1] = *rule;
    }
    spr_faulty_start(rules, 2);
}

struct spr_io_shared *new_shared(const struct way *way, uint32_t workers)
{
    struct spr_io_shared *shared = NULL;
    cr_assert_eq(spr_io_shared_new(way->engine, window.device, workers, &shared), 0, "%s",
                 way->name);
    return shared;
}

struct spr_io *new_io(struct spr_io_shared *shared)
{
    struct spr_io *io = NULL;
    cr_assert_eq(spr_io_new(shared, 0, 0, &io), 0);
    return io;
}

void note_completion(const struct spr_io_done *done)
{
    cr_assert(done->request >= window.requests &&
              done->request < window.requests + WINDOW_FILES_MAX);
    window.completed[done->request - window.requests]++;
}

void check_bytes(const struct spr_io_done *done)
{
    const uint32_t number = (uint32_t)(done->request - window.requests);
    for (int64_t i = 0; i < done->result; i++) {
        cr_assert_eq(done->bytes[i], window_content(number, done->request->offset + (uint64_t)i));
    }
}

/* Fetches all completions; returns how many failed. */
uint32_t drain(struct spr_io *io)
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

void expect_each_once(uint32_t count, const char *name)
{
    for (uint32_t i = 0; i < count; i++) {
        cr_assert_eq(window.completed[i], 1, "%s: request %u window.completed %u times", name, i,
                     window.completed[i]);
    }
}
