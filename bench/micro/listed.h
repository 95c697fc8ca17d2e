/*
 * A list of files for the bare loops: read from standard input, one path beneath a root a line, and
 * shared out to threads in slices of the list, so that its order is the order of the calls.
 */
#ifndef SPR_BENCH_MICRO_LISTED_H
#define SPR_BENCH_MICRO_LISTED_H

#include <stddef.h>

struct listed_file {
    int dir_fd;
    const char *name;
};

struct listed {
    struct listed_file *files;
    size_t count;
};

/* Ends the program with a message where anything fails, as all of this. */
void listed_read(const char *root, struct listed *listed);
/* Calls act(file, number, user) for every file on so many threads; answers the seconds it took. */
double listed_run(const struct listed *listed, unsigned threads,
                  void (*act)(const struct listed_file *file, size_t number, void *user),
                  void *user);
_Noreturn void listed_fail(const char *what);

#endif
