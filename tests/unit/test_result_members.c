/*
 * A message of which only some members are wanted: they are as in the whole one, others unknown.
 */
#include "core/query/result.h"
#include "formats/cursor.h"
#include "tests/support/place.h"
#include "tests/support/sample_records.h"

#include <stdlib.h>

#include <criterion/criterion.h>

#define ROWS 60

/* An index of one segment. */
static void open_place(struct place *place)
{
    struct spr_manifest *manifest = NULL;
    struct spr_segment_builder *builder = NULL;
    struct sample_record *sample = malloc(sizeof(*sample));
    char name[SPR_SEGMENT_NAME_MAX + 1];
    cr_assert_not_null(sample);
    make_place(place, &manifest);
    cr_assert_eq(spr_segment_builder_new(&manifest->secret, &builder), 0);
    for (uint32_t i = 0; i < ROWS; i++) {
        sample_hostile(sample, 5, i);
        cr_assert_eq(spr_segment_builder_add(builder, &sample->record), 0);
    }
    spr_manifest_next_name(manifest, name);
    cr_assert_eq(spr_segment_builder_write(builder, place->index->dir_fd, name, NULL), 0);
    cr_assert_eq(spr_manifest_add_segment(manifest, name, ROWS, ROWS), 0);
    spr_segment_builder_free(builder);
    free(sample);
    cr_assert_eq(spr_catalog_publish(place->index, manifest, NULL), 0);
}

static bool same_text(struct spr_text some, struct spr_text whole, bool is_wanted)
{
    return is_wanted ? spr_texts_equal(some, whole) && (some.bytes == NULL) == (whole.bytes == NULL)
                     : some.bytes == NULL;
}

static bool same_number(int64_t some, int64_t whole, bool is_wanted)
{
    return some == (is_wanted ? whole : SPR_COUNT_UNKNOWN);
}

static bool same_recipients(const struct spr_message *some, const struct spr_message *whole)
{
    if (some->recipient_count != whole->recipient_count) {
        return false;
    }
    for (uint32_t i = 0; i < some->recipient_count; i++) {
        const struct spr_recipient *a = &some->recipients[i];
        const struct spr_recipient *b = &whole->recipients[i];
        if (!same_text(a->address, b->address, true) ||
            !same_text(a->original, b->original, true) || !same_text(a->error, b->error, true) ||
            a->state != b->state) {
            return false;
        }
    }
    return true;
}

static void check_message(const struct spr_message *some, const struct spr_message *whole,
                          uint32_t members)
{
#define WANTED(member) ((members & SPR_MEMBER_##member) != 0)
    cr_expect(same_text(some->sender, whole->sender, WANTED(SENDER)));
    cr_expect(same_text(some->auth_account, whole->auth_account, WANTED(AUTH_ACCOUNT)));
    cr_expect(same_text(some->auth_method, whole->auth_method, WANTED(AUTH_METHOD)));
    cr_expect(same_text(some->local_user, whole->local_user, WANTED(LOCAL_USER)));
    cr_expect(same_text(some->client_address, whole->client_address, WANTED(CLIENT_ADDRESS)));
    cr_expect(same_text(some->helo, whole->helo, WANTED(HELO)));
    cr_expect(same_text(some->subject, whole->subject, WANTED(SUBJECT)));
    cr_expect(same_text(some->header_from, whole->header_from, WANTED(HEADER_FROM)));
    cr_expect(same_text(some->message_id, whole->message_id, WANTED(MESSAGE_ID)));
    cr_expect(same_text(some->last_error, whole->last_error, WANTED(LAST_ERROR)));
    cr_expect(same_number(some->arrival_time, whole->arrival_time, WANTED(ARRIVAL_TIME)));
    cr_expect(same_number(some->next_retry, whole->next_retry, WANTED(NEXT_RETRY)));
    cr_expect(same_number(some->attempts, whole->attempts, WANTED(ATTEMPTS)));
    cr_expect(same_number(some->message_size, whole->message_size, WANTED(MESSAGE_SIZE)));
    cr_expect(same_number(some->uid, whole->uid, WANTED(UID)));
    if (WANTED(PATH)) {
        cr_expect(spr_texts_equal(some->path, whole->path));
    }
    if (WANTED(QUEUE_ID)) {
        cr_expect(spr_texts_equal(some->queue_id, whole->queue_id));
    }
    if (WANTED(QUEUE_NAME)) {
        cr_expect(spr_texts_equal(some->queue_name, whole->queue_name));
    }
    if (WANTED(FACTS)) {
        cr_expect(some->state == whole->state && some->auth_source == whole->auth_source &&
                  some->flags == whole->flags && some->recipient_count == whole->recipient_count);
    }
    if (WANTED(RECIPIENTS)) {
        cr_expect(same_recipients(some, whole));
    }
#undef WANTED
}

static void check_members(struct place *place, uint32_t members)
{
    struct spr_result *some = NULL;
    struct spr_result *whole = NULL;
    cr_assert_eq(spr_result_open(place->index, NULL, SPR_SORT_NONE, false, &some, NULL), 0);
    cr_assert_eq(spr_result_open(place->index, NULL, SPR_SORT_NONE, false, &whole, NULL), 0);
    spr_result_want(some, members);
    struct spr_message message;
    struct spr_message expected;

    while (spr_result_next(whole, &expected, NULL) == 1) {
        cr_assert_eq(spr_result_next(some, &message, NULL), 1);
        check_message(&message, &expected, members);
    }

    cr_expect_eq(spr_result_next(some, &message, NULL), 0);
    spr_result_close(some);
    spr_result_close(whole);
}

Test(result_members, are_those_of_the_whole_message)
{
    struct place place;
    open_place(&place);

    for (unsigned bit = 0; bit <= 20; bit++) {
        check_members(&place, bit < 20 ? UINT32_C(1) << bit : UINT32_MAX);
    }
    check_members(&place, SPR_MEMBER_QUEUE_ID | SPR_MEMBER_RECIPIENTS | SPR_MEMBER_FACTS);

    close_place(&place);
}
