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

#define SPR_ROW_TEXTS            (SPR_COLUMN_COUNT + 1) /* those of its columns, then its folder */
#define SPR_TOGETHER             32 /* recipients whose addresses are searched for together */
#define SPR_RECIPIENT_KEYS_BYTES 12 /* of address, original and error; u32s */

/* A text of the row before, and its key. */
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
    struct spr_text_memo texts[SPR_ROW_TEXTS];
    struct spr_block_builder names;
    struct spr_packer packer;
    struct spr_column_builder columns[SPR_AT_COLUMNS];
    /* Key of the last row or recipient. Columns are filled up to it only when another key comes:
     * one that never changes costs nothing. */
    uint64_t last[SPR_AT_COLUMNS];
    struct spr_bytes recipient_keys; /* SPR_RECIPIENT_KEYS_BYTES each, of the record being added */
};

/* Texts of a row that are not those of the row before. */
struct spr_text_searches {
    struct spr_string_search of[SPR_ROW_TEXTS];
    uint32_t open; /* bit i: number i */
};

/* Addresses of some recipients. */
struct spr_address_searches {
    struct spr_string_search of[SPR_TOGETHER];
    uint32_t places[SPR_TOGETHER]; /* whose they are */
    uint32_t count;
};

struct spr_row_search {
    struct spr_text_searches texts;
    struct spr_address_searches addresses; /* of the first recipients */
};
/* Keys of the record's texts that are known at once; the others are searched for. */
void spr_row_search(struct spr_segment_builder *builder, const struct spr_record *record,
                    uint64_t keys[SPR_AT_ROW_COLUMNS], struct spr_row_search *ret_search);
/* The keys of all its texts, those of recipients into recipient_keys. */
int spr_row_settle(struct spr_segment_builder *builder, const struct spr_record *record,
                   uint64_t keys[SPR_AT_ROW_COLUMNS], struct spr_row_search *search);

static inline struct spr_text spr_text_known(struct spr_text text)
{
    return text.bytes != NULL ? text : (struct spr_text){ (const uint8_t *)"", 0 };
}

#endif
