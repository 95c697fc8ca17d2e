/*
 * Recursive descent over the lexer's tokens. Depth, length and node count are capped; nodes lie in
 * one array, so a broken query is freed in one go.
 */
#include "core/query/filter.h"

#include "core/fault.h"
#include "core/query/term.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct parser {
    struct spr_lexer lexer;
    struct spr_token token; /* the one looked at */
    struct spr_filter *filter;
    uint32_t capacity, depth;
    struct spr_fault *fault;
};

__attribute__((format(printf, 3, 4))) static int refuse(struct parser *p, size_t column,
                                                        const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int r = spr_term_refuse(p->fault, p->filter->text, column, format, arguments);
    va_end(arguments);
    return r;
}

static int advance(struct parser *p)
{
    if (!spr_lexer_next(&p->lexer, &p->token)) {
        return refuse(p, p->lexer.error_column, "%s", p->lexer.expected);
    }
    return 0;
}

static int add_node(struct parser *p, enum spr_filter_kind kind, uint32_t *ret_node)
{
    struct spr_filter *filter = p->filter;
    if (filter->node_count == SPR_FILTER_NODES_MAX) {
        return refuse(p, p->token.column, "expected at most %d terms", SPR_FILTER_NODES_MAX);
    }
    if (filter->node_count == p->capacity) {
        const uint32_t capacity = p->capacity == 0 ? 16 : p->capacity * 2;
        struct spr_filter_node *nodes = reallocarray(filter->nodes, capacity, sizeof(*nodes));
        if (nodes == NULL) {
            return -ENOMEM;
        }
        filter->nodes = nodes;
        p->capacity = capacity;
    }
    filter->nodes[filter->node_count] = (struct spr_filter_node){
        .kind = kind,
        .first_child = SPR_FILTER_NO_NODE,
        .next_sibling = SPR_FILTER_NO_NODE,
        .column = (uint32_t)p->token.column,
        .length = (uint32_t)p->token.length,
    };
    *ret_node = filter->node_count++;
    return 0;
}

static int parse_term(struct parser *p, uint32_t *ret_node)
{
    struct spr_filter_term term;
    bool everything = false;
    int r = spr_term_parse(p->filter->text, &p->token, &term, &everything, p->fault);
    if (r < 0) {
        return r;
    }
    uint32_t node = 0;
    r = add_node(p, everything ? SPR_FILTER_EVERYTHING : SPR_FILTER_TERM, &node);
    if (r < 0) {
        return r;
    }
    p->filter->nodes[node].term = term;
    *ret_node = node;
    return advance(p);
}

static int parse_or(struct parser *p, uint32_t *ret_node);

static int parse_group(struct parser *p, uint32_t *ret_node)
{
    const size_t open = p->token.column;
    int r = advance(p);
    if (r < 0) {
        return r;
    }
    r = parse_or(p, ret_node);
    if (r < 0) {
        return r;
    }
    if (p->token.kind != SPR_TOKEN_CLOSE) {
        return refuse(p, open, "expected a ')' for this '('");
    }
    return advance(p);
}

static int expect_operand(struct parser *p)
{
    switch (p->token.kind) {
    case SPR_TOKEN_END:
        return refuse(p, p->token.column, "expected a term such as account:bob at the end");
    case SPR_TOKEN_CLOSE:
        return refuse(p, p->token.column, "expected a term before ')'");
    case SPR_TOKEN_AND:
    case SPR_TOKEN_OR:
        return refuse(p, p->token.column, "expected a term before '%s'",
                      p->token.kind == SPR_TOKEN_AND ? "and" : "or");
    case SPR_TOKEN_OPEN:
    case SPR_TOKEN_NOT:
    case SPR_TOKEN_TERM:
        break;
    }
    return 0;
}

static int parse_not(struct parser *p, uint32_t *ret_node)
{
    bool negated = false;
    while (p->token.kind == SPR_TOKEN_NOT) {
        negated = !negated;
        const int r = advance(p);
        if (r < 0) {
            return r;
        }
    }
    int r = expect_operand(p);
    if (r < 0) {
        return r;
    }
    if (p->depth == SPR_FILTER_DEPTH_MAX) {
        return refuse(p, p->token.column, "expected at most %d parentheses inside each other",
                      SPR_FILTER_DEPTH_MAX);
    }
    p->depth++;
    uint32_t child = 0;
    r = p->token.kind == SPR_TOKEN_OPEN ? parse_group(p, &child) : parse_term(p, &child);
    p->depth--;
    if (r < 0 || !negated) {
        *ret_node = child;
        return r;
    }
    uint32_t node = 0;
    r = add_node(p, SPR_FILTER_NOT, &node);
    if (r < 0) {
        return r;
    }
    p->filter->nodes[node].first_child = child;
    *ret_node = node;
    return 0;
}

/* Puts the operands of one chain below one node; a single operand stays itself. */
struct chain {
    enum spr_filter_kind kind;
    uint32_t node, last; /* node: the only operand as long as there is one */
    bool is_joined;
};

static int chain_add(struct parser *p, struct chain *chain, uint32_t operand)
{
    if (chain->node == SPR_FILTER_NO_NODE) {
        chain->node = operand;
        return 0;
    }
    if (!chain->is_joined) {
        uint32_t parent = 0;
        const int r = add_node(p, chain->kind, &parent);
        if (r < 0) {
            return r;
        }
        p->filter->nodes[parent].first_child = chain->node;
        chain->last = chain->node;
        chain->node = parent;
        chain->is_joined = true;
    }
    p->filter->nodes[chain->last].next_sibling = operand;
    chain->last = operand;
    return 0;
}

static int parse_and(struct parser *p, uint32_t *ret_node)
{
    struct chain chain = { .kind = SPR_FILTER_AND, .node = SPR_FILTER_NO_NODE };
    for (;;) {
        uint32_t operand = 0;
        int r = parse_not(p, &operand);
        if (r < 0) {
            return r;
        }
        r = chain_add(p, &chain, operand);
        if (r < 0) {
            return r;
        }
        if (p->token.kind == SPR_TOKEN_AND) {
            r = advance(p);
            if (r < 0) {
                return r;
            }
        } else if (p->token.kind == SPR_TOKEN_END || p->token.kind == SPR_TOKEN_CLOSE ||
                   p->token.kind == SPR_TOKEN_OR) {
            break;
        }
    }
    *ret_node = chain.node;
    return 0;
}

static int parse_or(struct parser *p, uint32_t *ret_node)
{
    struct chain chain = { .kind = SPR_FILTER_OR, .node = SPR_FILTER_NO_NODE };
    for (;;) {
        uint32_t operand = 0;
        int r = parse_and(p, &operand);
        if (r < 0) {
            return r;
        }
        r = chain_add(p, &chain, operand);
        if (r < 0) {
            return r;
        }
        if (p->token.kind != SPR_TOKEN_OR) {
            break;
        }
        r = advance(p);
        if (r < 0) {
            return r;
        }
    }
    *ret_node = chain.node;
    return 0;
}

static int parse_whole(struct parser *p)
{
    int r = advance(p);
    if (r < 0) {
        return r;
    }
    if (p->token.kind == SPR_TOKEN_END) {
        return add_node(p, SPR_FILTER_EVERYTHING, &p->filter->root);
    }
    r = parse_or(p, &p->filter->root);
    if (r < 0) {
        return r;
    }
    if (p->token.kind != SPR_TOKEN_END) {
        return refuse(p, p->token.column, "expected the end, found a ')' without its '('");
    }
    return 0;
}

int spr_filter_parse(const char *text, struct spr_filter **ret_filter, struct spr_fault *fault)
{
    const size_t length = strnlen(text, SPR_FILTER_LENGTH_MAX + 1);
    if (length > SPR_FILTER_LENGTH_MAX) {
        return spr_fault_set(fault, SPR_E_SYNTAX, "query", SPR_FILTER_LENGTH_MAX,
                             "expected at most 65,536 bytes");
    }
    struct spr_filter *filter = calloc(1, sizeof(*filter));
    if (filter == NULL) {
        return -ENOMEM;
    }

    int r = -ENOMEM;
    filter->text = strdup(text);
    filter->arena = malloc(length * 3 + 1);
    if (filter->text == NULL || filter->arena == NULL) {
        goto fail;
    }
    struct parser parser = {
        .lexer = { .text = (const uint8_t *)filter->text,
                   .length = length,
                   .arena = filter->arena },
        .filter = filter,
        .fault = fault,
    };
    r = parse_whole(&parser);
    if (r < 0) {
        goto fail;
    }
    *ret_filter = filter;
    return 0;

fail:
    spr_filter_free(filter);
    return r;
}

void spr_filter_free(struct spr_filter *filter)
{
    if (filter == NULL) {
        return;
    }
    free(filter->text);
    free(filter->arena);
    free(filter->nodes);
    free(filter);
}
