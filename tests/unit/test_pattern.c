/*
 * Globs, substrings and regular expressions, also over bytes that are no text and against patterns
 * that would not end by themselves.
 */
#include "core/query/pattern.h"
#include "formats/cursor.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#define TEXT_MAX 64

static int match_once(enum spr_pattern_kind kind, struct spr_text pattern, bool with_case,
                      struct spr_text text)
{
    struct spr_pattern *compiled = NULL;
    struct spr_pattern_matcher *matcher = NULL;
    cr_assert_eq(spr_pattern_compile(kind, pattern, with_case, &compiled, NULL), 0);
    cr_assert_eq(spr_pattern_matcher_new(compiled, &matcher), 0);
    const int r = spr_pattern_match(matcher, text);
    spr_pattern_matcher_free(matcher);
    spr_pattern_free(compiled);
    return r;
}

struct example {
    enum spr_pattern_kind kind;
    char pattern[TEXT_MAX];
    char text[TEXT_MAX];
    bool with_case;
    int expected;
};

ParameterizedTestParameters(pattern, matches)
{
    static struct example examples[] = {
        { SPR_PATTERN_GLOB, "", "", false, 1 },
        { SPR_PATTERN_GLOB, "", "a", false, 0 },
        { SPR_PATTERN_GLOB, "*", "", false, 1 },
        { SPR_PATTERN_GLOB, "*", "\xff\xfe", false, 1 },
        { SPR_PATTERN_GLOB, "a*c", "abbc", false, 1 },
        { SPR_PATTERN_GLOB, "a*c", "abbcd", false, 0 },
        { SPR_PATTERN_GLOB, "*a*b*c*", "xxaxxbxxcxx", false, 1 },
        { SPR_PATTERN_GLOB, "*a*b*c*", "xxaxxcxxbxx", false, 0 },
        { SPR_PATTERN_GLOB, "*abab", "ababab", false, 1 },
        { SPR_PATTERN_GLOB, "a?c", "abc", false, 1 },
        { SPR_PATTERN_GLOB, "a?c", "ac", false, 0 },
        { SPR_PATTERN_GLOB, "a?c",
          "a\xc3\xbc"
          "c",
          false, 1 },
        { SPR_PATTERN_GLOB, "a?c",
          "a\xff"
          "c",
          false, 1 },
        { SPR_PATTERN_GLOB, "a\\*c", "a*c", false, 1 },
        { SPR_PATTERN_GLOB, "a\\*c", "abc", false, 0 },
        { SPR_PATTERN_GLOB, "ABC", "abc", false, 1 },
        { SPR_PATTERN_GLOB, "ABC", "abc", true, 0 },
        { SPR_PATTERN_GLOB, "a\\", "a\\", false, 1 },
        { SPR_PATTERN_GLOB, "*Bob*@x?z.test", "a.long.name.of.boB.here@xyz.test", false, 1 },
        { SPR_PATTERN_GLOB, "*bob*@x?z.test", "a.long.name.of.boC.here@xyz.test", false, 0 },
        { SPR_PATTERN_GLOB, "\\*12*", "*12", false, 1 },
        { SPR_PATTERN_GLOB, "*\\?\\\\bc", "a?\\bc", false, 1 },
        { SPR_PATTERN_SUBSTRING, "zq9", "0123456zZqZq8zzq9", false, 1 },
        { SPR_PATTERN_SUBSTRING, "zq9", "0123456zZqZq8zzq", false, 0 },
        { SPR_PATTERN_SUBSTRING, "", "a", false, 1 },
        { SPR_PATTERN_SUBSTRING, "bc", "aBCd", false, 1 },
        { SPR_PATTERN_SUBSTRING, "bc", "aBCd", true, 0 },
        { SPR_PATTERN_SUBSTRING, "a*c", "xabcx", false, 0 },
        { SPR_PATTERN_SUBSTRING, "abcd", "abc", false, 0 },
        { SPR_PATTERN_REGEX, "^a.c$", "ABC", false, 1 },
        { SPR_PATTERN_REGEX, "^a.c$", "ABC", true, 0 },
        { SPR_PATTERN_REGEX, "b", "abc", false, 1 },
        { SPR_PATTERN_REGEX, "\xc3\xbc", "x\xc3\x9c", false, 1 },
        { SPR_PATTERN_REGEX, "invoice", "\xff invoice \xfe", false, 1 },
        { SPR_PATTERN_REGEX, "\xff", "a\xff", false, 1 },
        { SPR_PATTERN_REGEX, "^$", "", false, 1 },
    };
    return cr_make_param_array(struct example, examples, sizeof(examples) / sizeof(examples[0]));
}

ParameterizedTest(struct example *e, pattern, matches)
{
    cr_expect_eq(match_once(e->kind, spr_text_of(e->pattern), e->with_case, spr_text_of(e->text)),
                 e->expected, "%s on %s", e->pattern, e->text);
}

Test(pattern, says_where_a_regular_expression_is_wrong)
{
    struct spr_pattern *pattern = NULL;
    struct spr_fault fault = { 0 };

    const int r =
        spr_pattern_compile(SPR_PATTERN_REGEX, spr_text_of("ab(c"), false, &pattern, &fault);

    cr_assert_eq(r, SPR_E_SYNTAX);
    cr_assert_null(pattern);
    cr_assert_eq(fault.offset, 4);
    cr_assert_not_null(strstr(fault.detail, "parenthesis"), "%s", fault.detail);
}

Test(pattern, refuses_to_split_characters)
{
    struct spr_pattern *pattern = NULL;
    cr_assert_eq(spr_pattern_compile(SPR_PATTERN_REGEX, spr_text_of("\\C"), false, &pattern, NULL),
                 SPR_E_SYNTAX);
}

Test(pattern, ends_when_hostile)
{
    static const char *const hostile[] = { "^(a+)+$", "^(a|a)*$", "(.*)*x\\1", "^(?:(a?)*)*$b" };
    uint8_t many[4000];
    memset(many, 'a', sizeof(many));
    many[sizeof(many) - 1] = '!';
    const struct spr_text text = { many, sizeof(many) };

    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
        const int r = match_once(SPR_PATTERN_REGEX, spr_text_of(hostile[i]), false, text);
        cr_expect(r == 0 || r == SPR_E_SYNTAX, "%s: %d", hostile[i], r);
    }
    cr_expect_eq(match_once(SPR_PATTERN_REGEX, spr_text_of("^(a+)+$"), false, text), SPR_E_SYNTAX);
}

Test(pattern, matches_long_globs_in_bounded_time)
{
    char glob[200];
    uint8_t many[65536];
    for (size_t i = 0; i + 1 < sizeof(glob); i++) {
        glob[i] = i % 2 == 0 ? '*' : 'a';
    }
    glob[sizeof(glob) - 1] = '\0';
    glob[sizeof(glob) - 2] = 'b';
    memset(many, 'a', sizeof(many));

    cr_assert_eq(match_once(SPR_PATTERN_GLOB, spr_text_of(glob), false,
                            (struct spr_text){ many, sizeof(many) }),
                 0);
}

/* The same by the plainest means. */
static bool has_substring(const char *needle, const char *text)
{
    for (; *text != '\0'; text++) {
        if (strncasecmp(text, needle, strlen(needle)) == 0) {
            return true;
        }
    }
    return *needle == '\0';
}

Test(pattern, finds_a_substring_wherever_it_stands)
{
    static const char letters[] = "abAB.";
    for (unsigned number = 0; number < 40000; number++) {
        char needle[4] = { 0 };
        char text[20] = { 0 };
        unsigned rest = number * 2654435761u;
        for (size_t i = 0; i < number % 4; i++, rest /= 3) {
            needle[i] = letters[rest % 5];
        }
        for (size_t i = 0; i < 1 + number % 19; i++) {
            rest = rest * 1103515245u + 12345;
            text[i] = letters[rest >> 16 & 3];
        }
        const struct spr_text pattern = { (const uint8_t *)needle, strlen(needle) };
        const struct spr_text within = { (const uint8_t *)text, strlen(text) };

        cr_assert_eq(match_once(SPR_PATTERN_SUBSTRING, pattern, false, within),
                     has_substring(needle, text) ? 1 : 0, "%s in %s", needle, text);
    }
}
