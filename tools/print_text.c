/*
 * Numbers, sizes, times and texts as people read them.
 */
#include "tools/print_text.h"

#include "tools/escape.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const char *spr_text_count(uint64_t count, char text[SPR_SHORT_MAX])
{
    char digits[SPR_SHORT_MAX];
    const int length = snprintf(digits, sizeof(digits), "%" PRIu64, count);
    char *end = text;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) {
            *end++ = ',';
        }
        *end++ = digits[i];
    }
    *end = '\0';
    return text;
}

const char *spr_text_size(uint64_t bytes, char text[SPR_SHORT_MAX])
{
    static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 999.5 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        value /= 1000;
        unit++;
    }
    (void)snprintf(text, SPR_SHORT_MAX, unit == 0 || value >= 99.95 ? "%.0f %s" : "%.1f %s", value,
                   units[unit]);
    return text;
}

/* Local time; false, and "-", where it is unknown or beyond the calendar. */
static bool break_down(int64_t time, struct tm *ret_parts, char text[SPR_SHORT_MAX])
{
    const time_t seconds = (time_t)time;
    (void)strcpy(text, "-");
    return time != SPR_TIME_UNKNOWN && localtime_r(&seconds, ret_parts) != NULL;
}

/* Two digits and what stands behind them. */
static char *put_pair(char *at, int number, char behind)
{
    at[0] = (char)('0' + number / 10 % 10);
    at[1] = (char)('0' + number % 10);
    at[2] = behind;
    return at + 3;
}

/* YYYY-MM-DD HH:MM: with :SS: too. By hand, because strftime takes longer than the rest of a row.
 * The character at the end is not part of it. */
static char *put_time(char *text, const struct tm *parts, char between, bool seconds)
{
    char *at = text + snprintf(text, SPR_SHORT_MAX / 2, "%d-", 1900 + parts->tm_year);
    at = put_pair(at, parts->tm_mon + 1, '-');
    at = put_pair(at, parts->tm_mday, between);
    at = put_pair(at, parts->tm_hour, ':');
    at = put_pair(at, parts->tm_min, ':');
    return (seconds ? put_pair(at, parts->tm_sec, ':') : at) - 1;
}

const char *spr_text_minute(int64_t time, char text[SPR_SHORT_MAX])
{
    struct tm parts;
    if (break_down(time, &parts, text)) {
        *put_time(text, &parts, ' ', false) = '\0';
    }
    return text;
}

const char *spr_text_second(int64_t time, char text[SPR_SHORT_MAX])
{
    struct tm parts;
    if (break_down(time, &parts, text)) {
        *put_time(text, &parts, ' ', true) = '\0';
    }
    return text;
}

const char *spr_text_stamp(int64_t time, char text[SPR_SHORT_MAX])
{
    struct tm parts;
    if (!break_down(time, &parts, text)) {
        return text;
    }
    char *at = put_time(text, &parts, 'T', true);
    const int minutes = (int)(parts.tm_gmtoff / 60);
    *at++ = minutes < 0 ? '-' : '+';
    at = put_pair(at, abs(minutes) / 60, ':');
    *(put_pair(at, abs(minutes) % 60, ':') - 1) = '\0';
    return text;
}

const char *spr_text_span(uint64_t seconds, char text[SPR_SHORT_MAX])
{
    const uint64_t minutes = seconds / 60;
    const uint64_t hours = minutes / 60;
    if (seconds < 60) {
        (void)snprintf(text, SPR_SHORT_MAX, "%" PRIu64 " s", seconds);
    } else if (hours == 0) {
        (void)snprintf(text, SPR_SHORT_MAX, "%" PRIu64 " min", minutes);
    } else if (hours < 48) {
        (void)snprintf(text, SPR_SHORT_MAX, "%" PRIu64 " h %" PRIu64 " min", hours, minutes % 60);
    } else {
        (void)snprintf(text, SPR_SHORT_MAX, "%" PRIu64 " d %" PRIu64 " h", hours / 24, hours % 24);
    }
    return text;
}

const char *spr_text_share(uint64_t part, uint64_t whole, char text[SPR_SHORT_MAX])
{
    const double share = whole == 0 ? 0 : 100.0 * (double)part / (double)whole;
    if (part > 0 && share < 1) {
        (void)strcpy(text, "under 1 %");
    } else if (part < whole && share > 99) {
        (void)strcpy(text, "over 99 %");
    } else {
        (void)snprintf(text, SPR_SHORT_MAX, "%.0f %%", share);
    }
    return text;
}

const char *spr_text_messages(uint64_t count, char text[SPR_SHORT_MAX])
{
    (void)spr_text_count(count, text);
    (void)strcat(text, count == 1 ? " message" : " messages");
    return text;
}

const char *spr_action_name(enum spr_action action)
{
    static const char *const names[] = { "delete", "hold", "release", "requeue",
                                         "move",   "copy", "restore" };
    return (size_t)action < sizeof(names) / sizeof(names[0]) ? names[action] : "?";
}

const char *spr_action_past(enum spr_action action)
{
    static const char *const names[] = { "taken out",  "put on hold", "released", "requeued",
                                         "moved away", "copied",      "put back" };
    return (size_t)action < sizeof(names) / sizeof(names[0]) ? names[action] : "?";
}

const char *spr_state_name(enum spr_state state)
{
    static const char *const names[] = { "incoming", "active", "deferred", "held", "corrupt" };
    return (size_t)state < sizeof(names) / sizeof(names[0]) ? names[state] : "?";
}

const char *spr_auth_source_name(enum spr_auth_source source)
{
    static const char *const names[] = { "none", "envelope", "header", "log" };
    return (size_t)source < sizeof(names) / sizeof(names[0]) ? names[source] : "?";
}

const char *spr_recipient_state_name(enum spr_recipient_state state)
{
    static const char *const names[] = { "pending", "done", "cancelled", "failed" };
    return (size_t)state < sizeof(names) / sizeof(names[0]) ? names[state] : "?";
}

const char *spr_job_state_name(enum spr_job_state state)
{
    static const char *const names[] = { "running", "interrupted", "done", "undone",
                                         "purged",  "aborted",     "stuck" };
    return (size_t)state < sizeof(names) / sizeof(names[0]) ? names[state] : "?";
}

void spr_print_bold(const struct spr_cli *cli, const char *text)
{
    (void)printf("%s%s%s", cli->colour ? "\033[1m" : "", text, cli->colour ? "\033[0m" : "");
}

/* Does the value stand in a query without quotes? */
static bool is_plain_value(struct spr_text value)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,.-";
    for (size_t i = 0; i < value.length; i++) {
        if (value.bytes[i] < 0x80 &&
            (value.bytes[i] == '\0' || strchr(plain, value.bytes[i]) == NULL)) {
            return false;
        }
    }
    return value.length > 0;
}

void spr_write_term(FILE *out, const char *field, struct spr_text value)
{
    const bool plain = is_plain_value(value);
    (void)fprintf(out, "%s:%s", field, plain ? "" : "\"");
    for (size_t i = 0; i < value.length; i++) {
        if (!plain && (value.bytes[i] == '"' || value.bytes[i] == '\\')) {
            (void)fputc('\\', out);
        }
        (void)fputc(value.bytes[i], out);
    }
    (void)fputs(plain ? "" : "\"", out);
}

void spr_print_term(FILE *out, const char *field, struct spr_text value)
{
    char *text = NULL;
    size_t size = 0;
    FILE *term = open_memstream(&text, &size);
    if (term == NULL) {
        return;
    }
    spr_write_term(term, field, value);
    if (fclose(term) == 0) {
        spr_escape_shell(out, (struct spr_text){ (const uint8_t *)text, size });
    }
    free(text);
}

void spr_print_spool(FILE *out, const char *root)
{
    (void)fputs(" --spool ", out);
    spr_escape_shell(out, spr_text_string(root));
}
