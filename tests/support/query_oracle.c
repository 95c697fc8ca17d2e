/*
 * A brute-force evaluator. Of the code under test it uses the parser, the normal forms and the
 * regular expressions, which have tests of their own.
 */
#include "tests/support/query_oracle.h"

#include "core/index/address.h"
#include "core/query/pattern.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

struct form {
    uint8_t bytes[2 * SPR_ADDRESS_MAX + 1];
    size_t length;
};

static bool same(const uint8_t *a, size_t a_length, const uint8_t *b, size_t b_length)
{
    return a_length == b_length && (a_length == 0 || memcmp(a, b, a_length) == 0);
}

static int lower(int c)
{
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

/* The local part as spelled before the domain's normal form, or all in normal form. */
static void write_form(struct spr_text text, bool with_case, struct form *form)
{
    form->length = spr_address_normalise(text, form->bytes);
    if (!with_case) {
        return;
    }
    uint8_t unquoted[SPR_ADDRESS_MAX];
    const struct spr_text plain = spr_address_unquote(text, unquoted);
    const struct spr_text domain = spr_address_domain(plain);
    const size_t local = domain.bytes != NULL ? plain.length - domain.length : plain.length;
    /* Lower-casing keeps lengths, so the local part can be put back in place. */
    memcpy(form->bytes, plain.bytes, local);
}

static bool glob_here(const uint8_t *p, size_t p_length, const uint8_t *t, size_t t_length,
                      bool with_case)
{
    if (p_length == 0) {
        return t_length == 0;
    }
    if (p[0] == '*') {
        for (size_t i = 0; i <= t_length; i++) {
            if (glob_here(p + 1, p_length - 1, t + i, t_length - i, with_case)) {
                return true;
            }
        }
        return false;
    }
    if (t_length == 0) {
        return false;
    }
    size_t step = 1;
    if (p[0] == '\\' && p_length > 1) {
        p++;
        p_length--;
    } else if (p[0] == '?') {
        return glob_here(p + 1, p_length - 1, t + 1, t_length - 1, with_case);
    }
    if (with_case ? p[0] != t[0] : lower(p[0]) != lower(t[0])) {
        return false;
    }
    return glob_here(p + step, p_length - step, t + step, t_length - step, with_case);
}

static bool substring_in(struct spr_text needle, struct spr_text text, bool with_case)
{
    for (size_t at = 0; at + needle.length <= text.length; at++) {
        size_t n = 0;
        while (n < needle.length &&
               (with_case ? needle.bytes[n] == text.bytes[at + n]
                          : lower(needle.bytes[n]) == lower(text.bytes[at + n]))) {
            n++;
        }
        if (n == needle.length) {
            return true;
        }
    }
    return false;
}

static bool regex_in(struct spr_text regex, struct spr_text text, bool with_case)
{
    struct spr_pattern *pattern = NULL;
    struct spr_pattern_matcher *matcher = NULL;
    cr_assert_eq(spr_pattern_compile(SPR_PATTERN_REGEX, regex, with_case, &pattern, NULL), 0);
    cr_assert_eq(spr_pattern_matcher_new(pattern, &matcher), 0);
    const int r = spr_pattern_match(matcher, text);
    spr_pattern_matcher_free(matcher);
    spr_pattern_free(pattern);
    cr_assert_geq(r, 0);
    return r > 0;
}

static bool pattern_in(const struct spr_filter_term *term, struct spr_text text, bool with_case)
{
    if (term->match == SPR_MATCH_REGEX) {
        return regex_in(term->value, text, with_case);
    }
    return glob_here(term->value.bytes, term->value.length, text.bytes, text.length, with_case);
}

static bool domain_in(const struct spr_filter_term *term, struct spr_text text)
{
    static struct form wanted;
    static struct form found;
    uint8_t unquoted[SPR_ADDRESS_MAX];
    const struct spr_text domain = spr_address_domain(spr_address_unquote(text, unquoted));
    if (domain.bytes == NULL) {
        return false;
    }
    wanted.length = spr_domain_normalise(term->value, wanted.bytes);
    found.length = spr_domain_normalise(domain, found.bytes);
    if (same(wanted.bytes, wanted.length, found.bytes, found.length)) {
        return true;
    }
    return term->match == SPR_MATCH_SUBDOMAIN && found.length > wanted.length &&
           found.bytes[found.length - wanted.length - 1] == '.' &&
           memcmp(found.bytes + found.length - wanted.length, wanted.bytes, wanted.length) == 0;
}

/* "@…" is any local part; a domain without wildcards compares in normal form. */
static struct spr_filter_term address_glob(const struct spr_filter_term *term, struct form *glob)
{
    struct spr_filter_term changed = *term;
    const struct spr_text value = term->value;
    if (term->match != SPR_MATCH_GLOB) {
        return changed;
    }
    const struct spr_text domain = spr_address_domain(value);
    const size_t local = value.length - (domain.bytes != NULL ? domain.length : 0);
    glob->length = 0;
    if (value.bytes[0] == '@') {
        glob->bytes[glob->length++] = '*';
    }
    memcpy(glob->bytes + glob->length, value.bytes, local);
    glob->length += local;
    bool plain = true;
    for (size_t i = 0; i < domain.length; i++) {
        plain = plain && strchr("*?\\", domain.bytes[i]) == NULL;
        glob->bytes[glob->length + i] = (uint8_t)lower(domain.bytes[i]);
    }
    glob->length += plain && domain.length > 0
                        ? spr_domain_normalise(domain, glob->bytes + glob->length)
                        : domain.length;
    changed.value = (struct spr_text){ glob->bytes, glob->length };
    return changed;
}

/* An address, account or other text of that kind. */
static bool address_matches(const struct query_oracle *o, const struct spr_filter_term *term,
                            struct spr_text text)
{
    static struct form wanted;
    static struct form found;
    if (term->match == SPR_MATCH_NONE || text.bytes == NULL) {
        return term->match == SPR_MATCH_NONE && text.bytes == NULL;
    }
    if (term->match == SPR_MATCH_DOMAIN || term->match == SPR_MATCH_SUBDOMAIN) {
        return domain_in(term, text);
    }
    write_form(text, o->with_case, &found);
    if (term->match == SPR_MATCH_EXACT) {
        write_form(term->value, o->with_case, &wanted);
        return same(wanted.bytes, wanted.length, found.bytes, found.length);
    }
    uint8_t unquoted[SPR_ADDRESS_MAX];
    const struct spr_filter_term glob = address_glob(term, &wanted);
    return pattern_in(&glob, spr_address_unquote(text, unquoted), o->with_case) ||
           pattern_in(&glob, (struct spr_text){ found.bytes, found.length }, o->with_case);
}

static bool rcpt_matches(const struct query_oracle *o, const struct spr_filter_term *term,
                         const struct spr_record *record)
{
    for (uint32_t i = 0; i < record->recipient_count; i++) {
        const struct spr_recipient *rcpt = &record->recipients[i];
        const bool pending = rcpt->state == SPR_RECIPIENT_PENDING;
        if ((term->field == SPR_FILTER_TO && !pending) ||
            (term->field == SPR_FILTER_DONE && pending)) {
            continue;
        }
        if (address_matches(o, term, rcpt->address) ||
            (rcpt->original.bytes != NULL && address_matches(o, term, rcpt->original))) {
            return true;
        }
    }
    return false;
}

/* Texts that are no addresses. */
static bool text_matches(const struct spr_filter_term *term, struct spr_text text, bool with_case)
{
    static struct form wanted;
    static struct form found;
    if (term->match == SPR_MATCH_NONE || text.bytes == NULL) {
        return term->match == SPR_MATCH_NONE && text.bytes == NULL;
    }
    switch (term->match) {
    case SPR_MATCH_EXACT:
        write_form(text, with_case, &found);
        write_form(term->value, with_case, &wanted);
        return same(wanted.bytes, wanted.length, found.bytes, found.length);
    case SPR_MATCH_SUBSTRING:
        return substring_in(term->value, text, with_case);
    case SPR_MATCH_NETWORK:
        return spr_network_contains(&term->network, text);
    case SPR_MATCH_GLOB:
    case SPR_MATCH_REGEX:
        return pattern_in(term, text, with_case);
    case SPR_MATCH_DOMAIN:
    case SPR_MATCH_SUBDOMAIN:
    case SPR_MATCH_NONE:
    case SPR_MATCH_RANGE:
    case SPR_MATCH_WORD:
        break;
    }
    return false;
}

static bool error_matches(const struct query_oracle *o, const struct spr_filter_term *term,
                          const struct spr_record *record)
{
    if (term->match == SPR_MATCH_NONE) {
        bool any = record->text[SPR_COLUMN_LAST_ERROR].bytes != NULL;
        for (uint32_t i = 0; i < record->recipient_count; i++) {
            any = any || record->recipients[i].error.bytes != NULL;
        }
        return !any;
    }
    if (text_matches(term, record->text[SPR_COLUMN_LAST_ERROR], o->with_case)) {
        return true;
    }
    for (uint32_t i = 0; i < record->recipient_count; i++) {
        if (text_matches(term, record->recipients[i].error, o->with_case)) {
            return true;
        }
    }
    return false;
}

static bool number_matches(const struct spr_filter_term *term, int64_t value)
{
    if (term->match == SPR_MATCH_NONE) {
        return value == INT64_MIN;
    }
    return value != INT64_MIN && value >= term->range.low && value <= term->range.high;
}

static bool age_matches(const struct query_oracle *o, const struct spr_filter_term *term,
                        int64_t arrival)
{
    int64_t age = 0;
    if (term->match == SPR_MATCH_NONE || arrival == INT64_MIN) {
        return number_matches(term, arrival);
    }
    return !__builtin_sub_overflow(o->now, arrival, &age) && number_matches(term, age);
}

static int64_t pending_count(const struct spr_record *record)
{
    int64_t count = 0;
    for (uint32_t i = 0; i < record->recipient_count; i++) {
        count += record->recipients[i].state == SPR_RECIPIENT_PENDING;
    }
    return count;
}

static bool word_matches(const struct spr_is_word *word, const struct spr_record *record)
{
    switch (word->test) {
    case SPR_IS_FLAG:
        return (record->flags & word->value) != 0;
    case SPR_IS_STATE:
        return record->state == word->value;
    case SPR_IS_BOUNCE:
        break;
    case SPR_IS_AUTH:
        return record->auth_source != SPR_AUTH_NONE;
    }
    static struct form sender;
    const struct spr_text text = record->text[SPR_COLUMN_SENDER];
    write_form(text, false, &sender);
    return (record->flags & SPR_MESSAGE_BOUNCE) != 0 || (text.bytes != NULL && sender.length == 0);
}

static struct spr_text text_of(const char *string)
{
    return (struct spr_text){ (const uint8_t *)string, string != NULL ? strlen(string) : 0 };
}

static bool state_matches(const struct query_oracle *o, const struct spr_filter_term *term,
                          const struct spr_record *record)
{
    if (term->match == SPR_MATCH_WORD) {
        return word_matches(term->word, record);
    }
    struct spr_text word = record->text[SPR_COLUMN_QUEUE_NAME];
    if (word.bytes == NULL && o->format != NULL && record->dir < o->format->dir_count) {
        word = text_of(o->format->dirs[record->dir].word);
    }
    return text_matches(term, word, false);
}

static bool id_matches(const struct spr_filter_term *term, struct spr_text id)
{
    if (term->match == SPR_MATCH_EXACT) {
        return same(term->value.bytes, term->value.length, id.bytes, id.length);
    }
    return pattern_in(term, id, true);
}

static bool local_user_matches(const struct query_oracle *o, const struct spr_filter_term *term,
                               const struct spr_record *record)
{
    if (text_matches(term, record->text[SPR_COLUMN_LOCAL_USER], o->with_case)) {
        return true;
    }
    char number[32] = "";
    if (term->match != SPR_MATCH_EXACT || term->value.length == 0 || term->value.length > 18) {
        return false;
    }
    memcpy(number, term->value.bytes, term->value.length);
    return strspn(number, "0123456789") == term->value.length &&
           record->number[SPR_NUMBER_UID] == strtoll(number, NULL, 10);
}

static bool term_matches(const struct query_oracle *o, const struct spr_filter_term *term,
                         const struct spr_record *record)
{
    switch (term->field) {
    case SPR_FILTER_ANY:
        return address_matches(o, term, record->text[SPR_COLUMN_ACCOUNT]) ||
               address_matches(o, term, record->text[SPR_COLUMN_SENDER]) ||
               rcpt_matches(o, term, record);
    case SPR_FILTER_ACCOUNT:
        return address_matches(o, term, record->text[SPR_COLUMN_ACCOUNT]);
    case SPR_FILTER_FROM:
        return address_matches(o, term, record->text[SPR_COLUMN_SENDER]);
    case SPR_FILTER_TO:
    case SPR_FILTER_DONE:
    case SPR_FILTER_RCPT:
        return rcpt_matches(o, term, record);
    case SPR_FILTER_LOCAL_USER:
        return local_user_matches(o, term, record);
    case SPR_FILTER_CLIENT:
        return text_matches(term, record->text[SPR_COLUMN_CLIENT], false);
    case SPR_FILTER_HELO:
        return text_matches(term, record->text[SPR_COLUMN_HELO], false);
    case SPR_FILTER_SUBJECT:
        return text_matches(term, record->text[SPR_COLUMN_SUBJECT], o->with_case);
    case SPR_FILTER_HEADER_FROM:
        return text_matches(term, record->text[SPR_COLUMN_HEADER_FROM], o->with_case);
    case SPR_FILTER_ID:
        return id_matches(term, record->queue_id);
    case SPR_FILTER_STATE:
        return state_matches(o, term, record);
    case SPR_FILTER_ERROR:
        return error_matches(o, term, record);
    case SPR_FILTER_AGE:
        return age_matches(o, term, record->number[SPR_NUMBER_ARRIVAL]);
    case SPR_FILTER_ARRIVED:
        return number_matches(term, record->number[SPR_NUMBER_ARRIVAL]);
    case SPR_FILTER_SIZE:
        return number_matches(term, record->number[SPR_NUMBER_SIZE]);
    case SPR_FILTER_RCPTS:
        return number_matches(term, record->recipient_count);
    case SPR_FILTER_PENDING:
        return number_matches(term, pending_count(record));
    case SPR_FILTER_ATTEMPTS:
        return number_matches(term, record->number[SPR_NUMBER_ATTEMPTS]);
    case SPR_FILTER_FORMAT:
        return text_matches(term, text_of(o->manifest->format), false);
    case SPR_FILTER_SPOOL:
        return text_matches(term, text_of(o->manifest->spool_root), true);
    case SPR_FILTER_HOST:
        return text_matches(term, text_of(o->manifest->host), false);
    case SPR_FILTER_IS:
        return word_matches(term->word, record);
    }
    return false;
}

static bool node_matches(const struct query_oracle *o, uint32_t number,
                         const struct spr_record *record)
{
    const struct spr_filter_node *nodes = o->filter->nodes;
    const struct spr_filter_node *node = &nodes[number];
    switch (node->kind) {
    case SPR_FILTER_EVERYTHING:
        return true;
    case SPR_FILTER_NOT:
        return !node_matches(o, node->first_child, record);
    case SPR_FILTER_TERM:
        return term_matches(o, &node->term, record);
    case SPR_FILTER_AND:
    case SPR_FILTER_OR:
        break;
    }
    for (uint32_t child = node->first_child; child != SPR_FILTER_NO_NODE;
         child = nodes[child].next_sibling) {
        if (node_matches(o, child, record) != (node->kind == SPR_FILTER_AND)) {
            return node->kind == SPR_FILTER_OR;
        }
    }
    return node->kind == SPR_FILTER_AND;
}

bool oracle_matches(const struct query_oracle *oracle, const struct spr_record *record)
{
    return node_matches(oracle, oracle->filter->root, record);
}
