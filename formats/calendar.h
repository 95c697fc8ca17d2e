/*
 * Clock times of log lines as Unix seconds, without time zones.
 */
#ifndef SPR_FORMATS_CALENDAR_H
#define SPR_FORMATS_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

#define SPR_YEARLESS_YEAR 1972 /* a leap year: stands for the year that a log line lacks */

struct spr_clock {
    uint32_t year, month, day, hour, minute, second; /* month and day from 1 */
};

/* The clock read as UTC; false if it shows no time between 1970 and 9999. */
bool spr_clock_seconds(const struct spr_clock *clock, int64_t *ret_seconds);

#endif
