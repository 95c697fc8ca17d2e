/*
 * One request by plain calls: open, check, read.
 *
 * Nothing here blocks on another process: O_NONBLOCK makes a FIFO open at once and a leased file
 * answer EAGAIN (SAFETY I1). What is not a regular file on the spool's device is closed again
 * before a byte is read (I2).
 */
#include "io/backend.h"
#include "io/calls.h"
#include "io/dirents.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>

static const int FILE_FLAGS = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;

static int open_file(int dir_fd, const char *name, int flags)
{
    int fd;
    do {
        fd = spr_calls()->openat(dir_fd, name, flags, 0);
    } while (fd == -EINTR);
    return fd;
}

/* O_NOATIME is the owner's or CAP_FOWNER's; who is refused once is not asked again. */
static int open_quietly(struct spr_io_shared *shared, int dir_fd, const char *name, int direct,
                        int *flags)
{
    *flags = O_NONBLOCK;
    if (!atomic_load_explicit(&shared->refuses_noatime, memory_order_relaxed)) {
        const int fd = open_file(dir_fd, name, FILE_FLAGS | O_NOATIME | direct);
        if (fd != -EPERM) {
            *flags |= O_NOATIME;
            return fd;
        }
        atomic_store_explicit(&shared->refuses_noatime, true, memory_order_relaxed);
    }
    return open_file(dir_fd, name, FILE_FLAGS | direct);
}

static int open_direct_or_cached(struct spr_io *io, struct spr_io_job *job)
{
    const struct spr_io_request *request = job->request;
    struct spr_io_file *file = job->file;
    struct spr_io_shared *shared = io->shared;
    if (io->window_is_cold && io->opens_direct && request->offset % SPR_BUFFER_UNIT == 0 &&
        !atomic_load_explicit(&shared->refuses_direct, memory_order_relaxed)) {
        const int fd = open_quietly(shared, request->dir_fd, request->name, O_DIRECT, &file->flags);
        if (fd != -EINVAL) {
            file->is_direct = fd >= 0;
            return fd;
        }
        atomic_store_explicit(&shared->refuses_direct, true, memory_order_relaxed);
    }
    return open_quietly(shared, request->dir_fd, request->name, 0, &file->flags);
}

int spr_plain_open(struct spr_io *io, struct spr_io_job *job)
{
    if (!spr_is_component(job->request->name)) {
        return -EINVAL;
    }
    const int fd = open_direct_or_cached(io, job);
    if (fd < 0) {
        return fd;
    }
    int r = spr_meta_of(fd, &job->meta);
    if (r == 0 && (!S_ISREG(job->meta.mode) || job->meta.device != io->shared->device)) {
        r = -EBADF;
    }
    if (r < 0) {
        (void)spr_calls()->close(fd); /* read only: nothing can be lost */
        job->file->is_direct = false;
        return r;
    }
    job->file->fd = fd;
    job->file->size = job->meta.size;
    return 0;
}

uint32_t spr_plain_wanted(const struct spr_io_job *job)
{
    const struct spr_io_request *request = job->request;
    const uint64_t at = request->offset + job->got;
    if (at >= job->file->size && job->got > 0) {
        return 0; /* the end, as the open saw it; saves the read that would say so */
    }
    return request->length - job->got;
}

int spr_plain_undirect(struct spr_io_file *file)
{
    if (file->is_direct) {
        const int r = spr_calls()->setfl(file->fd, file->flags);
        if (r < 0) {
            return r;
        }
        file->is_direct = false;
    }
    return 0;
}

int64_t spr_plain_read(struct spr_io_job *job)
{
    uint32_t wanted = spr_plain_wanted(job);
    const int r = wanted > 0 ? spr_plain_undirect(job->file) : 0;
    if (r < 0) {
        return r;
    }
    for (; wanted > 0; wanted = spr_plain_wanted(job)) {
        const int64_t got = spr_calls()->pread(job->file->fd, job->bytes + job->got, wanted,
                                               job->request->offset + job->got);
        if (got == -EINTR) {
            continue;
        }
        if (got < 0) {
            return got;
        }
        if (got == 0) {
            break;
        }
        job->got += (uint32_t)got;
    }
    return job->got;
}

static uint64_t clock_ns(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time); /* a known clock: cannot fail */
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static int64_t read_timed(struct spr_io *io, struct spr_io_job *job)
{
    const uint64_t start = clock_ns();
    const int64_t r = spr_plain_read(job);
    const bool slow = spr_pace_is_slow(clock_ns() - start);
    io->sample.missed += slow;
    io->sample.cached += !slow;
    return r;
}

int64_t spr_plain_try(struct spr_io *io, struct spr_io_job *job)
{
    struct spr_io_shared *shared = io->shared;
    if (atomic_load_explicit(&shared->refuses_nowait, memory_order_relaxed)) {
        return -EOPNOTSUPP;
    }
    const int r = spr_plain_undirect(job->file);
    if (r < 0) {
        return r;
    }
    const int64_t got = spr_calls()->pread2(job->file->fd, job->bytes, job->request->length,
                                            job->request->offset, RWF_NOWAIT);
    if (got == -EOPNOTSUPP || got == -ENOSYS || got == -EINVAL) {
        atomic_store_explicit(&shared->refuses_nowait, true, memory_order_relaxed);
        return -EOPNOTSUPP;
    }
    if (got > 0) {
        job->got = (uint32_t)got;
    }
    job->file->drops = job->file->drops || (got == -EAGAIN && shared->leaves_cache);
    io->sample.missed += got == -EAGAIN;
    io->sample.cached += got >= 0;
    return got;
}

int64_t spr_plain_read_sampled(struct spr_io *io, struct spr_io_job *job)
{
    const int64_t got = spr_plain_try(io, job);
    if (got == -EOPNOTSUPP) {
        return read_timed(io, job);
    }
    /* Errors are told by the plain read, as is a rest that has to come from the disk. */
    return got == 0 && job->file->size == 0 ? 0 : spr_plain_read(job);
}

int spr_plain_stat(struct spr_io_job *job)
{
    if (!spr_is_component(job->request->name)) {
        return -EINVAL;
    }
    return spr_meta_at(job->request->dir_fd, job->request->name, &job->meta);
}
