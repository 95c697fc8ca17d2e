/*
 * What a scan publishes, and when.
 *
 *  (1) A scan that reads everything for the first time publishes as it goes; one that refreshes
 *      publishes once, at its end: no message is ever visible twice or lost meanwhile.
 *  (2) A refresh that found nothing changed merges nothing either.
 *  (3) Folder times enter the manifest as they were before their last listing, and only at the end.
 */
#include "core/index/merge.h"
#include "core/scan/run.h"
#include "formats/cursor.h"

#include <string.h>

#define PUBLISH_EVERY_NS 1000000000u

/* Moves written segments into the working manifest. */
static int adopt_segments(struct spr_run *run)
{
    int r = 0;
    (void)pthread_mutex_lock(&run->mutex); /* a plain mutex: cannot fail */
    for (size_t i = 0; i < run->segment_count && r == 0; i++) {
        const struct spr_run_segment *segment = &run->segments[i];
        r = spr_manifest_add_segment(run->manifest, segment->name, segment->rows,
                                     segment->recipients);
    }
    run->segment_count = 0;
    (void)pthread_mutex_unlock(&run->mutex); /* held by this thread */
    return r;
}

static int publish_copy(struct spr_run *run)
{
    struct spr_manifest *copy;
    (void)pthread_mutex_lock(&run->mutex); /* workers take names from it */
    int r = spr_manifest_copy(run->manifest, &copy);
    (void)pthread_mutex_unlock(&run->mutex); /* held by this thread */
    return r == 0 ? spr_catalog_publish(run->index, copy, run->fault) : r;
}

/* (1) */
int spr_publish_early(struct spr_run *run)
{
    const uint64_t now = spr_clock_ns();
    (void)pthread_mutex_lock(&run->mutex); /* a plain mutex: cannot fail */
    const bool has_segments = run->segment_count > 0;
    (void)pthread_mutex_unlock(&run->mutex); /* held by this thread */
    if (!run->is_first || !has_segments || now - run->published_ns < PUBLISH_EVERY_NS) {
        return 0;
    }
    int r = adopt_segments(run);
    if (r == 0) {
        r = publish_copy(run);
    }
    run->published_ns = spr_clock_ns();
    return r;
}

static int add_folders(struct spr_run *run)
{
    int r = 0;
    for (uint32_t i = 0; i < run->walk.folder_count && r == 0; i++) {
        const struct spr_walk_folder *folder = &run->walk.folders[i];
        const struct spr_text path = spr_text_of(folder->path);
        if (folder->inode != 0) {
            r = spr_manifest_add_folder(run->manifest, path, folder->inode, folder->mtime_ns);
        }
    }
    return r;
}

/* (2), (3) */
int spr_publish_all(struct spr_run *run)
{
    int r = spr_builders_flush(run);
    const bool has_changed = run->segment_count > 0 || run->refresh.dropped > 0;
    if (r == 0) {
        r = adopt_segments(run);
    }
    if (r == 0) {
        r = add_folders(run);
    }
    if (r == 0 && has_changed) {
        r = spr_merge(run->manifest, run->index->dir_fd, run->fault);
    }
    if (r < 0) {
        return r;
    }
    const bool is_merged = r == 1;
    r = publish_copy(run);
    /* Segments of this scan that were merged before any manifest named them. */
    return r == 0 && is_merged ? spr_manifest_sweep(run->index->dir_fd, run->fault) : r;
}
