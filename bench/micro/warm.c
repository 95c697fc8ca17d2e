/*
 * Puts every byte of every file into the page cache, so that the next program runs warm.
 *
 * usage: warm FOLDER [THREADS [half]]
 *
 * half: only the files with an even inode number.
 */
#include "bench/micro/sweep.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

static bool is_half; /* set before the threads start */

static void read_whole(const struct spr_sweep_file *file, void *context)
{
    (void)context;
    if (is_half && file->inode % 2 != 0) {
        return;
    }
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
    is_half = argc == 4 && strcmp(argv[3], "half") == 0;
    return spr_sweep_main(is_half ? 3 : argc, argv, "warm", read_whole);
}
