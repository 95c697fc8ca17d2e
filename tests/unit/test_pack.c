#include "core/index/pack.h"
#include "tests/support/sample_records.h"

#include <string.h>

#include <criterion/criterion.h>

Test(pack, gives_every_varint_back)
{
    struct spr_bytes bytes = { 0 };
    uint64_t random = 1;

    for (unsigned i = 0; i < 2000; i++) {
        const uint64_t value = i < 2 ? UINT64_MAX - i : sample_random(&random) >> (i % 64);
        bytes.length = 0;
        cr_assert_eq(spr_bytes_reserve(&bytes, SPR_VARINT_MAX), 0);
        spr_bytes_put_varint(&bytes, value);
        const uint8_t *at = bytes.at;
        uint64_t taken = 0;
        cr_assert(spr_pack_varint(&at, bytes.at + bytes.length, &taken));
        cr_assert_eq(taken, value);
        cr_assert_eq(at, bytes.at + bytes.length);
        at = bytes.at;
        cr_assert_not(spr_pack_varint(&at, bytes.at + bytes.length - 1, &taken), "cut");
        cr_assert_eq(at, bytes.at);
    }

    spr_bytes_free(&bytes);
}

Test(pack, refuses_varints_of_more_than_64_bits)
{
    static const uint8_t WIDE[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02 };
    static const uint8_t LONG[] = {
        0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00
    };
    uint64_t value;
    const uint8_t *at = WIDE;

    cr_expect_not(spr_pack_varint(&at, WIDE + sizeof(WIDE), &value));
    at = LONG;
    cr_expect_not(spr_pack_varint(&at, LONG + sizeof(LONG), &value));
}

Test(pack, refuses_a_text_longer_than_what_is_left)
{
    static const uint8_t BYTES[] = { 3, 'a', 'b' };
    const uint8_t *at = BYTES;
    struct spr_text text;

    cr_expect_not(spr_pack_text(&at, BYTES + sizeof(BYTES), &text));
    cr_expect_eq(at, BYTES);
}

Test(pack, folds_signs_into_small_numbers)
{
    static const int64_t VALUES[] = { 0, -1, 1, -64, INT64_MAX, INT64_MIN };

    cr_expect_eq(spr_zigzag(-1), 1);
    for (unsigned i = 0; i < sizeof(VALUES) / sizeof(VALUES[0]); i++) {
        cr_expect_eq(spr_unzigzag(spr_zigzag(VALUES[i])), VALUES[i]);
    }
}

Test(pack, refuses_to_reserve_more_than_memory)
{
    struct spr_bytes bytes = { 0 };

    cr_expect_lt(spr_bytes_reserve(&bytes, SIZE_MAX), 0);

    cr_expect_eq(bytes.capacity, 0);
}
