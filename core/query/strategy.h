/*
 * Running a query over a snapshot: the cheapest terms first, each only on the rows still in
 * question; and the plan chosen, as text.
 */
#ifndef SPR_CORE_QUERY_STRATEGY_H
#define SPR_CORE_QUERY_STRATEGY_H

#include "core/catalog.h"
#include "core/query/compile.h"

struct spr_selection {
    uint64_t **rows; /* one bitmap a segment */
    uint32_t segment_count;
    uint64_t count; /* rows selected in all */
    char *explain;
};

/* query NULL: everything. now: what ages count from, Unix seconds. */
int spr_selection_run(const struct spr_snapshot *snapshot, const struct spr_format *format,
                      const struct spr_query *query, int64_t now,
                      struct spr_selection *ret_selection, struct spr_fault *fault);
void spr_selection_done(struct spr_selection *selection);

#endif
