/*
 * Measures queries on an index that exists: opening it, counting the matches, and reading them all.
 *
 * usage: query INDEX EXPRESSION…
 */
#include "bench/measure.h"
#include "core/spoolray.h"

#include <stdio.h>

static void measure_expression(struct spr_index *index, const char *text)
{
    struct spr_fault fault = { 0 };
    struct spr_query *query = NULL;
    struct spr_result *result = NULL;

    double start = spr_measure_now();
    int r = spr_query_compile(text, 0, &query, &fault);
    if (r < 0) {
        spr_measure_fail(text, r, &fault);
    }
    r = spr_result_open(index, query, SPR_SORT_NONE, false, &result, &fault);
    if (r < 0) {
        spr_measure_fail(text, r, &fault);
    }
    uint64_t count = spr_result_count(result);
    spr_measure_row("count", text, spr_measure_now() - start, count);

    uint64_t rows = 0;
    struct spr_message message;
    start = spr_measure_now();
    while ((r = spr_result_next(result, &message, &fault)) > 0) {
        rows++;
    }
    if (r < 0) {
        spr_measure_fail(text, r, &fault);
    }
    spr_measure_row("read", text, spr_measure_now() - start, rows);
    spr_result_close(result);
    spr_query_free(query);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fputs("usage: query INDEX EXPRESSION…\n", stderr);
        return 2;
    }
    struct spr_options options = SPR_OPTIONS_INIT;
    options.flags = SPR_READ_ONLY;
    struct spr_index *index = NULL;
    struct spr_fault fault = { 0 };
    double start = spr_measure_now();
    int r = spr_index_open(argv[1], &options, &index, &fault);
    if (r < 0) {
        spr_measure_fail(argv[1], r, &fault);
    }
    spr_measure_row("open", "index", spr_measure_now() - start, 1);
    for (int i = 2; i < argc; i++) {
        measure_expression(index, argv[i]);
    }
    spr_index_close(index);
    return 0;
}
