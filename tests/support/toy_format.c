/*
 * A format for tests.
 */
#include "tests/support/toy_format.h"

#include "formats/cursor.h"

#include <stdlib.h>
#include <string.h>

enum { CONTROL, DATA, LOCK, ROLE_COUNT };

static const struct spr_dir dirs[] = {
    { "", "spool", SPR_STATE_DEFERRED, SPR_DIR_TREE },
};

static const struct spr_role roles[] = {
    { "control", SPR_ROLE_PRIMARY | SPR_ROLE_REQUIRED | SPR_ROLE_READ | SPR_ROLE_PAIRED, 1 },
    { "data", SPR_ROLE_PRIMARY | SPR_ROLE_REQUIRED | SPR_ROLE_PAIRED, 1 },
    { "lock", SPR_ROLE_LOCK | SPR_ROLE_PAIRED, 0 },
};

static bool ends_in(struct spr_text name, const char *suffix)
{
    const size_t length = strlen(suffix);
    return name.length > length && memcmp(name.bytes + name.length - length, suffix, length) == 0;
}

static void probe(const struct spr_tree *tree, struct spr_probe *ret_probe)
{
    if (tree->kind(tree, "TOY") == 'f') {
        *ret_probe = (struct spr_probe){ .score = 90, .reason = "a file TOY" };
    }
}

static void probe_as_sure(const struct spr_tree *tree, struct spr_probe *ret_probe)
{
    if (tree->kind(tree, "deferred") == 'd') {
        *ret_probe = (struct spr_probe){ .score = 95, .reason = "a folder deferred" };
    }
}

static enum spr_kind classify(const struct spr_layout *layout, unsigned dir, struct spr_text name,
                              struct spr_key *ret_key)
{
    (void)layout;
    (void)dir;
    if (ends_in(name, ".log")) {
        return SPR_KIND_LOG;
    }
    if (ends_in(name, ".tmp")) {
        return SPR_KIND_TEMPORARY;
    }
    const uint8_t *dot = memchr(name.bytes, '.', name.length);
    if (dot == NULL || dot - name.bytes < 2) {
        return SPR_KIND_FOREIGN;
    }
    const struct spr_text stem = { name.bytes + 1, (size_t)(dot - name.bytes) - 1 };
    const struct spr_text variant = { dot + 1, name.length - (size_t)(dot - name.bytes) - 1 };
    *ret_key = (struct spr_key){ .id = stem, .stem = stem, .variant = variant };
    switch (name.bytes[0]) {
    case 'Q':
    case 'q':
        ret_key->role = CONTROL;
        return SPR_KIND_PART;
    case 'D':
    case 'd':
        ret_key->role = DATA;
        return SPR_KIND_PART;
    case 'L':
        ret_key->role = LOCK;
        ret_key->variant = (struct spr_text){ 0 };
        return SPR_KIND_PART;
    default:
        return SPR_KIND_FOREIGN;
    }
}

static bool take_letter(struct spr_sink *sink, uint8_t letter, struct spr_text value)
{
    const struct spr_recipient_fact recipient = { .address = value };
    switch (letter) {
    case 'S':
        return spr_emit_text(sink, SPR_FACT_SENDER, value);
    case 'A':
        return spr_emit_text(sink, SPR_FACT_ACCOUNT, value);
    case 'G':
        return spr_emit_text(sink, SPR_FACT_LOG_SESSION, value);
    case 'R':
        return spr_emit_recipient(sink, &recipient);
    default:
        return true;
    }
}

static enum spr_verdict judge(const struct spr_view *view, uint8_t letter,
                              struct spr_need *ret_need)
{
    const struct spr_file_view *data = &view->files[DATA];
    switch (letter) {
    case 'W':
        *ret_need = (struct spr_need){ .role = DATA, .length = data->size };
        return data->present && spr_view_bytes(data, 0, data->size).bytes == NULL ? SPR_MORE
                                                                                  : SPR_PARSED;
    case '!':
        *ret_need = (struct spr_need){ .offset = 7, .reason = "no exclamation mark" };
        return SPR_MALFORMED;
    case '?':
        return SPR_UNFINISHED;
    case '*':
        *ret_need = (struct spr_need){ .role = CONTROL, .length = 1 };
        return SPR_MORE;
    default:
        return SPR_PARSED;
    }
}

static enum spr_verdict parse(const struct spr_view *view, struct spr_sink *sink,
                              struct spr_need *ret_need)
{
    const struct spr_file_view *control = &view->files[CONTROL];
    if (!control->present) {
        return SPR_PARSED;
    }
    const struct spr_text whole = spr_view_bytes(control, 0, control->size);
    if (whole.bytes == NULL && control->size > 0) {
        *ret_need = (struct spr_need){ .role = CONTROL, .length = control->size };
        return SPR_MORE;
    }
    struct spr_cursor cursor;
    spr_cursor_init(&cursor, whole);
    while (spr_cursor_left(&cursor) > 0) {
        const struct spr_text line = spr_take_line(&cursor);
        if (line.length == 0) {
            continue;
        }
        const enum spr_verdict verdict = judge(view, line.bytes[0], ret_need);
        if (verdict != SPR_PARSED) {
            return verdict;
        }
        if (!take_letter(sink, line.bytes[0],
                         (struct spr_text){ line.bytes + 1, line.length - 1 })) {
            return SPR_PARSED;
        }
    }
    return SPR_PARSED;
}

static bool log_line(struct spr_text line, struct spr_log_event *ret_event)
{
    const uint8_t *first = line.length > 0 ? memchr(line.bytes, ' ', line.length) : NULL;
    if (first == NULL) {
        return false;
    }
    const size_t session = (size_t)(first - line.bytes);
    const uint8_t *account = first + 1;
    const uint8_t *second = memchr(account, ' ', line.length - session - 1);
    if (second == NULL) {
        return false;
    }
    uint64_t time = 0;
    const size_t at = (size_t)(second - line.bytes) + 1;
    *ret_event = (struct spr_log_event){
        .session = { line.bytes, session },
        .account = { account, (size_t)(second - account) },
    };
    if (!spr_text_decimal((struct spr_text){ line.bytes + at, line.length - at }, &time)) {
        return false;
    }
    ret_event->time = (int64_t)time;
    return true;
}

#define TOY(name_, probe_)                                                                         \
    {                                                                                              \
        .contract = SPR_FORMAT_CONTRACT, .name = name_, .dirs = dirs, .dir_count = 1,              \
        .roles = roles, .role_count = ROLE_COUNT, .head_bytes = 64, .edits_in_place = true,        \
        .probe = probe_, .classify = classify, .parse = parse, .log_line = log_line                \
    }

const struct spr_format toy_format = TOY("toy", probe);
const struct spr_format toy_rival = TOY("rival", probe_as_sure);
