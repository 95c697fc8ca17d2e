/*
 * Only what no match can do without may be told; saying nothing is always right.
 */
#include "core/query/literal.h"
#include "formats/cursor.h"

#include <string.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

struct literal_case {
    char regex[48], literal[32];
};

ParameterizedTestParameters(literal, is_the_longest_run_that_every_match_has)
{
    static struct literal_case cases[] = {
        { "", "" },
        { "no-reply@", "no-reply@" },
        { "^no-reply@.*invalid$", "no-reply@" },
        { "a.longer", "longer" },
        { "abc?de", "ab" },
        { "abc*", "ab" },
        { "abc{0,3}", "ab" },
        { "abc+de", "abc" },
        { "abc+?", "abc" },
        { "ab{2", "" },
        { "hello{|b}world", "" },
        { "x{(}hello)?", "" },
        { "a{[}hello]", "" },
        { "Hi {first|last} name", "" },
        { "abc{2}defg{1,}", "def" },
        { "@shop\\.test", "@shop" },
        { "a\\.test", ".test" },
        { "\\.?test", "test" },
        { "\\dabc", "abc" },
        { "\\x41bc", "" },
        { "\\Qa.b\\E", "" },
        { "one|three", "" },
        { "(abcdef)?gh", "gh" },
        { "ab(one)(two)cde", "cde" },
        { "((a)b)xyz", "xyz" },
        { "(?i)abc", "" },
        { "(?x) a b c", "" },
        { "(*UTF)abc", "" },
        { "[abc]defg", "defg" },
        { "[]abc]de", "de" },
        { "[^]abc]de", "de" },
        { "[\\]abc]de", "de" },
        { "[[:alpha:]]abc", "" },
        { "[\\c]abc]", "" },
        { "[\\d.]abc", "abc" },
        { "[abc", "" },
        { "b\xc3\xbc"
          "cher",
          "cher" },
        { "b\xc3\xbc?cher", "cher" },
    };
    return cr_make_param_array(struct literal_case, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct literal_case *c, literal, is_the_longest_run_that_every_match_has)
{
    const struct spr_text literal = spr_literal_of_regex(spr_text_of(c->regex));

    cr_expect(spr_text_equal(literal, c->literal), "%s gives %.*s", c->regex, (int)literal.length,
              (const char *)literal.bytes);
}
