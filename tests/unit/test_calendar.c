#include "formats/calendar.h"
#include "formats/cursor.h"

#include <criterion/criterion.h>

static int64_t seconds(uint32_t year, uint32_t month, uint32_t day)
{
    const struct spr_clock clock = { year, month, day, 0, 0, 0 };
    int64_t value = -1;
    return spr_clock_seconds(&clock, &value) ? value : -1;
}

Test(calendar, counts_leap_years_as_the_gregorian_rule_says)
{
    cr_expect_eq(seconds(1970, 1, 1), 0);
    cr_expect_eq(seconds(1972, 2, 29), INT64_C(68169600));
    cr_expect_eq(seconds(2000, 3, 1), INT64_C(951868800));
    cr_expect_eq(seconds(2026, 11, 24), INT64_C(1795478400));
    cr_expect_eq(seconds(2100, 3, 1), INT64_C(4107542400));
}

Test(calendar, refuses_days_that_are_none)
{
    cr_expect_eq(seconds(2100, 2, 29), -1);
    cr_expect_eq(seconds(2026, 4, 31), -1);
    cr_expect_eq(seconds(2026, 13, 1), -1);
    cr_expect_eq(seconds(2026, 0, 1), -1);
    cr_expect_eq(seconds(2026, 1, 0), -1);
    cr_expect_eq(seconds(1969, 12, 31), -1);
}

Test(calendar, reads_both_forms_of_syslog_times)
{
    int64_t value = 0;
    bool yearless = false;

    cr_assert(spr_clock_syslog(spr_text_of("Feb 29 00:00:01 mx"), &value, &yearless));
    cr_expect_eq(value, INT64_C(68169601));
    cr_expect(yearless);

    cr_assert(spr_clock_syslog(spr_text_of("2026-11-24T00:00:00-05:30 mx"), &value, &yearless));
    cr_expect_eq(value, INT64_C(1795478400) + 19800);
    cr_expect_not(yearless);

    cr_assert(spr_clock_syslog(spr_text_of("2026-11-24T00:00:00.5Z"), &value, &yearless));
    cr_expect_eq(value, INT64_C(1795478400));
}

Test(calendar, refuses_lines_without_a_time)
{
    int64_t value = 7;
    bool yearless = false;

    cr_expect_not(spr_clock_syslog(spr_text_of(""), &value, &yearless));
    cr_expect_not(spr_clock_syslog(spr_text_of("Foo 24 12:00:00 mx"), &value, &yearless));
    cr_expect_not(spr_clock_syslog(spr_text_of("Nov 24 12:00"), &value, &yearless));
    cr_expect_not(spr_clock_syslog(spr_text_of("Nov 24 25:00:00 mx"), &value, &yearless));
    cr_expect_eq(value, 7);
}
