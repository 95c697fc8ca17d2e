/*
 * Names in an IMail spool: KIND stem "." EXT, in any case; and the lines of its logs.
 *
 * Parts of one message have equal stem and EXT. In a lock "_stem.~XY" the kind and the first letter
 * of EXT are gone, so it belongs to every message with that stem.
 */
#include "formats/calendar.h"
#include "formats/cursor.h"
#include "formats/imail.h"

#include <string.h>

#define STEM_MIN       6
#define STEM_MAX       32
#define EXTENSION_MAX  4
#define STEM_HEX       16 /* since 8.x: four digits, the session number, four digits */
#define SESSION_AT     4
#define SESSION_DIGITS 8

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static uint8_t lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + ('a' - 'A')) : byte;
}

static bool is_alnum(uint8_t byte)
{
    return is_digit(byte) || (lower(byte) >= 'a' && lower(byte) <= 'z');
}

static bool is_hex_digit(uint8_t byte)
{
    return is_digit(byte) || (lower(byte) >= 'a' && lower(byte) <= 'f');
}

bool spr_imail_is_hex(struct spr_text text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (!is_hex_digit(text.bytes[i])) {
            return false;
        }
    }
    return text.length > 0;
}

static bool is_stem(struct spr_text text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (!is_alnum(text.bytes[i])) {
            return false;
        }
    }
    return text.length >= STEM_MIN && text.length <= STEM_MAX;
}

bool spr_imail_id_valid(struct spr_text id)
{
    return is_stem(id);
}

/* Letters and digits; a lock has a tilde in place of the first. */
static bool is_extension(struct spr_text text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (!is_alnum(text.bytes[i]) && text.bytes[i] != '~') {
            return false;
        }
    }
    return text.length >= 1 && text.length <= EXTENSION_MAX;
}

/* sysMMDD.txt, logMMDD.txt and the like. */
static bool is_log(struct spr_text base)
{
    const size_t word = 3;
    struct spr_text start = { base.bytes, base.length < word ? base.length : word };
    if (!spr_text_equal_nocase(start, "sys") && !spr_text_equal_nocase(start, "log")) {
        return false;
    }
    size_t digits = 0;
    for (size_t i = word; i < base.length && is_digit(base.bytes[i]); i++) {
        digits++;
    }
    return digits >= 4;
}

/* The role that a kind letter means; SPR_IMAIL_ROLE_COUNT: none. */
static unsigned role_of(uint8_t kind)
{
    switch (lower(kind)) {
    case 'q':
        return SPR_IMAIL_CONTROL;
    case 't':
        return SPR_IMAIL_ARRIVING;
    case 'd':
        return SPR_IMAIL_DATA;
    case 'a':
        return SPR_IMAIL_FILTERING;
    case '_':
        return SPR_IMAIL_LOCK;
    default:
        return SPR_IMAIL_ROLE_COUNT;
    }
}

enum spr_kind spr_imail_classify(const struct spr_layout *layout, unsigned dir,
                                 struct spr_text name, struct spr_key *ret_key)
{
    (void)layout;
    (void)dir;
    const uint8_t *dot = name.length > 0 ? memrchr(name.bytes, '.', name.length) : NULL;
    if (dot == NULL || dot == name.bytes) {
        return SPR_KIND_FOREIGN;
    }
    size_t base_length = (size_t)(dot - name.bytes);
    struct spr_text base = { name.bytes, base_length };
    struct spr_text stem = { name.bytes + 1, base_length - 1 };
    struct spr_text extension = { dot + 1, name.length - base_length - 1 };
    if (spr_text_equal_nocase(extension, "txt")) {
        return is_log(base) ? SPR_KIND_LOG : SPR_KIND_FOREIGN;
    }
    if (is_stem(stem)) {
        *ret_key = (struct spr_key){ .id = stem, .stem = stem, .role = SPR_IMAIL_ROLE_COUNT };
    }
    if (spr_text_equal_nocase(extension, "tmp")) {
        return SPR_KIND_TEMPORARY; /* web messaging, pager, fax at work */
    }
    unsigned role = role_of(name.bytes[0]);
    if (role == SPR_IMAIL_ROLE_COUNT || !is_stem(stem) || !is_extension(extension)) {
        return SPR_KIND_FOREIGN;
    }
    /* Only one half of a lock's mark: no page shows it, so it locks too. */
    if (memchr(extension.bytes, '~', extension.length) != NULL) {
        role = SPR_IMAIL_LOCK;
    }
    if (role == SPR_IMAIL_LOCK) {
        extension.length = 0;
    }
    *ret_key = (struct spr_key){ .id = stem, .stem = stem, .variant = extension, .role = role };
    return SPR_KIND_PART;
}

struct spr_text spr_imail_session(struct spr_text stem)
{
    if (stem.length != STEM_HEX || !spr_imail_is_hex(stem)) {
        return (struct spr_text){ stem.bytes, 0 };
    }
    return (struct spr_text){ stem.bytes + SESSION_AT, SESSION_DIGITS };
}

/* What follows the word in the text; bytes NULL if it does not occur. */
static struct spr_text after_word(struct spr_text text, const char *word)
{
    size_t length = strlen(word);
    const uint8_t *at = text.length > 0 ? memmem(text.bytes, text.length, word, length) : NULL;
    if (at == NULL) {
        return (struct spr_text){ 0 };
    }
    at += length;
    return (struct spr_text){ at, text.length - (size_t)(at - text.bytes) };
}

/* The first run of letters and digits that is exactly eight hex digits. */
static struct spr_text find_session(struct spr_text text)
{
    size_t start = 0;
    for (size_t i = 0; i <= text.length; i++) {
        if (i < text.length && is_alnum(text.bytes[i])) {
            continue;
        }
        struct spr_text run = { text.bytes + start, i - start };
        if (run.length == SESSION_DIGITS && spr_imail_is_hex(run)) {
            return run;
        }
        start = i + 1;
    }
    return (struct spr_text){ text.bytes, 0 };
}

/* The word after "Authenticated": up to a comma or blank, without brackets or quotes. */
static struct spr_text take_user(struct spr_text text)
{
    while (text.length > 0 && memchr(" \t:<\"'", text.bytes[0], 6) != NULL) {
        text.bytes++;
        text.length--;
    }
    size_t length = 0;
    while (length < text.length && memchr(" \t,;>\"'\r\n", text.bytes[length], 9) == NULL) {
        length++;
    }
    return (struct spr_text){ text.bytes, length };
}

/* Two digits at offset; false if they are not there. */
static bool take_two(struct spr_text line, size_t offset, uint32_t *ret_value)
{
    if (line.length < offset + 2 || !is_digit(line.bytes[offset]) ||
        !is_digit(line.bytes[offset + 1])) {
        return false;
    }
    *ret_value =
        (uint32_t)(line.bytes[offset] - '0') * 10 + (uint32_t)(line.bytes[offset + 1] - '0');
    return true;
}

/* MM:DD HH:MM at the line's start, which names no year. */
static bool take_time(struct spr_text line, int64_t *ret_seconds)
{
    struct spr_clock clock = { .year = SPR_YEARLESS_YEAR };
    return take_two(line, 0, &clock.month) && take_two(line, 3, &clock.day) &&
           take_two(line, 6, &clock.hour) && take_two(line, 9, &clock.minute) &&
           line.bytes[2] == ':' && line.bytes[5] == ' ' && line.bytes[8] == ':' &&
           spr_clock_seconds(&clock, ret_seconds);
}

bool spr_imail_log_line(struct spr_text line, struct spr_log_event *ret_event)
{
    struct spr_text rest = after_word(line, "SMTPD");
    struct spr_text user = after_word(rest, "Authenticated");
    if (user.bytes == NULL) {
        return false;
    }
    /* The session stands between the two words: what a client sends comes later. */
    struct spr_text between = { rest.bytes, (size_t)(user.bytes - rest.bytes) };
    struct spr_text session = find_session(between);
    struct spr_text account = take_user(user);
    if (session.length == 0 || account.length == 0) {
        return false;
    }
    *ret_event = (struct spr_log_event){
        .session = session,
        .account = account,
        .client = { line.bytes, 0 },
    };
    ret_event->yearless = take_time(line, &ret_event->time);
    return true;
}
