/*
 * Postfix queue ids, the hash folders they lead to, and what a file name means.
 *
 * Two kinds of id exist. A short one is five hex digits of microseconds and the file's inode number
 * in hex. A long one is seconds and microseconds in base 52, a "z", and the inode number in base
 * 51; its inode is true at creation only, so nothing is concluded from it.
 */
#include "formats/calendar.h"
#include "formats/cursor.h"
#include "formats/digits.h"
#include "formats/path.h"
#include "formats/postfix.h"

#include <string.h>

#define SHORT_USEC_DIGITS 5
#define LONG_SECOND_MIN   6 /* digits; zero-padded by the server */
#define LONG_USEC_DIGITS  4
#define USEC_PER_SECOND   1000000
#define PATHS_PER_DIR     (SPR_POSTFIX_DEPTH_MAX + 1)

static bool decode_hex(struct spr_text text, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.length; i++) {
        const unsigned digit = spr_digits16[text.bytes[i]];
        if (digit == 0 || value >> 60 != 0) {
            return false;
        }
        value = value << 4 | (digit - 1);
    }
    *ret_value = value;
    return text.length > 0;
}

static bool decode_base(struct spr_text text, unsigned base, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.length; i++) {
        const unsigned digit = spr_digits52[text.bytes[i]];
        if (digit == 0 || digit > base || __builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, (uint64_t)(digit - 1), &value)) {
            return false;
        }
    }
    *ret_value = value;
    return text.length > 0;
}

/* Where the last z stands, if so far in that it divides a long id; else 0. */
static size_t find_divider(struct spr_text name)
{
    for (size_t i = name.length; i > LONG_SECOND_MIN + LONG_USEC_DIGITS; i--) {
        if (name.bytes[i - 1] == 'z') {
            return i - 1;
        }
    }
    return 0;
}

static bool parse_long(struct spr_text name, size_t divider, struct spr_postfix_id *ret_id)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t usec_at = divider - LONG_USEC_DIGITS;
    uint64_t seconds = 0;
    uint64_t usec = 0;
    uint64_t inode = 0;
    if (!decode_base((struct spr_text){ name.bytes, usec_at }, 52, &seconds) ||
        !decode_base((struct spr_text){ name.bytes + usec_at, LONG_USEC_DIGITS }, 52, &usec) ||
        !decode_base((struct spr_text){ name.bytes + divider + 1, name.length - divider - 1 }, 51,
                     &inode) ||
        usec >= USEC_PER_SECOND) {
        return false;
    }
    uint64_t created = 0;
    if (__builtin_mul_overflow(seconds, (uint64_t)USEC_PER_SECOND, &created) ||
        __builtin_add_overflow(created, usec, &created) || created > INT64_MAX) {
        return false;
    }
    *ret_id = (struct spr_postfix_id){ .created = (int64_t)created };
    for (unsigned i = 0; i < SHORT_USEC_DIGITS; i++) {
        ret_id->usec[i] = digits[usec >> (4 * (SHORT_USEC_DIGITS - 1 - i)) & 15];
    }
    return true;
}

bool spr_postfix_id_parse(struct spr_text name, struct spr_postfix_id *ret_id)
{
    if (name.length > SPR_NAME_MAX) {
        return false;
    }
    size_t divider = find_divider(name);
    if (divider > 0) {
        return parse_long(name, divider, ret_id);
    }
    uint64_t usec = 0;
    uint64_t inode = 0;
    if (name.length <= SHORT_USEC_DIGITS ||
        !decode_hex((struct spr_text){ name.bytes, SHORT_USEC_DIGITS }, &usec) ||
        !decode_hex(
            (struct spr_text){ name.bytes + SHORT_USEC_DIGITS, name.length - SHORT_USEC_DIGITS },
            &inode)) {
        return false;
    }
    *ret_id = (struct spr_postfix_id){ .inode = inode };
    return true;
}

bool spr_postfix_id_valid(struct spr_text id)
{
    struct spr_postfix_id ignored;
    return spr_postfix_id_parse(id, &ignored);
}

uint32_t spr_postfix_depth(const struct spr_layout *layout, unsigned dir)
{
    if ((layout->hashed_dirs >> dir & 1) == 0) {
        return 0;
    }
    return layout->hash_depth < SPR_POSTFIX_DEPTH_MAX ? layout->hash_depth : SPR_POSTFIX_DEPTH_MAX;
}

bool spr_postfix_path(unsigned dir, uint32_t depth, struct spr_text name, struct spr_path *ret_path)
{
    struct spr_postfix_id id;
    if (!spr_postfix_id_parse(name, &id)) {
        return false;
    }
    struct spr_text source = id.usec[0] != '\0' ? spr_text_of(id.usec) : name;
    struct spr_path path = { .length = 0 };
    bool fits = spr_path_add(&path, spr_text_of(spr_postfix_dirs[dir].path));
    for (uint32_t i = 0; i < depth && fits; i++) {
        uint8_t letter = i < source.length ? source.bytes[i] : '_';
        fits = spr_path_add(&path, (struct spr_text){ &letter, 1 });
    }
    if (!fits || !spr_path_add(&path, name)) {
        return false;
    }
    *ret_path = path;
    return true;
}

/* usec.pid: a file that has not got its id yet. */
static bool is_temporary(struct spr_text name)
{
    const uint8_t *dot = memchr(name.bytes, '.', name.length);
    if (dot == NULL || dot == name.bytes || dot == name.bytes + name.length - 1) {
        return false;
    }
    for (size_t i = 0; i < name.length; i++) {
        const uint8_t *byte = name.bytes + i;
        if (byte != dot && (*byte < '0' || *byte > '9')) {
            return false;
        }
    }
    return true;
}

enum spr_kind spr_postfix_classify(const struct spr_layout *layout, unsigned dir,
                                   struct spr_text name, struct spr_key *ret_key)
{
    (void)layout;
    if (name.length == 0 || name.length > SPR_NAME_MAX) {
        return SPR_KIND_FOREIGN;
    }
    struct spr_postfix_id id;
    if (dir >= SPR_POSTFIX_DEFER) {
        return spr_postfix_id_parse(name, &id) ? SPR_KIND_LOG : SPR_KIND_FOREIGN;
    }
    /* "…#FIX", which an interrupted repair leaves, falls out here too: reported, never touched. */
    if (!spr_postfix_id_parse(name, &id)) {
        return is_temporary(name) ? SPR_KIND_TEMPORARY : SPR_KIND_FOREIGN;
    }
    *ret_key = (struct spr_key){
        .id = name,
        .stem = name,
        .variant = { .bytes = name.bytes + name.length, .length = 0 },
        .role = SPR_POSTFIX_MESSAGE,
        .created = id.created,
        .inode = id.inode,
    };
    return SPR_KIND_PART;
}

/* The n-th place in dir: where the server looks now, then the other depths. */
static bool place_in_dir(const struct spr_layout *layout, unsigned dir, unsigned n,
                         struct spr_text name, struct spr_path *ret_path)
{
    uint32_t depth = spr_postfix_depth(layout, dir);
    if (n > 0) {
        uint32_t other = n - 1;
        depth = other < depth ? other : other + 1;
    }
    return spr_postfix_path(dir, depth, name, ret_path);
}

bool spr_postfix_locate(const struct spr_layout *layout, const struct spr_key *key, unsigned role,
                        unsigned attempt, struct spr_path *ret_path)
{
    static const unsigned queues[] = { SPR_POSTFIX_INCOMING, SPR_POSTFIX_ACTIVE,
                                       SPR_POSTFIX_DEFERRED, SPR_POSTFIX_HOLD };
    static const unsigned logs[SPR_POSTFIX_ROLE_COUNT] = {
        [SPR_POSTFIX_DEFER_LOG] = SPR_POSTFIX_DEFER,
        [SPR_POSTFIX_BOUNCE_LOG] = SPR_POSTFIX_BOUNCE,
        [SPR_POSTFIX_TRACE_LOG] = SPR_POSTFIX_TRACE,
    };
    const unsigned queue_count = sizeof(queues) / sizeof(queues[0]);
    if (role >= SPR_POSTFIX_ROLE_COUNT) {
        return false;
    }
    if (role != SPR_POSTFIX_MESSAGE) {
        return attempt < PATHS_PER_DIR &&
               place_in_dir(layout, logs[role], attempt, key->id, ret_path);
    }
    if (attempt >= PATHS_PER_DIR * queue_count) {
        return false;
    }
    return place_in_dir(layout, queues[attempt % queue_count], attempt / queue_count, key->id,
                        ret_path);
}

/* What follows label in the line, up to a comma or blank; bytes NULL if the label is not there. */
static struct spr_text find_value(struct spr_text line, const char *label)
{
    size_t length = strlen(label);
    const uint8_t *at = memmem(line.bytes, line.length, label, length);
    if (at == NULL) {
        return (struct spr_text){ 0 };
    }
    const uint8_t *start = at + length;
    const uint8_t *end = line.bytes + line.length;
    const uint8_t *stop = start;
    while (stop < end && *stop != ',' && *stop != ' ' && *stop != '\r' && *stop != '\n') {
        stop++;
    }
    return (struct spr_text){ start, (size_t)(stop - start) };
}

/* The text between the last brackets: name[address]. */
static struct spr_text inside_brackets(struct spr_text text)
{
    const uint8_t *open = memrchr(text.bytes, '[', text.length);
    if (open == NULL) {
        return (struct spr_text){ 0 };
    }
    open++;
    size_t left = text.length - (size_t)(open - text.bytes);
    const uint8_t *close = memchr(open, ']', left);
    return close == NULL ? (struct spr_text){ 0 }
                         : (struct spr_text){ open, (size_t)(close - open) };
}

bool spr_postfix_log_line(struct spr_text line, struct spr_log_event *ret_event)
{
    struct spr_text client = find_value(line, ": client=");
    struct spr_text account = find_value(line, ", sasl_username=");
    if (client.bytes == NULL || account.length == 0 ||
        memmem(line.bytes, line.length, "smtpd[", 6) == NULL) {
        return false;
    }
    /* The id is the word before ": client=". */
    const uint8_t *end = client.bytes - strlen(": client=");
    const uint8_t *start = end;
    while (start > line.bytes && start[-1] != ' ') {
        start--;
    }
    struct spr_text session = { start, (size_t)(end - start) };
    if (!spr_postfix_id_valid(session)) {
        return false;
    }
    *ret_event = (struct spr_log_event){
        .session = session,
        .account = account,
        .client = inside_brackets(client),
    };
    (void)spr_clock_syslog(line, &ret_event->time, &ret_event->yearless); /* else it stays 0 */
    return true;
}
