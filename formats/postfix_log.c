/*
 * Postfix' defer and bounce logs: entries of "name=value" lines, set apart by empty lines. An entry
 * names its recipient by the offset of the record in the message, which is how it is joined:
 * addresses are quoted here and raw there.
 */
#include "formats/cursor.h"
#include "formats/postfix.h"

#include <string.h>

#define LOG_MAX (64u << 20) /* of a longer log only the beginning is read */

struct entry {
    uint64_t offset;
    struct spr_text reason;
};

/* The value, if the line is "name=value". */
static bool take_value(struct spr_text line, const char *name, struct spr_text *ret_value)
{
    size_t length = strlen(name);
    if (!spr_text_starts(line, name)) {
        return false;
    }
    *ret_value = (struct spr_text){ line.bytes + length, line.length - length };
    return true;
}

/* The reason in "<recipient>: reason", the first line of an entry; older releases write no other.
 */
static bool take_old_reason(struct spr_text line, struct spr_text *ret_reason)
{
    if (line.length == 0 || line.bytes[0] != '<') {
        return false;
    }
    const uint8_t *end = memmem(line.bytes, line.length, ">: ", 3);
    if (end == NULL) {
        return false;
    }
    end += 3;
    *ret_reason = (struct spr_text){ end, line.length - (size_t)(end - line.bytes) };
    return true;
}

static bool finish_entry(struct entry *entry, struct spr_sink *sink)
{
    bool wanted = entry->offset == 0 || entry->reason.bytes == NULL ||
                  spr_emit_error(sink, entry->offset, entry->reason);
    *entry = (struct entry){ 0 };
    return wanted;
}

static void parse_log(struct spr_text text, struct spr_sink *sink)
{
    struct spr_cursor c;
    spr_cursor_init(&c, text);
    struct entry entry = { 0 };
    while (spr_cursor_left(&c) > 0) { /* every line takes a byte or more */
        struct spr_text line = spr_take_line(&c);
        struct spr_text value;
        if (line.length == 0) {
            if (!finish_entry(&entry, sink)) {
                return;
            }
        } else if (take_value(line, "offset=", &value)) {
            uint64_t offset = 0;
            if (spr_text_decimal(value, &offset)) {
                entry.offset = offset;
            }
        } else if (take_value(line, "reason=", &value) ||
                   (entry.reason.bytes == NULL && take_old_reason(line, &value))) {
            entry.reason = value;
        }
    }
    (void)finish_entry(&entry, sink); /* nothing follows that could be spared */
}

/* The log of a role as far as it is read; bytes NULL: there is none. */
static enum spr_verdict get_log(const struct spr_view *view, unsigned role,
                                struct spr_need *ret_need, struct spr_text *ret_text)
{
    const struct spr_file_view *file = &view->files[role];
    *ret_text = (struct spr_text){ 0 };
    if (!file->present && file->sought) {
        return SPR_PARSED;
    }
    uint64_t wanted = file->size < LOG_MAX ? file->size : LOG_MAX;
    struct spr_text text = spr_view_from(file, 0);
    if (file->present && text.length >= wanted) {
        *ret_text = text;
        return SPR_PARSED;
    }
    *ret_need = (struct spr_need){
        .role = role,
        .offset = text.length,
        .length = file->present ? wanted - text.length : 64 * 1024,
    };
    return SPR_MORE;
}

enum spr_verdict spr_postfix_parse_logs(const struct spr_view *view, struct spr_sink *sink,
                                        struct spr_need *ret_need)
{
    struct spr_text deferred;
    struct spr_text bounced;
    enum spr_verdict verdict = get_log(view, SPR_POSTFIX_DEFER_LOG, ret_need, &deferred);
    if (verdict == SPR_PARSED) {
        verdict = get_log(view, SPR_POSTFIX_BOUNCE_LOG, ret_need, &bounced);
    }
    if (verdict != SPR_PARSED) {
        return verdict;
    }
    parse_log(deferred, sink);
    parse_log(bounced, sink);
    if (bounced.length > 0) {
        (void)spr_emit_number(sink, SPR_FACT_FLAGS, SPR_MESSAGE_PENDING_DSN); /* the last fact */
    }
    return SPR_PARSED;
}
