/*
 * An arena: texts whose addresses stay until it is reset.
 */
#ifndef SPR_CORE_INDEX_ARENA_H
#define SPR_CORE_INDEX_ARENA_H

#include <stddef.h>
#include <stdint.h>

struct spr_arena_chunk;
struct spr_arena {
    struct spr_arena_chunk *chunks; /* the one in use first */
    size_t bytes;                   /* held in all */
};
/* NULL when memory is out. length 0 gives a valid address. */
uint8_t *spr_arena_take(struct spr_arena *arena, size_t length);
void spr_arena_reset(struct spr_arena *arena); /* keeps one chunk */
void spr_arena_free(struct spr_arena *arena);

#endif
