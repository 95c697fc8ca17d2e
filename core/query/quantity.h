/*
 * Numbers, sizes, durations and local dates of the query language, and ranges of them.
 *
 * A value may stand for a span: a date for its whole day, "2h" of age for the hour from 2 h on.
 * Equality takes the span, comparisons its edges.
 */
#ifndef SPR_CORE_QUERY_QUANTITY_H
#define SPR_CORE_QUERY_QUANTITY_H

#include "formats/words.h"

#include <stdbool.h>

enum spr_quantity {
    SPR_QUANTITY_NUMBER,
    SPR_QUANTITY_SIZE,     /* k M G T, powers of 1024 */
    SPR_QUANTITY_DURATION, /* s m h d w; seconds without a unit */
    SPR_QUANTITY_DATE,     /* ISO 8601, local unless Z or an offset is given */
};

struct spr_range {
    int64_t low, high; /* both included */
};

/* A value, a comparison (> < >= <= =) or a range (a..b, a.., ..b). On failure false, with the
 * offset in text where it went wrong and a clause saying what was expected. */
bool spr_range_parse(enum spr_quantity quantity, struct spr_text text, struct spr_range *ret_range,
                     size_t *ret_offset, const char **ret_expected);

#endif
