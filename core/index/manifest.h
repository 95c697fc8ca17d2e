/*
 * The manifest: which segments are live, which of their rows, of which spool. Replaced atomically;
 * a reader that holds the old one keeps a valid snapshot as long as it has the segments open.
 *
 *  (1) A segment is named in a manifest only after it is synced.
 *  (2) A segment file is removed only when no manifest names it any more.
 */
#ifndef SPR_CORE_INDEX_MANIFEST_H
#define SPR_CORE_INDEX_MANIFEST_H

#include "core/index/segment.h"

#define SPR_SEGMENT_NAME_MAX 31
#define SPR_SEGMENTS_MAX     4096

struct spr_manifest_segment {
    char name[SPR_SEGMENT_NAME_MAX + 1];
    uint32_t rows, live_rows;
    uint64_t recipients; /* of live rows */
    uint64_t *dead;      /* bitmap, one bit a row, 1: removed or superseded; NULL: all live */
};
/* A folder as the scan saw it: tells whether the index is stale. */
struct spr_manifest_folder {
    char *path; /* below the spool root */
    uint64_t inode;
    int64_t mtime_ns;
};
struct spr_manifest {
    struct spr_index_secret secret;
    char *spool_root, *format, *host; /* NULL before the first scan */
    struct spr_layout layout;
    uint64_t root_device, root_inode;
    int64_t scanned_at; /* Unix seconds; 0: never */
    bool has_subjects, has_errors;
    uint64_t next_segment; /* number for the next segment's name */
    struct spr_manifest_segment *segments;
    uint32_t segment_count;
    struct spr_manifest_folder *folders;
    uint32_t folder_count;
};

/* A fresh one with a random secret. */
int spr_manifest_new(struct spr_manifest **ret_manifest);
/* Deep copy: a scan works on one and publishes it. */
int spr_manifest_copy(const struct spr_manifest *manifest, struct spr_manifest **ret_copy);
void spr_manifest_free(struct spr_manifest *manifest);

/* Name for the next segment file; counts next_segment up. */
void spr_manifest_next_name(struct spr_manifest *manifest, char ret_name[SPR_SEGMENT_NAME_MAX + 1]);
/* All rows live. -E2BIG beyond SPR_SEGMENTS_MAX. */
int spr_manifest_add_segment(struct spr_manifest *manifest, const char *name, uint32_t rows,
                             uint64_t recipients);
/* Marks a row dead, once; recipients: of that row. */
int spr_manifest_kill_row(struct spr_manifest_segment *segment, uint32_t row, uint32_t recipients);
bool spr_manifest_row_live(const struct spr_manifest_segment *segment, uint32_t row);
void spr_manifest_clear_segments(struct spr_manifest *manifest);
/* Copies path. */
int spr_manifest_add_folder(struct spr_manifest *manifest, struct spr_text path, uint64_t inode,
                            int64_t mtime_ns);
void spr_manifest_clear_folders(struct spr_manifest *manifest);

/* -ENOENT when the directory has none. */
int spr_manifest_read(int dir_fd, struct spr_manifest **ret_manifest, struct spr_fault *fault);
/* Beside, fsync, rename, fsync of the folder; then removes the segment files that the replaced
 * manifest named and this one does not (2). Only the holder of the index's lock publishes. */
int spr_manifest_publish(const struct spr_manifest *manifest, int dir_fd, struct spr_fault *fault);
/* Removes segment files that the manifest on disk does not name: leftovers of a crash. Only for the
 * holder of the index's lock, before it writes any. */
int spr_manifest_sweep(int dir_fd, struct spr_fault *fault);

/* The stored form, without the file: for publish, read and their tests. */
struct spr_bytes;
int spr_manifest_encode(const struct spr_manifest *manifest, struct spr_bytes *out);
int spr_manifest_decode(struct spr_text bytes, struct spr_manifest **ret_manifest,
                        struct spr_fault *fault);
/* 16 hexadecimal digits and .seg. */
bool spr_manifest_is_segment_name(const char *name);

#endif
