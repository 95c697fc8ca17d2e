/*
 * An arena of bytes: copies live until reset or done; nothing is freed singly. Belongs to one
 * thread. Blocks do not move.
 */
#ifndef SPR_CORE_SCAN_POOL_H
#define SPR_CORE_SCAN_POOL_H

#include <stddef.h>
#include <stdint.h>

struct spr_pool_block;
struct spr_pool {
    struct spr_pool_block *blocks; /* the current one first */
    size_t used;                   /* bytes of the current block */
    size_t held;                   /* bytes of all blocks */
};

/* Aligned for any object; NULL when there is no memory. An arena of zeroes is an empty one. */
void *spr_pool_take(struct spr_pool *arena, size_t size);
/* Bytes without alignment. */
uint8_t *spr_pool_bytes(struct spr_pool *arena, size_t size);
/* Forgets everything, keeps one block. */
void spr_pool_reset(struct spr_pool *arena);
void spr_pool_done(struct spr_pool *arena);
/* Everything other holds becomes arena's; other is empty after it. */
void spr_pool_adopt(struct spr_pool *arena, struct spr_pool *other);

#endif
