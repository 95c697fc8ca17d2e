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

/* Whether the attribute is the named one. The first one of a name counts, as with the server. */
static inline bool take_named(struct spr_text payload, const char *name, struct spr_text *value)
{
    if (!spr_text_starts(payload, name)) {
        return false;
    }
    if (value->bytes == NULL) {
        const size_t length = strlen(name);
        *value = (struct spr_text){ payload.bytes + length, payload.length - length };
    }
    return true;
}

/* Those that become a fact are told from most others by their first letter. */
static inline void take_attribute(struct spr_postfix_envelope *envelope, struct spr_text payload)
{
    switch (payload.length > 0 ? payload.bytes[0] : 0) {
    case 's':
        (void)(take_named(payload, "sasl_username=", &envelope->account) ||
               take_named(payload, "sasl_method=", &envelope->method));
        break;
    case 'c':
        (void)take_named(payload, "client_address=", &envelope->client);
        break;
    case 'h':
        (void)take_named(payload, "helo_name=", &envelope->helo);
        break;
    case 'l':
        (void)(take_named(payload, "log_client_address=", &envelope->log_client) ||
               take_named(payload, "log_helo_name=", &envelope->log_helo));
        break;
    default:
        break;
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
    envelope->walk.region_at = envelope->size_count > 1 ? envelope->sizes[1] : 0;
    return SPR_PARSED;
}

static void take_recipient(struct spr_postfix_envelope *envelope,
                           const struct spr_postfix_record *record, struct spr_text original)
{
    struct spr_recipient_fact fact = {
        .address = record->payload,
        .state = record->type == 'R'   ? SPR_RECIPIENT_PENDING
                 : record->type == 'D' ? SPR_RECIPIENT_DONE
                                       : SPR_RECIPIENT_CANCELLED,
        .offset = record->offset,
    };
    if (original.bytes != NULL && !spr_texts_equal(original, record->payload)) {
        fact.original = original;
    }
    envelope->recipients++;
    if (!spr_emit_recipient(envelope->sink, &fact)) {
        envelope->full = true;
        envelope->ended = true;
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

/* A record that ends a segment, where the segment knows it. */
static enum spr_verdict take_end(struct spr_postfix_envelope *envelope,
                                 const struct spr_postfix_record *record)
{
    const uint8_t known = envelope->segment == SPR_POSTFIX_INITIAL ? 'M' : 'E';
    if (record->type != known) {
        return spr_postfix_malformed(&envelope->walk, record->offset,
                                     "record type does not belong to this segment");
    }
    envelope->ended = true;
    return SPR_PARSED;
}

static enum spr_verdict take_record(struct spr_postfix_envelope *envelope,
                                    const struct spr_postfix_record *record)
{
    const bool initial = envelope->segment == SPR_POSTFIX_INITIAL;
    const struct spr_text original = envelope->original;
    envelope->original = (struct spr_text){ 0 }; /* of the very next record alone */
    switch (record->type) {
    case 'A':
        if (initial) {
            take_attribute(envelope, record->payload);
        }
        return SPR_PARSED;
    case 'O':
        envelope->original = record->payload;
        return SPR_PARSED;
    case 'R':
    case 'D':
    case '/':
        take_recipient(envelope, record, original);
        return SPR_PARSED;
    case 'C':
        return initial ? take_sizes(envelope, record) : SPR_PARSED;
    case 'T':
        if (initial && envelope->arrival.bytes == NULL) {
            envelope->arrival = record->payload;
        }
        return SPR_PARSED;
    case 'S':
        if (initial && envelope->sender.bytes == NULL) {
            envelope->sender = record->payload;
        }
        return SPR_PARSED;
    case 'W':
        envelope->flags |= is_warned(record->payload) ? SPR_MESSAGE_WARNED : 0;
        return SPR_PARSED;
    case 'M':
    case 'E':
    case 'N':
    case 'w':
    case 'X':
        return take_end(envelope, record);
    default: /* nothing we keep; releases to come may add types */
        return is_known_type(record->type) ? SPR_PARSED
                                           : spr_postfix_malformed(&envelope->walk, record->offset,
                                                                   "not the type of any record");
    }
}

/* Most records: attributes and recipients that spr_postfix_walk_next takes for common. They are cut
 * out here in one go, as take_record would take them; the first of another kind is left to it. */
static void take_common(struct spr_postfix_envelope *envelope)
{
    struct spr_postfix_walk *walk = &envelope->walk;
    const bool initial = envelope->segment == SPR_POSTFIX_INITIAL;
    struct spr_text original = envelope->original;
    const uint8_t *const start = walk->at;
    const uint8_t *at = start;
    size_t left = (size_t)(walk->end - at);
    while (left >= 2 && at[1] < 0x80 && at[1] <= left - 2 && !envelope->ended) {
        const struct spr_text payload = { at + 2, at[1] };
        if (at[0] == 'A') {
            original = (struct spr_text){ 0 };
            if (initial) {
                take_attribute(envelope, payload);
            }
        } else if (at[0] == 'O') {
            original = payload;
        } else if (at[0] == 'R') {
            const uint64_t offset = walk->offset + (size_t)(at - start);
            take_recipient(envelope, &(struct spr_postfix_record){ 'R', offset, payload },
                           original);
            original = (struct spr_text){ 0 };
        } else {
            break;
        }
        at += 2 + payload.length;
        left -= 2 + payload.length;
    }
    envelope->original = original;
    walk->offset += (size_t)(at - start);
    walk->at = at;
}

/* To the record that ends the segment. */
static enum spr_verdict walk_segment(struct spr_postfix_envelope *envelope,
                                     struct spr_postfix_record *ret_end)
{
    struct spr_postfix_record record = { 0 };
    enum spr_verdict verdict = SPR_PARSED;
    envelope->ended = false;
    take_common(envelope);
    while (verdict == SPR_PARSED && !envelope->ended) {
        verdict = spr_postfix_walk_next(&envelope->walk, &record);
        if (verdict == SPR_PARSED) {
            verdict = take_record(envelope, &record);
        }
        if (verdict == SPR_PARSED) {
            take_common(envelope);
        }
    }
    *ret_end = record;
    return verdict;
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
        if (record.type != 'N' && record.type != 'L' && record.type != 'w') {
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
    spr_postfix_walk_to(&envelope->walk, envelope->extracted_at);
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
    spr_postfix_walk_init(&walk, envelope->walk.file, envelope->walk.need, envelope->content_at);
    while (!spr_headers_complete(&headers) && spr_postfix_walked(&walk) < HEADER_BYTES_MAX) {
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
    spr_postfix_walk_init(&envelope.walk, &view->files[SPR_POSTFIX_MESSAGE], ret_need, 0);

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
