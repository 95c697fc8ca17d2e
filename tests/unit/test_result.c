/*
 * Results through the public interface: what a message shows, order, snapshots, threads.
 */
#include "core/query/result.h"
#include "tests/support/place.h"
#include "tests/support/sample_records.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#define ROWS     150
#define SEGMENTS 3

static void change(struct sample_record *sample, uint32_t number)
{
    static const uint8_t nothing[1] = { 0 };
    struct spr_record *record = &sample->record;
    if (number % 10 == 3) {
        record->text[SPR_COLUMN_SENDER] = (struct spr_text){ nothing, 0 };
        record->number[SPR_NUMBER_ARRIVAL] = SPR_TIME_UNKNOWN;
        record->number[SPR_NUMBER_SIZE] = SPR_COUNT_UNKNOWN;
    }
    if (number % 10 == 4) {
        record->text[SPR_COLUMN_SENDER] = (struct spr_text){ NULL, 0 };
        record->folder = (struct spr_text){ nothing, 0 };
    }
}

static void add_segment(struct spr_index *index, struct spr_manifest *manifest, uint32_t number)
{
    struct spr_segment_builder *builder = NULL;
    struct sample_record *sample = malloc(sizeof(*sample));
    char name[SPR_SEGMENT_NAME_MAX + 1];
    cr_assert_not_null(sample);
    cr_assert_eq(spr_segment_builder_new(&manifest->secret, &builder), 0);
    for (uint32_t i = 0; i < ROWS; i++) {
        sample_message(sample, 3, number * ROWS + i);
        change(sample, number * ROWS + i);
        cr_assert_eq(spr_segment_builder_add(builder, &sample->record), 0);
    }
    spr_manifest_next_name(manifest, name);
    cr_assert_eq(spr_segment_builder_write(builder, index->dir_fd, name, NULL), 0);
    cr_assert_eq(spr_manifest_add_segment(manifest, name, ROWS, ROWS), 0);
    spr_segment_builder_free(builder);
    free(sample);
}

/* An index of a Postfix spool, without subjects. */
static void open_place(struct place *place, uint32_t segments)
{
    struct spr_manifest *manifest = NULL;
    make_place(place, &manifest);
    for (uint32_t i = 0; i < segments; i++) {
        add_segment(place->index, manifest, i);
    }
    cr_assert_eq(spr_catalog_publish(place->index, manifest, NULL), 0);
}

static struct spr_result *open_result(struct place *place, const char *text, enum spr_sort sort,
                                      bool descending)
{
    struct spr_query *query = NULL;
    struct spr_result *result = NULL;
    struct spr_fault fault = { 0 };
    cr_assert_eq(spr_query_compile(text, 0, &query, &fault), 0, "%s", fault.detail);
    cr_assert_eq(spr_result_open(place->index, query, sort, descending, &result, &fault), 0, "%s",
                 fault.detail);
    spr_query_free(query);
    return result;
}

static bool is_text(struct spr_text text, const char *expected)
{
    return text.bytes != NULL && text.length == strlen(expected) &&
           memcmp(text.bytes, expected, text.length) == 0;
}

Test(result, gives_every_message_once)
{
    struct place place;
    open_place(&place, SEGMENTS);
    struct spr_result *result = open_result(&place, "*", SPR_SORT_NONE, false);
    struct spr_message message;
    uint64_t count = 0;

    while (spr_result_next(result, &message, NULL) == 1) {
        count++;
    }

    cr_expect_eq(count, SEGMENTS * ROWS);
    cr_expect_eq(spr_result_count(result), count);
    cr_expect_eq(spr_result_next(result, &message, NULL), 0, "the end stays the end");
    spr_result_close(result);
    close_place(&place);
}

Test(result, takes_no_query_for_everything)
{
    struct place place;
    open_place(&place, 1);
    struct spr_result *result = NULL;

    cr_assert_eq(spr_result_open(place.index, NULL, SPR_SORT_NONE, false, &result, NULL), 0);

    cr_expect_eq(spr_result_count(result), ROWS);
    cr_expect_not_null(strstr(spr_result_explain(result), "150 of 150 messages in 1 segment"));
    spr_result_close(result);
    close_place(&place);
}

Test(result, shows_what_the_record_says)
{
    struct place place;
    open_place(&place, 1);
    static struct sample_record sample;
    char path[256];
    sample_message(&sample, 3, 5);
    (void)snprintf(path, sizeof(path), "%.*s/%.*s", (int)sample.record.folder.length,
                   sample.record.folder.bytes, (int)sample.record.files[0].name.length,
                   sample.record.files[0].name.bytes);
    char text[64];
    (void)snprintf(text, sizeof(text), "id:%.*s", (int)sample.record.queue_id.length,
                   sample.record.queue_id.bytes);
    struct spr_result *result = open_result(&place, text, SPR_SORT_NONE, false);
    struct spr_message message;

    cr_assert_eq(spr_result_next(result, &message, NULL), 1);

    cr_expect(is_text(message.path, path));
    cr_expect_not_null(message.queue_name.bytes, "the folder's word where the record has none");
    cr_expect_eq(message.state, SPR_STATE_DEFERRED);
    cr_expect_eq(message.auth_source, SPR_AUTH_ENVELOPE);
    cr_expect_eq(message.arrival_time, sample.record.number[SPR_NUMBER_ARRIVAL]);
    cr_expect_eq(message.attempts, SPR_COUNT_UNKNOWN);
    cr_expect_eq(message.recipient_count, sample.record.recipient_count);
    cr_expect_null(message.subject.bytes);
    spr_result_close(result);
    close_place(&place);
}

Test(result, keeps_the_null_sender_apart_from_the_unknown)
{
    struct place place;
    open_place(&place, 1);
    struct spr_result *null_sender = open_result(&place, "from:<>", SPR_SORT_NONE, false);
    struct spr_result *unknown =
        open_result(&place, "not from:<> not from:*", SPR_SORT_NONE, false);
    struct spr_message message;

    cr_expect_eq(spr_result_count(null_sender), ROWS / 10);
    cr_assert_eq(spr_result_next(null_sender, &message, NULL), 1);
    cr_expect(message.sender.bytes != NULL && message.sender.length == 0);
    cr_expect_eq(spr_result_count(unknown), ROWS / 10);
    cr_assert_eq(spr_result_next(unknown, &message, NULL), 1);
    cr_expect_null(message.sender.bytes);
    cr_expect_null(memchr(message.path.bytes, '/', message.path.length), "no folder, no slash");
    spr_result_close(null_sender);
    spr_result_close(unknown);
    close_place(&place);
}

/* -1, 0, 1 for two messages in ascending order; unknown ones are above all. */
static int compare(enum spr_sort sort, const struct spr_message *a, const struct spr_message *b,
                   const uint8_t *text, size_t length)
{
    switch (sort) {
    case SPR_SORT_ARRIVAL:
        return (a->arrival_time > b->arrival_time) - (a->arrival_time < b->arrival_time);
    case SPR_SORT_SIZE:
        return (a->message_size > b->message_size) - (a->message_size < b->message_size);
    case SPR_SORT_RECIPIENTS:
        return (a->recipient_count > b->recipient_count) -
               (a->recipient_count < b->recipient_count);
    case SPR_SORT_SENDER:
    case SPR_SORT_ID: {
        const struct spr_text other = sort == SPR_SORT_ID ? b->queue_id : b->sender;
        const size_t shorter = length < other.length ? length : other.length;
        const int r = shorter > 0 ? memcmp(text, other.bytes, shorter) : 0;
        return r != 0 ? r : (length > other.length) - (length < other.length);
    }
    case SPR_SORT_NONE:
        break;
    }
    return 0;
}

static bool is_unknown(enum spr_sort sort, const struct spr_message *message)
{
    return (sort == SPR_SORT_ARRIVAL && message->arrival_time == SPR_TIME_UNKNOWN) ||
           (sort == SPR_SORT_SIZE && message->message_size == SPR_COUNT_UNKNOWN) ||
           (sort == SPR_SORT_SENDER && message->sender.bytes == NULL);
}

static void check_order(struct place *place, enum spr_sort sort, bool descending)
{
    struct spr_result *result = open_result(place, "account:*", sort, descending);
    struct spr_message before = { 0 };
    struct spr_message message;
    uint8_t text[512] = "";
    size_t length = 0;
    uint64_t count = 0;
    while (spr_result_next(result, &message, NULL) == 1) {
        if (count > 0 && !is_unknown(sort, &before)) {
            const int r =
                is_unknown(sort, &message) ? -1 : compare(sort, &before, &message, text, length);
            cr_assert(is_unknown(sort, &message) || (descending ? r >= 0 : r <= 0),
                      "sort %u, row %llu", (unsigned)sort, (unsigned long long)count);
        } else if (count > 0) {
            cr_assert(is_unknown(sort, &message), "unknown ones come last");
        }
        const struct spr_text key = sort == SPR_SORT_ID ? message.queue_id : message.sender;
        length = key.length;
        cr_assert_leq(length, sizeof(text));
        if (length > 0) {
            memcpy(text, key.bytes, length);
        }
        before = message;
        count++;
    }
    cr_assert_eq(count, SEGMENTS * ROWS);
    spr_result_close(result);
}

Test(result, sorts_both_ways)
{
    static const enum spr_sort sorts[] = { SPR_SORT_ARRIVAL, SPR_SORT_SIZE, SPR_SORT_SENDER,
                                           SPR_SORT_ID, SPR_SORT_RECIPIENTS };
    struct place place;
    open_place(&place, SEGMENTS);

    for (size_t i = 0; i < sizeof(sorts) / sizeof(sorts[0]); i++) {
        check_order(&place, sorts[i], false);
        check_order(&place, sorts[i], true);
    }
    close_place(&place);
}

Test(result, keeps_seeing_the_index_as_it_was)
{
    struct place place;
    open_place(&place, 1);
    struct spr_result *result = open_result(&place, "*", SPR_SORT_NONE, false);
    struct spr_snapshot *snapshot = NULL;
    struct spr_manifest *manifest = NULL;
    struct spr_message message;
    uint64_t count = 0;
    cr_assert_eq(spr_catalog_snapshot(place.index, &snapshot, NULL), 0);
    cr_assert_eq(spr_manifest_copy(snapshot->manifest, &manifest), 0);
    spr_snapshot_release(snapshot);
    manifest->segment_count = 0;
    cr_assert_eq(spr_catalog_publish(place.index, manifest, NULL), 0);

    while (spr_result_next(result, &message, NULL) == 1) {
        count++;
    }

    cr_expect_eq(count, ROWS);
    spr_result_close(result);
    result = open_result(&place, "*", SPR_SORT_NONE, false);
    cr_expect_eq(spr_result_count(result), 0);
    spr_result_close(result);
    close_place(&place);
}

Test(result, gives_whole_records_to_plans)
{
    struct place place;
    open_place(&place, 1);
    static struct sample_record sample;
    struct spr_result *result = open_result(&place, "*", SPR_SORT_NONE, false);

    for (uint32_t i = 0; i < ROWS; i++) {
        struct spr_record record;
        cr_assert_eq(spr_result_next_record(result, &record, NULL), 1);
        sample_message(&sample, 3, i);
        change(&sample, i);
        assert_record_eq(&record, &sample.record, "row");
    }

    cr_expect_not_null(spr_result_snapshot(result));
    spr_result_close(result);
    close_place(&place);
}

Test(result, refuses_subjects_that_are_not_indexed)
{
    struct place place;
    open_place(&place, 1);
    struct spr_top *top = NULL;
    struct spr_fault fault = { 0 };

    cr_expect_eq(spr_top(place.index, NULL, SPR_FIELD_SUBJECT, &top, &fault), SPR_E_UNABLE);

    cr_expect_null(top);
    cr_expect_not_null(strstr(fault.detail, "--subjects"));
    close_place(&place);
}

Test(result, refuses_queries_for_what_is_not_indexed)
{
    struct place place;
    open_place(&place, 1);
    static const char *const texts[] = { "subject:invoice", "from:a or not header-from:b",
                                         "error:refused" };
    const uint32_t needs[] = { SPR_SCAN_SUBJECTS, SPR_SCAN_SUBJECTS, SPR_SCAN_ERRORS };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct spr_query *query = NULL;
        struct spr_result *result = NULL;
        struct spr_fault fault = { 0 };
        cr_assert_eq(spr_query_compile(texts[i], 0, &query, NULL), 0);

        cr_expect_eq(spr_query_needs(query), needs[i], "%s", texts[i]);
        cr_expect_eq(spr_result_open(place.index, query, SPR_SORT_NONE, false, &result, &fault),
                     SPR_E_UNABLE, "%s", texts[i]);
        cr_expect_not_null(strstr(fault.detail, "scan with --"), "%s", texts[i]);
        spr_query_free(query);
    }
    close_place(&place);
}

Test(result, ranks_and_judges_through_the_public_interface)
{
    struct place place;
    open_place(&place, SEGMENTS);
    struct spr_query *query = NULL;
    struct spr_top *top = NULL;
    struct spr_top_row row;
    struct spr_verdict_report *report = NULL;
    cr_assert_eq(spr_query_compile("account:mallory@example.org", 0, &query, NULL), 0);

    cr_assert_eq(spr_top(place.index, query, SPR_FIELD_ACCOUNT, &top, NULL), 0);
    cr_assert_eq(spr_verdict(place.index, &report, NULL), 0);

    cr_expect_eq(spr_top_next(top, &row), 1);
    cr_expect(is_text(row.value, "mallory@example.org"));
    cr_expect_eq(spr_top_next(top, &row), 0);
    cr_expect_eq(spr_verdict_facts(report)->total_messages, SEGMENTS * ROWS);
    spr_verdict_free(report);
    spr_top_free(top);
    spr_query_free(query);
    close_place(&place);
}

struct reader {
    struct spr_index *index;
    const struct spr_query *query;
    uint64_t count;
    int error;
};

static void *read_all(void *user)
{
    struct reader *reader = user;
    struct spr_result *result = NULL;
    struct spr_message message;
    reader->error =
        spr_result_open(reader->index, reader->query, SPR_SORT_SENDER, false, &result, NULL);
    while (reader->error == 0 && spr_result_next(result, &message, NULL) == 1) {
        reader->count++;
    }
    spr_result_close(result);
    return NULL;
}

Test(result, serves_many_threads_with_one_query)
{
    struct place place;
    open_place(&place, SEGMENTS);
    struct spr_query *query = NULL;
    cr_assert_eq(spr_query_compile("to:/[0-9]/ not from:*9@bulk.example", 0, &query, NULL), 0);
    struct reader readers[4];
    pthread_t threads[4];

    for (size_t i = 0; i < 4; i++) {
        readers[i] = (struct reader){ place.index, query, 0, 0 };
        cr_assert_eq(pthread_create(&threads[i], NULL, read_all, &readers[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        cr_assert_eq(pthread_join(threads[i], NULL), 0);
    }

    for (size_t i = 0; i < 4; i++) {
        cr_expect_eq(readers[i].error, 0);
        cr_expect_gt(readers[i].count, 0);
        cr_expect_eq(readers[i].count, readers[0].count);
    }
    spr_query_free(query);
    close_place(&place);
}
