/*
 * The index as one object: its folder, its lock, its current snapshot.
 *
 *  (1) A snapshot never changes. It is freed by whoever drops the last reference.
 *  (2) A manifest may be replaced, and segments it named removed, by another process while they are
 *      being opened: then the new manifest is read instead, up to RACES_MAX times.
 */
#include "core/catalog.h"

#include "core/fault.h"
#include "core/index/layout.h"
#include "core/library.h"
#include "io/dirents.h"
#include "io/durable.h"
#include "io/locks.h"
#include "io/own.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RACES_MAX   16
#define FOLDER_MODE 0700

/* ---- Snapshots ------------------------------------------------------------------------------- */

void spr_snapshot_release(struct spr_snapshot *snapshot)
{
    /* Release: what this thread read is read before the other frees; acquire: and not after. */
    if (snapshot == NULL ||
        atomic_fetch_sub_explicit(&snapshot->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    for (uint32_t i = 0; snapshot->segments != NULL && i < snapshot->manifest->segment_count; i++) {
        spr_segment_close(snapshot->segments[i]);
    }
    free(snapshot->segments);
    spr_manifest_free(snapshot->manifest);
    free(snapshot);
}

bool spr_snapshot_row_live(const struct spr_snapshot *snapshot, uint32_t segment, uint32_t row)
{
    return spr_manifest_row_live(&snapshot->manifest->segments[segment], row);
}

static int open_segments(struct spr_snapshot *snapshot, int dir_fd, struct spr_fault *fault)
{
    const struct spr_manifest *manifest = snapshot->manifest;
    snapshot->segments = calloc((size_t)manifest->segment_count + 1, sizeof(struct spr_segment *));
    if (snapshot->segments == NULL) {
        return spr_fault_set(fault, -ENOMEM, SPR_MANIFEST_NAME, 0, "out of memory");
    }
    for (uint32_t i = 0; i < manifest->segment_count; i++) {
        const struct spr_manifest_segment *entry = &manifest->segments[i];
        int r =
            spr_segment_open(dir_fd, entry->name, &manifest->secret, &snapshot->segments[i], fault);
        if (r == -ENOENT) {
            return spr_fault_set(fault, SPR_E_CORRUPT, entry->name, 0,
                                 "a segment that the manifest names is missing");
        }
        if (r < 0) {
            return r;
        }
        if (spr_segment_count(snapshot->segments[i]) != entry->rows) {
            return spr_fault_set(fault, SPR_E_CORRUPT, entry->name, SPR_SEGMENT_AT_ROWS,
                                 "the manifest names another number of rows");
        }
    }
    return 0;
}

static void note_file(struct spr_snapshot *snapshot, const struct spr_io_meta *meta)
{
    snapshot->file_inode = meta->inode;
    snapshot->file_mtime_ns = meta->mtime_ns;
    snapshot->file_ctime_ns = meta->ctime_ns;
}

static bool is_of_file(const struct spr_snapshot *snapshot, const struct spr_io_meta *meta)
{
    return snapshot->file_inode == meta->inode && snapshot->file_mtime_ns == meta->mtime_ns &&
           snapshot->file_ctime_ns == meta->ctime_ns;
}

/* Takes the manifest over. */
static int make_snapshot(struct spr_manifest *manifest, int dir_fd, const struct spr_io_meta *meta,
                         struct spr_snapshot **ret_snapshot, struct spr_fault *fault)
{
    struct spr_snapshot *snapshot = calloc(1, sizeof(*snapshot));
    if (snapshot == NULL) {
        spr_manifest_free(manifest);
        return spr_fault_set(fault, -ENOMEM, SPR_MANIFEST_NAME, 0, "out of memory");
    }
    atomic_init(&snapshot->references, 1);
    snapshot->manifest = manifest;
    note_file(snapshot, meta);
    int r = open_segments(snapshot, dir_fd, fault);
    if (r < 0) {
        spr_snapshot_release(snapshot);
        return r;
    }
    *ret_snapshot = snapshot;
    return 0;
}

/* A fresh manifest where the folder has none. */
static int read_manifest(int dir_fd, struct spr_manifest **ret_manifest, struct spr_fault *fault)
{
    int r = spr_manifest_read(dir_fd, ret_manifest, fault);
    if (r != -ENOENT) {
        return r;
    }
    r = spr_manifest_new(ret_manifest);
    return r < 0 ? spr_fault_set(fault, r, SPR_MANIFEST_NAME, 0, "no random secret for the index")
                 : 0;
}

/* Of the manifest file; all zero where there is none. */
static int stat_manifest(int dir_fd, struct spr_io_meta *ret_meta, struct spr_fault *fault)
{
    struct spr_io_meta meta = { 0 };
    int r = spr_meta_at(dir_fd, SPR_MANIFEST_NAME, &meta);
    if (r < 0 && r != -ENOENT) {
        return spr_fault_set(fault, r, SPR_MANIFEST_NAME, 0, "manifest cannot be examined");
    }
    *ret_meta = r == 0 ? meta : (struct spr_io_meta){ 0 };
    return 0;
}

/* (2): whatever failed counts only if the manifest is still the same one. */
static int load_snapshot(int dir_fd, struct spr_snapshot **ret_snapshot, struct spr_fault *fault)
{
    struct spr_io_meta before;
    int r = stat_manifest(dir_fd, &before, fault);
    for (unsigned race = 0; r == 0; race++) {
        struct spr_manifest *manifest = NULL;
        r = read_manifest(dir_fd, &manifest, fault);
        if (r == 0) {
            r = make_snapshot(manifest, dir_fd, &before, ret_snapshot, fault);
        }
        struct spr_io_meta after;
        const int seen = stat_manifest(dir_fd, &after, fault);
        if (seen < 0) {
            if (r == 0) {
                spr_snapshot_release(*ret_snapshot);
            }
            return seen;
        }
        const bool same = before.inode == after.inode && before.mtime_ns == after.mtime_ns &&
                          before.ctime_ns == after.ctime_ns;
        if (same) {
            break;
        }
        if (r == 0) {
            spr_snapshot_release(*ret_snapshot);
        }
        if (race == RACES_MAX) {
            return spr_fault_set(fault, SPR_E_BUSY, SPR_MANIFEST_NAME, 0,
                                 "another process keeps replacing the index");
        }
        before = after;
        r = 0;
    }
    return r;
}

/* Makes the snapshot current; the index's own reference moves in. */
static void set_current(struct spr_index *index, struct spr_snapshot *snapshot)
{
    (void)pthread_mutex_lock(&index->mutex);
    struct spr_snapshot *before = index->current;
    index->current = snapshot;
    (void)pthread_mutex_unlock(&index->mutex);
    spr_snapshot_release(before);
}

static struct spr_snapshot *hold_current(struct spr_index *index)
{
    (void)pthread_mutex_lock(&index->mutex);
    struct spr_snapshot *snapshot = index->current;
    if (snapshot != NULL) {
        /* Relaxed: the mutex orders it, and the count cannot be at zero while it is current. */
        (void)atomic_fetch_add_explicit(&snapshot->references, 1, memory_order_relaxed);
    }
    (void)pthread_mutex_unlock(&index->mutex);
    return snapshot;
}

int spr_catalog_snapshot(struct spr_index *index, struct spr_snapshot **ret_snapshot,
                         struct spr_fault *fault)
{
    struct spr_io_meta meta;
    int r = stat_manifest(index->dir_fd, &meta, fault);
    if (r < 0) {
        return r;
    }
    struct spr_snapshot *snapshot = hold_current(index);
    if (snapshot != NULL && is_of_file(snapshot, &meta)) {
        *ret_snapshot = snapshot;
        return 0;
    }
    spr_snapshot_release(snapshot);
    r = load_snapshot(index->dir_fd, &snapshot, fault);
    if (r < 0) {
        return r;
    }
    (void)atomic_fetch_add_explicit(&snapshot->references, 1, memory_order_relaxed);
    set_current(index, snapshot);
    *ret_snapshot = snapshot;
    return 0;
}

static int check_writable(const struct spr_index *index, struct spr_fault *fault)
{
    return index->options.flags & SPR_READ_ONLY
               ? spr_fault_set(fault, -EROFS, index->dir, 0, "the index was opened read-only")
               : 0;
}

int spr_catalog_publish(struct spr_index *index, struct spr_manifest *manifest,
                        struct spr_fault *fault)
{
    int r = check_writable(index, fault);
    if (r == 0) {
        r = spr_manifest_publish(manifest, index->dir_fd, fault);
    }
    struct spr_io_meta meta = { 0 };
    if (r == 0) {
        r = stat_manifest(index->dir_fd, &meta, fault);
    }
    if (r < 0) {
        spr_manifest_free(manifest);
        return r;
    }
    struct spr_snapshot *snapshot = NULL;
    r = make_snapshot(manifest, index->dir_fd, &meta, &snapshot, fault);
    if (r == 0) {
        set_current(index, snapshot);
    }
    return r;
}

int spr_catalog_lock(struct spr_index *index, int *ret_lock, struct spr_fault *fault)
{
    int r = check_writable(index, fault);
    if (r < 0) {
        return r;
    }
    int fd = spr_own_open(index->dir_fd, SPR_INDEX_LOCK_NAME, true);
    if (fd == -ENOENT) {
        fd = spr_own_create(index->dir_fd, SPR_INDEX_LOCK_NAME);
        fd = fd == -EEXIST ? spr_own_open(index->dir_fd, SPR_INDEX_LOCK_NAME, true) : fd;
    }
    if (fd < 0) {
        return spr_fault_set(fault, fd, index->dir, 0, "the index's lock cannot be opened");
    }
    r = spr_flock(fd, false);
    if (r == -EWOULDBLOCK) {
        r = spr_fault_set(fault, SPR_E_BUSY, index->dir, 0, "another process changes this index");
    } else if (r < 0) {
        r = spr_fault_set(fault, r, index->dir, 0, "the index's lock cannot be taken");
    } else {
        r = spr_manifest_sweep(index->dir_fd, fault);
    }
    if (r < 0) {
        (void)close(fd); /* a lock: nothing was written */
        return r;
    }
    *ret_lock = fd;
    return 0;
}

/* ---- The folder ------------------------------------------------------------------------------ */

/* Splits "a/b/" into "a" and "b"; the parent is "." or "/" where none is written. */
static int split_path(const char *path, char **ret_parent, char **ret_name)
{
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/') {
        end--;
    }
    size_t start = end;
    while (start > 0 && path[start - 1] != '/') {
        start--;
    }
    if (start == end) {
        return -EINVAL; /* "" or "/" */
    }
    char *parent = start == 0 ? strdup(".") : strndup(path, start);
    char *name = strndup(path + start, end - start);
    if (parent == NULL || name == NULL) {
        free(parent);
        free(name);
        return -ENOMEM;
    }
    *ret_parent = parent;
    *ret_name = name;
    return 0;
}

/* A descriptor of the folder; with make, missing ones are made, with their parents. */
static int open_folder(const char *path, bool make, bool ours)
{
    int fd = ours ? -ENOENT : spr_root_open(path);
    if (fd != -ENOENT || (!make && !ours)) {
        return fd;
    }
    char *parent = NULL;
    char *name = NULL;
    int r = split_path(path, &parent, &name);
    if (r < 0) {
        return r;
    }
    const int parent_fd = open_folder(parent, make, false);
    if (parent_fd < 0) {
        fd = parent_fd;
    } else {
        fd = spr_own_folder(parent_fd, name);
        if (fd == -ENOENT && make) {
            r = spr_mkdir_at(parent_fd, name, FOLDER_MODE);
            fd = r < 0 && r != -EEXIST ? r : spr_own_folder(parent_fd, name);
        }
        (void)close(parent_fd); /* a folder: nothing can be lost */
    }
    free(parent);
    free(name);
    return fd;
}

int spr_index_open(const char *dir, const struct spr_options *options, struct spr_index **ret_index,
                   struct spr_fault *fault)
{
    struct spr_index *index = calloc(1, sizeof(*index));
    if (index == NULL) {
        return spr_fault_set(fault, -ENOMEM, dir, 0, "out of memory");
    }
    index->dir_fd = -1;
    index->options = spr_options_take(options);
    int r = -pthread_mutex_init(&index->mutex, NULL);
    if (r < 0) {
        free(index);
        return spr_fault_set(fault, r, dir, 0, "out of memory");
    }

    const bool make = (index->options.flags & SPR_READ_ONLY) == 0;
    struct spr_snapshot *snapshot = NULL;
    index->dir = strdup(dir);
    index->dir_fd = index->dir == NULL ? -ENOMEM : open_folder(dir, make, true);
    if (index->dir_fd < 0) {
        r = spr_fault_set(fault, index->dir_fd, dir, 0,
                          "the folder of an index is yours, with mode 0700");
    } else {
        r = spr_catalog_snapshot(index, &snapshot, fault);
    }
    spr_snapshot_release(snapshot);
    if (r < 0) {
        spr_index_close(index);
        return r;
    }
    *ret_index = index;
    return 0;
}

void spr_index_close(struct spr_index *index)
{
    if (index == NULL) {
        return;
    }
    spr_snapshot_release(index->current);
    while (index->texts != NULL) {
        struct spr_index_text *next = index->texts->next;
        free(index->texts);
        index->texts = next;
    }
    if (index->dir_fd >= 0) {
        (void)close(index->dir_fd); /* a folder: nothing can be lost */
    }
    (void)pthread_mutex_destroy(&index->mutex);
    free(index->dir);
    free(index);
}
