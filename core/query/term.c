/*
 * What one term means: its field, and whether its value is exact, a pattern, a domain, a range.
 */
#include "core/query/term.h"

#include "core/fault.h"
#include "formats/cursor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct context {
    const char *text; /* the whole query, for the fault */
    const struct spr_token *token;
    struct spr_fault *fault;
};

__attribute__((format(printf, 3, 4))) static int refuse(const struct context *p, size_t column,
                                                        const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int r = spr_term_refuse(p->fault, p->text, column, format, arguments);
    va_end(arguments);
    return r;
}

/* For messages: a short printable copy of what was typed. */
static const char *shown(struct spr_text text, char out[32])
{
    size_t n = text.length < 24 ? text.length : 24;
    for (size_t i = 0; i < n; i++) {
        const uint8_t c = text.bytes[i];
        out[i] = c >= 0x20 && c < 0x7f ? (char)c : '?';
    }
    out[n] = '\0';
    return out;
}

static bool value_is(const struct spr_token *token, const char *word)
{
    return spr_text_equal(token->value, word);
}

static struct spr_text text_from(struct spr_text text, size_t offset)
{
    return (struct spr_text){ text.bytes + offset, text.length - offset };
}

static int set_address(const struct context *p, struct spr_filter_term *term)
{
    const struct spr_token *token = p->token;
    const struct spr_text value = token->value;
    term->value = value;
    if (value_is(token, "<>") || value.length == 0) {
        term->value.length = 0;
        term->match = SPR_MATCH_EXACT;
    } else if (value.bytes[0] == '.' || (value.length > 1 && memcmp(value.bytes, "@.", 2) == 0)) {
        term->match = SPR_MATCH_SUBDOMAIN;
        term->value = text_from(value, value.bytes[0] == '.' ? 1 : 2);
    } else if (value.bytes[0] == '@') {
        term->match = SPR_MATCH_DOMAIN;
        term->value = text_from(value, 1);
    } else {
        term->match = SPR_MATCH_EXACT;
    }
    if (term->match != SPR_MATCH_EXACT && term->value.length == 0) {
        return refuse(p, token->value_column, "expected a domain such as @example.com");
    }
    return 0;
}

static int set_client(const struct context *p, struct spr_filter_term *term)
{
    const struct spr_token *token = p->token;
    term->value = token->value;
    if (spr_network_parse(token->value, &term->network)) {
        term->match = SPR_MATCH_NETWORK;
        return 0;
    }
    if (memchr(token->value.bytes, '/', token->value.length) != NULL) {
        return refuse(p, token->value_column,
                      "expected an address or network such as 192.0.2.0/24");
    }
    term->match = SPR_MATCH_EXACT;
    return 0;
}

static int set_quantity(const struct context *p, const struct spr_field_rule *rule,
                        struct spr_filter_term *term)
{
    const struct spr_token *token = p->token;
    size_t offset = 0;
    const char *expected = NULL;
    if (value_is(token, "none")) {
        term->match = SPR_MATCH_NONE;
        return 0;
    }
    term->match = SPR_MATCH_RANGE;
    if (!spr_range_parse(rule->quantity, token->value, &term->range, &offset, &expected)) {
        return refuse(p, token->value_column + offset, "%s", expected);
    }
    return 0;
}

static int set_is(const struct context *p, struct spr_filter_term *term)
{
    const struct spr_token *token = p->token;
    char word[32];
    term->match = SPR_MATCH_WORD;
    term->word = spr_is_find(token->value);
    if (term->word != NULL) {
        return 0;
    }
    const char *near = spr_is_nearest(token->value);
    if (near != NULL) {
        return refuse(p, token->value_column, "unknown word '%s' after is:, did you mean '%s'?",
                      shown(token->value, word), near);
    }
    return refuse(p, token->value_column,
                  "unknown word '%s', expected auth, bounce, busy, held, incomplete, warned …",
                  shown(token->value, word));
}

/* Patterns look the same in every field that has texts. */
static bool set_pattern(const struct spr_token *token, struct spr_filter_term *term)
{
    if (token->is_regex) {
        term->match = SPR_MATCH_REGEX;
        term->value = token->value;
    } else if (token->is_glob) {
        term->match = SPR_MATCH_GLOB;
        term->value = token->glob;
    } else {
        return false;
    }
    return true;
}

static int set_text(const struct context *p, const struct spr_field_rule *rule,
                    struct spr_filter_term *term)
{
    const struct spr_token *token = p->token;
    const bool may_be_none =
        rule->kind == SPR_FIELD_KIND_TEXT || rule->kind == SPR_FIELD_KIND_FREE ||
        rule->kind == SPR_FIELD_KIND_CLIENT || rule->field == SPR_FILTER_ACCOUNT;
    if (may_be_none &&
        (token->value.length == 0 || (!token->is_quoted && value_is(token, "none")))) {
        term->match = SPR_MATCH_NONE;
        return 0;
    }
    if (set_pattern(token, term)) {
        return 0;
    }
    if (rule->kind == SPR_FIELD_KIND_ADDRESS) {
        return set_address(p, term);
    }
    if (rule->kind == SPR_FIELD_KIND_CLIENT) {
        return set_client(p, term);
    }
    term->value = token->value;
    term->match = rule->kind == SPR_FIELD_KIND_FREE ? SPR_MATCH_SUBSTRING : SPR_MATCH_EXACT;
    if (rule->kind == SPR_FIELD_KIND_STATE) {
        term->word = spr_state_find(token->value);
        term->match = term->word != NULL ? SPR_MATCH_WORD : SPR_MATCH_EXACT;
    }
    return 0;
}

/* "size>100k": the colon was left out. */
static int check_bare_word(const struct context *p)
{
    const struct spr_token *token = p->token;
    size_t n = 0;
    while (n < token->value.length && strchr("<>=", token->value.bytes[n]) == NULL) {
        n++;
    }
    if (n == 0 || n == token->value.length || token->is_quoted) {
        return 0;
    }
    const struct spr_field_rule *rule = spr_field_find((struct spr_text){ token->value.bytes, n });
    if (rule == NULL || rule->kind != SPR_FIELD_KIND_QUANTITY) {
        return 0;
    }
    return refuse(p, token->column + n, "expected a colon after '%s'", rule->name);
}

static int find_rule(const struct context *p, const struct spr_field_rule **ret_rule)
{
    const struct spr_token *token = p->token;
    if (token->field.bytes == NULL) {
        *ret_rule = &spr_field_any;
        return check_bare_word(p);
    }
    const struct spr_field_rule *rule = spr_field_find(token->field);
    if (rule == NULL) {
        char name[32];
        const char *near = spr_field_nearest(token->field);
        if (near != NULL) {
            return refuse(p, token->column, "unknown field '%s', did you mean '%s'?",
                          shown(token->field, name), near);
        }
        return refuse(p, token->column,
                      "unknown field '%s', expected one such as account, from, to, client, age",
                      shown(token->field, name));
    }
    if (token->length == token->field.length + 1) {
        return refuse(p, token->value_column, "expected a value after '%s:'", rule->name);
    }
    *ret_rule = rule;
    return 0;
}

int spr_term_refuse(struct spr_fault *fault, const char *text, size_t column, const char *format,
                    va_list arguments)
{
    char detail[sizeof(fault->detail)];
    (void)vsnprintf(detail, sizeof(detail), format, arguments); /* cut where too long */
    return spr_fault_set(fault, SPR_E_SYNTAX, text, column, detail);
}

int spr_term_parse(const char *text, const struct spr_token *token,
                   struct spr_filter_term *ret_term, bool *ret_everything, struct spr_fault *fault)
{
    const struct context context = { text, token, fault };
    const struct spr_field_rule *rule = NULL;
    int r = find_rule(&context, &rule);
    if (r < 0) {
        return r;
    }
    struct spr_filter_term term = { .field = rule->field };
    bool everything = false;

    if (rule->field == SPR_FILTER_ANY && token->is_glob && value_is(token, "*")) {
        everything = true;
    } else if (rule->kind == SPR_FIELD_KIND_QUANTITY) {
        r = set_quantity(&context, rule, &term);
    } else if (rule->kind == SPR_FIELD_KIND_IS) {
        r = set_is(&context, &term);
    } else {
        r = set_text(&context, rule, &term);
    }
    if (r < 0) {
        return r;
    }
    *ret_term = term;
    *ret_everything = everything;
    return 0;
}
