/*
 * Sample indexes.
 */
#include "tests/support/sample_index.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <criterion/criterion.h>

static char spool_root[] = "/var/spool/sample";
static char format_name[] = "postfix";
static char host_name[] = "mx1.example.org";

static void write_segment(struct sample_index *index, sample_record_fn sample_of, uint32_t number,
                          uint32_t rows)
{
    struct spr_manifest_segment *entry = &index->entries[number];
    struct spr_segment_builder *builder = NULL;
    struct spr_fault fault = { 0 };
    struct sample_record *sample = malloc(sizeof(*sample));
    cr_assert_not_null(sample);
    cr_assert_eq(spr_segment_builder_new(&index->manifest.secret, &builder), 0);
    for (uint32_t i = 0; i < rows; i++) {
        sample_of(sample, 7, number * rows + i);
        cr_assert_eq(spr_segment_builder_add(builder, &sample->record), 0);
    }
    (void)snprintf(entry->name, sizeof(entry->name), "%u.seg", number);
    cr_assert_eq(spr_segment_builder_write(builder, index->dir_fd, entry->name, &fault), 0, "%s",
                 fault.detail);
    spr_segment_builder_free(builder);
    free(sample);
    cr_assert_eq(spr_segment_open(index->dir_fd, entry->name, &index->manifest.secret,
                                  &index->segments[number], &fault),
                 0, "%s", fault.detail);
    entry->rows = rows;
    entry->live_rows = rows;
}

static void mark_dead(struct spr_manifest_segment *entry, uint32_t dead_every)
{
    entry->dead = calloc(entry->rows / 64 + 1, sizeof(*entry->dead));
    cr_assert_not_null(entry->dead);
    for (uint32_t row = 0; row < entry->rows; row += dead_every) {
        entry->dead[row / 64] |= (uint64_t)1 << (row % 64);
        entry->live_rows--;
    }
}

void open_sample_index(struct sample_index *index, sample_record_fn sample, uint32_t segments,
                       uint32_t rows_each, uint32_t dead_every)
{
    *index = (struct sample_index){
        .manifest = { .secret = { .seed = 0x5eed },
                      .spool_root = spool_root,
                      .format = format_name,
                      .host = host_name,
                      .has_subjects = true,
                      .has_errors = true,
                      .segment_count = segments },
    };
    index->manifest.segments = index->entries;
    index->snapshot.manifest = &index->manifest;
    index->snapshot.segments = index->segments;
    make_temporary(index->path);
    index->dir_fd = open(index->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_geq(index->dir_fd, 0);
    for (uint32_t i = 0; i < segments; i++) {
        write_segment(index, sample, i, rows_each);
        if (dead_every > 0) {
            mark_dead(&index->entries[i], dead_every);
        }
    }
}

void close_sample_index(struct sample_index *index)
{
    for (uint32_t i = 0; i < index->manifest.segment_count; i++) {
        spr_segment_close(index->segments[i]);
        free(index->entries[i].dead);
    }
    (void)close(index->dir_fd);
    remove_temporary(index->path);
}
