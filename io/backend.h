/*
 * Behind io.h: jobs, and what a backend does with them. Private to io/.
 *
 * A job is one accepted request. It is in exactly one place at any time: the pending lists of its
 * spr_io, the backend's queue, or the ready list; spr_io_wait takes it from there. So each request
 * completes exactly once.
 */
#ifndef SPR_IO_BACKEND_H
#define SPR_IO_BACKEND_H

#include "io/buffers.h"
#include "io/io.h"
#include "io/pace.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct spr_io_file {
    int fd;                   /* -1: free */
    int flags;                /* those of the open that F_SETFL sets: O_NONBLOCK, O_NOATIME */
    bool is_direct;           /* reads past the page cache */
    bool drops;               /* what was read of it is dropped from the page cache */
    bool is_released;         /* by the owner of its HEAD completion */
    uint32_t users;           /* jobs that read from it */
    uint64_t size;            /* at the open */
    struct spr_io_file *next; /* of the free ones */
};

struct spr_io_job {
    const struct spr_io_request *request;
    struct spr_io_file *file;
    uint8_t *bytes;
    uint32_t got;      /* bytes read so far */
    uint64_t physical; /* where its first extent lies; 0: not known */
    bool is_inline;    /* its bytes lie beside the inode, which the open has read */
    int64_t result;
    struct spr_io_meta meta;
    struct spr_io_job *next;
};

struct spr_io_jobs {
    struct spr_io_job *first, *last;
    uint32_t count;
};

/* What a backend adds to plain calls: reading many open files at once. */
struct spr_backend {
    /* Takes all jobs: each will be finished (spr_io_finish) by this or a later reap. */
    void (*queue)(struct spr_io *io, struct spr_io_job **jobs, uint32_t count);
    /* Finishes at least one queued job; blocks for it. */
    void (*reap)(struct spr_io *io);
    /* Nothing is queued. */
    void (*close)(struct spr_io *io);
};
extern const struct spr_backend spr_backend_posix;
extern const struct spr_backend spr_backend_uring;

/* Facts about the file system and the kernel, learned by refusals; relaxed, each is a hint that
 * saves a call. */
struct spr_io_shared {
    uint64_t device;
    enum spr_io_engine engine;
    _Atomic(const char *) reason; /* static text; changes when the ring fails on the way */
    uint32_t workers_max;
    size_t buffer_bytes; /* of each worker */
    struct spr_pace pace;
    _Atomic uint64_t bytes_read, ring_reads;
    _Atomic bool refuses_noatime, refuses_nowait, refuses_extents, refuses_direct;
    _Atomic uint64_t inline_max, placed_min; /* sizes of files with their bytes so, and elsewhere */
    _Atomic bool ring_failed;
    bool leaves_cache; /* the page cache is to stay as it was; set before workers start */
};

struct spr_io {
    struct spr_io_shared *shared;
    uint32_t worker;
    uint32_t queue_depth;
    const struct spr_backend *backend;
    struct spr_ring *ring;      /* uring.c's own; NULL until first used */
    bool ring_refused;          /* to this worker */
    struct spr_io_jobs waiting; /* queued, to be read by plain calls */
    struct spr_buffers *buffers;

    struct spr_io_jobs pending;       /* HEAD, in the order they came */
    struct spr_io_jobs pending_first; /* RANGE and STAT: cheap, and someone waits with more */
    struct spr_io_jobs ready;
    uint32_t queued;     /* in the backend */
    uint64_t bytes_read; /* not yet in shared */
    bool window_is_cold;
    bool opens_direct; /* the window's files: they will most likely be read past the page cache */
    struct spr_pace_sample sample; /* of the window being read */

    struct spr_io_jobs free_jobs;
    uint32_t free_file_count;
    struct spr_io_file *free_files;
    struct spr_io_chunk *chunks; /* all memory of jobs and files */
    struct spr_io_job **batch;   /* room to gather and sort */
    uint32_t batch_max;
};

void spr_io_push(struct spr_io_jobs *jobs, struct spr_io_job *job);
void spr_io_push_front(struct spr_io_jobs *jobs, struct spr_io_job *job);
struct spr_io_job *spr_io_pop(struct spr_io_jobs *jobs); /* NULL when empty */
/* Gives a job its buffer: 0, -EAGAIN when it must wait for others to give theirs back, -ENOMEM. */
int spr_io_provide(struct spr_io *io, struct spr_io_job *job, bool has_others);
/* Completes a job with a result; closes the file of a failed HEAD, gives back unused bytes. */
void spr_io_finish(struct spr_io *io, struct spr_io_job *job, int64_t result);

/* Whether a ring can be had and used, and why not: 0 or a negative errno (uring.c). */
int spr_uring_probe(const char **ret_reason);

/* One job by plain calls (plain.c). */

/* Opens a HEAD's file and checks it; on failure the job is not finished. */
int spr_plain_open(struct spr_io *io, struct spr_io_job *job);
/* Bytes this job still wants, as far as the file's size tells. */
uint32_t spr_plain_wanted(const struct spr_io_job *job);
/* Reads what is left into job->bytes; the total or a negative errno. */
int64_t spr_plain_read(struct spr_io_job *job);
/* Reads what is in the page cache and counts into io->sample whether something was: bytes, -EAGAIN
 * when nothing was, -EOPNOTSUPP when it cannot be told, or why the read failed. */
int64_t spr_plain_try(struct spr_io *io, struct spr_io_job *job);
/* The whole read, first without waiting for the disk; counts into io->sample whether it had to. */
int64_t spr_plain_read_sampled(struct spr_io *io, struct spr_io_job *job);
int spr_plain_stat(struct spr_io_job *job);
/* Back to reads through the page cache; 0 or a negative errno. */
int spr_plain_undirect(struct spr_io_file *file);

/* Opens up to max pending HEADs (at most io->batch_max), finishes those that cannot be opened, and
 * leaves the others with buffers in io->batch in disk order; their number (gather.c). */
uint32_t spr_gather(struct spr_io *io, uint32_t max);
/* Looks which of some spread over the first count of io->batch are cached: finishes those, counts
 * into io->sample, and leaves the others; their number. */
uint32_t spr_gather_sample(struct spr_io *io, uint32_t count);

#endif
