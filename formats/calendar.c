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
