/*
 * Puts every byte of every file into the page cache, so that the next program runs warm.
 *
 * usage: warm FOLDER [THREADS]
 */
#include "bench/micro/sweep.h"

#include <fcntl.h>
#include <unistd.h>

static void read_whole(const struct spr_sweep_file *file, void *context)
{
    (void)context;
    char bytes[32768];
    int fd = openat(file->dir_fd, file->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0) {
        while (read(fd, bytes, sizeof(bytes)) == (ssize_t)sizeof(bytes)) {
        }
        (void)close(fd); /* read only: nothing can be lost */
    }
}

int main(int argc, char **argv)
{
    return spr_sweep_main(argc, argv, "warm", read_whole);
}
