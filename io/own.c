/*
 * Our own files: opened by name without following anything, with owner and mode checked on the
 * descriptor.
 */
#include "io/own.h"

#include "io/calls.h"
#include "io/dirents.h"
#include "io/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define OWN_FLAGS (O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

static int check_own(int fd, uint32_t kind)
{
    struct spr_io_meta meta;
    const int r = spr_meta_of(fd, &meta);
    if (r < 0) {
        return r;
    }
    if ((meta.mode & S_IFMT) != kind) {
        return -EBADF;
    }
    const bool ours = meta.uid == geteuid() || meta.uid == 0;
    return ours && (meta.mode & (S_IWGRP | S_IWOTH)) == 0 ? 0 : -EPERM;
}

static int open_checked(int dir_fd, const char *name, int flags, uint32_t kind)
{
    const int fd = spr_calls()->openat(dir_fd, name, flags | OWN_FLAGS, 0);
    if (fd < 0) {
        return fd;
    }
    const int r = check_own(fd, kind);
    if (r < 0) {
        (void)spr_calls()->close(fd); /* nothing was written */
        return r;
    }
    return fd;
}

int spr_own_open(int dir_fd, const char *name, bool write)
{
    return open_checked(dir_fd, name, write ? O_RDWR : O_RDONLY, S_IFREG);
}

int spr_own_create(int dir_fd, const char *name)
{
    return spr_calls()->openat(dir_fd, name, O_RDWR | O_CREAT | O_EXCL | OWN_FLAGS, 0600);
}

int spr_own_folder(int dir_fd, const char *name)
{
    return open_checked(dir_fd, name, O_RDONLY | O_DIRECTORY, S_IFDIR);
}

int spr_own_size(int fd, uint64_t *ret_size)
{
    struct spr_io_meta meta;
    const int r = spr_meta_of(fd, &meta);
    if (r == 0) {
        *ret_size = meta.size;
    }
    return r;
}

void spr_own_stay_in_place(int fd)
{
    unsigned flags = 0;
    if (spr_calls()->ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0) {
        flags |= FS_NOCOW_FL;
        (void)spr_calls()->ioctl(fd, FS_IOC_SETFLAGS, &flags); /* others need no such flag */
    }
}

int spr_own_cut(int fd, uint64_t length)
{
    return spr_calls()->ftruncate(fd, length);
}

int spr_foreign_open_any(int dir_fd, const char *name)
{
    const int fd = spr_calls()->openat(dir_fd, name, O_RDONLY | O_NOATIME | OWN_FLAGS, 0);
    return fd == -EPERM ? spr_calls()->openat(dir_fd, name, O_RDONLY | OWN_FLAGS, 0) : fd;
}

int spr_foreign_open(int dir_fd, const char *name)
{
    const int fd = spr_foreign_open_any(dir_fd, name);
    return fd < 0 ? fd : spr_keep_regular(fd);
}

static int note_entry(const struct spr_dirent *entry, void *user)
{
    (void)entry;
    (void)user;
    return 1;
}

/* Who owns the folder above can put another folder in the place of a new one. */
static int check_new(int fd)
{
    struct spr_io_meta meta;
    int r = spr_meta_of(fd, &meta);
    if (r == 0 && (meta.uid != geteuid() || (meta.mode & 0077) != 0)) {
        r = -EPERM;
    }
    if (r == 0) {
        r = spr_dir_list(fd, 1, note_entry, NULL);
        r = r == 1 ? -EPERM : r;
    }
    return r;
}

int spr_foreign_folder(int dir_fd, const char *name)
{
    struct spr_io_meta parent;
    int r = spr_meta_of(dir_fd, &parent);
    if (r < 0) {
        return r;
    }
    r = spr_mkdir_at(dir_fd, name, 0700);
    if (r < 0) {
        return r;
    }
    const int fd = spr_calls()->openat(dir_fd, name, O_RDONLY | O_DIRECTORY | OWN_FLAGS, 0);
    if (fd < 0) {
        return fd;
    }
    r = check_new(fd);
    if (r < 0) {
        (void)spr_calls()->close(fd); /* a folder: nothing can be lost */
        return r;                     /* not ours to remove */
    }
    if (parent.uid != geteuid() || parent.gid != getegid()) {
        r = spr_calls()->fchown(fd, parent.uid, parent.gid);
    }
    if (r == 0) {
        r = spr_calls()->fchmod(fd, parent.mode & 07777);
    }
    (void)spr_calls()->close(fd); /* a folder: nothing can be lost */
    if (r < 0) {
        (void)spr_rmdir_at(dir_fd, name); /* half made: the caller tells why */
    }
    return r;
}

int spr_random(void *bytes, size_t length)
{
    const ssize_t got = getrandom(bytes, length, 0); /* up to 256 bytes come whole */
    return got == (ssize_t)length ? 0 : (got < 0 ? -errno : -EIO);
}

int spr_space_of(int fd, struct spr_space *ret_space)
{
    struct statfs found;
    const int r = spr_calls()->fstatfs(fd, &found);
    if (r < 0) {
        return r;
    }
    const uint64_t block = found.f_bsize > 0 ? (uint64_t)found.f_bsize : 1;
    /* A file system without a fixed number of files says 0 of 0. */
    *ret_space = (struct spr_space){
        .free_bytes = (uint64_t)found.f_bavail * block,
        .free_files = found.f_files == 0 ? UINT64_MAX : (uint64_t)found.f_ffree,
    };
    return 0;
}
