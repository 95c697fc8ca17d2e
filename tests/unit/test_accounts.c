/*
 * Log events to accounts: same session, close in time, no conflict.
 */
#include "core/scan/accounts.h"
#include "formats/cursor.h"
#include "tests/support/toy_format.h"

#include <string.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#define NOON 1795521600 /* 2026-11-24 12:00 UTC */

struct joined {
    char name[40];
    char log[160];
    char account[16]; /* empty: none */
};

ParameterizedTestParameters(accounts, joins_by_session_and_day)
{
    static struct joined cases[] = {
        { "same session", "s1 ann 1795521000\n", "ann" },
        { "case of the session", "S1 ann 1795521000\n", "ann" },
        { "another session", "s2 ann 1795521000\n", "" },
        { "a day before", "s1 ann 1795435200\n", "ann" },
        { "more than a day before", "s1 ann 1795435199\n", "" },
        { "more than a day after", "s1 ann 1795608001\n", "" },
        { "twice the same", "s1 ann 1795521000\ns1 ann 1795521060\n", "ann" },
        { "a conflict", "s1 ann 1795521000\ns1 eve 1795521060\n", "" },
        { "the other one is far", "s1 eve 1790000000\ns1 ann 1795521060\n", "ann" },
        { "CRLF", "s1 ann 1795521000\r\n", "ann" },
        { "no LF at the end", "s1 ann 1795521000", "ann" },
        { "no log line at all", "hello\n\n\n", "" },
    };
    return cr_make_param_array(struct joined, cases, sizeof(cases) / sizeof(cases[0]));
}

/* In pieces of every length: lines may be cut anywhere. */
ParameterizedTest(struct joined *joined, accounts, joins_by_session_and_day)
{
    const size_t length = strlen(joined->log);
    for (size_t piece = 1; piece <= length; piece += piece < 8 ? 1 : 31) {
        struct spr_accounts *accounts;
        struct spr_record record = { 0 };
        record.text[SPR_COLUMN_LOG_SESSION] = spr_text_of("s1");
        record.number[SPR_NUMBER_ARRIVAL] = NOON;
        cr_assert_eq(spr_accounts_new(&accounts), 0);
        for (size_t at = 0; at < length; at += piece) {
            const size_t left = length - at < piece ? length - at : piece;
            const struct spr_text bytes = { (const uint8_t *)joined->log + at, left };
            cr_assert_eq(spr_accounts_take(accounts, &toy_format, bytes, NOON), 0);
        }
        cr_assert_eq(spr_accounts_end_log(accounts, &toy_format, NOON), 0);
        spr_accounts_sort(accounts);

        spr_accounts_join(accounts, &record, NOON);

        const struct spr_text account = record.text[SPR_COLUMN_ACCOUNT];
        cr_expect_eq(account.length, strlen(joined->account), "%s", joined->name);
        if (account.length > 0) {
            cr_expect_eq(memcmp(account.bytes, joined->account, account.length), 0);
            cr_expect_eq(record.auth_source, SPR_AUTH_LOG);
        }
        spr_accounts_free(accounts);
    }
}

Test(accounts, leave_an_account_that_the_envelope_names)
{
    struct spr_accounts *accounts;
    struct spr_record record = { .auth_source = SPR_AUTH_ENVELOPE };
    record.text[SPR_COLUMN_LOG_SESSION] = spr_text_of("s1");
    record.text[SPR_COLUMN_ACCOUNT] = spr_text_of("bob");
    record.number[SPR_NUMBER_ARRIVAL] = NOON;
    cr_assert_eq(spr_accounts_new(&accounts), 0);
    cr_assert_eq(spr_accounts_take(accounts, &toy_format, spr_text_of("s1 ann 1795521000\n"), NOON),
                 0);
    spr_accounts_sort(accounts);

    spr_accounts_join(accounts, &record, NOON);

    cr_expect_eq(record.auth_source, SPR_AUTH_ENVELOPE);
    cr_expect_eq(memcmp(record.text[SPR_COLUMN_ACCOUNT].bytes, "bob", 3), 0);
    spr_accounts_free(accounts);
}

/* ---- Lines without a year -------------------------------------------------------------------- */

#define YEAR_1972  63072000 /* 1972-01-01 00:00 UTC, which yearless clocks count from */
#define DAY        86400
#define NEW_YEAR   1798761600 /* 2027-01-01 00:00 UTC */
#define LEAP_DAY   1835395200 /* 2028-02-29 00:00 UTC */
#define MARCH_2027 1803859200 /* 2027-03-01 00:00 UTC */

static int64_t yearless_clock;

static bool yearless_line(struct spr_text line, struct spr_log_event *ret_event)
{
    *ret_event = (struct spr_log_event){
        .session = spr_text_of("s1"),
        .account = line,
        .time = yearless_clock,
        .yearless = true,
    };
    return true;
}

struct year {
    char name[40];
    int64_t clock; /* seconds of 1972 */
    int64_t changed, arrival;
    bool joins;
};

ParameterizedTestParameters(accounts, find_the_year_of_a_line)
{
    static struct year years[] = {
        { "the log's own year", 328 * DAY, NOON, NOON, true },
        { "another year's message", 328 * DAY, NOON, NOON - 365 * DAY, false },
        { "December, log changed in January", 365 * DAY, NEW_YEAR + 3600, NEW_YEAR - 7200, true },
        { "January, log changed in January", 0, NEW_YEAR + 3600, NEW_YEAR + 60, true },
        { "January, clock of the log behind", 0, NEW_YEAR - 60, NEW_YEAR, true },
        { "a leap day", 59 * DAY, LEAP_DAY + 3600, LEAP_DAY + 60, true },
        { "a leap day of a year without", 59 * DAY, MARCH_2027, MARCH_2027, true },
    };
    return cr_make_param_array(struct year, years, sizeof(years) / sizeof(years[0]));
}

ParameterizedTest(struct year *year, accounts, find_the_year_of_a_line)
{
    struct spr_format format = toy_format;
    struct spr_accounts *accounts;
    struct spr_record record = { 0 };
    format.log_line = yearless_line;
    yearless_clock = YEAR_1972 + year->clock;
    record.text[SPR_COLUMN_LOG_SESSION] = spr_text_of("s1");
    record.number[SPR_NUMBER_ARRIVAL] = year->arrival;
    cr_assert_eq(spr_accounts_new(&accounts), 0);
    cr_assert_eq(spr_accounts_take(accounts, &format, spr_text_of("ann\n"), year->changed), 0);
    spr_accounts_sort(accounts);

    spr_accounts_join(accounts, &record, NOON);

    cr_expect_eq(record.text[SPR_COLUMN_ACCOUNT].length > 0, year->joins, "%s", year->name);
    spr_accounts_free(accounts);
}
