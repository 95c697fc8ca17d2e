/*
 * Sorted order of a selection: 16 bytes a row, and for texts the distinct ones while sorting.
 */
#ifndef SPR_CORE_QUERY_ORDER_H
#define SPR_CORE_QUERY_ORDER_H

#include "core/query/strategy.h"

struct spr_order_entry {
    int64_t key;
    uint32_t segment, row;
};

/* selection->count entries. Unknown values come last in both directions, equal ones in index
 * order. */
int spr_order_make(const struct spr_snapshot *snapshot, const struct spr_selection *selection,
                   enum spr_sort sort, bool descending, struct spr_order_entry **ret_entries,
                   struct spr_fault *fault);

#endif
