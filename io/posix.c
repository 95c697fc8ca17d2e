/*
 * The backend of plain calls: the kernel is told of all reads before one is awaited (PERF 3b).
 */
#include "io/backend.h"
#include "io/calls.h"

#include <fcntl.h>

enum { REAP_MAX = 16 }; /* 64 KiB of heads stay in the L2 cache until they are parsed */

static void queue_jobs(struct spr_io *io, struct spr_io_job **jobs, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        /* Each is a hint: refused, the read below is only slower. A try begins the read of what it
         * misses, and tells what is to be dropped afterwards. */
        if (io->shared->leaves_cache) {
            (void)spr_plain_try(io, jobs[i]);
        } else {
            (void)spr_calls()->fadvise(jobs[i]->file->fd, jobs[i]->request->offset,
                                       jobs[i]->request->length, POSIX_FADV_WILLNEED);
        }
        spr_io_push(&io->waiting, jobs[i]);
    }
    io->queued += count;
}

static void reap_jobs(struct spr_io *io)
{
    for (unsigned i = 0; i < REAP_MAX && io->waiting.count > 0; i++) {
        struct spr_io_job *job = spr_io_pop(&io->waiting);
        io->queued--;
        spr_io_finish(io, job, spr_plain_read(job));
    }
}

static void close_nothing(struct spr_io *io)
{
    (void)io;
}

const struct spr_backend spr_backend_posix = {
    .queue = queue_jobs,
    .reap = reap_jobs,
    .close = close_nothing,
};
