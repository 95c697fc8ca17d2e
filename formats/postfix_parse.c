/*
 * A Postfix queue file: envelope, content, extracted envelope.
 *
 * The fewest bytes are read: a file whose envelope already holds as many recipients as its size
 * record counts, and no pointer, says nothing more at its end. Facts come from the initial envelope
 * alone, where only the server writes; nothing a user submits by hand can claim an account.
 */
#include "formats/cursor.h"
#include "formats/headers.h"
#include "formats/postfix.h"

#include <string.h>

#define MODE_OWNER        0700u
#define MODE_READ_ONLY    0400u
#define MODE_OTHERS       0077u
#define MODE_FORCE_EXPIRE 0010u         /* set by postsuper -e and -f */
#define HEADER_BYTES_MAX  (256u * 1024) /* content walked in search of three header fields */
#define TAIL_MIN          4             /* X and E, both empty */
#define USER_TAIL_MAX     (1u << 20)    /* a submitted file up to this size is walked to its end */

enum segment {
    SEGMENT_INITIAL,
    SEGMENT_CONTENT,
    SEGMENT_EXTRACTED,
};

struct envelope {
    const struct spr_view *view;
    struct spr_sink *sink;
    struct spr_postfix_walk walk;
    enum segment segment;
    uint64_t sizes[SPR_POSTFIX_SIZES_MAX];
    unsigned size_count; /* 0: no size record */
    struct spr_text size_record, arrival, sender, account, method;
    struct spr_text client, log_client, helo, log_helo;
    struct spr_text original; /* of the recipient record that comes next */
    uint64_t recipients;
    uint64_t content_at; /* after the M record */
    uint64_t extracted_at;
    uint32_t flags;
    bool ended; /* the M, X or E record that ends the segment was met */
    bool full;  /* the sink has enough */
};

/* Attributes that become facts; the first one of a name counts, as with the server. */
static const struct {
    const char *name;
    size_t at;
} attributes[] = {
    { "sasl_username=", offsetof(struct envelope, account) },
    { "sasl_method=", offsetof(struct envelope, method) },
    { "client_address=", offsetof(struct envelope, client) },
    { "log_client_address=", offsetof(struct envelope, log_client) },
    { "helo_name=", offsetof(struct envelope, helo) },
    { "log_helo_name=", offsetof(struct envelope, log_helo) },
};

static struct spr_text *attribute_slot(struct envelope *envelope, unsigned i)
{
    return (struct spr_text *)(void *)((uint8_t *)envelope + attributes[i].at);
}

static void take_attribute(struct envelope *envelope, struct spr_text payload)
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

/* Splits off the first blank-separated word. */
static struct spr_text take_word(struct spr_text *text)
{
    *text = spr_text_trim(*text);
    size_t length = 0;
    while (length < text->length && text->bytes[length] != ' ') {
        length++;
    }
    struct spr_text word = { text->bytes, length };
    text->bytes += length;
    text->length -= length;
    return word;
}

static enum spr_verdict take_sizes(struct envelope *envelope,
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

static void take_recipient(struct envelope *envelope, const struct spr_postfix_record *record)
{
    struct spr_recipient_fact fact = {
        .address = record->payload,
        .state = record->type == 'R'   ? SPR_RECIPIENT_PENDING
                 : record->type == 'D' ? SPR_RECIPIENT_DONE
                                       : SPR_RECIPIENT_CANCELLED,
        .offset = record->offset,
    };
    struct spr_text original = envelope->original;
    bool same = original.length == record->payload.length &&
                (original.length == 0 ||
                 memcmp(original.bytes, record->payload.bytes, original.length) == 0);
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
static enum spr_verdict check_segment(struct envelope *envelope,
                                      const struct spr_postfix_record *record)
{
    const char *alien = envelope->segment == SEGMENT_INITIAL ? "NwXE" : "NwMX";
    if (!is_known_type(record->type)) {
        return spr_postfix_malformed(&envelope->walk, record->offset, "not the type of any record");
    }
    if (strchr(alien, record->type) != NULL) {
        return spr_postfix_malformed(&envelope->walk, record->offset,
                                     "record type does not belong to this segment");
    }
    return SPR_PARSED;
}

static enum spr_verdict take_record(struct envelope *envelope,
                                    const struct spr_postfix_record *record)
{
    enum spr_verdict verdict = check_segment(envelope, record);
    if (verdict != SPR_PARSED) {
        return verdict;
    }
    bool initial = envelope->segment == SEGMENT_INITIAL;
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
static enum spr_verdict walk_segment(struct envelope *envelope, struct spr_postfix_record *record)
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
static enum spr_verdict place_segments(struct envelope *envelope,
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
static bool is_complete(const struct envelope *envelope)
{
    if (envelope->extracted_at == 0) {
        return envelope->walk.file->size > USER_TAIL_MAX && envelope->recipients > 0;
    }
    return envelope->size_count > 2 && !envelope->walk.jumped &&
           envelope->recipients == envelope->sizes[2];
}

/* A submitted file does not say where its content ends: walk through it. */
static enum spr_verdict find_extracted(struct envelope *envelope)
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

static enum spr_verdict walk_extracted(struct envelope *envelope)
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
    envelope->segment = SEGMENT_EXTRACTED;
    envelope->original = (struct spr_text){ 0 };
    return walk_segment(envelope, &record);
}

static enum spr_verdict parse_headers(struct envelope *envelope)
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

static bool emit_known(struct spr_sink *sink, enum spr_fact fact, struct spr_text text)
{
    return text.length == 0 || spr_emit_text(sink, fact, text);
}

/* The original client where a filter gave the message back, else the peer. */
static struct spr_text choose_client(const struct envelope *envelope)
{
    struct spr_text client = envelope->log_client;
    if (client.length == 0 || spr_text_equal(client, "unknown")) {
        client = envelope->client;
    }
    if (spr_text_equal(client, "unknown")) {
        return (struct spr_text){ 0 };
    }
    const size_t prefix = sizeof("IPv6:") - 1;
    if (client.length > prefix &&
        spr_text_equal_nocase((struct spr_text){ client.bytes, prefix }, "IPv6:")) {
        client.bytes += prefix;
        client.length -= prefix;
    }
    return client;
}

/* Did the server itself write this file? In maildrop only what was put back for another round. */
static bool is_trusted(const struct envelope *envelope)
{
    return envelope->view->dir != SPR_POSTFIX_MAILDROP ||
           (envelope->walk.file->mode & MODE_OTHERS) == 0;
}

static bool emit_session(const struct envelope *envelope)
{
    struct spr_sink *sink = envelope->sink;
    struct spr_text helo = envelope->log_helo.length > 0 ? envelope->log_helo : envelope->helo;
    if (!is_trusted(envelope)) {
        return spr_emit_number(sink, SPR_FACT_UID, (int64_t)envelope->walk.file->uid);
    }
    if (envelope->account.length > 0 &&
        (!spr_emit_text(sink, SPR_FACT_ACCOUNT, envelope->account) ||
         !spr_emit_number(sink, SPR_FACT_AUTH_SOURCE, SPR_AUTH_ENVELOPE))) {
        return false;
    }
    return emit_known(sink, SPR_FACT_AUTH_METHOD, envelope->method) &&
           emit_known(sink, SPR_FACT_CLIENT, choose_client(envelope)) &&
           emit_known(sink, SPR_FACT_HELO, helo);
}

/* Whole seconds, rounded down also before 1970. */
static int64_t seconds_of(int64_t time_ns)
{
    const int64_t second = 1000000000;
    return time_ns / second - (time_ns % second < 0 ? 1 : 0);
}

static bool emit_times(const struct envelope *envelope)
{
    const struct spr_file_view *file = envelope->walk.file;
    struct spr_text rest = envelope->arrival;
    uint64_t arrival = 0;
    bool known =
        rest.bytes != NULL && spr_text_decimal(take_word(&rest), &arrival) && arrival <= INT64_MAX;
    unsigned dir = envelope->view->dir;
    bool waits = dir == SPR_POSTFIX_DEFERRED || dir == SPR_POSTFIX_INCOMING;
    return spr_emit_number(envelope->sink, SPR_FACT_ARRIVAL,
                           known ? (int64_t)arrival : seconds_of(file->mtime_ns)) &&
           (!waits ||
            spr_emit_number(envelope->sink, SPR_FACT_NEXT_RETRY, seconds_of(file->mtime_ns)));
}

static bool emit_identity(const struct envelope *envelope)
{
    return spr_emit_text(envelope->sink, SPR_FACT_IDENTITY, envelope->view->key.id) &&
           emit_known(envelope->sink, SPR_FACT_IDENTITY, envelope->arrival) &&
           emit_known(envelope->sink, SPR_FACT_IDENTITY, envelope->size_record);
}

static bool emit_facts(const struct envelope *envelope)
{
    const struct spr_file_view *file = envelope->walk.file;
    uint64_t size =
        envelope->size_count > 0 && envelope->sizes[0] > 0 ? envelope->sizes[0] : file->size;
    uint32_t flags = envelope->flags;
    flags |= envelope->sender.length == 0 ? SPR_MESSAGE_BOUNCE : 0;
    flags |= (file->mode & MODE_FORCE_EXPIRE) != 0 && envelope->view->dir != SPR_POSTFIX_MAILDROP
                 ? SPR_MESSAGE_FORCE_EXPIRE
                 : 0;
    return spr_emit_text(envelope->sink, SPR_FACT_SENDER, envelope->sender) &&
           emit_session(envelope) && emit_times(envelope) &&
           spr_emit_number(envelope->sink, SPR_FACT_SIZE,
                           size <= INT64_MAX ? (int64_t)size : INT64_MAX) &&
           (flags == 0 || spr_emit_number(envelope->sink, SPR_FACT_FLAGS, flags)) &&
           emit_identity(envelope);
}

/* A file gets its owner's execute bit as the very last thing of its reception. */
static enum spr_verdict check_ready(struct envelope *envelope)
{
    const struct spr_file_view *file = envelope->walk.file;
    if (!file->present) {
        return spr_postfix_malformed(&envelope->walk, 0, "no message file");
    }
    bool set_aside =
        envelope->view->dir == SPR_POSTFIX_CORRUPT && (file->mode & MODE_OWNER) == MODE_READ_ONLY;
    return (file->mode & MODE_OWNER) == MODE_OWNER || set_aside ? SPR_PARSED : SPR_UNFINISHED;
}

static enum spr_verdict check_mandatory(struct envelope *envelope)
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
    struct envelope envelope = { .view = view, .sink = sink };
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
    if (verdict == SPR_PARSED && !envelope.full && !emit_facts(&envelope)) {
        envelope.full = true;
    }
    if (verdict == SPR_PARSED && !envelope.full && (view->wants & SPR_WANT_ERRORS) != 0) {
        verdict = spr_postfix_parse_logs(view, sink, ret_need);
    }
    return verdict;
}
