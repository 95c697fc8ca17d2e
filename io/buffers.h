/*
 * A fixed pool of read buffers: one mapping, cut into units of 4 KiB, which is also the alignment
 * that direct reads need. One pool belongs to one worker.
 */
#ifndef SPR_IO_BUFFERS_H
#define SPR_IO_BUFFERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPR_BUFFER_UNIT 4096u

struct spr_buffers;
/* bytes is rounded up to units. */
int spr_buffers_new(size_t bytes, struct spr_buffers **ret_buffers);
/* Also gives back what is still taken; only when no kernel read is on its way into it. */
void spr_buffers_free(struct spr_buffers *buffers);
/* Room for length bytes, rounded up to units, or NULL when there is none. The lowest free place is
 * taken, so that a caller who gives back early reads into memory that is still cached. */
uint8_t *spr_buffers_take(struct spr_buffers *buffers, uint32_t length);
/* The same outside the pool's size, for a caller that holds all of it and must go on. */
uint8_t *spr_buffers_take_extra(struct spr_buffers *buffers, uint32_t length);
/* Of either take; NULL is accepted. */
void spr_buffers_give(struct spr_buffers *buffers, const uint8_t *bytes);
/* Never reused and never freed: the kernel may still write into it. */
void spr_buffers_abandon(struct spr_buffers *buffers, uint8_t *bytes);
size_t spr_buffers_size(const struct spr_buffers *buffers);

#endif
