/*
 * Parsing addresses and networks with inet_pton, over bounded copies.
 */
#include "core/query/network.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#define ADDRESS_TEXT_MAX 63 /* the longest IPv6 spelling has 45 characters */

static const uint8_t mapped_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static struct spr_text strip_decoration(struct spr_text text)
{
    if (text.length >= 2 && text.bytes[0] == '[' && text.bytes[text.length - 1] == ']') {
        text.bytes++;
        text.length -= 2;
    }
    static const char tag[] = "ipv6:";
    if (text.length > 5 && strncasecmp((const char *)text.bytes, tag, 5) == 0) {
        text.bytes += 5;
        text.length -= 5;
    }
    return text;
}

/* The address alone. Returns 32 or 128, the bits of its family, or 0. */
static unsigned parse_address(struct spr_text text, uint8_t out[16])
{
    char copy[ADDRESS_TEXT_MAX + 1];
    if (text.length == 0 || text.length > ADDRESS_TEXT_MAX ||
        memchr(text.bytes, '\0', text.length) != NULL) {
        return 0;
    }
    memcpy(copy, text.bytes, text.length);
    copy[text.length] = '\0';

    if (memchr(copy, ':', text.length) == NULL) {
        uint8_t four[4];
        if (inet_pton(AF_INET, copy, four) != 1) {
            return 0;
        }
        memcpy(out, mapped_prefix, sizeof(mapped_prefix));
        memcpy(out + 12, four, 4);
        return 32;
    }
    char *zone = strchr(copy, '%');
    if (zone != NULL) {
        *zone = '\0';
    }
    return inet_pton(AF_INET6, copy, out) == 1 ? 128 : 0;
}

static bool parse_bits(struct spr_text text, unsigned limit, unsigned *ret_bits)
{
    if (text.length == 0 || text.length > 3) {
        return false;
    }
    unsigned bits = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9') {
            return false;
        }
        bits = bits * 10 + (unsigned)(text.bytes[i] - '0');
    }
    if (bits > limit) {
        return false;
    }
    *ret_bits = bits;
    return true;
}

bool spr_network_parse(struct spr_text text, struct spr_network *ret_network)
{
    const uint8_t *slash = text.length > 0 ? memrchr(text.bytes, '/', text.length) : NULL;
    struct spr_text address = text;
    if (slash != NULL) {
        address.length = (size_t)(slash - text.bytes);
    }

    struct spr_network network = { .bits = 128 };
    const unsigned family = parse_address(strip_decoration(address), network.address);
    if (family == 0) {
        return false;
    }
    if (slash != NULL) {
        const struct spr_text rest = { slash + 1, text.length - address.length - 1 };
        if (!parse_bits(rest, family, &network.bits)) {
            return false;
        }
        network.bits += 128 - family;
    }
    *ret_network = network;
    return true;
}

bool spr_network_contains(const struct spr_network *network, struct spr_text text)
{
    uint8_t address[16];
    if (parse_address(strip_decoration(text), address) == 0) {
        return false;
    }
    const unsigned whole = network->bits / 8;
    const unsigned rest = network->bits % 8;
    if (memcmp(address, network->address, whole) != 0) {
        return false;
    }
    if (rest == 0) {
        return true;
    }
    return ((address[whole] ^ network->address[whole]) >> (8 - rest)) == 0;
}

bool spr_network_is_v4(const struct spr_network *network)
{
    return memcmp(network->address, mapped_prefix, sizeof(mapped_prefix)) == 0;
}
