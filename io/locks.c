/*
 * The lock kinds of mail servers and of our own folders.
 *
 * Nothing here waits but spr_flock when it is asked to.
 */
#include "io/locks.h"

#include "io/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>

int spr_flock(int fd, bool wait)
{
    return spr_calls()->flock(fd, wait ? LOCK_EX : LOCK_EX | LOCK_NB);
}

int spr_funlock(int fd)
{
    return spr_calls()->flock(fd, LOCK_UN);
}

/* The whole file, asked as a writer, so that readers' locks show too. */
static int is_record_locked(int fd)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    int r = spr_calls()->getlk(fd, F_OFD_GETLK, &lock);
    if (r == -EINVAL) { /* before Linux 3.15, and on some network file systems */
        lock = (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET };
        r = spr_calls()->getlk(fd, F_GETLK, &lock);
    }
    if (r < 0) {
        return r;
    }
    return lock.l_type != F_UNLCK;
}

int spr_locked_by_other(int fd)
{
    int r = spr_flock(fd, false);
    if (r == -EWOULDBLOCK) {
        return 1;
    }
    if (r < 0) {
        return r;
    }
    r = spr_funlock(fd);
    return r < 0 ? r : is_record_locked(fd);
}
