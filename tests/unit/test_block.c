#include "core/index/block.h"
#include "core/index/hash.h"
#include "core/spoolray.h"
#include "tests/support/sample_records.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#define ITEMS 60000

/* Items of varying length: the number as varint, repeated. */
static void fill(struct spr_block_builder *builder)
{
    cr_assert_eq(spr_block_builder_init(builder), 0);
    for (uint32_t item = 0; item < ITEMS; item++) {
        if (builder->raw.length >= SPR_BLOCK_AIM) {
            cr_assert_eq(spr_block_close(builder, item), 0);
        }
        cr_assert_eq(spr_bytes_reserve(&builder->raw, 5 * SPR_VARINT_MAX), 0);
        for (uint32_t i = 0; i <= item % 5; i++) {
            spr_bytes_put_varint(&builder->raw, item);
        }
        builder->count++;
    }
    cr_assert_eq(spr_block_close(builder, ITEMS), 0);
}

static struct spr_block_view view_of(const struct spr_block_builder *builder)
{
    return (struct spr_block_view){
        .directory = builder->directory.at,
        .payload = builder->payload.at,
        .payload_bytes = builder->payload.length,
        .blocks = (uint32_t)(builder->directory.length / SPR_BLOCK_ENTRY_BYTES),
    };
}

Test(block, gives_every_item_back)
{
    struct spr_block_builder builder;
    fill(&builder);
    const struct spr_block_view view = view_of(&builder);
    struct spr_block_reader *reader;
    cr_assert_eq(spr_block_reader_new(&reader), 0);
    uint32_t bad;
    cr_assert(spr_block_check(&view, &bad));
    cr_assert_gt(view.blocks, 2);

    uint32_t item = 0;
    for (uint32_t block = 0; block < view.blocks; block++) {
        const struct spr_block_entry entry = spr_block_entry(&view, block);
        cr_assert_eq(entry.first, item);
        cr_assert_eq(spr_block_find(&view, item), block);
        uint8_t *raw = malloc(entry.raw);
        const char *reason = NULL;
        cr_assert_eq(spr_block_unpack(reader, &view, block, raw, &reason), 0, "%s", reason);
        const uint8_t *at = raw;
        for (const uint32_t end = item + entry.count; item < end; item++) {
            for (uint32_t i = 0; i <= item % 5; i++) {
                uint64_t value = 0;
                cr_assert(spr_pack_varint(&at, raw + entry.raw, &value));
                cr_assert_eq(value, item);
            }
        }
        cr_assert_eq(at, raw + entry.raw);
        free(raw);
    }

    cr_expect_eq(item, ITEMS);
    spr_block_reader_free(reader);
    spr_block_builder_free(&builder);
}

static int unpack_first(const struct spr_block_builder *builder)
{
    const struct spr_block_view view = view_of(builder);
    struct spr_block_reader *reader;
    cr_assert_eq(spr_block_reader_new(&reader), 0);
    const struct spr_block_entry entry = spr_block_entry(&view, 0);
    uint8_t *raw = malloc(entry.raw);
    const char *reason = NULL;
    int r = spr_block_unpack(reader, &view, 0, raw, &reason);
    cr_expect(r == 0 || reason != NULL);
    free(raw);
    spr_block_reader_free(reader);
    return r;
}

static void reseal_first(struct spr_block_builder *builder)
{
    const struct spr_block_view view = view_of(builder);
    const struct spr_block_entry entry = spr_block_entry(&view, 0);
    spr_store_u64(builder->directory.at + 24,
                  spr_hash64(builder->payload.at + entry.offset, entry.stored, 0));
}

Test(block, is_refused_when_its_bytes_changed)
{
    struct spr_block_builder builder;
    fill(&builder);

    builder.payload.at[100] ^= 1;

    cr_expect_eq(unpack_first(&builder), SPR_E_CORRUPT);
    spr_block_builder_free(&builder);
}

Test(block, is_refused_when_it_declares_another_size)
{
    struct spr_block_builder builder;
    fill(&builder);
    const struct spr_block_view view = view_of(&builder);

    spr_store_u32(builder.directory.at + 12, spr_block_entry(&view, 0).raw - 1);

    cr_expect_eq(unpack_first(&builder), SPR_E_CORRUPT);
    spr_block_builder_free(&builder);
}

Test(block, breaks_nothing_when_its_bytes_changed_under_a_right_checksum)
{
    struct spr_block_builder builder;
    fill(&builder);
    uint64_t random = 3;

    for (unsigned i = 0; i < 500; i++) {
        const struct spr_block_view view = view_of(&builder);
        const size_t at = sample_random(&random) % spr_block_entry(&view, 0).stored;
        const uint8_t before = builder.payload.at[at];
        builder.payload.at[at] = (uint8_t)sample_random(&random);
        reseal_first(&builder);
        const int r = unpack_first(&builder);
        cr_assert(r == 0 || r == SPR_E_CORRUPT);
        builder.payload.at[at] = before;
    }

    spr_block_builder_free(&builder);
}

Test(block, directory_is_refused_when_out_of_range)
{
    struct spr_block_builder builder;
    fill(&builder);
    const struct spr_block_view view = view_of(&builder);
    uint32_t bad = 9;

    spr_store_u32(builder.directory.at + 12, SPR_BLOCK_RAW_MAX + 1);

    cr_expect_not(spr_block_check(&view, &bad));
    cr_expect_eq(bad, 0);
    spr_block_builder_free(&builder);
}
