/*
 * On-disk constants and sizes of segments and manifests; mirrors docs/INDEX-FORMAT.md.
 */
#ifndef SPR_CORE_INDEX_LAYOUT_H
#define SPR_CORE_INDEX_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#define SPR_SEGMENT_MAGIC   UINT64_C(0x0a67657352505301) /* 01 "SPRseg" LF */
#define SPR_SEGMENT_VERSION 1

/* Header fields by offset. */
#define SPR_SEGMENT_AT_MAGIC      0
#define SPR_SEGMENT_AT_VERSION    8  /* u32 */
#define SPR_SEGMENT_AT_MUST       12 /* u32: an unknown bit: SPR_E_NEWER */
#define SPR_SEGMENT_AT_MAY        16 /* u32: unknown bits are ignored */
#define SPR_SEGMENT_AT_SECTIONS   20 /* u32 */
#define SPR_SEGMENT_AT_BYTES      24 /* u64: size of the file */
#define SPR_SEGMENT_AT_ROWS       32 /* u32 */
#define SPR_SEGMENT_AT_STRINGS    36 /* u32 */
#define SPR_SEGMENT_AT_RECIPIENTS 40 /* u64 */
#define SPR_SEGMENT_AT_SEED_CHECK 48 /* u64: hash of nothing under the index's secret */
#define SPR_SEGMENT_AT_CHECKSUM   56 /* u64: of the bytes before it and the section table */
#define SPR_SEGMENT_HEADER_BYTES  64

#define SPR_SECTION_BYTES      40 /* one entry of the section table */
#define SPR_SECTION_AT_KIND    0  /* u32 */
#define SPR_SECTION_AT_BLOCKS  4  /* u32: entries of its directory */
#define SPR_SECTION_AT_OFFSET  8  /* u64: of the directory; the payload follows it */
#define SPR_SECTION_AT_PAYLOAD 16 /* u64: bytes of the payload */
#define SPR_SECTION_AT_ITEMS   24 /* u64 */
#define SPR_SECTION_AT_CHECK   32 /* u64: checksum of the directory */
#define SPR_SECTIONS_MAX       256

/* Kinds of sections: blocks, and columns above SPR_SECTION_COLUMN. */
#define SPR_SECTION_STRINGS  1
#define SPR_SECTION_NAMES    2
#define SPR_SECTION_POSTINGS 3
#define SPR_SECTION_COLUMN   256

/* Columns with one key a row, in the order of enum spr_column and enum spr_number where those are
 * named; then those of other counts. */
enum spr_segment_column {
    SPR_AT_DIR,
    SPR_AT_FOLDER,
    SPR_AT_INODE,
    SPR_AT_FILE_SIZE,
    SPR_AT_STAT_DIGEST,
    SPR_AT_SET_DIGEST, /* exclusive-or with the digest of the row's files */
    SPR_AT_IDENTITY,
    SPR_AT_STATE,
    SPR_AT_AUTH_SOURCE,
    SPR_AT_FLAGS,
    SPR_AT_TEXT,                      /* SPR_COLUMN_COUNT of them */
    SPR_AT_NUMBER = SPR_AT_TEXT + 12, /* SPR_NUMBER_COUNT of them */
    SPR_AT_RCPT_COUNT = SPR_AT_NUMBER + 5,
    SPR_AT_ROW_COLUMNS,                      /* how many have one key a row */
    SPR_AT_RCPT_ANCHOR = SPR_AT_ROW_COLUMNS, /* first recipient of every SPR_ANCHOR_ROWS-th row */
    SPR_AT_RCPT_ADDRESS,                     /* one key a recipient */
    SPR_AT_RCPT_ORIGINAL,
    SPR_AT_RCPT_ERROR,
    SPR_AT_RCPT_STATE,
    SPR_AT_BUILT_COLUMNS,                    /* how many a builder fills row by row */
    SPR_AT_KEY_START = SPR_AT_BUILT_COLUMNS, /* buckets + 1 */
    SPR_AT_KEY_SLOT,                         /* string id and tag, by bucket */
    SPR_AT_ID_START,
    SPR_AT_ID_SLOT, /* row and tag, by bucket */
    SPR_AT_COLUMNS,
};
#define SPR_ANCHOR_ROWS 64

/* The hash tables: bucket = the hash's highest bits, tag = its lowest. */
#define SPR_TAG_BITS               6
#define SPR_BUCKET_ITEMS           4    /* aimed at */
#define SPR_POSTING_ROWS           8192 /* a posting entry's most rows; longer lists have several */
#define SPR_NAMES_ROWS             4096 /* a block's most rows */
#define SPR_SEGMENT_TEXT_MAX       65535 /* a longer text is cut */
#define SPR_SEGMENT_ROWS_MAX       (UINT32_MAX / 2)
#define SPR_SEGMENT_RECIPIENTS_MAX (UINT32_MAX / 4)

/* Forms of a file name in a row of names. */
#define SPR_NAME_IS_ID     0
#define SPR_NAME_LITERAL   1
#define SPR_NAME_AROUND_ID 2 /* a text, the queue id, a text */

/* log2 of the number of buckets for so many items. */
static inline unsigned spr_bucket_bits(uint64_t items)
{
    unsigned bits = 0;
    while (bits < 30 && (items >> bits) > SPR_BUCKET_ITEMS) {
        bits++;
    }
    return bits;
}

static inline uint64_t spr_bucket_of(uint64_t hash, unsigned bits)
{
    return bits == 0 ? 0 : hash >> (64 - bits);
}

static inline uint64_t spr_tag_of(uint64_t hash)
{
    return hash & ((1u << SPR_TAG_BITS) - 1);
}

static inline uint64_t spr_slot_of(uint32_t item, uint64_t hash)
{
    return (uint64_t)item << SPR_TAG_BITS | spr_tag_of(hash);
}

#define SPR_MANIFEST_MAGIC        UINT64_C(0x0a6e616d52505301) /* 01 "SPRman" LF */
#define SPR_MANIFEST_VERSION      1
#define SPR_MANIFEST_NAME         "MANIFEST"
#define SPR_MANIFEST_AT_VERSION   8  /* u32 */
#define SPR_MANIFEST_AT_MUST      12 /* u32 */
#define SPR_MANIFEST_AT_MAY       16 /* u32 */
#define SPR_MANIFEST_AT_BYTES     24 /* u64: size of the file */
#define SPR_MANIFEST_AT_CHECKSUM  32 /* u64: of the bytes before it, seeded by that of the body */
#define SPR_MANIFEST_HEADER_BYTES 40
#define SPR_MANIFEST_BYTES_MAX    (UINT64_C(1) << 30)
#define SPR_SEGMENT_SUFFIX        ".seg" /* after 16 hexadecimal digits */
#define SPR_INDEX_LOCK_NAME       "LOCK"

/* Words of a bitmap of dead rows. */
static inline size_t spr_dead_words(uint32_t rows)
{
    return ((size_t)rows + 63) / 64;
}

#endif
