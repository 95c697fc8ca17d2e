/*
 * Addresses and networks of both families.
 */
#include "core/query/network.h"
#include "formats/cursor.h"

#include <string.h>

#include <criterion/criterion.h>

static bool inside(const char *network, const char *address)
{
    struct spr_network parsed;
    cr_assert(spr_network_parse(spr_text_of(network), &parsed), "%s", network);
    return spr_network_contains(&parsed, spr_text_of(address));
}

Test(network, contains_what_it_should)
{
    cr_expect(inside("192.0.2.7", "192.0.2.7"));
    cr_expect(inside("192.0.2.99/24", "192.0.2.7"));
    cr_expect(inside("192.0.2.0/24", "::ffff:192.0.2.7"));
    cr_expect(inside("::ffff:192.0.2.0/120", "192.0.2.7"));
    cr_expect(inside("0.0.0.0/0", "203.0.113.9"));
    cr_expect(inside("10.128.0.0/9", "10.200.1.1"));
    cr_expect(inside("2001:db8::/32", "2001:DB8:1::7"));
    cr_expect(inside("2001:db8::7", "2001:db8:0:0:0:0:0:7"));
    cr_expect(inside("2001:db8::7", "[IPv6:2001:db8::7]"));
    cr_expect(inside("fe80::1", "fe80::1%eth0"));
}

Test(network, excludes_the_rest)
{
    cr_expect(!inside("192.0.2.0/24", "192.0.3.7"));
    cr_expect(!inside("10.128.0.0/9", "10.127.1.1"));
    cr_expect(!inside("0.0.0.0/0", "2001:db8::1"));
    cr_expect(!inside("2001:db8::/33", "2001:db8:8000::"));
    cr_expect(!inside("0.0.0.0/0", "unknown"));
    cr_expect(!inside("0.0.0.0/0", ""));
}

Test(network, refuses_what_is_no_network)
{
    static const char *const texts[] = {
        "",       "/",           "10.0.0.0/",    "10.0.0.0/33", "10.0.0/8",
        "::/129", "10.0.0.0/-1", "10.0.0.0/8/8", "a.b.c.d",     "10.0.0.0/0008"
    };
    struct spr_network network;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        cr_expect(!spr_network_parse(spr_text_of(texts[i]), &network), "%s", texts[i]);
    }
}
