/*
 * The table of a terminal: ids are whole, addresses stay long enough, the least useful columns go.
 */
#include "tools/columns.h"

#include <string.h>

#include <criterion/criterion.h>

static unsigned width_of(const struct spr_columns *columns, const unsigned *widths,
                         const char *name)
{
    for (unsigned i = 0; i < columns->count; i++) {
        if (strcmp(columns->column[i]->name, name) == 0) {
            return widths[i];
        }
    }
    return 0;
}

static unsigned sum_of(const struct spr_columns *columns, const unsigned *widths)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < columns->count; i++) {
        sum += widths[i] + (i > 0 ? 2 : 0);
    }
    return sum;
}

/* The usual columns with long ids and addresses of 40 columns, made to fit. */
static void fit(unsigned total, bool may_drop, struct spr_columns *ret_columns, unsigned *widths)
{
    static const unsigned needs[] = { 15, 16, 8, 6, 40, 40, 40 };
    cr_assert_eq(spr_columns_choose(NULL, ret_columns), 0);
    cr_assert_eq(ret_columns->count, 7);
    memcpy(widths, needs, sizeof(needs));
    spr_columns_fit(ret_columns, may_drop, total, widths);
}

Test(columns_fit, fits_every_usual_terminal_with_whole_ids)
{
    for (unsigned total = 80; total <= 200; total++) {
        struct spr_columns columns;
        unsigned widths[SPR_COLUMNS_MAX];
        fit(total, true, &columns, widths);
        cr_expect_leq(sum_of(&columns, widths), total, "%u columns", total);
        cr_expect_eq(width_of(&columns, widths, "queue_id"), 15);
        cr_expect_geq(width_of(&columns, widths, "sender"), 19, "%u columns", total);
        cr_expect_geq(width_of(&columns, widths, "recipients"), 19, "%u columns", total);
    }
}

Test(columns_fit, drops_nothing_where_all_fits_or_where_columns_were_named)
{
    struct spr_columns columns;
    unsigned widths[SPR_COLUMNS_MAX];

    fit(200, true, &columns, widths);
    cr_expect_eq(columns.count, 7);
    cr_expect_eq(width_of(&columns, widths, "sender"), 40);
    fit(100, false, &columns, widths);
    cr_expect_eq(columns.count, 7);
    fit(10, false, &columns, widths);
    cr_expect_eq(width_of(&columns, widths, "sender"), 10);
    fit(100, true, &columns, widths);
    cr_expect_eq(width_of(&columns, widths, "message_size"), 0);
}
