/*
 * What a regular expression asks of every text, so far as it shows without understanding it.
 */
#ifndef SPR_CORE_QUERY_LITERAL_H
#define SPR_CORE_QUERY_LITERAL_H

#include "formats/words.h"

/* The longest run of ASCII characters that stand for themselves, outside of groups and classes, and
 * that no match can do without. Borrowed from the expression; length 0: none. */
struct spr_text spr_literal_of_regex(struct spr_text regex);

#endif
