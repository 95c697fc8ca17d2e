/*
 * Two bits a string: tested, and matching; and the ranges of which all is known. A single test
 * costs the decoding of a block, a pass over many decodes each block once.
 */
#include "core/query/dictionary.h"

#include "core/fault.h"
#include "core/query/bitmap.h"

#include <errno.h>

#define RANGES_MAX  4 /* of one term: what its fields may have */
#define LITERAL_MIN 3 /* a shorter one is in too many strings */

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

static void note_complete(struct spr_id_set *set, struct spr_segment_ids ids)
{
    if (set->complete_count < RANGES_MAX) {
        set->complete[set->complete_count++] = ids;
    }
}

int spr_id_set_complete(struct spr_id_set *set, struct spr_segment_ids ids)
{
    if (spr_id_set_is_complete(set, ids)) {
        return 0;
    }
    const struct spr_text literal = spr_leaf_literal(set->leaf);
    struct spr_segment_reader *strings = set->scope->strings;
    struct spr_fault *fault = set->scope->fault;
    const int r = literal.length >= LITERAL_MIN
                      ? spr_segment_strings_with(strings, ids, literal, on_string, set, fault)
                      : spr_segment_strings(strings, ids, on_string, set, fault);
    if (set->error < 0) {
        return set->error;
    }
    if (r < 0) {
        return r;
    }
    note_complete(set, ids);
    return 0;
}

/* A look-up by normal form finds more than a leaf with case means. */
static int test_found(struct spr_id_set *set, struct spr_segment_ids ids)
{
    for (uint32_t id = spr_bitmap_next(set->match, ids.end, ids.first); id < ids.end;
         id = spr_bitmap_next(set->match, ids.end, id + 1)) {
        struct spr_text text;
        int r = spr_segment_string(set->scope->strings, id, &text, set->scope->fault);
        if (r == 0) {
            set->match[id / 64] &= ~(UINT64_C(1) << (id % 64));
            r = test_string(set, id, text);
        }
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

int spr_id_set_look_up(struct spr_id_set *set, struct spr_segment_ids ids,
                       const struct spr_text *forms, unsigned form_count)
{
    struct spr_string_set found = { set->match, UINT32_MAX, 0 };
    if (spr_id_set_is_complete(set, ids)) {
        return 0;
    }
    int r = 0;
    for (unsigned i = 0; r == 0 && i < form_count; i++) {
        r = spr_segment_find_strings(set->scope->strings, ids, forms[i], &found, set->scope->fault);
    }
    if (r == 0 && set->leaf->cased_key != NULL) {
        r = test_found(set, ids);
    }
    if (r == 0) {
        note_complete(set, ids);
    }
    return r;
}

struct spr_string_set spr_id_set_strings(const struct spr_id_set *set, struct spr_segment_ids ids)
{
    const uint32_t first = spr_bitmap_next(set->match, ids.end, ids.first);
    uint32_t end = ids.end;
    while (end > first && !spr_bitmap_has(set->match, end - 1)) {
        end = end % 64 == 0 && set->match[end / 64 - 1] == 0 ? end - 64 : end - 1;
    }
    return first < end ? (struct spr_string_set){ set->match, first, end - 1 }
                       : (struct spr_string_set){ set->match, UINT32_MAX, 0 };
}

static bool is_known(const struct spr_id_set *set, uint32_t id)
{
    const struct spr_segment_ids ids = { id, id + 1 };
    return spr_bitmap_has(set->known, id) || spr_id_set_is_complete(set, ids);
}

int spr_id_set_has(struct spr_id_set *set, uint32_t id)
{
    if (id >= set->scope->string_count) {
        return 0;
    }
    if (!is_known(set, id)) {
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
