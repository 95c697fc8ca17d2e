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

struct spr_segment_builder {
    uint64_t seed;
    uint32_t rows;
    uint64_t recipients;
    bool sealed; /* its last blocks are packed: it can only be written, again if that failed */
    struct spr_strings strings;
    struct spr_block_builder names;
    struct spr_column_builder columns[SPR_AT_BUILT_COLUMNS];
    struct spr_column_builder ids;   /* hash of each row's queue id */
    struct spr_bytes recipient_keys; /* of the record being added */
};

/* The sections that are derived from the rows when a segment is written. */
struct spr_segment_lists {
    struct spr_block_builder postings;
    struct spr_column_builder key_start, key_slot, id_start, id_slot;
};
/* lists comes zeroed and is to be freed also on failure. Interns the normal forms in the builder's
 * strings. */
int spr_segment_lists_build(struct spr_segment_builder *builder, struct spr_segment_lists *lists);
void spr_segment_lists_free(struct spr_segment_lists *lists);

#endif
