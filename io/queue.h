/*
 * A bounded queue of work that makes more work: folders that contain folders. Any thread may push
 * and pop.
 */
#ifndef SPR_IO_QUEUE_H
#define SPR_IO_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

struct spr_queue;
int spr_queue_new(uint32_t capacity, struct spr_queue **ret_queue);
/* No thread is inside it. Items still there are the caller's. */
void spr_queue_free(struct spr_queue *queue);
/* Never blocks: -EAGAIN when full (the caller does the work itself), -EPIPE when closed. */
int spr_queue_push(struct spr_queue *queue, void *item);
/* Waits for an item: 1, or 0 when all work is done or the queue was closed. */
int spr_queue_pop(struct spr_queue *queue, void **ret_item);
/* Once for each popped item, after all pushes that came of it. */
void spr_queue_done(struct spr_queue *queue);
/* Ends all waits: nothing is pushed or popped any more. */
void spr_queue_close(struct spr_queue *queue);

#endif
