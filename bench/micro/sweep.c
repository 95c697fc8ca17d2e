/* Lists a tree on several threads, see sweep.h. */
#include "bench/micro/sweep.h"

#include "bench/measure.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define LISTING_BYTES (32 * 1024)
#define THREADS_MAX   256

_Noreturn static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void add_dir(struct spr_sweep *sweep, int fd)
{
    if (fd < 0) {
        fail("folder");
    }
    if (sweep->dir_count == sweep->dir_capacity) {
        sweep->dir_capacity = sweep->dir_capacity * 2 + 64;
        int *bigger = realloc(sweep->dir_fds, sweep->dir_capacity * sizeof(*bigger));
        if (bigger == NULL) {
            fail("folders");
        }
        sweep->dir_fds = bigger;
    }
    sweep->dir_fds[sweep->dir_count++] = fd;
}

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Adds the folders in one; stops after the first part of the listing that holds none. */
static void add_subfolders(struct spr_sweep *sweep, int fd)
{
    _Alignas(struct dirent64) char listing[LISTING_BYTES];
    uint32_t before;
    ssize_t length;
    do {
        before = sweep->dir_count;
        length = getdents64(fd, listing, sizeof(listing));
        for (ssize_t at = 0; at < length;) {
            const struct dirent64 *entry = (const struct dirent64 *)(const void *)(listing + at);
            at += entry->d_reclen;
            if (entry->d_type == DT_DIR && !is_dots(entry->d_name)) {
                add_dir(sweep,
                        openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
            }
        }
    } while (length > 0 && sweep->dir_count > before);
    if (length < 0 || lseek(fd, 0, SEEK_SET) < 0) {
        fail("folder");
    }
}

void spr_sweep_open(struct spr_sweep *sweep, const char *root)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files); /* without it fewer folders fit: add_dir says so */
    }
    *sweep = (struct spr_sweep){ 0 };
    add_dir(sweep, open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (uint32_t i = 0; i < sweep->dir_count; i++) {
        add_subfolders(sweep, sweep->dir_fds[i]);
    }
}

struct thread {
    pthread_t id;
    const struct spr_sweep *sweep;
    spr_sweep_fn visit;
    void *context;
    uint64_t files;
    bool is_alone;
};

static void *run_thread(void *argument)
{
    struct thread *thread = argument;
    const struct spr_sweep *sweep = thread->sweep;
    _Alignas(struct dirent64) char listing[LISTING_BYTES];
    if (!thread->is_alone && unshare(CLONE_FILES) < 0) {
        fail("unshare");
    }
    for (uint32_t i = 0; i < sweep->dir_count; i++) {
        ssize_t length;
        while ((length = getdents64(sweep->dir_fds[i], listing, sizeof(listing))) > 0) {
            for (ssize_t at = 0; at < length;) {
                const struct dirent64 *entry =
                    (const struct dirent64 *)(const void *)(listing + at);
                at += entry->d_reclen;
                if (entry->d_type == DT_DIR) {
                    continue;
                }
                struct spr_sweep_file file = { .dir_fd = sweep->dir_fds[i],
                                               .dir = i,
                                               .name = entry->d_name,
                                               .inode = entry->d_ino };
                thread->files++;
                if (thread->visit != NULL) {
                    thread->visit(&file, thread->context);
                }
            }
        }
    }
    return NULL;
}

uint64_t spr_sweep_run(struct spr_sweep *sweep, uint32_t threads, spr_sweep_fn visit,
                       void *const *contexts)
{
    static struct thread all[THREADS_MAX];
    uint64_t files = 0;
    for (uint32_t i = 0; i < threads && i < THREADS_MAX; i++) {
        all[i] = (struct thread){ .sweep = sweep,
                                  .visit = visit,
                                  .context = contexts != NULL ? contexts[i] : NULL,
                                  .is_alone = threads == 1 };
        errno = pthread_create(&all[i].id, NULL, run_thread, &all[i]);
        if (errno != 0) {
            fail("thread");
        }
    }
    for (uint32_t i = 0; i < threads && i < THREADS_MAX; i++) {
        pthread_join(all[i].id, NULL);
        files += all[i].files;
    }
    return files;
}

void spr_sweep_close(struct spr_sweep *sweep)
{
    for (uint32_t i = 0; i < sweep->dir_count; i++) {
        (void)close(sweep->dir_fds[i]); /* read only: nothing can be lost */
    }
    free(sweep->dir_fds);
}

int spr_sweep_main(int argc, char **argv, const char *what, spr_sweep_fn visit)
{
    long threads = argc == 3 ? strtol(argv[2], NULL, 10) : sysconf(_SC_NPROCESSORS_ONLN);
    if (argc < 2 || argc > 3 || threads < 1 || threads > THREADS_MAX) {
        fprintf(stderr, "usage: %s FOLDER [THREADS]\n", what);
        return 2;
    }
    struct spr_sweep sweep;
    char variant[32];
    snprintf(variant, sizeof(variant), "threads %ld", threads);
    double start = spr_measure_now();
    spr_sweep_open(&sweep, argv[1]);
    uint64_t files = spr_sweep_run(&sweep, (uint32_t)threads, visit, NULL);
    spr_measure_row(what, variant, spr_measure_now() - start, files);
    spr_sweep_close(&sweep);
    return 0;
}
