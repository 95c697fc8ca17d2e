/*
 * The cursor over what a query selects: rows of all segments of one snapshot, in index order or
 * sorted. Plans read whole records through it, the public API messages.
 */
#ifndef SPR_CORE_QUERY_RESULT_H
#define SPR_CORE_QUERY_RESULT_H

#include "core/catalog.h"

/* The full record of the next row: 1 a record, 0 at the end. Shares its position with
 * spr_result_next. Texts live until the next call on this result. */
int spr_result_next_record(struct spr_result *result, struct spr_record *ret_record,
                           struct spr_fault *fault);
/* The snapshot the result was opened on; borrowed until close. */
const struct spr_snapshot *spr_result_snapshot(const struct spr_result *result);
/* Rows that matched, one bitmap a segment; borrowed until close. */
uint64_t *const *spr_result_rows(const struct spr_result *result);

#endif
