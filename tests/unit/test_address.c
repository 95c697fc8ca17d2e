#include "core/index/address.h"
#include "formats/cursor.h"

#include <string.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

struct pair {
    char given[64], expected[64];
};

static struct spr_text text(const char *word)
{
    return spr_text_of(word);
}

static void expect_form(const char *given, const char *expected)
{
    uint8_t out[SPR_ADDRESS_MAX];
    const size_t length = spr_address_normalise(text(given), out);
    cr_expect_eq(length, strlen(expected), "%s: %.*s", given, (int)length, (const char *)out);
    cr_expect(length == strlen(expected) && memcmp(out, expected, length) == 0, "%s: %.*s", given,
              (int)length, (const char *)out);
}

ParameterizedTestParameters(address, has_one_normal_form)
{
    static struct pair pairs[] = {
        { "", "" },
        { "<>", "" },
        { "Bob", "bob" },
        { "Bob@Example.ORG", "bob@example.org" },
        { "<Bob@Example.ORG>", "bob@example.org" },
        { "@relay.test,@b.test:bob@example.org", "bob@example.org" },
        { "<@relay.test:Bob@example.org>", "bob@example.org" },
        { "\"Bob Smith\"@Example.org", "bob smith@example.org" },
        { "\"a@b\"@example.org", "a@b@example.org" },
        { "\"a\\\"b\"@example.org", "a\"b@example.org" },
        { "\"\"@example.org", "@example.org" },
        { "\"@example.org", "\"@example.org" },
        { "a@b@C", "a@b@c" },
        { "@", "@" },
        { "x@", "x@" },
        { "x@..", "x@.." },
        { "x@b\xc3\xbc"
          "cher.example",
          "x@b\xc3\xbc"
          "cher.example" },
        { "x@xn--bcher-kva.example", "x@b\xc3\xbc"
                                     "cher.example" },
        { "x@XN--BCHER-KVA.Example", "x@b\xc3\xbc"
                                     "cher.example" },
        { "x@B\xc3\x9c"
          "CHER.example",
          "x@b\xc3\xbc"
          "cher.example" },
        { "x@bu\xcc\x88"
          "cher.example",
          "x@b\xc3\xbc"
          "cher.example" },
        { "x@xn--.Example", "x@xn--.example" },
        { "x@xn--zzzzzz9999.Example", "x@xn--zzzzzz9999.example" },
        { "x@\xff\xfe.Example", "x@\xff\xfe.example" },
        { "x@a_b.Example", "x@a_b.example" },
        { "x@[192.0.2.7]", "x@[192.0.2.7]" },
        { "2001:DB8::1", "2001:db8::1" },
        { "ABCDEFGHIJKLMNOPQRSTUVWXYZ@[`{}~Z", "abcdefghijklmnopqrstuvwxyz@[`{}~z" },
        { "A-B--C@Dash--Dash.Example", "a-b--c@dash--dash.example" },
        { "long.enough.local.part@XN--bcher-kva.Example", "long.enough.local.part@b\xc3\xbc"
                                                          "cher.example" },
        { "XN--bcher-kva@Example.org", "xn--bcher-kva@example.org" },
        { "\xc3\x9cNICODE.Local@Example.org", "\xc3\x9cnicode.local@example.org" },
        { "x@a\xef\xbc\xa0"
          "b.Example",
          "x@a\xef\xbc\xa0"
          "b.example" },
    };
    return cr_make_param_array(struct pair, pairs, sizeof(pairs) / sizeof(pairs[0]));
}

ParameterizedTest(struct pair *pair, address, has_one_normal_form)
{
    expect_form(pair->given, pair->expected);
}

Test(address, that_is_unknown_has_an_empty_form)
{
    uint8_t out[SPR_ADDRESS_MAX];

    cr_expect_eq(spr_address_normalise((struct spr_text){ NULL, 0 }, out), 0);
}

Test(address, is_cut_at_its_limit)
{
    static uint8_t wide[3 * SPR_ADDRESS_MAX];
    memset(wide, 'A', sizeof(wide));
    static uint8_t out[SPR_ADDRESS_MAX];

    for (size_t at = SPR_ADDRESS_MAX - 8; at < SPR_ADDRESS_MAX + 8; at++) {
        wide[at] = '@';
        cr_expect_leq(spr_address_normalise((struct spr_text){ wide, sizeof(wide) }, out),
                      SPR_ADDRESS_MAX);
        wide[at] = 0xc3;
    }
}

Test(address, keeps_nul_and_what_follows)
{
    uint8_t out[SPR_ADDRESS_MAX];
    const struct spr_text given = { (const uint8_t *)"A\0B@xn--\0C", 10 };

    cr_assert_eq(spr_address_normalise(given, out), 10);

    cr_expect_eq(memcmp(out, "a\0b@xn--\0c", 10), 0);
}

Test(address, has_the_domain_after_the_last_at)
{
    const struct spr_text domain = spr_address_domain(text("a@b@c.test"));

    cr_expect_eq(domain.length, 6);
    cr_expect_eq(memcmp(domain.bytes, "c.test", 6), 0);
    cr_expect_null(spr_address_domain(text("nobody")).bytes);
}

Test(address, keeps_its_spelling_when_only_unquoted)
{
    uint8_t out[SPR_ADDRESS_MAX];

    const struct spr_text plain = spr_address_unquote(text("<\"Bob S\"@Example.ORG>"), out);

    cr_expect_eq(plain.length, 17);
    cr_expect_eq(memcmp(plain.bytes, "Bob S@Example.ORG", 17), 0);
}

/* Every byte at every place of a text that spans words of eight, against the byte alone. */
Test(address, lower_cases_each_byte_wherever_it_stands)
{
    for (unsigned byte = 1; byte < 256; byte++) {
        for (size_t at = 1; at < 20; at++) {
            uint8_t given[20];
            uint8_t out[SPR_ADDRESS_MAX];
            memset(given, 'Q', sizeof(given));
            given[at] = (uint8_t)byte;
            const bool upper = byte >= 'A' && byte <= 'Z';

            const size_t length =
                spr_address_normalise((struct spr_text){ given, sizeof(given) }, out);

            cr_assert_eq(length, sizeof(given), "byte %u at %zu", byte, at);
            cr_assert_eq(out[at], upper ? byte + 32 : byte, "byte %u at %zu", byte, at);
            cr_assert_eq(out[at - 1], 'q');
            cr_assert_eq(out[0], 'q');
            cr_assert_eq(out[19], at == 19 ? out[at] : 'q');
        }
    }
}
