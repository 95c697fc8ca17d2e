/*
 * An arena in chunks that double up to a limit.
 */
#include "core/index/arena.h"

#include <stdlib.h>

#define CHUNK_BYTES 65536
#define CHUNK_MAX   1048576 /* chunks double up to this */

struct spr_arena_chunk {
    struct spr_arena_chunk *next;
    size_t used, size;
    uint8_t bytes[];
};

uint8_t *spr_arena_take(struct spr_arena *arena, size_t length)
{
    struct spr_arena_chunk *chunk = arena->chunks;
    if (chunk == NULL || length > chunk->size - chunk->used) {
        size_t size = chunk == NULL ? CHUNK_BYTES : chunk->size * 2;
        size = size > CHUNK_MAX ? CHUNK_MAX : size;
        size = size < length ? length : size;
        chunk = malloc(sizeof(*chunk) + size);
        if (chunk == NULL) {
            return NULL;
        }
        *chunk = (struct spr_arena_chunk){ .next = arena->chunks, .size = size };
        arena->chunks = chunk;
        arena->bytes += sizeof(*chunk) + size;
    }
    uint8_t *at = chunk->bytes + chunk->used;
    chunk->used += length;
    return at;
}

static void free_chunks(struct spr_arena_chunk *chunk)
{
    while (chunk != NULL) {
        struct spr_arena_chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
}

void spr_arena_reset(struct spr_arena *arena)
{
    struct spr_arena_chunk *kept = arena->chunks;
    if (kept == NULL) {
        return;
    }
    free_chunks(kept->next);
    kept->next = NULL;
    kept->used = 0;
    arena->bytes = sizeof(*kept) + kept->size;
}

void spr_arena_free(struct spr_arena *arena)
{
    free_chunks(arena->chunks);
    *arena = (struct spr_arena){ 0 };
}
