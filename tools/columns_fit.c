/*
 * A table made to fit a terminal: each column is as wide as its values, ids and numbers are never
 * cut, long texts share what is left, and before addresses get too short to be told apart the least
 * useful of the usual columns go.
 */
#include "tools/columns.h"
#include "tools/escape.h"

#include <string.h>

#define GAP          2
#define SHORT_NEED   20 /* columns up to this width are given whole */
#define FLEXIBLE_MIN 10

/* In the order in which they are given up. */
static const char *const DROPPED[] = { "message_size", "queue_name", "arrival_time" };
#define DROPPED_COUNT (sizeof(DROPPED) / sizeof(DROPPED[0]))

static bool is_short(const struct spr_column *column, unsigned need)
{
    return column->right || need <= SHORT_NEED;
}

/* The most columns that a long text may have, so that all of it fits in total; 0: no text is cut.
 */
static unsigned share_of(const struct spr_columns *columns, const unsigned *needs, unsigned total)
{
    unsigned left = total;
    unsigned widest = 0;
    for (unsigned i = 0; i < columns->count; i++) {
        const bool whole = is_short(columns->column[i], needs[i]);
        const unsigned taken = (whole ? needs[i] : 0) + (i > 0 ? GAP : 0);
        left = left > taken ? left - taken : 0;
        widest = !whole && needs[i] > widest ? needs[i] : widest;
    }
    for (unsigned share = widest; share > FLEXIBLE_MIN; share--) {
        unsigned sum = 0;
        for (unsigned i = 0; i < columns->count; i++) {
            if (!is_short(columns->column[i], needs[i])) {
                sum += needs[i] < share ? needs[i] : share;
            }
        }
        if (sum <= left) {
            return share == widest ? 0 : share;
        }
    }
    return widest > FLEXIBLE_MIN ? FLEXIBLE_MIN : 0;
}

static bool drop_one(struct spr_columns *columns, unsigned *needs)
{
    for (size_t d = 0; d < DROPPED_COUNT; d++) {
        for (unsigned i = 0; i < columns->count; i++) {
            if (strcmp(columns->column[i]->name, DROPPED[d]) != 0) {
                continue;
            }
            columns->count--;
            for (unsigned j = i; j < columns->count; j++) {
                columns->column[j] = columns->column[j + 1];
                needs[j] = needs[j + 1];
            }
            return true;
        }
    }
    return false;
}

void spr_columns_fit(struct spr_columns *columns, bool may_drop, unsigned total, unsigned *widths)
{
    unsigned share;
    do {
        share = share_of(columns, widths, total);
    } while (share != 0 && share < SHORT_NEED && may_drop && drop_one(columns, widths));
    for (unsigned i = 0; i < columns->count; i++) {
        if (share != 0 && !is_short(columns->column[i], widths[i]) && widths[i] > share) {
            widths[i] = share;
        }
    }
}
