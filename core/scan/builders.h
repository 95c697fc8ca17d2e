/*
 * The segment builders of one scan: as many as processors, lent to workers.
 *
 * A cold scan has more workers than processors, since most of them wait for the disk. If each had a
 * builder, each builder's share of the memory would be small, and so would be its segments: the
 * same addresses written many times, and merged again at the end. So a worker takes a builder when
 * messages have come and gives it back before it waits.
 *
 * Shared: the list of free builders, under the mutex. A builder that was taken belongs to its
 * taker.
 */
#ifndef SPR_CORE_SCAN_BUILDERS_H
#define SPR_CORE_SCAN_BUILDERS_H

#include "core/index/segment.h"
#include "core/scan/extract.h"

#include <pthread.h>

struct spr_run;

struct spr_run_builder {
    struct spr_segment_builder *segment;
    struct spr_extract *extract;
    uint64_t recipients; /* in segment */
    uint32_t flushes;    /* early ones it has made */
    bool is_free;
};

struct spr_builders {
    pthread_mutex_t mutex;
    pthread_cond_t given;
    struct spr_run_builder *all;
    uint32_t count;
};

int spr_builders_init(struct spr_builders *builders, uint32_t count);
void spr_builders_done(struct spr_builders *builders);
/* Waits for a free one, best the one this worker had last (NULL: none). Made ready at its first
 * use: 0, -ENOMEM or what making it failed with. */
int spr_builders_take(struct spr_run *run, struct spr_run_builder *last,
                      struct spr_run_builder **ret_builder);
void spr_builders_give(struct spr_run *run, struct spr_run_builder *builder);

/* Writes a segment of what it holds, if anything. */
int spr_builder_flush(struct spr_run *run, struct spr_run_builder *builder,
                      struct spr_fault *fault);
/* Whether that is due: for its size, or because everybody shall. */
bool spr_builder_is_due(const struct spr_run *run, struct spr_run_builder *builder);
/* Writes what all hold, each in a thread of its own, when no worker runs. */
int spr_builders_flush(struct spr_run *run);

#endif
