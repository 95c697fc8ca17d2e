/*
 * The table of system calls that all of io/ goes through, so that tests can fail each of them.
 *
 * Every function answers a negative errno on failure, never -1; errno itself is not a result
 * channel. The plain table in calls.c does nothing else. A wrapping table is installed by tests
 * only (tests/support/faulty_io.h).
 */
#ifndef SPR_IO_CALLS_H
#define SPR_IO_CALLS_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct file_handle;
struct flock;
struct open_how;
struct stat;
struct statfs;
struct statx;

struct spr_calls {
    int (*openat)(int dir_fd, const char *path, int flags, uint32_t mode);
    int (*openat2)(int dir_fd, const char *path, const struct open_how *how);
    int (*close)(int fd);
    int64_t (*read)(int fd, void *bytes, size_t length);
    int64_t (*pread)(int fd, void *bytes, size_t length, uint64_t offset);
    /* preadv2 with one buffer; flags RWF_... */
    int64_t (*pread2)(int fd, void *bytes, size_t length, uint64_t offset, int flags);
    int64_t (*write)(int fd, const void *bytes, size_t length);
    int64_t (*pwrite)(int fd, const void *bytes, size_t length, uint64_t offset);
    int (*lseek)(int fd, uint64_t offset); /* from the start */
    int (*fstat)(int fd, struct stat *meta);
    int (*fstatat)(int dir_fd, const char *name, struct stat *meta, int flags);
    int (*statx)(int dir_fd, const char *name, int flags, uint32_t mask, struct statx *meta);
    int (*fstatfs)(int fd, struct statfs *meta);
    int (*name_to_handle_at)(int dir_fd, const char *name, struct file_handle *file, int *mount,
                             int flags);
    int (*ioctl)(int fd, unsigned long request, void *argument);
    int (*setfl)(int fd, int flags); /* fcntl F_SETFL */
    int (*fadvise)(int fd, uint64_t offset, uint64_t length, int advice);
    int64_t (*getdents64)(int fd, void *bytes, size_t length);
    int (*renameat2)(int from_fd, const char *from, int to_fd, const char *to, uint32_t flags);
    int (*unlinkat)(int dir_fd, const char *name, int flags);
    int (*mkdirat)(int dir_fd, const char *name, uint32_t mode);
    int (*fchown)(int fd, uint32_t uid, uint32_t gid);
    int (*fchmod)(int fd, uint32_t mode);
    int (*fsync)(int fd);
    int (*fdatasync)(int fd);
    int (*fallocate)(int fd, int mode, uint64_t offset, uint64_t length);
    int (*ftruncate)(int fd, uint64_t length);
    int (*utimensat)(int dir_fd, const char *name, const struct timespec times[2], int flags);
    int (*flock)(int fd, int operation);
    int (*getlk)(int fd, int command, struct flock *lock); /* fcntl F_GETLK, F_OFD_GETLK */
    int (*pidfd_open)(int pid);
    int (*pidfd_send_signal)(int pid_fd, int signal);
    int (*stream_connect)(const char *path); /* an AF_UNIX stream, without blocking */
    int64_t (*send)(int fd, const void *bytes, size_t length);

    /* A ring is driven by its library, so these are asked before and after instead of in its
     * place. Each answers what shall count: 0 to go on, or the errno of a set-up, submission
     * or wait that is not even tried; and of a completion the result to believe. */
    int (*ring_setup)(void);
    int (*ring_submit)(uint32_t count);
    int (*ring_wait)(void);
    int (*ring_complete)(int result);
};

/* The table in use. */
const struct spr_calls *spr_calls(void);
/* The plain one. */
const struct spr_calls *spr_calls_plain(void);
/* Tests only, before any thread of theirs calls io; NULL brings the plain table back. The table
 * must live until it is replaced. */
void spr_calls_set(const struct spr_calls *calls);

#ifdef SPR_FAILPOINTS
/* What the environment wishes at the first use (tests/support/faulty_io.c, which such builds
 * contain); any thread. */
const struct spr_calls *spr_calls_of_tests(void);
#endif

#endif
