/*
 * Blocks: about 64 KiB of packed items, compressed by zstd, each with checksum, found by a
 * directory. The only file that knows zstd.
 *
 *  (1) A block's checksum, its declared size and its window are checked before it is decompressed.
 */
#ifndef SPR_CORE_INDEX_BLOCK_H
#define SPR_CORE_INDEX_BLOCK_H

#include "core/index/pack.h"

#define SPR_BLOCK_AIM         65536  /* a block is closed when it holds so many raw bytes */
#define SPR_BLOCK_RAW_MAX     262144 /* AIM and the largest single item of any section */
#define SPR_BLOCK_ENTRY_BYTES 32
#define SPR_FRAME_BOUND(raw)  ((raw) + (raw) / 128 + 128) /* room for a frame, at least */

/* A frame alone, without directory: for the planes of columns. Returns its size; 0: no memory. */
size_t spr_frame_pack(void *context, const uint8_t *raw, size_t length, uint8_t *out, size_t room);

/* Writing: items are appended to raw; spr_block_close packs them. */
struct spr_block_builder {
    struct spr_bytes directory, payload, raw;
    uint32_t first, count; /* of the open block */
    void *context;         /* zstd's */
};
int spr_block_builder_init(struct spr_block_builder *builder);
/* A whole block of the next `count` items, while none is open. */
int spr_block_add(struct spr_block_builder *builder, const uint8_t *raw, size_t length,
                  uint32_t count);
/* Packs the open block, if it has any item; the next begins with item `next`. */
int spr_block_close(struct spr_block_builder *builder, uint32_t next);
void spr_block_builder_clear(struct spr_block_builder *builder);
void spr_block_builder_free(struct spr_block_builder *builder);
size_t spr_block_builder_memory(const struct spr_block_builder *builder);

/* Reading. */
struct spr_block_entry {
    uint64_t offset; /* in the payload */
    uint32_t stored, raw, first, count;
    uint64_t checksum;
};
struct spr_block_view {
    const uint8_t *directory, *payload;
    uint64_t payload_bytes;
    uint32_t blocks;
};
struct spr_block_entry spr_block_entry(const struct spr_block_view *view, uint32_t block);
/* Entries ascending, in bounds, sizes in their limits; false: *ret_block is the bad one. */
bool spr_block_check(const struct spr_block_view *view, uint32_t *ret_block);
/* The last block whose first item is <= item; UINT32_MAX if there is none. */
uint32_t spr_block_find(const struct spr_block_view *view, uint32_t item);

struct spr_block_reader; /* zstd's context; one a thread */
int spr_block_reader_new(struct spr_block_reader **ret_reader);
void spr_block_reader_free(struct spr_block_reader *reader);
/* false where the frame does not declare and have so many raw bytes. */
bool spr_frame_unpack(struct spr_block_reader *reader, const uint8_t *stored, size_t length,
                      uint8_t *out, size_t raw);
/* (1); out has entry.raw bytes. 0 or SPR_E_CORRUPT with the clause in *ret_reason. */
int spr_block_unpack(struct spr_block_reader *reader, const struct spr_block_view *view,
                     uint32_t block, uint8_t *out, const char **ret_reason);

#endif
