/*
 * The tree on bitmaps of rows. An "and" narrows the rows in question operand by operand, an "or"
 * asks each operand only about rows not yet found, a "not" is what is left.
 */
#include "core/query/strategy.h"

#include "core/query/bitmap.h"
#include "core/query/explain.h"
#include "core/query/leaf.h"

#include <errno.h>
#include <string.h>

struct run {
    struct spr_scope scope;
    const struct spr_query *query;
    struct spr_leaf_report *reports; /* one per node */
};

static int evaluate(struct run *run, uint32_t node, const uint64_t *mask, uint64_t *out);

static size_t bitmap_bytes(const struct run *run)
{
    return spr_bitmap_words(run->scope.row_count) * sizeof(uint64_t);
}

/* Calls for each operand of a chain, cheap ones first. */
struct chain {
    uint64_t *question; /* rows still in question */
    uint64_t *part;     /* what one operand answers */
    uint64_t *out;
};

static int narrow(struct run *run, uint32_t child, struct chain *chain)
{
    memset(chain->part, 0, bitmap_bytes(run));
    const int r = evaluate(run, child, chain->question, chain->part);
    memcpy(chain->question, chain->part, bitmap_bytes(run));
    return r;
}

static int widen(struct run *run, uint32_t child, struct chain *chain)
{
    memset(chain->part, 0, bitmap_bytes(run));
    const int r = evaluate(run, child, chain->question, chain->part);
    for (size_t i = 0; i < spr_bitmap_words(run->scope.row_count); i++) {
        chain->out[i] |= chain->part[i];
        chain->question[i] &= ~chain->part[i];
    }
    return r;
}

static int evaluate_chain(struct run *run, const struct spr_filter_node *node, const uint64_t *mask,
                          uint64_t *out)
{
    const struct spr_filter_node *nodes = run->query->filter->nodes;
    struct chain chain = { spr_bitmap_new(run->scope.row_count),
                           spr_bitmap_new(run->scope.row_count), out };
    int r = -ENOMEM;
    if (chain.question == NULL || chain.part == NULL) {
        goto done;
    }
    memcpy(chain.question, mask, bitmap_bytes(run));
    r = 0;
    for (int cost = SPR_COST_CONSTANT; cost <= SPR_COST_IDS && r == 0; cost++) {
        for (uint32_t child = node->first_child; child != SPR_FILTER_NO_NODE && r == 0;
             child = nodes[child].next_sibling) {
            if ((int)run->query->cost[child] != cost ||
                spr_bitmap_empty(chain.question, run->scope.row_count)) {
                continue;
            }
            r = node->kind == SPR_FILTER_AND ? narrow(run, child, &chain)
                                             : widen(run, child, &chain);
        }
    }
    if (node->kind == SPR_FILTER_AND) {
        memcpy(out, chain.question, bitmap_bytes(run));
    }

done:
    free(chain.question);
    free(chain.part);
    return r;
}

static int evaluate_not(struct run *run, const struct spr_filter_node *node, const uint64_t *mask,
                        uint64_t *out)
{
    const int r = evaluate(run, node->first_child, mask, out);
    for (size_t i = 0; i < spr_bitmap_words(run->scope.row_count); i++) {
        out[i] = mask[i] & ~out[i];
    }
    return r;
}

/* out is clear. Depth is bounded by the parser. */
static int evaluate(struct run *run, uint32_t node, const uint64_t *mask, uint64_t *out)
{
    const struct spr_filter_node *n = &run->query->filter->nodes[node];
    switch (n->kind) {
    case SPR_FILTER_EVERYTHING:
        memcpy(out, mask, bitmap_bytes(run));
        return 0;
    case SPR_FILTER_AND:
    case SPR_FILTER_OR:
        return evaluate_chain(run, n, mask, out);
    case SPR_FILTER_NOT:
        return evaluate_not(run, n, mask, out);
    case SPR_FILTER_TERM:
        return spr_leaf_evaluate(&run->scope, &run->query->leaves[node], mask, out,
                                 &run->reports[node]);
    }
    return 0;
}

static uint64_t *live_rows(const struct spr_manifest_segment *entry, uint32_t rows)
{
    uint64_t *live = spr_bitmap_new(rows);
    if (live == NULL) {
        return NULL;
    }
    const uint32_t known = entry->rows < rows ? entry->rows : rows;
    for (size_t i = 0; i < spr_bitmap_words(known); i++) {
        live[i] = entry->dead != NULL ? ~entry->dead[i] : UINT64_MAX;
    }
    if (known % 64 != 0) {
        live[known / 64] &= ((uint64_t)1 << (known % 64)) - 1;
    }
    return live;
}

static int run_segment(struct run *run, const struct spr_snapshot *snapshot, uint32_t number,
                       uint64_t **ret_rows)
{
    const struct spr_segment *segment = snapshot->segments[number];
    struct spr_scope *scope = &run->scope;
    uint64_t *rows = NULL;
    scope->segment = segment;
    scope->row_count = spr_segment_count(segment);
    scope->string_count = spr_segment_string_count(segment);

    uint64_t *live = live_rows(&snapshot->manifest->segments[number], scope->row_count);
    if (live == NULL) {
        return -ENOMEM;
    }
    int r = 0;
    if (run->query == NULL || run->query->is_everything) {
        *ret_rows = live;
        return 0;
    }
    rows = spr_bitmap_new(scope->row_count);
    if (rows == NULL) {
        r = -ENOMEM;
        goto done;
    }
    r = spr_segment_reader_new(segment, &scope->rows);
    if (r < 0) {
        goto done;
    }
    r = spr_segment_reader_new(segment, &scope->strings);
    if (r < 0) {
        goto done;
    }
    r = evaluate(run, run->query->filter->root, live, rows);
    if (r == 0) {
        *ret_rows = rows;
        rows = NULL;
    }

done:
    spr_segment_reader_free(scope->rows);
    spr_segment_reader_free(scope->strings);
    scope->rows = NULL;
    scope->strings = NULL;
    free(rows);
    free(live);
    return r;
}

int spr_selection_run(const struct spr_snapshot *snapshot, const struct spr_format *format,
                      const struct spr_query *query, int64_t now,
                      struct spr_selection *ret_selection, struct spr_fault *fault)
{
    const uint32_t segments = snapshot->manifest->segment_count;
    const uint32_t nodes = query != NULL ? query->filter->node_count : 0;
    struct run run = {
        .scope = { .manifest = snapshot->manifest,
                   .format = format,
                   .query = query,
                   .now = now,
                   .fault = fault },
        .query = query,
        .reports = calloc((size_t)nodes + 1, sizeof(struct spr_leaf_report)),
    };
    struct spr_selection selection = { .rows = calloc((size_t)segments + 1, sizeof(uint64_t *)),
                                       .segment_count = segments };
    int r = -ENOMEM;
    if (run.reports == NULL || selection.rows == NULL) {
        goto fail;
    }
    uint64_t total = 0;
    for (uint32_t i = 0; i < segments; i++) {
        r = run_segment(&run, snapshot, i, &selection.rows[i]);
        if (r < 0) {
            goto fail;
        }
        selection.count += spr_bitmap_count(selection.rows[i], run.scope.row_count);
        total += snapshot->manifest->segments[i].live_rows;
    }
    r = spr_explain(query, run.reports,
                    (struct spr_explain_total){ selection.count, total, segments },
                    &selection.explain);
    if (r < 0) {
        goto fail;
    }
    free(run.reports);
    *ret_selection = selection;
    return 0;

fail:
    free(run.reports);
    spr_selection_done(&selection);
    return r;
}

void spr_selection_done(struct spr_selection *selection)
{
    for (uint32_t i = 0; selection->rows != NULL && i < selection->segment_count; i++) {
        free(selection->rows[i]);
    }
    free(selection->rows);
    free(selection->explain);
    *selection = (struct spr_selection){ 0 };
}
