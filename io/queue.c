/*
 * A bounded queue of work that makes more work.
 *
 * All fields are under the mutex; no lock is held while work is done.
 *
 *  (1) The items are slots[first], ... count of them, round the end; count <= capacity.
 *  (2) unfinished = items in the queue + items popped and not yet done. push adds one, done takes
 *      one away, pop moves one from the first term to the second.
 *  (3) Who pops calls done only after its own pushes. So when unfinished is 0, no thread holds
 *      work that could push: all work is done, and it stays so.
 *
 * No wait is for ever: a waiting pop sees count == 0 and unfinished > 0, so by (2) some thread
 * holds an item. It ends with done; push never blocks it. Each push wakes one waiter, and done at
 * unfinished == 0 and close wake all. A woken waiter finds an item, or unfinished == 0, or closed,
 * or waits again while (2) still names a thread at work. Before the first push unfinished is 0:
 * the first items go in before the threads start.
 */
#include "io/queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct spr_queue {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    uint32_t capacity, first, count;
    uint64_t unfinished;
    bool is_closed;
    void *slots[];
};

int spr_queue_new(uint32_t capacity, struct spr_queue **ret_queue)
{
    if (capacity == 0 || capacity > 1u << 24) { /* 128 MiB of pointers: a caller's mistake */
        return -EINVAL;
    }
    struct spr_queue *queue = calloc(1, sizeof(*queue) + capacity * sizeof(queue->slots[0]));
    if (queue == NULL) {
        return -ENOMEM;
    }
    queue->capacity = capacity;
    int r = pthread_mutex_init(&queue->mutex, NULL);
    if (r != 0) {
        free(queue);
        return -r;
    }
    r = pthread_cond_init(&queue->changed, NULL);
    if (r != 0) {
        (void)pthread_mutex_destroy(&queue->mutex);
        free(queue);
        return -r;
    }
    *ret_queue = queue;
    return 0;
}

void spr_queue_free(struct spr_queue *queue)
{
    if (queue == NULL) {
        return;
    }
    (void)pthread_cond_destroy(&queue->changed);
    (void)pthread_mutex_destroy(&queue->mutex);
    free(queue);
}

int spr_queue_push(struct spr_queue *queue, void *item)
{
    int r = 0;
    (void)pthread_mutex_lock(&queue->mutex);
    if (queue->is_closed) {
        r = -EPIPE;
    } else if (queue->count == queue->capacity) {
        r = -EAGAIN;
    } else {
        queue->slots[(queue->first + queue->count) % queue->capacity] = item; /* (1) */
        queue->count++;
        queue->unfinished++; /* (2) */
        (void)pthread_cond_signal(&queue->changed);
    }
    (void)pthread_mutex_unlock(&queue->mutex);
    return r;
}

int spr_queue_pop(struct spr_queue *queue, void **ret_item)
{
    int r = 0;
    (void)pthread_mutex_lock(&queue->mutex);
    while (queue->count == 0 && queue->unfinished > 0 && !queue->is_closed) {
        (void)pthread_cond_wait(&queue->changed, &queue->mutex);
    }
    if (queue->count > 0 && !queue->is_closed) {
        *ret_item = queue->slots[queue->first];
        queue->first = (queue->first + 1) % queue->capacity; /* (1) */
        queue->count--;
        r = 1;
    }
    (void)pthread_mutex_unlock(&queue->mutex);
    return r;
}

void spr_queue_done(struct spr_queue *queue)
{
    (void)pthread_mutex_lock(&queue->mutex);
    queue->unfinished--; /* (2) (3) */
    if (queue->unfinished == 0) {
        (void)pthread_cond_broadcast(&queue->changed);
    }
    (void)pthread_mutex_unlock(&queue->mutex);
}

void spr_queue_close(struct spr_queue *queue)
{
    (void)pthread_mutex_lock(&queue->mutex);
    queue->is_closed = true;
    (void)pthread_cond_broadcast(&queue->changed);
    (void)pthread_mutex_unlock(&queue->mutex);
}
