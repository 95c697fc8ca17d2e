/*
 * Sealing segments, manifests and journals.
 */
#include "tests/support/seal.h"

#include "core/batch/journal.h"
#include "core/index/block.h"
#include "core/index/column.h"
#include "core/index/hash.h"
#include "core/index/layout.h"
#include "core/index/pack.h"

#include <string.h>

static void seal_blocks(uint8_t *directory, uint32_t blocks, const uint8_t *payload,
                        uint64_t payload_bytes)
{
    for (uint32_t i = 0; i < blocks; i++) {
        uint8_t *entry = directory + (size_t)i * SPR_BLOCK_ENTRY_BYTES;
        const uint64_t offset = spr_load_u64(entry);
        const uint32_t stored = spr_load_u32(entry + 8);
        if (offset <= payload_bytes && stored <= payload_bytes - offset) {
            spr_store_u64(entry + 24, spr_hash64(payload + offset, stored, 0));
        }
    }
}

static void seal_column(uint8_t *directory, uint32_t blocks, const uint8_t *payload,
                        uint64_t payload_bytes)
{
    for (uint32_t i = 0; i < blocks; i++) {
        uint8_t *entry = directory + (size_t)i * SPR_COLUMN_ENTRY_BYTES;
        const uint64_t offset = (uint64_t)spr_load_u32(entry + 24) * 8;
        const uint64_t size = spr_load_u16(entry + 28) * UINT64_C(8);
        if (offset <= payload_bytes && size <= payload_bytes - offset) {
            spr_store_u64(entry + 16, spr_hash64(payload + offset, (size_t)size, 0));
        }
    }
}

static void seal_section(uint8_t *bytes, size_t length, uint8_t *section)
{
    const uint32_t kind = spr_load_u32(section + SPR_SECTION_AT_KIND);
    const uint32_t blocks = spr_load_u32(section + SPR_SECTION_AT_BLOCKS);
    const uint64_t offset = spr_load_u64(section + SPR_SECTION_AT_OFFSET);
    const uint64_t payload_bytes = spr_load_u64(section + SPR_SECTION_AT_PAYLOAD);
    const uint64_t entry_bytes =
        kind >= SPR_SECTION_COLUMN ? SPR_COLUMN_ENTRY_BYTES : SPR_BLOCK_ENTRY_BYTES;
    const uint64_t size = blocks * entry_bytes;
    const uint64_t padded = (size + 7) & ~UINT64_C(7);
    if (offset > length || padded > length - offset || payload_bytes > length - offset - padded) {
        return;
    }
    uint8_t *directory = bytes + offset;
    if (kind >= SPR_SECTION_COLUMN) {
        seal_column(directory, blocks, directory + padded, payload_bytes);
    } else {
        seal_blocks(directory, blocks, directory + padded, payload_bytes);
    }
    spr_store_u64(section + SPR_SECTION_AT_CHECK, spr_hash64(directory, (size_t)size, 0));
}

void seal_segment(uint8_t *bytes, size_t length, uint64_t seed)
{
    if (length < SPR_SEGMENT_HEADER_BYTES) {
        return;
    }
    spr_store_u64(bytes, SPR_SEGMENT_MAGIC);
    spr_store_u64(bytes + SPR_SEGMENT_AT_BYTES, length);
    spr_store_u64(bytes + SPR_SEGMENT_AT_SEED_CHECK, spr_hash64("", 0, seed));
    const uint32_t count = spr_load_u32(bytes + SPR_SEGMENT_AT_SECTIONS);
    const uint64_t table_bytes = (uint64_t)count * SPR_SECTION_BYTES;
    if (table_bytes > length - SPR_SEGMENT_HEADER_BYTES) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        seal_section(bytes, length,
                     bytes + SPR_SEGMENT_HEADER_BYTES + (size_t)i * SPR_SECTION_BYTES);
    }
    const uint64_t table = spr_hash64(bytes + SPR_SEGMENT_HEADER_BYTES, (size_t)table_bytes, 0);
    spr_store_u64(bytes + SPR_SEGMENT_AT_CHECKSUM,
                  spr_hash64(bytes, SPR_SEGMENT_AT_CHECKSUM, table));
}

void seal_manifest(uint8_t *bytes, size_t length)
{
    if (length < SPR_MANIFEST_HEADER_BYTES) {
        return;
    }
    spr_store_u64(bytes, SPR_MANIFEST_MAGIC);
    spr_store_u64(bytes + SPR_MANIFEST_AT_BYTES, length);
    const uint64_t body =
        spr_hash64(bytes + SPR_MANIFEST_HEADER_BYTES, length - SPR_MANIFEST_HEADER_BYTES, 0);
    spr_store_u64(bytes + SPR_MANIFEST_AT_CHECKSUM,
                  spr_hash64(bytes, SPR_MANIFEST_AT_CHECKSUM, body));
}

/* Where the body of a frame keeps the running hash; 0: nowhere. */
static size_t running_at(uint16_t type)
{
    return type == SPR_FRAME_SEAL     ? SPR_FRAME_HEAD_BYTES + 4
           : type == SPR_FRAME_DECIDE ? SPR_FRAME_HEAD_BYTES + 20
                                      : 0;
}

void seal_journal(uint8_t *bytes, size_t length)
{
    uint64_t running = 0;
    uint64_t seq = 0;
    uint8_t id[16] = { 0 };
    for (size_t at = 0; length - at >= SPR_FRAME_HEAD_BYTES + SPR_FRAME_HASH_BYTES;) {
        uint8_t *frame = bytes + at;
        const uint32_t size = spr_load_u32(frame) & ~7u;
        if (size < SPR_FRAME_HEAD_BYTES + SPR_FRAME_HASH_BYTES || size > length - at) {
            return;
        }
        const uint16_t type = spr_load_u16(frame + 4);
        spr_store_u32(frame, size);
        spr_store_u64(frame + 8, seq);
        if (seq == 0 && size >= SPR_FRAME_HEAD_BYTES + 24 + SPR_FRAME_HASH_BYTES) {
            memcpy(frame + SPR_FRAME_HEAD_BYTES, SPR_JOURNAL_MAGIC, 8);
            memcpy(id, frame + SPR_FRAME_HEAD_BYTES + 8, sizeof(id));
        }
        if (running_at(type) > 0 && running_at(type) + 8 + SPR_FRAME_HASH_BYTES <= size) {
            spr_store_u64(frame + running_at(type), running);
        }
        const size_t hashed = size - SPR_FRAME_HASH_BYTES;
        spr_store_u64(
            frame + hashed,
            spr_hash64(frame, hashed, spr_frame_seed((enum spr_frame_type)type, id, seq)));
        running = spr_hash64(frame, size, running);
        at += size;
        seq++;
    }
}
