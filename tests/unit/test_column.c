#include "core/index/column.h"
#include "tests/support/sample_records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#define KEYS     (2 * SPR_COLUMN_BLOCK + 77)
#define PACKINGS 4

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

/* Ids in the order of first use: every other one is new. */
static uint64_t serial_key(uint64_t *random, uint64_t index)
{
    return index % 2 == 0 ? 1 + index / 2 : 1 + sample_random(random) % (index / 2 + 1);
}

/* Mostly one key, rarely another, never far. */
static uint64_t skewed_key(uint64_t *random, uint64_t index)
{
    return sample_random(random) % 16 == 0 ? 3 + index % 3 : 2;
}

static uint64_t long_run_key(uint64_t *random, uint64_t index)
{
    (void)random;
    return index < SPR_COLUMN_BLOCK + 9 ? 7 : 8;
}

static const key_fn MAKERS[] = { wide_key, extreme_key, few_key,    rising_key,  holed_key,
                                 zero_key, serial_key,  skewed_key, long_run_key };

static struct spr_packer packer;

static void start_column(struct spr_column_builder *column, enum spr_packing packing)
{
    struct spr_block_builder blocks;
    if (packer.context == NULL) {
        cr_assert_eq(spr_block_builder_init(&blocks), 0);
        packer.context = blocks.context;
    }
    spr_column_init(column, packing, &packer);
    spr_column_clear(column);
}

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

static void expect_keys(const struct spr_column_view *view, const uint64_t *keys, const char *name)
{
    static uint64_t decoded[SPR_COLUMN_BLOCK];
    struct spr_block_reader *unpacker;
    cr_assert_eq(spr_block_reader_new(&unpacker), 0);
    for (uint32_t block = 0; block < view->blocks; block++) {
        uint64_t low;
        uint64_t high;
        cr_assert(spr_column_verify(view, block), "%s", name);
        cr_assert(spr_column_decode(view, block, unpacker, decoded), "%s", name);
        spr_column_bounds(view, block, &low, &high);
        for (uint32_t i = 0; i < spr_column_items(view, block); i++) {
            const uint64_t index = (uint64_t)block * SPR_COLUMN_BLOCK + i;
            uint64_t key = decoded[i];
            cr_assert_eq(key, keys[index], "%s, item %zu", name, (size_t)index);
            cr_assert(key == 0 || (key >= low && key <= high), "%s", name);
            cr_assert_geq(spr_column_key(view, index, &key), 0);
            cr_assert_eq(key, keys[index], "%s, item %zu alone", name, (size_t)index);
        }
    }
    spr_block_reader_free(unpacker);
}

Test(column, gives_every_key_back)
{
    static struct spr_column_builder column;
    static uint64_t keys[KEYS];
    for (unsigned maker = 0; maker < sizeof(MAKERS) / sizeof(MAKERS[0]); maker++) {
        for (unsigned packing = 0; packing < PACKINGS; packing++) {
            uint64_t random = maker;
            char name[64];
            (void)snprintf(name, sizeof(name), "maker %u, packing %u", maker, packing);
            start_column(&column, (enum spr_packing)packing);
            for (uint64_t i = 0; i < KEYS; i++) {
                keys[i] = MAKERS[maker](&random, i);
                cr_assert_eq(spr_column_reserve(&column, i, i + 1), 0);
                spr_column_push(&column, keys[i]);
            }
            spr_column_finish(&column);
            const struct spr_column_view view = view_of(&column);
            uint32_t bad;
            cr_assert(spr_column_check(&view, &bad));
            expect_keys(&view, keys, name);
        }
    }
    spr_column_free(&column);
}

Test(column, is_filled_like_it_is_pushed)
{
    static struct spr_column_builder pushed;
    static struct spr_column_builder filled;
    start_column(&pushed, SPR_PACK_PLANES);
    start_column(&filled, SPR_PACK_PLANES);
    cr_assert_eq(spr_column_reserve(&pushed, 0, KEYS), 0);
    cr_assert_eq(spr_column_reserve(&filled, 0, KEYS), 0);

    for (uint64_t i = 0; i < KEYS; i++) {
        spr_column_push(&pushed, i < 5000 ? 9 : 11);
    }
    spr_column_fill(&filled, 9, 5000);
    spr_column_fill(&filled, 11, KEYS);
    spr_column_finish(&pushed);
    spr_column_finish(&filled);

    cr_assert_eq(pushed.directory.length, filled.directory.length);
    cr_expect_eq(memcmp(pushed.directory.at, filled.directory.at, pushed.directory.length), 0);
    spr_column_free(&pushed);
    spr_column_free(&filled);
}

Test(column, costs_nothing_where_all_keys_are_equal)
{
    static struct spr_column_builder column;
    start_column(&column, SPR_PACK_PLAIN);
    cr_assert_eq(spr_column_reserve(&column, 0, KEYS), 0);

    spr_column_fill(&column, 123456789, KEYS);
    spr_column_finish(&column);

    cr_expect_eq(column.payload.length, 0);
    cr_expect(column.has_keys);
    spr_column_free(&column);
}

Test(column, tells_a_changed_block)
{
    static struct spr_column_builder column;
    start_column(&column, SPR_PACK_PLAIN);
    cr_assert_eq(spr_column_reserve(&column, 0, 10), 0);
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
    start_column(&column, SPR_PACK_PLAIN);
    cr_assert_eq(spr_column_reserve(&column, 0, 100), 0);
    for (uint64_t i = 0; i < 100; i++) {
        spr_column_push(&column, i * 1000003);
    }
    spr_column_finish(&column);
    const struct spr_column_view view = view_of(&column);
    uint32_t bad = 9;

    column.directory.at[24] ^= 0x80; /* the offset */
    cr_expect_not(spr_column_check(&view, &bad));
    cr_expect_eq(bad, 0);
    column.directory.at[24] ^= 0x80;
    column.directory.at[30] = 65; /* the width */
    cr_expect_not(spr_column_check(&view, &bad));
    column.directory.at[30] = 1;
    column.directory.at[31] = 0x20; /* no such flag */
    cr_expect_not(spr_column_check(&view, &bad));

    spr_column_free(&column);
}
