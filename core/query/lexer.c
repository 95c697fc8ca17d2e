/*
 * A hand-written lexer. Every step moves forward; what it writes fits the arena, because one byte
 * of text makes at most one of value and two of glob.
 */
#include "core/query/lexer.h"

#include "core/query/fields.h"

#include <string.h>
#include <strings.h>

static int peek_at(const struct spr_lexer *lexer, size_t at)
{
    return at < lexer->length ? lexer->text[at] : -1;
}

static int peek(const struct spr_lexer *lexer)
{
    return peek_at(lexer, lexer->at);
}

static bool is_space(int c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool ends_term(int c)
{
    return c < 0 || is_space(c) || c == ')';
}

static bool is_name_letter(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

static bool fail(struct spr_lexer *lexer, size_t column, const char *expected)
{
    lexer->error_column = column;
    lexer->expected = expected;
    return false;
}

/* Where value and glob of one term grow. */
struct output {
    uint8_t *value, *glob;
    size_t value_length, glob_length;
};

static void put_literal(struct output *out, uint8_t c)
{
    out->value[out->value_length++] = c;
    if (c == '*' || c == '?' || c == '\\') {
        out->glob[out->glob_length++] = '\\';
    }
    out->glob[out->glob_length++] = c;
}

static bool is_escapable(int c)
{
    return c >= 0 && strchr("*?\\\"'()/: ", c) != NULL && c != '\0';
}

static bool take_quoted(struct spr_lexer *lexer, struct output *out)
{
    const size_t start = lexer->at;
    const int quote = peek(lexer);
    lexer->at++;
    while (peek(lexer) != quote) {
        int c = peek(lexer);
        if (c < 0) {
            return fail(lexer, start, "expected a closing quote");
        }
        if (c == '\\' && quote == '"' && is_escapable(peek_at(lexer, lexer->at + 1))) {
            lexer->at++;
            c = peek(lexer);
        }
        put_literal(out, (uint8_t)c);
        lexer->at++;
    }
    lexer->at++;
    return true;
}

static bool take_plain(struct spr_lexer *lexer, struct spr_token *token, struct output *out)
{
    while (!ends_term(peek(lexer))) {
        const int c = peek(lexer);
        if (c == '"' || c == '\'') {
            token->is_quoted = true;
            if (!take_quoted(lexer, out)) {
                return false;
            }
        } else if (c == '(') {
            return fail(lexer, lexer->at,
                        "expected a space before '(', or quotes around the value");
        } else if (c == '\\' && is_escapable(peek_at(lexer, lexer->at + 1))) {
            put_literal(out, lexer->text[lexer->at + 1]);
            lexer->at += 2;
        } else if (c == '*' || c == '?') {
            token->is_glob = true;
            out->value[out->value_length++] = (uint8_t)c;
            out->glob[out->glob_length++] = (uint8_t)c;
            lexer->at++;
        } else {
            put_literal(out, (uint8_t)c);
            lexer->at++;
        }
    }
    return true;
}

static bool take_regex(struct spr_lexer *lexer, struct spr_token *token)
{
    const size_t start = ++lexer->at;
    while (peek(lexer) != '/') {
        if (peek(lexer) == '\\') {
            lexer->at++;
        }
        if (peek(lexer) < 0) {
            return fail(lexer, start - 1, "expected a closing '/' of the regular expression");
        }
        lexer->at++;
    }
    token->value = (struct spr_text){ lexer->text + start, lexer->at - start };
    token->is_regex = true;
    lexer->at++;
    if (!ends_term(peek(lexer))) {
        return fail(lexer, lexer->at, "expected a space after the closing '/'");
    }
    if (token->value.length == 0) {
        return fail(lexer, start - 1, "expected a regular expression between the slashes");
    }
    return true;
}

/* The name before a colon, if there is one. */
static void take_field(struct spr_lexer *lexer, struct spr_token *token)
{
    size_t at = lexer->at;
    while (is_name_letter(peek_at(lexer, at))) {
        at++;
    }
    if (at > lexer->at && peek_at(lexer, at) == ':') {
        token->field = (struct spr_text){ lexer->text + lexer->at, at - lexer->at };
        lexer->at = at + 1;
    }
}

static bool slash_is_regex(const struct spr_token *token)
{
    const struct spr_field_rule *rule =
        token->field.bytes == NULL ? &spr_field_any : spr_field_find(token->field);
    return rule == NULL || rule->kind != SPR_FIELD_KIND_PATH;
}

static bool take_term(struct spr_lexer *lexer, struct spr_token *token)
{
    token->kind = SPR_TOKEN_TERM;
    take_field(lexer, token);
    token->value_column = lexer->at;
    if (peek(lexer) == '/' && slash_is_regex(token)) {
        return take_regex(lexer, token);
    }
    const size_t left = lexer->length - lexer->at;
    struct output out = { lexer->arena + lexer->used, lexer->arena + lexer->used + left, 0, 0 };
    if (!take_plain(lexer, token, &out)) {
        return false;
    }
    /* The room of this term: one byte a byte of text for value, two for glob. */
    const size_t taken = lexer->at - token->value_column;
    memmove(out.value + taken, out.glob, out.glob_length);
    token->value = (struct spr_text){ out.value, out.value_length };
    token->glob = (struct spr_text){ out.value + taken, out.glob_length };
    lexer->used += taken * 3;
    return true;
}

static void note_keyword(struct spr_token *token)
{
    static const struct {
        const char *word;
        enum spr_token_kind kind;
    } keywords[] = {
        { "and", SPR_TOKEN_AND },
        { "or", SPR_TOKEN_OR },
        { "not", SPR_TOKEN_NOT },
    };
    for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
        if (token->length == strlen(keywords[i].word) &&
            strncasecmp((const char *)token->value.bytes, keywords[i].word, token->length) == 0) {
            token->kind = keywords[i].kind;
        }
    }
}

/* "not(" and the like: the keyword ends before the parenthesis. */
static bool keyword_before_open(struct spr_lexer *lexer, struct spr_token *token)
{
    size_t at = lexer->at;
    while (is_name_letter(peek_at(lexer, at))) {
        at++;
    }
    if (at == lexer->at || peek_at(lexer, at) != '(') {
        return false;
    }
    token->kind = SPR_TOKEN_TERM;
    token->length = at - lexer->at;
    token->value = (struct spr_text){ lexer->text + lexer->at, token->length };
    note_keyword(token);
    if (token->kind == SPR_TOKEN_TERM) {
        return false;
    }
    lexer->at = at;
    return true;
}

bool spr_lexer_next(struct spr_lexer *lexer, struct spr_token *ret_token)
{
    while (is_space(peek(lexer))) {
        lexer->at++;
    }
    struct spr_token token = { .column = lexer->at, .value_column = lexer->at };
    const int c = peek(lexer);
    if (c < 0) {
        token.kind = SPR_TOKEN_END;
    } else if (c == '(' || c == ')') {
        token.kind = c == '(' ? SPR_TOKEN_OPEN : SPR_TOKEN_CLOSE;
        token.length = 1;
        lexer->at++;
    } else if (!keyword_before_open(lexer, &token)) {
        if (!take_term(lexer, &token)) {
            return false;
        }
        token.length = lexer->at - token.column;
        if (token.field.bytes == NULL && !token.is_quoted && !token.is_regex) {
            note_keyword(&token);
        }
    }
    *ret_token = token;
    return true;
}
