/*
 * The manifest in memory.
 */
#include "core/index/manifest.h"

#include "core/index/layout.h"
#include "formats/cursor.h"
#include "io/own.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int spr_manifest_new(struct spr_manifest **ret_manifest)
{
    struct spr_manifest *manifest = calloc(1, sizeof(*manifest));
    if (manifest == NULL) {
        return -ENOMEM;
    }
    int r = spr_random(&manifest->secret.seed, sizeof(manifest->secret.seed));
    if (r < 0) {
        spr_manifest_free(manifest);
        return r;
    }
    manifest->next_segment = 1;
    *ret_manifest = manifest;
    return 0;
}

void spr_manifest_clear_segments(struct spr_manifest *manifest)
{
    for (uint32_t i = 0; i < manifest->segment_count; i++) {
        free(manifest->segments[i].dead);
    }
    free(manifest->segments);
    manifest->segments = NULL;
    manifest->segment_count = 0;
}

void spr_manifest_clear_folders(struct spr_manifest *manifest)
{
    for (uint32_t i = 0; i < manifest->folder_count; i++) {
        free(manifest->folders[i].path);
    }
    free(manifest->folders);
    manifest->folders = NULL;
    manifest->folder_count = 0;
}

void spr_manifest_free(struct spr_manifest *manifest)
{
    if (manifest == NULL) {
        return;
    }
    spr_manifest_clear_segments(manifest);
    spr_manifest_clear_folders(manifest);
    free(manifest->spool_root);
    free(manifest->format);
    free(manifest->host);
    free(manifest);
}

void spr_manifest_next_name(struct spr_manifest *manifest, char ret_name[SPR_SEGMENT_NAME_MAX + 1])
{
    (void)snprintf(ret_name, SPR_SEGMENT_NAME_MAX + 1, "%016" PRIx64 SPR_SEGMENT_SUFFIX,
                   manifest->next_segment++);
}

/* Room for one item more: arrays grow at powers of two. */
static int make_room(void **items, uint32_t count, size_t size)
{
    if (*items != NULL && (count & (count - 1)) != 0) {
        return 0;
    }
    void *grown = realloc(*items, (count == 0 ? 1 : (size_t)count * 2) * size);
    if (grown == NULL) {
        return -ENOMEM;
    }
    *items = grown;
    return 0;
}

int spr_manifest_add_segment(struct spr_manifest *manifest, const char *name, uint32_t rows,
                             uint64_t recipients)
{
    if (manifest->segment_count >= SPR_SEGMENTS_MAX) {
        return -E2BIG;
    }
    void *segments = manifest->segments;
    int r = make_room(&segments, manifest->segment_count, sizeof(*manifest->segments));
    manifest->segments = segments;
    if (r < 0) {
        return r;
    }
    struct spr_manifest_segment *segment = &manifest->segments[manifest->segment_count++];
    *segment = (struct spr_manifest_segment){
        .rows = rows,
        .live_rows = rows,
        .recipients = recipients,
    };
    (void)snprintf(segment->name, sizeof(segment->name), "%s", name);
    return 0;
}

bool spr_manifest_row_live(const struct spr_manifest_segment *segment, uint32_t row)
{
    return row < segment->rows &&
           (segment->dead == NULL || (segment->dead[row / 64] >> (row % 64) & 1) == 0);
}

int spr_manifest_kill_row(struct spr_manifest_segment *segment, uint32_t row, uint32_t recipients)
{
    if (!spr_manifest_row_live(segment, row)) {
        return 0;
    }
    if (segment->dead == NULL) {
        segment->dead = calloc(spr_dead_words(segment->rows), sizeof(*segment->dead));
        if (segment->dead == NULL) {
            return -ENOMEM;
        }
    }
    segment->dead[row / 64] |= UINT64_C(1) << (row % 64);
    segment->live_rows--;
    segment->recipients -= recipients < segment->recipients ? recipients : segment->recipients;
    return 0;
}

int spr_manifest_add_folder(struct spr_manifest *manifest, struct spr_text path, uint64_t inode,
                            int64_t mtime_ns)
{
    void *folders = manifest->folders;
    int r = make_room(&folders, manifest->folder_count, sizeof(*manifest->folders));
    manifest->folders = folders;
    if (r < 0) {
        return r;
    }
    char *copy = malloc(path.length + 1);
    if (copy == NULL) {
        return -ENOMEM;
    }
    if (path.length > 0) {
        memcpy(copy, path.bytes, path.length);
    }
    copy[path.length] = '\0';
    manifest->folders[manifest->folder_count++] =
        (struct spr_manifest_folder){ .path = copy, .inode = inode, .mtime_ns = mtime_ns };
    return 0;
}

static int copy_string(const char *from, char **to)
{
    if (from == NULL) {
        return 0;
    }
    *to = strdup(from);
    return *to != NULL ? 0 : -ENOMEM;
}

static int copy_segments(const struct spr_manifest *from, struct spr_manifest *to)
{
    for (uint32_t i = 0; i < from->segment_count; i++) {
        const struct spr_manifest_segment *segment = &from->segments[i];
        int r = spr_manifest_add_segment(to, segment->name, segment->rows, segment->recipients);
        if (r < 0) {
            return r;
        }
        struct spr_manifest_segment *copy = &to->segments[i];
        copy->live_rows = segment->live_rows;
        if (segment->dead != NULL) {
            const size_t words = spr_dead_words(segment->rows);
            copy->dead = calloc(words + 1, sizeof(*copy->dead));
            if (copy->dead == NULL) {
                return -ENOMEM;
            }
            memcpy(copy->dead, segment->dead, words * sizeof(*copy->dead));
        }
    }
    return 0;
}

static int copy_folders(const struct spr_manifest *from, struct spr_manifest *to)
{
    for (uint32_t i = 0; i < from->folder_count; i++) {
        const struct spr_manifest_folder *folder = &from->folders[i];
        const struct spr_text path = spr_text_of(folder->path);
        int r = spr_manifest_add_folder(to, path, folder->inode, folder->mtime_ns);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

int spr_manifest_copy(const struct spr_manifest *manifest, struct spr_manifest **ret_copy)
{
    struct spr_manifest *copy = malloc(sizeof(*copy));
    if (copy == NULL) {
        return -ENOMEM;
    }
    *copy = *manifest;
    copy->spool_root = NULL;
    copy->format = NULL;
    copy->host = NULL;
    copy->segments = NULL;
    copy->segment_count = 0;
    copy->folders = NULL;
    copy->folder_count = 0;
    int r = copy_string(manifest->spool_root, &copy->spool_root);
    if (r == 0) {
        r = copy_string(manifest->format, &copy->format);
    }
    if (r == 0) {
        r = copy_string(manifest->host, &copy->host);
    }
    if (r == 0) {
        r = copy_segments(manifest, copy);
    }
    if (r == 0) {
        r = copy_folders(manifest, copy);
    }
    if (r < 0) {
        spr_manifest_free(copy);
        return r;
    }
    *ret_copy = copy;
    return 0;
}
