/*
 * struct spr_index: an index directory, its manifest and open segments; ties the stages together.
 *
 * A snapshot is a manifest with its segments open; it is counted, immutable, and outlives the next
 * publication. The index's mutex guards only the pointer to the current snapshot.
 */
#ifndef SPR_CORE_CATALOG_H
#define SPR_CORE_CATALOG_H

#include "core/index/manifest.h"

#include <pthread.h>
#include <stdatomic.h>

struct spr_snapshot {
    atomic_uint references;
    struct spr_manifest *manifest;
    struct spr_segment **segments; /* one per manifest segment */
};

struct spr_index {
    int dir_fd;
    char *dir;
    struct spr_options options;
    pthread_mutex_t mutex; /* guards current */
    struct spr_snapshot *current;
};

/* The current snapshot with one reference more. If another process published since, it is loaded
 * first. */
int spr_catalog_snapshot(struct spr_index *index, struct spr_snapshot **ret_snapshot,
                         struct spr_fault *fault);
void spr_snapshot_release(struct spr_snapshot *snapshot);
/* Takes the manifest over, publishes it on disk and makes it current. */
int spr_catalog_publish(struct spr_index *index, struct spr_manifest *manifest,
                        struct spr_fault *fault);
/* The index's own lock (flock on LOCK in its directory), without waiting: SPR_E_BUSY. fd in
 * *ret_lock, to be closed. */
int spr_catalog_lock(struct spr_index *index, int *ret_lock, struct spr_fault *fault);
bool spr_snapshot_row_live(const struct spr_snapshot *snapshot, uint32_t segment, uint32_t row);
/* The format of this snapshot: built in or from options->extra_formats; NULL if not known here. */
const struct spr_format *spr_catalog_format(const struct spr_index *index, const char *name);

#endif
