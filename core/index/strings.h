/*
 * Interned strings. Ids count up from 0 in the order of first use. The texts lie one behind the
 * other as they are stored, each behind its length.
 */
#ifndef SPR_CORE_INDEX_STRINGS_H
#define SPR_CORE_INDEX_STRINGS_H

#include "core/index/pack.h"

#define SPR_INTERN_MAX 32 /* texts of one call */

struct spr_string_slot {
    uint32_t hash; /* upper half of the keyed hash: its low bits choose the slot */
    uint32_t next; /* id + 1; 0: free */
    uint32_t offset, length;
};
struct spr_strings {
    struct spr_bytes texts;
    struct spr_string_slot *slots;
    uint32_t count, slot_count;
    uint64_t seed;
    uint16_t tag_mask;     /* 0: not tagged */
    struct spr_bytes tags; /* u16 a string: of its normal form's hash */
};
void spr_strings_init(struct spr_strings *strings, uint64_t seed, uint16_t tag_mask);
/* Finding a text that is there cannot fail. -E2BIG beyond SPR_SEGMENT_STRINGS_MAX or 4 GiB. */
int spr_strings_intern(struct spr_strings *strings, struct spr_text text, uint32_t *ret_id);
/* The same of several, at most SPR_INTERN_MAX: their misses of the cache overlap. */
int spr_strings_intern_all(struct spr_strings *strings, const struct spr_text *texts,
                           uint32_t count, uint32_t *ret_ids);
/* The text at an offset: of string 0 at offset 0, then ever behind the one before. */
struct spr_text spr_strings_text(const struct spr_strings *strings, uint64_t *offset);
void spr_strings_clear(struct spr_strings *strings);
void spr_strings_free(struct spr_strings *strings);
size_t spr_strings_memory(const struct spr_strings *strings); /* in use */

#endif
