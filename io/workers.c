/*
 * A pool of threads for one phase.
 *
 * Shared: the counts and the first error, under the mutex. A worker announces itself when its
 * descriptor table is its own, and start returns only then, so that what the starter opens or
 * closes afterwards is not seen by a private table. Workers run with all signals blocked: signals
 * are the affair of the thread that made the API call.
 */
#include "io/workers.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct worker {
    struct spr_workers *pool;
    pthread_t thread;
    uint32_t number;
};

struct spr_workers {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int (*run)(uint32_t number, void *user);
    void *user;
    bool private_files;
    uint32_t count, ready, ended; /* under the mutex but for count, which only start writes */
    int first_error;
    struct worker workers[];
};

bool spr_thread_sanitized(void)
{
#if defined(__SANITIZE_THREAD__)
    return true;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
    return true;
#else
    return false;
#endif
#else
    return false;
#endif
}

static void *run_worker(void *argument)
{
    struct worker *worker = argument;
    struct spr_workers *pool = worker->pool;
    /* The sanitizer takes equal numbers for one file. A refusal costs speed only. */
    const bool is_private =
        pool->private_files && !spr_thread_sanitized() && unshare(CLONE_FILES) == 0;
    (void)pthread_mutex_lock(&pool->mutex);
    pool->ready++;
    (void)pthread_cond_broadcast(&pool->changed);
    (void)pthread_mutex_unlock(&pool->mutex);

    const int r = pool->run(worker->number, pool->user);
    if (is_private) {
        /* The kernel wakes who joins before it drops the table, and a lock lives as long as any
         * descriptor of it. Kernels without the call drop the table a moment later. */
        (void)close_range(0, UINT_MAX, 0);
    }

    (void)pthread_mutex_lock(&pool->mutex);
    pool->ended++;
    if (r < 0 && pool->first_error == 0) {
        pool->first_error = r;
    }
    (void)pthread_cond_broadcast(&pool->changed);
    (void)pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

static int init_pool(struct spr_workers *pool)
{
    pthread_condattr_t attributes;
    int r = pthread_condattr_init(&attributes);
    if (r != 0) {
        return -r;
    }
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC); /* a known clock: cannot fail */
    r = pthread_cond_init(&pool->changed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    if (r != 0) {
        return -r;
    }
    r = pthread_mutex_init(&pool->mutex, NULL);
    if (r != 0) {
        (void)pthread_cond_destroy(&pool->changed);
    }
    return -r;
}

static void destroy_pool(struct spr_workers *pool)
{
    (void)pthread_mutex_destroy(&pool->mutex);
    (void)pthread_cond_destroy(&pool->changed);
    free(pool);
}

static int start_threads(struct spr_workers *pool, uint32_t count)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int r = 0;
    for (uint32_t i = 0; i < count && r == 0; i++) {
        pool->workers[i] = (struct worker){ .pool = pool, .number = i };
        r = pthread_create(&pool->workers[i].thread, NULL, run_worker, &pool->workers[i]);
        pool->count += r == 0;
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return pool->count > 0 ? 0 : -r;
}

int spr_workers_start(uint32_t count, bool private_files, int (*run)(uint32_t number, void *user),
                      void *user, struct spr_workers **ret_workers)
{
    if (count == 0 || count > SPR_WORKERS_MAX) {
        return -EINVAL;
    }
    struct spr_workers *pool = calloc(1, sizeof(*pool) + count * sizeof(pool->workers[0]));
    if (pool == NULL) {
        return -ENOMEM;
    }
    pool->run = run;
    pool->user = user;
    pool->private_files = private_files;
    int r = init_pool(pool);
    if (r < 0) {
        free(pool);
        return r;
    }
    r = start_threads(pool, count);
    if (r < 0) {
        destroy_pool(pool);
        return r;
    }
    (void)pthread_mutex_lock(&pool->mutex);
    while (pool->ready < pool->count) {
        (void)pthread_cond_wait(&pool->changed, &pool->mutex);
    }
    (void)pthread_mutex_unlock(&pool->mutex);
    *ret_workers = pool;
    return 0;
}

int spr_workers_wait(struct spr_workers *workers, uint32_t wait_ms)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until); /* a known clock: cannot fail */
    const int64_t ns = until.tv_nsec + (int64_t)(wait_ms % 1000) * 1000000;
    until.tv_sec += (time_t)(wait_ms / 1000) + (time_t)(ns / 1000000000);
    until.tv_nsec = (long)(ns % 1000000000);

    int r = 0;
    (void)pthread_mutex_lock(&workers->mutex);
    while (workers->ended < workers->count && r == 0) {
        r = pthread_cond_timedwait(&workers->changed, &workers->mutex, &until);
    }
    const int all_ended = workers->ended == workers->count;
    (void)pthread_mutex_unlock(&workers->mutex);
    return all_ended;
}

int spr_workers_join(struct spr_workers *workers)
{
    if (workers == NULL) {
        return 0;
    }
    for (uint32_t i = 0; i < workers->count; i++) {
        (void)pthread_join(workers->workers[i].thread, NULL); /* ours, joinable, joined once */
    }
    const int r = workers->first_error;
    destroy_pool(workers);
    return r;
}

uint32_t spr_cores(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) < 0) {
        return 1;
    }
    int count = CPU_COUNT(&set);
    return count > 0 ? (uint32_t)count : 1;
}
