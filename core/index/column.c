/*
 * Reading blocks of keys.
 */
#include "core/index/column.h"

#include "core/index/hash.h"
#include "core/spoolray.h"

struct entry {
    uint64_t low, high, checksum;
    const uint8_t *at; /* of its payload */
    size_t bytes;
    unsigned width, flags;
};

/* The parts of a block's payload. */
struct parts {
    uint64_t head;
    const uint8_t *keys; /* of its dictionary, as range codes of so many bits */
    unsigned key_width;
    const uint8_t *codes;
    size_t code_bytes;
};

static size_t bytes_of(uint64_t items, unsigned width)
{
    return (size_t)((items * width + 63) / 64 * 8);
}

static const uint8_t *entry_at(const struct spr_column_view *view, uint32_t block)
{
    return view->directory + (size_t)block * SPR_COLUMN_ENTRY_BYTES;
}

uint64_t spr_column_offset(const struct spr_column_view *view, uint32_t block)
{
    return (uint64_t)spr_load_u32(entry_at(view, block) + 24) * 8;
}

static struct entry load_entry(const struct spr_column_view *view, uint32_t block)
{
    const uint8_t *at = entry_at(view, block);
    return (struct entry){
        .low = spr_load_u64(at),
        .high = spr_load_u64(at + 8),
        .checksum = spr_load_u64(at + 16),
        .at = view->payload + spr_column_offset(view, block),
        .bytes = spr_load_u16(at + 28) * 8u,
        .width = at[30],
        .flags = at[31],
    };
}

uint32_t spr_column_items(const struct spr_column_view *view, uint32_t block)
{
    const uint64_t left = view->count - (uint64_t)block * SPR_COLUMN_BLOCK;
    return left < SPR_COLUMN_BLOCK ? (uint32_t)left : SPR_COLUMN_BLOCK;
}

void spr_column_bounds(const struct spr_column_view *view, uint32_t block, uint64_t *ret_low,
                       uint64_t *ret_high)
{
    *ret_low = spr_load_u64(entry_at(view, block));
    *ret_high = spr_load_u64(entry_at(view, block) + 8);
}

bool spr_column_check(const struct spr_column_view *view, uint32_t *ret_block)
{
    for (uint32_t block = 0; block < view->blocks; block++) {
        const uint64_t offset = spr_column_offset(view, block);
        *ret_block = block;
        if (offset > view->payload_bytes) {
            return false;
        }
        const struct entry entry = load_entry(view, block);
        if (entry.width > 64 || (entry.flags & ~(unsigned)SPR_COLUMN_FLAGS) != 0 ||
            entry.low > entry.high || entry.bytes > view->payload_bytes - offset) {
            return false;
        }
    }
    return true;
}

static bool split(const struct entry *entry, uint32_t items, struct parts *ret_parts)
{
    struct parts parts = { .codes = entry->at, .code_bytes = entry->bytes };
    if (entry->flags & (SPR_COLUMN_DICTIONARY | SPR_COLUMN_DELTA | SPR_COLUMN_SERIAL)) {
        if (parts.code_bytes < 8) {
            return false;
        }
        parts.head = spr_load_u64(parts.codes);
        parts.codes += 8;
        parts.code_bytes -= 8;
    }
    if (entry->flags & SPR_COLUMN_DICTIONARY) {
        const uint64_t most =
            entry->high - entry->low + (entry->flags & SPR_COLUMN_HAS_ZERO ? 1 : 0);
        parts.key_width = most == 0 ? 0 : 64 - (unsigned)__builtin_clzll(most);
        const size_t key_bytes = bytes_of(parts.head, parts.key_width);
        if (parts.head == 0 || parts.head > SPR_COLUMN_DISTINCT_MAX ||
            key_bytes > parts.code_bytes) {
            return false;
        }
        parts.keys = parts.codes;
        parts.codes += key_bytes;
        parts.code_bytes -= key_bytes;
    }
    *ret_parts = parts;
    return (entry->flags & SPR_COLUMN_PLANES) != 0 ||
           parts.code_bytes == bytes_of(items, entry->width);
}

bool spr_column_verify(const struct spr_column_view *view, uint32_t block)
{
    const struct entry entry = load_entry(view, block);
    struct parts parts;
    return spr_hash64(entry.at, entry.bytes, 0) == entry.checksum &&
           split(&entry, spr_column_items(view, block), &parts);
}

static uint64_t take_code(const uint8_t *words, uint64_t index, unsigned width)
{
    if (width == 0) {
        return 0;
    }
    const uint64_t bit = index * width;
    const unsigned shift = (unsigned)(bit % 64);
    const uint8_t *at = words + bit / 64 * 8;
    uint64_t code = spr_load_u64(at) >> shift;
    if (shift + width > 64) {
        code |= spr_load_u64(at + 8) << (64 - shift);
    }
    return width == 64 ? code : code & ((UINT64_C(1) << width) - 1);
}

static uint64_t key_of(const struct entry *entry, uint64_t code)
{
    if (entry->flags & SPR_COLUMN_HAS_ZERO) {
        return code == 0 ? 0 : entry->low + code - 1;
    }
    return entry->low + code;
}

int spr_column_key(const struct spr_column_view *view, uint64_t index, uint64_t *ret_key)
{
    const uint32_t block = (uint32_t)(index / SPR_COLUMN_BLOCK);
    const struct entry entry = load_entry(view, block);
    if (entry.flags & (SPR_COLUMN_DELTA | SPR_COLUMN_SERIAL | SPR_COLUMN_PLANES)) {
        return 0;
    }
    struct parts parts = { 0 };
    (void)split(&entry, spr_column_items(view, block), &parts); /* (2) */
    uint64_t code = take_code(parts.codes, index % SPR_COLUMN_BLOCK, entry.width);
    if (entry.flags & SPR_COLUMN_DICTIONARY) {
        if (code >= parts.head) {
            return SPR_E_CORRUPT;
        }
        code = take_code(parts.keys, code, parts.key_width);
    }
    *ret_key = key_of(&entry, code);
    return 1;
}

static void take_codes(const uint8_t *words, uint32_t items, unsigned width, uint64_t *out)
{
    if (width == 0) {
        memset(out, 0, items * sizeof(*out));
        return;
    }
    uint32_t i = 0;
    if (width <= 56) {
        /* Eight bytes from the code's first byte on hold all of it; the last ones would lead
         * beyond the block. */
        const uint64_t mask = (UINT64_C(1) << width) - 1;
        const uint64_t safe = (bytes_of(items, width) - 8) * 8 / width;
        for (uint64_t bit = 0; i < items && i < safe; i++, bit += width) {
            out[i] = spr_load_u64(words + bit / 8) >> (bit % 8) & mask;
        }
    }
    for (; i < items; i++) {
        out[i] = take_code(words, i, width);
    }
}

static bool take_planes(const struct parts *parts, uint32_t items, unsigned width,
                        struct spr_block_reader *unpacker, uint64_t *out)
{
    uint8_t plane[SPR_COLUMN_BLOCK];
    const uint8_t *at = parts->codes;
    size_t left = parts->code_bytes;
    const size_t length = width <= SPR_COLUMN_NARROW ? bytes_of(items, width) : items;
    if (width == 0) {
        memset(out, 0, items * sizeof(*out));
    }
    for (unsigned shift = 0; shift < width; shift += 8) {
        if (left < 4) {
            return false;
        }
        const size_t stored = spr_load_u32(at);
        if (stored > left - 4 || !spr_frame_unpack(unpacker, at + 4, stored, plane, length)) {
            return false;
        }
        if (width <= SPR_COLUMN_NARROW) {
            take_codes(plane, items, width, out);
        }
        for (uint32_t i = 0; width > SPR_COLUMN_NARROW && shift == 0 && i < items; i++) {
            out[i] = plane[i];
        }
        for (uint32_t i = 0; shift > 0 && i < items; i++) {
            out[i] |= (uint64_t)plane[i] << shift;
        }
        at += 4 + stored;
        left -= 4 + stored;
    }
    return left < 8;
}

static bool from_dictionary(const struct entry *entry, const struct parts *parts, uint32_t items,
                            uint64_t *keys)
{
    uint64_t dictionary[SPR_COLUMN_DISTINCT_MAX];
    for (unsigned i = 0; i < parts->head; i++) {
        dictionary[i] = key_of(entry, take_code(parts->keys, i, parts->key_width));
    }
    for (uint32_t i = 0; i < items; i++) {
        if (keys[i] >= parts->head) {
            return false;
        }
        keys[i] = dictionary[keys[i]];
    }
    return true;
}

bool spr_column_decode(const struct spr_column_view *view, uint32_t block,
                       struct spr_block_reader *unpacker, uint64_t ret_keys[SPR_COLUMN_BLOCK])
{
    const struct entry entry = load_entry(view, block);
    const uint32_t items = spr_column_items(view, block);
    struct parts parts = { 0 };
    (void)split(&entry, items, &parts); /* (2) */
    if (entry.flags & SPR_COLUMN_PLANES) {
        if (!take_planes(&parts, items, entry.width, unpacker, ret_keys)) {
            return false;
        }
    } else {
        take_codes(parts.codes, items, entry.width, ret_keys);
    }
    if (entry.flags & SPR_COLUMN_DICTIONARY) {
        return from_dictionary(&entry, &parts, items, ret_keys);
    }
    uint64_t head = parts.head;
    if (entry.flags & SPR_COLUMN_DELTA) {
        for (uint32_t i = 0; i < items; i++) {
            head += (uint64_t)spr_unzigzag(ret_keys[i]);
            ret_keys[i] = head;
        }
    } else if (entry.flags & SPR_COLUMN_SERIAL) {
        for (uint32_t i = 0; i < items; i++) {
            const uint64_t code = ret_keys[i];
            const uint64_t next = head + (code == 0);
            ret_keys[i] = code == 0 ? head : code - 1;
            head = code > next ? code : next; /* the only thing that waits for the item before */
        }
    } else {
        for (uint32_t i = 0; i < items; i++) {
            ret_keys[i] = key_of(&entry, ret_keys[i]);
        }
    }
    return true;
}
