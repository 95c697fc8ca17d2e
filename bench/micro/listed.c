/* The list of the bare loops. */
#include "bench/micro/listed.h"

#include "bench/measure.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIRS_MAX    4096
#define THREADS_MAX 64

struct slice {
    pthread_t thread;
    const struct listed *listed;
    size_t from, to;
    void (*act)(const struct listed_file *file, size_t number, void *user);
    void *user;
};

struct dirs {
    char *path[DIRS_MAX];
    int fd[DIRS_MAX];
    size_t count, last;
};

void listed_fail(const char *what)
{
    perror(what);
    exit(1);
}

/* The folder of the line before is asked first: lists come in order. */
static int dir_of(struct dirs *dirs, int root_fd, const char *path)
{
    if (dirs->count > 0 && strcmp(dirs->path[dirs->last], path) == 0) {
        return dirs->fd[dirs->last];
    }
    for (dirs->last = 0; dirs->last < dirs->count; dirs->last++) {
        if (strcmp(dirs->path[dirs->last], path) == 0) {
            return dirs->fd[dirs->last];
        }
    }
    const int fd = openat(root_fd, *path != '\0' ? path : ".", O_RDONLY | O_DIRECTORY);
    if (fd < 0 || dirs->count == DIRS_MAX) {
        listed_fail(path);
    }
    dirs->path[dirs->count] = strdup(path);
    dirs->fd[dirs->count++] = fd;
    return fd;
}

void listed_read(const char *root, struct listed *listed)
{
    static struct dirs dirs;
    const int root_fd = open(root, O_RDONLY | O_DIRECTORY);
    if (root_fd < 0) {
        listed_fail(root);
    }
    char *line = NULL;
    size_t room = 0;
    size_t capacity = 0;
    *listed = (struct listed){ 0 };
    for (ssize_t length = getline(&line, &room, stdin); length > 0;
         length = getline(&line, &room, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        char *slash = strrchr(line, '/');
        const char *name = slash != NULL ? slash + 1 : line;
        char *copy = strdup(name);
        if (slash != NULL) {
            *slash = '\0';
        }
        if (listed->count == capacity) {
            capacity = capacity * 2 + 1024;
            listed->files = realloc(listed->files, capacity * sizeof(*listed->files));
        }
        if (listed->files == NULL || copy == NULL) {
            listed_fail("memory");
        }
        const int dir_fd = dir_of(&dirs, root_fd, slash != NULL ? line : "");
        listed->files[listed->count++] = (struct listed_file){ dir_fd, copy };
    }
    free(line);
}

static void *run_slice(void *argument)
{
    const struct slice *slice = argument;
    for (size_t i = slice->from; i < slice->to; i++) {
        slice->act(&slice->listed->files[i], i, slice->user);
    }
    return NULL;
}

double listed_run(const struct listed *listed, unsigned threads,
                  void (*act)(const struct listed_file *file, size_t number, void *user),
                  void *user)
{
    struct slice slices[THREADS_MAX];
    if (threads == 0 || threads > THREADS_MAX) {
        listed_fail("1 to 64 threads");
    }
    const double start = spr_measure_now();
    for (unsigned i = 0; i < threads; i++) {
        slices[i] = (struct slice){ .listed = listed,
                                    .from = listed->count * i / threads,
                                    .to = listed->count * (i + 1) / threads,
                                    .act = act,
                                    .user = user };
        if (pthread_create(&slices[i].thread, NULL, run_slice, &slices[i]) != 0) {
            listed_fail("thread");
        }
    }
    for (unsigned i = 0; i < threads; i++) {
        (void)pthread_join(slices[i].thread, NULL); /* ours, running: cannot fail */
    }
    return spr_measure_now() - start;
}
