/*
 * Comparing the current snapshot with what the walk found.
 */
#include "core/scan/refresh.h"

#include "core/index/hash.h"
#include "core/index/identity.h"
#include "formats/cursor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Candidates by folder and name; open addressing, 0 free, else index + 1. */
struct places {
    uint32_t *slots;
    size_t mask;
    uint64_t seed;
    const struct spr_walk *walk;
};

static uint64_t hash_place(const struct places *places, struct spr_text folder,
                           struct spr_text name)
{
    const uint64_t seed = spr_hash64(folder.bytes, folder.length, places->seed);
    return spr_hash64(name.bytes, name.length, seed);
}

static struct spr_text folder_of(const struct spr_walk *walk, const struct spr_candidate *candidate)
{
    const char *path = walk->folders[candidate->folder].path;
    return spr_text_of(path);
}

static int places_init(struct places *places, const struct spr_walk *walk, uint64_t seed)
{
    size_t slots = 16;
    while (slots / 2 < walk->candidate_count) {
        slots *= 2;
    }
    *places = (struct places){ .mask = slots - 1, .seed = seed, .walk = walk };
    places->slots = calloc(slots, sizeof(*places->slots));
    if (places->slots == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < walk->candidate_count; i++) {
        struct spr_candidate_file file;
        if (walk->candidates[i].state != SPR_CANDIDATE_FOUND) {
            continue;
        }
        spr_candidate_first(&walk->candidates[i], &file);
        size_t at = (size_t)hash_place(places, folder_of(walk, &walk->candidates[i]), file.name) &
                    places->mask;
        while (places->slots[at] != 0) {
            at = (at + 1) & places->mask;
        }
        places->slots[at] = (uint32_t)(i + 1);
    }
    return 0;
}

/* Its index, or SIZE_MAX. */
static size_t find_place(const struct places *places, const struct spr_segment_place *place)
{
    size_t at = (size_t)hash_place(places, place->folder, place->name) & places->mask;
    for (; places->slots[at] != 0; at = (at + 1) & places->mask) {
        const size_t index = places->slots[at] - 1;
        const struct spr_candidate *candidate = &places->walk->candidates[index];
        struct spr_candidate_file file;
        spr_candidate_first(candidate, &file);
        if (spr_texts_equal(file.name, place->name) &&
            spr_texts_equal(folder_of(places->walk, candidate), place->folder)) {
            return index;
        }
    }
    return SIZE_MAX;
}

/* ---- Dead rows ------------------------------------------------------------------------------- */

static int kill_row(struct spr_refresh *refresh, struct spr_segment_reader *reader,
                    struct spr_manifest_segment *segment, uint32_t row, struct spr_fault *fault)
{
    struct spr_segment_facts facts;
    int r = spr_segment_facts(reader, row, &facts, fault);
    if (r < 0) {
        return r;
    }
    r = spr_manifest_kill_row(segment, row, facts.recipient_count);
    refresh->dropped += r == 0;
    return r;
}

/* ---- Matching -------------------------------------------------------------------------------- */

struct match {
    struct spr_refresh *refresh;
    const struct places *places;
    struct spr_walk *walk;
    bool quick;
};

static int match_row(const struct match *match, struct spr_segment_reader *reader,
                     struct spr_manifest_segment *segment, uint32_t number, uint32_t row,
                     struct spr_fault *fault)
{
    struct spr_segment_place place;
    int r = spr_segment_place(reader, row, &place, fault);
    if (r < 0) {
        return r;
    }
    const size_t index = find_place(match->places, &place);
    struct spr_candidate *candidate = index != SIZE_MAX ? &match->walk->candidates[index] : NULL;
    if (candidate == NULL || candidate->inode != place.inode ||
        candidate->set_digest != place.set_digest ||
        match->refresh->known[index].segment != SPR_KNOWN_NONE) {
        return kill_row(match->refresh, reader, segment, row, fault);
    }
    match->refresh->known[index] = (struct spr_known){ number, row, place.stat_digest };
    if (match->quick) {
        candidate->state = SPR_CANDIDATE_CARRIED;
    }
    return 0;
}

static int match_segment(const struct match *match, const struct spr_snapshot *snapshot,
                         struct spr_manifest_segment *segment, uint32_t number,
                         struct spr_fault *fault)
{
    struct spr_segment_reader *reader;
    int r = spr_segment_reader_new(snapshot->segments[number], &reader);
    if (r < 0) {
        return r;
    }
    for (uint32_t row = 0; row < segment->rows && r == 0; row++) {
        if (spr_snapshot_row_live(snapshot, number, row)) {
            r = match_row(match, reader, segment, number, row, fault);
        }
    }
    spr_segment_reader_free(reader);
    return r;
}

int spr_refresh_match(struct spr_refresh *refresh, const struct spr_snapshot *snapshot,
                      struct spr_manifest *manifest, struct spr_walk *walk, bool quick,
                      struct spr_fault *fault)
{
    *refresh = (struct spr_refresh){ .count = walk->candidate_count };
    refresh->known = malloc((refresh->count + 1) * sizeof(*refresh->known));
    if (refresh->known == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < refresh->count; i++) {
        refresh->known[i] = (struct spr_known){ .segment = SPR_KNOWN_NONE };
    }
    struct places places;
    int r = places_init(&places, walk, manifest->secret.seed);
    const struct match match = { refresh, &places, walk, quick };
    for (uint32_t i = 0; i < manifest->segment_count && r == 0; i++) {
        r = match_segment(&match, snapshot, &manifest->segments[i], i, fault);
    }
    free(places.slots);
    return r;
}

bool spr_refresh_is_same(const struct spr_refresh *refresh, const struct spr_candidate *candidate,
                         size_t index, int result, const struct spr_io_meta *meta)
{
    return result >= 0 && meta != NULL && meta->inode == candidate->inode &&
           spr_stat_digest(meta) == refresh->known[index].stat_digest;
}

/* The reader of a segment, made when first needed. */
static int reader_of(struct spr_segment_reader **readers, const struct spr_snapshot *snapshot,
                     uint32_t segment)
{
    return readers[segment] != NULL
               ? 0
               : spr_segment_reader_new(snapshot->segments[segment], &readers[segment]);
}

int spr_refresh_settle(struct spr_refresh *refresh, const struct spr_snapshot *snapshot,
                       struct spr_manifest *manifest, const struct spr_walk *walk,
                       struct spr_fault *fault)
{
    struct spr_segment_reader **readers =
        calloc(manifest->segment_count + 1u, sizeof(struct spr_segment_reader *));
    if (readers == NULL) {
        return -ENOMEM;
    }
    int r = 0;
    for (size_t i = 0; i < refresh->count && r == 0; i++) {
        const struct spr_known *known = &refresh->known[i];
        if (known->segment == SPR_KNOWN_NONE ||
            walk->candidates[i].state == SPR_CANDIDATE_CARRIED) {
            continue;
        }
        r = reader_of(readers, snapshot, known->segment);
        if (r == 0) {
            r = kill_row(refresh, readers[known->segment], &manifest->segments[known->segment],
                         known->row, fault);
        }
    }
    for (uint32_t i = 0; i < manifest->segment_count; i++) {
        spr_segment_reader_free(readers[i]);
    }
    free(readers);
    return r;
}

void spr_refresh_done(struct spr_refresh *refresh)
{
    free(refresh->known);
    *refresh = (struct spr_refresh){ 0 };
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
