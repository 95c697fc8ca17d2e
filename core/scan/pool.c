/*
 * An arena of bytes in blocks that double up to a limit.
 */
#include "core/scan/pool.h"

#include <stdalign.h>
#include <stdlib.h>

#define BLOCK_MIN (16u << 10)
#define BLOCK_MAX (1u << 20)

struct spr_pool_block {
    struct spr_pool_block *next;
    size_t size;
    alignas(max_align_t) uint8_t bytes[];
};

static struct spr_pool_block *add_block(struct spr_pool *arena, size_t size)
{
    size_t wanted = arena->held < BLOCK_MIN ? BLOCK_MIN : arena->held;
    if (wanted > BLOCK_MAX) {
        wanted = BLOCK_MAX;
    }
    if (wanted < size) {
        wanted = size;
    }
    if (wanted > SIZE_MAX - sizeof(struct spr_pool_block)) {
        return NULL;
    }
    struct spr_pool_block *block = malloc(sizeof(*block) + wanted);
    if (block == NULL) {
        return NULL;
    }
    block->next = arena->blocks;
    block->size = wanted;
    arena->blocks = block;
    arena->used = 0;
    arena->held += wanted;
    return block;
}

static void *take(struct spr_pool *arena, size_t size, size_t alignment)
{
    struct spr_pool_block *block = arena->blocks;
    size_t from = (arena->used + alignment - 1) & ~(alignment - 1);
    if (block == NULL || from > block->size || size > block->size - from) {
        block = add_block(arena, size);
        from = 0;
        if (block == NULL) {
            return NULL;
        }
    }
    arena->used = from + size;
    return block->bytes + from;
}

void *spr_pool_take(struct spr_pool *arena, size_t size)
{
    return take(arena, size, alignof(max_align_t));
}

uint8_t *spr_pool_bytes(struct spr_pool *arena, size_t size)
{
    return take(arena, size, 1);
}

static void free_blocks(struct spr_pool_block *block)
{
    while (block != NULL) {
        struct spr_pool_block *next = block->next;
        free(block);
        block = next;
    }
}

void spr_pool_reset(struct spr_pool *arena)
{
    struct spr_pool_block *keep = arena->blocks;
    arena->used = 0;
    if (keep == NULL) {
        return;
    }
    free_blocks(keep->next);
    keep->next = NULL;
    arena->held = keep->size;
    if (keep->size > BLOCK_MAX) {
        spr_pool_done(arena); /* one huge message must not be paid for by all later ones */
    }
}

void spr_pool_done(struct spr_pool *arena)
{
    free_blocks(arena->blocks);
    *arena = (struct spr_pool){ 0 };
}

void spr_pool_adopt(struct spr_pool *arena, struct spr_pool *other)
{
    struct spr_pool_block **end = &arena->blocks;
    const size_t used = arena->blocks != NULL ? arena->used : other->used;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = other->blocks;
    arena->used = used;
    arena->held += other->held;
    *other = (struct spr_pool){ 0 };
}
