/*
 * One token to one term of the expression tree.
 */
#ifndef SPR_CORE_QUERY_TERM_H
#define SPR_CORE_QUERY_TERM_H

#include "core/query/filter.h"
#include "core/query/lexer.h"

#include <stdarg.h>

/* SPR_E_SYNTAX where field or value cannot be understood. *ret_everything: it is a bare '*'. */
int spr_term_parse(const char *text, const struct spr_token *token,
                   struct spr_filter_term *ret_term, bool *ret_everything, struct spr_fault *fault);
/* Fills the fault of a syntax error; returns SPR_E_SYNTAX. */
__attribute__((format(printf, 4, 0))) int spr_term_refuse(struct spr_fault *fault, const char *text,
                                                          size_t column, const char *format,
                                                          va_list arguments);

#endif
