/*
 * Query text to tree: shapes, values, and where errors point.
 */
#include "core/query/filter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#define TEXT_MAX 256

struct example {
    char query[TEXT_MAX];
    char tree[TEXT_MAX];
};

static void print_term(FILE *out, const struct spr_filter_term *term)
{
    static const char *const matches[] = { "=", "~",   "glob ", "regex ", "@",
                                           ".", "net", "none",  "range",  "word" };
    (void)fprintf(out, "%u%s", (unsigned)term->field, matches[term->match]);
    switch (term->match) {
    case SPR_MATCH_RANGE:
        (void)fprintf(out, "[%lld,%lld]", (long long)term->range.low, (long long)term->range.high);
        break;
    case SPR_MATCH_WORD:
        (void)fprintf(out, " %s", term->word->name);
        break;
    case SPR_MATCH_NETWORK:
        (void)fprintf(out, "/%u", term->network.bits);
        break;
    case SPR_MATCH_NONE:
        break;
    case SPR_MATCH_EXACT:
    case SPR_MATCH_SUBSTRING:
    case SPR_MATCH_GLOB:
    case SPR_MATCH_REGEX:
    case SPR_MATCH_DOMAIN:
    case SPR_MATCH_SUBDOMAIN:
        (void)fprintf(out, "%.*s", (int)term->value.length, term->value.bytes);
        break;
    }
}

static void print_node(FILE *out, const struct spr_filter *filter, uint32_t number)
{
    static const char *const words[] = { "all", "and", "or", "not" };
    const struct spr_filter_node *node = &filter->nodes[number];
    if (node->kind == SPR_FILTER_TERM) {
        print_term(out, &node->term);
        return;
    }
    (void)fprintf(out, "(%s", words[node->kind]);
    for (uint32_t child = node->first_child; child != SPR_FILTER_NO_NODE;
         child = filter->nodes[child].next_sibling) {
        (void)fputc(' ', out);
        print_node(out, filter, child);
    }
    (void)fputc(')', out);
}

/* Fields show as their numbers: 0 bare, 1 account, 2 from, 3 to, 7 client, 9 subject. */
ParameterizedTestParameters(filter, reads)
{
    static struct example examples[] = {
        { "", "(all)" },
        { "  \t", "(all)" },
        { "*", "(all)" },
        { "\"*\"", "0=*" },
        { "bob", "0=bob" },
        { "account:bob", "1=bob" },
        { "ACCOUNT:bob", "1=bob" },
        { "account:a from:b", "(and 1=a 2=b)" },
        { "account:a and from:b AND to:c", "(and 1=a 2=b 3=c)" },
        { "account:a or from:b to:c", "(or 1=a (and 2=b 3=c))" },
        { "(account:a or from:b) to:c", "(and (or 1=a 2=b) 3=c)" },
        { "not account:a", "(not 1=a)" },
        { "not not account:a", "1=a" },
        { "not(account:a or *)", "(not (or 1=a (all)))" },
        { "a and(b)or(c)", "(or (and 0=a 0=b) 0=c)" },
        { "\"and\" 'or'", "(and 0=and 0=or)" },
        { "android organ nothing", "(and 0=android 0=organ 0=nothing)" },
        { "account:none", "1none" },
        { "account:\"none\"", "1=none" },
        { "from:<>", "2=" },
        { "from:\"\"", "2=" },
        { "from:@example.com", "2@example.com" },
        { "from:.example.com", "2.example.com" },
        { "from:@.example.com", "2.example.com" },
        { "from:\"john doe\"@x.test", "2=john doe@x.test" },
        { "from:'\"john doe\"@x.test'", "2=\"john doe\"@x.test" },
        { "from:a\\ b", "2=a b" },
        { "account:CORP\\bob", "1=CORP\\bob" },
        { "account:a*", "1glob a*" },
        { "account:\"a*\"b?", "1glob a\\*b?" },
        { "account:\\*", "1=*" },
        { "from:/^a(b|c) d$/", "2regex ^a(b|c) d$" },
        { "/x\\/y/ or bob", "(or 0regex x\\/y 0=bob)" },
        { "subject:\"two words\"", "9~two words" },
        { "subject:none", "9none" },
        { "client:192.0.2.7", "7net/128" },
        { "client:192.0.2.0/24", "7net/120" },
        { "client:2001:db8::/32", "7net/32" },
        { "client:mail.example.com", "7=mail.example.com" },
        { "client:192.0.2.*", "7glob 192.0.2.*" },
        { "size:>100k", "16range[102401,9223372036854775807]" },
        { "age:>2h", "14range[7201,9223372036854775807]" },
        { "pending:0", "18range[0,0]" },
        { "rcpts:2..5", "17range[2,5]" },
        { "attempts:none", "19none" },
        { "is:bounce", "23word bounce" },
        { "state:held", "12word held" },
        { "state:maildrop", "12=maildrop" },
        { "spool:/var/spool/postfix", "21=/var/spool/postfix" },
    };
    return cr_make_param_array(struct example, examples, sizeof(examples) / sizeof(examples[0]));
}

ParameterizedTest(struct example *example, filter, reads)
{
    struct spr_filter *filter = NULL;
    struct spr_fault fault = { 0 };
    const int r = spr_filter_parse(example->query, &filter, &fault);
    cr_assert_eq(r, 0, "%s: %s at %llu", example->query, fault.detail,
                 (unsigned long long)fault.offset);
    char *tree = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&tree, &size);

    print_node(out, filter, filter->root);
    (void)fclose(out);

    cr_expect_str_eq(tree, example->tree, "%s reads %s", example->query, tree);
    free(tree);
    spr_filter_free(filter);
}

struct mistake {
    char query[TEXT_MAX];
    unsigned column;
    char detail[TEXT_MAX]; /* some of it */
};

ParameterizedTestParameters(filter, points_at_the_mistake)
{
    static struct mistake mistakes[] = {
        { "acount:bob", 0, "unknown field 'acount', did you mean 'account'?" },
        { "a and form:bob", 6, "did you mean 'from'?" },
        { "sender:bob", 0, "did you mean 'from'?" },
        { "zzzzz:bob", 0, "unknown field 'zzzzz', expected one such as account" },
        { "account:", 8, "expected a value after 'account:'" },
        { "account: bob", 8, "expected a value after 'account:'" },
        { "(account:bob", 0, "expected a ')' for this '('" },
        { "account:bob)", 11, "without its '('" },
        { "()", 1, "expected a term before ')'" },
        { "not", 3, "expected a term such as account:bob" },
        { "a or", 4, "expected a term such as account:bob" },
        { "a or or b", 5, "expected a term before 'or'" },
        { "and b", 0, "expected a term before 'and'" },
        { "from:\"bob", 5, "expected a closing quote" },
        { "from:/bob", 5, "expected a closing '/'" },
        { "from://", 5, "expected a regular expression" },
        { "from:/a/b", 8, "expected a space after the closing '/'" },
        { "subject:Re(1)", 10, "expected a space before '('" },
        { "from:@", 5, "expected a domain" },
        { "client:10.0.0.0/99", 7, "expected an address or network" },
        { "size:>10x", 8, "expected a size" },
        { "size:", 5, "expected a value" },
        { "size>100k", 4, "expected a colon after 'size'" },
        { "age:>2y", 6, "expected a duration" },
        { "arrived:2026-13-01", 18, "expected a date" },
        { "arrived:2026-02-30", 18, "expected a date" },
        { "arrived:yesterday", 8, "expected a date" },
        { "rcpts:5..2", 6, "expected the smaller value first" },
        { "rcpts:many", 6, "expected a whole number" },
        { "rcpts:99999999999999999999", 24, "expected a whole number" },
        { "is:bonce", 3, "did you mean 'bounce'?" },
        { "is:purple", 3, "unknown word 'purple'" },
    };
    return cr_make_param_array(struct mistake, mistakes, sizeof(mistakes) / sizeof(mistakes[0]));
}

ParameterizedTest(struct mistake *mistake, filter, points_at_the_mistake)
{
    struct spr_filter *filter = NULL;
    struct spr_fault fault = { 0 };

    const int r = spr_filter_parse(mistake->query, &filter, &fault);

    cr_expect_eq(r, SPR_E_SYNTAX, "%s", mistake->query);
    cr_expect_null(filter);
    cr_expect_eq(fault.offset, mistake->column, "%s: column %llu", mistake->query,
                 (unsigned long long)fault.offset);
    cr_expect_not_null(strstr(fault.detail, mistake->detail), "%s: %s", mistake->query,
                       fault.detail);
}

static int parse_only(const char *text, struct spr_fault *fault)
{
    struct spr_filter *filter = NULL;
    const int r = spr_filter_parse(text, &filter, fault);
    spr_filter_free(filter);
    return r;
}

Test(filter, caps_depth)
{
    char text[2 * 100000 / 64 + 16];
    memset(text, '(', 1000);
    text[1000] = 'a';
    memset(text + 1001, ')', 1000);
    text[2001] = '\0';
    struct spr_fault fault = { 0 };

    cr_assert_eq(parse_only(text, &fault), SPR_E_SYNTAX);
    cr_assert_eq(fault.offset, SPR_FILTER_DEPTH_MAX);
    cr_assert_eq(parse_only(text + 1000 - 60, NULL), SPR_E_SYNTAX, "too many closing");
    text[1001 + 60] = '\0';
    cr_assert_eq(parse_only(text + 1000 - 60, NULL), 0);
}

Test(filter, caps_length_and_terms)
{
    char *text = malloc(SPR_FILTER_LENGTH_MAX + 2);
    cr_assert_not_null(text);
    for (size_t i = 0; i < SPR_FILTER_LENGTH_MAX + 1; i++) {
        text[i] = i % 2 == 0 ? 'a' : ' ';
    }
    text[SPR_FILTER_LENGTH_MAX + 1] = '\0';
    struct spr_fault fault = { 0 };

    cr_assert_eq(parse_only(text, &fault), SPR_E_SYNTAX);
    cr_assert_eq(fault.offset, SPR_FILTER_LENGTH_MAX);
    text[SPR_FILTER_LENGTH_MAX] = '\0';
    cr_assert_eq(parse_only(text, &fault), SPR_E_SYNTAX);
    cr_assert_not_null(strstr(fault.detail, "terms"));
    text[SPR_FILTER_NODES_MAX] = '\0';
    cr_assert_eq(parse_only(text, &fault), 0);
    free(text);
}

Test(filter, survives_truncation_everywhere)
{
    static const char whole[] = "(account:\"a b\"@x.test or not from:/a(b|c)/) and size:1k..2M "
                                "arrived:2026-11-20T10:00..2026-11-21 client:10.0.0.0/8 is:bounce";
    for (size_t length = 0; length < sizeof(whole); length++) {
        char text[sizeof(whole)];
        memcpy(text, whole, length);
        text[length] = '\0';
        struct spr_fault fault = { 0 };
        const int r = parse_only(text, &fault);
        cr_expect(r == 0 || (r == SPR_E_SYNTAX && fault.offset <= length && fault.detail[0] != 0),
                  "%s", text);
    }
}
