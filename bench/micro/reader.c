/*
 * The best that plain threads do on a cold disk: list all names, put them in the given order, and
 * let many threads open, read 4 KiB and close one file after the other.
 *
 * usage: reader FOLDER [inode|name|listing [THREADS]]     (inode 64)
 *
 * inode: as inodes follow one another on disk. name: with long queue ids the order of creation.
 */
#include "bench/measure.h"
#include "bench/micro/sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LISTERS     8
#define THREADS_MAX 256

struct file {
    uint64_t inode;
    uint32_t dir;
    char name[60]; /* longer ones are left out; no queue id is */
};
struct files {
    struct file *all;
    size_t count, capacity;
};

/* The threads share the list, which nobody changes, and next: each file is taken once. */
static struct files files;
static struct spr_sweep sweep;
static atomic_size_t next;

static void keep(const struct spr_sweep_file *file, void *context)
{
    struct files *kept = context;
    size_t length = strlen(file->name);
    if (length >= sizeof(kept->all->name)) {
        return;
    }
    if (kept->count == kept->capacity) {
        kept->capacity = kept->capacity * 2 + 4096;
        struct file *bigger = realloc(kept->all, kept->capacity * sizeof(*bigger));
        if (bigger == NULL) {
            perror("names");
            exit(1);
        }
        kept->all = bigger;
    }
    struct file *one = &kept->all[kept->count++];
    one->inode = file->inode;
    one->dir = file->dir;
    memcpy(one->name, file->name, length + 1);
}

static int compare_inodes(const void *a, const void *b)
{
    const struct file *one = a, *other = b;
    return (one->inode > other->inode) - (one->inode < other->inode);
}

static int compare_names(const void *a, const void *b)
{
    const struct file *one = a, *other = b;
    return strcmp(one->name, other->name);
}

static void list_all(const char *root)
{
    struct files parts[LISTERS] = { 0 };
    void *contexts[LISTERS];
    for (size_t i = 0; i < LISTERS; i++) {
        contexts[i] = &parts[i];
    }
    spr_sweep_open(&sweep, root);
    uint64_t count = spr_sweep_run(&sweep, LISTERS, keep, contexts);
    files.all = malloc((count + 1) * sizeof(*files.all));
    if (files.all == NULL) {
        perror("names");
        exit(1);
    }
    for (size_t i = 0; i < LISTERS; i++) {
        if (parts[i].count > 0) {
            memcpy(files.all + files.count, parts[i].all, parts[i].count * sizeof(*files.all));
        }
        files.count += parts[i].count;
        free(parts[i].all);
    }
}

static void *read_files(void *argument)
{
    (void)argument;
    char bytes[4096];
    const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    size_t i;
    while ((i = atomic_fetch_add_explicit(&next, 1, memory_order_relaxed)) < files.count) {
        const struct file *file = &files.all[i];
        int fd = openat(sweep.dir_fds[file->dir], file->name, flags | O_NOATIME);
        if (fd < 0 && errno == EPERM) {
            fd = openat(sweep.dir_fds[file->dir], file->name, flags);
        }
        if (fd >= 0) {
            (void)!pread(fd, bytes, sizeof(bytes), 0); /* for the time it takes */
            (void)close(fd);                           /* read only: nothing can be lost */
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    const char *order = argc > 2 ? argv[2] : "inode";
    long threads = argc > 3 ? strtol(argv[3], NULL, 10) : 64;
    if (argc < 2 || argc > 4 || threads < 1 || threads > THREADS_MAX) {
        fputs("usage: reader FOLDER [inode|name|listing [THREADS]]\n", stderr);
        return 2;
    }
    pthread_t ids[THREADS_MAX];
    char variant[64];
    snprintf(variant, sizeof(variant), "threads %ld by %.20s", threads, order);

    double start = spr_measure_now();
    list_all(argv[1]);
    if (strcmp(order, "listing") != 0) {
        qsort(files.all, files.count, sizeof(*files.all),
              strcmp(order, "name") == 0 ? compare_names : compare_inodes);
    }
    for (long i = 0; i < threads; i++) {
        errno = pthread_create(&ids[i], NULL, read_files, NULL);
        if (errno != 0) {
            perror("thread");
            return 1;
        }
    }
    for (long i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
    }
    spr_measure_row("reader", variant, spr_measure_now() - start, files.count);
    free(files.all);
    spr_sweep_close(&sweep);
    return 0;
}
