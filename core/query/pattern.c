/*
 * Regular expressions are PCRE2's, compiled to machine code where the system allows it; globs and
 * substrings are matched here.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "core/query/pattern.h"

#include "core/fault.h"
#include "core/query/literal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <pcre2.h>

#define MATCH_LIMIT     100000 /* backtracking points a match: honest patterns need a few thousand */
#define DEPTH_LIMIT     1000   /* for the interpreter, where there is no machine code */
#define HEAP_LIMIT_KIB  4096
#define JIT_STACK_START ((size_t)32 * 1024)
#define JIT_STACK_MAX   ((size_t)512 * 1024)
#define REGEX_TEXT_MAX  65536 /* bytes of one text that are looked at */

/* Bytes that every matching text has, one behind the other. */
struct required {
    const uint8_t *bytes; /* in the pattern's text */
    size_t length;        /* 0: none */
    size_t rarest;        /* index of the byte that is searched for first */
};

struct spr_pattern {
    enum spr_pattern_kind kind;
    bool with_case;
    uint8_t *text;
    size_t length;
    struct required required;
    uint8_t *literal; /* see spr_pattern_literal */
    size_t literal_length;
    pcre2_code *code;
};

struct spr_pattern_matcher {
    const struct spr_pattern *pattern;
    pcre2_match_data *match;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
};

static uint8_t fold(uint8_t c, bool with_case)
{
    return !with_case && c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

/* Bytes of the character at at: a well-formed UTF-8 sequence, or a single byte. */
static size_t character_length(struct spr_text text, size_t at)
{
    const uint8_t c = text.bytes[at];
    size_t length = 1;
    if (c >= 0xc2 && c < 0xe0) {
        length = 2;
    } else if (c >= 0xe0 && c < 0xf0) {
        length = 3;
    } else if (c >= 0xf0 && c < 0xf5) {
        length = 4;
    }
    if (text.length - at < length) {
        return 1;
    }
    for (size_t i = 1; i < length; i++) {
        if ((text.bytes[at + i] & 0xc0) != 0x80) {
            return 1;
        }
    }
    return length;
}

/* One step of the glob against one character; false: no match here. */
static bool step_matches(const struct spr_pattern *p, size_t *at, struct spr_text text,
                         size_t *text_at)
{
    if (*at >= p->length || *text_at >= text.length) {
        return false;
    }
    if (p->text[*at] == '?') {
        *text_at += character_length(text, *text_at);
        *at += 1;
        return true;
    }
    const size_t literal = p->text[*at] == '\\' && *at + 1 < p->length ? *at + 1 : *at;
    if (fold(p->text[literal], p->with_case) != fold(text.bytes[*text_at], p->with_case)) {
        return false;
    }
    *at = literal + 1;
    *text_at += 1;
    return true;
}

/* Only the last star is ever taken back, so the time is bounded by text times pattern. */
static bool glob_matches(const struct spr_pattern *p, struct spr_text text)
{
    size_t at = 0;
    size_t text_at = 0;
    size_t star = SIZE_MAX;
    size_t star_text = 0;
    while (text_at < text.length || at < p->length) {
        if (at < p->length && p->text[at] == '*') {
            star = ++at;
            star_text = text_at;
        } else if (step_matches(p, &at, text, &text_at)) {
            continue;
        } else if (star != SIZE_MAX && star_text < text.length) {
            star_text += character_length(text, star_text);
            at = star;
            text_at = star_text;
        } else {
            return false;
        }
    }
    return true;
}

/* The longest run of the pattern that stands for itself. */
static void find_required(struct spr_pattern *p)
{
    static const char usual[] = "e.a@otinsrlhdcumpfg0123456789ybwk"; /* the commonest first */
    struct required *required = &p->required;
    const bool has_wildcards = p->kind == SPR_PATTERN_GLOB;
    for (size_t at = 0; at < p->length; at++) {
        size_t end = at;
        while (end < p->length && !(has_wildcards && (p->text[end] == '*' || p->text[end] == '?' ||
                                                      p->text[end] == '\\'))) {
            end++;
        }
        if (end - at > required->length) {
            *required = (struct required){ p->text + at, end - at, 0 };
        }
        at = end < p->length && p->text[end] == '\\' ? end + 1 : end;
    }
    size_t best = 0;
    for (size_t i = 0; i < required->length; i++) {
        const void *found = memchr(usual, required->bytes[i], sizeof(usual) - 1);
        const size_t rank =
            found != NULL ? (size_t)((const char *)found - usual) + 1 : sizeof(usual);
        if (rank > best) {
            best = rank;
            required->rarest = i;
        }
    }
}

static bool stands_at(const struct spr_pattern *p, const uint8_t *bytes)
{
    const struct required *required = &p->required;
    for (size_t i = 0; i < required->length; i++) {
        if (fold(bytes[i], p->with_case) != required->bytes[i]) {
            return false;
        }
    }
    return true;
}

/* Searches for one byte, eight at a time, and looks around where it is: most texts end here. */
static bool has_required(const struct spr_pattern *p, struct spr_text text)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const struct required *required = &p->required;
    if (required->length > text.length) {
        return false;
    }
    const uint8_t byte = required->length > 0 ? required->bytes[required->rarest] : 0;
    const bool both_cases = !p->with_case && byte >= 'a' && byte <= 'z';
    const uint64_t sought = ones * byte;
    const uint64_t folded = both_cases ? ones * 0x20 : 0;
    const uint8_t *first = text.bytes + required->rarest; /* where the byte may stand */
    const size_t places = text.length - required->length + 1;
    size_t at = 0;
    for (; required->length > 0 && at < places; at += 8) {
        uint64_t word = 0;
        const size_t count = places - at < 8 ? places - at : 8;
        memcpy(&word, first + at, count);
        word = (word | folded) ^ sought;
        /* Zero bytes; above the lowest of them others may be taken for such. */
        uint64_t hits = (word - ones) & ~word & (ones << 7);
        for (; hits != 0; hits &= hits - 1) {
            const size_t place = at + (size_t)__builtin_ctzll(hits) / 8;
            if (place < places && stands_at(p, text.bytes + place)) {
                return true;
            }
        }
    }
    return required->length == 0;
}

static pcre2_code *compile_code(struct spr_text text, uint32_t options, int *error,
                                PCRE2_SIZE *offset)
{
    return pcre2_compile(text.bytes, text.length, options, error, offset, NULL);
}

static int compile_regex(struct spr_pattern *p, struct spr_text text, struct spr_fault *fault)
{
    int error = 0;
    PCRE2_SIZE offset = 0;
    /* \C could split a character; a text with bytes that are no UTF-8 is matched around them. */
    const uint32_t options = PCRE2_NEVER_BACKSLASH_C | (p->with_case ? 0 : PCRE2_CASELESS);
    p->code = compile_code(text, options | PCRE2_UTF | PCRE2_MATCH_INVALID_UTF, &error, &offset);
    if (p->code == NULL && error < 0) {
        /* The pattern itself is no UTF-8: then bytes are characters. */
        p->code = compile_code(text, options | PCRE2_NEVER_UTF, &error, &offset);
    }
    if (p->code == NULL) {
        uint8_t message[sizeof(fault->detail)] = "not a regular expression";
        if (error == PCRE2_ERROR_HEAP_FAILED) {
            return -ENOMEM;
        }
        (void)pcre2_get_error_message(error, message, sizeof(message)); /* cut where too long */
        return spr_fault_text(fault, SPR_E_SYNTAX, text, offset, (const char *)message);
    }
    (void)pcre2_jit_compile(p->code, PCRE2_JIT_COMPLETE); /* where refused, it is interpreted */
    return 0;
}

static int keep_literal(struct spr_pattern *p, struct spr_text literal)
{
    p->literal = malloc(literal.length + 1);
    if (p->literal == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < literal.length; i++) {
        p->literal[i] = fold(literal.bytes[i], false);
    }
    p->literal_length = literal.length;
    return 0;
}

int spr_pattern_compile(enum spr_pattern_kind kind, struct spr_text text, bool with_case,
                        struct spr_pattern **ret_pattern, struct spr_fault *fault)
{
    struct spr_pattern *pattern = calloc(1, sizeof(*pattern));
    if (pattern == NULL) {
        return -ENOMEM;
    }
    pattern->kind = kind;
    pattern->with_case = with_case;

    int r = 0;
    if (kind == SPR_PATTERN_REGEX) {
        r = compile_regex(pattern, text, fault);
        if (r == 0) {
            r = keep_literal(pattern, spr_literal_of_regex(text));
        }
    } else {
        pattern->text = malloc(text.length + 1);
        if (pattern->text == NULL) {
            r = -ENOMEM;
            goto fail;
        }
        for (size_t i = 0; i < text.length; i++) {
            pattern->text[i] = fold(text.bytes[i], with_case);
        }
        pattern->length = text.length;
        find_required(pattern);
        r = keep_literal(pattern,
                         (struct spr_text){ pattern->required.bytes, pattern->required.length });
    }
    if (r < 0) {
        goto fail;
    }
    *ret_pattern = pattern;
    return 0;

fail:
    spr_pattern_free(pattern);
    return r;
}

void spr_pattern_free(struct spr_pattern *pattern)
{
    if (pattern == NULL) {
        return;
    }
    pcre2_code_free(pattern->code);
    free(pattern->text);
    free(pattern->literal);
    free(pattern);
}

struct spr_text spr_pattern_literal(const struct spr_pattern *pattern)
{
    return (struct spr_text){ pattern->literal, pattern->literal_length };
}

int spr_pattern_matcher_new(const struct spr_pattern *pattern,
                            struct spr_pattern_matcher **ret_matcher)
{
    struct spr_pattern_matcher *matcher = calloc(1, sizeof(*matcher));
    if (matcher == NULL) {
        return -ENOMEM;
    }
    matcher->pattern = pattern;
    if (pattern->code != NULL) {
        matcher->match = pcre2_match_data_create(1, NULL);
        matcher->context = pcre2_match_context_create(NULL);
        matcher->stack = pcre2_jit_stack_create(JIT_STACK_START, JIT_STACK_MAX, NULL);
        if (matcher->match == NULL || matcher->context == NULL || matcher->stack == NULL) {
            spr_pattern_matcher_free(matcher);
            return -ENOMEM;
        }
        (void)pcre2_set_match_limit(matcher->context, MATCH_LIMIT); /* cannot fail */
        (void)pcre2_set_depth_limit(matcher->context, DEPTH_LIMIT);
        (void)pcre2_set_heap_limit(matcher->context, HEAP_LIMIT_KIB);
        pcre2_jit_stack_assign(matcher->context, NULL, matcher->stack);
    }
    *ret_matcher = matcher;
    return 0;
}

void spr_pattern_matcher_free(struct spr_pattern_matcher *matcher)
{
    if (matcher == NULL) {
        return;
    }
    pcre2_match_data_free(matcher->match);
    pcre2_match_context_free(matcher->context);
    pcre2_jit_stack_free(matcher->stack);
    free(matcher);
}

static int match_regex(struct spr_pattern_matcher *matcher, struct spr_text text)
{
    static const uint8_t nothing[1] = { 0 };
    const uint8_t *bytes = text.bytes != NULL ? text.bytes : nothing;
    const size_t length = text.length < REGEX_TEXT_MAX ? text.length : REGEX_TEXT_MAX;
    const int r =
        pcre2_match(matcher->pattern->code, bytes, length, 0, 0, matcher->match, matcher->context);
    if (r >= 0) {
        return 1;
    }
    if (r == PCRE2_ERROR_NOMATCH) {
        return 0;
    }
    return r == PCRE2_ERROR_NOMEMORY ? -ENOMEM : SPR_E_SYNTAX;
}

int spr_pattern_match(struct spr_pattern_matcher *matcher, struct spr_text text)
{
    switch (matcher->pattern->kind) {
    case SPR_PATTERN_GLOB:
        return has_required(matcher->pattern, text) && glob_matches(matcher->pattern, text) ? 1 : 0;
    case SPR_PATTERN_SUBSTRING:
        return has_required(matcher->pattern, text) ? 1 : 0;
    case SPR_PATTERN_REGEX:
        return match_regex(matcher, text);
    }
    return 0;
}
