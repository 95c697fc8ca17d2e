/*
 * Keeping and giving up the reserve. Invariants: reserve.h.
 */
#include "core/batch/reserve.h"

#include "io/durable.h"
#include "io/own.h"

#include <errno.h>
#include <unistd.h>

static const char RESERVE_NAME[] = "reserve";
static const char *const SPARE_NAMES[] = { "spare-1", "spare-2", "spare-3" };
#define SPARE_COUNT (sizeof(SPARE_NAMES) / sizeof(SPARE_NAMES[0]))

bool spr_is_disk_full(int code)
{
    return code == -ENOSPC || code == -EDQUOT;
}

static int open_or_create(const struct spr_private *place, const char *name)
{
    const int fd = spr_own_open(place->fd, name, true);
    return fd == -ENOENT ? spr_own_create(place->fd, name) : fd;
}

static int make_spares(const struct spr_private *place)
{
    for (unsigned i = 0; i < SPARE_COUNT; i++) {
        const int fd = open_or_create(place, SPARE_NAMES[i]);
        if (fd < 0) {
            return fd;
        }
        (void)close(fd); /* empty: nothing can be lost */
    }
    return 0;
}

/* A reservation that fails may keep what it got; that goes back. */
static int grow(int fd, uint64_t size, uint64_t wanted)
{
    const int r = size < wanted ? spr_reserve(fd, wanted) : 0;
    if (spr_is_disk_full(r)) {
        (void)spr_own_cut(fd, size); /* its content means nothing */
    }
    return r;
}

static int open_reserve(const struct spr_private *place, uint64_t *ret_size)
{
    const int fd = open_or_create(place, RESERVE_NAME);
    if (fd < 0) {
        return fd;
    }
    const int r = spr_own_size(fd, ret_size);
    if (r < 0) {
        (void)close(fd); /* nothing was written */
        return r;
    }
    return fd;
}

int spr_reserve_make(const struct spr_private *place)
{
    uint64_t size = 0;
    uint64_t wanted = SPR_RESERVE_BYTES;
    struct spr_space space;
    const int fd = open_reserve(place, &size);
    if (fd < 0) {
        return fd;
    }
    if (spr_space_of(place->fd, &space) == 0 && space.free_bytes / 2 < wanted) {
        wanted = space.free_bytes / 2; /* (3) */
    }
    int r = grow(fd, size, wanted);
    (void)close(fd); /* its content means nothing */
    if (r == 0) {
        r = make_spares(place);
    }
    return r;
}

int spr_reserve_ensure(const struct spr_private *place, uint64_t bytes)
{
    uint64_t size = 0;
    const int fd = open_reserve(place, &size);
    if (fd < 0) {
        return fd;
    }
    int r = grow(fd, size, bytes < SPR_RESERVE_BYTES ? bytes : SPR_RESERVE_BYTES);
    (void)close(fd); /* its content means nothing */
    if (r == 0) {
        r = make_spares(place);
    }
    return r;
}

/* XFS frees what an unlinked file held only later, and a cut at once. */
static int remove_reserve(const struct spr_private *place)
{
    const int fd = spr_own_open(place->fd, RESERVE_NAME, true);
    if (fd >= 0) {
        (void)spr_own_cut(fd, 0); /* its content means nothing */
        (void)close(fd);
    }
    return spr_unlink(place->fd, RESERVE_NAME);
}

int spr_reserve_drop(const struct spr_private *place)
{
    bool dropped = false;
    int r = place->fd < 0 ? -ENOENT : remove_reserve(place);
    for (unsigned i = 0; (r == 0 || r == -ENOENT) && place->fd >= 0; i++) {
        dropped = dropped || r == 0;
        if (i == SPARE_COUNT) {
            break;
        }
        r = spr_unlink(place->fd, SPARE_NAMES[i]);
    }
    if (r < 0 && r != -ENOENT) {
        return r;
    }
    if (!dropped) {
        return 0;
    }
    r = spr_sync_dir(place->fd); /* freed blocks can be used only after this on some systems */
    return r < 0 ? r : 1;
}
