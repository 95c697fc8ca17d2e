/*
 * Two bits a string: tested, and matching. A single test costs the decoding of a block, a pass over
 * many decodes each block once.
 */
#include "core/query/dictionary.h"

#include "core/fault.h"
#include "core/query/bitmap.h"

#include <errno.h>

#define RANGES_MAX 4 /* of one term: what its fields may have */

struct spr_id_set {
    struct spr_scope *scope;
    struct spr_leaf_matcher *matcher;
    const struct spr_leaf *leaf;
    uint64_t *known, *match;
    struct spr_segment_ids complete[RANGES_MAX]; /* ranges of ids that are all known */
    unsigned complete_count;
    int error; /* of the pass */
};

int spr_id_set_new(struct spr_scope *scope, const struct spr_leaf *leaf,
                   struct spr_id_set **ret_set)
{
    struct spr_id_set *set = calloc(1, sizeof(*set));
    if (set == NULL) {
        return -ENOMEM;
    }
    set->scope = scope;
    set->leaf = leaf;

    int r = -ENOMEM;
    set->known = spr_bitmap_new(scope->string_count);
    set->match = spr_bitmap_new(scope->string_count);
    if (set->known == NULL || set->match == NULL) {
        goto fail;
    }
    r = spr_leaf_matcher_new(leaf, &set->matcher);
    if (r < 0) {
        goto fail;
    }
    *ret_set = set;
    return 0;

fail:
    spr_id_set_free(set);
    return r;
}

void spr_id_set_free(struct spr_id_set *set)
{
    if (set == NULL) {
        return;
    }
    spr_leaf_matcher_free(set->matcher);
    free(set->known);
    free(set->match);
    free(set);
}

static int test_string(struct spr_id_set *set, uint32_t id, struct spr_text text)
{
    const int r = spr_leaf_matches(set->matcher, text);
    if (r == SPR_E_SYNTAX) {
        return spr_fault_set(set->scope->fault, r, set->scope->query->filter->text,
                             set->leaf->column,
                             "the regular expression takes too many steps on some text");
    }
    if (r < 0) {
        return r;
    }
    spr_bitmap_set(set->known, id);
    if (r > 0) {
        spr_bitmap_set(set->match, id);
    }
    return 0;
}

static int on_string(uint32_t id, struct spr_text text, void *user)
{
    struct spr_id_set *set = user;
    if (id >= set->scope->string_count) {
        set->error = SPR_E_CORRUPT;
        return 1;
    }
    if (!spr_bitmap_has(set->known, id)) {
        set->error = test_string(set, id, text);
    }
    return set->error < 0 ? 1 : 0;
}

bool spr_id_set_is_complete(const struct spr_id_set *set, struct spr_segment_ids ids)
{
    for (unsigned i = 0; i < set->complete_count; i++) {
        if (set->complete[i].first <= ids.first && ids.end <= set->complete[i].end) {
            return true;
        }
    }
    return false;
}

int spr_id_set_complete(struct spr_id_set *set, struct spr_segment_ids ids)
{
    if (spr_id_set_is_complete(set, ids)) {
        return 0;
    }
    const int r = spr_segment_strings(set->scope->strings, ids, on_string, set, set->scope->fault);
    if (set->error < 0) {
        return set->error;
    }
    if (r < 0) {
        return r;
    }
    if (set->complete_count < RANGES_MAX) {
        set->complete[set->complete_count++] = ids;
    }
    return 0;
}

bool spr_id_set_has_any(const struct spr_id_set *set, struct spr_segment_ids ids)
{
    return spr_bitmap_next(set->match, set->scope->string_count, ids.first) < ids.end;
}

int spr_id_set_has(struct spr_id_set *set, uint32_t id)
{
    if (id >= set->scope->string_count) {
        return 0;
    }
    if (!spr_bitmap_has(set->known, id)) {
        struct spr_text text;
        int r = spr_segment_string(set->scope->strings, id, &text, set->scope->fault);
        if (r < 0) {
            return r;
        }
        r = test_string(set, id, text);
        if (r < 0) {
            return r;
        }
    }
    return spr_bitmap_has(set->match, id) ? 1 : 0;
}
