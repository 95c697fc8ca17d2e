/*
 * Splitting and joining ids. A digit stands for one number alone, and all parts but the inode have
 * a fixed width: an id whose inode begins with no 0 comes back byte for byte. Any other is kept as
 * it is.
 */
#include "core/index/queue_id.h"

#include "formats/digits.h"

#include <stddef.h>

#define HEX_TIME      5
#define SECONDS       6
#define FRACTION      4
#define BASE52_TIME   (SECONDS + FRACTION)
#define FRACTION_BITS 23 /* hold 52 to the fourth */
#define SPAN_MAX      (UINT64_C(1) << 40)

/* z is no digit of an inode, which is so found behind it. */
static const char digits52[] = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";
static const char digits16[] = "0123456789ABCDEF";

static bool take_number(const uint8_t *at, size_t length, unsigned base, uint64_t *ret_number)
{
    const uint8_t *digits = base == 16 ? spr_digits16 : spr_digits52;
    uint64_t number = 0;
    for (size_t i = 0; i < length; i++) {
        const unsigned digit = digits[at[i]];
        if (digit == 0 || digit > base || __builtin_mul_overflow(number, base, &number) ||
            __builtin_add_overflow(number, digit - 1, &number)) {
            return false;
        }
    }
    *ret_number = number;
    return length > 0;
}

/* Right-justified in `width` digits; as many as needed where width is 0. Returns their number; 0:
 * they do not suffice. */
static size_t put_number(uint64_t number, unsigned base, size_t width, uint8_t *out)
{
    const char *digits = base == 16 ? digits16 : digits52;
    uint8_t reversed[SPR_ID_SHAPED_MAX];
    size_t length = 0;
    for (; number > 0 || length < (width > 0 ? width : 1); number /= base) {
        if (width > 0 && length == width) {
            return 0;
        }
        reversed[length++] = (uint8_t)digits[number % base];
    }
    for (size_t i = 0; i < length; i++) {
        out[i] = reversed[length - 1 - i];
    }
    return length;
}

static uint64_t seconds_of(struct spr_id_facts facts)
{
    return facts.arrival == INT64_MIN ? 0 : (uint64_t)facts.arrival;
}

bool spr_id_inode(enum spr_id_shape shape, struct spr_text id, uint64_t *ret_inode)
{
    size_t before = 0;
    if (shape == SPR_ID_HEX) {
        before = HEX_TIME;
    } else if (shape == SPR_ID_BASE52) {
        before = BASE52_TIME + 1;
    }
    return before > 0 && id.length > before && id.length <= SPR_ID_SHAPED_MAX &&
           (shape == SPR_ID_HEX || id.bytes[BASE52_TIME] == 'z') &&
           take_number(id.bytes + before, id.length - before, shape == SPR_ID_HEX ? 16 : 51,
                       ret_inode);
}

size_t spr_id_join(enum spr_id_shape shape, uint64_t number, struct spr_id_facts facts,
                   uint8_t out[SPR_ID_SHAPED_MAX])
{
    if (shape == SPR_ID_HEX) {
        const size_t time = put_number(number, 16, HEX_TIME, out);
        return time == 0 ? 0 : time + put_number(facts.inode, 16, 0, out + time);
    }
    if (shape != SPR_ID_BASE52) {
        return 0;
    }
    const uint64_t away = number >> FRACTION_BITS;
    const uint64_t seconds =
        seconds_of(facts) + ((away >> 1) ^ (UINT64_C(0) - (away & 1))); /* zigzag */
    const uint64_t fraction = number & ((UINT64_C(1) << FRACTION_BITS) - 1);
    if (put_number(seconds, 52, SECONDS, out) == 0 ||
        put_number(fraction, 52, FRACTION, out + SECONDS) == 0) {
        return 0;
    }
    out[BASE52_TIME] = 'z';
    return BASE52_TIME + 1 + put_number(facts.inode, 51, 0, out + BASE52_TIME + 1);
}

static bool base52_number(struct spr_text id, struct spr_id_facts facts, uint64_t *ret_number)
{
    uint64_t seconds = 0;
    uint64_t fraction = 0;
    if (!take_number(id.bytes, SECONDS, 52, &seconds) ||
        !take_number(id.bytes + SECONDS, FRACTION, 52, &fraction)) {
        return false;
    }
    const uint64_t away = seconds - seconds_of(facts);
    const uint64_t zigzag = (away << 1) ^ (UINT64_C(0) - (away >> 63));
    *ret_number = zigzag << FRACTION_BITS | fraction;
    return zigzag < SPAN_MAX;
}

/* Whether the id names the inode, in the one spelling that a join gives it. */
static bool names_inode(enum spr_id_shape shape, struct spr_text id, uint64_t inode)
{
    const size_t before = shape == SPR_ID_HEX ? HEX_TIME : BASE52_TIME + 1;
    uint64_t named = 0;
    return spr_id_inode(shape, id, &named) && named == inode &&
           (id.bytes[before] != '0' || id.length == before + 1);
}

enum spr_id_shape spr_id_split(struct spr_text id, struct spr_id_facts facts, uint64_t *ret_number)
{
    if (names_inode(SPR_ID_HEX, id, facts.inode) &&
        take_number(id.bytes, HEX_TIME, 16, ret_number)) {
        return SPR_ID_HEX;
    }
    if (names_inode(SPR_ID_BASE52, id, facts.inode) && base52_number(id, facts, ret_number)) {
        return SPR_ID_BASE52;
    }
    *ret_number = 0;
    return SPR_ID_LITERAL;
}
