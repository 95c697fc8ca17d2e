/*
 * A compiled query: the expression tree with, for each term, the key it is looked up by or the
 * pattern it is matched with. Immutable; may serve many threads.
 */
#ifndef SPR_CORE_QUERY_COMPILE_H
#define SPR_CORE_QUERY_COMPILE_H

#include "core/query/filter.h"
#include "core/query/pattern.h"

/* What it takes to evaluate a node; cheap operands of an "and" go first. */
enum spr_cost {
    SPR_COST_CONSTANT,
    SPR_COST_LOOKUP,
    SPR_COST_COLUMN,
    SPR_COST_DICTIONARY,
    SPR_COST_RECIPIENTS,
    SPR_COST_IDS,
};

struct spr_leaf {
    const struct spr_filter_term *term;
    uint8_t *key; /* EXACT, DOMAIN, SUBDOMAIN: the normal form; borrowed from nobody */
    size_t key_length;
    uint8_t *cased_key; /* EXACT with case: local part as typed, domain in normal form */
    size_t cased_key_length;
    struct spr_pattern *pattern; /* GLOB, SUBSTRING, REGEX */
    bool is_address, with_case;
    uint32_t column; /* in the query, for faults */
};

struct spr_query {
    struct spr_filter *filter;
    uint32_t flags;
    struct spr_leaf *leaves; /* one per node; only those of terms are filled */
    enum spr_cost *cost;     /* one per node */
    bool is_everything;
};

/* What every text that matches has, in lower case, in its spelling or in a form of address.h: see
 * spr_segment_strings_with. Length 0: nothing is known. Borrowed. */
struct spr_text spr_leaf_literal(const struct spr_leaf *leaf);

/* Tests texts against one leaf; belongs to one thread. */
struct spr_leaf_matcher;
int spr_leaf_matcher_new(const struct spr_leaf *leaf, struct spr_leaf_matcher **ret_matcher);
void spr_leaf_matcher_free(struct spr_leaf_matcher *matcher);
/* 1 matches, 0 does not, SPR_E_SYNTAX when a regular expression gives up. */
int spr_leaf_matches(struct spr_leaf_matcher *matcher, struct spr_text text);

#endif
