/*
 * Normal forms. Domains go label by label through libidn2, so that one label that is no valid IDNA
 * does not keep the others from comparing. The only file that knows libidn2.
 *
 * Most texts are ASCII without anything to take off or to decode; these are only lower-cased, eight
 * bytes at a time.
 */
#include "core/index/address.h"

#include <stdlib.h>
#include <string.h>

#include <idn2.h>

#define EACH_BYTE UINT64_C(0x0101010101010101)
#define HIGH_BITS (EACH_BYTE * 0x80)
#define LABEL_MAX 252 /* bytes: 63 characters of UTF-8; longer labels are no IDNA */

static uint8_t lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + ('a' - 'A')) : byte;
}

/* Of eight bytes at once; no byte carries into its neighbour. */
static uint64_t lower_word(uint64_t word)
{
    const uint64_t low = word & ~HIGH_BITS;
    const uint64_t from_a = low + (0x80 - 'A') * EACH_BYTE;
    const uint64_t beyond_z = low + (0x7f - 'Z') * EACH_BYTE;
    return word | ((from_a ^ beyond_z) & ~word & HIGH_BITS) >> 2;
}

/* Lower-cases up to SPR_ADDRESS_MAX bytes; false where that may not be the normal form of all its
 * labels: out holds nothing of use then. */
static bool lower_plain(struct spr_text text, uint8_t *out)
{
    uint64_t seen = 0;
    uint64_t dashes = 0;
    uint64_t word;
    if (text.length > SPR_ADDRESS_MAX || text.length < sizeof(word)) {
        return false;
    }
    for (size_t at = 0; at < text.length; at += sizeof(word)) {
        const size_t last = text.length - sizeof(word); /* the last one laps over the one before */
        const size_t from = at < last ? at : last;
        memcpy(&word, text.bytes + from, sizeof(word));
        const uint64_t zero_at_dash = word ^ '-' * EACH_BYTE;
        seen |= word;
        dashes |= (zero_at_dash - EACH_BYTE) & ~zero_at_dash;
        word = lower_word(word);
        memcpy(out + from, &word, sizeof(word));
    }
    const bool is_ascii = (seen & HIGH_BITS) == 0;
    return is_ascii && ((dashes & HIGH_BITS) == 0 || /* an A-label has two in a row */
                        memmem(text.bytes, text.length, "--", 2) == NULL);
}

/* Appends up to SPR_ADDRESS_MAX. */
static size_t append_lower(uint8_t out[SPR_ADDRESS_MAX], size_t used, struct spr_text text)
{
    for (size_t i = 0; i < text.length && used < SPR_ADDRESS_MAX; i++) {
        out[used++] = lower(text.bytes[i]);
    }
    return used;
}

static struct spr_text text_from(struct spr_text text, size_t start)
{
    return (struct spr_text){ text.bytes + start, text.length - start };
}

static bool needs_idna(struct spr_text label)
{
    if (label.length > LABEL_MAX) {
        return false;
    }
    bool wide = label.length > 4 && lower(label.bytes[0]) == 'x' && lower(label.bytes[1]) == 'n' &&
                label.bytes[2] == '-' && label.bytes[3] == '-';
    for (size_t i = 0; i < label.length; i++) {
        if (label.bytes[i] == 0) {
            return false; /* libidn2 takes C strings */
        }
        wide = wide || label.bytes[i] >= 0x80;
    }
    return wide;
}

/* Mapping may turn wide forms into '@' or blanks, which would move the bounds of a domain. */
static bool is_plain(const char *unicode)
{
    for (const char *at = unicode; *at != '\0'; at++) {
        const uint8_t byte = (uint8_t)*at;
        const bool word = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z');
        if (byte < 0x80 && !word && byte != '-' && byte != '.' && byte != '_') {
            return false;
        }
    }
    return true;
}

/* The label in U-label form; 0 if it is not valid IDNA2008. */
static size_t unicode_label(struct spr_text label, uint8_t *out, size_t room)
{
    char text[LABEL_MAX + 1];
    memcpy(text, label.bytes, label.length);
    text[label.length] = '\0';
    char *ascii = NULL;
    char *unicode = NULL;
    size_t length = 0;
    if (idn2_to_ascii_8z(text, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) == IDN2_OK &&
        idn2_to_unicode_8z8z(ascii, &unicode, 0) == IDN2_OK) {
        length = strlen(unicode);
        if (length <= room && is_plain(unicode)) {
            memcpy(out, unicode, length);
        } else {
            length = 0;
        }
    }
    idn2_free(ascii);
    idn2_free(unicode);
    return length;
}

static size_t append_domain(uint8_t out[SPR_ADDRESS_MAX], size_t used, struct spr_text domain)
{
    for (size_t start = 0; start <= domain.length;) {
        size_t end = start;
        while (end < domain.length && domain.bytes[end] != '.') {
            end++;
        }
        const struct spr_text label = { domain.bytes + start, end - start };
        const size_t wide =
            needs_idna(label) ? unicode_label(label, out + used, SPR_ADDRESS_MAX - used) : 0;
        used = wide > 0 ? used + wide : append_lower(out, used, label);
        if (end < domain.length && used < SPR_ADDRESS_MAX) {
            out[used++] = '.';
        }
        start = end + 1;
    }
    return used;
}

/* Angle brackets and source route dropped. */
static struct spr_text strip_path(struct spr_text address)
{
    if (address.length >= 2 && address.bytes[0] == '<' &&
        address.bytes[address.length - 1] == '>') {
        address = (struct spr_text){ address.bytes + 1, address.length - 2 };
    }
    if (address.length > 0 && address.bytes[0] == '@') {
        const uint8_t *colon = memchr(address.bytes, ':', address.length);
        if (colon != NULL) {
            address = text_from(address, (size_t)(colon + 1 - address.bytes));
        }
    }
    return address;
}

/* Offset of the last '@'; the length if there is none. */
static size_t find_at(struct spr_text address)
{
    const uint8_t *at = address.length == 0 ? NULL : memrchr(address.bytes, '@', address.length);
    return at == NULL ? address.length : (size_t)(at - address.bytes);
}

static bool is_quoted(struct spr_text local)
{
    return local.length >= 2 && local.bytes[0] == '"' && local.bytes[local.length - 1] == '"';
}

/* The local part without its quotes and backslashes. */
static size_t append_unquoted(uint8_t out[SPR_ADDRESS_MAX], struct spr_text local)
{
    size_t used = 0;
    for (size_t i = 1; i + 1 < local.length && used < SPR_ADDRESS_MAX; i++) {
        if (local.bytes[i] == '\\' && i + 2 < local.length) {
            i++;
        }
        out[used++] = local.bytes[i];
    }
    return used;
}

struct spr_text spr_address_unquote(struct spr_text address, uint8_t out[SPR_ADDRESS_MAX])
{
    if (address.bytes == NULL) {
        return address;
    }
    const struct spr_text bare = strip_path(address);
    const size_t at = find_at(bare);
    const struct spr_text local = { bare.bytes, at };
    if (!is_quoted(local)) {
        return bare;
    }
    size_t used = append_unquoted(out, local);
    for (size_t i = at; i < bare.length && used < SPR_ADDRESS_MAX; i++) {
        out[used++] = bare.bytes[i];
    }
    return (struct spr_text){ out, used };
}

size_t spr_address_normalise(struct spr_text address, uint8_t out[SPR_ADDRESS_MAX])
{
    if (address.bytes == NULL) {
        return 0;
    }
    /* Brackets, a route and a quoted local part show in the first byte. */
    if (address.length > 0 && memchr("<@\"", address.bytes[0], 3) == NULL &&
        lower_plain(address, out)) {
        return address.length;
    }
    const struct spr_text bare = strip_path(address);
    const size_t at = find_at(bare);
    const struct spr_text local = { bare.bytes, at };
    size_t used;
    if (is_quoted(local)) {
        used = append_unquoted(out, local);
        for (size_t i = 0; i < used; i++) {
            out[i] = lower(out[i]);
        }
    } else {
        used = append_lower(out, 0, local);
    }
    if (at == bare.length || used == SPR_ADDRESS_MAX) {
        return used;
    }
    out[used++] = '@';
    return append_domain(out, used, text_from(bare, at + 1));
}

/* Bytes above 127 or capitals among eight bytes. */
static uint64_t changing_bytes(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const uint64_t low = word & ~(ones << 7);
    /* bit 7 of a byte: it is at least 'A', and above 'Z' */
    const uint64_t from_a = low + ones * (0x80 - 'A');
    const uint64_t past_z = low + ones * (0x80 - ('Z' + 1));
    return (word | (from_a & ~past_z)) & (ones << 7);
}

bool spr_address_is_normal(struct spr_text address)
{
    if (address.length == 0) {
        return true;
    }
    const uint8_t first = address.bytes[0];
    if (address.length > SPR_ADDRESS_MAX || first == '<' || first == '@' || first == '"') {
        return false;
    }
    size_t i = 0;
    for (; i + 8 <= address.length; i += 8) {
        uint64_t word;
        memcpy(&word, address.bytes + i, sizeof(word));
        if (changing_bytes(word) != 0) {
            return false;
        }
    }
    uint64_t rest = 0;
    memcpy(&rest, address.bytes + i, address.length - i);
    /* Hyphens are rare, and a byte is found faster than a word. */
    return changing_bytes(rest) == 0 && (memchr(address.bytes, '-', address.length) == NULL ||
                                         memmem(address.bytes, address.length, "xn--", 4) == NULL);
}

size_t spr_domain_normalise(struct spr_text domain, uint8_t out[SPR_ADDRESS_MAX])
{
    if (domain.bytes == NULL) {
        return 0;
    }
    return lower_plain(domain, out) ? domain.length : append_domain(out, 0, domain);
}

struct spr_text spr_address_domain(struct spr_text address)
{
    const size_t at = find_at(address);
    return at == address.length ? (struct spr_text){ NULL, 0 } : text_from(address, at + 1);
}
