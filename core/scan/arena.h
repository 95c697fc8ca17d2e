/*
 * An arena of bytes: copies live until reset or done; nothing is freed singly. Belongs to one
 * thread. Blocks do not move.
 */
#ifndef SPR_CORE_SCAN_ARENA_H
#define SPR_CORE_SCAN_ARENA_H

#include <stddef.h>
#include <stdint.h>

struct spr_arena_block;
struct spr_arena {
    struct spr_arena_block *blocks; /* the current one first */
    size_t used;                    /* bytes of the current block */
    size_t held;                    /* bytes of all blocks */
};

/* Aligned for any object; NULL when there is no memory. An arena of zeroes is an empty one. */
void *spr_arena_take(struct spr_arena *arena, size_t size);
/* Bytes without alignment. */
uint8_t *spr_arena_bytes(struct spr_arena *arena, size_t size);
/* Forgets everything, keeps one block. */
void spr_arena_reset(struct spr_arena *arena);
void spr_arena_done(struct spr_arena *arena);
/* Everything other holds becomes arena's; other is empty after it. */
void spr_arena_adopt(struct spr_arena *arena, struct spr_arena *other);

#endif
