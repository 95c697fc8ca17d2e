/*
 * Which strings of a segment match a leaf: asked one by one, or found by one pass over all that
 * a field may have.
 */
#ifndef SPR_CORE_QUERY_DICTIONARY_H
#define SPR_CORE_QUERY_DICTIONARY_H

#include "core/query/scope.h"

struct spr_id_set;

int spr_id_set_new(struct spr_scope *scope, const struct spr_leaf *leaf,
                   struct spr_id_set **ret_set);
void spr_id_set_free(struct spr_id_set *set);
/* Tests every string of the range, if that has not been done. */
int spr_id_set_complete(struct spr_id_set *set, struct spr_segment_ids ids);
/* The same for a leaf that only strings with one of these normal forms can match: ids must have
 * tags. */
int spr_id_set_look_up(struct spr_id_set *set, struct spr_segment_ids ids,
                       const struct spr_text *forms, unsigned form_count);
bool spr_id_set_is_complete(const struct spr_id_set *set, struct spr_segment_ids ids);
/* Those of the range that are known to match: all after completion. Borrowed. */
struct spr_string_set spr_id_set_strings(const struct spr_id_set *set, struct spr_segment_ids ids);
/* 1 matches, 0 does not; SPR_STRING_NONE matches nothing. */
int spr_id_set_has(struct spr_id_set *set, uint32_t id);

#endif
