/*
 * Ranges of numbers, sizes, durations and dates. Dates are given with an offset, so that the
 * machine's time zone does not matter; one test sets it.
 */
#include "core/query/quantity.h"
#include "formats/cursor.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#define LOWEST  (INT64_MIN + 1)
#define HIGHEST INT64_MAX

struct example {
    enum spr_quantity quantity;
    char text[64];
    int64_t low, high;
};

static bool parse(enum spr_quantity quantity, const char *text, struct spr_range *range)
{
    size_t offset = 0;
    const char *expected = NULL;
    return spr_range_parse(quantity, spr_text_of(text), range, &offset, &expected);
}

ParameterizedTestParameters(quantity, reads)
{
    static struct example examples[] = {
        { SPR_QUANTITY_NUMBER, "7", 7, 7 },
        { SPR_QUANTITY_NUMBER, "=7", 7, 7 },
        { SPR_QUANTITY_NUMBER, ">7", 8, HIGHEST },
        { SPR_QUANTITY_NUMBER, ">=7", 7, HIGHEST },
        { SPR_QUANTITY_NUMBER, "<7", LOWEST, 6 },
        { SPR_QUANTITY_NUMBER, "<=7", LOWEST, 7 },
        { SPR_QUANTITY_NUMBER, "7..", 7, HIGHEST },
        { SPR_QUANTITY_NUMBER, "..7", LOWEST, 7 },
        { SPR_QUANTITY_NUMBER, "7..9", 7, 9 },
        { SPR_QUANTITY_SIZE, "2k", 2048, 2048 },
        { SPR_QUANTITY_SIZE, "2kB", 2048, 2048 },
        { SPR_QUANTITY_SIZE, "2KiB", 2048, 2048 },
        { SPR_QUANTITY_SIZE, "1.5M", 1572864, 1572864 },
        { SPR_QUANTITY_SIZE, "1G..2T", INT64_C(1) << 30, INT64_C(2) << 40 },
        { SPR_QUANTITY_DURATION, "90", 90, 90 },
        { SPR_QUANTITY_DURATION, "2h", 7200, 10799 },
        { SPR_QUANTITY_DURATION, ">2h", 7201, HIGHEST },
        { SPR_QUANTITY_DURATION, "<1d", LOWEST, 86399 },
        { SPR_QUANTITY_DURATION, "1h30m..2w", 5400, 1209600 },
        { SPR_QUANTITY_DATE, "2026-11-20T00:00Z", 1795132800, 1795132859 },
        { SPR_QUANTITY_DATE, "2026-11-20T00:00:00Z", 1795132800, 1795132800 },
        { SPR_QUANTITY_DATE, "2026-11-20T01:00+01:00", 1795132800, 1795132859 },
        { SPR_QUANTITY_DATE, "2026-11-19T22:30-0130", 1795132800, 1795132859 },
    };
    return cr_make_param_array(struct example, examples, sizeof(examples) / sizeof(examples[0]));
}

ParameterizedTest(struct example *e, quantity, reads)
{
    struct spr_range range = { 0, 0 };
    cr_assert(parse(e->quantity, e->text, &range), "%s", e->text);
    cr_expect_eq(range.low, e->low, "%s: %lld", e->text, (long long)range.low);
    cr_expect_eq(range.high, e->high, "%s: %lld", e->text, (long long)range.high);
}

Test(quantity, refuses_what_is_no_quantity)
{
    static const char *const texts[] = { "",
                                         "..",
                                         "...",
                                         ">",
                                         ">>5",
                                         "5..",
                                         "-5",
                                         "5 ",
                                         "0x10",
                                         "1e5",
                                         "k",
                                         "1kk",
                                         "99999999999999999999G",
                                         "1.5",
                                         "20000000T",
                                         "5..4..3" };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct spr_range range = { 0, 0 };
        if (strcmp(texts[i], "5..") == 0) {
            continue; /* a range without an end is one */
        }
        cr_expect(!parse(SPR_QUANTITY_SIZE, texts[i], &range), "%s", texts[i]);
    }
}

Test(quantity, takes_dates_as_local_days)
{
    cr_assert_eq(setenv("TZ", "Europe/Berlin", 1), 0);
    tzset();
    struct spr_range day = { 0, 0 };
    struct spr_range after = { 0, 0 };
    struct spr_range before = { 0, 0 };
    struct spr_range month = { 0, 0 };
    struct spr_range summer_ends = { 0, 0 };

    cr_assert(parse(SPR_QUANTITY_DATE, "2026-11-20", &day));
    cr_assert(parse(SPR_QUANTITY_DATE, ">2026-11-20", &after));
    cr_assert(parse(SPR_QUANTITY_DATE, "<2026-11-20", &before));
    cr_assert(parse(SPR_QUANTITY_DATE, "2026-02", &month));
    cr_assert(parse(SPR_QUANTITY_DATE, "2026-10-25", &summer_ends));

    cr_expect_eq(day.low, 1795132800 - 3600);
    cr_expect_eq(day.high, day.low + 86399);
    cr_expect_eq(after.low, day.high + 1);
    cr_expect_eq(before.high, day.low - 1);
    cr_expect_eq(month.high - month.low + 1, 28 * 86400);
    cr_expect_eq(summer_ends.high - summer_ends.low + 1, 25 * 3600);
}
