/*
 * Moving one file of a batch. Rules: move.h.
 */
#include "core/batch/move.h"

#include "core/batch/reserve.h"
#include "io/dirents.h"

#include <errno.h>
#include <unistd.h>

bool spr_move_concerns_message(int code)
{
    switch (code) {
    case -ENOENT:
    case -EEXIST:
    case -EPERM:
    case -EACCES:
    case -EBUSY:
    case -ETXTBSY:
    case -EXDEV:
    case -EAGAIN:
    case -EBADF:
    case -EINVAL:
    case -ENAMETOOLONG:
    case -ELOOP:
    case -ENOTDIR:
    case -EISDIR:
    case -EMLINK:
    case -ENOSPC:
    case -EDQUOT:
    case SPR_E_BUSY:
    case SPR_E_CHANGED:
    case SPR_E_UNABLE:
        return true;
    default:
        return false; /* EIO, EROFS, ESTALE and whatever is not known */
    }
}

static int is_the_one(const struct spr_batch_file *file, const struct spr_identity *found,
                      enum spr_sameness how)
{
    /* Device and mount numbers change at a boot; folders are opened on the spool's device only. */
    struct spr_identity expected = file->identity;
    expected.device = 0;
    expected.mount = 0;
    return how == SPR_SAME_FILE ? spr_identity_same_file(&expected, found)
                                : spr_identity_equal(&expected, found, how == SPR_SAME_STRICT);
}

int spr_move_is(const struct spr_batch_file *file, int fd, enum spr_sameness how)
{
    struct spr_identity found;
    const int r = spr_identity_of(fd, &found);
    return r < 0 ? r : is_the_one(file, &found, how);
}

int spr_move_is_at(const struct spr_batch_file *file, int dir_fd, const char *name,
                   enum spr_sameness how)
{
    struct spr_identity found;
    const int r = spr_identity_at(dir_fd, name, &found);
    return r < 0 ? r : is_the_one(file, &found, how);
}

/* (M4) */
static enum spr_sameness sameness_in(const struct spr_batch *batch, uint32_t dir)
{
    return batch->dirs[dir].base == SPR_BASE_PRIVATE ? SPR_SAME_FILE : SPR_SAME_STABLE;
}

/* (M1) in one call where birth times are told: the handle is compared when it has moved (M2). */
static int is_still_at(const struct spr_batch_file *file, int dir_fd, enum spr_sameness how)
{
    struct spr_identity found;
    if (how != SPR_SAME_STRICT || file->identity.birth_ns == 0) {
        return spr_move_is_at(file, dir_fd, file->from, how);
    }
    const int r = spr_identity_times_at(dir_fd, file->from, &found);
    if (r == 0 && found.birth_ns == 0) {
        return spr_move_is_at(file, dir_fd, file->from, how);
    }
    return r < 0 ? r : is_the_one(file, &found, how);
}

/* Is what was moved the one (M2), and does nobody hold the server's lock on it? 1, 0, SPR_E_BUSY or
 * a negative errno. One descriptor serves both. */
static int prove_claim(const struct spr_batch_file *file, int dir_fd)
{
    struct spr_identity found;
    const int fd = spr_identity_open(dir_fd, file->to, &found);
    if (fd < 0) {
        return fd;
    }
    int r = is_the_one(file, &found, SPR_SAME_STABLE);
    if (r == 1) {
        const int busy = spr_locked_by_other(fd);
        r = busy == 0 ? 1 : busy == 1 ? SPR_E_BUSY : busy;
    }
    (void)close(fd); /* read only: nothing can be lost */
    return r;
}

static bool is_inode_at(const struct spr_batch_file *file, int dir_fd, const char *name)
{
    struct spr_io_meta meta;
    return spr_meta_at(dir_fd, name, &meta) == 0 && meta.inode == file->identity.inode;
}

static int rename_new(int from_fd, const char *from, int to_fd, const char *to)
{
    int r;
    do {
        r = spr_rename_new(from_fd, from, to_fd, to); /* (M3) */
    } while (r == -EINTR);
    return r;
}

/* Both folders of a file, opened. Where both are, nothing is written: workers come this way. */
static int open_dirs(const struct spr_change *change, struct spr_batch *batch,
                     const struct spr_batch_file *file, int *ret_from, int *ret_to)
{
    const struct spr_private *place = change->place;
    if (batch->dirs[file->from_dir].fd >= 0 && batch->dirs[file->to_dir].fd >= 0) {
        *ret_from = batch->dirs[file->from_dir].fd;
        *ret_to = batch->dirs[file->to_dir].fd;
        return 0;
    }
    const int from = spr_batch_dir_fd(batch, file->from_dir, place->root_fd, place->fd);
    if (from < 0) {
        return from;
    }
    const int to = spr_batch_dir_fd(batch, file->to_dir, place->root_fd, place->fd);
    if (to < 0) {
        return to;
    }
    *ret_from = from;
    *ret_to = to;
    return 0;
}

static void touch(struct spr_batch_dir *dir)
{
    if (!atomic_load_explicit(&dir->touched, memory_order_relaxed)) { /* one line for all workers */
        atomic_store_explicit(&dir->touched, true, memory_order_relaxed);
    }
}

static void take_note(struct spr_batch *batch, struct spr_batch_file *file, bool moved)
{
    touch(&batch->dirs[file->from_dir]);
    touch(&batch->dirs[file->to_dir]);
    file->moved = moved;
}

int spr_move_back(struct spr_change *change, struct spr_batch *batch, struct spr_batch_file *file)
{
    int from = -1;
    int to = -1;
    int r = open_dirs(change, batch, file, &from, &to);
    if (r == 0) {
        r = rename_new(to, file->to, from, file->from);
    }
    /* A growing folder needs room: the reserve is there for that. */
    if (spr_is_disk_full(r) && spr_reserve_drop(change->place) == 1) {
        r = rename_new(to, file->to, from, file->from);
    }
    if (r == 0) {
        take_note(batch, file, false);
    }
    return r;
}

int spr_move_there(const struct spr_change *change, struct spr_batch *batch,
                   struct spr_batch_file *file, struct spr_move_rule rule)
{
    int from = -1;
    int to = -1;
    int r = open_dirs(change, batch, file, &from, &to);
    if (r < 0) {
        return r;
    }
    const enum spr_sameness how =
        rule.strict ? SPR_SAME_STRICT : sameness_in(batch, file->from_dir);
    /* (M1); of what the server sees nothing decides once it has moved */
    r = rule.seen ? spr_move_is_at(file, from, file->from, how) : is_still_at(file, from, how);
    if (r <= 0) {
        return r < 0 ? r : SPR_E_CHANGED;
    }
    r = rename_new(from, file->from, to, file->to);
    if (r < 0) {
        return r;
    }
    take_note(batch, file, true);
    r = rule.prove ? prove_claim(file, to) : spr_move_is_at(file, to, file->to, SPR_SAME_STABLE);
    if (r == 1 || (rule.seen && (r == -ENOENT || is_inode_at(file, to, file->to)))) {
        return 0; /* seen: the server may have taken it on, or begun to write in it */
    }
    if (r < 0 && !spr_move_concerns_message(r)) {
        return r;
    }
    const int code = r < 0 && rule.prove ? r : SPR_E_CHANGED;
    r = rename_new(to, file->to, from, file->from); /* (M2) */
    if (r == 0) {
        take_note(batch, file, false);
    }
    return r < 0 && !spr_move_concerns_message(r) ? r : code;
}

int spr_move_with_room(struct spr_change *change, struct spr_batch *batch,
                       struct spr_batch_file *file, struct spr_move_rule rule)
{
    int r = spr_move_there(change, batch, file, rule);
    if (spr_is_disk_full(r) && !file->moved && spr_reserve_drop(change->place) == 1) {
        r = spr_move_there(change, batch, file, rule);
    }
    if (r < 0 && file->moved) {
        const int back = spr_move_back(change, batch, file);
        r = back < 0 && !spr_move_concerns_message(back) ? back : r;
    }
    return r;
}

/* Anything else may hide a file that is there. Links and mounts in the way are no way to it, but
 * nobody can have put them into our own folder. */
static bool is_absence(const struct spr_batch *batch, uint32_t dir, int code)
{
    if (code == -ENOENT || code == -ENOTDIR || code == -EBADF) {
        return true;
    }
    return batch->dirs[dir].base == SPR_BASE_SPOOL && (code == -ELOOP || code == -EXDEV);
}

int spr_move_find(struct spr_change *change, struct spr_batch *batch,
                  const struct spr_batch_file *file)
{
    const struct spr_private *place = change->place;
    int there = -ENOENT;
    const int to = spr_batch_dir_fd(batch, file->to_dir, place->root_fd, place->fd);
    if (to >= 0) {
        there = spr_move_is_at(file, to, file->to, sameness_in(batch, file->to_dir));
    } else if (!is_absence(batch, file->to_dir, to)) {
        return to;
    }
    if (there == 1) {
        return SPR_PLACE_TO;
    }
    if (there < 0 && !is_absence(batch, file->to_dir, there)) {
        return there;
    }
    int here = -ENOENT;
    const int from = spr_batch_dir_fd(batch, file->from_dir, place->root_fd, place->fd);
    if (from >= 0) {
        here = spr_move_is_at(file, from, file->from, SPR_SAME_FILE); /* nothing is done to it */
    } else if (!is_absence(batch, file->from_dir, from)) {
        return from;
    }
    if (here == 1) {
        return SPR_PLACE_FROM;
    }
    if (here < 0 && !is_absence(batch, file->from_dir, here)) {
        return here;
    }
    return there == 0 || there == -EBADF ? SPR_PLACE_STRANGER : SPR_PLACE_NONE;
}
