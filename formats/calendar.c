/*
 * Days of the Gregorian calendar, counted from 1970.
 */
#include "formats/calendar.h"

static bool is_leap(uint32_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static uint32_t days_before_year(uint32_t year)
{
    uint32_t last = year - 1;
    return last * 365 + last / 4 - last / 100 + last / 400;
}

bool spr_clock_seconds(const struct spr_clock *clock, int64_t *ret_seconds)
{
    static const uint8_t lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    if (clock->year < 1970 || clock->year > 9999 || clock->month < 1 || clock->month > 12 ||
        clock->day < 1 || clock->hour > 23 || clock->minute > 59 || clock->second > 60) {
        return false;
    }
    uint32_t leap_day = clock->month == 2 && is_leap(clock->year) ? 1 : 0;
    if (clock->day > lengths[clock->month - 1] + leap_day) {
        return false;
    }
    uint32_t days = days_before_year(clock->year) - days_before_year(1970) + clock->day - 1;
    for (uint32_t i = 1; i < clock->month; i++) {
        days += lengths[i - 1];
    }
    days += clock->month > 2 && is_leap(clock->year) ? 1 : 0;
    *ret_seconds = (int64_t)days * 86400 + clock->hour * 3600 + clock->minute * 60 + clock->second;
    return true;
}

/* Digits at offset, as many as width; false if something else stands there. */
static bool take_digits(struct spr_text line, size_t offset, size_t width, uint32_t *ret_value)
{
    uint32_t value = 0;
    if (line.length < offset + width) {
        return false;
    }
    for (size_t i = offset; i < offset + width; i++) {
        uint8_t byte = line.bytes[i] == ' ' && i == offset ? '0' : line.bytes[i];
        if (byte < '0' || byte > '9') {
            return false;
        }
        value = value * 10 + (uint32_t)(byte - '0');
    }
    *ret_value = value;
    return true;
}

/* HH:MM:SS at offset. */
static bool take_day_time(struct spr_text line, size_t offset, struct spr_clock *clock)
{
    return take_digits(line, offset, 2, &clock->hour) &&
           take_digits(line, offset + 3, 2, &clock->minute) &&
           take_digits(line, offset + 6, 2, &clock->second) && line.bytes[offset + 2] == ':' &&
           line.bytes[offset + 5] == ':';
}

/* Seconds east of Greenwich of "+HH:MM", "-HH:MM" or "Z" at offset; 0 if nothing like that. */
static int64_t take_zone(struct spr_text line, size_t offset)
{
    uint32_t hours = 0;
    uint32_t minutes = 0;
    if (line.length < offset + 6 || (line.bytes[offset] != '+' && line.bytes[offset] != '-') ||
        !take_digits(line, offset + 1, 2, &hours) || !take_digits(line, offset + 4, 2, &minutes)) {
        return 0;
    }
    int64_t seconds = (int64_t)hours * 3600 + minutes * 60;
    return line.bytes[offset] == '-' ? -seconds : seconds;
}

static bool take_iso(struct spr_text line, int64_t *ret_seconds)
{
    struct spr_clock clock;
    int64_t seconds = 0;
    if (!take_digits(line, 0, 4, &clock.year) || !take_digits(line, 5, 2, &clock.month) ||
        !take_digits(line, 8, 2, &clock.day) || !take_day_time(line, 11, &clock) ||
        !spr_clock_seconds(&clock, &seconds)) {
        return false;
    }
    size_t zone_at = 19;
    while (zone_at < line.length && (line.bytes[zone_at] == '.' ||
                                     (line.bytes[zone_at] >= '0' && line.bytes[zone_at] <= '9'))) {
        zone_at++;
    }
    *ret_seconds = seconds - take_zone(line, zone_at);
    return true;
}

bool spr_clock_syslog(struct spr_text line, int64_t *ret_seconds, bool *ret_yearless)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    if (take_iso(line, ret_seconds)) {
        *ret_yearless = false;
        return true;
    }
    struct spr_clock clock = { .year = SPR_YEARLESS_YEAR };
    for (uint32_t i = 0; i < 12 && line.length >= 15; i++) {
        if (line.bytes[0] == (uint8_t)names[3 * i] && line.bytes[1] == (uint8_t)names[3 * i + 1] &&
            line.bytes[2] == (uint8_t)names[3 * i + 2]) {
            clock.month = i + 1;
        }
    }
    if (!take_digits(line, 4, 2, &clock.day) || !take_day_time(line, 7, &clock) ||
        !spr_clock_seconds(&clock, ret_seconds)) {
        return false;
    }
    *ret_yearless = true;
    return true;
}
