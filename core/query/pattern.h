/*
 * Globs, substrings and regular expressions over arbitrary bytes.
 *
 * A compiled pattern is immutable and may serve many threads; each match runs in a matcher of its
 * own. Case is ignored unless asked for: ASCII letters in globs and substrings, Unicode letters in
 * regular expressions. Every match ends: globs take time proportional to text times pattern,
 * regular expressions stop at a limit of steps, memory and depth with SPR_E_SYNTAX.
 */
#ifndef SPR_CORE_QUERY_PATTERN_H
#define SPR_CORE_QUERY_PATTERN_H

#include "core/spoolray.h"

enum spr_pattern_kind {
    SPR_PATTERN_GLOB, /* the whole text: * any bytes, ? one character, \x the character x */
    SPR_PATTERN_SUBSTRING,
    SPR_PATTERN_REGEX, /* found anywhere unless anchored */
};

struct spr_pattern;
struct spr_pattern_matcher;

/* SPR_E_SYNTAX: fault->offset is the offset in text, fault->detail what is wrong there. */
int spr_pattern_compile(enum spr_pattern_kind kind, struct spr_text text, bool with_case,
                        struct spr_pattern **ret_pattern, struct spr_fault *fault);
void spr_pattern_free(struct spr_pattern *pattern);
/* Bytes that every matching text has one behind the other, its ASCII letters in lower case; of a
 * regular expression only ASCII, and only in texts that are ASCII. Length 0: none is known.
 * Borrowed. */
struct spr_text spr_pattern_literal(const struct spr_pattern *pattern);

int spr_pattern_matcher_new(const struct spr_pattern *pattern,
                            struct spr_pattern_matcher **ret_matcher);
void spr_pattern_matcher_free(struct spr_pattern_matcher *matcher);
/* 1 matches, 0 does not. */
int spr_pattern_match(struct spr_pattern_matcher *matcher, struct spr_text text);

#endif
