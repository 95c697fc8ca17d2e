/*
 * Counts ids of columns, a block of rows at a time and without decoding a string more than once:
 * one walk marks the strings that occur, one pass over the dictionary gives each its place in the
 * tally, one more walk counts.
 */
#include "core/query/top.h"

#include "core/fault.h"
#include "core/index/address.h"
#include "core/query/bitmap.h"
#include "core/query/recipients.h"
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

/* What a walk asks of a block of rows: of each walk and field only some. */
struct block {
    uint32_t ids[SPR_SEGMENT_BLOCK], recipients[SPR_SEGMENT_BLOCK], states[SPR_SEGMENT_BLOCK];
    int64_t uids[SPR_SEGMENT_BLOCK], sizes[SPR_SEGMENT_BLOCK], arrivals[SPR_SEGMENT_BLOCK];
};

struct count {
    struct spr_tally *tally;
    enum spr_field field;
    const struct spr_segment *segment;
    struct spr_segment_reader *reader;
    uint32_t number;            /* of the segment */
    struct spr_segment_ids ids; /* that the field may have */
    uint32_t *places;           /* of each id: spelling, PLACE_WANTED or PLACE_NOT */
    bool is_distinct;           /* one walk is enough: only values are counted */
    bool is_counting;           /* the second walk */
    struct spr_tally_message message;
    struct block block;
    struct spr_recipients values; /* of the field, where it is one of recipients */
    int error;
    struct spr_fault *fault;
};

static bool is_of_recipients(enum spr_field field)
{
    return field == SPR_FIELD_RCPT || field == SPR_FIELD_RCPT_DOMAIN || field == SPR_FIELD_ERROR;
}

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
        break; /* they have none */
    }
    return SPR_COLUMN_COUNT;
}

/* NULL: an id that the field cannot have, such as none. */
static uint32_t *place_of(const struct count *count, uint32_t id)
{
    const bool is_known = id >= count->ids.first && id < count->ids.end;
    return is_known ? &count->places[id - count->ids.first] : NULL;
}

/* One occurrence of a string, in either walk. */
static void meet(struct count *count, uint32_t id, uint64_t recipients)
{
    uint32_t *place = place_of(count, id);
    if (!count->is_counting) {
        if (place != NULL) {
            *place = PLACE_WANTED;
        }
        return;
    }
    count->message.recipients = recipients;
    spr_tally_count(count->tally,
                    place != NULL && *place < PLACE_WANTED ? *place : SPR_TALLY_UNKNOWN,
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

/* Texts of its recipients; where none has any, that of the message. */
static int meet_recipients(struct count *count, uint32_t index, uint64_t first)
{
    const uint32_t recipients = count->block.recipients[index];
    const bool is_error = count->field == SPR_FIELD_ERROR;
    bool any = false;
    for (uint32_t i = 0; i < recipients; i++) {
        uint32_t id = SPR_STRING_NONE;
        const int r = spr_recipients_at(&count->values, first + i, &id, count->fault);
        if (r < 0) {
            return r;
        }
        if (!is_error || id != SPR_STRING_NONE) {
            meet(count, id, 1);
            any = true;
        }
    }
    if (!any) {
        meet(count, is_error ? count->block.ids[index] : SPR_STRING_NONE, recipients);
    }
    return 0;
}

/* A user may be known by number only. */
static int meet_user(struct count *count, uint32_t index)
{
    const int64_t uid = count->block.uids[index];
    if (count->block.ids[index] != SPR_STRING_NONE || uid == SPR_COUNT_UNKNOWN) {
        meet(count, count->block.ids[index], count->block.recipients[index]);
        return 0;
    }
    char text[32];
    (void)snprintf(text, sizeof(text), "%lld", (long long)uid); /* 20 characters at most */
    return meet_text(count, text, count->block.recipients[index]);
}

static int meet_state(struct count *count, uint32_t index)
{
    static const char *const names[] = { [SPR_STATE_INCOMING] = "incoming",
                                         [SPR_STATE_ACTIVE] = "active",
                                         [SPR_STATE_DEFERRED] = "deferred",
                                         [SPR_STATE_HELD] = "held",
                                         [SPR_STATE_CORRUPT] = "corrupt" };
    const uint32_t state = count->block.states[index]; /* checked where it is read */
    return meet_text(count, names[state], count->block.recipients[index]);
}

static int meet_row(struct count *count, uint32_t row, uint32_t index, uint64_t first_recipient)
{
    const struct block *block = &count->block;
    if (count->is_counting) {
        const int64_t size = block->sizes[index];
        count->message.bytes = size > 0 ? (uint64_t)size : 0;
        count->message.arrival = block->arrivals[index];
        count->message.mark = ((uint64_t)count->number << 32 | row) + 1;
    }
    if (is_of_recipients(count->field)) {
        return meet_recipients(count, index, first_recipient);
    }
    if (count->field == SPR_FIELD_STATE) {
        return meet_state(count, index);
    }
    if (count->field == SPR_FIELD_LOCAL_USER) {
        return meet_user(count, index);
    }
    meet(count, block->ids[index], block->recipients[index]);
    return 0;
}

/* Columns that only the second walk needs. */
static int load_counted(struct count *count, uint32_t first, uint32_t rows)
{
    struct block *block = &count->block;
    int r = spr_segment_numbers(count->reader, SPR_NUMBER_SIZE, first, rows, block->sizes,
                                count->fault);
    if (r == 0) {
        r = spr_segment_numbers(count->reader, SPR_NUMBER_ARRIVAL, first, rows, block->arrivals,
                                count->fault);
    }
    if (r == 0 && count->field == SPR_FIELD_STATE) {
        r = spr_segment_fact_values(count->reader, SPR_ROW_STATE, first, rows, block->states,
                                    count->fault);
    }
    if (r == 0 && count->field == SPR_FIELD_LOCAL_USER) {
        r = spr_segment_numbers(count->reader, SPR_NUMBER_UID, first, rows, block->uids,
                                count->fault);
    }
    return r;
}

static int load_block(struct count *count, uint32_t first, uint32_t rows, uint64_t *ret_recipient)
{
    struct block *block = &count->block;
    const enum spr_column column = field_column(count->field);
    const bool of_recipients = is_of_recipients(count->field);
    int r = 0;
    if (column != SPR_COLUMN_COUNT) {
        r = spr_segment_text_ids(count->reader, column, first, rows, block->ids, count->fault);
    }
    if (r == 0 && (count->is_counting || of_recipients)) {
        r = spr_segment_fact_values(count->reader, SPR_ROW_RECIPIENTS, first, rows,
                                    block->recipients, count->fault);
    }
    if (r == 0 && of_recipients) {
        r = spr_segment_first_recipient(count->reader, first, ret_recipient, count->fault);
    }
    return r == 0 && count->is_counting ? load_counted(count, first, rows) : r;
}

static int walk_block(struct count *count, const uint64_t *rows, uint32_t first, uint32_t length)
{
    uint64_t recipient = 0;
    if (spr_bitmap_next(rows, first + length, first) == first + length) {
        return 0;
    }
    const bool of_recipients = is_of_recipients(count->field);
    int r = load_block(count, first, length, &recipient);
    for (uint32_t i = 0; r == 0 && i < length; i++) {
        if (spr_bitmap_has(rows, first + i)) {
            r = meet_row(count, first + i, i, recipient);
        }
        recipient += of_recipients ? count->block.recipients[i] : 0;
    }
    return r;
}

static int walk(struct count *count, const uint64_t *rows)
{
    const uint32_t total = spr_segment_count(count->segment);
    int r = 0;
    for (uint32_t first = 0; r == 0 && first < total; first += SPR_SEGMENT_BLOCK) {
        const uint32_t left = total - first;
        r = walk_block(count, rows, first, left < SPR_SEGMENT_BLOCK ? left : SPR_SEGMENT_BLOCK);
    }
    return r;
}

/* Most strings share their domain with others: it is made normal once. */
static int place_domain(struct count *count, struct spr_text text, uint32_t *ret_place)
{
    uint8_t unquoted[SPR_ADDRESS_MAX];
    uint8_t form[SPR_ADDRESS_MAX];
    const struct spr_text domain = spr_address_domain(spr_address_unquote(text, unquoted));
    *ret_place = PLACE_NOT;
    if (domain.bytes == NULL || spr_tally_find(count->tally, domain, ret_place)) {
        return 0;
    }
    const struct spr_text normal = { form, spr_domain_normalise(domain, form) };
    return spr_tally_spelling(count->tally, domain, normal, ret_place);
}

/* Gives a string its place in the tally. */
static int place_string(struct count *count, struct spr_text text, uint32_t *ret_place)
{
    uint8_t form[SPR_ADDRESS_MAX];
    struct spr_text normal = text;
    if (is_domain(count->field)) {
        return place_domain(count, text, ret_place);
    }
    if (count->field != SPR_FIELD_SUBJECT && count->field != SPR_FIELD_ERROR) {
        normal = (struct spr_text){ form, spr_address_normalise(text, form) };
    }
    return spr_tally_spelling(count->tally, text, normal, ret_place);
}

static int on_string(uint32_t id, struct spr_text text, void *user)
{
    struct count *count = user;
    uint32_t *place = place_of(count, id);
    if (place != NULL && *place == PLACE_WANTED) {
        count->error = place_string(count, text, place);
    }
    return count->error < 0 ? 1 : 0;
}

static int place_strings(struct count *count)
{
    const uint32_t total = count->ids.end - count->ids.first;
    uint32_t wanted = 0;
    for (uint32_t i = 0; i < total; i++) {
        wanted += count->places[i] == PLACE_WANTED ? 1 : 0;
    }
    if (wanted >= total / SPARSE_FACTOR) {
        const int r =
            spr_segment_strings(count->reader, count->ids, on_string, count, count->fault);
        return count->error < 0 ? count->error : r;
    }
    for (uint32_t i = 0; i < total; i++) {
        if (count->places[i] != PLACE_WANTED) {
            continue;
        }
        struct spr_text text;
        int r = spr_segment_string(count->reader, count->ids.first + i, &text, count->fault);
        if (r == 0) {
            r = place_string(count, text, &count->places[i]);
        }
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static struct spr_segment_ids ids_of_field(const struct count *count)
{
    if (count->field == SPR_FIELD_STATE) {
        return (struct spr_segment_ids){ 0, 0 };
    }
    return count->field == SPR_FIELD_RCPT || count->field == SPR_FIELD_RCPT_DOMAIN
               ? spr_segment_ids_of_recipients(count->segment)
               : spr_segment_ids_of(count->segment, field_column(count->field));
}

static int count_segment(struct count *count, const struct spr_segment *segment,
                         const uint64_t *rows)
{
    count->segment = segment;
    count->ids = ids_of_field(count);
    if (spr_bitmap_empty(rows, spr_segment_count(segment))) {
        return 0;
    }
    const size_t size = ((size_t)(count->ids.end - count->ids.first) + 1) * sizeof(*count->places);
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
    spr_recipients_init(&count->values, segment, count->reader,
                        count->field == SPR_FIELD_ERROR ? SPR_RCPT_ERROR_ID : SPR_RCPT_ADDRESS_ID);
    count->is_counting = false;
    r = count->field == SPR_FIELD_STATE ? 0 : walk(count, rows);
    if (r == 0 && count->field != SPR_FIELD_STATE) {
        r = place_strings(count);
    }
    if (r == 0 && !count->is_distinct) {
        count->is_counting = true;
        r = walk(count, rows);
    }

done:
    spr_segment_reader_free(count->reader);
    count->reader = NULL;
    free(count->places);
    count->places = NULL;
    return r;
}

/* Fills a new tally, which is the caller's to free, also after a failure. */
static int run_count(struct count *count, const struct spr_snapshot *snapshot,
                     uint64_t *const *rows)
{
    int r = spr_tally_new(snapshot->manifest->secret.seed, &count->tally);
    for (uint32_t i = 0; i < snapshot->manifest->segment_count && r == 0; i++) {
        count->number = i;
        r = count_segment(count, snapshot->segments[i], rows[i]);
    }
    return r;
}

static struct count *make_count(enum spr_field field, bool is_distinct, struct spr_fault *fault)
{
    struct count *count = calloc(1, sizeof(*count));
    if (count != NULL) {
        count->field = field;
        count->is_distinct = is_distinct;
        count->fault = fault;
    }
    return count;
}

int spr_top_count(const struct spr_snapshot *snapshot, uint64_t *const *rows, enum spr_field field,
                  struct spr_tally **ret_tally, struct spr_fault *fault)
{
    struct count *count = make_count(field, false, fault);
    if (count == NULL) {
        return -ENOMEM;
    }
    int r = run_count(count, snapshot, rows);
    if (r == 0) {
        r = spr_tally_rank(count->tally);
    }
    if (r == 0) {
        *ret_tally = count->tally;
    } else {
        spr_tally_free(count->tally);
    }
    free(count);
    return r;
}

int spr_top_distinct(const struct spr_snapshot *snapshot, uint64_t *const *rows,
                     enum spr_field field, uint64_t *ret_count, struct spr_fault *fault)
{
    struct count *count = make_count(field, true, fault);
    if (count == NULL) {
        return -ENOMEM;
    }
    const int r = run_count(count, snapshot, rows);
    if (r == 0) {
        *ret_count = spr_tally_values(count->tally);
    }
    spr_tally_free(count->tally);
    free(count);
    return r;
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
