/*
 * Windows of candidates to messages.
 *
 * The heads of a window are asked for at once. A message whose heads suffice is done while its
 * bytes are warm; the others wait for the end of the window and are then widened in small groups.
 */
#include "core/scan/fetch.h"

#include "core/scan/fetch_reads.h"
#include "core/scan/folders.h"
#include "core/scan/pair.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DONE_AT_ONCE 16   /* completions held before the first is parsed: they stay in L2 */
#define ENVELOPE     640  /* bytes of a head that are fetched into the cache before it is parsed */
#define STEPS_AHEAD  3    /* completions: what belongs to one is fetched in so many steps */
#define GROUP_MAX    32   /* messages that are widened together */
#define HEAD_DEFAULT 4096 /* PERF 3: one page holds most envelopes */
#define REQUESTS_MAX 4096 /* of one window, whatever the pace says */

struct spr_fetch {
    struct spr_fetch_setup setup;
    struct spr_io *io;
    struct spr_folders folders;
    struct spr_pool arena; /* of one window */
    struct spr_io_request *requests;
    size_t request_count, request_room;
    struct spr_slot **waiting; /* for more */
    size_t waiting_count, waiting_room;
    struct spr_file_view files[SPR_ROLES_MAX];
    struct spr_fetch_reads reads;
    bool is_alone;
};

int spr_fetch_new(const struct spr_fetch_setup *setup, struct spr_fetch **ret_fetch)
{
    struct spr_fetch *fetch = calloc(1, sizeof(*fetch));
    if (fetch == NULL) {
        return -ENOMEM;
    }
    fetch->setup = *setup;
    spr_folders_init(&fetch->folders, setup->walk);
    int r = spr_io_new(setup->shared, setup->worker, setup->queue_depth, &fetch->io);
    if (r < 0) {
        spr_fetch_free(fetch);
        return r;
    }
    fetch->reads.io = fetch->io;
    *ret_fetch = fetch;
    return 0;
}

void spr_fetch_free(struct spr_fetch *fetch)
{
    if (fetch == NULL) {
        return;
    }
    spr_io_free(fetch->io);
    spr_folders_done(&fetch->folders);
    spr_pool_done(&fetch->arena);
    free(fetch->requests);
    free(fetch->waiting);
    free(fetch);
}

struct spr_io_pace spr_fetch_pace(const struct spr_fetch *fetch)
{
    return spr_io_pace(fetch->io);
}

/* ---- The heads of a window ------------------------------------------------------------------- */

static uint32_t head_length(const struct spr_format *format)
{
    const uint32_t wanted = format->head_bytes > 0 ? format->head_bytes : HEAD_DEFAULT;
    return wanted <= SPR_IO_READ_MAX ? wanted : SPR_IO_READ_MAX;
}

static int add_request(struct spr_fetch *fetch, struct spr_slot *slot, int dir_fd, unsigned role,
                       const char *name)
{
    const struct spr_format *format = fetch->setup.format;
    struct spr_slot_file *file = spr_slot_add_file(slot, &fetch->arena, role, name);
    int r = file == NULL ? -ENOMEM
                         : spr_grow((void **)&fetch->requests, &fetch->request_room,
                                    fetch->request_count, sizeof(*fetch->requests));
    if (r < 0) {
        return r;
    }
    const bool is_read = (format->roles[role].flags & SPR_ROLE_READ) != 0;
    fetch->requests[fetch->request_count++] = (struct spr_io_request){
        .op = is_read ? SPR_IO_HEAD : SPR_IO_STAT,
        .dir_fd = dir_fd,
        .name = name,
        .length = is_read ? head_length(format) : 0,
        .user = file,
    };
    slot->outstanding++;
    return 0;
}

static int add_candidate(struct spr_fetch *fetch, struct spr_candidate *candidate, int dir_fd)
{
    struct spr_slot *slot = spr_slot_take(&fetch->arena, candidate);
    int r = slot == NULL ? -ENOMEM : 0;
    struct spr_candidate_file file;
    for (unsigned i = 0; i < candidate->file_count && r == 0; i++) {
        if (i == 0) {
            spr_candidate_first(candidate, &file);
            slot->primary = file.role;
        } else {
            spr_candidate_next(&file);
        }
        r = add_request(fetch, slot, dir_fd, file.role, (const char *)file.name.bytes);
    }
    return r;
}

/* In inode order neighbours lie far from each other in the walk's memory. */
static void prefetch_names(struct spr_candidate *const *candidates, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        __builtin_prefetch(candidates[i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        __builtin_prefetch(candidates[i]->names);
    }
}

/* Asks for as many as fit; their number. */
static int begin_window(struct spr_fetch *fetch, struct spr_candidate *const *candidates,
                        uint32_t count, uint32_t *ret_taken)
{
    spr_pool_reset(&fetch->arena);
    spr_folders_trim(&fetch->folders);
    fetch->request_count = 0;
    fetch->waiting_count = 0;
    prefetch_names(candidates, count);
    uint32_t taken = 0;
    while (taken < count && fetch->request_count + SPR_ROLES_MAX <= REQUESTS_MAX) {
        const int fd = spr_folders_get(&fetch->folders, candidates[taken]->folder);
        if (fd == -EMFILE && fetch->request_count > 0) {
            break;
        }
        if (fd == -ENOMEM) {
            return fd;
        }
        if (fd < 0) {
            fetch->setup.on_failure(candidates[taken], fd, fetch->setup.user);
        } else {
            int r = add_candidate(fetch, candidates[taken], fd);
            if (r < 0) {
                return r;
            }
        }
        taken++;
    }
    *ret_taken = taken;
    return 0;
}

/* ---- One message ----------------------------------------------------------------------------- */

static int offer(struct spr_fetch *fetch, struct spr_slot *slot, enum spr_fetch_answer *ret_answer)
{
    const struct spr_fetch_setup *setup = &fetch->setup;
    const struct spr_candidate *candidate = slot->candidate;
    const struct spr_walk_folder *folder = &setup->walk->folders[candidate->folder];
    struct spr_candidate_file primary;
    spr_candidate_first(candidate, &primary);

    struct spr_fetched fetched = {
        .candidate = slot->candidate,
        .folder = folder,
        .meta = slot->files[slot->primary]->done.meta,
        .primary = slot->primary,
        .view = {
            .layout = setup->layout,
            .dir = folder->dir,
            .folder = { (const uint8_t *)folder->path, strlen(folder->path) },
            .wants = setup->wants,
            .now = setup->now,
            .files = fetch->files,
        },
    };
    (void)setup->format->classify(setup->layout, folder->dir, primary.name, &fetched.view.key);
    spr_slot_settle(slot);
    spr_slot_view(slot, setup->format->role_count, fetch->files);
    for (unsigned role = 0; role < setup->format->role_count; role++) {
        fetched.roles_present |= fetch->files[role].present ? 1u << role : 0;
        if ((setup->format->roles[role].flags & SPR_ROLE_ON_DEMAND) == 0) {
            fetch->files[role].sought = true;
        }
    }
    return setup->on_message(&fetched, ret_answer, &slot->need, setup->user);
}

static int wait_for_more(struct spr_fetch *fetch, struct spr_slot *slot)
{
    int r = spr_grow((void **)&fetch->waiting, &fetch->waiting_room, fetch->waiting_count,
                     sizeof(struct spr_slot *));
    if (r == 0) {
        fetch->waiting[fetch->waiting_count++] = slot;
    }
    return r;
}

/* All its heads came. */
static int finish_heads(struct spr_fetch *fetch, struct spr_slot *slot)
{
    enum spr_fetch_answer answer = SPR_FETCH_DONE;
    int r = 0;
    if (slot->failure < 0) {
        fetch->setup.on_failure(slot->candidate, slot->failure, fetch->setup.user);
    } else {
        r = offer(fetch, slot, &answer);
    }
    if (r == 0 && answer == SPR_FETCH_MORE) {
        r = wait_for_more(fetch, slot);
        if (r == 0) {
            return 0;
        }
    }
    spr_slot_release(slot, fetch->io);
    return r;
}

static int take_done(struct spr_fetch *fetch, const struct spr_io_done *done)
{
    struct spr_slot_file *file = done->request->user;
    struct spr_slot *slot = file->slot;
    spr_slot_complete(file, done);
    const bool is_absent = done->result == -ENOENT && file->role != slot->primary;
    if (done->result < 0 && !is_absent && slot->failure == 0) {
        slot->failure = (int)done->result;
    }
    slot->outstanding--;
    return slot->outstanding == 0 ? finish_heads(fetch, slot) : 0;
}

/* ---- More of some messages ------------------------------------------------------------------- */

/* result: so far; the caller lets go of what it holds in any case. */
static int tell_wait(const struct spr_fetch *fetch, int result)
{
    const int r = fetch->setup.on_wait != NULL ? fetch->setup.on_wait(fetch->setup.user) : 0;
    return result == 0 ? r : result;
}

/* One round for a group: asks for what each needs, waits, offers again. Compacts the group to those
 * that need still more. */
static int serve_round(struct spr_fetch *fetch, struct spr_slot **group, size_t *count)
{
    const struct spr_fetch_setup *setup = &fetch->setup;
    int r = 0;
    for (size_t i = 0; i < *count && r == 0; i++) {
        if (group[i]->failure == 0) {
            group[i]->failure = spr_fetch_widen(&fetch->reads, group[i]);
        }
        r = group[i]->failure == -ENOMEM ? -ENOMEM : 0;
    }
    const int flushed = spr_fetch_flush(&fetch->reads);
    r = r == 0 ? flushed : r;
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        struct spr_slot *slot = group[i];
        enum spr_fetch_answer answer = SPR_FETCH_DONE;
        if (r == 0 && slot->failure == -EOVERFLOW) {
            r = setup->on_large(slot->candidate, setup->user);
        } else if (r == 0 && slot->failure < 0) {
            setup->on_failure(slot->candidate, slot->failure, setup->user);
        } else if (r == 0 && spr_fetch_is_seeking(slot)) {
            answer = SPR_FETCH_MORE;
        } else if (r == 0) {
            r = offer(fetch, slot, &answer);
        }
        if (r == 0 && answer == SPR_FETCH_MORE) {
            group[kept++] = slot;
        } else {
            fetch->reads.held_bytes -= slot->wide_bytes;
            spr_slot_release(slot, fetch->io);
        }
    }
    *count = kept;
    return tell_wait(fetch, r);
}

/* result: of the window so far; after an error the waiting ones are only given back. */
static int serve_waiting(struct spr_fetch *fetch, int result)
{
    int r = result;
    size_t at = 0;
    fetch->reads.setup = &fetch->setup;
    fetch->reads.arena = &fetch->arena;
    fetch->reads.held_max = fetch->is_alone ? UINT64_MAX : SPR_FETCH_SHARED_MAX;
    while (at < fetch->waiting_count && r == 0) {
        size_t count = fetch->waiting_count - at;
        if (count > GROUP_MAX) {
            count = GROUP_MAX;
        }
        struct spr_slot **group = fetch->waiting + at;
        at += count;
        while (count > 0 && r == 0) {
            r = serve_round(fetch, group, &count);
        }
        for (size_t i = 0; i < count; i++) {
            spr_slot_release(group[i], fetch->io); /* kept by a round that failed later */
        }
    }
    for (; at < fetch->waiting_count; at++) {
        spr_slot_release(fetch->waiting[at], fetch->io);
    }
    fetch->waiting_count = 0;
    return r;
}

/* ---- Windows --------------------------------------------------------------------------------- */

/* What the disk wrote lies in no cache, and what belongs to it was last used a window ago. Each
 * call fetches one step further for the completions that follow number `at`. Inlined by force: gcc
 * takes a function that only prefetches for one without effect, and drops its calls. */
__attribute__((always_inline)) static inline void prefetch_next(const struct spr_io_done *done,
                                                                int at, int count)
{
    if (at + STEPS_AHEAD < count) {
        const struct spr_io_done *next = &done[at + STEPS_AHEAD];
        __builtin_prefetch(next->request->user);
        for (int64_t offset = 0; offset < next->result && offset < ENVELOPE; offset += 64) {
            __builtin_prefetch(next->bytes + offset);
        }
    }
    if (at + 2 >= 0 && at + 2 < count) {
        const struct spr_slot_file *file = done[at + 2].request->user;
        __builtin_prefetch(file->slot->candidate);
    }
    if (at + 1 >= 0 && at + 1 < count) {
        const struct spr_slot_file *file = done[at + 1].request->user;
        __builtin_prefetch(file->slot->candidate->names);
    }
}

/* Also after an error every completion is taken: the requests are ours until then. */
static int read_window(struct spr_fetch *fetch)
{
    if (fetch->request_count == 0) {
        return 0;
    }
    int result = spr_io_window(fetch->io, fetch->requests, (uint32_t)fetch->request_count);
    if (result < 0) {
        return result;
    }
    struct spr_io_done done[DONE_AT_ONCE];
    for (;;) {
        const int got = spr_io_wait(fetch->io, done, DONE_AT_ONCE);
        if (got <= 0) {
            result = result == 0 && got < 0 ? got : result;
            break;
        }
        for (int i = -STEPS_AHEAD; i < got; i++) {
            prefetch_next(done, i, got);
            if (i < 0) {
                continue;
            }
            if (result == 0) {
                result = take_done(fetch, &done[i]);
            } else {
                spr_io_release(fetch->io, &done[i]);
            }
        }
        if (spr_io_must_wait(fetch->io)) {
            result = tell_wait(fetch, result);
        }
    }
    return serve_waiting(fetch, result);
}

int spr_fetch_window(struct spr_fetch *fetch, struct spr_candidate *const *candidates,
                     uint32_t count)
{
    while (count > 0) {
        uint32_t taken;
        int r = begin_window(fetch, candidates, count, &taken);
        if (r == 0) {
            r = read_window(fetch);
        }
        if (r < 0) {
            return r;
        }
        candidates += taken;
        count -= taken;
    }
    return 0;
}

int spr_fetch_alone(struct spr_fetch *fetch, struct spr_candidate *candidate)
{
    fetch->is_alone = true;
    const int r = spr_fetch_window(fetch, &candidate, 1);
    fetch->is_alone = false;
    return r;
}
