/*
 * Query text to an expression tree. The grammar:
 *
 *   expression  = [ or ]                      nothing: everything
 *   or          = and { "or" and }
 *   and         = not { ["and"] not }
 *   not         = { "not" } ( "(" or ")" | term )
 *   term        = [ field ":" ] value
 *   value       = { plain | "quoted" | 'quoted' } | "/" regular expression "/"
 *
 * A backslash outside single quotes makes the next of  * ? \ " ' ( ) / : or space  literal; before
 * any other character it stands for itself. Wildcards inside quotes are literal.
 */
#ifndef SPR_CORE_QUERY_FILTER_H
#define SPR_CORE_QUERY_FILTER_H

#include "core/query/fields.h"
#include "core/query/network.h"
#include "core/query/quantity.h"

#define SPR_FILTER_LENGTH_MAX 65536 /* bytes of query text: some 2,000 addresses */
#define SPR_FILTER_NODES_MAX  8192
#define SPR_FILTER_DEPTH_MAX  64 /* parentheses and nots inside each other */

enum spr_filter_kind {
    SPR_FILTER_EVERYTHING,
    SPR_FILTER_AND,
    SPR_FILTER_OR,
    SPR_FILTER_NOT,
    SPR_FILTER_TERM,
};

enum spr_filter_match {
    SPR_MATCH_EXACT,     /* value */
    SPR_MATCH_SUBSTRING, /* value occurs anywhere */
    SPR_MATCH_GLOB,      /* value is a glob, literal wildcards escaped with a backslash */
    SPR_MATCH_REGEX,     /* value is what stood between the slashes */
    SPR_MATCH_DOMAIN,    /* value is a domain, without '@' */
    SPR_MATCH_SUBDOMAIN, /* value is a domain; it and everything below it */
    SPR_MATCH_NETWORK,   /* network */
    SPR_MATCH_NONE,      /* unknown */
    SPR_MATCH_RANGE,     /* range */
    SPR_MATCH_WORD,      /* is: word, or state: state */
};

struct spr_filter_term {
    enum spr_filter_field field;
    enum spr_filter_match match;
    struct spr_text value; /* in the filter's own memory */
    struct spr_range range;
    struct spr_network network;
    const struct spr_is_word *word;
};

#define SPR_FILTER_NO_NODE UINT32_MAX
struct spr_filter_node {
    enum spr_filter_kind kind;
    uint32_t first_child, next_sibling; /* indices, or SPR_FILTER_NO_NODE */
    uint32_t column, length;            /* of a term in the text */
    struct spr_filter_term term;
};

struct spr_filter {
    char *text; /* a copy of the query */
    uint8_t *arena;
    struct spr_filter_node *nodes;
    uint32_t node_count, root;
};

/* SPR_E_SYNTAX with the column in fault->offset and what was expected in fault->detail. */
int spr_filter_parse(const char *text, struct spr_filter **ret_filter, struct spr_fault *fault);
void spr_filter_free(struct spr_filter *filter);

#endif
