/*
 * A snapshot over segments of sample records, in a temporary folder, made without the catalog.
 */
#ifndef SPR_TESTS_SUPPORT_SAMPLE_INDEX_H
#define SPR_TESTS_SUPPORT_SAMPLE_INDEX_H

#include "core/catalog.h"
#include "tests/support/sample_records.h"
#include "tests/support/temporary.h"

#define SAMPLE_SEGMENTS_MAX 8

/* Fills the sample with record number. */
typedef void (*sample_record_fn)(struct sample_record *sample, uint64_t seed, uint32_t number);

struct sample_index {
    char path[TEMPORARY_PATH_MAX];
    int dir_fd;
    struct spr_manifest manifest;
    struct spr_manifest_segment entries[SAMPLE_SEGMENTS_MAX];
    struct spr_segment *segments[SAMPLE_SEGMENTS_MAX];
    struct spr_snapshot snapshot;
};

/* Record numbers run on over the segments. Every dead_every-th row is dead; 0: none. */
void open_sample_index(struct sample_index *index, sample_record_fn sample, uint32_t segments,
                       uint32_t rows_each, uint32_t dead_every);
void close_sample_index(struct sample_index *index);

#endif
