/*
 * Merging: every live row is read and added to a builder. Segments share no string ids, so there is
 * nothing to be copied as it stands.
 */
#include "core/index/merge.h"

#include "core/fault.h"

#include <errno.h>
#include <stdlib.h>

#define SEGMENTS_DUE 32
#define ROWS_SMALL   16384       /* segments that hold less on average are worth merging */
#define MEMORY_MAX   (32u << 20) /* of the builder: a scan may use 64 MiB in all */

struct merge {
    struct spr_manifest *manifest;
    int dir_fd;
    struct spr_segment_builder *builder;
    uint64_t recipients;               /* in the builder */
    struct spr_manifest_segment *done; /* written so far */
    uint32_t done_count;
};

bool spr_merge_due(const struct spr_manifest *manifest)
{
    uint64_t rows = 0;
    uint64_t live_rows = 0;
    for (uint32_t i = 0; i < manifest->segment_count; i++) {
        rows += manifest->segments[i].rows;
        live_rows += manifest->segments[i].live_rows;
    }
    const bool are_many =
        manifest->segment_count > SEGMENTS_DUE && live_rows / manifest->segment_count < ROWS_SMALL;
    return are_many || rows - live_rows > rows / 2;
}

static int write_segment(struct merge *merge, struct spr_fault *fault)
{
    const uint32_t rows = spr_segment_builder_count(merge->builder);
    if (rows == 0) {
        return 0;
    }
    struct spr_manifest_segment *done =
        realloc(merge->done, (merge->done_count + 1) * sizeof(*done));
    if (done == NULL) {
        return spr_fault_set(fault, -ENOMEM, "", 0, "out of memory");
    }
    merge->done = done;
    done += merge->done_count;
    *done = (struct spr_manifest_segment){
        .rows = rows,
        .live_rows = rows,
        .recipients = merge->recipients,
    };
    spr_manifest_next_name(merge->manifest, done->name);
    int r = spr_segment_builder_write(merge->builder, merge->dir_fd, done->name, fault);
    if (r < 0) {
        return r;
    }
    merge->done_count++;
    merge->recipients = 0;
    return 0;
}

static int add_row(struct merge *merge, struct spr_segment_reader *reader, uint32_t row,
                   const char *name, struct spr_fault *fault)
{
    if (spr_segment_builder_memory(merge->builder) >= MEMORY_MAX) {
        int r = write_segment(merge, fault);
        if (r < 0) {
            return r;
        }
    }
    struct spr_record record;
    int r = spr_segment_record(reader, row, &record, fault);
    if (r < 0) {
        return r;
    }
    r = spr_segment_builder_add(merge->builder, &record);
    if (r == -EINVAL) {
        return spr_fault_set(fault, SPR_E_CORRUPT, name, row, "a row that no scan would index");
    }
    if (r < 0) {
        return spr_fault_set(fault, r, name, row, "segments cannot be merged");
    }
    merge->recipients += record.recipient_count;
    return 0;
}

static int add_segment(struct merge *merge, const struct spr_manifest_segment *entry,
                       struct spr_fault *fault)
{
    struct spr_segment *segment = NULL;
    struct spr_segment_reader *reader = NULL;
    int r = spr_segment_open(merge->dir_fd, entry->name, &merge->manifest->secret, &segment, fault);
    if (r < 0) {
        return r;
    }
    if (spr_segment_count(segment) != entry->rows) {
        r = spr_fault_set(fault, SPR_E_CORRUPT, entry->name, 0,
                          "the manifest names another number of rows");
    } else if (spr_segment_reader_new(segment, &reader) < 0) {
        r = spr_fault_set(fault, -ENOMEM, entry->name, 0, "out of memory");
    }
    for (uint32_t row = 0; r == 0 && row < entry->rows; row++) {
        if (spr_manifest_row_live(entry, row)) {
            r = add_row(merge, reader, row, entry->name, fault);
        }
    }
    spr_segment_reader_free(reader);
    spr_segment_close(segment);
    return r;
}

/* The manifest owns the new list, which must be an array it can go on growing. */
static int take_over(struct merge *merge, struct spr_fault *fault)
{
    struct spr_manifest fresh = { 0 };
    for (uint32_t i = 0; i < merge->done_count; i++) {
        const struct spr_manifest_segment *done = &merge->done[i];
        int r = spr_manifest_add_segment(&fresh, done->name, done->rows, done->recipients);
        if (r < 0) {
            spr_manifest_clear_segments(&fresh);
            return spr_fault_set(fault, r, done->name, 0, "out of memory");
        }
    }
    spr_manifest_clear_segments(merge->manifest);
    merge->manifest->segments = fresh.segments;
    merge->manifest->segment_count = fresh.segment_count;
    return 0;
}

int spr_merge(struct spr_manifest *manifest, int dir_fd, struct spr_fault *fault)
{
    struct merge merge = { .manifest = manifest, .dir_fd = dir_fd };
    int r = spr_segment_builder_new(&manifest->secret, &merge.builder);
    if (r < 0) {
        return spr_fault_set(fault, r, "", 0, "out of memory");
    }
    for (uint32_t i = 0; r == 0 && i < manifest->segment_count; i++) {
        if (manifest->segments[i].live_rows > 0) {
            r = add_segment(&merge, &manifest->segments[i], fault);
        }
    }
    if (r == 0) {
        r = write_segment(&merge, fault);
    }
    if (r == 0) {
        r = take_over(&merge, fault);
    }
    spr_segment_builder_free(merge.builder);
    free(merge.done);
    return r;
}

int spr_merge_if_due(struct spr_manifest *manifest, int dir_fd, struct spr_fault *fault)
{
    if (!spr_merge_due(manifest)) {
        return 0;
    }
    struct spr_fault why = { 0 };
    int r = spr_merge(manifest, dir_fd, &why);
    if (r == -ENOSPC || r == -EDQUOT || r == -ENOMEM) {
        return 0;
    }
    if (r < 0 && fault != NULL) {
        *fault = why;
    }
    return r;
}
