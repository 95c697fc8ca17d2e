/*
 * Strings that may have a literal: a decoded block is lower-cased and searched as a whole, and only
 * the strings around a hit are told. Text whose normal form is more than its lower case (other
 * bytes than ASCII, quotes, labels that may be IDNA) is odd: its strings are told as well.
 */
#include "core/fault.h"
#include "core/index/segment_view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK      64 /* bytes that share a sign of being odd */
#define CHUNKS_MAX (SPR_BLOCK_RAW_MAX / CHUNK)

/* A block in hand. Strings are met in order, so each search goes on where the last one ended. */
struct hunt {
    struct spr_text literal;
    uint8_t *raw, *folded; /* SPR_BLOCK_RAW_MAX and a byte more */
    size_t length;
    uint8_t odd[CHUNKS_MAX];
    size_t hit, odd_at; /* the next ones; length: none */
};

/* Lower-cases a chunk; what is odd about it. The byte behind it is read. */
static uint8_t fold_chunk(const uint8_t *raw, uint8_t *folded, size_t count)
{
    uint8_t odd = 0;
    for (size_t i = 0; i < count; i++) {
        const uint8_t byte = raw[i];
        const uint8_t is_capital = (uint8_t)((uint8_t)(byte - 'A') <= 'Z' - 'A');
        const uint8_t is_dashes = (uint8_t)((byte == '-') & (raw[i + 1] == '-'));
        folded[i] = (uint8_t)(byte | is_capital << 5);
        odd |= (uint8_t)((byte & 0x80) | (byte == '"') | is_dashes);
    }
    return odd;
}

static void fold(struct hunt *hunt)
{
    size_t at = 0;
    hunt->raw[hunt->length] = 0;
    for (; at + CHUNK <= hunt->length; at += CHUNK) { /* a length that the compiler can unroll */
        hunt->odd[at / CHUNK] = fold_chunk(hunt->raw + at, hunt->folded + at, CHUNK);
    }
    if (at < hunt->length) {
        hunt->odd[at / CHUNK] = fold_chunk(hunt->raw + at, hunt->folded + at, hunt->length - at);
    }
}

static size_t find_hit(const struct hunt *hunt, size_t from)
{
    const uint8_t *found =
        memmem(hunt->folded + from, hunt->length - from, hunt->literal.bytes, hunt->literal.length);
    return found != NULL ? (size_t)(found - hunt->folded) : hunt->length;
}

static size_t find_odd(const struct hunt *hunt, size_t from)
{
    const size_t chunks = (hunt->length + CHUNK - 1) / CHUNK;
    size_t chunk = from / CHUNK;
    while (chunk < chunks && hunt->odd[chunk] == 0) {
        chunk++;
    }
    if (chunk == chunks) {
        return hunt->length;
    }
    return chunk * CHUNK > from ? chunk * CHUNK : from;
}

/* Where the next text lies that must be told; the length: there is none. */
static size_t find_told(struct hunt *hunt, size_t from)
{
    if (hunt->hit < from) {
        hunt->hit = find_hit(hunt, from);
    }
    if (hunt->odd_at < from) {
        hunt->odd_at = find_odd(hunt, from);
    }
    return hunt->hit < hunt->odd_at ? hunt->hit : hunt->odd_at;
}

/* Which strings are told, and to whom. */
struct told {
    struct spr_segment_ids ids;
    int (*on_string)(uint32_t id, struct spr_text text, void *user);
    void *user;
};

static int tell_block(struct spr_segment_reader *reader, struct hunt *hunt,
                      const struct spr_block_entry *entry, const struct told *told,
                      struct spr_fault *fault)
{
    const uint8_t *at = hunt->raw;
    const uint8_t *end = at + hunt->length;
    int r = 0;
    size_t wanted = find_told(hunt, 0);
    const uint32_t last = entry->first + entry->count;
    for (uint32_t id = entry->first; r == 0 && wanted < hunt->length && id < last; id++) {
        struct spr_text text;
        if (!spr_pack_text(&at, end, &text)) {
            return spr_segment_corrupt(reader->segment,
                                       reader->segment->string_blocks.payload + entry->offset,
                                       "an item is cut off inside its block", fault);
        }
        const size_t behind = (size_t)(at - hunt->raw);
        if (behind <= wanted) {
            continue;
        }
        if (id >= told->ids.first && id < told->ids.end) {
            r = told->on_string(id, text, told->user);
        }
        wanted = find_told(hunt, behind);
    }
    return r;
}

static int search_block(struct spr_segment_reader *reader, struct hunt *hunt, uint32_t block,
                        const struct told *told, struct spr_fault *fault)
{
    const struct spr_block_view *view = &reader->segment->string_blocks;
    const struct spr_block_entry entry = spr_block_entry(view, block);
    const char *reason = NULL;
    if (spr_block_unpack(reader->unpacker, view, block, hunt->raw, &reason) < 0) {
        return spr_segment_corrupt(reader->segment, view->payload + entry.offset, reason, fault);
    }
    hunt->length = entry.raw;
    fold(hunt);
    hunt->hit = find_hit(hunt, 0);
    hunt->odd_at = find_odd(hunt, 0);
    return tell_block(reader, hunt, &entry, told, fault);
}

int spr_segment_strings_with(struct spr_segment_reader *reader, struct spr_segment_ids ids,
                             struct spr_text literal,
                             int (*on_string)(uint32_t id, struct spr_text text, void *user),
                             void *user, struct spr_fault *fault)
{
    const struct spr_block_view *view = &reader->segment->string_blocks;
    const struct told told = { ids, on_string, user };
    struct hunt *hunt = calloc(1, sizeof(*hunt));
    uint8_t *bytes = malloc(2 * ((size_t)SPR_BLOCK_RAW_MAX + 1));
    int r = -ENOMEM;
    if (hunt == NULL || bytes == NULL) {
        r = spr_fault_set(fault, -ENOMEM, reader->segment->name, 0, "out of memory");
        goto done;
    }
    hunt->literal = literal;
    hunt->raw = bytes;
    hunt->folded = bytes + SPR_BLOCK_RAW_MAX + 1;
    r = 0;
    if (ids.first < ids.end) {
        uint32_t block = spr_block_find(view, ids.first);
        for (; r == 0 && block < view->blocks && spr_block_entry(view, block).first < ids.end;
             block++) {
            r = search_block(reader, hunt, block, &told, fault);
        }
    }

done:
    free(bytes);
    free(hunt);
    return r;
}
