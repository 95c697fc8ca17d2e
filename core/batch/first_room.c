/*
 * Making room for the private folder itself. Rules of what may go: make_room.c.
 *
 * There is no lock file yet, so the spool root is locked instead; nobody who has a private folder
 * comes here.
 */
#include "core/batch/first_room.h"

#include "core/batch/job.h"
#include "core/batch/make_room.h"
#include "core/fault.h"
#include "core/library.h"
#include "io/locks.h"

#include <errno.h>

static int lock_root(struct spr_change *change, struct spr_fault *fault)
{
    const int r = spr_flock(change->place->root_fd, false);
    if (r == -EWOULDBLOCK) {
        return spr_fault_set(fault, SPR_E_BUSY, change->place->spool_root, 0,
                             "another spoolray is changing this spool");
    }
    return r;
}

static int unlink_some(struct spr_first_room *room, struct spr_change *change, uint64_t most)
{
    uint64_t entries[SPR_ROOM_MESSAGES];
    uint32_t count = 0;
    uint32_t passed = 0;
    while (count < SPR_ROOM_MESSAGES && count < most && room->passed + count < room->plan->count) {
        entries[count] = room->passed + count;
        count++;
    }
    if (count == 0) {
        return 0;
    }
    const int gone = spr_room_unlink(change, room->plan, entries, count, &passed);
    if (gone < 0) {
        return gone;
    }
    room->passed += passed;
    room->gone += (uint64_t)gone;
    room->bytes += change->report.bytes;
    return passed > 0 ? 1 : 0;
}

int spr_first_room_make(struct spr_first_room *room, struct spr_fault *fault)
{
    struct spr_change *change = NULL;
    const struct spr_options options = spr_options_take(room->options);
    if (room->plan->action != SPR_DELETE || (options.flags & SPR_KEEP_UNDO) != 0 ||
        room->plan->purge_at_most <= room->gone) {
        return 0;
    }
    int r = spr_change_look(room->plan->spool_root, &options, &change, fault);
    if (r < 0) {
        return r;
    }
    r = change->place->fd < 0 ? lock_root(change, fault) : spr_private_lock(change->place, fault);
    if (r == -ENOSPC || r == -EDQUOT) {
        r = lock_root(change, fault);
    }
    if (r == 0) {
        r = spr_job_check_plan(change, room->plan);
    }
    if (r == 0) {
        r = unlink_some(room, change, room->plan->purge_at_most - room->gone);
    }
    spr_change_end(change);
    return r;
}
