/*
 * Compiled queries: what a term matches, where a bad pattern is, what is everything.
 */
#include "core/query/compile.h"
#include "formats/cursor.h"

#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#define TEXT_MAX 96

static int match_text(const char *query_text, uint32_t flags, const char *text)
{
    struct spr_query *query = NULL;
    struct spr_leaf_matcher *matcher = NULL;
    cr_assert_eq(spr_query_compile(query_text, flags, &query, NULL), 0, "%s", query_text);
    cr_assert_eq(spr_leaf_matcher_new(&query->leaves[query->filter->root], &matcher), 0);
    const int r = spr_leaf_matches(matcher, spr_text_of(text));
    spr_leaf_matcher_free(matcher);
    spr_query_free(query);
    return r;
}

struct example {
    char query[TEXT_MAX];
    char text[TEXT_MAX];
    int plain, with_case; /* the answer without and with SPR_QUERY_CASE */
};

ParameterizedTestParameters(compile, matches)
{
    static struct example examples[] = {
        { "from:Bob@Example.com", "bob@EXAMPLE.com", 1, 0 },
        { "from:Bob@Example.com", "Bob@EXAMPLE.com", 1, 1 },
        { "from:bob@example.com", "<bob@example.com>", 1, 1 },
        { "from:bob@example.com", "<@relay.test:bob@example.com>", 1, 1 },
        { "from:bob@example.com", "\"bob\"@example.com", 1, 1 },
        { "from:\"a b\"@example.com", "\"a b\"@example.com", 1, 1 },
        { "from:bob", "bob@example.com", 0, 0 },
        { "from:<>", "", 1, 1 },
        { "from:<>", "<>", 1, 1 },
        { "from:x@b\xc3\xbc"
          "cher.example",
          "x@xn--bcher-kva.example", 1, 1 },
        { "from:x@XN--BCHER-KVA.example",
          "x@B\xc3\x9c"
          "CHER.example",
          1, 1 },
        { "from:@b\xc3\xbc"
          "cher.example",
          "x@xn--bcher-kva.example", 1, 1 },
        { "from:.xn--bcher-kva.example",
          "x@mail.b\xc3\xbc"
          "cher.example",
          1, 1 },
        { "from:*@xn--bcher-kva.example",
          "x@b\xc3\xbc"
          "cher.example",
          1, 1 },
        { "from:@example.com", "x@sub.example.com", 0, 0 },
        { "from:@example.com", "x@notexample.com", 0, 0 },
        { "from:@example.com", "example.com", 0, 0 },
        { "from:.example.com", "x@example.com", 1, 1 },
        { "from:.example.com", "x@a.b.EXAMPLE.com", 1, 1 },
        { "from:.example.com", "x@notexample.com", 0, 0 },
        { "from:B*@Example.COM", "bob@example.com", 1, 0 },
        { "from:B*@Example.COM", "Bob@EXAMPLE.com", 1, 1 },
        { "from:@*.example.com", "x@a.example.com", 1, 1 },
        { "from:/^bob@/", "<BOB@example.com>", 1, 0 },
        { "account:\"b*b\"", "bxb", 0, 0 },
        { "account:\"b*b\"", "b*b", 1, 1 },
        { "client:10.0.0.0/8", "::ffff:10.1.2.3", 1, 1 },
        { "helo:MX.example", "mx.EXAMPLE", 1, 1 },
        { "subject:invoice", "Your INVOICE 7", 1, 0 },
        { "subject:\"Your *\"", "Your * here", 1, 1 },
        { "subject:Your*", "My Your", 0, 0 },
        { "local-user:WWW", "www", 1, 0 },
        { "host:MX1*", "mx1.example", 1, 1 },
        { "spool:/var/SPOOL", "/var/spool", 0, 0 },
    };
    return cr_make_param_array(struct example, examples, sizeof(examples) / sizeof(examples[0]));
}

ParameterizedTest(struct example *e, compile, matches)
{
    cr_expect_eq(match_text(e->query, 0, e->text), e->plain, "%s on %s", e->query, e->text);
    cr_expect_eq(match_text(e->query, SPR_QUERY_CASE, e->text), e->with_case, "%s on %s with case",
                 e->query, e->text);
}

Test(compile, points_into_a_bad_regular_expression)
{
    struct spr_query *query = NULL;
    struct spr_fault fault = { 0 };

    const int r = spr_query_compile("account:bob and from:/a(b/", 0, &query, &fault);

    cr_assert_eq(r, SPR_E_SYNTAX);
    cr_assert_null(query);
    cr_expect_eq(fault.offset, strlen("account:bob and from:/a(b"));
    cr_expect_str_eq(fault.subject, "account:bob and from:/a(b/");
}

Test(compile, knows_everything_when_it_sees_it)
{
    static const struct {
        const char *text;
        bool everything;
    } queries[] = { { "", true },           { " ", true },       { "*", true },     { "**", false },
                    { "account:*", false }, { "* or *", false }, { "\"*\"", false } };
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        struct spr_query *query = NULL;
        cr_assert_eq(spr_query_compile(queries[i].text, 0, &query, NULL), 0);
        cr_expect_eq(spr_query_is_everything(query), queries[i].everything, "%s", queries[i].text);
        spr_query_free(query);
    }
}

Test(compile, frees_nothing)
{
    spr_query_free(NULL);
    spr_leaf_matcher_free(NULL);
}

Test(compile, takes_thousands_of_terms)
{
    static char text[SPR_FILTER_LENGTH_MAX];
    size_t length = 0;
    for (unsigned i = 0; i < 2000; i++) {
        length += (size_t)snprintf(text + length, sizeof(text) - length, "%saccount:user%u@x.test",
                                   i > 0 ? " or " : "", i);
        cr_assert_lt(length, sizeof(text));
    }
    struct spr_query *query = NULL;

    cr_assert_eq(spr_query_compile(text, 0, &query, NULL), 0);

    cr_expect_eq(query->filter->node_count, 2001);
    spr_query_free(query);
}
