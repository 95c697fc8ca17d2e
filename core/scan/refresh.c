/*
 * Rows that die: of messages that are gone, or whose file is another.
 */
#include "core/scan/refresh.h"

#include <errno.h>
#include <stdlib.h>

int spr_refresh_kill(struct spr_refresh *refresh, struct spr_segment_reader *reader,
                     uint32_t segment, uint32_t row, struct spr_fault *fault)
{
    uint32_t recipients = 0;
    int r = spr_segment_fact_values(reader, SPR_ROW_RECIPIENTS, row, 1, &recipients, fault);
    if (r < 0) {
        return r;
    }
    r = spr_manifest_kill_row(&refresh->manifest->segments[segment], row, recipients);
    if (r == 0) {
        atomic_fetch_add_explicit(&refresh->dropped, 1, memory_order_relaxed); /* a count alone */
    }
    return r;
}

/* A row whose file is another. */
struct dying {
    uint32_t segment, row;
};

static int compare_dying(const void *a, const void *b)
{
    const struct dying *x = a;
    const struct dying *y = b;
    if (x->segment != y->segment) {
        return x->segment < y->segment ? -1 : 1;
    }
    return (x->row > y->row) - (x->row < y->row);
}

/* By segment and row: candidates come in the order of their listing, and each block of a segment is
 * decoded anew for a row that is not in the last one. */
static size_t list_dying(const struct spr_refresh *refresh, struct dying *rows)
{
    size_t count = 0;
    for (size_t i = 0; i < refresh->walk->candidate_count; i++) {
        const struct spr_known *known = &refresh->known[i];
        if (known->segment != SPR_KNOWN_NONE &&
            refresh->walk->candidates[i].state != SPR_CANDIDATE_CARRIED) {
            rows[count++] = (struct dying){ known->segment, known->row };
        }
    }
    qsort(rows, count, sizeof(*rows), compare_dying);
    return count;
}

static int kill_rows(struct spr_refresh *refresh, const struct dying *rows, size_t count,
                     struct spr_fault *fault)
{
    struct spr_segment_reader *reader = NULL;
    int r = 0;
    for (size_t i = 0; i < count && r == 0; i++) {
        const struct spr_segment *segment = refresh->snapshot->segments[rows[i].segment];
        if (reader == NULL) {
            r = spr_segment_reader_new(segment, &reader);
        } else if (rows[i].segment != rows[i - 1].segment) {
            spr_segment_reader_turn(reader, segment);
        }
        if (r == 0) {
            r = spr_refresh_kill(refresh, reader, rows[i].segment, rows[i].row, fault);
        }
    }
    spr_segment_reader_free(reader);
    return r;
}

int spr_refresh_settle(struct spr_refresh *refresh, struct spr_fault *fault)
{
    if (refresh->carried == refresh->matched) {
        return 0;
    }
    struct dying *rows = malloc((refresh->matched - refresh->carried) * sizeof(*rows));
    if (rows == NULL) {
        return -ENOMEM;
    }
    const int r = kill_rows(refresh, rows, list_dying(refresh, rows), fault);
    free(rows);
    return r;
}

void spr_refresh_done(struct spr_refresh *refresh)
{
    free(refresh->known);
    refresh->known = NULL;
}

void spr_refresh_forget_dead(struct spr_manifest *manifest)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < manifest->segment_count; i++) {
        if (manifest->segments[i].live_rows == 0) {
            free(manifest->segments[i].dead);
        } else {
            manifest->segments[kept++] = manifest->segments[i];
        }
    }
    manifest->segment_count = kept;
}
