/*
 * The inside of a segment builder, shared by the files that fill and write it.
 */
#ifndef SPR_CORE_INDEX_SEGMENT_BUILD_H
#define SPR_CORE_INDEX_SEGMENT_BUILD_H

#include "core/index/block.h"
#include "core/index/column.h"
#include "core/index/layout.h"
#include "core/index/segment.h"
#include "core/index/strings.h"

#define SPR_MEMO_MAX 64 /* bytes of a text that is remembered */

/* The text that a column had in the row before, and its key. */
struct spr_text_memo {
    uint64_t key; /* 0: none */
    size_t length;
    uint8_t bytes[SPR_MEMO_MAX];
};

struct spr_segment_builder {
    uint64_t seed;
    uint32_t rows;
    uint64_t recipients;
    uint64_t recipients_reserved; /* columns have room for so many */
    bool sealed; /* its last blocks are packed: it can only be written, again if that failed */
    size_t column_bytes; /* held by columns when they were last asked */
    struct spr_strings strings[SPR_CLASS_COUNT];
    struct spr_text_memo folder, texts[SPR_COLUMN_COUNT];
    struct spr_block_builder names;
    struct spr_packer packer;
    struct spr_column_builder columns[SPR_AT_COLUMNS];
    /* Key of the last row or recipient. Columns are filled up to it only when another key comes:
     * one that never changes costs nothing. */
    uint64_t last[SPR_AT_COLUMNS];
    struct spr_bytes recipient_keys; /* u32s, of the record being added */
};

#endif
