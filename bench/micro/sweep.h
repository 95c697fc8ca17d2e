/*
 * The bare ways through all files of a tree that the engine is compared with.
 *
 * Every thread has its own descriptor table, and all of them read the same open folders: the
 * kernel hands out each part of a folder once, so even one flat folder keeps all threads busy.
 */
#ifndef SPR_BENCH_SWEEP_H
#define SPR_BENCH_SWEEP_H

#include <stdint.h>

struct spr_sweep_file {
    int dir_fd;
    uint32_t dir; /* the folder's number */
    const char *name;
    uint64_t inode;
};
/* Called on the sweeping threads, with the context of the thread. */
typedef void (*spr_sweep_fn)(const struct spr_sweep_file *file, void *context);

struct spr_sweep {
    int *dir_fds;
    uint32_t dir_count, dir_capacity;
};

/* Opens every folder below root. A folder whose first names are no folders is taken to have none:
 * so spools are, and nothing is listed twice. Ends the program on a failure. */
void spr_sweep_open(struct spr_sweep *sweep, const char *root);
/* Calls visit for each file, on so many threads; contexts[i] is that of the i-th. The number of
 * files is returned. */
uint64_t spr_sweep_run(struct spr_sweep *sweep, uint32_t threads, spr_sweep_fn visit,
                       void *const *contexts);
void spr_sweep_close(struct spr_sweep *sweep);

/* A program that only sweeps: usage NAME FOLDER [THREADS]; prints its row and returns its code. */
int spr_sweep_main(int argc, char **argv, const char *what, spr_sweep_fn visit);

#endif
