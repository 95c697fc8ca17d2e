/*
 * Bitmaps are walked in index order, or a sorted list of rows. Readers are opened when a row of
 * their segment is met; at most READERS_MAX are kept.
 */
#include "core/query/result.h"

#include "core/fault.h"
#include "core/library.h"
#include "core/query/bitmap.h"
#include "core/query/order.h"
#include "core/query/strategy.h"
#include "formats/format.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define READERS_MAX 64 /* a sorted result jumps between segments */

struct slot {
    uint32_t segment;
    struct spr_segment_reader *reader;
};

struct spr_result {
    struct spr_snapshot *snapshot;
    const struct spr_format *format;
    struct spr_selection selection;
    struct spr_order_entry *order; /* NULL: index order */
    uint64_t position;             /* in order */
    uint32_t segment, row;         /* where to look next in index order */
    struct slot slots[READERS_MAX];
    bool wants_some; /* else messages are told whole */
    struct spr_record_wish wish;
    uint8_t path[SPR_PATH_MAX + SPR_NAME_MAX + 2];
};

/* An answer from an index that lacks what is asked for would say "nothing matches". */
static int check_needs(const struct spr_manifest *manifest, uint32_t needs, struct spr_fault *fault)
{
    if (manifest->scanned_at == 0) {
        return 0;
    }
    if ((needs & SPR_SCAN_SUBJECTS) != 0 && !manifest->has_subjects) {
        return spr_fault_set(fault, SPR_E_UNABLE, "subjects", 0,
                             "they are not in the index: scan with --subjects");
    }
    if ((needs & SPR_SCAN_ERRORS) != 0 && !manifest->has_errors) {
        return spr_fault_set(fault, SPR_E_UNABLE, "errors", 0,
                             "they are not in the index: scan with --errors");
    }
    return 0;
}

int spr_result_open(struct spr_index *index, const struct spr_query *query, enum spr_sort sort,
                    bool descending, struct spr_result **ret_result, struct spr_fault *fault)
{
    struct spr_result *result = calloc(1, sizeof(*result));
    if (result == NULL) {
        return -ENOMEM;
    }
    int r = spr_catalog_snapshot(index, &result->snapshot, fault);
    if (r < 0) {
        goto fail;
    }
    const struct spr_manifest *manifest = result->snapshot->manifest;
    r = query != NULL ? check_needs(manifest, spr_query_needs(query), fault) : 0;
    if (r < 0) {
        goto fail;
    }
    if (manifest->format != NULL) {
        result->format = spr_format_named(&index->options, manifest->format);
    }
    const struct spr_question question = { query, result->format, time(NULL),
                                           index->options.workers };
    r = spr_selection_run(result->snapshot, &question, &result->selection, fault);
    if (r < 0) {
        goto fail;
    }
    if (sort != SPR_SORT_NONE) {
        r = spr_order_make(result->snapshot, &result->selection, sort, descending, &result->order,
                           fault);
        if (r < 0) {
            goto fail;
        }
    }
    *ret_result = result;
    return 0;

fail:
    spr_result_close(result);
    return r;
}

void spr_result_close(struct spr_result *result)
{
    if (result == NULL) {
        return;
    }
    for (unsigned i = 0; i < READERS_MAX; i++) {
        spr_segment_reader_free(result->slots[i].reader);
    }
    free(result->order);
    spr_selection_done(&result->selection);
    if (result->snapshot != NULL) {
        spr_snapshot_release(result->snapshot);
    }
    free(result);
}

static bool next_row(struct spr_result *result, uint32_t *ret_segment, uint32_t *ret_row)
{
    if (result->order != NULL) {
        if (result->position >= result->selection.count) {
            return false;
        }
        *ret_segment = result->order[result->position].segment;
        *ret_row = result->order[result->position].row;
        result->position++;
        return true;
    }
    while (result->segment < result->selection.segment_count) {
        const uint32_t rows = spr_segment_count(result->snapshot->segments[result->segment]);
        const uint32_t row =
            spr_bitmap_next(result->selection.rows[result->segment], rows, result->row);
        if (row < rows) {
            *ret_segment = result->segment;
            *ret_row = row;
            result->row = row + 1;
            return true;
        }
        result->segment++;
        result->row = 0;
    }
    return false;
}

/* In index order one reader is enough, so the slots are used one after the other. */
static int reader_for(struct spr_result *result, uint32_t segment,
                      struct spr_segment_reader **ret_reader)
{
    struct slot *slot = &result->slots[result->order != NULL ? segment % READERS_MAX : 0];
    if (slot->reader == NULL || slot->segment != segment) {
        spr_segment_reader_free(slot->reader);
        slot->reader = NULL;
        const int r = spr_segment_reader_new(result->snapshot->segments[segment], &slot->reader);
        if (r < 0) {
            return r;
        }
        slot->segment = segment;
    }
    *ret_reader = slot->reader;
    return 0;
}

/* What a record must have for each member of a message. */
static const struct {
    enum spr_member member;
    struct spr_record_wish wish;
} MEMBERS[] = {
    { SPR_MEMBER_PATH, { SPR_PART_NAMES, 0, 0 } },
    { SPR_MEMBER_QUEUE_NAME, { SPR_PART_DIR, 1u << SPR_COLUMN_QUEUE_NAME, 0 } },
    { SPR_MEMBER_QUEUE_ID, { SPR_PART_QUEUE_ID, 0, 0 } },
    { SPR_MEMBER_SENDER, { 0, 1u << SPR_COLUMN_SENDER, 0 } },
    { SPR_MEMBER_AUTH_ACCOUNT, { 0, 1u << SPR_COLUMN_ACCOUNT, 0 } },
    { SPR_MEMBER_AUTH_METHOD, { 0, 1u << SPR_COLUMN_AUTH_METHOD, 0 } },
    { SPR_MEMBER_LOCAL_USER, { 0, 1u << SPR_COLUMN_LOCAL_USER, 0 } },
    { SPR_MEMBER_CLIENT_ADDRESS, { 0, 1u << SPR_COLUMN_CLIENT, 0 } },
    { SPR_MEMBER_HELO, { 0, 1u << SPR_COLUMN_HELO, 0 } },
    { SPR_MEMBER_SUBJECT, { 0, 1u << SPR_COLUMN_SUBJECT, 0 } },
    { SPR_MEMBER_HEADER_FROM, { 0, 1u << SPR_COLUMN_HEADER_FROM, 0 } },
    { SPR_MEMBER_MESSAGE_ID, { 0, 1u << SPR_COLUMN_MESSAGE_ID, 0 } },
    { SPR_MEMBER_LAST_ERROR, { 0, 1u << SPR_COLUMN_LAST_ERROR, 0 } },
    { SPR_MEMBER_ARRIVAL_TIME, { 0, 0, 1u << SPR_NUMBER_ARRIVAL } },
    { SPR_MEMBER_NEXT_RETRY, { 0, 0, 1u << SPR_NUMBER_NEXT_RETRY } },
    { SPR_MEMBER_ATTEMPTS, { 0, 0, 1u << SPR_NUMBER_ATTEMPTS } },
    { SPR_MEMBER_MESSAGE_SIZE, { 0, 0, 1u << SPR_NUMBER_SIZE } },
    { SPR_MEMBER_UID, { 0, 0, 1u << SPR_NUMBER_UID } },
    { SPR_MEMBER_FACTS, { SPR_PART_FACTS, 0, 0 } },
    { SPR_MEMBER_RECIPIENTS, { SPR_PART_RECIPIENTS, 0, 0 } },
};

void spr_result_want(struct spr_result *result, uint32_t members)
{
    struct spr_record_wish wish = { 0 };
    for (size_t i = 0; i < sizeof(MEMBERS) / sizeof(MEMBERS[0]); i++) {
        if ((members & MEMBERS[i].member) != 0) {
            wish.parts |= MEMBERS[i].wish.parts;
            wish.texts |= MEMBERS[i].wish.texts;
            wish.numbers |= MEMBERS[i].wish.numbers;
        }
    }
    result->wants_some = true;
    result->wish = wish;
}

/* wish NULL: all of it. */
static int next_record(struct spr_result *result, const struct spr_record_wish *wish,
                       struct spr_record *ret_record, struct spr_fault *fault)
{
    uint32_t segment = 0;
    uint32_t row = 0;
    if (!next_row(result, &segment, &row)) {
        return 0;
    }
    struct spr_segment_reader *reader = NULL;
    int r = reader_for(result, segment, &reader);
    if (r < 0) {
        return r;
    }
    r = wish != NULL ? spr_segment_record_part(reader, row, *wish, ret_record, fault)
                     : spr_segment_record(reader, row, ret_record, fault);
    return r < 0 ? r : 1;
}

int spr_result_next_record(struct spr_result *result, struct spr_record *ret_record,
                           struct spr_fault *fault)
{
    return next_record(result, NULL, ret_record, fault);
}

static size_t append(struct spr_result *result, size_t length, struct spr_text text)
{
    const size_t room = sizeof(result->path) - length;
    const size_t count = text.length < room ? text.length : room;
    if (count > 0) {
        memcpy(result->path + length, text.bytes, count);
    }
    return length + count;
}

static struct spr_text write_path(struct spr_result *result, const struct spr_record *record)
{
    static const uint8_t slash[1] = { '/' };
    size_t length = append(result, 0, record->folder);
    if (length > 0) {
        length = append(result, length, (struct spr_text){ slash, 1 });
    }
    if (record->file_count > 0) {
        length = append(result, length, record->files[0].name);
    }
    return (struct spr_text){ result->path, length };
}

static struct spr_text queue_name(const struct spr_result *result, const struct spr_record *record)
{
    const struct spr_text own = record->text[SPR_COLUMN_QUEUE_NAME];
    if (own.bytes != NULL || result->format == NULL || record->dir >= result->format->dir_count) {
        return own;
    }
    const char *word = result->format->dirs[record->dir].word;
    return (struct spr_text){ (const uint8_t *)word, word != NULL ? strlen(word) : 0 };
}

int spr_result_next(struct spr_result *result, struct spr_message *ret_message,
                    struct spr_fault *fault)
{
    struct spr_record record;
    const int r = next_record(result, result->wants_some ? &result->wish : NULL, &record, fault);
    if (r <= 0) {
        return r;
    }
    *ret_message = (struct spr_message){
        .path = write_path(result, &record),
        .queue_name = queue_name(result, &record),
        .queue_id = record.queue_id,
        .sender = record.text[SPR_COLUMN_SENDER],
        .auth_account = record.text[SPR_COLUMN_ACCOUNT],
        .auth_method = record.text[SPR_COLUMN_AUTH_METHOD],
        .local_user = record.text[SPR_COLUMN_LOCAL_USER],
        .client_address = record.text[SPR_COLUMN_CLIENT],
        .helo = record.text[SPR_COLUMN_HELO],
        .subject = record.text[SPR_COLUMN_SUBJECT],
        .header_from = record.text[SPR_COLUMN_HEADER_FROM],
        .message_id = record.text[SPR_COLUMN_MESSAGE_ID],
        .last_error = record.text[SPR_COLUMN_LAST_ERROR],
        .state = record.state,
        .auth_source = record.auth_source,
        .flags = record.flags,
        .arrival_time = record.number[SPR_NUMBER_ARRIVAL],
        .next_retry = record.number[SPR_NUMBER_NEXT_RETRY],
        .attempts = record.number[SPR_NUMBER_ATTEMPTS],
        .message_size = record.number[SPR_NUMBER_SIZE],
        .uid = record.number[SPR_NUMBER_UID],
        .recipients = record.recipients,
        .recipient_count = record.recipient_count,
    };
    return 1;
}

uint64_t spr_result_count(const struct spr_result *result)
{
    return result->selection.count;
}

const char *spr_result_explain(const struct spr_result *result)
{
    return result->selection.explain;
}

const struct spr_snapshot *spr_result_snapshot(const struct spr_result *result)
{
    return result->snapshot;
}

uint64_t *const *spr_result_rows(const struct spr_result *result)
{
    return result->selection.rows;
}
