/*
 * Opening files of our own. Who else could write to them could choose their bytes, so such a file
 * is refused before it is read.
 */
#include "core/index/own_file.h"

#include "core/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int spr_own_open(int dir_fd, const char *name, uint64_t *ret_bytes, struct spr_fault *fault)
{
    const int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        return spr_fault_set(fault, -errno, name, 0, "file of the index cannot be opened");
    }
    struct stat meta;
    int r = 0;
    if (fstat(fd, &meta) < 0) {
        r = spr_fault_set(fault, -errno, name, 0, "file of the index cannot be examined");
    } else if (!S_ISREG(meta.st_mode)) {
        r = spr_fault_set(fault, SPR_E_CORRUPT, name, 0, "expected a regular file");
    } else if (meta.st_uid != geteuid()) {
        r = spr_fault_set(fault, -EPERM, name, 0, "file of the index belongs to another user");
    } else if ((meta.st_mode & 077) != 0) {
        r = spr_fault_set(fault, -EPERM, name, 0, "file of the index is open to others");
    }
    if (r < 0) {
        (void)close(fd); /* read only: nothing can be lost */
        return r;
    }
    *ret_bytes = (uint64_t)meta.st_size;
    return fd;
}
