/*
 * The yardstick of a delete: renames the listed files into one other folder of the same file
 * system, and does nothing else. Then, not measured, it renames them back.
 *
 * usage: rename ROOT INTO THREADS < LIST        (paths beneath ROOT; INTO is there and empty)
 */
#include "bench/measure.h"
#include "bench/micro/listed.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

struct move {
    int into_fd;
};

static void there(const struct listed_file *file, size_t number, void *user)
{
    const struct move *move = user;
    char name[24];
    (void)snprintf(name, sizeof(name), "%zu.0", number);
    if (renameat2(file->dir_fd, file->name, move->into_fd, name, RENAME_NOREPLACE) < 0) {
        listed_fail(file->name);
    }
}

static void back(const struct listed_file *file, size_t number, void *user)
{
    const struct move *move = user;
    char name[24];
    (void)snprintf(name, sizeof(name), "%zu.0", number);
    if (renameat2(move->into_fd, name, file->dir_fd, file->name, RENAME_NOREPLACE) < 0) {
        listed_fail(file->name);
    }
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fputs("usage: rename ROOT INTO THREADS < LIST\n", stderr);
        return 2;
    }
    const unsigned threads = (unsigned)strtoul(argv[3], NULL, 10);
    struct listed listed;
    listed_read(argv[1], &listed);
    struct move move = { open(argv[2], O_RDONLY | O_DIRECTORY) };
    if (move.into_fd < 0) {
        listed_fail(argv[2]);
    }
    char variant[32];
    (void)snprintf(variant, sizeof(variant), "threads %u", threads);
    const double seconds = listed_run(&listed, threads, there, &move);
    spr_measure_row("bare rename", variant, seconds, listed.count);
    (void)listed_run(&listed, 1, back, &move);
    return 0;
}
