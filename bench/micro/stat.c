/*
 * The floor of a refresh: list and statx every file, and do nothing else.
 *
 * usage: stat FOLDER [THREADS]
 */
#include "bench/micro/sweep.h"

#include <fcntl.h>
#include <sys/stat.h>

static void look_at(const struct spr_sweep_file *file, void *context)
{
    (void)context;
    struct statx status;
    (void)!statx(file->dir_fd, file->name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &status);
}

int main(int argc, char **argv)
{
    return spr_sweep_main(argc, argv, "stat", look_at);
}
