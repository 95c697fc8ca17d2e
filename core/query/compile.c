/*
 * Expression tree to predicates: normal forms for look-ups, patterns for the dictionary, costs.
 */
#include "core/query/compile.h"

#include "core/fault.h"
#include "core/index/address.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FORM_MAX (2 * SPR_ADDRESS_MAX + 1) /* a local part, '@', a domain */

struct spr_leaf_matcher {
    const struct spr_leaf *leaf;
    struct spr_pattern_matcher *pattern;
    uint8_t form[FORM_MAX];
    uint8_t unquoted[SPR_ADDRESS_MAX];
};

static uint8_t *copy_bytes(const uint8_t *bytes, size_t length)
{
    uint8_t *copy = malloc(length + 1);
    if (copy != NULL && length > 0) {
        memcpy(copy, bytes, length);
    }
    return copy;
}

/* Local part as spelled, domain in normal form. */
static size_t write_cased(struct spr_text spelled, uint8_t out[FORM_MAX])
{
    uint8_t unquoted[SPR_ADDRESS_MAX];
    const struct spr_text plain = spr_address_unquote(spelled, unquoted);
    const struct spr_text domain = spr_address_domain(plain);
    size_t local = domain.bytes != NULL ? plain.length - domain.length - 1 : plain.length;
    if (local > SPR_ADDRESS_MAX) {
        local = SPR_ADDRESS_MAX;
    }
    if (local > 0) {
        memcpy(out, plain.bytes, local);
    }
    if (domain.bytes == NULL) {
        return local;
    }
    out[local] = '@';
    return local + 1 + spr_domain_normalise(domain, out + local + 1);
}

static int set_key(struct spr_leaf *leaf, bool with_case)
{
    const struct spr_filter_term *term = leaf->term;
    uint8_t form[FORM_MAX];
    if (term->match == SPR_MATCH_EXACT) {
        leaf->key_length = spr_address_normalise(term->value, form);
    } else {
        leaf->key_length = spr_domain_normalise(term->value, form);
    }
    leaf->key = copy_bytes(form, leaf->key_length);
    if (leaf->key == NULL) {
        return -ENOMEM;
    }
    if (with_case && term->match == SPR_MATCH_EXACT) {
        leaf->cased_key_length = write_cased(term->value, form);
        leaf->cased_key = copy_bytes(form, leaf->cased_key_length);
        if (leaf->cased_key == NULL) {
            return -ENOMEM;
        }
    }
    return 0;
}

static bool has_wildcard(struct spr_text text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text.bytes[i] == '*' || text.bytes[i] == '?' || text.bytes[i] == '\\') {
            return true;
        }
    }
    return false;
}

/* A glob over addresses: "@…" is any local part, and the domain compares in normal form. */
static int compile_address_glob(struct spr_leaf *leaf, struct spr_fault *fault)
{
    const struct spr_text value = leaf->term->value;
    const struct spr_text domain = spr_address_domain(value);
    const bool any_local = value.length > 0 && value.bytes[0] == '@';
    uint8_t *glob = malloc(value.length + SPR_ADDRESS_MAX + 2);
    if (glob == NULL) {
        return -ENOMEM;
    }
    size_t length = 0;
    if (any_local) {
        glob[length++] = '*';
    }
    memcpy(glob + length, value.bytes, value.length);
    length += value.length;
    if (domain.bytes != NULL && domain.length > 0) {
        uint8_t *part = glob + length - domain.length;
        if (!has_wildcard(domain) && domain.length <= SPR_ADDRESS_MAX) {
            length += spr_domain_normalise(domain, part) - domain.length;
        } else {
            for (size_t i = 0; i < domain.length; i++) {
                part[i] = part[i] >= 'A' && part[i] <= 'Z' ? (uint8_t)(part[i] + 32) : part[i];
            }
        }
    }
    const int r = spr_pattern_compile(SPR_PATTERN_GLOB, (struct spr_text){ glob, length },
                                      leaf->with_case, &leaf->pattern, fault);
    free(glob);
    return r;
}

static int set_pattern(struct spr_leaf *leaf, struct spr_fault *fault)
{
    const struct spr_filter_term *term = leaf->term;
    if (term->match == SPR_MATCH_GLOB && leaf->is_address) {
        return compile_address_glob(leaf, fault);
    }
    enum spr_pattern_kind kind = SPR_PATTERN_SUBSTRING;
    if (term->match != SPR_MATCH_SUBSTRING) {
        kind = term->match == SPR_MATCH_GLOB ? SPR_PATTERN_GLOB : SPR_PATTERN_REGEX;
    }
    return spr_pattern_compile(kind, term->value, leaf->with_case, &leaf->pattern, fault);
}

static bool field_is_address(enum spr_filter_field field)
{
    return field == SPR_FILTER_ANY || field == SPR_FILTER_ACCOUNT || field == SPR_FILTER_FROM ||
           field == SPR_FILTER_TO || field == SPR_FILTER_DONE || field == SPR_FILTER_RCPT;
}

/* Host names, states and paths of servers compare without case whatever the flags say. */
static bool field_has_case(enum spr_filter_field field)
{
    return field_is_address(field) || field == SPR_FILTER_LOCAL_USER ||
           field == SPR_FILTER_SUBJECT || field == SPR_FILTER_HEADER_FROM ||
           field == SPR_FILTER_ERROR;
}

static int compile_leaf(struct spr_query *query, uint32_t node, struct spr_fault *fault)
{
    const struct spr_filter_node *n = &query->filter->nodes[node];
    struct spr_leaf *leaf = &query->leaves[node];
    const enum spr_filter_field field = n->term.field;
    leaf->term = &n->term;
    leaf->is_address = field_is_address(field);
    leaf->with_case = field == SPR_FILTER_ID || field == SPR_FILTER_SPOOL ||
                      ((query->flags & SPR_QUERY_CASE) != 0 && field_has_case(field));
    leaf->column = n->column;

    switch (n->term.match) {
    case SPR_MATCH_EXACT:
    case SPR_MATCH_DOMAIN:
    case SPR_MATCH_SUBDOMAIN:
        return set_key(leaf, leaf->with_case);
    case SPR_MATCH_SUBSTRING:
    case SPR_MATCH_GLOB:
    case SPR_MATCH_REGEX:
        return set_pattern(leaf, fault);
    case SPR_MATCH_NETWORK:
    case SPR_MATCH_NONE:
    case SPR_MATCH_RANGE:
    case SPR_MATCH_WORD:
        break;
    }
    return 0;
}

static enum spr_cost field_cost(const struct spr_filter_term *term)
{
    const bool is_key = term->match == SPR_MATCH_EXACT;
    switch (term->field) {
    case SPR_FILTER_FORMAT:
    case SPR_FILTER_SPOOL:
    case SPR_FILTER_HOST:
        return SPR_COST_CONSTANT;
    case SPR_FILTER_ACCOUNT:
    case SPR_FILTER_FROM:
    case SPR_FILTER_LOCAL_USER:
        return is_key ? SPR_COST_LOOKUP : SPR_COST_DICTIONARY;
    case SPR_FILTER_CLIENT:
        return term->match == SPR_MATCH_EXACT || term->match == SPR_MATCH_NETWORK
                   ? SPR_COST_LOOKUP
                   : SPR_COST_DICTIONARY;
    case SPR_FILTER_RCPT:
    case SPR_FILTER_ANY:
    case SPR_FILTER_TO:
    case SPR_FILTER_DONE:
        return is_key ? SPR_COST_LOOKUP : SPR_COST_RECIPIENTS;
    case SPR_FILTER_ERROR:
    case SPR_FILTER_PENDING:
        return SPR_COST_RECIPIENTS;
    case SPR_FILTER_HELO:
    case SPR_FILTER_SUBJECT:
    case SPR_FILTER_HEADER_FROM:
        return SPR_COST_DICTIONARY;
    case SPR_FILTER_ID:
        return is_key ? SPR_COST_LOOKUP : SPR_COST_IDS;
    case SPR_FILTER_STATE:
    case SPR_FILTER_AGE:
    case SPR_FILTER_ARRIVED:
    case SPR_FILTER_SIZE:
    case SPR_FILTER_RCPTS:
    case SPR_FILTER_ATTEMPTS:
    case SPR_FILTER_IS:
        return SPR_COST_COLUMN;
    }
    return SPR_COST_IDS;
}

/* Children lie before their parents in the node array, so one pass from the start suffices. */
static void set_costs(struct spr_query *query)
{
    const struct spr_filter *filter = query->filter;
    for (uint32_t i = 0; i < filter->node_count; i++) {
        const struct spr_filter_node *node = &filter->nodes[i];
        enum spr_cost cost = SPR_COST_CONSTANT;
        if (node->kind == SPR_FILTER_TERM) {
            cost = field_cost(&node->term);
        }
        for (uint32_t child = node->first_child; child != SPR_FILTER_NO_NODE;
             child = filter->nodes[child].next_sibling) {
            cost = query->cost[child] > cost ? query->cost[child] : cost;
        }
        query->cost[i] = cost;
    }
}

/* A fault of a pattern counts from the pattern's start; the operator's from the query's. */
static void move_fault(const struct spr_query *query, uint32_t node, struct spr_fault *fault)
{
    if (fault != NULL && fault->code == SPR_E_SYNTAX) {
        const struct spr_filter_node *n = &query->filter->nodes[node];
        const uint8_t *start = (const uint8_t *)query->filter->text;
        const uint8_t *value = n->term.value.bytes;
        const bool inside = value >= start && value <= start + strlen(query->filter->text);
        const uint64_t column =
            inside ? (uint64_t)(value - start) + fault->offset : (uint64_t)n->column;
        char detail[sizeof(fault->detail)];
        memcpy(detail, fault->detail, sizeof(detail));
        (void)spr_fault_set(fault, SPR_E_SYNTAX, query->filter->text, column, detail);
    }
}

int spr_query_compile(const char *text, uint32_t flags, struct spr_query **ret_query,
                      struct spr_fault *fault)
{
    struct spr_query *query = calloc(1, sizeof(*query));
    if (query == NULL) {
        return -ENOMEM;
    }
    query->flags = flags;

    int r = spr_filter_parse(text, &query->filter, fault);
    if (r < 0) {
        goto fail;
    }
    const uint32_t count = query->filter->node_count;
    query->leaves = calloc(count, sizeof(*query->leaves));
    query->cost = calloc(count, sizeof(*query->cost));
    if (query->leaves == NULL || query->cost == NULL) {
        r = -ENOMEM;
        goto fail;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (query->filter->nodes[i].kind == SPR_FILTER_TERM) {
            r = compile_leaf(query, i, fault);
            if (r < 0) {
                move_fault(query, i, fault);
                goto fail;
            }
        }
    }
    set_costs(query);
    query->is_everything = query->filter->nodes[query->filter->root].kind == SPR_FILTER_EVERYTHING;
    *ret_query = query;
    return 0;

fail:
    spr_query_free(query);
    return r;
}

void spr_query_free(struct spr_query *query)
{
    if (query == NULL) {
        return;
    }
    for (uint32_t i = 0; query->leaves != NULL && i < query->filter->node_count; i++) {
        free(query->leaves[i].key);
        free(query->leaves[i].cased_key);
        spr_pattern_free(query->leaves[i].pattern);
    }
    free(query->leaves);
    free(query->cost);
    spr_filter_free(query->filter);
    free(query);
}

uint32_t spr_query_needs(const struct spr_query *query)
{
    uint32_t needs = 0;
    for (uint32_t i = 0; i < query->filter->node_count; i++) {
        const struct spr_filter_node *node = &query->filter->nodes[i];
        if (node->kind != SPR_FILTER_TERM) {
            continue;
        }
        if (node->term.field == SPR_FILTER_SUBJECT || node->term.field == SPR_FILTER_HEADER_FROM) {
            needs |= SPR_SCAN_SUBJECTS;
        } else if (node->term.field == SPR_FILTER_ERROR) {
            needs |= SPR_SCAN_ERRORS;
        }
    }
    return needs;
}

bool spr_query_is_everything(const struct spr_query *query)
{
    return query->is_everything;
}

struct spr_text spr_leaf_literal(const struct spr_leaf *leaf)
{
    if (leaf->pattern != NULL) {
        return spr_pattern_literal(leaf->pattern);
    }
    return (struct spr_text){ leaf->key, leaf->key_length }; /* empty where there is no key */
}

int spr_leaf_matcher_new(const struct spr_leaf *leaf, struct spr_leaf_matcher **ret_matcher)
{
    struct spr_leaf_matcher *matcher = calloc(1, sizeof(*matcher));
    if (matcher == NULL) {
        return -ENOMEM;
    }
    matcher->leaf = leaf;
    if (leaf->pattern != NULL) {
        const int r = spr_pattern_matcher_new(leaf->pattern, &matcher->pattern);
        if (r < 0) {
            spr_leaf_matcher_free(matcher);
            return r;
        }
    }
    *ret_matcher = matcher;
    return 0;
}

void spr_leaf_matcher_free(struct spr_leaf_matcher *matcher)
{
    if (matcher == NULL) {
        return;
    }
    spr_pattern_matcher_free(matcher->pattern);
    free(matcher);
}

static bool same_bytes(const uint8_t *bytes, size_t length, const uint8_t *key, size_t key_length)
{
    return length == key_length && (length == 0 || memcmp(bytes, key, length) == 0);
}

static bool matches_exact(struct spr_leaf_matcher *matcher, struct spr_text text)
{
    const struct spr_leaf *leaf = matcher->leaf;
    if (leaf->cased_key != NULL) {
        const size_t length = write_cased(text, matcher->form);
        return same_bytes(matcher->form, length, leaf->cased_key, leaf->cased_key_length);
    }
    const size_t length = spr_address_normalise(text, matcher->form);
    return same_bytes(matcher->form, length, leaf->key, leaf->key_length);
}

static bool matches_domain(struct spr_leaf_matcher *matcher, struct spr_text text)
{
    const struct spr_leaf *leaf = matcher->leaf;
    const struct spr_text domain = spr_address_domain(spr_address_unquote(text, matcher->unquoted));
    if (domain.bytes == NULL) {
        return false;
    }
    const size_t length = spr_domain_normalise(domain, matcher->form);
    if (same_bytes(matcher->form, length, leaf->key, leaf->key_length)) {
        return true;
    }
    if (leaf->term->match != SPR_MATCH_SUBDOMAIN || length <= leaf->key_length) {
        return false;
    }
    const uint8_t *tail = matcher->form + length - leaf->key_length;
    return tail[-1] == '.' && memcmp(tail, leaf->key, leaf->key_length) == 0;
}

/* Addresses are matched as spelled and in normal form, so that both spellings of a domain find. */
static int matches_pattern(struct spr_leaf_matcher *matcher, struct spr_text text)
{
    if (!matcher->leaf->is_address) {
        return spr_pattern_match(matcher->pattern, text);
    }
    const struct spr_text spelled = spr_address_unquote(text, matcher->unquoted);
    const int r = spr_pattern_match(matcher->pattern, spelled);
    if (r != 0) {
        return r;
    }
    if (spr_address_is_normal(text)) {
        return 0; /* both are the same */
    }
    const size_t length = matcher->leaf->with_case ? write_cased(text, matcher->form)
                                                   : spr_address_normalise(text, matcher->form);
    if (same_bytes(matcher->form, length, spelled.bytes, spelled.length)) {
        return 0;
    }
    return spr_pattern_match(matcher->pattern, (struct spr_text){ matcher->form, length });
}

int spr_leaf_matches(struct spr_leaf_matcher *matcher, struct spr_text text)
{
    const struct spr_filter_term *term = matcher->leaf->term;
    switch (term->match) {
    case SPR_MATCH_EXACT:
        return matches_exact(matcher, text) ? 1 : 0;
    case SPR_MATCH_DOMAIN:
    case SPR_MATCH_SUBDOMAIN:
        return matches_domain(matcher, text) ? 1 : 0;
    case SPR_MATCH_SUBSTRING:
    case SPR_MATCH_GLOB:
    case SPR_MATCH_REGEX:
        return matches_pattern(matcher, text);
    case SPR_MATCH_NETWORK:
        return spr_network_contains(&term->network, text) ? 1 : 0;
    case SPR_MATCH_NONE:
        return text.length == 0 ? 1 : 0;
    case SPR_MATCH_RANGE:
    case SPR_MATCH_WORD:
        break;
    }
    return 0;
}
