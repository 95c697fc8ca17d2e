/*
 * One stat of each known candidate's primary.
 *
 * Workers take runs of candidates from one list, in the order of their listing: neighbours share a
 * folder, whose descriptor is each worker's own. The cursor and the count are atomic words with
 * relaxed order: the first hands out disjoint parts of a list that was complete before the workers
 * started, the second is read when they have ended. A worker writes the state of the candidates it
 * took.
 */
#include "core/index/identity.h"
#include "core/scan/folders.h"
#include "core/scan/refresh.h"
#include "io/dirents.h"

#include <errno.h>

#define RUN_MAX 1024 /* candidates: about a millisecond when warm */

struct look {
    struct spr_refresh *refresh;
    atomic_size_t next;
    atomic_uint_fast64_t carried;
};

/* The descriptor of a folder. Its owner keeps none of those it got before. */
static int open_folder(struct spr_folders *folders, uint32_t folder)
{
    int fd = spr_folders_get(folders, folder);
    if (fd == -EMFILE) {
        spr_folders_trim(folders);
        fd = spr_folders_get(folders, folder);
    }
    return fd;
}

static bool is_same(const struct spr_candidate *candidate, const struct spr_known *known,
                    int dir_fd)
{
    struct spr_candidate_file primary;
    struct spr_io_meta meta;
    spr_candidate_first(candidate, &primary);
    return spr_meta_at(dir_fd, (const char *)primary.name.bytes, &meta) == 0 &&
           meta.inode == candidate->inode && spr_stat_digest(&meta) == known->stat_digest;
}

static int look_at_run(struct look *look, struct spr_folders *folders, size_t from, size_t to)
{
    struct spr_walk *walk = look->refresh->walk;
    const struct spr_known *known = look->refresh->known;
    uint64_t carried = 0;
    uint32_t folder = UINT32_MAX;
    int fd = -1;
    for (size_t i = from; i < to; i++) {
        struct spr_candidate *candidate = &walk->candidates[i];
        if (known[i].segment == SPR_KNOWN_NONE) {
            continue;
        }
        if (candidate->folder != folder) {
            folder = candidate->folder;
            fd = open_folder(folders, folder);
        }
        if (fd == -ENOMEM) {
            return fd;
        }
        if (fd >= 0 && is_same(candidate, &known[i], fd)) {
            candidate->state = SPR_CANDIDATE_CARRIED;
            carried++;
        }
    }
    atomic_fetch_add_explicit(&look->carried, carried, memory_order_relaxed);
    return 0;
}

static int run_looker(uint32_t number, void *user)
{
    (void)number;
    struct look *look = user;
    const struct spr_walk *walk = look->refresh->walk;
    struct spr_folders folders;
    spr_folders_init(&folders, walk);
    int r = 0;
    while (r == 0) {
        const size_t from = atomic_fetch_add_explicit(&look->next, RUN_MAX, memory_order_relaxed);
        if (from >= walk->candidate_count) {
            break;
        }
        const size_t left = walk->candidate_count - from;
        r = spr_tally_stopped(walk->setup.tally)
                ? SPR_E_STOPPED
                : look_at_run(look, &folders, from, from + (left < RUN_MAX ? left : RUN_MAX));
    }
    spr_folders_done(&folders);
    return r;
}

int spr_refresh_look(struct spr_refresh *refresh)
{
    struct look look = { .refresh = refresh };
    if (refresh->quick || refresh->matched == 0) {
        return 0;
    }
    int r = spr_walk_share(refresh->walk, refresh->workers, true, run_looker, &look);
    refresh->carried = atomic_load_explicit(&look.carried, memory_order_relaxed);
    return r;
}
