/*
 * A column: 64-bit keys in blocks of SPR_COLUMN_BLOCK, each block packed at one fixed width, so
 * that any item is found without decoding its neighbours. A block is either keys less a base, or
 * indices into the block's own small dictionary. Key 0 means "unknown" and costs no range.
 *
 *  (1) A view's directory is checked before a key is read: every block lies in the payload.
 *  (2) A block's checksum is checked before its first use.
 */
#ifndef SPR_CORE_INDEX_COLUMN_H
#define SPR_CORE_INDEX_COLUMN_H

#include "core/index/pack.h"

#define SPR_COLUMN_BLOCK        4096
#define SPR_COLUMN_ENTRY_BYTES  24
#define SPR_COLUMN_DISTINCT_MAX 256
#define SPR_COLUMN_HAS_ZERO     0x01 /* code 0 is key 0, others are base + code - 1 */

struct spr_column_builder {
    struct spr_bytes directory, payload;
    uint64_t count;
    uint32_t staged_count;
    uint64_t staged[SPR_COLUMN_BLOCK];
};
/* Room for `more` pushes. -ENOMEM leaves the keys as they were. */
int spr_column_reserve(struct spr_column_builder *column, uint64_t more);
void spr_column_push(struct spr_column_builder *column, uint64_t key); /* into reserved room */
uint64_t spr_column_built(const struct spr_column_builder *column, uint64_t index);
void spr_column_finish(struct spr_column_builder *column); /* into reserved room; then no push */
void spr_column_clear(struct spr_column_builder *column);
void spr_column_free(struct spr_column_builder *column);
size_t spr_column_memory(const struct spr_column_builder *column);

struct spr_column_view {
    const uint8_t *directory, *payload;
    uint64_t count, payload_bytes;
    uint32_t blocks;
};
/* (1); false: *ret_block is the bad one. */
bool spr_column_check(const struct spr_column_view *view, uint32_t *ret_block);
/* (2) */
bool spr_column_verify(const struct spr_column_view *view, uint32_t block);
/* index < count, block verified; false: the key is outside the block's dictionary. */
bool spr_column_key(const struct spr_column_view *view, uint64_t index, uint64_t *ret_key);
/* Where the block starts in the payload. */
uint64_t spr_column_offset(const struct spr_column_view *view, uint32_t block);

#endif
