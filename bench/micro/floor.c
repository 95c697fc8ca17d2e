/*
 * The floor of a warm scan: list, open, read 4 KiB and close every file, and do nothing else.
 *
 * usage: floor FOLDER [THREADS]
 */
#include "bench/micro/sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static void read_start(const struct spr_sweep_file *file, void *context)
{
    (void)context;
    char bytes[4096];
    const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    int fd = openat(file->dir_fd, file->name, flags | O_NOATIME);
    if (fd < 0 && errno == EPERM) {
        fd = openat(file->dir_fd, file->name, flags);
    }
    if (fd >= 0) {
        (void)!pread(fd, bytes, sizeof(bytes), 0); /* for the time it takes */
        (void)close(fd);                           /* read only: nothing can be lost */
    }
}

int main(int argc, char **argv)
{
    return spr_sweep_main(argc, argv, "floor", read_start);
}
