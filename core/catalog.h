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
    /* Which manifest file it came from; inode 0: none on disk. Every publication is a file of its
     * own, so two of them differ in inode or in times. */
    uint64_t file_inode;
    int64_t file_mtime_ns, file_ctime_ns;
};

/* Texts that spr_index_describe handed out: they live until close. */
struct spr_index_text {
    struct spr_index_text *next;
    char text[];
};

struct spr_index {
    int dir_fd;
    char *dir;
    struct spr_options options;
    pthread_mutex_t mutex; /* guards current and texts */
    struct spr_snapshot *current;
    struct spr_index_text *texts;
};

/* The current snapshot with one reference more. If another process published since, it is loaded
 * first. */
int spr_catalog_snapshot(struct spr_index *index, struct spr_snapshot **ret_snapshot,
                         struct spr_fault *fault);
void spr_snapshot_release(struct spr_snapshot *snapshot);
/* Takes the manifest over (also on failure), publishes it on disk and makes it current. Only for
 * the holder of the lock. */
int spr_catalog_publish(struct spr_index *index, struct spr_manifest *manifest,
                        struct spr_fault *fault);
/* The index's own lock (flock on LOCK in its directory), without waiting: SPR_E_BUSY. fd in
 * *ret_lock, to be closed. Segment files that a crash left without a manifest are removed. */
int spr_catalog_lock(struct spr_index *index, int *ret_lock, struct spr_fault *fault);
bool spr_snapshot_row_live(const struct spr_snapshot *snapshot, uint32_t segment, uint32_t row);

#endif
