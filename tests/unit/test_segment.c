#include "core/index/address.h"
#include "core/index/segment.h"
#include "tests/support/sample_records.h"
#include "tests/support/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

static const struct spr_index_secret SECRET = { .seed = 0x1234567890abcdef };

typedef void (*sample_fn)(struct sample_record *sample, uint64_t seed, uint32_t number);

struct place {
    char path[TEMPORARY_PATH_MAX];
    int dir_fd;
    struct spr_fault fault;
};

static void open_place(struct place *place)
{
    make_temporary(place->path);
    place->dir_fd = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_geq(place->dir_fd, 0);
}

static void close_place(struct place *place)
{
    (void)close(place->dir_fd);
    remove_temporary(place->path);
}

static void write_samples(struct place *place, sample_fn sample_of, uint32_t count)
{
    struct spr_segment_builder *builder;
    cr_assert_eq(spr_segment_builder_new(&SECRET, &builder), 0);
    static struct sample_record sample;
    for (uint32_t i = 0; i < count; i++) {
        sample_of(&sample, 1, i);
        cr_assert_eq(spr_segment_builder_add(builder, &sample.record), 0);
    }
    cr_assert_eq(spr_segment_builder_count(builder), count);
    cr_assert_eq(spr_segment_builder_write(builder, place->dir_fd, "a.seg", &place->fault), 0, "%s",
                 place->fault.detail);
    cr_assert_eq(spr_segment_builder_count(builder), 0);
    spr_segment_builder_free(builder);
}

static struct spr_segment *open_segment(struct place *place)
{
    struct spr_segment *segment = NULL;
    cr_assert_eq(spr_segment_open(place->dir_fd, "a.seg", &SECRET, &segment, &place->fault), 0,
                 "%s", place->fault.detail);
    return segment;
}

static struct spr_segment_reader *open_reader(const struct spr_segment *segment)
{
    struct spr_segment_reader *reader = NULL;
    cr_assert_eq(spr_segment_reader_new(segment, &reader), 0);
    return reader;
}

static void check_round_trip(sample_fn sample_of, uint32_t count)
{
    struct place place;
    open_place(&place);
    write_samples(&place, sample_of, count);
    struct spr_segment *segment = open_segment(&place);
    struct spr_segment_reader *reader = open_reader(segment);
    static struct sample_record sample;

    cr_assert_eq(spr_segment_count(segment), count);
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t row = (uint32_t)((uint64_t)i * 7919 % count);
        struct spr_record record;
        cr_assert_eq(spr_segment_record(reader, row, &record, &place.fault), 0, "%s",
                     place.fault.detail);
        sample_of(&sample, 1, row);
        char label[32];
        (void)snprintf(label, sizeof(label), "row %u", row);
        assert_record_eq(&record, &sample.record, label);
    }

    spr_segment_reader_free(reader);
    spr_segment_close(segment);
    close_place(&place);
}

Test(segment, gives_ordinary_records_back)
{
    check_round_trip(sample_message, 9973);
}

Test(segment, gives_hostile_records_back)
{
    check_round_trip(sample_hostile, 5003);
}

Test(segment, may_be_empty)
{
    check_round_trip(sample_message, 0);
}

Test(segment, holds_one_row)
{
    check_round_trip(sample_hostile, 1);
}

/* Does a text have this normal form? */
static bool text_has(struct spr_text text, struct spr_text wanted)
{
    if (text.bytes == NULL) {
        return false;
    }
    uint8_t form[SPR_ADDRESS_MAX];
    const struct spr_text normal = { form, spr_address_normalise(text, form) };
    return normal.length == wanted.length && memcmp(normal.bytes, wanted.bytes, wanted.length) == 0;
}

static bool record_has(const struct spr_record *record, enum spr_lookup lookup,
                       struct spr_text wanted)
{
    switch (lookup) {
    case SPR_LOOKUP_ACCOUNT:
        return text_has(record->text[SPR_COLUMN_ACCOUNT], wanted);
    case SPR_LOOKUP_SENDER:
        return text_has(record->text[SPR_COLUMN_SENDER], wanted);
    case SPR_LOOKUP_CLIENT:
        return text_has(record->text[SPR_COLUMN_CLIENT], wanted);
    case SPR_LOOKUP_LOCAL_USER:
        return text_has(record->text[SPR_COLUMN_LOCAL_USER], wanted);
    case SPR_LOOKUP_QUEUE_ID:
        return record->queue_id.length == wanted.length &&
               memcmp(record->queue_id.bytes, wanted.bytes, wanted.length) == 0;
    case SPR_LOOKUP_RCPT:
        for (uint32_t i = 0; i < record->recipient_count; i++) {
            if (text_has(record->recipients[i].address, wanted) ||
                text_has(record->recipients[i].original, wanted)) {
                return true;
            }
        }
        return false;
    case SPR_LOOKUP_COUNT:
        break;
    }
    return false;
}

static void check_lookup(struct spr_segment_reader *reader, sample_fn sample_of, uint32_t count,
                         enum spr_lookup lookup, struct spr_text wanted)
{
    static struct sample_record sample;
    uint64_t *rows = calloc(count / 64 + 1, sizeof(*rows));
    cr_assert_not_null(rows);
    cr_assert_eq(spr_segment_lookup(reader, lookup, wanted, rows, NULL), 0);
    for (uint32_t row = 0; row < count; row++) {
        sample_of(&sample, 1, row);
        cr_assert_eq((rows[row / 64] >> (row % 64) & 1) != 0,
                     record_has(&sample.record, lookup, wanted), "lookup %u, row %u", lookup, row);
    }
    free(rows);
}

static void check_lookups(sample_fn sample_of, uint32_t count, uint32_t step)
{
    struct place place;
    open_place(&place);
    write_samples(&place, sample_of, count);
    struct spr_segment *segment = open_segment(&place);
    struct spr_segment_reader *reader = open_reader(segment);
    static struct sample_record probe;

    for (uint32_t row = 0; row < count; row += step) {
        sample_of(&probe, 1, row);
        const struct spr_record *record = &probe.record;
        const struct spr_text recipient = record->recipient_count > 0
                                              ? record->recipients[0].address
                                              : record->text[SPR_COLUMN_SENDER];
        const struct spr_text texts[SPR_LOOKUP_COUNT] = {
            record->text[SPR_COLUMN_ACCOUNT],
            record->text[SPR_COLUMN_SENDER],
            recipient,
            record->text[SPR_COLUMN_CLIENT],
            record->queue_id,
            record->text[SPR_COLUMN_LOCAL_USER],
        };
        for (unsigned lookup = 0; lookup < SPR_LOOKUP_COUNT; lookup++) {
            uint8_t form[SPR_ADDRESS_MAX];
            struct spr_text wanted = { form, spr_address_normalise(texts[lookup], form) };
            if (lookup == SPR_LOOKUP_QUEUE_ID) {
                wanted = texts[lookup];
            }
            if (wanted.bytes != NULL) {
                check_lookup(reader, sample_of, count, (enum spr_lookup)lookup, wanted);
            }
        }
    }

    spr_segment_reader_free(reader);
    spr_segment_close(segment);
    close_place(&place);
}

Test(segment, finds_what_a_walk_over_ordinary_records_finds)
{
    check_lookups(sample_message, 1000, 100);
}

Test(segment, finds_what_a_walk_over_hostile_records_finds)
{
    check_lookups(sample_hostile, 500, 20);
}

Test(segment, finds_an_account_of_many_thousand_rows)
{
    struct place place;
    open_place(&place);
    write_samples(&place, sample_message, 60000);
    struct spr_segment *segment = open_segment(&place);
    struct spr_segment_reader *reader = open_reader(segment);

    check_lookup(reader, sample_message, 60000, SPR_LOOKUP_ACCOUNT,
                 (struct spr_text){ (const uint8_t *)"mallory@example.org", 19 });

    spr_segment_reader_free(reader);
    spr_segment_close(segment);
    close_place(&place);
}
