/*
 * The tree on bitmaps of rows. An "and" narrows the rows in question operand by operand, an "or"
 * asks each operand only about rows not yet found, a "not" is what is left.
 *
 * Segments are evaluated by several threads, where there are many rows. Shared are the number of
 * the next segment and the sign to stop, both atomic and relaxed: they order nothing else, and what
 * a thread found is read after it was joined.
 */
#include "core/query/strategy.h"

#include "core/query/bitmap.h"
#include "core/query/explain.h"
#include "core/query/leaf.h"
#include "io/workers.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#define ROWS_PER_THREAD 50000 /* fewer are done before a thread has started */
#define THREADS_MAX     16

struct run {
    struct spr_scope scope;
    const struct spr_query *query;
    struct spr_leaf_report *reports; /* one per node */
    uint64_t count;                  /* rows selected */
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

/* The readers of a thread serve one segment after the other. */
static int aim_readers(struct spr_scope *scope)
{
    struct spr_segment_reader **readers[] = { &scope->rows, &scope->strings };
    for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
        if (*readers[i] != NULL) {
            spr_segment_reader_turn(*readers[i], scope->segment);
            continue;
        }
        const int r = spr_segment_reader_new(scope->segment, readers[i]);
        if (r < 0) {
            return r;
        }
    }
    return 0;
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
    r = aim_readers(scope);
    if (r < 0) {
        goto done;
    }
    r = evaluate(run, run->query->filter->root, live, rows);
    if (r == 0) {
        *ret_rows = rows;
        rows = NULL;
    }

done:
    free(rows);
    free(live);
    return r;
}

/* One thread of a selection. */
struct member {
    struct run run;
    struct spr_fault fault;
    int result;
    uint32_t segment; /* where it failed */
};

struct team {
    const struct spr_snapshot *snapshot;
    struct spr_selection *selection;
    atomic_uint next; /* segment */
    atomic_bool is_over;
    uint32_t member_count;
    struct member members[THREADS_MAX];
};

static int work(uint32_t number, void *user)
{
    struct team *team = user;
    struct member *member = &team->members[number];
    struct run *run = &member->run;
    while (!atomic_load_explicit(&team->is_over, memory_order_relaxed)) {
        const uint32_t segment = atomic_fetch_add_explicit(&team->next, 1, memory_order_relaxed);
        if (segment >= team->selection->segment_count) {
            break;
        }
        uint64_t **rows = &team->selection->rows[segment];
        member->result = run_segment(run, team->snapshot, segment, rows);
        if (member->result < 0) {
            member->segment = segment;
            atomic_store_explicit(&team->is_over, true, memory_order_relaxed);
            return member->result;
        }
        run->count += spr_bitmap_count(*rows, run->scope.row_count);
    }
    return 0;
}

static uint32_t choose_threads(const struct spr_snapshot *snapshot,
                               const struct spr_question *question)
{
    const uint32_t segments = snapshot->manifest->segment_count;
    if (question->query == NULL || question->query->is_everything) {
        return 1;
    }
    uint64_t rows = 0;
    for (uint32_t i = 0; i < segments; i++) {
        rows += spr_segment_count(snapshot->segments[i]);
    }
    const uint64_t worth = rows / ROWS_PER_THREAD;
    uint64_t threads = worth < spr_cores() ? worth : spr_cores();
    threads = question->workers > 0 ? question->workers : threads;
    threads = threads < segments ? threads : segments;
    threads = threads < THREADS_MAX ? threads : THREADS_MAX;
    return threads > 1 ? (uint32_t)threads : 1;
}

static int run_team(struct team *team)
{
    if (team->member_count < 2) {
        return work(0, team);
    }
    struct spr_workers *workers = NULL;
    const int r = spr_workers_start(team->member_count, false, work, team, &workers);
    return r < 0 ? work(0, team) : spr_workers_join(workers); /* without threads: alone */
}

/* Sums up in the first member, of which the failure in the earliest segment is made. */
static int gather(struct team *team, uint32_t nodes, struct spr_fault *fault)
{
    const struct member *failed = NULL;
    struct run *whole = &team->members[0].run;
    for (uint32_t i = 0; i < team->member_count; i++) {
        const struct member *member = &team->members[i];
        if (member->result < 0 && (failed == NULL || member->segment < failed->segment)) {
            failed = member;
        }
        for (uint32_t node = 0; i > 0 && node < nodes; node++) {
            const struct spr_leaf_report *part = &member->run.reports[node];
            struct spr_leaf_report *sum = &whole->reports[node];
            sum->ways |= part->ways;
            sum->segments += part->segments;
            sum->rows += part->rows;
            sum->tested += part->tested;
            sum->strings += part->strings;
        }
        whole->count += i > 0 ? member->run.count : 0;
    }
    if (failed == NULL) {
        return 0;
    }
    if (fault != NULL && failed->fault.code != 0) {
        *fault = failed->fault;
    }
    return failed->result;
}

static int make_team(struct team *team, const struct spr_question *question)
{
    const uint32_t nodes = question->query != NULL ? question->query->filter->node_count : 0;
    team->member_count = choose_threads(team->snapshot, question);
    for (uint32_t i = 0; i < team->member_count; i++) {
        struct run *run = &team->members[i].run;
        run->scope = (struct spr_scope){ .manifest = team->snapshot->manifest,
                                         .format = question->format,
                                         .query = question->query,
                                         .now = question->now,
                                         .fault = &team->members[i].fault };
        run->query = question->query;
        run->reports = calloc((size_t)nodes + 1, sizeof(*run->reports));
        if (run->reports == NULL) {
            return -ENOMEM;
        }
    }
    return 0;
}

static void free_team(struct team *team)
{
    for (uint32_t i = 0; team != NULL && i < team->member_count; i++) {
        spr_segment_reader_free(team->members[i].run.scope.rows);
        spr_segment_reader_free(team->members[i].run.scope.strings);
        free(team->members[i].run.reports);
    }
    free(team);
}

int spr_selection_run(const struct spr_snapshot *snapshot, const struct spr_question *question,
                      struct spr_selection *ret_selection, struct spr_fault *fault)
{
    const struct spr_query *query = question->query;
    const uint32_t segments = snapshot->manifest->segment_count;
    struct spr_selection selection = { .rows = calloc((size_t)segments + 1, sizeof(uint64_t *)),
                                       .segment_count = segments };
    struct team *team = calloc(1, sizeof(*team));
    int r = -ENOMEM;
    if (team == NULL || selection.rows == NULL) {
        goto fail;
    }
    team->snapshot = snapshot;
    team->selection = &selection;
    r = make_team(team, question);
    if (r < 0) {
        goto fail;
    }
    (void)run_team(team); /* gather tells the first failure of all */
    r = gather(team, query != NULL ? query->filter->node_count : 0, fault);
    if (r < 0) {
        goto fail;
    }
    uint64_t total = 0;
    for (uint32_t i = 0; i < segments; i++) {
        total += snapshot->manifest->segments[i].live_rows;
    }
    selection.count = team->members[0].run.count;
    r = spr_explain(query, team->members[0].run.reports,
                    (struct spr_explain_total){ selection.count, total, segments },
                    &selection.explain);
    if (r < 0) {
        goto fail;
    }
    free_team(team);
    *ret_selection = selection;
    return 0;

fail:
    free_team(team);
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
