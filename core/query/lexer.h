/*
 * Query text to tokens: quotes and escapes resolved, wildcards told from literal characters.
 */
#ifndef SPR_CORE_QUERY_LEXER_H
#define SPR_CORE_QUERY_LEXER_H

#include "core/spoolray.h"

enum spr_token_kind {
    SPR_TOKEN_END,
    SPR_TOKEN_OPEN,
    SPR_TOKEN_CLOSE,
    SPR_TOKEN_AND,
    SPR_TOKEN_OR,
    SPR_TOKEN_NOT,
    SPR_TOKEN_TERM,
};

struct spr_token {
    enum spr_token_kind kind;
    size_t column, length;  /* in the text */
    size_t value_column;    /* TERM: where the value begins */
    struct spr_text field;  /* TERM: what stood before the colon; bytes NULL: a bare word */
    struct spr_text value;  /* TERM: unquoted */
    struct spr_text glob;   /* TERM: unquoted, literal wildcards escaped */
    bool is_quoted;         /* some of it was in quotes */
    bool is_glob, is_regex; /* it has wildcards; value stood between slashes */
};

struct spr_lexer {
    const uint8_t *text;
    size_t length, at;
    uint8_t *arena; /* three bytes for each of the text, given by the caller */
    size_t used;
    size_t error_column;
    const char *expected; /* set on failure */
};

/* False on failure. */
bool spr_lexer_next(struct spr_lexer *lexer, struct spr_token *ret_token);

#endif
