/*
 * Rows of the current snapshot to candidates: the same inode, folder, name and set of files.
 *
 * Candidates are searched by inode. Rows lie in a segment about as they were read, which is by
 * inode too, so that the search goes on from where the last one ended. A group of rows is taken
 * through each step together: their cache misses overlap.
 *
 * Workers take whole segments, so that a segment's dead rows have one writer. A candidate is
 * claimed by an atomic mark: whoever set it first (of two rows for one message, as only a damaged
 * index has them) writes what is known of it. Relaxed order is enough: nobody reads what another
 * wrote before all have ended.
 */
#include "core/index/hash.h"
#include "core/scan/refresh.h"
#include "formats/cursor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define GROUP_MAX   32
#define FOLDERS_MET 64

/* Folders by path; open addressing, 0 free, else index + 1. */
struct folder_table {
    uint32_t *slots;
    size_t mask;
    uint64_t seed;
};

struct match {
    struct spr_refresh *refresh;
    const struct spr_inodes *inodes;
    struct folder_table folders;
    atomic_uchar *claimed; /* by candidate */
    atomic_uint next;      /* segment */
    atomic_uint_fast64_t matched;
    struct spr_fault *faults; /* one per worker */
};

/* A folder of the segment's as one of the walk's. */
struct met_folder {
    uint32_t id;   /* SPR_STRING_NONE: not met yet */
    uint32_t slot; /* as in folder_table */
};

/* One segment in the hands of a worker. */
struct matcher {
    struct match *match;
    struct spr_segment_reader *reader;
    uint32_t segment;
    struct met_folder folders[FOLDERS_MET]; /* by id modulo their number */
    struct spr_segment_spot group[GROUP_MAX];
    size_t at[GROUP_MAX]; /* in inodes, the first that is not below the row's */
    size_t last;          /* in inodes: where the last search ended */
    uint64_t matched;
    struct spr_fault *fault;
};

/* ---- Folders --------------------------------------------------------------------------------- */

static size_t folder_slot(const struct folder_table *table, const struct spr_walk *walk,
                          struct spr_text path)
{
    size_t at = (size_t)spr_hash64(path.bytes, path.length, table->seed) & table->mask;
    while (table->slots[at] != 0 &&
           !spr_texts_equal(spr_text_of(walk->folders[table->slots[at] - 1].path), path)) {
        at = (at + 1) & table->mask;
    }
    return at;
}

static int fill_folders(struct folder_table *table, const struct spr_walk *walk, uint64_t seed)
{
    size_t slots = 16;
    while (slots / 2 < walk->folder_count) {
        slots *= 2;
    }
    *table = (struct folder_table){ .mask = slots - 1, .seed = seed };
    table->slots = calloc(slots, sizeof(*table->slots));
    if (table->slots == NULL) {
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < walk->folder_count; i++) {
        const size_t at = folder_slot(table, walk, spr_text_of(walk->folders[i].path));
        if (table->slots[at] == 0) {
            table->slots[at] = i + 1;
        }
    }
    return 0;
}

/* ---- Searching ------------------------------------------------------------------------------- */

/* The first place in inodes that is not below, found in steps that double from `from`. */
static size_t seek_inode(const struct spr_inodes *inodes, size_t from, uint64_t inode)
{
    size_t low = from;
    size_t high = from;
    size_t step = 1;
    if (from < inodes->count && inodes->items[from].inode < inode) {
        while (high < inodes->count && inodes->items[high].inode < inode) {
            low = high + 1;
            high = step < inodes->count - high ? high + step : inodes->count;
            step *= 2;
        }
    } else {
        while (low > 0 && inodes->items[low - 1].inode >= inode) {
            high = low - 1;
            low = step < high ? high - step : 0;
            step *= 2;
        }
    }
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (inodes->items[middle].inode < inode) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool is_of(const struct spr_candidate *candidate, const struct spr_segment_spot *spot)
{
    struct spr_candidate_file primary;
    if (candidate->set_digest != spot->set_digest) {
        return false;
    }
    spr_candidate_first(candidate, &primary);
    return primary.name.length == spot->name_length &&
           memcmp(primary.name.bytes, spot->name, spot->name_length) == 0;
}

/* The spot's folder in the walk, as in folder_table. */
static int find_folder(struct matcher *matcher, uint32_t id, uint32_t *ret_slot)
{
    const struct match *match = matcher->match;
    struct met_folder *met = &matcher->folders[id % FOLDERS_MET];
    struct spr_text path = { NULL, 0 };
    if (id != SPR_STRING_NONE && met->id == id) {
        *ret_slot = met->slot;
        return 0;
    }
    if (id != SPR_STRING_NONE) {
        int r = spr_segment_string(matcher->reader, id, &path, matcher->fault);
        if (r < 0) {
            return r;
        }
    }
    met->id = id;
    met->slot = match->folders.slots[folder_slot(&match->folders, match->refresh->walk, path)];
    *ret_slot = met->slot;
    return 0;
}

/* Makes row i of the group known to its candidate, if there is one that no other row had. */
static bool claim(struct matcher *matcher, uint32_t row, uint32_t i, uint32_t folder_slot)
{
    struct match *match = matcher->match;
    struct spr_refresh *refresh = match->refresh;
    const struct spr_inodes *inodes = match->inodes;
    const struct spr_segment_spot *spot = &matcher->group[i];
    for (size_t at = matcher->at[i]; at < inodes->count && inodes->items[at].inode == spot->inode;
         at++) {
        const uint32_t index = inodes->items[at].index;
        struct spr_candidate *candidate = &refresh->walk->candidates[index];
        if (candidate->folder + 1 != folder_slot || !is_of(candidate, spot) ||
            atomic_exchange_explicit(&match->claimed[index], 1, memory_order_relaxed) != 0) {
            continue;
        }
        if (candidate->state != SPR_CANDIDATE_FOUND) {
            return false;
        }
        if (refresh->quick) {
            candidate->state = SPR_CANDIDATE_CARRIED;
        } else {
            refresh->known[index] = (struct spr_known){ matcher->segment, row, spot->stat_digest };
        }
        return true;
    }
    return false;
}

static void fetch_candidates(struct matcher *matcher, uint32_t count)
{
    const struct match *match = matcher->match;
    const struct spr_inodes *inodes = match->inodes;
    const struct spr_candidate *candidates = match->refresh->walk->candidates;
    for (uint32_t i = 0; i < count; i++) {
        matcher->last = seek_inode(inodes, matcher->last, matcher->group[i].inode);
        matcher->at[i] = matcher->last;
        if (matcher->last < inodes->count) {
            __builtin_prefetch(&candidates[inodes->items[matcher->last].index]);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        if (matcher->at[i] < inodes->count) {
            __builtin_prefetch(candidates[inodes->items[matcher->at[i]].index].names);
        }
    }
}

static int match_group(struct matcher *matcher, uint32_t first, uint32_t count)
{
    struct spr_refresh *refresh = matcher->match->refresh;
    int r = spr_segment_spots(matcher->reader, first, count, matcher->group, matcher->fault);
    if (r < 0) {
        return r;
    }
    fetch_candidates(matcher, count);
    for (uint32_t i = 0; i < count && r == 0; i++) {
        const uint32_t row = first + i;
        uint32_t slot = 0;
        if (!spr_snapshot_row_live(refresh->snapshot, matcher->segment, row)) {
            continue;
        }
        r = find_folder(matcher, matcher->group[i].folder, &slot);
        if (r == 0 && slot != 0 && claim(matcher, row, i, slot)) {
            matcher->matched++;
        } else if (r == 0) {
            r = spr_refresh_kill(refresh, matcher->reader, matcher->segment, row, matcher->fault);
        }
    }
    return r;
}

/* ---- Segments -------------------------------------------------------------------------------- */

static int match_segment(struct matcher *matcher)
{
    struct spr_refresh *refresh = matcher->match->refresh;
    const uint32_t rows = refresh->manifest->segments[matcher->segment].rows;
    for (unsigned i = 0; i < FOLDERS_MET; i++) {
        matcher->folders[i].id = SPR_STRING_NONE;
    }
    int r = spr_segment_reader_new(refresh->snapshot->segments[matcher->segment], &matcher->reader);
    for (uint32_t row = 0; row < rows && r == 0; row += GROUP_MAX) {
        const uint32_t left = rows - row;
        r = match_group(matcher, row, left < GROUP_MAX ? left : GROUP_MAX);
    }
    spr_segment_reader_free(matcher->reader);
    matcher->reader = NULL;
    return r;
}

static int run_matcher(uint32_t number, void *user)
{
    struct match *match = user;
    struct matcher *matcher = calloc(1, sizeof(*matcher));
    if (matcher == NULL) {
        return -ENOMEM;
    }
    matcher->match = match;
    matcher->fault = &match->faults[number];
    int r = 0;
    while (r == 0) {
        matcher->segment = atomic_fetch_add_explicit(&match->next, 1, memory_order_relaxed);
        if (matcher->segment >= match->refresh->manifest->segment_count) {
            break;
        }
        r = spr_tally_stopped(match->refresh->walk->setup.tally) ? SPR_E_STOPPED
                                                                 : match_segment(matcher);
    }
    atomic_fetch_add_explicit(&match->matched, matcher->matched, memory_order_relaxed);
    free(matcher);
    return r;
}

/* ---- The match ------------------------------------------------------------------------------- */

static int make_known(struct spr_refresh *refresh)
{
    const size_t count = refresh->walk->candidate_count;
    refresh->known = malloc((count + 1) * sizeof(*refresh->known));
    if (refresh->known == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        refresh->known[i] = (struct spr_known){ .segment = SPR_KNOWN_NONE };
    }
    return 0;
}

static int run_match(struct match *match, struct spr_fault *fault)
{
    struct spr_refresh *refresh = match->refresh;
    int r = fill_folders(&match->folders, refresh->walk, refresh->manifest->secret.seed);
    if (r < 0) {
        return r;
    }
    r = spr_walk_share(refresh->walk, refresh->workers, false, run_matcher, match);
    for (uint32_t i = 0; r < 0 && fault != NULL && i < refresh->workers; i++) {
        if (match->faults[i].code == r) {
            *fault = match->faults[i];
            break;
        }
    }
    refresh->matched = atomic_load_explicit(&match->matched, memory_order_relaxed);
    refresh->carried = refresh->quick ? refresh->matched : 0;
    return r;
}

int spr_refresh_match(struct spr_refresh *refresh, const struct spr_inodes *inodes,
                      struct spr_fault *fault)
{
    struct match match = { .refresh = refresh, .inodes = inodes };
    match.claimed = calloc(refresh->walk->candidate_count + 1, sizeof(*match.claimed));
    match.faults = calloc(refresh->workers, sizeof(*match.faults));
    int r = match.claimed == NULL || match.faults == NULL ? -ENOMEM : 0;
    if (r == 0 && !refresh->quick) {
        r = make_known(refresh);
    }
    if (r == 0) {
        r = run_match(&match, fault);
    }
    free(match.folders.slots);
    free(match.claimed);
    free(match.faults);
    return r;
}
