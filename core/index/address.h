/*
 * The normal form of addresses, domains and accounts: what index keys are made of and what queries
 * are turned into, so that both agree. Stored spellings are never changed.
 *
 * Normal form of an address: angle brackets and source route dropped, a quoted local part
 * unquoted, local part lower-cased (ASCII, and UTF-8 simple folding by libunistring's rules through
 * libidn2 is not attempted), domain lower-cased, in U-label form where its A-label is valid
 * IDNA2008. The domain is what follows the last '@'. Without an '@' the whole text is the local
 * part.
 */
#ifndef SPR_CORE_INDEX_ADDRESS_H
#define SPR_CORE_INDEX_ADDRESS_H

#include "formats/words.h"

#include <stdbool.h>

#define SPR_ADDRESS_MAX 4096 /* longer ones are cut in the index; RFC 5321 allows 254 */

/* Writes the normal form; returns its length, at most SPR_ADDRESS_MAX. */
size_t spr_address_normalise(struct spr_text address, uint8_t out[SPR_ADDRESS_MAX]);
/* Cheap: true only where spr_address_normalise would change nothing. */
bool spr_address_is_normal(struct spr_text address);
size_t spr_domain_normalise(struct spr_text domain, uint8_t out[SPR_ADDRESS_MAX]);
/* The part after the last '@'; bytes NULL if there is none. */
struct spr_text spr_address_domain(struct spr_text address);
/* Brackets, route and quotes dropped, spelling kept; may point into out or into address. */
struct spr_text spr_address_unquote(struct spr_text address, uint8_t out[SPR_ADDRESS_MAX]);

#endif
