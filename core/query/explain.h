/*
 * The plan of a query as lines of text for people.
 */
#ifndef SPR_CORE_QUERY_EXPLAIN_H
#define SPR_CORE_QUERY_EXPLAIN_H

#include "core/query/compile.h"
#include "core/query/leaf.h"

struct spr_explain_total {
    uint64_t selected, live;
    uint32_t segments;
};

/* One line a term, indented below its "and", "or" and "not"; then the total. The text is the
 * caller's to free. query NULL: everything. */
int spr_explain(const struct spr_query *query, const struct spr_leaf_report *reports,
                struct spr_explain_total total, char **ret_text);

#endif
