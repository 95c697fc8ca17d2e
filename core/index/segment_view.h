/*
 * The inside of an open segment and of its readers, shared by the files that read it.
 */
#ifndef SPR_CORE_INDEX_SEGMENT_VIEW_H
#define SPR_CORE_INDEX_SEGMENT_VIEW_H

#include "core/index/arena.h"
#include "core/index/block.h"
#include "core/index/column.h"
#include "core/index/layout.h"
#include "core/index/queue_id.h"
#include "core/index/segment.h"

#include <stdatomic.h>

#define SPR_STRING_SLOTS 256 /* decoded string blocks a reader keeps: about 16 MiB */

struct spr_segment {
    const uint8_t *map; /* of a file of our own, that nobody changes */
    bool borrowed;      /* map is the caller's */
    uint64_t bytes;
    uint64_t seed;
    uint32_t rows, strings;
    uint64_t recipients;
    uint32_t class_start[SPR_CLASS_COUNT + 1]; /* string ids */
    struct spr_column_view columns[SPR_AT_COLUMNS];
    struct spr_block_view string_blocks, name_blocks;
    /* One byte per block of each column, 1 once its checksum was right. Relaxed: the bytes it
     * speaks of never change, and a lost mark only means one check more. */
    atomic_uchar *verified[SPR_AT_COLUMNS];
    char name[32];
};

/* A decoded block with the start of each of its items. */
struct spr_decoded {
    uint32_t block; /* UINT32_MAX: none */
    uint8_t *bytes;
    uint32_t *starts; /* count + 1 */
    uint32_t first, count;
    uint32_t bytes_room, starts_room; /* kept from block to block */
};

/* A decoded block of a column. */
struct spr_decoded_keys {
    uint32_t block; /* UINT32_MAX: none */
    uint64_t *keys; /* SPR_COLUMN_BLOCK */
};

struct spr_segment_reader {
    const struct spr_segment *segment;
    struct spr_block_reader *unpacker;
    struct spr_decoded_keys columns[SPR_AT_COLUMNS];
    struct spr_decoded names;
    struct spr_decoded strings[SPR_STRING_SLOTS]; /* block b in slot b % SPR_STRING_SLOTS */
    struct spr_arena arena;                       /* texts of the last call */
    uint32_t counted_row;                         /* recipients before it are counted: */
    uint64_t counted;                             /* so many */
    struct spr_recipient *recipients;             /* of the last record */
    uint32_t recipients_capacity;
    struct spr_segment_recipient *recipient_ids; /* of the last row */
    uint32_t recipient_ids_capacity;
    uint8_t shaped[SPR_ID_SHAPED_MAX]; /* the last id that has a shape */
};

/* A segment over bytes at an address divisible by eight, that outlive it. */
int spr_segment_over(const uint8_t *bytes, size_t length, const struct spr_index_secret *secret,
                     struct spr_segment **ret_segment, struct spr_fault *fault);
/* Fills fault: SPR_E_CORRUPT at an offset of the file. */
int spr_segment_corrupt(const struct spr_segment *segment, const uint8_t *at, const char *detail,
                        struct spr_fault *fault);
/* A key; item must be below the column's count. */
int spr_segment_key(struct spr_segment_reader *reader, unsigned column, uint64_t item,
                    uint64_t *ret_key, struct spr_fault *fault);
/* A key that must not exceed max. */
int spr_segment_key_within(struct spr_segment_reader *reader, unsigned column, uint64_t item,
                           uint64_t max, uint64_t *ret_key, struct spr_fault *fault);
/* All keys of a block of a column that has the item; they live until another block of it is asked
 * for. */
int spr_segment_keys(struct spr_segment_reader *reader, unsigned column, uint32_t block,
                     const uint64_t **ret_keys, uint32_t *ret_count, struct spr_fault *fault);
/* The keys of the part of [first, first + count) that lies in first's block; they live as long. */
int spr_segment_key_part(struct spr_segment_reader *reader, unsigned column, uint64_t first,
                         uint32_t count, const uint64_t **ret_keys, uint32_t *ret_part,
                         struct spr_fault *fault);
/* A text's key, less what is above unknown in its column, as id of a class or SPR_STRING_NONE. */
int spr_segment_id(const struct spr_segment *segment, enum spr_string_class class, uint64_t key,
                   uint32_t *ret_id, struct spr_fault *fault);
int spr_segment_recipient(struct spr_segment_reader *reader, uint64_t item,
                          struct spr_segment_recipient *ret_recipient, struct spr_fault *fault);
/* Borrowed from the decoded block, until another block takes its place. */
int spr_segment_borrow(struct spr_segment_reader *reader, uint32_t id, struct spr_text *ret_text,
                       struct spr_fault *fault);
/* Queue id and names of a row, into arena and record->queue_id, files, file_count. */
int spr_segment_names(struct spr_segment_reader *reader, uint32_t row, struct spr_record *record,
                      struct spr_fault *fault);

#endif
