/*
 * Merging: every live row of the chosen segments is read and added to a builder. Segments share no
 * string ids, so there is nothing to be copied as it stands.
 *
 * Which ones are chosen bounds both the number of segments and how often a row is written again.
 * A segment weighs its live rows and their recipients.
 *
 *  (1) No tier of weight keeps more segments than its line in TIERS allows. One beyond that, and
 *      its MERGED_AT_ONCE lightest become one, which weighs more than the tier's limit: a row is
 *      written again at most once a tier, four times in all, however many refreshes there are. (In
 *      the lightest tier it may be more often, at less than the cost of a sync.)
 *  (2) A segment with more dead rows than live ones is written again: that is paid for by the rows
 *      that died since it was written.
 */
#include "core/index/merge.h"

#include "core/fault.h"

#include <errno.h>
#include <stdlib.h>

#define MERGED_AT_ONCE 9
#define MEMORY_MAX     (32u << 20) /* of the builder: a scan may use 64 MiB in all */

/* Each limit is eight times the one before; the last is what a builder holds within MEMORY_MAX, and
 * more of those are kept, as a first scan makes dozens of them. */
struct tier {
    uint64_t below; /* weight */
    uint32_t most;  /* segments kept */
};
static const struct tier TIERS[] = {
    { 512, 8 },
    { 4096, 8 },
    { 32768, 8 },
    { 262144, 96 },
};
#define TIER_COUNT (sizeof(TIERS) / sizeof(TIERS[0]))

struct merge {
    struct spr_manifest *manifest;
    int dir_fd;
    bool *chosen; /* one per segment */
    struct spr_segment_builder *builder;
    uint64_t recipients;               /* in the builder */
    struct spr_manifest_segment *done; /* written so far */
    uint32_t done_count;
};

/* ---- The choice ------------------------------------------------------------------------------ */

static uint64_t weight_of(const struct spr_manifest_segment *segment)
{
    return segment->live_rows + segment->recipients;
}

static bool is_mostly_dead(const struct spr_manifest_segment *segment)
{
    return segment->rows - segment->live_rows > segment->rows / 2;
}

static unsigned tier_of(const struct spr_manifest_segment *segment)
{
    unsigned tier = 0;
    while (tier < TIER_COUNT && weight_of(segment) >= TIERS[tier].below) {
        tier++;
    }
    return tier;
}

/* The lightest one of a tier that is not chosen; segment_count: none. */
static uint32_t find_lightest(const struct spr_manifest *manifest, unsigned tier,
                              const bool *chosen)
{
    uint32_t lightest = manifest->segment_count;
    for (uint32_t i = 0; i < manifest->segment_count; i++) {
        const struct spr_manifest_segment *segment = &manifest->segments[i];
        if (!chosen[i] && tier_of(segment) == tier &&
            (lightest == manifest->segment_count ||
             weight_of(segment) < weight_of(&manifest->segments[lightest]))) {
            lightest = i;
        }
    }
    return lightest;
}

/* (2), then (1) for what is left; their number. */
static uint32_t choose(const struct spr_manifest *manifest, bool *chosen)
{
    uint32_t count = 0;
    uint32_t in_tier[TIER_COUNT + 1] = { 0 };
    for (uint32_t i = 0; i < manifest->segment_count; i++) {
        chosen[i] = is_mostly_dead(&manifest->segments[i]);
        count += chosen[i];
        in_tier[tier_of(&manifest->segments[i])] += !chosen[i];
    }
    for (unsigned tier = 0; tier < TIER_COUNT; tier++) {
        for (unsigned n = 0; in_tier[tier] > TIERS[tier].most && n < MERGED_AT_ONCE; n++) {
            chosen[find_lightest(manifest, tier, chosen)] = true;
            count++;
        }
    }
    return count;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static int write_segment(struct merge *merge, struct spr_fault *fault)
{
    const uint32_t rows = spr_segment_builder_count(merge->builder);
    if (rows == 0) {
        return 0;
    }
    struct spr_manifest_segment *done =
        realloc(merge->done, (merge->done_count + 1) * sizeof(*done));
    if (done == NULL) {
        return spr_fault_set(fault, -ENOMEM, "", 0, "out of memory");
    }
    merge->done = done;
    done += merge->done_count;
    *done = (struct spr_manifest_segment){
        .rows = rows,
        .live_rows = rows,
        .recipients = merge->recipients,
    };
    spr_manifest_next_name(merge->manifest, done->name);
    int r = spr_segment_builder_write(merge->builder, merge->dir_fd, done->name, fault);
    if (r < 0) {
        return r;
    }
    merge->done_count++;
    merge->recipients = 0;
    return 0;
}

static int add_row(struct merge *merge, struct spr_segment_reader *reader, uint32_t row,
                   const char *name, struct spr_fault *fault)
{
    if (spr_segment_builder_memory(merge->builder) >= MEMORY_MAX) {
        int r = write_segment(merge, fault);
        if (r < 0) {
            return r;
        }
    }
    struct spr_record record;
    int r = spr_segment_record(reader, row, &record, fault);
    if (r < 0) {
        return r;
    }
    r = spr_segment_builder_add(merge->builder, &record);
    if (r == -EINVAL) {
        return spr_fault_set(fault, SPR_E_CORRUPT, name, row, "a row that no scan would index");
    }
    if (r < 0) {
        return spr_fault_set(fault, r, name, row, "segments cannot be merged");
    }
    merge->recipients += record.recipient_count;
    return 0;
}

static int add_segment(struct merge *merge, const struct spr_manifest_segment *entry,
                       struct spr_fault *fault)
{
    struct spr_segment *segment = NULL;
    struct spr_segment_reader *reader = NULL;
    int r = spr_segment_open(merge->dir_fd, entry->name, &merge->manifest->secret, &segment, fault);
    if (r < 0) {
        return r;
    }
    if (spr_segment_count(segment) != entry->rows) {
        r = spr_fault_set(fault, SPR_E_CORRUPT, entry->name, 0,
                          "the manifest names another number of rows");
    } else if (spr_segment_reader_new(segment, &reader) < 0) {
        r = spr_fault_set(fault, -ENOMEM, entry->name, 0, "out of memory");
    }
    for (uint32_t row = 0; r == 0 && row < entry->rows; row++) {
        if (spr_manifest_row_live(entry, row)) {
            r = add_row(merge, reader, row, entry->name, fault);
        }
    }
    spr_segment_reader_free(reader);
    spr_segment_close(segment);
    return r;
}

/* The manifest's new list: what was not chosen, then what was written. */
static int take_over(struct merge *merge, struct spr_fault *fault)
{
    struct spr_manifest *manifest = merge->manifest;
    struct spr_manifest fresh = { 0 };
    int r = 0;
    for (uint32_t i = 0; i < manifest->segment_count && r == 0; i++) {
        if (!merge->chosen[i]) {
            r = spr_manifest_add_segment(&fresh, manifest->segments[i].name, 0, 0);
        }
    }
    for (uint32_t i = 0; i < merge->done_count && r == 0; i++) {
        const struct spr_manifest_segment *done = &merge->done[i];
        r = spr_manifest_add_segment(&fresh, done->name, done->rows, done->recipients);
    }
    if (r < 0) {
        spr_manifest_clear_segments(&fresh);
        return spr_fault_set(fault, r, "", 0, "out of memory");
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < manifest->segment_count; i++) {
        if (!merge->chosen[i]) {
            fresh.segments[kept++] = manifest->segments[i];
            manifest->segments[i].dead = NULL; /* moved */
        }
    }
    spr_manifest_clear_segments(manifest);
    manifest->segments = fresh.segments;
    manifest->segment_count = fresh.segment_count;
    return 0;
}

static int merge_chosen(struct merge *merge, struct spr_fault *fault)
{
    const struct spr_manifest *manifest = merge->manifest;
    int r = spr_segment_builder_new(&manifest->secret, &merge->builder);
    if (r < 0) {
        return spr_fault_set(fault, r, "", 0, "out of memory");
    }
    for (uint32_t i = 0; r == 0 && i < manifest->segment_count; i++) {
        if (merge->chosen[i] && manifest->segments[i].live_rows > 0) {
            r = add_segment(merge, &manifest->segments[i], fault);
        }
    }
    if (r == 0) {
        r = write_segment(merge, fault);
    }
    return r == 0 ? take_over(merge, fault) : r;
}

int spr_merge(struct spr_manifest *manifest, int dir_fd, struct spr_fault *fault)
{
    struct merge merge = { .manifest = manifest, .dir_fd = dir_fd };
    merge.chosen = calloc((size_t)manifest->segment_count + 1, sizeof(*merge.chosen));
    if (merge.chosen == NULL) {
        return spr_fault_set(fault, -ENOMEM, "", 0, "out of memory");
    }
    struct spr_fault why = { 0 };
    const uint32_t count = choose(manifest, merge.chosen);
    int r = count > 0 ? merge_chosen(&merge, &why) : 0;
    spr_segment_builder_free(merge.builder);
    free(merge.chosen);
    free(merge.done);
    if (r == -ENOSPC || r == -EDQUOT || r == -ENOMEM) {
        return 0;
    }
    if (r < 0 && fault != NULL) {
        *fault = why;
    }
    return r < 0 ? r : count > 0;
}
