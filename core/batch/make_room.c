/*
 * Making room on a full disk: the one place that destroys files outside our own folder (P4's
 * exception). Nothing is written before the first unlink, because nothing can be.
 *
 * The pivot goes first: from then on the server does not see the message, and what is left of it
 * are parts that no server delivers.
 */
#include "core/batch/make_room.h"

#include "core/batch/move.h"
#include "core/library.h"
#include "io/dirents.h"
#include "io/locks.h"
#include "io/own.h"

#include <errno.h>
#include <unistd.h>

/* Identity, then the lock, on one descriptor; then the name must still be that file. */
static int unlink_checked(struct spr_change *change, struct spr_batch *batch,
                          const struct spr_batch_file *file)
{
    const int dir_fd =
        spr_batch_dir_fd(batch, file->from_dir, change->place->root_fd, change->place->fd);
    if (dir_fd < 0) {
        return dir_fd;
    }
    const int fd = spr_foreign_open(dir_fd, file->from);
    if (fd < 0) {
        return fd;
    }
    int r = spr_move_is(file, fd, SPR_SAME_STRICT);
    r = r == 1 ? 0 : (r == 0 ? SPR_E_CHANGED : r);
    if (r == 0 && change->format->lock.kind == SPR_LOCK_CLAIM_FLOCK &&
        change->format->lock.role == file->role) {
        r = spr_locked_by_other(fd);
        r = r == 1 ? SPR_E_BUSY : r;
    }
    if (r == 0) {
        struct spr_io_meta meta;
        r = spr_meta_at(dir_fd, file->from, &meta);
        r = r == 0 && meta.inode != file->identity.inode ? SPR_E_CHANGED : r;
    }
    if (r == 0) {
        r = spr_unlink(dir_fd, file->from);
    }
    (void)close(fd); /* read only: nothing can be lost */
    return r;
}

static int unlink_message(struct spr_change *change, struct spr_batch *batch,
                          const struct spr_batch_message *message)
{
    for (unsigned pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < message->file_count; i++) {
            struct spr_batch_file *file = &batch->files[message->first_file + i];
            if ((file->part == SPR_PART_PIVOT) != (pass == 0)) {
                continue;
            }
            const int r = unlink_checked(change, batch, file);
            if (r == 0) {
                batch->dirs[file->from_dir].touched = true;
                change->report.bytes += file->identity.size;
            } else if (pass == 0 || !spr_move_concerns_message(r)) {
                return r; /* a part that stays behind its pivot is an orphan, not a message */
            }
        }
    }
    return 0;
}

/* A message that the server has in memory keeps its inode, so it never makes room. */
static bool may_go(const struct spr_change *change, const struct spr_batch *batch,
                   const struct spr_batch_message *message)
{
    unsigned dir = 0;
    const char *path = batch->dirs[batch->files[message->first_file].from_dir].path;
    return message->fate == SPR_FATE_OUT &&
           spr_format_dir_of(change->format,
                             (struct spr_text){ (const uint8_t *)path, __builtin_strlen(path) },
                             &dir) &&
           (change->format->dirs[dir].flags & SPR_DIR_MEMORY) == 0;
}

int spr_room_unlink(struct spr_change *change, const struct spr_plan *plan, const uint64_t *entries,
                    uint32_t count, uint32_t *ret_passed)
{
    struct spr_batch *batch = NULL;
    struct spr_wake wake = { .path = "" };
    uint32_t dir = 0;
    int gone = 0;
    const uint32_t tried = count < SPR_ROOM_MESSAGES ? count : SPR_ROOM_MESSAGES;
    int r = spr_batch_new(&batch);
    if (r < 0) {
        return r;
    }
    r = spr_batch_add_dir(batch, SPR_BASE_PRIVATE, (struct spr_text){ (const uint8_t *)"", 0 },
                          &dir); /* folder 0, never used */
    if (r == 0) {
        r = spr_steps_build(change, plan, entries, tried, batch, &wake);
    }
    for (uint32_t i = 0; r == 0 && i < batch->message_count; i++) {
        if (!may_go(change, batch, &batch->messages[i])) {
            continue;
        }
        r = unlink_message(change, batch, &batch->messages[i]);
        gone += r == 0 ? 1 : 0;
        r = r < 0 && spr_move_concerns_message(r) ? 0 : r;
    }
    if (r == 0) {
        r = spr_batch_sync_dirs(batch);
    }
    spr_batch_free(batch);
    *ret_passed = tried;
    return r < 0 ? r : gone;
}
