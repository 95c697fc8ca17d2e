/*
 * Ranked tables over any set of rows; the verdict is made of several.
 */
#ifndef SPR_CORE_QUERY_TOP_H
#define SPR_CORE_QUERY_TOP_H

#include "core/catalog.h"
#include "core/query/tally.h"

/* rows: one bitmap a segment. The tally is ranked. */
int spr_top_count(const struct spr_snapshot *snapshot, uint64_t *const *rows, enum spr_field field,
                  struct spr_tally **ret_tally, struct spr_fault *fault);
/* How many values a field has that is a column of the dictionary; messages without one count none.
 */
int spr_top_distinct(const struct spr_snapshot *snapshot, uint64_t *const *rows,
                     enum spr_field field, uint64_t *ret_count, struct spr_fault *fault);

#endif
