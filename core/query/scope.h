/*
 * What the evaluation of a query on one segment has at hand.
 */
#ifndef SPR_CORE_QUERY_SCOPE_H
#define SPR_CORE_QUERY_SCOPE_H

#include "core/catalog.h"
#include "core/query/compile.h"

struct spr_scope {
    const struct spr_manifest *manifest;
    const struct spr_format *format; /* NULL: not known here */
    const struct spr_query *query;
    int64_t now; /* Unix seconds: ages count from it */
    struct spr_fault *fault;

    /* The segment in hand. Two readers, because a text lives until the next call on its own. */
    const struct spr_segment *segment;
    struct spr_segment_reader *rows, *strings;
    uint32_t row_count, string_count;
};

#endif
