/*
 * The start of a cold window: its files opened one after the other and put into disk order.
 *
 * Opening blocks on cold inodes; other workers overlap (PERF 3, 3c: a ring would hand each such
 * open to a kernel thread). The extent's place is a hint: what it says wrongly costs time only.
 */
#include "io/backend.h"
#include "io/calls.h"

#include <errno.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdlib.h>

enum {
    NEIGHBOUR_BYTES = 64 * 1024, /* a gap that one larger read of the disk still spans */
    SAMPLE_MAX = 16,             /* of a window; each costs what a cached read costs */
    SPREAD_MIN = 4, /* a missed sample is read ahead into the page cache: few, also of few */
};

static uint64_t load(const _Atomic uint64_t *number)
{
    return atomic_load_explicit(number, memory_order_relaxed);
}

/* A file system keeps bytes beside the inode up to some size. After a lost update, or a file that
 * is an exception, some are read the slower way. */
static void note_size(struct spr_io_shared *shared, const struct spr_io_job *job)
{
    const uint64_t size = job->file->size;
    if (job->is_inline && size > load(&shared->inline_max)) {
        atomic_store_explicit(&shared->inline_max, size, memory_order_relaxed);
    } else if (!job->is_inline && size < load(&shared->placed_min)) {
        atomic_store_explicit(&shared->placed_min, size, memory_order_relaxed);
    }
}

static bool is_small(const struct spr_io_shared *shared, uint64_t size)
{
    return size <= load(&shared->inline_max) && size < load(&shared->placed_min);
}

/* The first extent's address; 0 where it has none (inline, delayed, not told). */
static uint64_t find_extent(struct spr_io *io, struct spr_io_job *job)
{
    struct spr_io_shared *shared = io->shared;
    if (spr_pace_knows_order(&shared->pace)) {
        job->is_inline = job->file->size > 0 && is_small(shared, job->file->size);
        return 0;
    }
    if (job->file->size == 0 ||
        atomic_load_explicit(&shared->refuses_extents, memory_order_relaxed)) {
        return 0;
    }
    union {
        struct fiemap head;
        uint8_t room[sizeof(struct fiemap) + sizeof(struct fiemap_extent)];
    } map = { .head = { .fm_start = job->request->offset,
                        .fm_length = job->request->length,
                        .fm_extent_count = 1 } };
    const int r = spr_calls()->ioctl(job->file->fd, FS_IOC_FIEMAP, &map.head);
    if (r == -EOPNOTSUPP || r == -ENOTTY || r == -EINVAL || r == -EPERM) {
        atomic_store_explicit(&shared->refuses_extents, true, memory_order_relaxed);
    }
    const struct fiemap_extent *extent = &map.head.fm_extents[0];
    const uint32_t undecided = FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC;
    if (r < 0 || map.head.fm_mapped_extents == 0 || (extent->fe_flags & undecided) != 0) {
        return 0;
    }
    job->is_inline = (extent->fe_flags & FIEMAP_EXTENT_DATA_INLINE) != 0;
    note_size(shared, job);
    return job->is_inline ? 0 : extent->fe_physical;
}

static int compare_inodes(const void *a, const void *b)
{
    const struct spr_io_job *const *x = a;
    const struct spr_io_job *const *y = b;
    return ((*x)->meta.inode > (*y)->meta.inode) - ((*x)->meta.inode < (*y)->meta.inode);
}

/* Disk order; what has no address comes first, by inode: it may lie beside it. */
static int compare_places(const void *a, const void *b)
{
    const struct spr_io_job *const *x = a;
    const struct spr_io_job *const *y = b;
    if ((*x)->physical != (*y)->physical) {
        return (*x)->physical > (*y)->physical ? 1 : -1;
    }
    return compare_inodes(a, b);
}

/* jobs are in inode order. */
static void note_neighbours(struct spr_pace *pace, struct spr_io_job **jobs, uint32_t count)
{
    uint32_t pairs = 0;
    uint32_t adjacent = 0;
    for (uint32_t i = 1; i < count; i++) {
        const uint64_t before = jobs[i - 1]->physical;
        const uint64_t here = jobs[i]->physical;
        if (before == 0 || here == 0) {
            continue;
        }
        pairs++;
        adjacent += here > before && here - before <= NEIGHBOUR_BYTES;
    }
    if (pairs > 0) {
        spr_pace_note_neighbours(pace, pairs, adjacent);
    }
}

/* Opens the job's file and finds it a buffer: 1 when it joins the batch, 0 when it is finished,
 * as one is whose bytes came with the inode (a sample would take it for cached, and a read past
 * the page cache be handed to a kernel thread), -EAGAIN when it must wait until others give back
 * what they hold. */
static int prepare(struct spr_io *io, struct spr_io_job *job, bool has_others)
{
    if (job->file->fd < 0) {
        const int r = spr_plain_open(io, job);
        if ((r == -EMFILE || r == -ENFILE) && has_others) {
            return -EAGAIN;
        }
        if (r < 0 || job->request->length == 0) {
            spr_io_finish(io, job, r);
            return 0;
        }
        job->physical = find_extent(io, job);
    }
    const int r = spr_io_provide(io, job, has_others);
    if (r < 0 && r != -EAGAIN) {
        spr_io_finish(io, job, r);
        return 0;
    }
    if (r == 0 && job->is_inline && !io->shared->leaves_cache) {
        spr_io_finish(io, job, spr_plain_read(job));
        return 0;
    }
    return r < 0 ? r : 1;
}

uint32_t spr_gather(struct spr_io *io, uint32_t max)
{
    uint32_t count = 0;
    while (count < max && io->pending.count > 0) {
        struct spr_io_job *job = spr_io_pop(&io->pending);
        if (job->next != NULL) { /* names lie scattered, and were last used at the listing */
            __builtin_prefetch(job->next->request->name);
        }
        const bool has_others = count > 0 || io->ready.count > 0 || io->queued > 0;
        const int r = prepare(io, job, has_others);
        if (r < 0) {
            spr_io_push_front(&io->pending, job);
            break;
        }
        if (r > 0) {
            io->batch[count++] = job;
        }
    }
    qsort(io->batch, count, sizeof(io->batch[0]), compare_inodes);
    note_neighbours(&io->shared->pace, io->batch, count);
    qsort(io->batch, count, sizeof(io->batch[0]), compare_places);
    return count;
}

uint32_t spr_gather_sample(struct spr_io *io, uint32_t count)
{
    const uint32_t stride = count / SAMPLE_MAX > SPREAD_MIN ? count / SAMPLE_MAX : SPREAD_MIN;
    uint32_t kept = 0;
    io->sample = (struct spr_pace_sample){ 0 };
    for (uint32_t i = 0; i < count; i++) {
        struct spr_io_job *job = io->batch[i];
        if (i % stride == 0 && spr_plain_try(io, job) >= 0) {
            spr_io_finish(io, job, spr_plain_read(job)); /* what it lacks, mostly nothing */
        } else {
            io->batch[kept++] = job;
        }
    }
    return kept;
}
