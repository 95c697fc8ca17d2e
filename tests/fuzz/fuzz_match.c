/*
 * The first line is a query, the rest one text: every term is tested against it. A query that
 * compiles must be able to look at any bytes, and end.
 */
#include "core/query/compile.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static void match_terms(const struct spr_query *query, struct spr_text text)
{
    for (uint32_t i = 0; i < query->filter->node_count; i++) {
        struct spr_leaf_matcher *matcher = NULL;
        if (query->filter->nodes[i].kind != SPR_FILTER_TERM ||
            spr_leaf_matcher_new(&query->leaves[i], &matcher) < 0) {
            continue;
        }
        const int r = spr_leaf_matches(matcher, text);
        spr_leaf_matcher_free(matcher);
        if (r > 1) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    const uint8_t *end = length > 0 ? memchr(bytes, '\n', length) : NULL;
    if (end == NULL) {
        return 0;
    }
    const size_t first = (size_t)(end - bytes);
    char *line = malloc(first + 1);
    if (line == NULL) {
        return 0;
    }
    memcpy(line, bytes, first);
    line[first] = '\0';

    for (uint32_t flags = 0; flags <= SPR_QUERY_CASE; flags += SPR_QUERY_CASE) {
        struct spr_query *query = NULL;
        if (spr_query_compile(line, flags, &query, NULL) == 0) {
            match_terms(query, (struct spr_text){ end + 1, length - first - 1 });
            spr_query_free(query);
        }
    }
    free(line);
    return 0;
}
