#include "core/index/column.h"
#include "tests/support/sample_records.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#define KEYS (2 * SPR_COLUMN_BLOCK + 77)

typedef uint64_t (*key_fn)(uint64_t *random, uint64_t index);

static uint64_t wide_key(uint64_t *random, uint64_t index)
{
    (void)index;
    return sample_random(random);
}

static uint64_t extreme_key(uint64_t *random, uint64_t index)
{
    static const uint64_t ODD[] = { 0, 1, UINT64_MAX, UINT64_MAX - 1 };
    return index % 2 == 0 ? ODD[sample_random(random) % 4] : sample_random(random);
}

static uint64_t few_key(uint64_t *random, uint64_t index)
{
    (void)index;
    return sample_random(random) % 200 * 1000003;
}

static uint64_t rising_key(uint64_t *random, uint64_t index)
{
    return 1000000 + index + sample_random(random) % 3;
}

static uint64_t holed_key(uint64_t *random, uint64_t index)
{
    return sample_random(random) % 4 == 0 ? 0 : 500000 + index;
}

static uint64_t zero_key(uint64_t *random, uint64_t index)
{
    (void)random;
    (void)index;
    return 0;
}

static const key_fn MAKERS[] = { wide_key, extreme_key, few_key, rising_key, holed_key, zero_key };

static struct spr_column_view view_of(const struct spr_column_builder *column)
{
    return (struct spr_column_view){
        .directory = column->directory.at,
        .payload = column->payload.at,
        .count = column->count,
        .payload_bytes = column->payload.length,
        .blocks = (uint32_t)(column->directory.length / SPR_COLUMN_ENTRY_BYTES),
    };
}

Test(column, gives_every_key_back)
{
    static struct spr_column_builder column;
    static uint64_t keys[KEYS];
    for (unsigned maker = 0; maker < sizeof(MAKERS) / sizeof(MAKERS[0]); maker++) {
        uint64_t random = maker;
        spr_column_clear(&column);
        for (uint64_t i = 0; i < KEYS; i++) {
            keys[i] = MAKERS[maker](&random, i);
            cr_assert_eq(spr_column_reserve(&column, 1), 0);
            spr_column_push(&column, keys[i]);
        }
        for (uint64_t i = 0; i < KEYS; i++) {
            cr_assert_eq(spr_column_built(&column, i), keys[i], "maker %u, built %zu", maker, i);
        }
        spr_column_finish(&column);
        const struct spr_column_view view = view_of(&column);
        uint32_t bad;
        cr_assert(spr_column_check(&view, &bad));
        for (uint32_t block = 0; block < view.blocks; block++) {
            cr_assert(spr_column_verify(&view, block));
        }
        for (uint64_t i = 0; i < KEYS; i++) {
            uint64_t key = 1;
            cr_assert(spr_column_key(&view, i, &key));
            cr_assert_eq(key, keys[i], "maker %u, item %zu", maker, i);
        }
    }
    spr_column_free(&column);
}

Test(column, costs_nothing_where_all_keys_are_equal)
{
    static struct spr_column_builder column;
    cr_assert_eq(spr_column_reserve(&column, KEYS), 0);

    for (uint64_t i = 0; i < KEYS; i++) {
        spr_column_push(&column, 123456789);
    }
    spr_column_finish(&column);

    cr_expect_eq(column.payload.length, 0);
    spr_column_free(&column);
}

Test(column, tells_a_changed_block)
{
    static struct spr_column_builder column;
    cr_assert_eq(spr_column_reserve(&column, 10), 0);
    for (uint64_t i = 0; i < 10; i++) {
        spr_column_push(&column, i * i);
    }
    spr_column_finish(&column);
    const struct spr_column_view view = view_of(&column);

    column.payload.at[0] ^= 1;

    cr_expect_not(spr_column_verify(&view, 0));
    spr_column_free(&column);
}

Test(column, refuses_a_directory_that_points_outside)
{
    static struct spr_column_builder column;
    cr_assert_eq(spr_column_reserve(&column, 100), 0);
    for (uint64_t i = 0; i < 100; i++) {
        spr_column_push(&column, i * 1000003);
    }
    spr_column_finish(&column);
    const struct spr_column_view view = view_of(&column);
    uint32_t bad = 9;

    column.directory.at[16] ^= 0x80; /* the offset */
    cr_expect_not(spr_column_check(&view, &bad));
    cr_expect_eq(bad, 0);
    column.directory.at[16] ^= 0x80;
    column.directory.at[22] = 65; /* the width */
    cr_expect_not(spr_column_check(&view, &bad));

    spr_column_free(&column);
}
