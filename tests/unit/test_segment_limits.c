#include "core/index/address.h"
#include "core/index/layout.h"
#include "core/index/merge.h"
#include "core/index/segment.h"
#include "tests/support/faulty_io.h"
#include "tests/support/sample_records.h"
#include "tests/support/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#define RECIPIENTS 100000
#define THREADS    4
#define ROWS       3000

static const struct spr_index_secret SECRET = { .seed = 77 };

struct place {
    char path[TEMPORARY_PATH_MAX];
    int dir_fd;
    struct spr_segment_builder *builder;
    struct spr_segment *segment;
    struct spr_segment_reader *reader;
    struct spr_fault fault;
};

static void make_place(struct place *place)
{
    make_temporary(place->path);
    place->dir_fd = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_eq(spr_segment_builder_new(&SECRET, &place->builder), 0);
}

static void write_and_open(struct place *place)
{
    cr_assert_eq(spr_segment_builder_write(place->builder, place->dir_fd, "a.seg", &place->fault),
                 0);
    cr_assert_eq(spr_segment_open(place->dir_fd, "a.seg", &SECRET, &place->segment, &place->fault),
                 0);
    cr_assert_eq(spr_segment_reader_new(place->segment, &place->reader), 0);
}

static void drop_place(struct place *place)
{
    spr_segment_reader_free(place->reader);
    spr_segment_close(place->segment);
    spr_segment_builder_free(place->builder);
    (void)close(place->dir_fd);
    remove_temporary(place->path);
}

Test(segment_limits, allow_a_message_to_a_hundred_thousand)
{
    struct place place = { 0 };
    make_place(&place);
    static char addresses[RECIPIENTS][24];
    static struct spr_recipient recipients[RECIPIENTS];
    for (uint32_t i = 0; i < RECIPIENTS; i++) {
        const int length = snprintf(addresses[i], sizeof(addresses[i]), "r%u@d%u.test", i, i % 9);
        recipients[i].address = (struct spr_text){ (uint8_t *)addresses[i], (size_t)length };
        recipients[i].state = (enum spr_recipient_state)(i % 4);
    }
    static struct sample_record sample;
    for (uint32_t number = 0; number < 3; number++) {
        sample_message(&sample, 1, number);
        if (number == 1) {
            sample.record.recipients = recipients;
            sample.record.recipient_count = RECIPIENTS;
        }
        cr_assert_eq(spr_segment_builder_add(place.builder, &sample.record), 0);
    }

    write_and_open(&place);

    struct spr_record record;
    cr_assert_eq(spr_segment_record(place.reader, 1, &record, &place.fault), 0);
    cr_assert_eq(record.recipient_count, RECIPIENTS);
    for (uint32_t i = 0; i < RECIPIENTS; i++) {
        cr_assert_eq(record.recipients[i].address.length, recipients[i].address.length);
        cr_assert_eq(memcmp(record.recipients[i].address.bytes, addresses[i],
                            record.recipients[i].address.length),
                     0);
        cr_assert_eq(record.recipients[i].state, recipients[i].state);
    }
    sample_message(&sample, 1, 2);
    cr_assert_eq(spr_segment_record(place.reader, 2, &record, &place.fault), 0);
    assert_record_eq(&record, &sample.record, "the row behind it");
    uint64_t rows[1] = { 0 };
    cr_assert_eq(spr_segment_lookup(place.reader, SPR_LOOKUP_RCPT,
                                    recipients[RECIPIENTS - 1].address, rows, NULL),
                 0);
    cr_expect_eq(rows[0] & 2, 2);
    drop_place(&place);
}

Test(segment_limits, keep_long_addresses_and_cut_longer_texts)
{
    struct place place = { 0 };
    make_place(&place);
    static uint8_t wide[2 * SPR_SEGMENT_TEXT_MAX];
    memset(wide, 'w', sizeof(wide));
    static struct sample_record sample;
    sample_message(&sample, 1, 0);
    sample.recipients[0].address = (struct spr_text){ wide, SPR_ADDRESS_MAX };
    sample.record.text[SPR_COLUMN_SUBJECT] = (struct spr_text){ wide, sizeof(wide) };
    cr_assert_eq(spr_segment_builder_add(place.builder, &sample.record), 0);

    write_and_open(&place);

    struct spr_record record;
    cr_assert_eq(spr_segment_record(place.reader, 0, &record, &place.fault), 0);
    cr_expect_eq(record.recipients[0].address.length, SPR_ADDRESS_MAX);
    cr_expect_eq(record.text[SPR_COLUMN_SUBJECT].length, SPR_SEGMENT_TEXT_MAX);
    uint64_t rows[1] = { 0 };
    cr_assert_eq(spr_segment_lookup(place.reader, SPR_LOOKUP_RCPT,
                                    (struct spr_text){ wide, SPR_ADDRESS_MAX }, rows, NULL),
                 0);
    cr_expect_eq(rows[0], 1);
    drop_place(&place);
}

Test(segment_limits, refuse_records_that_cannot_be_told_again)
{
    struct place place = { 0 };
    make_place(&place);
    static struct sample_record sample;

    sample_message(&sample, 1, 0);
    sample.record.dir = SPR_DIRS_MAX;
    cr_expect_eq(spr_segment_builder_add(place.builder, &sample.record), -EINVAL);
    sample_message(&sample, 1, 0);
    sample.record.files[0].role = SPR_ROLES_MAX;
    cr_expect_eq(spr_segment_builder_add(place.builder, &sample.record), -EINVAL);

    cr_expect_eq(spr_segment_builder_count(place.builder), 0);
    drop_place(&place);
}

/* Every call on the way to disk fails once: nothing is there, and the next try succeeds. */
Test(segment_limits, leave_the_builder_whole_when_the_disk_fails)
{
    struct place place = { 0 };
    make_place(&place);
    static struct sample_record sample;
    for (uint32_t number = 0; number < 50; number++) {
        sample_hostile(&sample, 1, number);
        cr_assert_eq(spr_segment_builder_add(place.builder, &sample.record), 0);
    }
    uint64_t nth = 1;
    for (;; nth++) {
        spr_faulty_start(&(struct spr_fault_rule){ .nth = nth, .error = ENOSPC }, 1);
        int r = spr_segment_builder_write(place.builder, place.dir_fd, "a.seg", &place.fault);
        const bool whole = spr_faulty_hits() == 0;
        spr_faulty_stop();
        if (whole) {
            cr_assert_eq(r, 0);
            break;
        }
        if (r == 0) {
            break; /* a close that failed after the sync */
        }
        cr_assert_eq(r, -ENOSPC, "call %zu", (size_t)nth);
        cr_assert_eq(spr_segment_builder_count(place.builder), 50);
        cr_assert_str_eq(place.fault.subject, "a.seg");
    }
    cr_assert_gt(nth, 5);

    cr_assert_eq(spr_segment_open(place.dir_fd, "a.seg", &SECRET, &place.segment, NULL), 0);

    cr_assert_eq(spr_segment_reader_new(place.segment, &place.reader), 0);
    for (uint32_t row = 0; row < 50; row++) {
        struct spr_record record;
        sample_hostile(&sample, 1, row);
        cr_assert_eq(spr_segment_record(place.reader, row, &record, NULL), 0);
        assert_record_eq(&record, &sample.record, "after failures");
    }
    drop_place(&place);
}

static void *read_all(void *user)
{
    const struct spr_segment *segment = user;
    struct spr_segment_reader *reader;
    int r = spr_segment_reader_new(segment, &reader);
    uintptr_t read = 0;
    for (uint32_t row = 0; r == 0 && row < ROWS; row++) {
        struct spr_record record;
        r = spr_segment_record(reader, row, &record, NULL);
        read += r == 0;
    }
    spr_segment_reader_free(reader);
    return (void *)read;
}

Test(segment_limits, let_many_threads_read_one_segment)
{
    struct place place = { 0 };
    make_place(&place);
    static struct sample_record sample;
    for (uint32_t number = 0; number < ROWS; number++) {
        sample_message(&sample, 1, number);
        cr_assert_eq(spr_segment_builder_add(place.builder, &sample.record), 0);
    }
    write_and_open(&place);
    pthread_t threads[THREADS];

    for (unsigned i = 0; i < THREADS; i++) {
        cr_assert_eq(pthread_create(&threads[i], NULL, read_all, place.segment), 0);
    }

    for (unsigned i = 0; i < THREADS; i++) {
        void *read = NULL;
        cr_assert_eq(pthread_join(threads[i], &read), 0);
        cr_expect_eq((uintptr_t)read, ROWS);
    }
    drop_place(&place);
}

Test(segment_limits, bound_what_a_builder_holds_for_a_message)
{
    struct place place = { 0 };
    make_place(&place);
    static struct sample_record sample;
    const size_t before = spr_segment_builder_memory(place.builder);
    for (uint32_t number = 0; number < 60000; number++) {
        sample_message(&sample, 1, number);
        sample.record.recipient_count = 1;
        cr_assert_eq(spr_segment_builder_add(place.builder, &sample.record), 0);
    }

    const size_t after = spr_segment_builder_memory(place.builder);

    cr_expect_lt((after - before) / 60000, 300, "%zu bytes a message", (after - before) / 60000);
    drop_place(&place);
}
