/*
 * Messages that moved while a spool was listed: which were met again, and which were not.
 */
#include "core/index/hash.h"
#include "core/scan/numbers.h"
#include "core/scan/walk.h"

/* Tells files apart wherever they lie now. */
static uint64_t file_key(const struct spr_candidate *candidate)
{
    struct spr_candidate_file file;
    spr_candidate_first(candidate, &file);
    return spr_hash64(file.name.bytes, file.name.length, candidate->inode);
}

int spr_walk_keep_unseen(struct spr_walk *walk, size_t first)
{
    if (first == walk->candidate_count) {
        return 0;
    }
    struct spr_numbers seen;
    int r = spr_numbers_init(&seen, walk->candidate_count);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < first; i++) {
        if (walk->candidates[i].state != SPR_CANDIDATE_VANISHED) {
            spr_numbers_add(&seen, file_key(&walk->candidates[i]));
        }
    }
    size_t kept = first;
    for (size_t i = first; i < walk->candidate_count; i++) {
        const uint64_t key = file_key(&walk->candidates[i]);
        if (!spr_numbers_contain(&seen, key)) {
            spr_numbers_add(&seen, key);
            walk->candidates[kept++] = walk->candidates[i];
        }
    }
    walk->candidate_count = kept;
    spr_numbers_done(&seen);
    return 0;
}

int spr_walk_count_vanished(struct spr_walk *walk)
{
    size_t count = 0;
    for (size_t i = 0; i < walk->candidate_count; i++) {
        count += walk->candidates[i].state == SPR_CANDIDATE_VANISHED;
    }
    if (count == 0) {
        return 0;
    }
    struct spr_numbers met;
    int r = spr_numbers_init(&met, walk->candidate_count);
    for (size_t i = 0; i < walk->candidate_count && r == 0; i++) {
        if (walk->candidates[i].state != SPR_CANDIDATE_VANISHED) {
            spr_numbers_add(&met, file_key(&walk->candidates[i]));
        }
    }
    for (size_t i = 0; i < walk->candidate_count && r == 0; i++) {
        const struct spr_candidate *candidate = &walk->candidates[i];
        if (candidate->state == SPR_CANDIDATE_VANISHED &&
            !spr_numbers_contain(&met, file_key(candidate))) {
            struct spr_candidate_file primary;
            spr_candidate_first(candidate, &primary);
            spr_tally_reject(walk->setup.tally, SPR_REJECT_VANISHED,
                             walk->folders[candidate->folder].path, primary.name, NULL);
        }
    }
    spr_numbers_done(&met);
    return r;
}
