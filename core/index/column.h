/*
 * A column: 64-bit keys in blocks of SPR_COLUMN_BLOCK. Each block is packed by itself: keys become
 * codes (less a base, or indices into the block's own small dictionary, or differences, or "the
 * next new one"), codes are packed at one fixed width, so that any item is found without decoding
 * its neighbours, or as compressed byte planes, where that is smaller. Key 0 means "unknown" and
 * costs no range.
 *
 *  (1) A view's directory is checked before a key is read: every block lies in the payload.
 *  (2) A block's checksum and the size of its parts are checked before its first use.
 */
#ifndef SPR_CORE_INDEX_COLUMN_H
#define SPR_CORE_INDEX_COLUMN_H

#include "core/index/block.h"

#define SPR_COLUMN_BLOCK        4096
#define SPR_COLUMN_ENTRY_BYTES  32
#define SPR_COLUMN_DISTINCT_MAX 256

#define SPR_COLUMN_HAS_ZERO   0x01 /* code 0 is key 0, others are low + code - 1 */
#define SPR_COLUMN_DICTIONARY 0x02 /* codes are indices */
#define SPR_COLUMN_DELTA      0x04 /* codes are differences to the key before, zigzag */
#define SPR_COLUMN_SERIAL     0x08 /* code 0 is the next new key, others are key + 1 */
#define SPR_COLUMN_PLANES     0x10 /* codes lie as byte planes, one zstd frame each */
#define SPR_COLUMN_FLAGS      0x1f
#define SPR_COLUMN_NARROW     4 /* bits: up to so many the only plane is the packed codes */

/* Which of these a builder tries. */
enum spr_packing {
    SPR_PACK_PLAIN,  /* any key at once */
    SPR_PACK_PLANES, /* skewed keys, mostly read one after the other */
    SPR_PACK_DELTA,  /* rising keys */
    SPR_PACK_SERIAL, /* ids that are given in the order of first use in this column */
};

/* Buffers for packing, shared by the columns of one thread. */
struct spr_packer {
    void *context; /* zstd's */
    uint64_t codes[SPR_COLUMN_BLOCK];
    uint8_t plane[SPR_COLUMN_BLOCK];
    uint8_t planes[8 * (SPR_FRAME_BOUND(SPR_COLUMN_BLOCK) + 4)];
};

struct spr_column_builder {
    struct spr_bytes directory, payload;
    uint64_t count;
    uint64_t next; /* new key that comes next: one more than the largest so far */
    struct spr_packer *packer;
    enum spr_packing packing;
    bool has_keys; /* one but 0 */
    uint32_t staged_count;
    uint64_t staged[SPR_COLUMN_BLOCK];
};
void spr_column_init(struct spr_column_builder *column, enum spr_packing packing,
                     struct spr_packer *packer);
/* Room to push until the column has `count` keys, of which those behind the first `known` are not
 * all alike. -ENOMEM leaves the keys as they were. */
int spr_column_reserve(struct spr_column_builder *column, uint64_t known, uint64_t count);
void spr_column_flush(struct spr_column_builder *column); /* packs what is staged */
/* Into reserved room. Called for every key, as spr_column_fill is. */
static inline void spr_column_push(struct spr_column_builder *column, uint64_t key)
{
    column->staged[column->staged_count++] = key;
    column->count++;
    if (column->staged_count == SPR_COLUMN_BLOCK) {
        spr_column_flush(column);
    }
}

void spr_column_fill_run(struct spr_column_builder *column, uint64_t key, uint64_t count);
/* The key as often as it takes to have `count`: mostly once. */
static inline void spr_column_fill(struct spr_column_builder *column, uint64_t key, uint64_t count)
{
    if (column->count + 1 == count) {
        spr_column_push(column, key);
    } else {
        spr_column_fill_run(column, key, count);
    }
}

void spr_column_finish(struct spr_column_builder *column); /* into reserved room; then no push */
void spr_column_clear(struct spr_column_builder *column);
void spr_column_free(struct spr_column_builder *column);
size_t spr_column_memory(const struct spr_column_builder *column); /* in use */

struct spr_column_view {
    const uint8_t *directory, *payload;
    uint64_t count, payload_bytes;
    uint32_t blocks; /* 0: all keys are 0 */
};
/* (1); false: *ret_block is the bad one. */
bool spr_column_check(const struct spr_column_view *view, uint32_t *ret_block);
/* (2) */
bool spr_column_verify(const struct spr_column_view *view, uint32_t block);
/* Keys of the block lie in [*ret_low, *ret_high], or are 0. */
void spr_column_bounds(const struct spr_column_view *view, uint32_t block, uint64_t *ret_low,
                       uint64_t *ret_high);
uint32_t spr_column_items(const struct spr_column_view *view, uint32_t block);
/* One key, where the block's form allows: block verified, index < count. 1, 0 where the block must
 * be decoded, SPR_E_CORRUPT: the key is outside the block's dictionary. */
int spr_column_key(const struct spr_column_view *view, uint64_t index, uint64_t *ret_key);
/* All keys of a verified block, spr_column_items of them. false: a code or a plane is broken. */
bool spr_column_decode(const struct spr_column_view *view, uint32_t block,
                       struct spr_block_reader *unpacker, uint64_t ret_keys[SPR_COLUMN_BLOCK]);
/* Where the block starts in the payload. */
uint64_t spr_column_offset(const struct spr_column_view *view, uint32_t block);

#endif
