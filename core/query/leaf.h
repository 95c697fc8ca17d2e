/*
 * One term of a query on one segment: which of the rows in question match.
 */
#ifndef SPR_CORE_QUERY_LEAF_H
#define SPR_CORE_QUERY_LEAF_H

#include "core/query/scope.h"

enum spr_way {
    SPR_WAY_LOOKUP = 1u << 0,     /* hash look-up */
    SPR_WAY_DICTIONARY = 1u << 1, /* every string was tested */
    SPR_WAY_COLUMN = 1u << 2,     /* a column was read for the rows in question */
    SPR_WAY_RECIPIENTS = 1u << 3, /* recipients of the rows in question were read */
    SPR_WAY_IDS = 1u << 4,        /* queue ids of the rows in question were read */
};

/* How a term was evaluated, summed over segments. */
struct spr_leaf_report {
    uint32_t ways; /* spr_way */
    uint32_t segments;
    uint64_t rows;    /* that matched among those in question */
    uint64_t tested;  /* rows that were looked at one by one */
    uint64_t strings; /* tested */
};

/* Sets in out, which is clear, the bits of rows that are in mask and match. */
int spr_leaf_evaluate(struct spr_scope *scope, const struct spr_leaf *leaf, const uint64_t *mask,
                      uint64_t *out, struct spr_leaf_report *report);
/* The same for terms over texts: leaf_text.c. */
int spr_leaf_evaluate_text(struct spr_scope *scope, const struct spr_leaf *leaf,
                           const uint64_t *mask, uint64_t *out, struct spr_leaf_report *report);

#endif
