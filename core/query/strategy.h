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

struct spr_question {
    const struct spr_query *query;   /* NULL: everything */
    const struct spr_format *format; /* NULL: not known here */
    int64_t now;                     /* what ages count from, Unix seconds */
    uint32_t workers;                /* threads; 0: as many as the rows are worth */
};
int spr_selection_run(const struct spr_snapshot *snapshot, const struct spr_question *question,
                      struct spr_selection *ret_selection, struct spr_fault *fault);
void spr_selection_done(struct spr_selection *selection);

#endif
