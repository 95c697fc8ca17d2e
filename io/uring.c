/*
 * The backend with a ring: all first reads of a window in one submission (PERF 3).
 *
 * Only reads go through the ring: opens would each be handed to a kernel thread when cold
 * (PERF 3c). Reads pass the page cache by where the file system lets them.
 *
 *  (1) slots[i] is the job whose read carries the number i, NULL when none is on its way; a
 *      completion with another number is ignored (SAFETY I9).
 *  (2) The kernel may write to a job's bytes from submission to completion; the job leaves its
 *      slot only with the completion, or when the ring is given up, and then its bytes are
 *      abandoned, not reused (I10).
 *  (3) A ring that fails once gets no more submissions: reads not yet taken by the kernel, and all
 *      later ones, are plain. Those on their way are still awaited.
 *  (4) A ring is made at the first cold window, by the thread that uses it; nobody else may
 *      submit. It can do nothing but read.
 */
#include "io/backend.h"
#include "io/calls.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <liburing.h>

enum {
    PROBE_ENTRIES = 4,
    DIRECT_ALIGN = SPR_BUFFER_UNIT, /* enough for every block size in use */
    REAP_MIN = 32,
    PUSH_BACK_MAX = 64, /* times the kernel may say EAGAIN or EBUSY to a submission */
};

struct spr_ring {
    struct io_uring ring;
    bool is_broken; /* (3) */
    uint32_t depth;
    uint32_t on_way;           /* slots in use */
    uint32_t *free_slots;      /* stack of depth - on_way */
    struct spr_io_job **slots; /* (1) */
};

/* From the best set-up to the oldest; kernels refuse flags they do not know with EINVAL. */
static const uint32_t SETUPS[] = {
    IORING_SETUP_R_DISABLED | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
    IORING_SETUP_R_DISABLED | IORING_SETUP_COOP_TASKRUN,
    IORING_SETUP_R_DISABLED,
    0,
};

static int check_read(struct io_uring *ring)
{
    struct io_uring_probe *probe = io_uring_get_probe_ring(ring);
    if (probe == NULL) {
        return -EOPNOTSUPP; /* before Linux 5.6, which is also where plain reads came */
    }
    const int can_read = io_uring_opcode_supported(probe, IORING_OP_READ);
    io_uring_free_probe(probe);
    return can_read != 0 ? 0 : -EOPNOTSUPP;
}

/* liburing 2.3 declares the two calls below but its shared object does not export them. */
static int register_ring(const struct io_uring *ring, unsigned what, void *argument, unsigned count)
{
    return syscall(SYS_io_uring_register, ring->ring_fd, what, argument, count) < 0 ? -errno : 0;
}

/* (4) */
static int restrict_ring(const struct io_uring *ring)
{
    struct io_uring_restriction only_read = {
        .opcode = IORING_RESTRICTION_SQE_OP,
        .sqe_op = IORING_OP_READ,
    };
    const int r = register_ring(ring, IORING_REGISTER_RESTRICTIONS, &only_read, 1);
    return r < 0 ? r : register_ring(ring, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
}

static int try_setup(uint32_t entries, uint32_t flags, struct io_uring *ring)
{
    struct io_uring_params params = { .flags = flags };
    int r = io_uring_queue_init_params(entries, ring, &params);
    if (r < 0) {
        return r;
    }
    r = check_read(ring);
    if (r == 0 && (flags & IORING_SETUP_R_DISABLED) != 0) {
        r = restrict_ring(ring);
    }
    if (r < 0) {
        io_uring_queue_exit(ring);
    }
    return r;
}

static int open_ring(uint32_t entries, struct io_uring *ring)
{
    int r = spr_calls()->ring_setup();
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < sizeof(SETUPS) / sizeof(SETUPS[0]); i++) {
        r = try_setup(entries, SETUPS[i], ring);
        if (r != -EINVAL) {
            break;
        }
    }
    return r;
}

/* What kernel.io_uring_disabled says; -1 where it says nothing. */
static int read_disabled(void)
{
    const int fd = spr_calls()->openat(AT_FDCWD, "/proc/sys/kernel/io_uring_disabled",
                                       O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0);
    char digit = '?';
    if (fd >= 0) {
        (void)spr_calls()->read(fd, &digit, 1); /* unread it stays '?' */
        (void)spr_calls()->close(fd);           /* read only: nothing can be lost */
    }
    return digit >= '0' && digit <= '9' ? digit - '0' : -1;
}

static const char *explain_refusal(int r)
{
    switch (r) {
    case -EPERM:
    case -EACCES:
        switch (read_disabled()) {
        case 0:
            return "ring set-up refused (io_uring_disabled=0, so by seccomp or a security module)";
        case 1:
            return "ring set-up refused (io_uring_disabled=1 or seccomp)";
        case 2:
            return "ring set-up refused (io_uring_disabled=2)";
        default:
            return "ring set-up refused (seccomp or a security module)";
        }
    case -ENOSYS:
        return "kernel has no io_uring, or seccomp hides it";
    case -EOPNOTSUPP:
        return "kernel too old: its io_uring has no plain read";
    case -ENOMEM:
        return "ring set-up refused: no memory, or the limit on locked memory";
    case -EMFILE:
    case -ENFILE:
        return "ring set-up refused: no file descriptors left";
    default:
        return "ring set-up failed";
    }
}

int spr_uring_probe(const char **ret_reason)
{
    struct io_uring ring;
    const int r = open_ring(PROBE_ENTRIES, &ring);
    if (r < 0) {
        *ret_reason = explain_refusal(r);
        return r;
    }
    io_uring_queue_exit(&ring);
    return 0;
}

static void free_ring(struct spr_ring *ring)
{
    free(ring->free_slots);
    free(ring->slots);
    free(ring);
}

static int make_ring(struct spr_io *io)
{
    struct spr_ring *ring = calloc(1, sizeof(*ring));
    if (ring == NULL) {
        return -ENOMEM;
    }
    ring->depth = io->batch_max;
    ring->slots = calloc(ring->depth, sizeof(ring->slots[0]));
    ring->free_slots = calloc(ring->depth, sizeof(ring->free_slots[0]));
    const int r = ring->slots != NULL && ring->free_slots != NULL
                      ? open_ring(ring->depth, &ring->ring)
                      : -ENOMEM;
    if (r < 0) {
        free_ring(ring);
        return r;
    }
    for (uint32_t i = 0; i < ring->depth; i++) {
        ring->free_slots[i] = i;
    }
    io->ring = ring;
    return 0;
}

/* (3) */
static void fail_ring(struct spr_io *io, const char *reason)
{
    if (io->ring != NULL) {
        io->ring->is_broken = true;
    }
    atomic_store_explicit(&io->shared->reason, reason, memory_order_relaxed);
    atomic_store_explicit(&io->shared->ring_failed, true, memory_order_relaxed);
}

/* Past the page cache, if the request is a head and the file system can. */
static void try_direct(struct spr_io *io, struct spr_io_job *job)
{
    struct spr_io_shared *shared = io->shared;
    if (job->request->op == SPR_IO_RANGE) {  /* of any alignment */
        (void)spr_plain_undirect(job->file); /* failed: the read will say EINVAL and be plain */
        return;
    }
    if (job->file->is_direct || job->request->offset % DIRECT_ALIGN != 0 || job->got != 0 ||
        atomic_load_explicit(&shared->refuses_direct, memory_order_relaxed)) {
        return;
    }
    if (spr_calls()->setfl(job->file->fd, job->file->flags | O_DIRECT) == 0) {
        job->file->is_direct = true;
    } else {
        atomic_store_explicit(&shared->refuses_direct, true, memory_order_relaxed);
    }
}

static void prepare_read(struct spr_io *io, struct spr_io_job *job)
{
    struct spr_ring *ring = io->ring;
    struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->ring);
    assert(sqe != NULL && ring->on_way < ring->depth); /* one a slot, and the ring is as deep */
    try_direct(io, job);
    uint32_t length = job->request->length - job->got;
    if (job->file->is_direct) { /* the buffer has whole units */
        length = (length - 1) / DIRECT_ALIGN * DIRECT_ALIGN + DIRECT_ALIGN;
    }
    const uint32_t slot = ring->free_slots[ring->depth - ring->on_way - 1];
    ring->slots[slot] = job; /* (1) */
    ring->on_way++;
    io_uring_prep_read(sqe, job->file->fd, job->bytes + job->got, length,
                       job->request->offset + job->got);
    io_uring_sqe_set_data64(sqe, slot);
}

static struct spr_io_job *leave_slot(struct spr_ring *ring, uint32_t slot)
{
    struct spr_io_job *job = ring->slots[slot];
    ring->slots[slot] = NULL;
    ring->on_way--;
    ring->free_slots[ring->depth - ring->on_way - 1] = slot;
    return job;
}

static void read_plainly(struct spr_io *io, struct spr_io_job *job)
{
    spr_io_finish(io, job, spr_plain_read(job));
}

/* The completion of job's read, out of its slot. */
static void complete_read(struct spr_io *io, struct spr_io_job *job, int result)
{
    const uint32_t wanted = job->request->length - job->got;
    switch (result) {
    case -EINVAL:
    case -EOPNOTSUPP:
        if (job->file->is_direct) {
            atomic_store_explicit(&io->shared->refuses_direct, true, memory_order_relaxed);
        }
        read_plainly(io, job);
        return;
    case -EINTR:
    case -EAGAIN:
    case -ECANCELED:
    case -EACCES: /* a restriction of the ring */
        read_plainly(io, job);
        return;
    default:
        break;
    }
    if (result < 0) {
        spr_io_finish(io, job, result);
        return;
    }
    job->got += (uint32_t)result < wanted ? (uint32_t)result : wanted;
    if (result == 0) {
        spr_io_finish(io, job, job->got);
        return;
    }
    read_plainly(io, job); /* only what a short read left; mostly nothing */
}

/* 0 or the error that ends the ring; *ret_taken reads are the kernel's. */
static int submit(struct spr_ring *ring, uint32_t count, uint32_t *ret_taken)
{
    *ret_taken = 0;
    const int refusal = spr_calls()->ring_submit(count);
    if (refusal < 0 && refusal != -EINTR && refusal != -EAGAIN) {
        return refusal;
    }
    for (int pushed_back = 0; *ret_taken < count;) {
        const int r = io_uring_submit(&ring->ring);
        if (r == -EINTR) {
            continue;
        }
        if (r <= 0) {
            if ((r != 0 && r != -EAGAIN && r != -EBUSY) || ++pushed_back > PUSH_BACK_MAX) {
                return r < 0 ? r : -EIO;
            }
            continue;
        }
        *ret_taken += (uint32_t)r;
    }
    return 0;
}

/* Moves the jobs that the kernel did not take to the plain reads. */
static void take_back(struct spr_io *io, struct spr_io_job **jobs, uint32_t count)
{
    struct spr_ring *ring = io->ring;
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t slot = 0; slot < ring->depth; slot++) {
            if (ring->slots[slot] == jobs[i]) {
                spr_io_push(&io->waiting, leave_slot(ring, slot));
                break;
            }
        }
    }
}

static void queue_jobs(struct spr_io *io, struct spr_io_job **jobs, uint32_t count)
{
    if (io->ring == NULL && !io->ring_refused) {
        if (make_ring(io) < 0) {
            io->ring_refused = true;
            fail_ring(io, "a worker's ring set-up failed: its files are read by plain calls");
        }
    }
    struct spr_ring *ring = io->ring;
    if (ring == NULL || ring->is_broken) {
        spr_backend_posix.queue(io, jobs, count);
        return;
    }
    const uint32_t room = ring->depth - ring->on_way;
    const uint32_t fit = count < room ? count : room;
    for (uint32_t i = 0; i < fit; i++) {
        prepare_read(io, jobs[i]);
    }
    io->queued += fit;
    uint32_t taken;
    const int r = submit(ring, fit, &taken);
    atomic_fetch_add_explicit(&io->shared->ring_reads, taken, memory_order_relaxed);
    if (r < 0) {
        take_back(io, jobs + taken, fit - taken);
        fail_ring(io, "the ring refused a submission: the rest is read by plain calls");
    }
    if (fit < count) {
        spr_backend_posix.queue(io, jobs + fit, count - fit);
    }
}

/* (2): nobody knows whether the kernel still writes. */
static void give_up(struct spr_io *io)
{
    struct spr_ring *ring = io->ring;
    fail_ring(io, "waiting for the ring failed: the rest is read by plain calls");
    for (uint32_t slot = 0; slot < ring->depth; slot++) {
        if (ring->slots[slot] == NULL) {
            continue;
        }
        struct spr_io_job *job = leave_slot(ring, slot);
        io->queued--;
        spr_buffers_abandon(io->buffers, job->bytes);
        const int r = spr_io_provide(io, job, false);
        if (r < 0) {
            spr_io_finish(io, job, r);
        } else {
            read_plainly(io, job);
        }
    }
}

static void reap_completion(struct spr_io *io, struct io_uring_cqe *cqe)
{
    struct spr_ring *ring = io->ring;
    const uint64_t slot = io_uring_cqe_get_data64(cqe);
    const int result = cqe->res;
    io_uring_cqe_seen(&ring->ring, cqe);
    if (slot >= ring->depth || ring->slots[slot] == NULL) {
        return; /* (1) */
    }
    struct spr_io_job *job = leave_slot(ring, (uint32_t)slot);
    io->queued--;
    complete_read(io, job, spr_calls()->ring_complete(result));
}

/* Completions to wait for: few at a time, a worker is woken often, and each time asks for a builder
 * that others may have. */
static unsigned at_once(const struct spr_ring *ring)
{
    return ring->on_way < REAP_MIN ? ring->on_way : (unsigned)REAP_MIN;
}

static void reap_jobs(struct spr_io *io)
{
    if (io->waiting.count > 0) {
        spr_backend_posix.reap(io);
        return;
    }
    const uint32_t before = io->queued;
    struct io_uring_cqe *cqe;
    while (io->queued == before) {
        int r = spr_calls()->ring_wait();
        if (r == 0) {
            r = io_uring_wait_cqe_nr(&io->ring->ring, &cqe, at_once(io->ring));
        }
        if (r == 0) {
            reap_completion(io, cqe);
        } else if (r != -EINTR && r != -EAGAIN) {
            give_up(io);
            return;
        }
    }
    while (io->ring->on_way > 0 && io_uring_peek_cqe(&io->ring->ring, &cqe) == 0) {
        reap_completion(io, cqe);
    }
}

static void close_ring(struct spr_io *io)
{
    if (io->ring != NULL) {
        io_uring_queue_exit(&io->ring->ring);
        free_ring(io->ring);
        io->ring = NULL;
    }
}

const struct spr_backend spr_backend_uring = {
    .queue = queue_jobs,
    .reap = reap_jobs,
    .close = close_ring,
};
