/*
 * Hand-written readers for quantities. Every sum and product is checked; texts are bounded by the
 * query's own length.
 */
#include "core/query/quantity.h"

#include <string.h>
#include <time.h>

struct reader {
    const uint8_t *bytes;
    size_t length, at;
};

/* One value with the span it stands for. For an age only equality uses last. */
struct span {
    int64_t first, last;
};

static int peek(const struct reader *r)
{
    return r->at < r->length ? r->bytes[r->at] : -1;
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static bool skip(struct reader *r, int c)
{
    if (peek(r) != c) {
        return false;
    }
    r->at++;
    return true;
}

/* Decimal digits, at least one. */
static bool take_number(struct reader *r, int64_t *ret_value)
{
    if (!is_digit(peek(r))) {
        return false;
    }
    int64_t value = 0;
    while (is_digit(peek(r))) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, peek(r) - '0', &value)) {
            return false;
        }
        r->at++;
    }
    *ret_value = value;
    return true;
}

/* Exactly count digits. */
static bool take_digits(struct reader *r, unsigned count, int *ret_value)
{
    int value = 0;
    for (unsigned i = 0; i < count; i++) {
        if (!is_digit(peek(r))) {
            return false;
        }
        value = value * 10 + (peek(r) - '0');
        r->at++;
    }
    *ret_value = value;
    return true;
}

static int64_t size_unit(int c)
{
    switch (c) {
    case 'k':
    case 'K':
        return INT64_C(1) << 10;
    case 'm':
    case 'M':
        return INT64_C(1) << 20;
    case 'g':
    case 'G':
        return INT64_C(1) << 30;
    case 't':
    case 'T':
        return INT64_C(1) << 40;
    default:
        return 0;
    }
}

static bool take_size(struct reader *r, struct span *ret_span)
{
    int64_t whole = 0;
    int64_t thousandths = 0;
    if (!take_number(r, &whole)) {
        return false;
    }
    if (peek(r) == '.' && r->at + 1 < r->length && is_digit(r->bytes[r->at + 1])) {
        r->at++;
        int64_t place = 100;
        while (is_digit(peek(r))) {
            thousandths += (peek(r) - '0') * place;
            place /= 10;
            r->at++;
        }
    }
    int64_t unit = size_unit(peek(r));
    if (unit != 0) {
        r->at++;
        (void)(skip(r, 'i') || skip(r, 'I')); /* KiB and kB are the same here */
    } else if (thousandths != 0) {
        return false;
    } else {
        unit = 1;
    }
    (void)(skip(r, 'b') || skip(r, 'B'));
    if (__builtin_mul_overflow(whole, unit, &whole) ||
        __builtin_add_overflow(
            whole, thousandths * (unit / 1000) + thousandths * (unit % 1000) / 1000, &whole)) {
        return false;
    }
    *ret_span = (struct span){ whole, whole };
    return true;
}

static int64_t duration_unit(int c)
{
    switch (c) {
    case 's':
        return 1;
    case 'm':
        return 60;
    case 'h':
        return 3600;
    case 'd':
        return 86400;
    case 'w':
        return 604800;
    default:
        return 0;
    }
}

/* "90", "2h", "1h30m"; equality spans one of the last unit. */
static bool take_duration(struct reader *r, struct span *ret_span)
{
    int64_t total = 0;
    int64_t unit = 1;
    bool any = false;
    while (is_digit(peek(r))) {
        int64_t value = 0;
        if (!take_number(r, &value)) {
            return false;
        }
        unit = duration_unit(peek(r));
        if (unit != 0) {
            r->at++;
        } else if (any) {
            return false;
        } else {
            unit = 1;
        }
        if (__builtin_mul_overflow(value, unit, &value) ||
            __builtin_add_overflow(total, value, &total)) {
            return false;
        }
        any = true;
    }
    if (!any || __builtin_add_overflow(total, unit - 1, &ret_span->last)) {
        return false;
    }
    ret_span->first = total;
    return true;
}

/* Minutes east of UTC: Z, +hh:mm, +hhmm, +hh. False in *ret_given: local time. */
static bool take_zone(struct reader *r, bool *ret_given, int *ret_minutes)
{
    *ret_given = true;
    *ret_minutes = 0;
    if (skip(r, 'Z') || skip(r, 'z')) {
        return true;
    }
    const int sign = peek(r) == '+' ? 1 : -1;
    if (!skip(r, '+') && !skip(r, '-')) {
        *ret_given = false;
        return true;
    }
    int hours = 0;
    int minutes = 0;
    if (!take_digits(r, 2, &hours) || hours > 14) {
        return false;
    }
    if (skip(r, ':') || is_digit(peek(r))) {
        if (!take_digits(r, 2, &minutes) || minutes > 59) {
            return false;
        }
    }
    *ret_minutes = sign * (hours * 60 + minutes);
    return true;
}

static bool date_valid(const struct tm *t)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    if (t->tm_mon < 0 || t->tm_mon > 11 || t->tm_mday < 1 || t->tm_hour > 23 || t->tm_min > 59 ||
        t->tm_sec > 60 || t->tm_year < 0) {
        return false;
    }
    const int year = t->tm_year + 1900;
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return t->tm_mday <= days[t->tm_mon] + (t->tm_mon == 1 && leap ? 1 : 0);
}

static int64_t to_seconds(struct tm t, bool zone_given, int zone_minutes)
{
    t.tm_isdst = -1;
    return zone_given ? timegm(&t) - (int64_t)zone_minutes * 60 : mktime(&t);
}

/* YYYY-MM[-DD[(T| )hh:mm[:ss][zone]]]; spans what is left out. */
static bool take_date(struct reader *r, struct span *ret_span)
{
    struct tm t = { .tm_mday = 1 };
    bool zone_given = false;
    int zone = 0;
    if (!take_digits(r, 4, &t.tm_year) || !skip(r, '-') || !take_digits(r, 2, &t.tm_mon)) {
        return false;
    }
    t.tm_year -= 1900;
    t.tm_mon--;
    struct tm end = t;
    end.tm_mon++;
    if (skip(r, '-')) {
        if (!take_digits(r, 2, &t.tm_mday)) {
            return false;
        }
        end = t;
        end.tm_mday++;
        if (skip(r, 'T') || skip(r, 't') || skip(r, ' ')) {
            if (!take_digits(r, 2, &t.tm_hour) || !skip(r, ':') || !take_digits(r, 2, &t.tm_min)) {
                return false;
            }
            end = t;
            end.tm_min++;
            if (skip(r, ':')) {
                if (!take_digits(r, 2, &t.tm_sec)) {
                    return false;
                }
                end = t;
                end.tm_sec++;
            }
            if (!take_zone(r, &zone_given, &zone)) {
                return false;
            }
        }
    }
    if (!date_valid(&t)) {
        return false;
    }
    ret_span->first = to_seconds(t, zone_given, zone);
    ret_span->last = to_seconds(end, zone_given, zone) - 1;
    return true;
}

static bool take_value(enum spr_quantity quantity, struct reader *r, struct span *ret_span)
{
    switch (quantity) {
    case SPR_QUANTITY_NUMBER:
        if (!take_number(r, &ret_span->first)) {
            return false;
        }
        ret_span->last = ret_span->first;
        return true;
    case SPR_QUANTITY_SIZE:
        return take_size(r, ret_span);
    case SPR_QUANTITY_DURATION:
        return take_duration(r, ret_span);
    case SPR_QUANTITY_DATE:
        return take_date(r, ret_span);
    }
    return false;
}

static const char *expected_value(enum spr_quantity quantity)
{
    switch (quantity) {
    case SPR_QUANTITY_NUMBER:
        return "expected a whole number such as 20";
    case SPR_QUANTITY_SIZE:
        return "expected a size such as 100k, 5M or 2G";
    case SPR_QUANTITY_DURATION:
        return "expected a duration such as 30m, 2h or 7d";
    case SPR_QUANTITY_DATE:
        return "expected a date such as 2026-11-20 or 2026-11-20T14:30";
    }
    return "expected a value";
}

/* What follows an operator: one value, then the end. */
static bool parse_comparison(enum spr_quantity quantity, struct reader *r, struct spr_range *range)
{
    const bool less = skip(r, '<');
    const bool more = !less && skip(r, '>');
    const bool equal = skip(r, '=');
    struct span span = { 0, 0 };
    if (!take_value(quantity, r, &span) || r->at != r->length) {
        return false;
    }
    /* An age compares with its value, a date with the edges of its day. */
    const int64_t upper = quantity == SPR_QUANTITY_DURATION ? span.first : span.last;
    *range = (struct spr_range){ INT64_MIN + 1, INT64_MAX };
    if (less) {
        range->high = equal ? upper : span.first - 1;
    } else if (more) {
        range->low = equal ? span.first : upper + 1;
    } else {
        range->low = span.first;
        range->high = span.last;
    }
    return true;
}

static bool parse_between(enum spr_quantity quantity, struct reader *r, size_t dots,
                          struct spr_range *range)
{
    *range = (struct spr_range){ INT64_MIN + 1, INT64_MAX };
    struct span span = { 0, 0 };
    struct reader from = { r->bytes, dots, 0 };
    if (dots > 0) {
        if (!take_value(quantity, &from, &span) || from.at != dots) {
            r->at = from.at;
            return false;
        }
        range->low = span.first;
    }
    r->at = dots + 2;
    if (r->at < r->length) {
        if (!take_value(quantity, r, &span) || r->at != r->length) {
            return false;
        }
        range->high = quantity == SPR_QUANTITY_DURATION ? span.first : span.last;
    }
    return true;
}

bool spr_range_parse(enum spr_quantity quantity, struct spr_text text, struct spr_range *ret_range,
                     size_t *ret_offset, const char **ret_expected)
{
    struct reader r = { text.bytes, text.length, 0 };
    struct spr_range range = { 0, 0 };
    const uint8_t *dots = text.length >= 2 ? memmem(text.bytes, text.length, "..", 2) : NULL;
    bool ok = false;

    if (dots != NULL && text.length > 2) {
        ok = parse_between(quantity, &r, (size_t)(dots - text.bytes), &range);
    } else {
        ok = parse_comparison(quantity, &r, &range);
    }
    if (!ok) {
        *ret_offset = r.at;
        *ret_expected = expected_value(quantity);
        return false;
    }
    if (dots != NULL && range.low > range.high) {
        *ret_offset = 0;
        *ret_expected = "expected the smaller value first in a range";
        return false;
    }
    *ret_range = range;
    return true;
}
