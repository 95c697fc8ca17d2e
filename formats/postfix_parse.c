/*
 * A Postfix queue file: envelope, content, extracted envelope.
 *
 * The fewest bytes are read: a file whose envelope already holds as many recipients as its size
 * record counts, and no pointer, says nothing more at its end. Facts come from the initial envelope
 * alone, where only the server writes; nothing a user submits by hand can claim an account.
 */
#include "formats/cursor.h"
#include "formats/headers.h"
#include "formats/postfix_envelope.h"

#include <string.h>

#define HEADER_BYTES_MAX (256u * 1024) /* content walked in search of three header fields */
#define TAIL_MIN         4             /* X and E, both empty */
#define USER_TAIL_MAX    (1u << 20)    /* a submitted file up to this size is walked to its end */

/* Attributes that become facts; the first one of a name counts, as with the server. */
static const struct {
    const char *name;
    size_t at;
} attributes[] = {
    { "sasl_username=", offsetof(struct spr_postfix_envelope, account) },
    { "sasl_method=", offsetof(struct spr_postfix_envelope, method) },
    { "client_address=", offsetof(struct spr_postfix_envelope, client) },
    { "log_client_address=", offsetof(struct spr_postfix_envelope, log_client) },
    { "helo_name=", offsetof(struct spr_postfix_envelope, helo) },
    { "log_helo_name=", offsetof(struct spr_postfix_envelope, log_helo) },
};

static struct spr_text *attribute_slot(struct spr_postfix_envelope *envelope, unsigned i)
{
    return (struct spr_text *)(void *)((uint8_t *)envelope + attributes[i].at);
}

static void take_attribute(struct spr_postfix_envelope *envelope, struct spr_text payload)
{
    for (unsigned i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
        struct spr_text *slot = attribute_slot(envelope, i);
        if (slot->bytes == NULL && spr_text_starts(payload, attributes[i].name)) {
            size_t length = strlen(attributes[i].name);
            *slot = (struct spr_text){ payload.bytes + length, payload.length - length };
            return;
        }
    }
}

static enum spr_verdict take_sizes(struct spr_postfix_envelope *envelope,
                                   const struct spr_postfix_record *record)
{
    if (envelope->size_count > 0) {
        return SPR_PARSED;
    }
    if (!spr_postfix_sizes(record->payload, envelope->sizes, &envelope->size_count)) {
        return spr_postfix_malformed(&envelope->walk, record->offset,
                                     "size record with a field that is no number");
    }
    envelope->size_record = record->payload;
    return SPR_PARSED;
}

static void take_recipient(struct spr_postfix_envelope *envelope,
                           const struct spr_postfix_record *record)
{
    struct spr_recipient_fact fact = {
        .address = record->payload,
        .state = record->type == 'R'   ? SPR_RECIPIENT_PENDING
                 : record->type == 'D' ? SPR_RECIPIENT_DONE
                                       : SPR_RECIPIENT_CANCELLED,
        .offset = record->offset,
    };
    struct spr_text original = envelope->original;
    bool same = spr_texts_equal(original, record->payload);
    if (original.bytes != NULL && !same) {
        fact.original = original;
    }
    envelope->recipients++;
    if (!spr_emit_recipient(envelope->sink, &fact)) {
        envelope->full = true;
    }
}

/* The payload of a warn time record: -1 once the warning was sent. */
static bool is_warned(struct spr_text payload)
{
    struct spr_text word = spr_text_trim(payload);
    return word.length > 0 && word.bytes[0] == '-';
}

static bool is_known_type(uint8_t type)
{
    return (type >= 'A' && type <= 'Z') || (type >= 'a' && type <= 'z') || type == '/' ||
           type == '>' || type == '<';
}

/* A record that only one segment knows. */
static enum spr_verdict check_segment(struct spr_postfix_envelope *envelope,
                                      const struct spr_postfix_record *record)
{
    const char *alien = envelope->segment == SPR_POSTFIX_INITIAL ? "NwXE" : "NwMX";
    if (!is_known_type(record->type)) {
        return spr_postfix_malformed(&envelope->walk, record->offset, "not the type of any record");
    }
    if (strchr(alien, record->type) != NULL) {
        return spr_postfix_malformed(&envelope->walk, record->offset,
                                     "record type does not belong to this segment");
    }
    return SPR_PARSED;
}

static enum spr_verdict take_record(struct spr_postfix_envelope *envelope,
                                    const struct spr_postfix_record *record)
{
    enum spr_verdict verdict = check_segment(envelope, record);
    if (verdict != SPR_PARSED) {
        return verdict;
    }
    bool initial = envelope->segment == SPR_POSTFIX_INITIAL;
    switch (record->type) {
    case 'C':
        return initial ? take_sizes(envelope, record) : SPR_PARSED;
    case 'T':
        if (initial && envelope->arrival.bytes == NULL) {
            envelope->arrival = record->payload;
        }
        break;
    case 'S':
        if (initial && envelope->sender.bytes == NULL) {
            envelope->sender = record->payload;
        }
        break;
    case 'A':
        if (initial) {
            take_attribute(envelope, record->payload);
        }
        break;
    case 'W':
        envelope->flags |= is_warned(record->payload) ? SPR_MESSAGE_WARNED : 0;
        break;
    case 'R':
    case 'D':
    case '/':
        take_recipient(envelope, record);
        break;
    case 'M':
    case 'E':
        envelope->ended = true;
        break;
    default:
        break; /* nothing we keep; releases to come may add types */
    }
    envelope->original = record->type == 'O' ? record->payload : (struct spr_text){ 0 };
    return SPR_PARSED;
}

/* To the record that ends the segment. */
static enum spr_verdict walk_segment(struct spr_postfix_envelope *envelope,
                                     struct spr_postfix_record *record)
{
    envelope->ended = false;
    while (!envelope->ended && !envelope->full) {
        enum spr_verdict verdict = spr_postfix_walk_next(&envelope->walk, record);
        if (verdict == SPR_PARSED) {
            verdict = take_record(envelope, record);
        }
        if (verdict != SPR_PARSED) {
            return verdict;
        }
        if (envelope->size_count > 1 && envelope->walk.region_at == 0) {
            envelope->walk.region_at = envelope->sizes[1];
        }
    }
    return SPR_PARSED;
}

/* Finds where content and extracted segment begin, from what the size record says. */
static enum spr_verdict place_segments(struct spr_postfix_envelope *envelope,
                                       const struct spr_postfix_record *mark)
{
    uint64_t file_size = envelope->walk.file->size;
    bool submitted = envelope->view->dir == SPR_POSTFIX_MAILDROP;
    envelope->content_at = mark->offset + 2;
    if (envelope->size_count == 0 || envelope->sizes[0] == 0) {
        return submitted ? SPR_PARSED
                         : spr_postfix_malformed(&envelope->walk, 0, "no filled-in size record");
    }
    if (envelope->size_count == 1) { /* before 1.0 the M record said where the content ends */
        return spr_text_decimal(mark->payload, &envelope->extracted_at)
                   ? SPR_PARSED
                   : spr_postfix_malformed(&envelope->walk, mark->offset,
                                           "message mark without an offset");
    }
    envelope->content_at = envelope->sizes[1];
    if (envelope->content_at == 0 ||
        __builtin_add_overflow(envelope->sizes[0], envelope->sizes[1], &envelope->extracted_at) ||
        file_size < TAIL_MIN || envelope->extracted_at > file_size - TAIL_MIN) {
        return spr_postfix_malformed(&envelope->walk, 0, "size record reaches beyond the file");
    }
    return SPR_PARSED;
}

/* Is the rest of the file known to say nothing more? */
static bool is_complete(const struct spr_postfix_envelope *envelope)
{
    if (envelope->extracted_at == 0) {
        return envelope->walk.file->size > USER_TAIL_MAX && envelope->recipients > 0;
    }
    return envelope->size_count > 2 && !envelope->walk.jumped &&
           envelope->recipients == envelope->sizes[2];
}

/* A submitted file does not say where its content ends: walk through it. */
static enum spr_verdict find_extracted(struct spr_postfix_envelope *envelope)
{
    envelope->walk.region_at = envelope->walk.file->size;
    for (;;) { /* ended by the walk's own budget */
        struct spr_postfix_record record;
        enum spr_verdict verdict = spr_postfix_walk_next(&envelope->walk, &record);
        if (verdict != SPR_PARSED) {
            return verdict;
        }
        if (record.type == 'X') {
            envelope->extracted_at = record.offset;
            return SPR_PARSED;
        }
        if (strchr("NLw", record.type) == NULL) {
            return spr_postfix_malformed(&envelope->walk, record.offset,
                                         "record type does not belong into content");
        }
    }
}

static enum spr_verdict walk_extracted(struct spr_postfix_envelope *envelope)
{
    if (envelope->extracted_at == 0) {
        enum spr_verdict verdict = find_extracted(envelope);
        if (verdict != SPR_PARSED) {
            return verdict;
        }
    }
    struct spr_postfix_record record;
    envelope->walk.offset = envelope->extracted_at;
    envelope->walk.region_at = 0;
    enum spr_verdict verdict = spr_postfix_walk_next(&envelope->walk, &record);
    if (verdict != SPR_PARSED) {
        return verdict;
    }
    if (record.type != 'X') {
        return spr_postfix_malformed(&envelope->walk, record.offset,
                                     "no extracted segment where the size record says");
    }
    envelope->segment = SPR_POSTFIX_EXTRACTED;
    envelope->original = (struct spr_text){ 0 };
    return walk_segment(envelope, &record);
}

static enum spr_verdict parse_headers(struct spr_postfix_envelope *envelope)
{
    struct spr_headers headers;
    spr_headers_init(&headers);
    struct spr_postfix_walk walk;
    spr_postfix_walk_init(&walk, envelope->walk.file, envelope->walk.need);
    walk.offset = envelope->content_at;
    while (!spr_headers_complete(&headers) && walk.walked < HEADER_BYTES_MAX) {
        struct spr_postfix_record record;
        enum spr_verdict verdict = spr_postfix_walk_next(&walk, &record);
        if (verdict != SPR_PARSED) {
            return verdict;
        }
        if (record.type == 'N' || record.type == 'L') {
            spr_headers_feed(&headers, record.payload, record.type == 'N');
        } else if (record.type != 'w') {
            break; /* the content is headers only */
        }
    }
    if (!spr_headers_emit(&headers, envelope->sink)) {
        envelope->full = true;
    }
    return SPR_PARSED;
}

/* A file gets its owner's execute bit as the very last thing of its reception. */
static enum spr_verdict check_ready(struct spr_postfix_envelope *envelope)
{
    const struct spr_file_view *file = envelope->walk.file;
    if (!file->present) {
        return spr_postfix_malformed(&envelope->walk, 0, "no message file");
    }
    bool set_aside = envelope->view->dir == SPR_POSTFIX_CORRUPT &&
                     (file->mode & SPR_POSTFIX_MODE_OWNER) == SPR_POSTFIX_MODE_READ_ONLY;
    return (file->mode & SPR_POSTFIX_MODE_OWNER) == SPR_POSTFIX_MODE_OWNER || set_aside
               ? SPR_PARSED
               : SPR_UNFINISHED;
}

static enum spr_verdict check_mandatory(struct spr_postfix_envelope *envelope)
{
    if (envelope->sender.bytes == NULL) {
        return spr_postfix_malformed(&envelope->walk, envelope->walk.offset, "no sender record");
    }
    if (envelope->arrival.bytes == NULL && envelope->view->dir != SPR_POSTFIX_MAILDROP) {
        return spr_postfix_malformed(&envelope->walk, envelope->walk.offset,
                                     "no arrival time record");
    }
    return SPR_PARSED;
}

enum spr_verdict spr_postfix_parse(const struct spr_view *view, struct spr_sink *sink,
                                   struct spr_need *ret_need)
{
    struct spr_postfix_envelope envelope = { .view = view, .sink = sink };
    struct spr_postfix_record mark = { 0 };
    spr_postfix_walk_init(&envelope.walk, &view->files[SPR_POSTFIX_MESSAGE], ret_need);

    enum spr_verdict verdict = check_ready(&envelope);
    if (verdict == SPR_PARSED) {
        verdict = walk_segment(&envelope, &mark);
    }
    if (verdict == SPR_PARSED && !envelope.full) {
        verdict = place_segments(&envelope, &mark);
    }
    if (verdict == SPR_PARSED && !envelope.full && !is_complete(&envelope)) {
        verdict = walk_extracted(&envelope);
    }
    if (verdict == SPR_PARSED && !envelope.full) {
        verdict = check_mandatory(&envelope);
    }
    if (verdict == SPR_PARSED && !envelope.full && (view->wants & SPR_WANT_SUBJECTS) != 0) {
        verdict = parse_headers(&envelope);
    }
    if (verdict == SPR_PARSED && !envelope.full && !spr_postfix_emit_facts(&envelope)) {
        envelope.full = true;
    }
    if (verdict == SPR_PARSED && !envelope.full && (view->wants & SPR_WANT_ERRORS) != 0) {
        verdict = spr_postfix_parse_logs(view, sink, ret_need);
    }
    return verdict;
}
