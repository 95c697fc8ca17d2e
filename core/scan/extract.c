/*
 * The sink: makes a record of what a format finds. Texts stay where they were read; those that lie
 * elsewhere are copied into a worker's arena.
 */
#include "core/scan/extract.h"

#include "core/index/identity.h"
#include "core/scan/pair.h"
#include "formats/cursor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ERRORS_MAX    SPR_RECIPIENTS_MAX
#define KEEP_ROOM_MAX 65536 /* recipients whose room is kept for the next message */

struct error_note {
    uint64_t offset;
    uint32_t order; /* of two for one offset the later counts */
    struct spr_text reason;
};

struct spr_extract {
    struct spr_sink sink; /* first: the format's pointer is this one */
    const struct spr_format *format;
    struct spr_pool arena;
    struct spr_record record;
    struct spr_text read; /* of the primary: its first extent, which outlives the record */
    struct spr_recipient *recipients;
    uint64_t *offsets; /* of the recipients */
    size_t recipient_count, recipient_room, offset_room;
    size_t recipient_limit; /* there is room for so many */
    struct error_note *errors;
    size_t error_count, error_room;
    uint64_t identity;
    bool auth_told;
    bool cut, no_memory;
};

static const uint8_t EMPTY[1];

static const enum spr_column COLUMN_OF_FACT[] = {
    [SPR_FACT_SENDER] = SPR_COLUMN_SENDER,           [SPR_FACT_ACCOUNT] = SPR_COLUMN_ACCOUNT,
    [SPR_FACT_AUTH_METHOD] = SPR_COLUMN_AUTH_METHOD, [SPR_FACT_LOCAL_USER] = SPR_COLUMN_LOCAL_USER,
    [SPR_FACT_CLIENT] = SPR_COLUMN_CLIENT,           [SPR_FACT_HELO] = SPR_COLUMN_HELO,
    [SPR_FACT_LOG_SESSION] = SPR_COLUMN_LOG_SESSION, [SPR_FACT_SUBJECT] = SPR_COLUMN_SUBJECT,
    [SPR_FACT_HEADER_FROM] = SPR_COLUMN_HEADER_FROM, [SPR_FACT_MESSAGE_ID] = SPR_COLUMN_MESSAGE_ID,
    [SPR_FACT_QUEUE_NAME] = SPR_COLUMN_QUEUE_NAME,   [SPR_FACT_LAST_ERROR] = SPR_COLUMN_LAST_ERROR,
};

static struct spr_extract *extract_of(struct spr_sink *sink)
{
    return (struct spr_extract *)sink;
}

/* false: no memory, which is noted. */
static bool copy_text(struct spr_extract *extract, struct spr_text text, struct spr_text *ret_copy)
{
    if (text.bytes == NULL || text.length == 0) {
        *ret_copy = (struct spr_text){ text.bytes == NULL ? NULL : EMPTY, 0 };
        return true;
    }
    uint8_t *copy = spr_pool_bytes(&extract->arena, text.length);
    if (copy == NULL) {
        extract->no_memory = true;
        return false;
    }
    memcpy(copy, text.bytes, text.length);
    *ret_copy = (struct spr_text){ copy, text.length };
    return true;
}

/* As it is, where it points into the bytes that were read, as nearly all do; else a copy. */
static inline bool hold_text(struct spr_extract *extract, struct spr_text text,
                             struct spr_text *ret_text)
{
    const uintptr_t first = (uintptr_t)extract->read.bytes;
    const uintptr_t at = (uintptr_t)text.bytes;
    if (at - first < extract->read.length) { /* wraps around for one before the first */
        *ret_text = text;
        return true;
    }
    return copy_text(extract, text, ret_text);
}

static bool take_text(struct spr_sink *sink, enum spr_fact fact, struct spr_text value)
{
    struct spr_extract *extract = extract_of(sink);
    if (fact == SPR_FACT_IDENTITY) {
        extract->identity = spr_identity_digest_add(extract->identity, value);
        return true;
    }
    if (fact > SPR_FACT_LAST_ERROR) {
        return true; /* not a text: the format's mistake costs it that fact */
    }
    return hold_text(extract, value, &extract->record.text[COLUMN_OF_FACT[fact]]);
}

static bool take_number(struct spr_sink *sink, enum spr_fact fact, int64_t value)
{
    struct spr_extract *extract = extract_of(sink);
    struct spr_record *record = &extract->record;
    switch (fact) {
    case SPR_FACT_ARRIVAL:
        record->number[SPR_NUMBER_ARRIVAL] = value;
        break;
    case SPR_FACT_NEXT_RETRY:
        record->number[SPR_NUMBER_NEXT_RETRY] = value;
        break;
    case SPR_FACT_ATTEMPTS:
        record->number[SPR_NUMBER_ATTEMPTS] = value;
        break;
    case SPR_FACT_SIZE:
        record->number[SPR_NUMBER_SIZE] = value;
        break;
    case SPR_FACT_UID:
        record->number[SPR_NUMBER_UID] = value;
        break;
    case SPR_FACT_STATE:
        if (value >= SPR_STATE_INCOMING && value <= SPR_STATE_CORRUPT) {
            record->state = (enum spr_state)value;
        }
        break;
    case SPR_FACT_AUTH_SOURCE:
        if (value >= SPR_AUTH_NONE && value <= SPR_AUTH_LOG) {
            record->auth_source = (enum spr_auth_source)value;
            extract->auth_told = true;
        }
        break;
    case SPR_FACT_FLAGS:
        record->flags |= (uint32_t)value;
        break;
    default:
        break; /* not a number */
    }
    return true;
}

/* Room for one more; false: there may be none, or no memory. */
static bool grow_recipients(struct spr_extract *extract)
{
    const size_t count = extract->recipient_count;
    if (count >= SPR_RECIPIENTS_MAX) {
        extract->cut = true;
        return false;
    }
    if (spr_grow((void **)&extract->recipients, &extract->recipient_room, count,
                 sizeof(*extract->recipients)) < 0 ||
        spr_grow((void **)&extract->offsets, &extract->offset_room, count,
                 sizeof(*extract->offsets)) < 0) {
        extract->no_memory = true;
        return false;
    }
    extract->recipient_limit =
        extract->offset_room < SPR_RECIPIENTS_MAX ? extract->offset_room : SPR_RECIPIENTS_MAX;
    return true;
}

static bool take_recipient(struct spr_sink *sink, const struct spr_recipient_fact *fact)
{
    struct spr_extract *extract = extract_of(sink);
    const size_t count = extract->recipient_count;
    if (count >= extract->recipient_limit && !grow_recipients(extract)) {
        return false;
    }
    struct spr_recipient *recipient = &extract->recipients[count];
    recipient->state = fact->state;
    recipient->original = fact->original;
    recipient->error = fact->error;
    if (!hold_text(extract, fact->address, &recipient->address) ||
        (fact->original.bytes != NULL &&
         !hold_text(extract, fact->original, &recipient->original)) ||
        (fact->error.bytes != NULL && !hold_text(extract, fact->error, &recipient->error))) {
        return false;
    }
    extract->offsets[count] = fact->offset;
    extract->recipient_count++;
    return true;
}

static bool take_error(struct spr_sink *sink, uint64_t offset, struct spr_text reason)
{
    struct spr_extract *extract = extract_of(sink);
    if (extract->error_count >= ERRORS_MAX) {
        return false;
    }
    if (spr_grow((void **)&extract->errors, &extract->error_room, extract->error_count,
                 sizeof(*extract->errors)) < 0) {
        extract->no_memory = true;
        return false;
    }
    struct error_note *note = &extract->errors[extract->error_count];
    *note = (struct error_note){ .offset = offset, .order = (uint32_t)extract->error_count };
    if (!copy_text(extract, reason, &note->reason)) {
        return false;
    }
    extract->error_count++;
    return true;
}

static int compare_errors(const void *left, const void *right)
{
    const struct error_note *a = left;
    const struct error_note *b = right;
    if (a->offset != b->offset) {
        return a->offset < b->offset ? -1 : 1;
    }
    return a->order < b->order ? -1 : a->order > b->order;
}

/* The last note for offset among sorted ones; NULL: none. */
static const struct error_note *find_error(const struct spr_extract *extract, uint64_t offset)
{
    size_t low = 0;
    size_t high = extract->error_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (extract->errors[middle].offset <= offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    const bool found = low > 0 && extract->errors[low - 1].offset == offset;
    return found ? &extract->errors[low - 1] : NULL;
}

static void join_errors(struct spr_extract *extract)
{
    if (extract->error_count == 0) {
        return;
    }
    qsort(extract->errors, extract->error_count, sizeof(*extract->errors), compare_errors);
    for (size_t i = 0; i < extract->recipient_count; i++) {
        if (extract->offsets[i] == 0) {
            continue;
        }
        const struct error_note *note = find_error(extract, extract->offsets[i]);
        if (note != NULL) {
            extract->recipients[i].error = note->reason;
        }
    }
}

int spr_extract_new(const struct spr_format *format, struct spr_extract **ret_extract)
{
    struct spr_extract *extract = calloc(1, sizeof(*extract));
    if (extract == NULL) {
        return -ENOMEM;
    }
    extract->format = format;
    extract->sink = (struct spr_sink){
        .text = take_text,
        .number = take_number,
        .recipient = take_recipient,
        .error = take_error,
    };
    *ret_extract = extract;
    return 0;
}

void spr_extract_free(struct spr_extract *extract)
{
    if (extract == NULL) {
        return;
    }
    spr_pool_done(&extract->arena);
    free(extract->recipients);
    free(extract->offsets);
    free(extract->errors);
    free(extract);
}

/* One huge message must not be paid for by all later ones. */
static void give_back_room(struct spr_extract *extract)
{
    if (extract->recipient_room > KEEP_ROOM_MAX) {
        free(extract->recipients);
        free(extract->offsets);
        extract->recipients = NULL;
        extract->offsets = NULL;
        extract->recipient_room = 0;
        extract->offset_room = 0;
        extract->recipient_limit = 0;
    }
    if (extract->error_room > KEEP_ROOM_MAX) {
        free(extract->errors);
        extract->errors = NULL;
        extract->error_room = 0;
    }
}

static void begin_record(struct spr_extract *extract, const struct spr_fetched *fetched)
{
    const struct spr_walk_folder *folder = fetched->folder;
    spr_pool_reset(&extract->arena);
    give_back_room(extract);
    extract->recipient_count = 0;
    extract->error_count = 0;
    extract->auth_told = false;
    extract->cut = false;
    extract->no_memory = false;
    const struct spr_file_view *primary = &fetched->view.files[fetched->primary];
    extract->read =
        primary->extent_count > 0 ? primary->extents[0].bytes : (struct spr_text){ NULL, 0 };
    extract->identity = spr_identity_digest_begin(fetched->meta.device, fetched->meta.inode);
    struct spr_record *record = &extract->record;
    record->dir = folder->dir;
    record->folder = fetched->view.folder;
    record->queue_id = fetched->view.key.id;
    record->inode = fetched->meta.inode;
    record->file_size = fetched->meta.size;
    record->stat_digest = spr_stat_digest(&fetched->meta);
    record->set_digest = fetched->candidate->set_digest;
    record->state = extract->format->dirs[folder->dir].state;
    record->flags = 0;
    record->file_count = 0; /* and with it what files holds of the message before */
    for (unsigned i = 0; i < SPR_COLUMN_COUNT; i++) {
        record->text[i] = (struct spr_text){ NULL, 0 };
    }
    for (unsigned i = 0; i < SPR_NUMBER_COUNT; i++) {
        record->number[i] = INT64_MIN;
    }
}

static void add_files(struct spr_record *record, const struct spr_candidate *candidate)
{
    struct spr_candidate_file file;
    for (unsigned i = 0; i < candidate->file_count && i < SPR_ROLES_MAX; i++) {
        if (i == 0) {
            spr_candidate_first(candidate, &file);
        } else {
            spr_candidate_next(&file);
        }
        record->files[record->file_count++] =
            (struct spr_record_file){ .role = file.role, .name = file.name };
    }
}

static uint32_t flags_of_roles(const struct spr_format *format, uint32_t roles_present)
{
    uint32_t flags = 0;
    for (unsigned role = 0; role < format->role_count; role++) {
        const bool present = (roles_present & (1u << role)) != 0;
        if (!present && (format->roles[role].flags & SPR_ROLE_REQUIRED) != 0) {
            flags |= SPR_MESSAGE_INCOMPLETE;
        }
        if (present && (format->roles[role].flags & SPR_ROLE_LOCK) != 0) {
            flags |= SPR_MESSAGE_BUSY;
        }
    }
    return flags;
}

static void finish_record(struct spr_extract *extract, const struct spr_fetched *fetched)
{
    struct spr_record *record = &extract->record;
    join_errors(extract);
    add_files(record, fetched->candidate);
    record->identity_digest = extract->identity;
    record->recipients = extract->recipients;
    record->recipient_count = (uint32_t)extract->recipient_count;
    record->flags |= flags_of_roles(extract->format, fetched->roles_present);
    if (record->text[SPR_COLUMN_ACCOUNT].bytes == NULL) {
        record->auth_source = SPR_AUTH_NONE;
    } else if (!extract->auth_told) {
        record->auth_source = SPR_AUTH_ENVELOPE;
    }
    if (record->text[SPR_COLUMN_QUEUE_NAME].bytes == NULL) {
        const char *word = extract->format->dirs[record->dir].word;
        record->text[SPR_COLUMN_QUEUE_NAME] = spr_text_of(word);
    }
}

int spr_extract_parse(struct spr_extract *extract, const struct spr_fetched *fetched,
                      enum spr_verdict *ret_verdict, struct spr_need *ret_need)
{
    begin_record(extract, fetched);
    *ret_need = (struct spr_need){ 0 };
    const enum spr_verdict verdict =
        extract->format->parse(&fetched->view, &extract->sink, ret_need);
    if (extract->no_memory) {
        return -ENOMEM;
    }
    if (verdict == SPR_PARSED) {
        finish_record(extract, fetched);
    }
    *ret_verdict = verdict;
    return 0;
}

struct spr_record *spr_extract_record(struct spr_extract *extract)
{
    return &extract->record;
}

bool spr_extract_was_cut(const struct spr_extract *extract)
{
    return extract->cut;
}
