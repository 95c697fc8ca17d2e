/*
 * Interned strings. Ids count up from 0 in the order of first use. The texts lie one behind the
 * other as they are stored, each behind its length.
 */
#ifndef SPR_CORE_INDEX_STRINGS_H
#define SPR_CORE_INDEX_STRINGS_H

#include "core/index/pack.h"

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
/* A text that is looked for. The slots of many are asked for before the first is waited for: a
 * large dictionary lies in no cache. */
struct spr_string_search {
    struct spr_text text;
    uint64_t hash;
};
void spr_strings_search(const struct spr_strings *strings, struct spr_text text,
                        struct spr_string_search *ret_search);
/* Asks for the text that its slot names, once the slot may be there. */
void spr_strings_search_on(const struct spr_strings *strings,
                           const struct spr_string_search *search);
/* Ends it. Finding a text that is there cannot fail. -E2BIG beyond SPR_SEGMENT_STRINGS_MAX or
 * 4 GiB. */
int spr_strings_settle(struct spr_strings *strings, const struct spr_string_search *search,
                       uint32_t *ret_id);
/* A search from start to end. */
int spr_strings_intern(struct spr_strings *strings, struct spr_text text, uint32_t *ret_id);
/* The text at an offset: of string 0 at offset 0, then ever behind the one before. */
struct spr_text spr_strings_text(const struct spr_strings *strings, uint64_t *offset);
void spr_strings_clear(struct spr_strings *strings);
void spr_strings_free(struct spr_strings *strings);
size_t spr_strings_memory(const struct spr_strings *strings); /* in use */

#endif
