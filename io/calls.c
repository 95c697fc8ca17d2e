/*
 * The table of system calls: thin wrappers that turn -1 and errno into a negative errno.
 *
 * The pointer to the table in use is the one mutable static of the library. Passing the table
 * through every function would put a test's concern into each signature; only tests store to it,
 * before their threads start. The acquire load pairs with the release store of spr_calls_set, so
 * that a reader of the pointer sees the table's contents.
 */
#include "io/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

static int plain(int r)
{
    return r < 0 ? -errno : r;
}

static int64_t plain_length(ssize_t r)
{
    return r < 0 ? -errno : r;
}

static int call_openat(int dir_fd, const char *path, int flags, uint32_t mode)
{
    return plain(openat(dir_fd, path, flags, (mode_t)mode));
}

static int call_openat2(int dir_fd, const char *path, const struct open_how *how)
{
    return plain((int)syscall(SYS_openat2, dir_fd, path, how, sizeof(*how)));
}

static int call_close(int fd)
{
    return plain(close(fd));
}

static int64_t call_read(int fd, void *bytes, size_t length)
{
    return plain_length(read(fd, bytes, length));
}

static int64_t call_pread(int fd, void *bytes, size_t length, uint64_t offset)
{
    return plain_length(pread(fd, bytes, length, (off_t)offset));
}

static int64_t call_pread2(int fd, void *bytes, size_t length, uint64_t offset, int flags)
{
    const struct iovec vector = { .iov_base = bytes, .iov_len = length };
    return plain_length(preadv2(fd, &vector, 1, (off_t)offset, flags));
}

static int64_t call_write(int fd, const void *bytes, size_t length)
{
    return plain_length(write(fd, bytes, length));
}

static int64_t call_pwrite(int fd, const void *bytes, size_t length, uint64_t offset)
{
    return plain_length(pwrite(fd, bytes, length, (off_t)offset));
}

static int call_lseek(int fd, uint64_t offset)
{
    return lseek(fd, (off_t)offset, SEEK_SET) < 0 ? -errno : 0;
}

static int call_fstat(int fd, struct stat *meta)
{
    return plain(fstat(fd, meta));
}

static int call_fstatat(int dir_fd, const char *name, struct stat *meta, int flags)
{
    return plain(fstatat(dir_fd, name, meta, flags));
}

static int call_statx(int dir_fd, const char *name, int flags, uint32_t mask, struct statx *meta)
{
    return plain(statx(dir_fd, name, flags, mask, meta));
}

static int call_fstatfs(int fd, struct statfs *meta)
{
    return plain(fstatfs(fd, meta));
}

static int call_name_to_handle_at(int dir_fd, const char *name, struct file_handle *file,
                                  int *mount, int flags)
{
    return plain(name_to_handle_at(dir_fd, name, file, mount, flags));
}

static int call_ioctl(int fd, unsigned long request, void *argument)
{
    return plain(ioctl(fd, request, argument));
}

static int call_setfl(int fd, int flags)
{
    return plain(fcntl(fd, F_SETFL, flags));
}

static int call_fadvise(int fd, uint64_t offset, uint64_t length, int advice)
{
    return -posix_fadvise(fd, (off_t)offset, (off_t)length, advice);
}

static int64_t call_getdents64(int fd, void *bytes, size_t length)
{
    return plain_length(syscall(SYS_getdents64, fd, bytes, length));
}

static int call_renameat2(int from_fd, const char *from, int to_fd, const char *to, uint32_t flags)
{
    return plain(renameat2(from_fd, from, to_fd, to, flags));
}

static int call_unlinkat(int dir_fd, const char *name, int flags)
{
    return plain(unlinkat(dir_fd, name, flags));
}

static int call_mkdirat(int dir_fd, const char *name, uint32_t mode)
{
    return plain(mkdirat(dir_fd, name, (mode_t)mode));
}

static int call_fchown(int fd, uint32_t uid, uint32_t gid)
{
    return plain(fchown(fd, (uid_t)uid, (gid_t)gid));
}

static int call_fchmod(int fd, uint32_t mode)
{
    return plain(fchmod(fd, (mode_t)mode));
}

static int call_fsync(int fd)
{
    return plain(fsync(fd));
}

static int call_fdatasync(int fd)
{
    return plain(fdatasync(fd));
}

static int call_fallocate(int fd, int mode, uint64_t offset, uint64_t length)
{
    return plain(fallocate(fd, mode, (off_t)offset, (off_t)length));
}

static int call_ftruncate(int fd, uint64_t length)
{
    return plain(ftruncate(fd, (off_t)length));
}

static int call_utimensat(int dir_fd, const char *name, const struct timespec times[2], int flags)
{
    return plain(utimensat(dir_fd, name, times, flags));
}

static int call_flock(int fd, int operation)
{
    return plain(flock(fd, operation));
}

static int call_getlk(int fd, int command, struct flock *lock)
{
    return plain(fcntl(fd, command, lock));
}

static int call_pidfd_open(int pid)
{
    return plain((int)syscall(SYS_pidfd_open, pid, 0));
}

static int call_pidfd_send_signal(int pid_fd, int signal)
{
    return plain((int)syscall(SYS_pidfd_send_signal, pid_fd, signal, NULL, 0));
}

static int call_stream_connect(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof(address.sun_path)) {
        return -ENAMETOOLONG;
    }
    memcpy(address.sun_path, path, strlen(path));
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
        const int r = -errno;
        (void)close(fd); /* never connected: nothing can be lost */
        return r;
    }
    return fd;
}

static int64_t call_send(int fd, const void *bytes, size_t length)
{
    return plain_length(send(fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT));
}

static int ring_setup(void)
{
    return 0;
}

static int ring_submit(uint32_t count)
{
    (void)count;
    return 0;
}

static int ring_wait(void)
{
    return 0;
}

static int ring_complete(int result)
{
    return result;
}

static const struct spr_calls PLAIN = {
    .openat = call_openat,
    .openat2 = call_openat2,
    .close = call_close,
    .read = call_read,
    .pread = call_pread,
    .pread2 = call_pread2,
    .write = call_write,
    .pwrite = call_pwrite,
    .lseek = call_lseek,
    .fstat = call_fstat,
    .fstatat = call_fstatat,
    .statx = call_statx,
    .fstatfs = call_fstatfs,
    .name_to_handle_at = call_name_to_handle_at,
    .ioctl = call_ioctl,
    .setfl = call_setfl,
    .fadvise = call_fadvise,
    .getdents64 = call_getdents64,
    .renameat2 = call_renameat2,
    .unlinkat = call_unlinkat,
    .mkdirat = call_mkdirat,
    .fchown = call_fchown,
    .fchmod = call_fchmod,
    .fsync = call_fsync,
    .fdatasync = call_fdatasync,
    .fallocate = call_fallocate,
    .ftruncate = call_ftruncate,
    .utimensat = call_utimensat,
    .flock = call_flock,
    .getlk = call_getlk,
    .pidfd_open = call_pidfd_open,
    .pidfd_send_signal = call_pidfd_send_signal,
    .stream_connect = call_stream_connect,
    .send = call_send,
    .ring_setup = ring_setup,
    .ring_submit = ring_submit,
    .ring_wait = ring_wait,
    .ring_complete = ring_complete,
};

static _Atomic(const struct spr_calls *) calls_in_use;

const struct spr_calls *spr_calls_plain(void)
{
    return &PLAIN;
}

const struct spr_calls *spr_calls(void)
{
    const struct spr_calls *calls = atomic_load_explicit(&calls_in_use, memory_order_acquire);
#ifdef SPR_FAILPOINTS
    if (calls == NULL) {
        calls = spr_calls_of_tests();
        spr_calls_set(calls);
    }
#endif
    return calls != NULL ? calls : &PLAIN;
}

void spr_calls_set(const struct spr_calls *calls)
{
    atomic_store_explicit(&calls_in_use, calls, memory_order_release);
}
