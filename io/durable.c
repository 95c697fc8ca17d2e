/*
 * Changing foreign files, and keeping our own durable.
 *
 *  (1) Names are single components: no slash, not "." or "..", not empty; else -EINVAL.
 *  (2) No rename replaces a foreign file: RENAME_NOREPLACE or refusal. Only spr_replace_commit
 *      renames over a name, and that name is our own file's.
 *  (3) A sync is called once. Its failure is passed on and nothing after it is done.
 *  (4) What is renamed over a name by spr_replace_commit was synced before, and the folder is
 *      synced after.
 */
#include "io/durable.h"

#include "io/calls.h"
#include "io/dirents.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum {
    NAME_BYTES_MAX = 255,    /* NAME_MAX of every file system here */
    ZEROS_BYTES = 64 * 1024, /* a write where fallocate is refused */
    REPLACE_MODE = 0600,     /* own files tell who wrote to whom */
    PROC_FD_PATH_BYTES = 32, /* "/proc/self/fd/" and an int */
};

int spr_rename_new(int from_fd, const char *from, int to_fd, const char *to)
{
    if (!spr_is_component(from) || !spr_is_component(to)) {
        return -EINVAL; /* (1) */
    }
    const int r = spr_calls()->renameat2(from_fd, from, to_fd, to, RENAME_NOREPLACE); /* (2) */
    /* A file system without the flag says EINVAL, a kernel without the call ENOSYS. */
    return r == -EINVAL || r == -ENOSYS ? -ENOTSUP : r;
}

int spr_unlink(int dir_fd, const char *name)
{
    return spr_is_component(name) ? spr_calls()->unlinkat(dir_fd, name, 0) : -EINVAL;
}

int spr_rmdir_at(int dir_fd, const char *name)
{
    return spr_is_component(name) ? spr_calls()->unlinkat(dir_fd, name, AT_REMOVEDIR) : -EINVAL;
}

int spr_mkdir_at(int dir_fd, const char *name, uint32_t mode)
{
    return spr_is_component(name) ? spr_calls()->mkdirat(dir_fd, name, mode) : -EINVAL;
}

int spr_touch_now(int dir_fd, const char *name)
{
    if (!spr_is_component(name)) {
        return -EINVAL; /* (1) */
    }
    return spr_calls()->utimensat(dir_fd, name, NULL, AT_SYMLINK_NOFOLLOW);
}

int spr_sync_dir(int dir_fd)
{
    return spr_calls()->fsync(dir_fd); /* (3) */
}

int spr_sync_data(int fd)
{
    return spr_calls()->fdatasync(fd); /* (3) */
}

int spr_write_all(int fd, const void *bytes, size_t length)
{
    const uint8_t *from = bytes;
    while (length > 0) {
        const int64_t written = spr_calls()->write(fd, from, length);
        if (written == -EINTR) {
            continue;
        }
        if (written < 0) {
            return (int)written;
        }
        if (written == 0) {
            return -EIO; /* a regular file never takes nothing */
        }
        from += written;
        length -= (size_t)written;
    }
    return 0;
}

int spr_write_at(int fd, const void *bytes, size_t length, uint64_t offset)
{
    const uint8_t *from = bytes;
    while (length > 0) {
        const int64_t written = spr_calls()->pwrite(fd, from, length, offset);
        if (written == -EINTR) {
            continue;
        }
        if (written <= 0) {
            return written < 0 ? (int)written : -EIO;
        }
        from += written;
        offset += (uint64_t)written;
        length -= (size_t)written;
    }
    return 0;
}

int spr_read_exact(int fd, void *bytes, size_t length, uint64_t offset)
{
    uint8_t *to = bytes;
    while (length > 0) {
        const int64_t got = spr_calls()->pread(fd, to, length, offset);
        if (got == -EINTR) {
            continue;
        }
        if (got <= 0) {
            return got < 0 ? (int)got : -ENODATA;
        }
        to += got;
        offset += (uint64_t)got;
        length -= (size_t)got;
    }
    return 0;
}

/* Real blocks by writing, where the file system cannot promise them otherwise. */
static int write_zeros(int fd, uint64_t length)
{
    struct spr_io_meta meta;
    int r = spr_meta_of(fd, &meta);
    if (r < 0) {
        return r;
    }
    uint8_t *zeros = calloc(1, ZEROS_BYTES);
    if (zeros == NULL) {
        return -ENOMEM;
    }
    for (uint64_t at = meta.size; at < length && r == 0;) {
        const uint64_t left = length - at;
        const size_t part = left < ZEROS_BYTES ? (size_t)left : (size_t)ZEROS_BYTES;
        r = spr_write_at(fd, zeros, part, at);
        at += part;
    }
    free(zeros);
    return r;
}

int spr_reserve(int fd, uint64_t length)
{
    int r;
    do {
        r = spr_calls()->fallocate(fd, 0, 0, length);
    } while (r == -EINTR);
    if (r == -EOPNOTSUPP || r == -ENOSYS) {
        r = write_zeros(fd, length);
    }
    return r;
}

struct spr_replace {
    int dir_fd; /* the caller's */
    int fd;     /* -1 once closed */
    char name[NAME_BYTES_MAX + 1];
    char beside[NAME_BYTES_MAX + 1];
};

/* A leftover of an earlier run is removed: the caller's lock says that nobody writes it. */
static int create_beside(int dir_fd, const char *beside)
{
    const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    int fd = spr_calls()->openat(dir_fd, beside, flags, REPLACE_MODE);
    if (fd == -EEXIST) {
        const int r = spr_calls()->unlinkat(dir_fd, beside, 0);
        if (r < 0) {
            return r;
        }
        fd = spr_calls()->openat(dir_fd, beside, flags, REPLACE_MODE);
    }
    return fd;
}

int spr_replace_begin(int dir_fd, const char *name, struct spr_replace **ret_replace)
{
    static const char SUFFIX[] = ".new";
    if (!spr_is_component(name)) {
        return -EINVAL; /* (1) */
    }
    const size_t length = strlen(name);
    if (length + sizeof(SUFFIX) > NAME_BYTES_MAX + 1) {
        return -ENAMETOOLONG;
    }
    struct spr_replace *replace = calloc(1, sizeof(*replace));
    if (replace == NULL) {
        return -ENOMEM;
    }
    replace->dir_fd = dir_fd;
    memcpy(replace->name, name, length);
    memcpy(replace->beside, name, length);
    memcpy(replace->beside + length, SUFFIX, sizeof(SUFFIX));
    replace->fd = create_beside(dir_fd, replace->beside);
    if (replace->fd < 0) {
        const int r = replace->fd;
        free(replace);
        return r;
    }
    *ret_replace = replace;
    return 0;
}

int spr_replace_fd(const struct spr_replace *replace)
{
    return replace->fd;
}

void spr_replace_abort(struct spr_replace *replace)
{
    if (replace == NULL) {
        return;
    }
    if (replace->fd >= 0) {
        (void)spr_calls()->close(replace->fd); /* thrown away */
    }
    (void)spr_calls()->unlinkat(replace->dir_fd, replace->beside, 0); /* begin removes leftovers */
    free(replace);
}

int spr_replace_commit(struct spr_replace *replace)
{
    int r = spr_calls()->fsync(replace->fd); /* (3) (4) */
    if (r < 0) {
        goto fail;
    }
    const int fd = replace->fd;
    replace->fd = -1;
    r = spr_calls()->close(fd);
    if (r < 0) {
        goto fail;
    }
    r = spr_calls()->renameat2(replace->dir_fd, replace->beside, replace->dir_fd, replace->name, 0);
    if (r < 0) {
        goto fail;
    }
    r = spr_calls()->fsync(replace->dir_fd); /* (3) (4) */
    free(replace);
    return r;

fail:
    spr_replace_abort(replace);
    return r;
}

/* O_PATH descriptor of a path beneath the root, by spr_dir_open's rules. */
static int pin_beneath(int root_fd, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    if (!spr_is_component(name)) {
        return -EINVAL; /* (1) */
    }
    const size_t length = slash != NULL ? (size_t)(slash - path) : 0;
    if (slash == path) {
        return -EXDEV; /* an absolute path leaves the root */
    }
    char *folder = strndup(path, length);
    if (folder == NULL) {
        return -ENOMEM;
    }
    const int dir_fd = spr_dir_open(root_fd, folder);
    free(folder);
    if (dir_fd < 0) {
        return dir_fd;
    }
    const int fd = spr_calls()->openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
    (void)spr_calls()->close(dir_fd); /* a directory: nothing can be lost */
    return fd;
}

/* A reader that ends between open and write raises SIGPIPE: it is held back and taken away here,
 * because the process's signals are not the library's. */
static int64_t write_without_signal(int fd, const void *bytes, size_t length)
{
    sigset_t pipe_only;
    sigset_t before;
    sigset_t pending;
    (void)sigemptyset(&pipe_only);
    (void)sigaddset(&pipe_only, SIGPIPE);
    (void)sigpending(&pending);
    (void)pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
    const int64_t r = spr_calls()->write(fd, bytes, length);
    if (r == -EPIPE && sigismember(&pending, SIGPIPE) == 0) {
        const struct timespec none = { 0 };
        (void)sigtimedwait(&pipe_only, NULL, &none); /* none there: as good */
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return r;
}

int spr_notify(int root_fd, const char *path, const void *bytes, size_t length)
{
    const int pin = pin_beneath(root_fd, path);
    if (pin < 0) {
        return pin;
    }
    char link[PROC_FD_PATH_BYTES];
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", pin);
    struct spr_io_meta meta;
    int64_t r = spr_meta_of(pin, &meta);
    if (r == 0) {
        /* By the pin, so that what is opened is what was looked at: a device may do anything. */
        int fd = -EINVAL;
        if (S_ISFIFO(meta.mode)) {
            fd = spr_calls()->openat(AT_FDCWD, link, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
                                     0);
        } else if (S_ISSOCK(meta.mode)) {
            fd = spr_calls()->stream_connect(link);
        }
        r = fd;
        if (fd >= 0) {
            r = S_ISSOCK(meta.mode) ? spr_calls()->send(fd, bytes, length)
                                    : write_without_signal(fd, bytes, length);
            (void)spr_calls()->close(fd); /* the write has answered */
        }
    }
    (void)spr_calls()->close(pin); /* O_PATH: nothing can be lost */
    if (r < 0) {
        return (int)r;
    }
    return (uint64_t)r == length ? 0 : -EAGAIN;
}
