/*
 * The yardstick of a purge: unlinks the listed files, and does nothing else.
 *
 * usage: unlink ROOT THREADS < LIST             (paths beneath ROOT)
 */
#include "bench/measure.h"
#include "bench/micro/listed.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void unlink_one(const struct listed_file *file, size_t number, void *user)
{
    (void)number;
    (void)user;
    if (unlinkat(file->dir_fd, file->name, 0) < 0) {
        listed_fail(file->name);
    }
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fputs("usage: unlink ROOT THREADS < LIST\n", stderr);
        return 2;
    }
    const unsigned threads = (unsigned)strtoul(argv[2], NULL, 10);
    struct listed listed;
    listed_read(argv[1], &listed);
    char variant[32];
    (void)snprintf(variant, sizeof(variant), "threads %u", threads);
    spr_measure_row("bare unlink", variant, listed_run(&listed, threads, unlink_one, NULL),
                    listed.count);
    return 0;
}
