/*
 * Client addresses and networks: IPv4 and IPv6 in one 16-byte form, IPv4 as ::ffff:a.b.c.d.
 */
#ifndef SPR_CORE_QUERY_NETWORK_H
#define SPR_CORE_QUERY_NETWORK_H

#include "formats/words.h"

#include <stdbool.h>

struct spr_network {
    uint8_t address[16];
    unsigned bits; /* leading bits that count, 0 ... 128 */
};

/* An address or address/bits; brackets, an IPv6: prefix and a zone are dropped. */
bool spr_network_parse(struct spr_text text, struct spr_network *ret_network);
/* Is text an address inside the network? */
bool spr_network_contains(const struct spr_network *network, struct spr_text text);
bool spr_network_is_v4(const struct spr_network *network);

#endif
