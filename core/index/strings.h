/*
 * Interned strings and the arena that holds them. Ids count up from 0 in the order of first use.
 */
#ifndef SPR_CORE_INDEX_STRINGS_H
#define SPR_CORE_INDEX_STRINGS_H

#include "formats/words.h"

#include <stdbool.h>

/* An arena in chunks: addresses stay until reset. */
struct spr_arena_chunk;
struct spr_arena {
    struct spr_arena_chunk *chunks; /* the one in use first */
    size_t bytes;                   /* held in all */
};
/* NULL when memory is out. length 0 gives a valid address. */
uint8_t *spr_arena_take(struct spr_arena *arena, size_t length);
void spr_arena_reset(struct spr_arena *arena); /* keeps one chunk */
void spr_arena_free(struct spr_arena *arena);

struct spr_string {
    const uint8_t *bytes;
    uint32_t length;
    uint32_t hash; /* upper half of the keyed hash, for growing the table */
};
struct spr_strings {
    struct spr_arena arena;
    struct spr_string *items;
    uint32_t count, capacity;
    uint32_t *slots; /* id + 1 */
    uint32_t slot_count;
    uint64_t seed;
};
void spr_strings_init(struct spr_strings *strings, uint64_t seed);
/* Finding a text that is there cannot fail. -E2BIG beyond UINT32_MAX / 8 strings. */
int spr_strings_intern(struct spr_strings *strings, struct spr_text text, uint32_t *ret_id);
struct spr_text spr_strings_text(const struct spr_strings *strings, uint32_t id);
void spr_strings_clear(struct spr_strings *strings);
void spr_strings_free(struct spr_strings *strings);
size_t spr_strings_memory(const struct spr_strings *strings);

#endif
