/*
 * Clock times of log lines as Unix seconds, without time zones.
 */
#ifndef SPR_FORMATS_CALENDAR_H
#define SPR_FORMATS_CALENDAR_H

#include "formats/words.h"

#include <stdbool.h>

#define SPR_YEARLESS_YEAR 1972 /* a leap year: stands for the year that a log line lacks */

struct spr_clock {
    uint32_t year, month, day, hour, minute, second; /* month and day from 1 */
};

/* The clock read as UTC; false if it shows no time between 1970 and 9999. */
bool spr_clock_seconds(const struct spr_clock *clock, int64_t *ret_seconds);
/* The time at the start of a syslog line: "Nov  4 12:34:56", which names no year, or the ISO form
 * with its zone. */
bool spr_clock_syslog(struct spr_text line, int64_t *ret_seconds, bool *ret_yearless);

#endif
