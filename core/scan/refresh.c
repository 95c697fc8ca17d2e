/*
 * Rows that die: of messages that are gone, or whose file is another.
 */
#include "core/scan/refresh.h"

#include <errno.h>
#include <stdlib.h>

int spr_refresh_kill(struct spr_refresh *refresh, struct spr_segment_reader *reader,
                     uint32_t segment, uint32_t row, struct spr_fault *fault)
{
    struct spr_segment_facts facts;
    int r = spr_segment_facts(reader, row, &facts, fault);
    if (r < 0) {
        return r;
    }
    r = spr_manifest_kill_row(&refresh->manifest->segments[segment], row, facts.recipient_count);
    if (r == 0) {
        atomic_fetch_add_explicit(&refresh->dropped, 1, memory_order_relaxed); /* a count alone */
    }
    return r;
}

/* The reader of a segment, made when first needed. */
static int reader_of(struct spr_segment_reader **readers, const struct spr_snapshot *snapshot,
                     uint32_t segment)
{
    return readers[segment] != NULL
               ? 0
               : spr_segment_reader_new(snapshot->segments[segment], &readers[segment]);
}

int spr_refresh_settle(struct spr_refresh *refresh, struct spr_fault *fault)
{
    if (refresh->carried == refresh->matched) {
        return 0;
    }
    const uint32_t segments = refresh->manifest->segment_count;
    struct spr_segment_reader **readers =
        calloc((size_t)segments + 1, sizeof(struct spr_segment_reader *));
    if (readers == NULL) {
        return -ENOMEM;
    }
    int r = 0;
    for (size_t i = 0; i < refresh->walk->candidate_count && r == 0; i++) {
        const struct spr_known *known = &refresh->known[i];
        if (known->segment == SPR_KNOWN_NONE ||
            refresh->walk->candidates[i].state == SPR_CANDIDATE_CARRIED) {
            continue;
        }
        r = reader_of(readers, refresh->snapshot, known->segment);
        if (r == 0) {
            r = spr_refresh_kill(refresh, readers[known->segment], known->segment, known->row,
                                 fault);
        }
    }
    for (uint32_t i = 0; i < segments; i++) {
        spr_segment_reader_free(readers[i]);
    }
    free(readers);
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
