/*
 * Requests in, completions out: the part of io.h that both backends share.
 *
 *  (1) A job is in exactly one of: pending, pending_first, the backend (queued), ready, free.
 *  (2) spr_io_window takes all memory first, so that a window is accepted whole or not at all.
 *  (3) spr_io_wait makes progress whenever something is outstanding: a job waits for descriptors
 *      or buffers only while another one is queued or ready.
 *  (4) A file is open from its HEAD to the release of that completion, and while a RANGE reads it.
 *  (5) Nothing is freed while the backend has a job queued (SAFETY I10).
 */
#include "io/io.h"

#include "io/backend.h"
#include "io/calls.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

enum {
    CHUNK_JOBS_MIN = 64,
    WARM_BURST = 16, /* read ahead of the caller: 64 KiB of heads stay in the L2 cache */
    SAMPLE_ROW = 64, /* then a new sample begins, to notice where warm ends */
    QUEUE_DEPTH_MAX = 4096,
};

struct spr_io_chunk {
    struct spr_io_chunk *next;
    uint32_t count;
    struct spr_io_file *files;
    struct spr_io_job jobs[];
};

void spr_io_push(struct spr_io_jobs *jobs, struct spr_io_job *job)
{
    job->next = NULL;
    if (jobs->last != NULL) {
        jobs->last->next = job;
    } else {
        jobs->first = job;
    }
    jobs->last = job;
    jobs->count++;
}

void spr_io_push_front(struct spr_io_jobs *jobs, struct spr_io_job *job)
{
    job->next = jobs->first;
    jobs->first = job;
    if (jobs->last == NULL) {
        jobs->last = job;
    }
    jobs->count++;
}

struct spr_io_job *spr_io_pop(struct spr_io_jobs *jobs)
{
    struct spr_io_job *job = jobs->first;
    if (job != NULL) {
        jobs->first = job->next;
        if (jobs->first == NULL) {
            jobs->last = NULL;
        }
        jobs->count--;
    }
    return job;
}

int spr_io_new(struct spr_io_shared *shared, uint32_t worker, uint32_t queue_depth,
               struct spr_io **ret_io)
{
    struct spr_io *io = calloc(1, sizeof(*io));
    if (io == NULL) {
        return -ENOMEM;
    }
    io->shared = shared;
    io->worker = worker;
    io->backend = shared->engine == SPR_IO_URING ? &spr_backend_uring : &spr_backend_posix;
    io->batch_max = shared->pace.window_max;
    if (queue_depth > 0 && queue_depth < io->batch_max) {
        io->batch_max = queue_depth;
    }
    assert(io->batch_max > 0 && io->batch_max <= QUEUE_DEPTH_MAX); /* by pace.c's window */
    io->batch = calloc(io->batch_max, sizeof(io->batch[0]));
    io->opens_direct = io->backend == &spr_backend_uring;
    const int r = spr_buffers_new(shared->buffer_bytes, &io->buffers);
    if (r < 0 || io->batch == NULL) {
        spr_io_free(io);
        return r < 0 ? r : -ENOMEM;
    }
    *ret_io = io;
    return 0;
}

static void close_file(struct spr_io *io, struct spr_io_file *file)
{
    if (file->fd >= 0) {
        if (file->drops) { /* a hint: refused, it stays cached */
            (void)spr_calls()->fadvise(file->fd, 0, 0, POSIX_FADV_DONTNEED);
        }
        (void)spr_calls()->close(file->fd); /* read only: nothing can be lost */
    }
    *file = (struct spr_io_file){ .fd = -1, .next = io->free_files };
    io->free_files = file;
    io->free_file_count++;
}

void spr_io_free(struct spr_io *io)
{
    if (io == NULL) {
        return;
    }
    while (io->queued > 0) {
        io->backend->reap(io); /* (5) */
    }
    if (io->backend != NULL) {
        io->backend->close(io);
    }
    for (struct spr_io_job *job = spr_io_pop(&io->ready); job != NULL;
         job = spr_io_pop(&io->ready)) {
        spr_buffers_give(io->buffers, job->bytes); /* completed, but never fetched */
    }
    while (io->chunks != NULL) {
        struct spr_io_chunk *chunk = io->chunks;
        io->chunks = chunk->next;
        for (uint32_t i = 0; i < chunk->count; i++) {
            if (chunk->files[i].fd >= 0) {
                (void)spr_calls()->close(chunk->files[i].fd); /* as above */
            }
        }
        free(chunk->files);
        free(chunk);
    }
    spr_buffers_free(io->buffers);
    free(io->batch);
    free(io);
}

/* (2) */
static int reserve(struct spr_io *io, uint32_t count)
{
    if (io->free_jobs.count >= count && io->free_file_count >= count) {
        return 0;
    }
    const uint32_t fresh = count > CHUNK_JOBS_MIN ? count : (uint32_t)CHUNK_JOBS_MIN;
    struct spr_io_chunk *chunk = calloc(1, sizeof(*chunk) + fresh * sizeof(chunk->jobs[0]));
    struct spr_io_file *files = calloc(fresh, sizeof(files[0]));
    if (chunk == NULL || files == NULL) {
        free(chunk);
        free(files);
        return -ENOMEM;
    }
    chunk->next = io->chunks;
    chunk->count = fresh;
    chunk->files = files;
    io->chunks = chunk;
    for (uint32_t i = 0; i < fresh; i++) {
        spr_io_push(&io->free_jobs, &chunk->jobs[i]);
        files[i] = (struct spr_io_file){ .fd = -1, .next = io->free_files };
        io->free_files = &files[i];
    }
    io->free_file_count += fresh;
    return 0;
}

static bool is_valid(const struct spr_io_request *request)
{
    switch (request->op) {
    case SPR_IO_HEAD:
        return request->length <= SPR_IO_READ_MAX && request->offset <= INT64_MAX;
    case SPR_IO_RANGE:
        return request->length <= SPR_IO_READ_MAX && request->offset <= INT64_MAX &&
               request->file != NULL && request->file->fd >= 0;
    case SPR_IO_STAT:
        return true;
    }
    return false;
}

static void accept(struct spr_io *io, const struct spr_io_request *request)
{
    struct spr_io_job *job = spr_io_pop(&io->free_jobs);
    *job = (struct spr_io_job){ .request = request };
    if (request->op == SPR_IO_HEAD) {
        job->file = io->free_files;
        io->free_files = job->file->next;
        io->free_file_count--;
        job->file->next = NULL;
        spr_io_push(&io->pending, job);
        return;
    }
    if (request->op == SPR_IO_RANGE) {
        job->file = request->file;
        job->file->users++; /* (4) */
    }
    spr_io_push(&io->pending_first, job);
}

int spr_io_window(struct spr_io *io, const struct spr_io_request *requests, uint32_t count)
{
    bool has_heads = false;
    for (uint32_t i = 0; i < count; i++) {
        if (!is_valid(&requests[i])) {
            return -EINVAL;
        }
        has_heads = has_heads || requests[i].op == SPR_IO_HEAD;
    }
    const int r = reserve(io, count);
    if (r < 0) {
        return r;
    }
    if (has_heads && io->pending.count == 0 && io->queued == 0) {
        /* Until its first reads tell. A cold one is opened whole before they are made, if they can
         * be made without waiting. */
        io->window_is_cold =
            spr_pace_was_cold(&io->shared->pace) &&
            !atomic_load_explicit(&io->shared->refuses_nowait, memory_order_relaxed);
        io->sample = (struct spr_pace_sample){ 0 };
    }
    for (uint32_t i = 0; i < count; i++) {
        accept(io, &requests[i]);
    }
    return 0;
}

static void leave_file(struct spr_io *io, struct spr_io_job *job, int64_t result)
{
    struct spr_io_file *file = job->file;
    if (file == NULL) {
        return;
    }
    if (job->request->op == SPR_IO_HEAD) {
        if (result < 0) {
            close_file(io, file);
            job->file = NULL;
        }
        return;
    }
    job->file = NULL;
    file->users--;
    if (file->is_released && file->users == 0) {
        close_file(io, file);
    }
}

void spr_io_finish(struct spr_io *io, struct spr_io_job *job, int64_t result)
{
    leave_file(io, job, result);
    if (result <= 0) {
        spr_buffers_give(io->buffers, job->bytes);
        job->bytes = NULL;
    } else {
        io->bytes_read += (uint64_t)result;
    }
    job->result = result;
    spr_io_push(&io->ready, job);
}

int spr_io_provide(struct spr_io *io, struct spr_io_job *job, bool has_others)
{
    job->bytes = spr_buffers_take(io->buffers, job->request->length);
    if (job->bytes == NULL && has_others) {
        return -EAGAIN; /* (3) */
    }
    if (job->bytes == NULL) {
        job->bytes = spr_buffers_take_extra(io->buffers, job->request->length);
    }
    return job->bytes != NULL ? 0 : -ENOMEM;
}

/* Warm: open, check, read. False when the job must wait. */
static bool read_now(struct spr_io *io, struct spr_io_job *job)
{
    const bool has_others = io->ready.count > 0 || io->queued > 0;
    int64_t r = job->file->fd >= 0 ? 0 : spr_plain_open(io, job);
    if ((r == -EMFILE || r == -ENFILE) && has_others) {
        return false; /* (3) */
    }
    if (r == 0 && job->request->length > 0) {
        r = spr_io_provide(io, job, has_others);
        if (r == -EAGAIN) {
            return false;
        }
        if (r == 0) {
            r = spr_plain_read_sampled(io, job);
        }
    }
    spr_io_finish(io, job, r);
    return true;
}

static void judge_sample(struct spr_io *io)
{
    const uint32_t seen = io->sample.cached + io->sample.missed;
    if (spr_pace_is_cold(&io->sample)) {
        io->window_is_cold = true;
    } else if (seen >= SAMPLE_ROW) {
        io->sample = (struct spr_pace_sample){ 0 };
    }
}

static void read_warm(struct spr_io *io, uint32_t max)
{
    for (uint32_t i = 0; i < max && io->pending.count > 0 && !io->window_is_cold; i++) {
        struct spr_io_job *job = spr_io_pop(&io->pending);
        if (!read_now(io, job)) {
            spr_io_push_front(&io->pending, job);
            return;
        }
        judge_sample(io);
    }
}

/* RANGE and STAT. */
static void begin_first(struct spr_io *io)
{
    uint32_t count = 0;
    while (io->pending_first.count > 0 && count < io->batch_max) {
        struct spr_io_job *job = spr_io_pop(&io->pending_first);
        if (job->request->op == SPR_IO_STAT) {
            spr_io_finish(io, job, spr_plain_stat(job));
            continue;
        }
        if (job->request->length == 0) {
            spr_io_finish(io, job, 0);
            continue;
        }
        const bool has_others = count > 0 || io->ready.count > 0 || io->queued > 0;
        const int r = spr_io_provide(io, job, has_others);
        if (r == -EAGAIN) {
            spr_io_push_front(&io->pending_first, job);
            break;
        }
        if (r < 0) {
            spr_io_finish(io, job, r);
        } else if (io->window_is_cold) {
            io->batch[count++] = job;
        } else {
            spr_io_finish(io, job, spr_plain_read(job));
        }
    }
    if (count > 0) {
        io->backend->queue(io, io->batch, count);
    }
}

/* A window of which some is cached is read through the page cache by either engine: a read past it
 * would fetch again what is there. */
static void read_cold(struct spr_io *io)
{
    uint32_t count = spr_gather(io, io->batch_max);
    if (count == 0) {
        io->opens_direct = false; /* what was read lay beside its inodes */
        return;
    }
    count = spr_gather_sample(io, count);
    const bool is_mixed = spr_pace_is_mixed(&io->sample);
    io->opens_direct = io->backend == &spr_backend_uring && !is_mixed;
    if (count > 0) {
        const struct spr_backend *backend = is_mixed ? &spr_backend_posix : io->backend;
        backend->queue(io, io->batch, count);
    }
}

static void begin_heads(struct spr_io *io, uint32_t burst)
{
    if (!io->window_is_cold) {
        read_warm(io, burst);
    } else {
        read_cold(io);
    }
    const bool has_sample = io->sample.cached + io->sample.missed > 0;
    if (io->pending.count == 0 && has_sample) {
        spr_pace_note(&io->shared->pace, io->window_is_cold && io->sample.missed > 0);
    }
}

/* (3): afterwards something is ready, or queued. */
static void advance(struct spr_io *io, uint32_t max)
{
    if (io->pending_first.count > 0) {
        begin_first(io);
    } else if (io->pending.count > 0 && io->queued == 0) {
        begin_heads(io, max < WARM_BURST ? max : (uint32_t)WARM_BURST);
    }
    if (io->ready.count == 0 && io->queued > 0) {
        io->backend->reap(io);
    }
}

int spr_io_wait(struct spr_io *io, struct spr_io_done *done, unsigned max)
{
    if (max == 0) {
        return 0;
    }
    while (io->ready.count == 0 && io->pending.count + io->pending_first.count + io->queued > 0) {
        advance(io, max);
    }
    int count = 0;
    while ((unsigned)count < max && count < INT32_MAX && io->ready.count > 0) {
        struct spr_io_job *job = spr_io_pop(&io->ready);
        done[count++] = (struct spr_io_done){
            .request = job->request,
            .result = job->result,
            .bytes = job->bytes,
            .file = job->request->op == SPR_IO_HEAD ? job->file : NULL,
            .meta = job->meta,
        };
        spr_io_push(&io->free_jobs, job);
    }
    if (io->bytes_read > 0) {
        atomic_fetch_add_explicit(&io->shared->bytes_read, io->bytes_read, memory_order_relaxed);
        io->bytes_read = 0;
    }
    return count;
}

bool spr_io_must_wait(const struct spr_io *io)
{
    return io->ready.count == 0 && io->queued > 0;
}

void spr_io_release(struct spr_io *io, struct spr_io_done *done)
{
    spr_buffers_give(io->buffers, done->bytes);
    done->bytes = NULL;
    struct spr_io_file *file = done->file;
    done->file = NULL;
    if (file == NULL) {
        return;
    }
    file->is_released = true;
    if (file->users == 0) {
        close_file(io, file); /* (4) */
    }
}

struct spr_io_pace spr_io_pace(const struct spr_io *io)
{
    return spr_pace_now(&io->shared->pace);
}
