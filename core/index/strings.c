/*
 * Interning: open addressing over 32-bit ids, keyed by the index's secret, so that mail content
 * cannot choose its slots.
 */
#include "core/index/strings.h"

#include "core/index/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES   65536
#define CHUNK_MAX     1048576 /* chunks double up to this */
#define SLOTS_MIN     1024
#define CAPACITY_MIN  512
#define STRINGS_LIMIT (UINT32_MAX / 8) /* so that posting keys (layout.h) fit 32 bits */

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

void spr_strings_init(struct spr_strings *strings, uint64_t seed)
{
    *strings = (struct spr_strings){ .seed = seed };
}

static int grow_slots(struct spr_strings *strings)
{
    const uint32_t slot_count = strings->slot_count == 0 ? SLOTS_MIN : strings->slot_count * 2;
    uint32_t *slots = calloc(slot_count, sizeof(*slots));
    if (slots == NULL) {
        return -ENOMEM;
    }
    for (uint32_t id = 0; id < strings->count; id++) {
        uint32_t slot = strings->items[id].hash & (slot_count - 1);
        while (slots[slot] != 0) {
            slot = (slot + 1) & (slot_count - 1);
        }
        slots[slot] = id + 1;
    }
    free(strings->slots);
    strings->slots = slots;
    strings->slot_count = slot_count;
    return 0;
}

static int grow_items(struct spr_strings *strings)
{
    const uint32_t capacity =
        strings->capacity == 0 ? CAPACITY_MIN : strings->capacity + strings->capacity / 2;
    struct spr_string *items = realloc(strings->items, capacity * sizeof(*items));
    if (items == NULL) {
        return -ENOMEM;
    }
    strings->items = items;
    strings->capacity = capacity;
    return 0;
}

static int make_room(struct spr_strings *strings)
{
    if (strings->count >= STRINGS_LIMIT) {
        return -E2BIG;
    }
    if (strings->count >= strings->slot_count / 4 * 3) {
        int r = grow_slots(strings);
        if (r < 0) {
            return r;
        }
    }
    return strings->count == strings->capacity ? grow_items(strings) : 0;
}

/* The slot that holds the text, or the free one where it belongs. */
static uint32_t find_slot(const struct spr_strings *strings, struct spr_text text, uint32_t hash)
{
    uint32_t slot = hash & (strings->slot_count - 1);
    while (strings->slots[slot] != 0) {
        const struct spr_string *item = &strings->items[strings->slots[slot] - 1];
        if (item->hash == hash && item->length == text.length &&
            (text.length == 0 || memcmp(item->bytes, text.bytes, text.length) == 0)) {
            break;
        }
        slot = (slot + 1) & (strings->slot_count - 1);
    }
    return slot;
}

int spr_strings_intern(struct spr_strings *strings, struct spr_text text, uint32_t *ret_id)
{
    const uint32_t hash = (uint32_t)(spr_hash64(text.bytes, text.length, strings->seed) >> 32);
    if (strings->slot_count > 0) {
        const uint32_t slot = find_slot(strings, text, hash);
        if (strings->slots[slot] != 0) {
            *ret_id = strings->slots[slot] - 1;
            return 0;
        }
    }
    int r = make_room(strings);
    if (r < 0) {
        return r;
    }
    uint8_t *bytes = spr_arena_take(&strings->arena, text.length);
    if (bytes == NULL) {
        return -ENOMEM;
    }
    if (text.length > 0) {
        memcpy(bytes, text.bytes, text.length);
    }
    const uint32_t id = strings->count++;
    strings->items[id] =
        (struct spr_string){ .bytes = bytes, .length = (uint32_t)text.length, .hash = hash };
    strings->slots[find_slot(strings, text, hash)] = id + 1;
    *ret_id = id;
    return 0;
}

struct spr_text spr_strings_text(const struct spr_strings *strings, uint32_t id)
{
    return (struct spr_text){ strings->items[id].bytes, strings->items[id].length };
}

void spr_strings_clear(struct spr_strings *strings)
{
    spr_arena_reset(&strings->arena);
    strings->count = 0;
    if (strings->slot_count > 0) {
        memset(strings->slots, 0, strings->slot_count * sizeof(*strings->slots));
    }
}

void spr_strings_free(struct spr_strings *strings)
{
    spr_arena_free(&strings->arena);
    free(strings->items);
    free(strings->slots);
    *strings = (struct spr_strings){ 0 };
}

size_t spr_strings_memory(const struct spr_strings *strings)
{
    return strings->arena.bytes + strings->capacity * sizeof(*strings->items) +
           strings->slot_count * sizeof(*strings->slots);
}
