/*
 * Which strings of a segment match a leaf: asked one by one, or found by one pass over all.
 */
#ifndef SPR_CORE_QUERY_DICTIONARY_H
#define SPR_CORE_QUERY_DICTIONARY_H

#include "core/query/scope.h"

struct spr_id_set;

int spr_id_set_new(struct spr_scope *scope, const struct spr_leaf *leaf,
                   struct spr_id_set **ret_set);
void spr_id_set_free(struct spr_id_set *set);
/* Tests every string, if that has not been done. */
int spr_id_set_complete(struct spr_id_set *set);
bool spr_id_set_is_complete(const struct spr_id_set *set);
/* How many match; after completion. */
uint64_t spr_id_set_count(const struct spr_id_set *set);
/* The first matching id at or after from, or the number of strings; after completion. */
uint32_t spr_id_set_next(const struct spr_id_set *set, uint32_t from);
/* 1 matches, 0 does not; SPR_STRING_NONE matches nothing. */
int spr_id_set_has(struct spr_id_set *set, uint32_t id);

#endif
