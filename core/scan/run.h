/*
 * One scan while it runs. Private to scan.c and pass.c.
 *
 * Shared by the workers of a pass: the tally and the cursor (atomics, see there), and under the
 * mutex the working manifest's segment names and the written segments. Everything else is read
 * only while workers run, but for the state of a candidate, which the worker that took its window
 * writes, and the worker's own parts.
 */
#ifndef SPR_CORE_SCAN_RUN_H
#define SPR_CORE_SCAN_RUN_H

#include "core/catalog.h"
#include "core/scan/accounts.h"
#include "core/scan/builders.h"
#include "core/scan/detect.h"
#include "core/scan/manners.h"
#include "core/scan/refresh.h"

#define SPR_SEGMENT_ROWS_FLUSH 262144

/* A segment that is on disk, but in no manifest yet. */
struct spr_run_segment {
    char name[SPR_SEGMENT_NAME_MAX + 1];
    uint32_t rows;
    uint64_t recipients;
};

struct spr_run {
    struct spr_index *index;
    const struct spr_options *options;
    struct spr_detected detected;
    struct spr_tally tally;
    struct spr_ticker ticker;
    struct spr_walk walk;
    struct spr_io_shared *shared;
    struct spr_accounts *accounts;
    struct spr_snapshot *snapshot;
    struct spr_manifest *manifest; /* the working one */
    struct spr_inodes inodes;      /* until the sequence of a reading is made of them */
    size_t doubles;                /* candidates that were dropped */
    struct spr_refresh refresh;
    bool is_fresh;    /* nothing is carried over: publish as it goes */
    bool is_first;    /* the index was empty */
    uint32_t wants;   /* spr_want */
    int64_t now;      /* Unix seconds */
    uint32_t workers; /* started in a pass */
    struct spr_builders builders;
    struct spr_manners manners;
    uint32_t queue_depth; /* of each worker */
    size_t memory_limit;

    pthread_mutex_t mutex;
    struct spr_run_segment *segments; /* written, not published */
    size_t segment_count, segment_room;
    struct spr_candidate **large; /* to be read alone */
    size_t large_count, large_room;

    atomic_uint early_flush; /* counted up by the caller's thread: everybody flushes once */
    atomic_bool creation_order;
    uint64_t early_at; /* messages at which that is due next */
    bool is_reading;
    int publish_error;
    uint64_t started_ns, reading_ns, published_ns; /* spr_clock_ns */
    struct spr_fault *fault;
};

/* Called on the caller's thread about ten times a second. false: stop. */
bool spr_run_tick(struct spr_run *run);

/* Reads the candidates of these indices, with all workers. */
int spr_pass_read(struct spr_run *run, const uint32_t *indices, size_t count);

/* On the caller's thread, also while workers run: what was written since the last second. */
int spr_publish_early(struct spr_run *run);
/* Everything, with the folders' times. */
int spr_publish_all(struct spr_run *run);

#endif
