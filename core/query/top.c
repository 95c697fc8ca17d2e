/*
 * Counts ids of columns, without decoding a row: one walk marks the strings that occur, one pass
 * over the dictionary gives each its place in the tally, one more walk counts.
 */
#include "core/query/top.h"

#include "core/fault.h"
#include "core/index/address.h"
#include "core/query/bitmap.h"
#include "core/query/result.h"
#include "formats/cursor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PLACE_WANTED  (UINT32_MAX - 1)
#define PLACE_NOT     UINT32_MAX
#define SPARSE_FACTOR 16 /* fewer strings than one in so many: fetched singly, in order */

struct spr_top {
    struct spr_tally *tally;
    uint64_t rank;
};

struct count {
    struct spr_tally *tally;
    enum spr_field field;
    struct spr_segment_reader *reader, *strings;
    uint32_t segment, row_count, string_count;
    uint32_t *places; /* string id to spelling, PLACE_WANTED or PLACE_NOT */
    bool is_counting; /* the second walk */
    struct spr_tally_message message;
    int error;
    struct spr_fault *fault;
};

static bool is_domain(enum spr_field field)
{
    return field == SPR_FIELD_SENDER_DOMAIN || field == SPR_FIELD_RCPT_DOMAIN;
}

static enum spr_column field_column(enum spr_field field)
{
    switch (field) {
    case SPR_FIELD_ACCOUNT:
        return SPR_COLUMN_ACCOUNT;
    case SPR_FIELD_SENDER:
    case SPR_FIELD_SENDER_DOMAIN:
        return SPR_COLUMN_SENDER;
    case SPR_FIELD_CLIENT:
        return SPR_COLUMN_CLIENT;
    case SPR_FIELD_SUBJECT:
        return SPR_COLUMN_SUBJECT;
    case SPR_FIELD_LOCAL_USER:
        return SPR_COLUMN_LOCAL_USER;
    case SPR_FIELD_ERROR:
        return SPR_COLUMN_LAST_ERROR;
    case SPR_FIELD_RCPT:
    case SPR_FIELD_RCPT_DOMAIN:
    case SPR_FIELD_STATE:
        break;
    }
    return SPR_COLUMN_COUNT;
}

/* One occurrence of a string, in either walk. */
static void meet(struct count *count, uint32_t id, uint64_t recipients)
{
    const bool known = id < count->string_count;
    if (!count->is_counting) {
        if (known) {
            count->places[id] = PLACE_WANTED;
        }
        return;
    }
    count->message.recipients = recipients;
    const uint32_t place = known ? count->places[id] : PLACE_NOT;
    spr_tally_count(count->tally, place < PLACE_WANTED ? place : SPR_TALLY_UNKNOWN,
                    &count->message);
}

/* A text that is in no dictionary. */
static int meet_text(struct count *count, const char *text, uint64_t recipients)
{
    if (!count->is_counting) {
        return 0;
    }
    uint32_t spelling = 0;
    const struct spr_text value = spr_text_of(text);
    const int r = spr_tally_spelling(count->tally, value, value, &spelling);
    if (r < 0) {
        return r;
    }
    count->message.recipients = recipients;
    spr_tally_count(count->tally, spelling, &count->message);
    return 0;
}

static int meet_recipients(struct count *count, uint32_t row)
{
    const struct spr_segment_recipient *recipients = NULL;
    uint32_t recipient_count = 0;
    const int r =
        spr_segment_recipients(count->reader, row, &recipients, &recipient_count, count->fault);
    if (r < 0) {
        return r;
    }
    for (uint32_t i = 0; i < recipient_count; i++) {
        meet(count, recipients[i].address, 1);
    }
    if (recipient_count == 0) {
        meet(count, SPR_STRING_NONE, 0);
    }
    return 0;
}

/* The errors of its recipients; where none is known, that of the message. */
static int meet_errors(struct count *count, uint32_t row)
{
    const struct spr_segment_recipient *recipients = NULL;
    uint32_t recipient_count = 0;
    int r = spr_segment_recipients(count->reader, row, &recipients, &recipient_count, count->fault);
    if (r < 0) {
        return r;
    }
    bool any = false;
    for (uint32_t i = 0; i < recipient_count; i++) {
        if (recipients[i].error != SPR_STRING_NONE) {
            meet(count, recipients[i].error, 1);
            any = true;
        }
    }
    if (any) {
        return 0;
    }
    uint32_t id = SPR_STRING_NONE;
    r = spr_segment_text_id(count->reader, row, SPR_COLUMN_LAST_ERROR, &id, count->fault);
    if (r == 0) {
        meet(count, id, recipient_count);
    }
    return r;
}

static int meet_column(struct count *count, uint32_t row, const struct spr_segment_facts *facts)
{
    uint32_t id = SPR_STRING_NONE;
    int r = spr_segment_text_id(count->reader, row, field_column(count->field), &id, count->fault);
    if (r < 0) {
        return r;
    }
    if (id == SPR_STRING_NONE && count->field == SPR_FIELD_LOCAL_USER) {
        int64_t uid = 0;
        r = spr_segment_number(count->reader, row, SPR_NUMBER_UID, &uid, count->fault);
        if (r < 0) {
            return r;
        }
        if (uid != SPR_COUNT_UNKNOWN) {
            char text[32];
            (void)snprintf(text, sizeof(text), "%lld", (long long)uid); /* 20 characters at most */
            return meet_text(count, text, facts->recipient_count);
        }
    }
    meet(count, id, facts->recipient_count);
    return 0;
}

static int meet_state(struct count *count, const struct spr_segment_facts *facts)
{
    static const char *const names[] = { [SPR_STATE_INCOMING] = "incoming",
                                         [SPR_STATE_ACTIVE] = "active",
                                         [SPR_STATE_DEFERRED] = "deferred",
                                         [SPR_STATE_HELD] = "held",
                                         [SPR_STATE_CORRUPT] = "corrupt" };
    const unsigned state = (unsigned)facts->state;
    const char *name = state < sizeof(names) / sizeof(names[0]) ? names[state] : "corrupt";
    return meet_text(count, name, facts->recipient_count);
}

static int meet_row(struct count *count, uint32_t row)
{
    struct spr_segment_facts facts;
    int r = spr_segment_facts(count->reader, row, &facts, count->fault);
    if (r < 0) {
        return r;
    }
    if (count->is_counting) {
        int64_t size = 0;
        r = spr_segment_number(count->reader, row, SPR_NUMBER_SIZE, &size, count->fault);
        if (r < 0) {
            return r;
        }
        count->message.bytes = size > 0 ? (uint64_t)size : 0;
        r = spr_segment_number(count->reader, row, SPR_NUMBER_ARRIVAL, &count->message.arrival,
                               count->fault);
        if (r < 0) {
            return r;
        }
        count->message.mark = ((uint64_t)count->segment << 32 | row) + 1;
    }
    switch (count->field) {
    case SPR_FIELD_RCPT:
    case SPR_FIELD_RCPT_DOMAIN:
        return meet_recipients(count, row);
    case SPR_FIELD_ERROR:
        return meet_errors(count, row);
    case SPR_FIELD_STATE:
        return meet_state(count, &facts);
    case SPR_FIELD_ACCOUNT:
    case SPR_FIELD_SENDER:
    case SPR_FIELD_SENDER_DOMAIN:
    case SPR_FIELD_CLIENT:
    case SPR_FIELD_SUBJECT:
    case SPR_FIELD_LOCAL_USER:
        break;
    }
    return meet_column(count, row, &facts);
}

static int walk(struct count *count, const uint64_t *rows)
{
    for (uint32_t row = spr_bitmap_next(rows, count->row_count, 0); row < count->row_count;
         row = spr_bitmap_next(rows, count->row_count, row + 1)) {
        const int r = meet_row(count, row);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* Gives a string its place in the tally. */
static int place_string(struct count *count, uint32_t id, struct spr_text text)
{
    uint8_t unquoted[SPR_ADDRESS_MAX];
    uint8_t form[SPR_ADDRESS_MAX];
    struct spr_text spelled = text;
    struct spr_text normal = text;
    if (is_domain(count->field)) {
        spelled = spr_address_domain(spr_address_unquote(text, unquoted));
        if (spelled.bytes == NULL) {
            count->places[id] = PLACE_NOT;
            return 0;
        }
        normal = (struct spr_text){ form, spr_domain_normalise(spelled, form) };
    } else if (count->field != SPR_FIELD_SUBJECT && count->field != SPR_FIELD_ERROR) {
        normal = (struct spr_text){ form, spr_address_normalise(text, form) };
    }
    return spr_tally_spelling(count->tally, spelled, normal, &count->places[id]);
}

static int on_string(uint32_t id, struct spr_text text, void *user)
{
    struct count *count = user;
    if (id < count->string_count && count->places[id] == PLACE_WANTED) {
        count->error = place_string(count, id, text);
    }
    return count->error < 0 ? 1 : 0;
}

static int place_strings(struct count *count)
{
    uint32_t wanted = 0;
    for (uint32_t id = 0; id < count->string_count; id++) {
        wanted += count->places[id] == PLACE_WANTED ? 1 : 0;
    }
    if (wanted >= count->string_count / SPARSE_FACTOR) {
        const int r =
            spr_segment_strings(count->strings, (struct spr_segment_ids){ 0, count->string_count },
                                on_string, count, count->fault);
        return count->error < 0 ? count->error : r;
    }
    for (uint32_t id = 0; id < count->string_count; id++) {
        if (count->places[id] != PLACE_WANTED) {
            continue;
        }
        struct spr_text text;
        int r = spr_segment_string(count->strings, id, &text, count->fault);
        if (r < 0) {
            return r;
        }
        r = place_string(count, id, text);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int count_segment(struct count *count, const struct spr_segment *segment,
                         const uint64_t *rows)
{
    count->row_count = spr_segment_count(segment);
    count->string_count = spr_segment_string_count(segment);
    if (spr_bitmap_empty(rows, count->row_count)) {
        return 0;
    }
    const size_t size = ((size_t)count->string_count + 1) * sizeof(*count->places);
    int r = -ENOMEM;
    count->places = malloc(size);
    if (count->places == NULL) {
        goto done;
    }
    memset(count->places, 0xff, size); /* PLACE_NOT */
    r = spr_segment_reader_new(segment, &count->reader);
    if (r < 0) {
        goto done;
    }
    r = spr_segment_reader_new(segment, &count->strings);
    if (r < 0) {
        goto done;
    }
    count->is_counting = false;
    r = count->field == SPR_FIELD_STATE ? 0 : walk(count, rows);
    if (r < 0) {
        goto done;
    }
    r = place_strings(count);
    if (r < 0) {
        goto done;
    }
    count->is_counting = true;
    r = walk(count, rows);

done:
    spr_segment_reader_free(count->reader);
    spr_segment_reader_free(count->strings);
    count->reader = NULL;
    count->strings = NULL;
    free(count->places);
    count->places = NULL;
    return r;
}

int spr_top_count(const struct spr_snapshot *snapshot, uint64_t *const *rows, enum spr_field field,
                  struct spr_tally **ret_tally, struct spr_fault *fault)
{
    struct count count = { .field = field, .fault = fault };
    int r = spr_tally_new(snapshot->manifest->secret.seed, &count.tally);
    if (r < 0) {
        return r;
    }
    for (uint32_t i = 0; i < snapshot->manifest->segment_count && r == 0; i++) {
        count.segment = i;
        r = count_segment(&count, snapshot->segments[i], rows[i]);
    }
    if (r == 0) {
        r = spr_tally_rank(count.tally);
    }
    if (r < 0) {
        spr_tally_free(count.tally);
        return r;
    }
    *ret_tally = count.tally;
    return 0;
}

int spr_top(struct spr_index *index, const struct spr_query *query, enum spr_field field,
            struct spr_top **ret_top, struct spr_fault *fault)
{
    struct spr_result *result = NULL;
    struct spr_top *top = calloc(1, sizeof(*top));
    if (top == NULL) {
        return -ENOMEM;
    }
    int r = spr_result_open(index, query, SPR_SORT_NONE, false, &result, fault);
    if (r < 0) {
        goto fail;
    }
    const struct spr_snapshot *snapshot = spr_result_snapshot(result);
    if (field == SPR_FIELD_SUBJECT && !snapshot->manifest->has_subjects) {
        r = spr_fault_set(fault, SPR_E_UNABLE, "subject", 0,
                          "subjects are not in the index: scan with --subjects");
        goto fail;
    }
    r = spr_top_count(snapshot, spr_result_rows(result), field, &top->tally, fault);
    if (r < 0) {
        goto fail;
    }
    spr_result_close(result);
    *ret_top = top;
    return 0;

fail:
    spr_result_close(result);
    spr_top_free(top);
    return r;
}

int spr_top_next(struct spr_top *top, struct spr_top_row *ret_row)
{
    if (top->rank >= spr_tally_size(top->tally)) {
        return 0;
    }
    struct spr_text normal;
    spr_tally_row(top->tally, top->rank++, ret_row, &normal);
    return 1;
}

void spr_top_free(struct spr_top *top)
{
    if (top == NULL) {
        return;
    }
    spr_tally_free(top->tally);
    free(top);
}
