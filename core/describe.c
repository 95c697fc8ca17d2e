/*
 * What an index tells about itself: size, age, and whether its spool has moved on.
 */
#include "core/catalog.h"
#include "core/library.h"
#include "formats/format.h"
#include "io/dirents.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define STALE_SECONDS 60 /* where the server edits files in place */

/* The same text for the same words, until close; under the mutex. */
static int keep_text(struct spr_index *index, const char *text, const char **ret_kept)
{
    if (text == NULL) {
        *ret_kept = NULL;
        return 0;
    }
    for (const struct spr_index_text *at = index->texts; at != NULL; at = at->next) {
        if (strcmp(at->text, text) == 0) {
            *ret_kept = at->text;
            return 0;
        }
    }
    const size_t size = strlen(text) + 1;
    struct spr_index_text *kept = malloc(sizeof(*kept) + size);
    if (kept == NULL) {
        return -ENOMEM;
    }
    kept->next = index->texts;
    memcpy(kept->text, text, size);
    index->texts = kept;
    *ret_kept = kept->text;
    return 0;
}

int spr_index_describe(struct spr_index *index, struct spr_index_report *ret_report)
{
    struct spr_snapshot *snapshot = NULL;
    int r = spr_catalog_snapshot(index, &snapshot, NULL);
    if (r < 0) {
        return r;
    }
    const struct spr_manifest *manifest = snapshot->manifest;
    struct spr_index_report report = {
        .segments = manifest->segment_count,
        .scanned_at = manifest->scanned_at,
        .has_subjects = manifest->has_subjects,
        .has_errors = manifest->has_errors,
    };
    for (uint32_t i = 0; i < manifest->segment_count; i++) {
        report.messages += manifest->segments[i].live_rows;
        report.recipients += manifest->segments[i].recipients;
        report.bytes_on_disk += spr_segment_bytes(snapshot->segments[i]);
    }
    (void)pthread_mutex_lock(&index->mutex);
    r = keep_text(index, manifest->spool_root, &report.spool_root);
    if (r == 0) {
        r = keep_text(index, manifest->format, &report.format);
    }
    if (r == 0) {
        r = keep_text(index, manifest->host, &report.host);
    }
    (void)pthread_mutex_unlock(&index->mutex);
    spr_snapshot_release(snapshot);
    if (r == 0) {
        *ret_report = report;
    }
    return r;
}

static bool has_moved(int root_fd, const struct spr_manifest_folder *folder)
{
    const int fd = spr_dir_open(root_fd, folder->path);
    if (fd < 0) {
        return true;
    }
    struct spr_io_meta meta;
    const int r = spr_meta_of(fd, &meta);
    (void)close(fd); /* a folder: nothing can be lost */
    return r < 0 || meta.inode != folder->inode || meta.mtime_ns != folder->mtime_ns;
}

static bool is_old(const struct spr_index *index, const struct spr_manifest *manifest)
{
    const struct spr_format *format = spr_format_named(&index->options, manifest->format);
    const int64_t now = (int64_t)time(NULL);
    return format != NULL && format->edits_in_place &&
           (now < manifest->scanned_at || now - manifest->scanned_at >= STALE_SECONDS);
}

/* A spool that cannot be opened counts as moved: the scan that follows says why. */
static bool has_spool_moved(const struct spr_manifest *manifest)
{
    const int root_fd = spr_root_open(manifest->spool_root);
    if (root_fd < 0) {
        return true;
    }
    struct spr_io_meta meta;
    bool moved = spr_meta_of(root_fd, &meta) < 0 || meta.device != manifest->root_device ||
                 meta.inode != manifest->root_inode;
    for (uint32_t i = 0; !moved && i < manifest->folder_count; i++) {
        moved = has_moved(root_fd, &manifest->folders[i]);
    }
    (void)close(root_fd); /* a folder: nothing can be lost */
    return moved;
}

int spr_index_stale(struct spr_index *index, struct spr_fault *fault)
{
    struct spr_snapshot *snapshot = NULL;
    int r = spr_catalog_snapshot(index, &snapshot, fault);
    if (r < 0) {
        return r;
    }
    const struct spr_manifest *manifest = snapshot->manifest;
    const bool stale = manifest->scanned_at == 0 || manifest->spool_root == NULL ||
                       is_old(index, manifest) || has_spool_moved(manifest);
    spr_snapshot_release(snapshot);
    return stale ? 1 : 0;
}
