/*
 * What the workers of one scan share: the engine and why it was chosen, pace, counters.
 *
 * Everything that changes is a relaxed atomic: hints and counts, on which no memory hangs.
 */
#include "io/backend.h"
#include "io/workers.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>

enum {
    BUFFERS_ALL = 31 << 20,       /* all workers together stay below 32 MiB (PERF 9.4) */
    BUFFERS_WORKER_MAX = 4 << 20, /* 1024 heads of 4 KiB */
    BUFFERS_WORKER_MIN = 128 << 10,
    NICE_WINDOW = 128, /* some ms of reads; half as fast to pause as to read (PERF 3b: 16 x 64) */
    DESCRIPTORS_UNKNOWN = 256, /* less than any usual limit */
};

/* 0, or why the wish for a ring cannot be fulfilled. */
static int choose_engine(enum spr_io_engine wish, enum spr_io_engine *engine, const char **reason)
{
    *engine = SPR_IO_THREADS;
    if (wish == SPR_IO_THREADS) {
        *reason = "asked for";
        return 0;
    }
    if (wish == SPR_IO_AUTO && spr_thread_sanitized()) {
        *reason = "the thread sanitizer does not see what a ring writes";
        return 0;
    }
    const int r = spr_uring_probe(reason);
    if (r == 0) {
        *engine = SPR_IO_URING;
        *reason = wish == SPR_IO_URING ? "asked for" : "ring set-up works";
        return 0;
    }
    return wish == SPR_IO_URING ? r : 0;
}

void spr_io_probe(enum spr_io_engine wish, enum spr_io_engine *ret_engine, const char **ret_reason)
{
    (void)choose_engine(wish, ret_engine, ret_reason); /* the engine tells it */
}

static uint64_t descriptor_limit(void)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : (uint64_t)DESCRIPTORS_UNKNOWN;
}

/* A worker with a number above those that run pauses, and untouched buffers cost nothing. */
static size_t buffer_share(const struct spr_pace *pace)
{
    const uint32_t warm = pace->cores < pace->workers_max ? pace->cores : pace->workers_max;
    const uint32_t running = warm > pace->workers_cold ? warm : pace->workers_cold;
    const size_t share = (size_t)BUFFERS_ALL / running;
    if (share > BUFFERS_WORKER_MAX) {
        return BUFFERS_WORKER_MAX;
    }
    return share > BUFFERS_WORKER_MIN ? share : (size_t)BUFFERS_WORKER_MIN;
}

int spr_io_shared_new(enum spr_io_engine engine, uint64_t device, uint32_t workers_max,
                      struct spr_io_shared **ret_shared)
{
    if (workers_max == 0 || workers_max > SPR_WORKERS_MAX) {
        return -EINVAL;
    }
    struct spr_io_shared *shared = calloc(1, sizeof(*shared));
    if (shared == NULL) {
        return -ENOMEM;
    }
    const char *reason;
    const int r = choose_engine(engine, &shared->engine, &reason);
    if (r < 0) {
        free(shared);
        return r;
    }
    atomic_init(&shared->reason, reason);
    atomic_init(&shared->placed_min, UINT64_MAX);
    shared->device = device;
    shared->workers_max = workers_max;
    spr_pace_init(&shared->pace, workers_max, descriptor_limit());
    shared->buffer_bytes = buffer_share(&shared->pace);
    spr_pace_limit(&shared->pace, shared->buffer_bytes / SPR_BUFFER_UNIT);
    *ret_shared = shared;
    return 0;
}

void spr_io_shared_be_nice(struct spr_io_shared *shared)
{
    shared->leaves_cache = true;
    spr_pace_limit(&shared->pace, NICE_WINDOW);
}

void spr_io_shared_free(struct spr_io_shared *shared)
{
    free(shared);
}

const char *spr_io_shared_engine(const struct spr_io_shared *shared, const char **ret_reason)
{
    *ret_reason = atomic_load_explicit(&shared->reason, memory_order_relaxed);
    const bool is_ring = shared->engine == SPR_IO_URING &&
                         !atomic_load_explicit(&shared->ring_failed, memory_order_relaxed);
    return is_ring ? "io_uring" : "threads";
}

uint64_t spr_io_shared_bytes(const struct spr_io_shared *shared)
{
    return atomic_load_explicit(&shared->bytes_read, memory_order_relaxed);
}

uint64_t spr_io_shared_ring_reads(const struct spr_io_shared *shared)
{
    return atomic_load_explicit(&shared->ring_reads, memory_order_relaxed);
}

uint32_t spr_io_workers_wanted(const struct spr_io_shared *shared)
{
    return spr_pace_now(&shared->pace).workers;
}
