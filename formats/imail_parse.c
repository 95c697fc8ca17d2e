/*
 * An IMail message: the lines of its control file, the size and header of its data file, and the
 * state that follows from which of its files are there.
 *
 * Only A, B and the line order are the server's words; S, N, R and U are whatever the client sent.
 * The letters are case-sensitive: "an" (archiving) is no account.
 */
#include "formats/cursor.h"
#include "formats/headers.h"
#include "formats/imail.h"

#include <string.h>

#define CONTROL_MAX    (64u << 20) /* 10,000 recipients take about half a MiB */
#define HEADER_MAX     (256u << 10)
#define HEADER_STEP    (64u << 10)
#define STALE_SECONDS  3600 /* IMail removes locks older than an hour */
#define SECOND_NS      1000000000
#define SESSION_DIGITS 8

struct control {
    struct spr_text sender, account, client, helo, message_id;
    struct spr_text original; /* of the R line that comes next */
    uint64_t attempts;
    bool attempted; /* a T line was there */
    bool doomed;
    bool mismatch;
    bool full; /* the sink has enough */
};

/* Blanks and one pair of brackets off; each bracket may be missing. */
static struct spr_text strip_address(struct spr_text text)
{
    if (text.length > 1 && text.bytes[0] == '<' && text.bytes[text.length - 1] == '>') {
        return spr_text_trim((struct spr_text){ text.bytes + 1, text.length - 2 });
    }
    text = spr_text_trim(text);
    if (text.length > 0 && text.bytes[0] == '<') {
        text.bytes++;
        text.length--;
        if (text.length > 0 && text.bytes[text.length - 1] == '>') {
            text.length--;
        }
    } else if (text.length > 0 && text.bytes[text.length - 1] == '>') {
        text.length--;
    }
    return spr_text_trim(text);
}

static bool same_nocase(struct spr_text a, struct spr_text b)
{
    if (spr_texts_equal(a, b)) {
        return true;
    }
    if (a.length != b.length) {
        return false;
    }
    for (size_t i = 0; i < a.length; i++) {
        uint8_t x = a.bytes[i];
        uint8_t y = b.bytes[i];
        x = x >= 'A' && x <= 'Z' ? (uint8_t)(x | 0x20) : x;
        y = y >= 'A' && y <= 'Z' ? (uint8_t)(y | 0x20) : y;
        if (x != y) {
            return false;
        }
    }
    return true;
}

/* Does the path of the Q line name a data file of this stem? The folder means nothing: the vendor's
 * own procedure renames it. */
static bool names_stem(struct spr_text path, struct spr_text stem)
{
    path = spr_text_trim(path);
    size_t start = path.length;
    while (start > 0 && path.bytes[start - 1] != '\\' && path.bytes[start - 1] != '/') {
        start--;
    }
    struct spr_text base = { path.bytes + start, path.length - start };
    const uint8_t *dot = base.length > 0 ? memrchr(base.bytes, '.', base.length) : NULL;
    if (dot == NULL || dot == base.bytes || (base.bytes[0] | 0x20) != 'd') {
        return false;
    }
    struct spr_text named = { base.bytes + 1, (size_t)(dot - base.bytes) - 1 };
    return same_nocase(named, stem);
}

static void take_recipient(struct control *control, struct spr_sink *sink, uint64_t offset,
                           struct spr_text value)
{
    struct spr_recipient_fact fact = {
        .address = strip_address(value),
        .state = SPR_RECIPIENT_PENDING,
        .offset = offset,
    };
    struct spr_text original = control->original;
    bool same = spr_texts_equal(original, fact.address);
    if (original.bytes != NULL && !same) {
        fact.original = original;
    }
    if (!spr_emit_recipient(sink, &fact)) {
        control->full = true;
    }
}

/* Keeps the first value of a letter. */
static void keep(struct spr_text *slot, struct spr_text value)
{
    if (slot->bytes == NULL) {
        *slot = spr_text_trim(value);
    }
}

static void take_line(struct control *control, struct spr_sink *sink, struct spr_text stem,
                      uint64_t offset, struct spr_text line)
{
    struct spr_text value = { line.bytes + 1, line.length - 1 };
    struct spr_text original = { 0 };
    switch (line.bytes[0]) {
    case 'Q':
        control->mismatch = control->mismatch || !names_stem(value, stem);
        break;
    case 'S':
        if (control->sender.bytes == NULL) {
            control->sender = strip_address(value);
        }
        break;
    case 'N':
        original = strip_address(value);
        break;
    case 'R':
        take_recipient(control, sink, offset, value);
        break;
    case 'Z': /* added by a rule: has no original */
        control->original = (struct spr_text){ 0 };
        take_recipient(control, sink, offset, value);
        break;
    case 'A':
        keep(&control->account, value);
        break;
    case 'B':
        keep(&control->client, value);
        break;
    case 'U':
        keep(&control->helo, value);
        break;
    case 'I':
        keep(&control->message_id, value);
        break;
    case 'T':
        control->attempted = spr_text_decimal(value, &control->attempts) || control->attempted;
        break;
    case 'D':
        control->doomed = control->doomed || spr_text_equal(spr_text_trim(value), "1");
        break;
    default:
        break; /* known letters that tell nothing we keep, and unknown ones */
    }
    control->original = original;
}

/* Without the CR before its LF. */
static struct spr_text cut_line(const uint8_t *start, const uint8_t *feed)
{
    const size_t length = (size_t)(feed - start);
    return (struct spr_text){ start, length > 0 && feed[-1] == '\r' ? length - 1 : length };
}

static void parse_lines(struct control *control, struct spr_sink *sink, struct spr_text stem,
                        struct spr_text text)
{
    const uint8_t *const end = text.bytes + text.length;
    const uint8_t *at = text.bytes;
    while (at < end && !control->full) { /* every line takes a byte or more */
        const uint8_t *feed = memchr(at, '\n', (size_t)(end - at));
        struct spr_text line =
            feed != NULL ? cut_line(at, feed) : (struct spr_text){ at, (size_t)(end - at) };
        if (line.length > 0) {
            take_line(control, sink, stem, (uint64_t)(at - text.bytes), line);
        } else {
            control->original = (struct spr_text){ 0 };
        }
        at = feed != NULL ? feed + 1 : end;
    }
}

/* The whole control file of a role, or what is missing of it. */
static enum spr_verdict get_control(const struct spr_view *view, unsigned role,
                                    struct spr_need *ret_need, struct spr_text *ret_text)
{
    const struct spr_file_view *file = &view->files[role];
    struct spr_text text = spr_view_from(file, 0);
    if (file->size > CONTROL_MAX) {
        *ret_need = (struct spr_need){ .role = role,
                                       .offset = CONTROL_MAX,
                                       .reason = "control file larger than 64 MiB" };
        return SPR_MALFORMED;
    }
    if (text.length < file->size) {
        *ret_need = (struct spr_need){ .role = role,
                                       .offset = text.length,
                                       .length = file->size - text.length };
        return SPR_MORE;
    }
    *ret_text = text;
    return SPR_PARSED;
}

/* Subject, From and Message-ID from the data file; the last also from an I line. */
static enum spr_verdict parse_headers(const struct spr_view *view, struct control *control,
                                      struct spr_sink *sink, unsigned role,
                                      struct spr_need *ret_need)
{
    const struct spr_file_view *file = &view->files[role];
    struct spr_text text = spr_view_from(file, 0);
    struct spr_headers headers;
    struct spr_cursor c;
    spr_headers_init(&headers);
    spr_cursor_init(&c, text);
    while (spr_cursor_left(&c) > 0 && !spr_headers_complete(&headers)) {
        spr_headers_feed(&headers, spr_take_line(&c), true);
    }
    if (!spr_headers_complete(&headers) && text.length < file->size && text.length < HEADER_MAX) {
        *ret_need = (struct spr_need){ .role = role, .offset = text.length, .length = HEADER_STEP };
        return SPR_MORE;
    }
    if (control->message_id.length > 0 &&
        !spr_emit_text(sink, SPR_FACT_MESSAGE_ID, control->message_id)) {
        control->full = true;
        return SPR_PARSED;
    }
    control->full = !spr_headers_emit(&headers, sink);
    return SPR_PARSED;
}

static int64_t seconds_of(const struct spr_file_view *file)
{
    return file->mtime_ns / SECOND_NS - (file->mtime_ns % SECOND_NS < 0 ? 1 : 0);
}

static bool is_old(const struct spr_view *view, unsigned role)
{
    int64_t age = 0;
    return !__builtin_sub_overflow(view->now, seconds_of(&view->files[role]), &age) &&
           age > STALE_SECONDS;
}

struct situation {
    const char *word;
    enum spr_state state;
    uint32_t flags;
};

/* Section by section the most binding fact first: a lock, then what is not complete. */
static struct situation judge(const struct spr_view *view, const struct control *control)
{
    bool has_control = view->files[SPR_IMAIL_CONTROL].present;
    bool has_data = view->files[SPR_IMAIL_DATA].present;
    if (view->files[SPR_IMAIL_LOCK].present) {
        return (struct situation){ is_old(view, SPR_IMAIL_LOCK) ? "stale-lock" : "active",
                                   SPR_STATE_ACTIVE, SPR_MESSAGE_BUSY };
    }
    if (view->files[SPR_IMAIL_FILTERING].present) {
        return (struct situation){ "filtering", SPR_STATE_INCOMING, SPR_MESSAGE_INCOMPLETE };
    }
    if (view->files[SPR_IMAIL_ARRIVING].present) {
        bool old = is_old(view, SPR_IMAIL_ARRIVING);
        return (struct situation){ old ? "leftover" : "arriving", SPR_STATE_INCOMING,
                                   old && !has_control ? 0 : SPR_MESSAGE_INCOMPLETE };
    }
    if (!has_control || !has_data) {
        return (struct situation){ has_control ? "orphan-control" : "orphan-data",
                                   SPR_STATE_CORRUPT, SPR_MESSAGE_INCOMPLETE };
    }
    if (view->folder.length > 0) {
        return (struct situation){ "held", SPR_STATE_HELD, 0 };
    }
    if (control->doomed) {
        return (struct situation){ "doomed", SPR_STATE_DEFERRED, 0 };
    }
    if (control->attempts > 0) {
        return (struct situation){ "deferred", SPR_STATE_DEFERRED, 0 };
    }
    return (struct situation){ "queued", SPR_STATE_INCOMING, 0 };
}

static bool emit_known(struct spr_sink *sink, enum spr_fact fact, struct spr_text text)
{
    return text.length == 0 || spr_emit_text(sink, fact, text);
}

/* As the log prints it: lower case. */
static bool emit_session(const struct spr_view *view, struct spr_sink *sink)
{
    uint8_t digits[SESSION_DIGITS];
    struct spr_text session = spr_imail_session(view->key.stem);
    if (session.length != SESSION_DIGITS) {
        return true;
    }
    for (size_t i = 0; i < SESSION_DIGITS; i++) {
        uint8_t byte = session.bytes[i];
        digits[i] = byte >= 'A' && byte <= 'F' ? (uint8_t)(byte | 0x20) : byte;
    }
    return spr_emit_text(sink, SPR_FACT_LOG_SESSION, (struct spr_text){ digits, SESSION_DIGITS });
}

static bool emit_control(const struct control *control, struct spr_sink *sink)
{
    if (control->sender.bytes != NULL && !spr_emit_text(sink, SPR_FACT_SENDER, control->sender)) {
        return false;
    }
    if (control->account.length > 0 &&
        (!spr_emit_text(sink, SPR_FACT_ACCOUNT, control->account) ||
         !spr_emit_number(sink, SPR_FACT_AUTH_SOURCE, SPR_AUTH_ENVELOPE))) {
        return false;
    }
    if (control->attempted &&
        !spr_emit_number(sink, SPR_FACT_ATTEMPTS,
                         control->attempts <= INT64_MAX ? (int64_t)control->attempts : INT64_MAX)) {
        return false;
    }
    return emit_known(sink, SPR_FACT_CLIENT, control->client) &&
           emit_known(sink, SPR_FACT_HELO, control->helo);
}

static bool is_bounce(const struct spr_view *view, const struct control *control)
{
    return spr_text_equal_nocase(view->key.variant, "gse") ||
           spr_text_equal_nocase(view->key.variant, "gsp") ||
           (control->sender.bytes != NULL && control->sender.length == 0);
}

/* The file that holds the message; SPR_IMAIL_ROLE_COUNT: none is there. */
static unsigned data_role(const struct spr_view *view)
{
    return view->files[SPR_IMAIL_DATA].present        ? SPR_IMAIL_DATA
           : view->files[SPR_IMAIL_FILTERING].present ? SPR_IMAIL_FILTERING
                                                      : SPR_IMAIL_ROLE_COUNT;
}

static bool emit_facts(const struct spr_view *view, const struct control *control,
                       struct spr_sink *sink)
{
    struct situation situation = judge(view, control);
    uint32_t flags = situation.flags;
    flags |= is_bounce(view, control) ? SPR_MESSAGE_BOUNCE : 0;
    flags |= control->doomed ? SPR_MESSAGE_DOOMED : 0;
    flags |= control->mismatch ? SPR_MESSAGE_MISMATCH : 0;
    unsigned data = data_role(view);
    unsigned dated = data != SPR_IMAIL_ROLE_COUNT             ? data
                     : view->files[SPR_IMAIL_CONTROL].present ? SPR_IMAIL_CONTROL
                                                              : SPR_IMAIL_ARRIVING;
    uint64_t size = data != SPR_IMAIL_ROLE_COUNT ? view->files[data].size : 0;
    return emit_control(control, sink) && emit_session(view, sink) &&
           spr_emit_text(sink, SPR_FACT_QUEUE_NAME, spr_text_of(situation.word)) &&
           spr_emit_number(sink, SPR_FACT_STATE, situation.state) &&
           (flags == 0 || spr_emit_number(sink, SPR_FACT_FLAGS, flags)) &&
           spr_emit_number(sink, SPR_FACT_ARRIVAL, seconds_of(&view->files[dated])) &&
           spr_emit_number(sink, SPR_FACT_SIZE, size <= INT64_MAX ? (int64_t)size : INT64_MAX) &&
           spr_emit_text(sink, SPR_FACT_IDENTITY, view->key.stem);
}

enum spr_verdict spr_imail_parse(const struct spr_view *view, struct spr_sink *sink,
                                 struct spr_need *ret_need)
{
    struct control control = { 0 };
    enum spr_verdict verdict = SPR_PARSED;
    unsigned role = view->files[SPR_IMAIL_CONTROL].present ? SPR_IMAIL_CONTROL : SPR_IMAIL_ARRIVING;
    if (view->files[role].present) {
        struct spr_text text = { 0 };
        verdict = get_control(view, role, ret_need, &text);
        if (verdict == SPR_PARSED) {
            parse_lines(&control, sink, view->key.stem, text);
        }
    }
    unsigned data = data_role(view);
    if (verdict == SPR_PARSED && !control.full && (view->wants & SPR_WANT_SUBJECTS) != 0 &&
        data != SPR_IMAIL_ROLE_COUNT) {
        verdict = parse_headers(view, &control, sink, data, ret_need);
    }
    if (verdict == SPR_PARSED && !control.full) {
        (void)emit_facts(view, &control, sink); /* nothing follows */
    }
    return verdict;
}

enum spr_verdict spr_imail_content(const struct spr_view *view, struct spr_position *position,
                                   spr_content_fn on_bytes, void *user, struct spr_need *ret_need)
{
    unsigned role = data_role(view);
    if (role == SPR_IMAIL_ROLE_COUNT) {
        return SPR_PARSED;
    }
    const struct spr_file_view *file = &view->files[role];
    while (position->offset < file->size) { /* every round moves on */
        struct spr_text text = spr_view_from(file, position->offset);
        if (text.length == 0) {
            *ret_need = (struct spr_need){ .role = role,
                                           .offset = position->offset,
                                           .length = HEADER_STEP };
            return SPR_MORE;
        }
        position->offset += text.length;
        if (!on_bytes(text, user)) {
            break;
        }
    }
    return SPR_PARSED;
}
