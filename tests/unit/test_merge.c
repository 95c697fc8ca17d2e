#include "core/index/merge.h"
#include "tests/support/faulty_io.h"
#include "tests/support/sample_records.h"
#include "tests/support/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <criterion/criterion.h>

#define SEGMENT_ROWS 200
#define TIER_MOST    8 /* segments of one tier that are left alone */

struct place {
    char path[TEMPORARY_PATH_MAX];
    int dir_fd;
    struct spr_manifest *manifest;
    struct spr_fault fault;
};

/* Segment s holds the hostile samples s * SEGMENT_ROWS and on. */
static void make_place(struct place *place, uint32_t segments)
{
    make_temporary(place->path);
    place->dir_fd = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_eq(spr_manifest_new(&place->manifest), 0);
    struct spr_segment_builder *builder;
    cr_assert_eq(spr_segment_builder_new(&place->manifest->secret, &builder), 0);
    static struct sample_record sample;
    for (uint32_t s = 0; s < segments; s++) {
        uint64_t recipients = 0;
        for (uint32_t i = 0; i < SEGMENT_ROWS; i++) {
            sample_hostile(&sample, 3, s * SEGMENT_ROWS + i);
            cr_assert_eq(spr_segment_builder_add(builder, &sample.record), 0);
            recipients += sample.record.recipient_count;
        }
        char name[SPR_SEGMENT_NAME_MAX + 1];
        spr_manifest_next_name(place->manifest, name);
        cr_assert_eq(spr_segment_builder_write(builder, place->dir_fd, name, NULL), 0);
        cr_assert_eq(spr_manifest_add_segment(place->manifest, name, SEGMENT_ROWS, recipients), 0);
    }
    spr_segment_builder_free(builder);
}

static void kill_row(struct place *place, uint32_t number)
{
    static struct sample_record sample;
    sample_hostile(&sample, 3, number);
    cr_assert_eq(spr_manifest_kill_row(&place->manifest->segments[number / SEGMENT_ROWS],
                                       number % SEGMENT_ROWS, sample.record.recipient_count),
                 0);
}

static void drop_place(struct place *place)
{
    spr_manifest_free(place->manifest);
    (void)close(place->dir_fd);
    remove_temporary(place->path);
}

/* Two rows of three, and the second segment. */
static bool is_killed(uint32_t number)
{
    return number % 3 != 0 || number / SEGMENT_ROWS == 1;
}

Test(merge, keeps_live_rows_in_their_order)
{
    struct place place = { 0 };
    make_place(&place, 3);
    for (uint32_t number = 0; number < 3 * SEGMENT_ROWS; number++) {
        if (is_killed(number)) {
            kill_row(&place, number);
        }
    }

    cr_assert_eq(spr_merge(place.manifest, place.dir_fd, &place.fault), 1, "%s",
                 place.fault.detail);

    cr_assert_eq(place.manifest->segment_count, 1);
    const struct spr_manifest_segment *entry = &place.manifest->segments[0];
    struct spr_segment *segment;
    struct spr_segment_reader *reader;
    cr_assert_eq(
        spr_segment_open(place.dir_fd, entry->name, &place.manifest->secret, &segment, NULL), 0);
    cr_assert_eq(spr_segment_reader_new(segment, &reader), 0);
    uint32_t row = 0;
    static struct sample_record sample;
    for (uint32_t number = 0; number < 3 * SEGMENT_ROWS; number++) {
        if (is_killed(number)) {
            continue;
        }
        struct spr_record record;
        char label[32];
        (void)snprintf(label, sizeof(label), "sample %u", number);
        sample_hostile(&sample, 3, number);
        cr_assert_eq(spr_segment_record(reader, row++, &record, NULL), 0);
        assert_record_eq(&record, &sample.record, label);
    }
    cr_expect_eq(row, entry->rows);
    cr_expect_eq(entry->live_rows, entry->rows);
    cr_expect_eq(entry->recipients, spr_segment_recipient_count(segment));
    spr_segment_reader_free(reader);
    spr_segment_close(segment);
    drop_place(&place);
}

Test(merge, leaves_no_segment_when_all_rows_are_dead)
{
    struct place place = { 0 };
    make_place(&place, 1);
    for (uint32_t number = 0; number < SEGMENT_ROWS; number++) {
        kill_row(&place, number);
    }

    cr_assert_eq(spr_merge(place.manifest, place.dir_fd, &place.fault), 1);

    cr_expect_eq(place.manifest->segment_count, 0);
    drop_place(&place);
}

Test(merge, leaves_the_manifest_alone_when_a_segment_is_gone)
{
    struct place place = { 0 };
    make_place(&place, TIER_MOST + 1);
    cr_assert_eq(unlinkat(place.dir_fd, place.manifest->segments[1].name, 0), 0);

    int r = spr_merge(place.manifest, place.dir_fd, &place.fault);

    cr_expect_lt(r, 0);
    cr_expect_eq(place.manifest->segment_count, TIER_MOST + 1);
    drop_place(&place);
}

Test(merge, without_room_changes_nothing_and_is_no_failure)
{
    struct place place = { 0 };
    make_place(&place, TIER_MOST + 1);

    spr_faulty_start(&(struct spr_fault_rule){ .site = "write", .nth = 1, .error = ENOSPC }, 1);
    int r = spr_merge(place.manifest, place.dir_fd, &place.fault);
    spr_faulty_stop();

    cr_expect_eq(r, 0);
    cr_expect_eq(place.manifest->segment_count, TIER_MOST + 1);
    drop_place(&place);
}

Test(merge, rewrites_only_what_is_more_than_half_dead)
{
    struct place place = { 0 };
    make_place(&place, 2);
    for (uint32_t number = 0; number < SEGMENT_ROWS / 2; number++) {
        kill_row(&place, number);
        kill_row(&place, SEGMENT_ROWS + number);
    }
    cr_expect_eq(spr_merge(place.manifest, place.dir_fd, NULL), 0);
    char spared[SPR_SEGMENT_NAME_MAX + 1];
    (void)snprintf(spared, sizeof(spared), "%s", place.manifest->segments[1].name);

    kill_row(&place, SEGMENT_ROWS / 2);

    cr_expect_eq(spr_merge(place.manifest, place.dir_fd, NULL), 1);
    cr_assert_eq(place.manifest->segment_count, 2);
    cr_expect_str_eq(place.manifest->segments[0].name, spared);
    cr_expect_eq(place.manifest->segments[0].live_rows, SEGMENT_ROWS / 2);
    cr_expect_eq(place.manifest->segments[1].rows, SEGMENT_ROWS / 2 - 1);
    cr_expect_eq(spr_merge(place.manifest, place.dir_fd, NULL), 0);
    drop_place(&place);
}

/* What 200 refreshes of 40 new rows each write again. */
Test(merge, writes_a_row_again_once_a_tier)
{
    enum { REFRESHES = 200, ROWS = 40 };
    struct place place = { 0 };
    make_place(&place, 0);
    struct spr_segment_builder *builder;
    cr_assert_eq(spr_segment_builder_new(&place.manifest->secret, &builder), 0);
    static struct sample_record sample;
    uint64_t rewritten = 0;
    uint32_t most = 0;
    for (uint32_t refresh = 0; refresh < REFRESHES; refresh++) {
        uint64_t recipients = 0;
        for (uint32_t i = 0; i < ROWS; i++) {
            sample_hostile(&sample, 3, refresh * ROWS + i);
            cr_assert_eq(spr_segment_builder_add(builder, &sample.record), 0);
            recipients += sample.record.recipient_count;
        }
        char name[SPR_SEGMENT_NAME_MAX + 1];
        spr_manifest_next_name(place.manifest, name);
        cr_assert_eq(spr_segment_builder_write(builder, place.dir_fd, name, NULL), 0);
        cr_assert_eq(spr_manifest_add_segment(place.manifest, name, ROWS, recipients), 0);
        const uint64_t next = place.manifest->next_segment;

        int r = spr_merge(place.manifest, place.dir_fd, &place.fault);

        cr_assert_geq(r, 0, "%s", place.fault.detail);
        for (uint64_t i = next; i < place.manifest->next_segment; i++) {
            const uint32_t last = place.manifest->segment_count - 1;
            rewritten += place.manifest->segments[last - (i - next)].rows;
        }
        most = place.manifest->segment_count > most ? place.manifest->segment_count : most;
    }
    spr_segment_builder_free(builder);

    uint64_t rows = 0;
    for (uint32_t i = 0; i < place.manifest->segment_count; i++) {
        rows += place.manifest->segments[i].live_rows;
    }
    cr_expect_eq(rows, REFRESHES * ROWS);
    cr_expect_leq(rewritten, 3u * REFRESHES * ROWS);
    cr_expect_leq(most, 3 * TIER_MOST);
    drop_place(&place);
}
