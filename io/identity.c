/*
 * What names a file for good: statx, the inode generation and the file handle (SAFETY 4).
 *
 * Birth time, generation, handle and mount are told by some file systems and kernels only; where
 * one is not told it is zero, and a comparison leaves it out.
 */
#include "io/calls.h"
#include "io/dirents.h"
#include "io/durable.h"
#include "io/own.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#ifndef STATX_MNT_ID
#define STATX_MNT_ID 0x1000U /* Linux 5.8 */
#endif

static int64_t nanoseconds(int64_t seconds, uint32_t rest)
{
    return seconds * 1000000000 + rest;
}

static void take_statx(const struct statx *found, struct spr_identity *identity)
{
    identity->device = makedev(found->stx_dev_major, found->stx_dev_minor);
    identity->inode = found->stx_ino;
    identity->size = found->stx_size;
    identity->mtime_ns = nanoseconds(found->stx_mtime.tv_sec, found->stx_mtime.tv_nsec);
    identity->ctime_ns = nanoseconds(found->stx_ctime.tv_sec, found->stx_ctime.tv_nsec);
    if ((found->stx_mask & STATX_BTIME) != 0) {
        identity->birth_ns = nanoseconds(found->stx_btime.tv_sec, found->stx_btime.tv_nsec);
    }
    identity->uid = found->stx_uid;
    identity->gid = found->stx_gid;
    identity->mode = found->stx_mode;
    identity->links = found->stx_nlink;
    if ((found->stx_mask & STATX_MNT_ID) != 0) {
        identity->mount = found->stx_mnt_id;
    }
}

static void take_stat(const struct stat *found, struct spr_identity *identity)
{
    identity->device = found->st_dev;
    identity->inode = found->st_ino;
    identity->size = (uint64_t)found->st_size;
    identity->mtime_ns = nanoseconds(found->st_mtim.tv_sec, (uint32_t)found->st_mtim.tv_nsec);
    identity->ctime_ns = nanoseconds(found->st_ctim.tv_sec, (uint32_t)found->st_ctim.tv_nsec);
    identity->uid = found->st_uid;
    identity->gid = found->st_gid;
    identity->mode = found->st_mode;
    identity->links = (uint32_t)found->st_nlink;
}

static void take_generation(int fd, struct spr_identity *identity)
{
    if (!S_ISREG(identity->mode) && !S_ISDIR(identity->mode)) {
        return; /* the same number may mean anything to a device */
    }
    int generation = 0; /* the kernel writes an int, whatever the number's size field says */
    if (spr_calls()->ioctl(fd, FS_IOC_GETVERSION, &generation) == 0) {
        identity->generation = (uint32_t)generation;
    }
}

/* name "": of the descriptor itself. */
static int take_handle(int fd, const char *name, struct spr_identity *identity)
{
    union {
        struct file_handle head;
        uint8_t room[sizeof(struct file_handle) + sizeof(identity->handle)];
    } file = { .head = { .handle_bytes = sizeof(identity->handle) } };
    int mount;
    const int r = spr_calls()->name_to_handle_at(fd, name, &file.head, &mount,
                                                 *name == '\0' ? AT_EMPTY_PATH : 0);
    if (r < 0 || file.head.handle_bytes > sizeof(identity->handle)) {
        return r == -ENOENT ? r : 0; /* not every file system has handles */
    }
    identity->handle_type = file.head.handle_type;
    identity->handle_length = (uint8_t)file.head.handle_bytes;
    memcpy(identity->handle, file.room + sizeof(struct file_handle), identity->handle_length);
    return 0;
}

/* As above. */
static int take_times(int fd, const char *name, struct spr_identity *identity)
{
    const int flags = *name == '\0' ? AT_EMPTY_PATH : AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
    struct statx wide;
    int r =
        spr_calls()->statx(fd, name, flags, STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID, &wide);
    if (r == 0) {
        take_statx(&wide, identity);
    } else if (r == -ENOSYS || r == -EPERM) { /* an old kernel, a sandbox */
        struct stat narrow;
        r = *name == '\0' ? spr_calls()->fstat(fd, &narrow)
                          : spr_calls()->fstatat(fd, name, &narrow, AT_SYMLINK_NOFOLLOW);
        if (r == 0) {
            take_stat(&narrow, identity);
        }
    }
    return r;
}

/* Told by both and different. */
static bool differs(uint64_t a, uint64_t b)
{
    return a != 0 && b != 0 && a != b;
}

static bool handles_differ(const struct spr_identity *a, const struct spr_identity *b)
{
    if (a->handle_length == 0 || b->handle_length == 0) {
        return false;
    }
    return a->handle_type != b->handle_type || a->handle_length != b->handle_length ||
           memcmp(a->handle, b->handle, a->handle_length) != 0;
}

int spr_identity_of(int fd, struct spr_identity *ret_identity)
{
    struct spr_identity identity = { 0 };
    const int r = take_times(fd, "", &identity);
    if (r < 0) {
        return r;
    }
    take_generation(fd, &identity);
    (void)take_handle(fd, "", &identity); /* an open file is there */
    *ret_identity = identity;
    return 0;
}

int spr_identity_times_at(int dir_fd, const char *name, struct spr_identity *ret_identity)
{
    struct spr_identity identity = { 0 };
    if (!spr_is_component(name)) {
        return -EINVAL;
    }
    int r = take_times(dir_fd, name, &identity);
    if (r == 0 && !S_ISREG(identity.mode)) {
        r = -EBADF;
    }
    if (r == 0) {
        *ret_identity = identity;
    }
    return r;
}

int spr_identity_at(int dir_fd, const char *name, struct spr_identity *ret_identity)
{
    struct spr_identity identity;
    int r = spr_identity_times_at(dir_fd, name, &identity);
    if (r == 0) {
        r = take_handle(dir_fd, name, &identity);
    }
    if (r == 0) {
        *ret_identity = identity;
    }
    return r;
}

int spr_identity_open(int dir_fd, const char *name, struct spr_identity *ret_identity)
{
    struct spr_identity identity = { 0 };
    const int fd = spr_is_component(name) ? spr_foreign_open_any(dir_fd, name) : -EINVAL;
    if (fd < 0) {
        return fd;
    }
    int r = take_times(fd, "", &identity);
    if (r == 0 && !S_ISREG(identity.mode)) {
        r = -EBADF;
    }
    if (r < 0) {
        (void)spr_calls()->close(fd); /* read only: nothing can be lost */
        return r;
    }
    (void)take_handle(fd, "", &identity); /* an open file is there */
    *ret_identity = identity;
    return fd;
}

int spr_identity_has_handle(int dir_fd, const char *name, const struct spr_identity *identity)
{
    struct spr_identity found = { 0 };
    if (!spr_is_component(name)) {
        return -EINVAL;
    }
    if (identity->handle_length == 0) {
        return -ENOTSUP;
    }
    const int r = take_handle(dir_fd, name, &found);
    if (r < 0 || found.handle_length == 0) {
        return r < 0 ? r : -ENOTSUP;
    }
    return !handles_differ(identity, &found);
}

bool spr_identity_same_file(const struct spr_identity *a, const struct spr_identity *b)
{
    return a->inode == b->inode && ((a->mode ^ b->mode) & S_IFMT) == 0 &&
           !differs(a->device, b->device) && !differs(a->generation, b->generation) &&
           !differs((uint64_t)a->birth_ns, (uint64_t)b->birth_ns) && !differs(a->mount, b->mount) &&
           !handles_differ(a, b);
}

bool spr_identity_equal(const struct spr_identity *a, const struct spr_identity *b, bool strict)
{
    if (a->size != b->size || a->mtime_ns != b->mtime_ns || a->uid != b->uid || a->gid != b->gid ||
        a->mode != b->mode || !spr_identity_same_file(a, b)) {
        return false;
    }
    return !strict || (a->ctime_ns == b->ctime_ns && a->links == b->links);
}
