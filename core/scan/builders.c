/*
 * The segment builders of one scan.
 */
#include "core/scan/builders.h"

#include "core/scan/pair.h"
#include "core/scan/run.h"
#include "io/workers.h"

#include <errno.h>
#include <stdlib.h>

int spr_builders_init(struct spr_builders *builders, uint32_t count)
{
    *builders = (struct spr_builders){ .all = calloc(count, sizeof(*builders->all)) };
    if (builders->all == NULL) {
        return -ENOMEM;
    }
    int r = -pthread_mutex_init(&builders->mutex, NULL);
    if (r == 0) {
        r = -pthread_cond_init(&builders->given, NULL);
        if (r < 0) {
            (void)pthread_mutex_destroy(&builders->mutex); /* never used */
        }
    }
    if (r < 0) {
        free(builders->all);
        builders->all = NULL;
        return r;
    }
    builders->count = count;
    for (uint32_t i = 0; i < count; i++) {
        builders->all[i].is_free = true;
    }
    return 0;
}

void spr_builders_done(struct spr_builders *builders)
{
    if (builders->all == NULL) {
        return;
    }
    for (uint32_t i = 0; i < builders->count; i++) {
        spr_segment_builder_free(builders->all[i].segment);
        spr_extract_free(builders->all[i].extract);
    }
    (void)pthread_cond_destroy(&builders->given); /* nobody waits any more */
    (void)pthread_mutex_destroy(&builders->mutex);
    free(builders->all);
    builders->all = NULL;
}

static struct spr_run_builder *find_free(struct spr_builders *builders,
                                         struct spr_run_builder *last)
{
    if (last != NULL && last->is_free) {
        return last;
    }
    for (uint32_t i = 0; i < builders->count; i++) {
        if (builders->all[i].is_free) {
            return &builders->all[i];
        }
    }
    return NULL;
}

static int make_ready(struct spr_run *run, struct spr_run_builder *builder)
{
    int r = 0;
    if (builder->segment == NULL) {
        r = spr_segment_builder_new(&run->manifest->secret, &builder->segment);
    }
    if (r == 0 && builder->extract == NULL) {
        r = spr_extract_new(run->detected.format, &builder->extract);
    }
    return r;
}

int spr_builders_take(struct spr_run *run, struct spr_run_builder *last,
                      struct spr_run_builder **ret_builder)
{
    struct spr_builders *builders = &run->builders;
    (void)pthread_mutex_lock(&builders->mutex); /* a plain mutex: cannot fail */
    struct spr_run_builder *builder = find_free(builders, last);
    while (builder == NULL) {
        (void)pthread_cond_wait(&builders->given, &builders->mutex);
        builder = find_free(builders, last);
    }
    builder->is_free = false;
    (void)pthread_mutex_unlock(&builders->mutex); /* held by this thread */
    const int r = make_ready(run, builder);
    if (r < 0) {
        spr_builders_give(run, builder);
        return r;
    }
    *ret_builder = builder;
    return 0;
}

void spr_builders_give(struct spr_run *run, struct spr_run_builder *builder)
{
    (void)pthread_mutex_lock(&run->builders.mutex); /* a plain mutex: cannot fail */
    builder->is_free = true;
    (void)pthread_cond_signal(&run->builders.given);
    (void)pthread_mutex_unlock(&run->builders.mutex); /* held by this thread */
}

int spr_builder_flush(struct spr_run *run, struct spr_run_builder *builder, struct spr_fault *fault)
{
    const uint32_t rows = spr_segment_builder_count(builder->segment);
    if (rows == 0) {
        return 0;
    }
    struct spr_run_segment segment = { .rows = rows, .recipients = builder->recipients };
    (void)pthread_mutex_lock(&run->mutex); /* a plain mutex: cannot fail */
    spr_manifest_next_name(run->manifest, segment.name);
    (void)pthread_mutex_unlock(&run->mutex); /* held by this thread */

    int r = spr_segment_builder_write(builder->segment, run->index->dir_fd, segment.name, fault);
    if (r < 0) {
        return r;
    }
    builder->recipients = 0;
    spr_segment_builder_free(builder->segment); /* what it holds emptied would count as memory */
    builder->segment = NULL;
    r = spr_segment_builder_new(&run->manifest->secret, &builder->segment);
    if (r < 0) {
        return r;
    }
    (void)pthread_mutex_lock(&run->mutex);
    r = spr_grow((void **)&run->segments, &run->segment_room, run->segment_count,
                 sizeof(*run->segments));
    if (r == 0) {
        run->segments[run->segment_count++] = segment;
    }
    (void)pthread_mutex_unlock(&run->mutex);
    return r;
}

bool spr_builder_is_due(const struct spr_run *run, struct spr_run_builder *builder)
{
    const unsigned early = atomic_load_explicit(&run->early_flush, memory_order_relaxed);
    if (builder->flushes != early && builder->segment != NULL) {
        builder->flushes = early;
        return true;
    }
    return builder->segment != NULL && /* NULL: no memory for another one after a flush */
           (spr_segment_builder_count(builder->segment) >= SPR_SEGMENT_ROWS_FLUSH ||
            spr_segment_builder_memory(builder->segment) >=
                run->memory_limit / run->builders.count);
}

/* One thread's part of the last flush. */
struct last_flush {
    struct spr_run *run;
    struct spr_fault *faults; /* one a builder */
    atomic_uint next;         /* only hands out disjoint numbers: relaxed */
};

static int flush_some(uint32_t number, void *user)
{
    struct last_flush *flush = user;
    struct spr_builders *builders = &flush->run->builders;
    (void)number;
    for (;;) {
        const unsigned i = atomic_fetch_add_explicit(&flush->next, 1, memory_order_relaxed);
        if (i >= builders->count) {
            return 0;
        }
        struct spr_run_builder *builder = &builders->all[i];
        const int r = builder->segment != NULL
                          ? spr_builder_flush(flush->run, builder, &flush->faults[i])
                          : 0;
        if (r < 0) {
            return r;
        }
    }
}

static uint32_t count_filled(const struct spr_builders *builders)
{
    uint32_t filled = 0;
    for (uint32_t i = 0; i < builders->count; i++) {
        filled += builders->all[i].segment != NULL;
    }
    return filled;
}

int spr_builders_flush(struct spr_run *run)
{
    const uint32_t filled = count_filled(&run->builders);
    if (filled == 0) {
        return 0;
    }
    struct last_flush flush = {
        .run = run,
        .faults = calloc(run->builders.count, sizeof(*flush.faults)),
    };
    struct spr_workers *workers;
    int r = flush.faults == NULL ? -ENOMEM : 0;
    if (r == 0) {
        r = spr_workers_start(filled, false, flush_some, &flush, &workers);
    }
    if (r == 0) {
        r = spr_workers_join(workers);
    }
    for (uint32_t i = 0; r < 0 && flush.faults != NULL && i < run->builders.count; i++) {
        if (flush.faults[i].code == r && run->fault != NULL) {
            *run->fault = flush.faults[i];
            break;
        }
    }
    free(flush.faults);
    return r;
}
