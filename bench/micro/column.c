/*
 * Columns: packing keys and unpacking them again, of the kinds that an index holds. A third row
 * tells the bytes of it: items are keys, seconds are bytes a key.
 *
 * usage: column [KEYS]
 */
#include "core/index/column.h"

#include "bench/measure.h"

#include <stdlib.h>

typedef uint64_t (*key_fn)(uint64_t index, uint64_t chance);

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static uint64_t digest_key(uint64_t index, uint64_t chance)
{
    (void)index;
    return chance >> 32;
}

static uint64_t inode_key(uint64_t index, uint64_t chance)
{
    return 1000000 + index * 16 + chance % 16;
}

static uint64_t state_key(uint64_t index, uint64_t chance)
{
    (void)index;
    return chance % 16 == 0 ? 3 : 2;
}

/* Every fifth id is a new one, old ones have any rank. */
static uint64_t id_key(uint64_t index, uint64_t chance)
{
    return index % 5 == 0 ? 1 + index / 5
                          : 1 + (chance >> 8) % (1 + index / 5) % (1 + chance % 4096);
}

static const struct {
    const char *name;
    enum spr_packing packing;
    key_fn make;
} kinds[] = {
    { "digest", SPR_PACK_PLAIN, digest_key },
    { "inode", SPR_PACK_DELTA, inode_key },
    { "state", SPR_PACK_PLANES, state_key },
    { "recipient", SPR_PACK_SERIAL, id_key },
};

static void unpack(const struct spr_column_builder *column, const char *name)
{
    static uint64_t keys[SPR_COLUMN_BLOCK];
    struct spr_block_reader *reader = NULL;
    const struct spr_column_view view = {
        .directory = column->directory.at,
        .payload = column->payload.at,
        .count = column->count,
        .payload_bytes = column->payload.length,
        .blocks = (uint32_t)(column->directory.length / SPR_COLUMN_ENTRY_BYTES),
    };
    int r = spr_block_reader_new(&reader);
    const double start = spr_measure_now();
    for (uint32_t block = 0; r == 0 && block < view.blocks; block++) {
        r = spr_column_verify(&view, block) && spr_column_decode(&view, block, reader, keys) ? 0
                                                                                             : -5;
    }
    if (r < 0) {
        spr_measure_fail("unpack", r, NULL);
    }
    spr_measure_row("unpack", name, spr_measure_now() - start, view.count);
    spr_block_reader_free(reader);
}

int main(int argc, char **argv)
{
    static struct spr_packer packer;
    static struct spr_column_builder column;
    const uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    struct spr_block_builder blocks;
    int r = spr_block_builder_init(&blocks);
    packer.context = r == 0 ? blocks.context : NULL;
    for (unsigned kind = 0; r == 0 && kind < sizeof(kinds) / sizeof(kinds[0]); kind++) {
        spr_column_init(&column, kinds[kind].packing, &packer);
        r = spr_column_reserve(&column, 0, count);
        const double start = spr_measure_now();
        for (uint64_t i = 0; r == 0 && i < count; i++) {
            spr_column_push(&column, kinds[kind].make(i, mix(i + 1)));
        }
        spr_column_finish(&column);
        spr_measure_row("pack", kinds[kind].name, spr_measure_now() - start, count);
        unpack(&column, kinds[kind].name);
        spr_measure_row("bytes", kinds[kind].name,
                        (double)(column.payload.length + column.directory.length) / (double)count,
                        count);
        spr_column_clear(&column);
    }
    if (r < 0) {
        spr_measure_fail("column", r, NULL);
    }
    spr_column_free(&column);
    spr_block_builder_free(&blocks);
    return 0;
}
