/*
 * Making room on a full disk. Invariants: make_room.h.
 */
#include "core/batch/make_room.h"

#include "core/batch/move.h"
#include "core/library.h"
#include "formats/cursor.h"
#include "io/dirents.h"
#include "io/locks.h"
#include "io/own.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct unlinker {
    struct spr_change *change;
    struct spr_batch *batch;
};

/* The server's lock, taken and kept while the descriptor is open. */
static int take_lock(const struct unlinker *u, const struct spr_batch_file *file, int fd)
{
    const struct spr_lock_rule *lock = &u->change->format->lock;
    if (lock->kind != SPR_LOCK_CLAIM_FLOCK || lock->role != file->role) {
        return 0;
    }
    int r = spr_locked_by_other(fd); /* record locks too */
    if (r == 0) {
        r = spr_flock(fd, false);
    }
    return r == 1 || r == -EWOULDBLOCK ? SPR_E_BUSY : r;
}

static int check_name(const struct spr_batch_file *file, int dir_fd)
{
    struct spr_io_meta meta;
    const int r = spr_meta_at(dir_fd, file->from, &meta);
    if (r < 0) {
        return r;
    }
    return meta.inode == file->identity.inode && meta.device == file->identity.device
               ? 0
               : SPR_E_CHANGED;
}

/* (K2) */
static int unlink_checked(const struct unlinker *u, struct spr_batch_file *file)
{
    const struct spr_private *place = u->change->place;
    const int dir_fd = spr_batch_dir_fd(u->batch, file->from_dir, place->root_fd, place->fd);
    if (dir_fd < 0) {
        return dir_fd;
    }
    const int fd = spr_foreign_open(dir_fd, file->from);
    if (fd < 0) {
        return fd;
    }
    int r = spr_move_is(file, fd, SPR_SAME_STRICT);
    r = r == 1 ? 0 : (r == 0 ? SPR_E_CHANGED : r);
    if (r == 0) {
        r = take_lock(u, file, fd);
    }
    if (r == 0) {
        r = check_name(file, dir_fd);
    }
    if (r == 0) {
        r = spr_unlink(dir_fd, file->from);
    }
    if (r == 0) {
        u->batch->dirs[file->from_dir].touched = true;
        file->moved = true;
    }
    (void)close(fd); /* read only: nothing can be lost; the lock goes with it */
    return r;
}

static struct spr_batch_file *pivot_of(const struct unlinker *u,
                                       const struct spr_batch_message *message)
{
    for (uint32_t i = 0; i < message->file_count; i++) {
        struct spr_batch_file *file = &u->batch->files[message->first_file + i];
        if (file->part == SPR_PART_PIVOT) {
            return file;
        }
    }
    return NULL;
}

/* (K3) */
static bool may_go(const struct unlinker *u, const struct spr_batch_file *pivot)
{
    unsigned dir = 0;
    const struct spr_format *format = u->change->format;
    const char *path = u->batch->dirs[pivot->from_dir].path;
    if (!spr_format_dir_of(format, spr_text_of(path), &dir)) {
        return false;
    }
    if (!u->change->server.runs) {
        return true;
    }
    const enum spr_state state = format->dirs[dir].state;
    return format->lock.kind == SPR_LOCK_CLAIM_FLOCK &&
           (format->dirs[dir].flags & (SPR_DIR_MEMORY | SPR_DIR_STOPPED)) == 0 &&
           (state == SPR_STATE_DEFERRED || state == SPR_STATE_HELD);
}

static void note_gone(const struct unlinker *u, const struct spr_batch_message *message,
                      const struct spr_batch_file *pivot, struct spr_room *room)
{
    const char *folder = u->batch->dirs[pivot->from_dir].path;
    const size_t left = sizeof(room->names) - room->names_length;
    const int length = snprintf(room->names + room->names_length, left, "%s%s%s\n", folder,
                                *folder == '\0' ? "" : "/", pivot->from);
    if (length > 0 && (size_t)length < left) {
        room->names_length += (size_t)length; /* else the number alone tells of it */
    }
    room->names[room->names_length] = '\0';
    room->messages++;
    room->is_gone[message->entry] = true;
    for (uint32_t i = 0; i < message->file_count; i++) {
        room->bytes += u->batch->files[message->first_file + i].identity.size;
    }
}

/* The pivots, synced. */
static int unlink_pivots(const struct unlinker *u, struct spr_room *room)
{
    int r = 0;
    for (uint32_t i = 0; r == 0 && i < u->batch->message_count; i++) {
        const struct spr_batch_message *message = &u->batch->messages[i];
        struct spr_batch_file *pivot = pivot_of(u, message);
        if (message->fate != SPR_FATE_OUT || pivot == NULL || !may_go(u, pivot)) {
            continue;
        }
        r = unlink_checked(u, pivot);
        if (r == 0) {
            note_gone(u, message, pivot, room);
        }
        r = r < 0 && spr_move_concerns_message(r) ? 0 : r;
    }
    const int synced = spr_batch_sync_dirs(u->batch);
    return r < 0 ? r : synced;
}

/* What belonged to a pivot that is gone; a part that cannot go is an orphan, not a message. */
static int unlink_supports(const struct unlinker *u)
{
    int r = 0;
    for (uint32_t i = 0; r == 0 && i < u->batch->file_count; i++) {
        struct spr_batch_file *file = &u->batch->files[i];
        const struct spr_batch_message *message = &u->batch->messages[file->message];
        const struct spr_batch_file *pivot = pivot_of(u, message);
        if (file->part == SPR_PART_PIVOT || pivot == NULL || !pivot->moved) {
            continue;
        }
        r = unlink_checked(u, file);
        r = r < 0 && spr_move_concerns_message(r) ? 0 : r;
    }
    return r < 0 ? r : spr_batch_sync_dirs(u->batch);
}

int spr_room_unlink(struct spr_change *change, const struct spr_plan *plan, const uint64_t *entries,
                    uint32_t count, struct spr_room *room)
{
    struct spr_batch *batch = NULL;
    struct spr_wake wake = { .path = "" };
    uint32_t dir = 0;
    memset(room->is_gone, 0, sizeof(room->is_gone));
    int r = spr_batch_new(&batch);
    if (r < 0) {
        return r;
    }
    r = spr_batch_add_dir(batch, SPR_BASE_PRIVATE, spr_text_of(""),
                          &dir); /* folder 0, never used */
    if (r == 0) {
        const struct spr_selection selection = { plan, entries, count };
        r = spr_steps_build(change, &selection, NULL, batch, &wake);
    }
    const struct unlinker u = { change, batch };
    if (r == 0) {
        r = unlink_pivots(&u, room); /* (K4) */
    }
    if (r == 0) {
        r = unlink_supports(&u);
    }
    spr_batch_free(batch);
    return r;
}
