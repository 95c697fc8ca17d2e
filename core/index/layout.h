/*
 * On-disk constants and sizes of segments and manifests; mirrors docs/INDEX-FORMAT.md.
 */
#ifndef SPR_CORE_INDEX_LAYOUT_H
#define SPR_CORE_INDEX_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#define SPR_SEGMENT_MAGIC   UINT64_C(0x0a67657352505301) /* 01 "SPRseg" LF */
#define SPR_SEGMENT_VERSION 2

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
#define SPR_SEGMENT_AT_CLASSES    56 /* u32 each: strings of every class */
#define SPR_SEGMENT_AT_CHECKSUM   88 /* u64: of the bytes before it and the section table */
#define SPR_SEGMENT_HEADER_BYTES  96

#define SPR_SECTION_BYTES      40 /* one entry of the section table */
#define SPR_SECTION_AT_KIND    0  /* u32 */
#define SPR_SECTION_AT_BLOCKS  4  /* u32: entries of its directory */
#define SPR_SECTION_AT_OFFSET  8  /* u64: of the directory; the payload follows it */
#define SPR_SECTION_AT_PAYLOAD 16 /* u64: bytes of the payload */
#define SPR_SECTION_AT_ITEMS   24 /* u64 */
#define SPR_SECTION_AT_CHECK   32 /* u64: checksum of the directory */
#define SPR_SECTIONS_MAX       256

/* Kinds of sections: blocks, and columns above SPR_SECTION_COLUMN. */
#define SPR_SECTION_STRINGS 1
#define SPR_SECTION_NAMES   2
#define SPR_SECTION_COLUMN  256

/* Columns with one key a row, in the order of enum spr_column and enum spr_number where those are
 * named; then those of other counts. A column without a section has key 0 everywhere. */
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
    SPR_AT_ID_SHAPE,                         /* enum spr_id_shape */
    SPR_AT_ID_NUMBER,                        /* of ids that have a shape */
    SPR_AT_ID_TAG,                           /* of ids that have none: 1 + tag of their hash */
    SPR_AT_ROW_COLUMNS,                      /* how many have one key a row */
    SPR_AT_RCPT_ANCHOR = SPR_AT_ROW_COLUMNS, /* first recipient of every SPR_ANCHOR_ROWS-th row */
    SPR_AT_RCPT_ADDRESS,                     /* one key a recipient */
    SPR_AT_RCPT_ORIGINAL,
    SPR_AT_RCPT_ERROR,
    SPR_AT_RCPT_STATE,
    SPR_AT_STRING_TAG, /* tag of the normal form's hash, of strings of the tagged classes */
    SPR_AT_COLUMNS,
};
#define SPR_ANCHOR_ROWS 64

/* Strings by where they occur; ids of a class follow those of the class before. The tagged classes,
 * that are looked up by normal form, come first. */
enum spr_string_class {
    SPR_CLASS_PEOPLE, /* senders, accounts, local users */
    SPR_CLASS_RECIPIENTS,
    SPR_CLASS_CLIENTS,
    SPR_CLASS_TAGGED, /* how many of them are */
    SPR_CLASS_HELO = SPR_CLASS_TAGGED,
    SPR_CLASS_SUBJECT,
    SPR_CLASS_HEADER_FROM,
    SPR_CLASS_MESSAGE_ID,
    SPR_CLASS_OTHER,
    SPR_CLASS_COUNT,
};

/* A text's key: 0 unknown, id in its class + 1. In two columns key 1 says "the same text as in the
 * column beside", and ids count from 2: the account beside the sender, the original address. */
#define SPR_KEY_SAME 1

/* A number's key: the number with this bit flipped, so that 0 is unknown. */
#define SPR_SIGN_BIT (UINT64_C(1) << 63)

/* A hash's tag. A fitting tag costs a block decoded, a missing bit of it twice as many of them;
 * there are many recipients, and many messages behind each account. */
#define SPR_TAG_MASK               0xffffu
#define SPR_TAG_RECIPIENTS         0x0fffu
#define SPR_NAMES_ROWS             4096  /* a block's most rows */
#define SPR_SEGMENT_TEXT_MAX       65535 /* a longer text is cut */
#define SPR_SEGMENT_ROWS_MAX       (UINT32_MAX / 2)
#define SPR_SEGMENT_STRINGS_MAX    (UINT32_MAX / 8)
#define SPR_SEGMENT_RECIPIENTS_MAX (UINT32_MAX / 4)

/* Forms of a file name in a row of names. */
#define SPR_NAME_IS_ID     0
#define SPR_NAME_LITERAL   1
#define SPR_NAME_AROUND_ID 2 /* a text, the queue id, a text */

/* A size from 0 to the file's is told by what it lacks of that. Its own inverse. */
static inline uint64_t spr_size_key(uint64_t key, uint64_t file_size)
{
    const uint64_t size = key ^ SPR_SIGN_BIT;
    return file_size < SPR_SIGN_BIT && size <= file_size ? (file_size - size) ^ SPR_SIGN_BIT : key;
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
