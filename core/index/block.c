/*
 * zstd frames with a directory. A directory entry: offset u64, stored size u32, raw size u32, first
 * item u32, number of items u32, checksum of the stored bytes u64.
 */
#include "core/index/block.h"

#include "core/index/hash.h"
#include "core/spoolray.h"

#include <errno.h>
#include <stdlib.h>

#include <zstd.h>

#define LEVEL          3  /* PERF 8: level 9 saves a tenth at six times the time */
#define LEVEL_FRAME    1  /* planes hold hardly anything but skewed bytes */
#define WINDOW_LOG_MAX 18 /* SPR_BLOCK_RAW_MAX */

size_t spr_frame_pack(void *context, const uint8_t *raw, size_t length, uint8_t *out, size_t room)
{
    const size_t stored = ZSTD_compressCCtx(context, out, room, raw, length, LEVEL_FRAME);
    return ZSTD_isError(stored) ? 0 : stored; /* no memory: room and sizes are given */
}

int spr_block_builder_init(struct spr_block_builder *builder)
{
    *builder = (struct spr_block_builder){ .context = ZSTD_createCCtx() };
    return builder->context != NULL ? 0 : -ENOMEM;
}

int spr_block_add(struct spr_block_builder *builder, const uint8_t *raw, size_t length,
                  uint32_t count)
{
    const size_t bound = ZSTD_compressBound(length);
    int r = spr_bytes_reserve(&builder->payload, bound);
    if (r < 0) {
        return r;
    }
    r = spr_bytes_reserve(&builder->directory, SPR_BLOCK_ENTRY_BYTES);
    if (r < 0) {
        return r;
    }
    uint8_t *out = builder->payload.at + builder->payload.length;
    const size_t stored = ZSTD_compressCCtx(builder->context, out, bound, raw, length, LEVEL);
    if (ZSTD_isError(stored)) {
        return -ENOMEM; /* the only failure left: room and sizes are given */
    }
    spr_bytes_put_u64(&builder->directory, builder->payload.length);
    spr_bytes_put_u32(&builder->directory, (uint32_t)stored);
    spr_bytes_put_u32(&builder->directory, (uint32_t)length);
    spr_bytes_put_u32(&builder->directory, builder->first);
    spr_bytes_put_u32(&builder->directory, count);
    spr_bytes_put_u64(&builder->directory, spr_hash64(out, stored, 0));
    builder->payload.length += stored;
    builder->first += count;
    return 0;
}

int spr_block_close(struct spr_block_builder *builder, uint32_t next)
{
    int r = 0;
    if (builder->count > 0) {
        r = spr_block_add(builder, builder->raw.at, builder->raw.length, builder->count);
    }
    if (r == 0) {
        builder->raw.length = 0;
        builder->count = 0;
        builder->first = next;
    }
    return r;
}

void spr_block_builder_clear(struct spr_block_builder *builder)
{
    builder->directory.length = 0;
    builder->payload.length = 0;
    builder->raw.length = 0;
    builder->first = 0;
    builder->count = 0;
}

void spr_block_builder_free(struct spr_block_builder *builder)
{
    (void)ZSTD_freeCCtx(builder->context);
    builder->context = NULL;
    spr_bytes_free(&builder->directory);
    spr_bytes_free(&builder->payload);
    spr_bytes_free(&builder->raw);
}

size_t spr_block_builder_memory(const struct spr_block_builder *builder)
{
    return builder->directory.capacity + builder->payload.capacity + builder->raw.capacity +
           ZSTD_sizeof_CCtx(builder->context);
}

struct spr_block_entry spr_block_entry(const struct spr_block_view *view, uint32_t block)
{
    const uint8_t *at = view->directory + (size_t)block * SPR_BLOCK_ENTRY_BYTES;
    return (struct spr_block_entry){
        .offset = spr_load_u64(at),
        .stored = spr_load_u32(at + 8),
        .raw = spr_load_u32(at + 12),
        .first = spr_load_u32(at + 16),
        .count = spr_load_u32(at + 20),
        .checksum = spr_load_u64(at + 24),
    };
}

bool spr_block_check(const struct spr_block_view *view, uint32_t *ret_block)
{
    uint32_t first = 0;
    for (uint32_t block = 0; block < view->blocks; block++) {
        const struct spr_block_entry entry = spr_block_entry(view, block);
        if (entry.raw == 0 || entry.raw > SPR_BLOCK_RAW_MAX || entry.count == 0 ||
            entry.count > entry.raw || entry.first < first || entry.offset > view->payload_bytes ||
            entry.stored > view->payload_bytes - entry.offset) {
            *ret_block = block;
            return false;
        }
        first = entry.first;
    }
    return true;
}

uint32_t spr_block_find(const struct spr_block_view *view, uint32_t item)
{
    uint32_t low = 0;
    uint32_t high = view->blocks;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (spr_block_entry(view, middle).first <= item) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low == 0 ? UINT32_MAX : low - 1;
}

struct spr_block_reader {
    ZSTD_DCtx *context;
};

int spr_block_reader_new(struct spr_block_reader **ret_reader)
{
    struct spr_block_reader *reader = calloc(1, sizeof(*reader));
    if (reader == NULL) {
        return -ENOMEM;
    }
    reader->context = ZSTD_createDCtx();
    if (reader->context == NULL || ZSTD_isError(ZSTD_DCtx_setParameter(
                                       reader->context, ZSTD_d_windowLogMax, WINDOW_LOG_MAX))) {
        spr_block_reader_free(reader);
        return -ENOMEM;
    }
    *ret_reader = reader;
    return 0;
}

void spr_block_reader_free(struct spr_block_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    (void)ZSTD_freeDCtx(reader->context);
    free(reader);
}

bool spr_frame_unpack(struct spr_block_reader *reader, const uint8_t *stored, size_t length,
                      uint8_t *out, size_t raw)
{
    return ZSTD_getFrameContentSize(stored, length) == raw &&
           ZSTD_decompressDCtx(reader->context, out, raw, stored, length) == raw;
}

int spr_block_unpack(struct spr_block_reader *reader, const struct spr_block_view *view,
                     uint32_t block, uint8_t *out, const char **ret_reason)
{
    const struct spr_block_entry entry = spr_block_entry(view, block);
    const uint8_t *stored = view->payload + entry.offset;
    if (spr_hash64(stored, entry.stored, 0) != entry.checksum) {
        *ret_reason = "block checksum differs";
        return SPR_E_CORRUPT;
    }
    if (!spr_frame_unpack(reader, stored, entry.stored, out, entry.raw)) {
        *ret_reason = "block does not decompress to the size in its directory";
        return SPR_E_CORRUPT;
    }
    return 0;
}
