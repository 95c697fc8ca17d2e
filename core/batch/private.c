/*
 * Finding, making and locking the private directory. Invariants: private.h.
 */
#include "core/batch/private.h"

#include "core/fault.h"
#include "io/dirents.h"
#include "io/locks.h"
#include "io/own.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARKER_NAME     "marker"
#define MARKER_TEXT     "spoolray private directory, version 1\n"
#define MARKER_BYTES    (sizeof(MARKER_TEXT) - 1)
#define LOCK_NAME       "lock"
#define ROOT_LINE_BYTES 53 /* of ROOT_LINE, filled in */
#define ROOT_LINE       "root born %020" PRId64 " generation %010" PRIu32 "\n"
#define ROOT_SCAN       "root born %" SCNd64 " generation %" SCNu32
#define PLACES_MAX      3 /* spool root, parent, grandparent */
#define ANCESTORS_MAX   64
#define WAIT_ROUNDS     200 /* for the lock of a process that has ended: 10 s in all */
#define WAIT_ROUND_MS   50

/* ---- (2) where it may lie -------------------------------------------------------------------- */

static bool is_ours(const struct spr_io_meta *meta)
{
    return meta->uid == 0 || meta->uid == geteuid();
}

static bool is_closed_to_others(const struct spr_io_meta *meta)
{
    return (meta->mode & (S_IWGRP | S_IWOTH)) == 0 || (meta->mode & S_ISVTX) != 0;
}

/* Is this folder and all above it safe to keep a private folder in? */
static bool is_safe_place(const char *path)
{
    char *at = strdup(path);
    bool safe = at != NULL;
    for (unsigned depth = 0; safe && depth < ANCESTORS_MAX; depth++) {
        struct spr_io_meta meta;
        const int fd = spr_root_open(at);
        safe =
            fd >= 0 && spr_meta_of(fd, &meta) == 0 && is_ours(&meta) && is_closed_to_others(&meta);
        if (fd >= 0) {
            (void)close(fd); /* a folder: nothing can be lost */
        }
        char *slash = strrchr(at, '/');
        if (slash == NULL || strcmp(at, "/") == 0) {
            break;
        }
        slash[slash == at ? 1 : 0] = '\0';
    }
    free(at);
    return safe;
}

/* The folder above, as a new text; NULL at the top or without memory. */
static char *parent_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL || slash[1] == '\0') {
        return NULL;
    }
    return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

/* Places in the order of preference; the spool root is always among them. */
static unsigned list_places(const char *spool_root, const struct spr_identity *root,
                            char *places[PLACES_MAX])
{
    unsigned count = 0;
    const bool root_is_ours = root->uid == 0 || root->uid == geteuid();
    if (!root_is_ours) {
        char *above = parent_of(spool_root);
        for (unsigned i = 0; i < 2 && above != NULL; i++) {
            char *next = parent_of(above);
            if (is_safe_place(above)) {
                places[count++] = above;
            } else {
                free(above);
            }
            above = next;
        }
        free(above);
    }
    places[count] = strdup(spool_root);
    return places[count] != NULL ? count + 1 : count;
}

/* ---- (1) checks ------------------------------------------------------------------------------ */

/* The second line of the marker names the spool root: inode numbers are used again. */
static void print_root(char line[ROOT_LINE_BYTES + 1], const struct spr_identity *root)
{
    (void)snprintf(line, ROOT_LINE_BYTES + 1, ROOT_LINE, root->birth_ns, root->generation);
}

static bool is_root_of(const char *line, const struct spr_identity *root)
{
    int64_t born = 0;
    uint32_t generation = 0;
    /* What either side could not tell is not compared. */
    return sscanf(line, ROOT_SCAN, &born, &generation) == 2 &&
           (born == 0 || root->birth_ns == 0 || born == root->birth_ns) &&
           (generation == 0 || root->generation == 0 || generation == root->generation);
}

static int check_marker(const struct spr_private *place, int fd)
{
    char text[MARKER_BYTES + ROOT_LINE_BYTES + 1] = "";
    const int marker = spr_own_open(fd, MARKER_NAME, false);
    if (marker < 0) {
        return marker;
    }
    int r = spr_read_exact(marker, text, MARKER_BYTES + ROOT_LINE_BYTES, 0);
    if (r == 0 && memcmp(text, MARKER_TEXT, MARKER_BYTES) != 0) {
        r = SPR_E_NEWER;
    } else if (r == 0 && !is_root_of(text + MARKER_BYTES, &place->root)) {
        r = -ESTALE;
    }
    (void)close(marker); /* read only: nothing can be lost */
    return r;
}

static int check_folder(struct spr_private *place, int fd, struct spr_identity *ret_self)
{
    struct spr_identity self;
    const int r = spr_identity_of(fd, &self);
    if (r < 0) {
        return r;
    }
    if (self.device != place->root.device ||
        (self.mount != 0 && place->root.mount != 0 && self.mount != place->root.mount)) {
        return -EXDEV;
    }
    if ((self.uid != geteuid() && self.uid != 0) || (self.mode & 07777) != 0700) {
        return -EPERM;
    }
    *ret_self = self;
    return 0;
}

/* Takes over the descriptor when it answers 0. */
static int accept_folder(struct spr_private *place, const char *base, const char *inode, int fd)
{
    struct spr_identity self;
    int r = check_folder(place, fd, &self);
    if (r == 0) {
        r = check_marker(place, fd);
    }
    if (r < 0) {
        return r;
    }
    char *path = NULL;
    if (asprintf(&path, "%s/%s/%s", strcmp(base, "/") == 0 ? "" : base, SPR_PRIVATE_FOLDER, inode) <
        0) {
        return -ENOMEM;
    }
    place->fd = fd;
    place->self = self;
    place->place = path;
    return 0;
}

/* ---- Finding and making ---------------------------------------------------------------------- */

/* 1 found, 0 there is none, negative: it is there but may not be used. */
static int find_in(struct spr_private *place, const char *base, const char *inode)
{
    const int base_fd = spr_root_open(base);
    if (base_fd < 0) {
        return base_fd == -ENOENT ? 0 : base_fd;
    }
    struct spr_identity outer_self;
    int fd = -1;
    int r = 0;
    const int outer = spr_own_folder(base_fd, SPR_PRIVATE_FOLDER);
    if (outer < 0) {
        r = outer == -ENOENT ? 0 : outer;
        goto done;
    }
    r = check_folder(place, outer, &outer_self);
    if (r < 0) {
        goto done;
    }
    fd = spr_own_folder(outer, inode);
    if (fd < 0) {
        r = fd == -ENOENT ? 0 : fd;
        goto done;
    }
    r = accept_folder(place, base, inode, fd);
    if (r == 0) {
        fd = -1;
        r = 1;
    } else if (r == -ENOENT || r == -ENODATA) {
        r = 0; /* its making was cut short before the marker: made again */
    }

done:
    if (fd >= 0) {
        (void)close(fd); /* a folder: nothing can be lost */
    }
    if (outer >= 0) {
        (void)close(outer); /* as above */
    }
    (void)close(base_fd); /* as above */
    return r;
}

static int make_folder(int dir_fd, const char *name)
{
    const int r = spr_mkdir_at(dir_fd, name, 0700);
    if (r < 0 && r != -EEXIST) {
        return r;
    }
    return spr_own_folder(dir_fd, name);
}

static int write_marker(const struct spr_private *place, int fd)
{
    struct spr_replace *replace = NULL;
    char root[ROOT_LINE_BYTES + 1];
    int r = spr_replace_begin(fd, MARKER_NAME, &replace);
    if (r < 0) {
        return r;
    }
    print_root(root, &place->root);
    r = spr_write_all(spr_replace_fd(replace), MARKER_TEXT, MARKER_BYTES);
    if (r == 0) {
        r = spr_write_all(spr_replace_fd(replace), root, ROOT_LINE_BYTES);
    }
    if (r < 0) {
        spr_replace_abort(replace);
        return r;
    }
    return spr_replace_commit(replace);
}

/* Every folder and file of it is durable before it is used. */
static int make_in(struct spr_private *place, const char *base, const char *inode)
{
    int outer = -1;
    int fd = -1;
    const int base_fd = spr_root_open(base);
    if (base_fd < 0) {
        return base_fd;
    }
    int r = make_folder(base_fd, SPR_PRIVATE_FOLDER);
    if (r < 0) {
        goto done;
    }
    outer = r;
    r = make_folder(outer, inode);
    if (r < 0) {
        goto done;
    }
    fd = r;
    r = write_marker(place, fd);
    if (r == 0) {
        r = spr_sync_dir(outer);
    }
    if (r == 0) {
        r = spr_sync_dir(base_fd);
    }
    if (r == 0) {
        r = accept_folder(place, base, inode, fd);
    }
    if (r == 0) {
        fd = -1;
    }

done:
    if (fd >= 0) {
        (void)close(fd); /* a folder: nothing can be lost */
    }
    if (outer >= 0) {
        (void)close(outer); /* as above */
    }
    (void)close(base_fd); /* as above */
    return r;
}

static int find(struct spr_private *place, struct spr_fault *fault)
{
    char *places[PLACES_MAX] = { 0 };
    char inode[24];
    (void)snprintf(inode, sizeof(inode), "%" PRIu64, place->root.inode);
    const unsigned count = list_places(place->spool_root, &place->root, places);

    int r = count == 0 ? -ENOMEM : 0;
    int refusal = 0;
    for (unsigned i = 0; i < count && r == 0; i++) {
        r = find_in(place, places[i], inode);
        if (r < 0 && i == 0) {
            refusal = r; /* an enemy may have put one where another is preferred: only the first
                            place speaks */
        }
        r = r < 0 ? 0 : r;
    }
    if (r == 0 && refusal != 0) {
        r = spr_fault_set(fault, refusal, places[0], 0,
                          refusal == -ESTALE
                              ? "its .spoolray has jobs of a spool that is gone: move it away"
                              : "its .spoolray is not a private folder of this user (owner, mode "
                                "0700, file system)");
    }
    for (unsigned i = 0; i < count; i++) {
        free(places[i]);
    }
    return r < 0 ? r : 0;
}

int spr_private_make(struct spr_private *place, struct spr_fault *fault)
{
    char *places[PLACES_MAX] = { 0 };
    char inode[24];
    (void)snprintf(inode, sizeof(inode), "%" PRIu64, place->root.inode);
    const unsigned count = list_places(place->spool_root, &place->root, places);
    int r = count == 0 ? -ENOMEM : make_in(place, places[0], inode);
    if (r < 0) {
        (void)spr_fault_set(fault, r, places[0], 0, "the private folder cannot be made");
    }
    for (unsigned i = 0; i < count; i++) {
        free(places[i]);
    }
    return r;
}

int spr_private_open(const char *spool_root, bool create, struct spr_private **ret_private,
                     struct spr_fault *fault)
{
    struct spr_private *place = malloc(sizeof(*place));
    if (place == NULL) {
        return -ENOMEM;
    }
    *place = (struct spr_private){ .root_fd = -1, .fd = -1, .lock_fd = -1 };

    int r;
    place->spool_root = realpath(spool_root, NULL);
    if (place->spool_root == NULL) {
        r = spr_fault_set(fault, -errno, spool_root, 0, "the spool cannot be opened");
        goto fail;
    }
    place->root_fd = spr_root_open(place->spool_root);
    if (place->root_fd < 0) {
        r = spr_fault_set(fault, place->root_fd, spool_root, 0, "the spool cannot be opened");
        goto fail;
    }
    r = spr_identity_of(place->root_fd, &place->root);
    if (r < 0) {
        goto fail;
    }
    r = find(place, fault);
    if (r == 0 && create && place->fd < 0) {
        r = spr_private_make(place, fault);
    }
    if (r < 0) {
        goto fail;
    }
    *ret_private = place;
    return 0;

fail:
    spr_private_close(place);
    return r;
}

/* ---- (3) the lock ---------------------------------------------------------------------------- */

static int open_lock(const struct spr_private *place)
{
    const int fd = spr_own_open(place->fd, LOCK_NAME, true);
    if (fd != -ENOENT) {
        return fd;
    }
    const int created = spr_own_create(place->fd, LOCK_NAME);
    return created == -EEXIST ? spr_own_open(place->fd, LOCK_NAME, true) : created;
}

/* Does the process live that the lock file names? So a holder that died in a call is told from a
 * living one. */
static bool does_named_live(int lock_fd)
{
    char text[48] = { 0 };
    struct spr_run run = { 0 };
    uint64_t size = 0;
    if (spr_own_size(lock_fd, &size) < 0 || size == 0 || size >= sizeof(text) ||
        spr_read_exact(lock_fd, text, (size_t)size, 0) < 0) {
        return true; /* between lock and name: it is just starting */
    }
    char *rest = NULL;
    const long pid = strtol(text, &rest, 10);
    run.pid = pid > 0 && pid < INT32_MAX ? (int)pid : 0;
    run.start_time = strtoull(rest, NULL, 10);
    return run.pid == 0 || spr_run_lives(&run);
}

/* The lock may be in other hands than the file says: a script's, or those of a child that was left
 * its descriptor. A holder that the kernel no longer knows is not a living one. */
static bool does_holder_live(int lock_fd)
{
    struct spr_identity self;
    struct spr_run run = { 0 };
    int pid = 0;
    if (does_named_live(lock_fd)) {
        return true;
    }
    return spr_identity_of(lock_fd, &self) == 0 &&
           spr_lock_holder(self.device, self.inode, &pid) == 1 && spr_run_of(pid, &run) == 0 &&
           spr_run_lives(&run);
}

/* The kernel still ends the calls of a process that is dead, and frees its lock after the last. */
static int wait_for_lock(int lock_fd)
{
    int r = -EWOULDBLOCK;
    for (unsigned i = 0; i < WAIT_ROUNDS && r == -EWOULDBLOCK && !does_holder_live(lock_fd); i++) {
        (void)poll(NULL, 0, WAIT_ROUND_MS);
        r = spr_flock(lock_fd, false);
    }
    return r;
}

static int write_holder(int lock_fd)
{
    struct spr_run run = { 0 };
    char text[48];
    const int r = spr_run_of(getpid(), &run);
    if (r < 0) {
        return 0; /* without /proc nobody can tell the living from the dead; all count as living */
    }
    const int length = snprintf(text, sizeof(text), "%d %" PRIu64 "\n", run.pid, run.start_time);
    const int cut = spr_own_cut(lock_fd, 0);
    return cut < 0 ? cut : spr_write_at(lock_fd, text, (size_t)length, 0);
}

int spr_private_lock(struct spr_private *place, struct spr_fault *fault)
{
    const int fd = open_lock(place);
    if (fd < 0) {
        return spr_fault_set(fault, fd, place->place, 0, "its lock cannot be opened");
    }
    int r = spr_flock(fd, false);
    if (r == -EWOULDBLOCK) {
        r = wait_for_lock(fd);
    }
    if (r == -EWOULDBLOCK) {
        r = spr_fault_set(fault, SPR_E_BUSY, place->spool_root, 0,
                          "another spoolray is changing this spool");
    }
    if (r < 0) {
        (void)close(fd); /* nothing was written */
        return r;
    }
    (void)write_holder(fd); /* full disk: an unnamed holder counts as living */
    place->lock_fd = fd;
    return 0;
}

bool spr_private_busy(const struct spr_private *place)
{
    if (place->fd < 0) {
        return false;
    }
    const int fd = spr_own_open(place->fd, LOCK_NAME, false);
    if (fd < 0) {
        return false;
    }
    const bool busy = spr_locked_by_other(fd) == 1;
    (void)close(fd); /* read only: nothing can be lost */
    return busy;
}

void spr_private_close(struct spr_private *place)
{
    if (place == NULL) {
        return;
    }
    const int fds[] = { place->lock_fd, place->fd, place->root_fd };
    for (unsigned i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        if (fds[i] >= 0) {
            (void)close(fds[i]); /* closing drops the lock; nothing can be lost */
        }
    }
    free(place->spool_root);
    free(place->place);
    free(place);
}
