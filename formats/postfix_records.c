/*
 * The record walk over a Postfix queue file: a type byte, a length of up to four bytes in base 128,
 * the payload. A pointer record continues the walk elsewhere.
 *
 *  (1) Nothing outside the view's extents is read; what is missing is asked for.
 *  (2) Every record moves on or costs a backward jump, and all records together cost bytes; both
 * are limited, so a walk ends whatever the file says.
 */
#include "formats/cursor.h"
#include "formats/postfix.h"

#define LENGTH_BYTES_MAX  4 /* the server rejects a fifth */
#define RECORD_HEADER_MAX (1 + LENGTH_BYTES_MAX)
#define PAYLOAD_MAX       (64 * 1024) /* ordinary writers stay below 2048 */
#define BACKWARD_MAX      10000       /* what the server's own reader allows */
#define READ_MIN          (64 * 1024) /* so that rounds stay few */
#define READ_MAX          (16u << 20) /* one request */

void spr_postfix_walk_init(struct spr_postfix_walk *walk, const struct spr_file_view *file,
                           struct spr_need *need)
{
    *walk = (struct spr_postfix_walk){ .file = file, .need = need };
}

enum spr_verdict spr_postfix_malformed(struct spr_postfix_walk *walk, uint64_t offset,
                                       const char *reason)
{
    *walk->need = (struct spr_need){
        .role = SPR_POSTFIX_MESSAGE,
        .offset = offset,
        .reason = reason,
    };
    return SPR_MALFORMED;
}

/* Asks for bytes from offset on: what is needed, what is wanted anyway, and as much again as was
 * read right before, so that the rounds for a long segment grow with its logarithm. */
static enum spr_verdict ask_more(struct spr_postfix_walk *walk, uint64_t offset, uint64_t needed)
{
    uint64_t length = needed > READ_MIN ? needed : READ_MIN;
    if (walk->region_at > offset && walk->region_at - offset > length) {
        length = walk->region_at - offset;
    }
    for (unsigned i = 0; i < walk->file->extent_count; i++) {
        const struct spr_extent *extent = &walk->file->extents[i];
        if (extent->offset + extent->bytes.length == offset && extent->bytes.length > length) {
            length = extent->bytes.length;
        }
    }
    *walk->need = (struct spr_need){
        .role = SPR_POSTFIX_MESSAGE,
        .offset = offset,
        .length = length < READ_MAX ? length : READ_MAX,
    };
    return SPR_MORE;
}

/* The bytes that were read from walk->offset on; empty if none were. */
static struct spr_text look(struct spr_postfix_walk *walk)
{
    uint64_t skipped = walk->offset - walk->window_at;
    if (walk->offset < walk->window_at || skipped >= walk->window.length) {
        walk->window = spr_view_from(walk->file, walk->offset);
        walk->window_at = walk->offset;
        skipped = 0;
    }
    if (walk->window.bytes == NULL) {
        return (struct spr_text){ 0 };
    }
    return (struct spr_text){ walk->window.bytes + skipped, walk->window.length - (size_t)skipped };
}

/* The payload's length; false: it takes more than four bytes, or the text ends inside it. */
static bool take_length(struct spr_cursor *c, uint32_t *ret_length)
{
    uint32_t length = 0;
    for (unsigned i = 0; i < LENGTH_BYTES_MAX; i++) {
        uint8_t byte = spr_take_u8(c);
        length |= (uint32_t)(byte & 0x7f) << (7 * i);
        if ((byte & 0x80) == 0) {
            *ret_length = length;
            return !spr_cursor_failed(c);
        }
    }
    spr_cursor_fail(c, "record length takes more than four bytes");
    return false;
}

/* One record as it stands, pointers included. */
static enum spr_verdict read_record(struct spr_postfix_walk *walk,
                                    struct spr_postfix_record *record)
{
    uint64_t size = walk->file->size;
    if (walk->offset >= size) {
        return spr_postfix_malformed(walk, size, "file ends without an end record");
    }
    struct spr_text text = look(walk);
    struct spr_cursor c;
    spr_cursor_init(&c, text);
    uint8_t type = spr_take_u8(&c);
    uint32_t length = 0;
    if (!take_length(&c, &length)) {
        if (text.length >= RECORD_HEADER_MAX) {
            return spr_postfix_malformed(walk, walk->offset, c.reason);
        }
        if (text.length >= size - walk->offset) {
            return spr_postfix_malformed(walk, walk->offset, "file ends inside a record");
        }
        return ask_more(walk, walk->offset + text.length, RECORD_HEADER_MAX);
    }
    if (length > PAYLOAD_MAX) {
        return spr_postfix_malformed(walk, walk->offset, "record longer than 65536 bytes");
    }
    if (length > size - walk->offset || c.offset > size - walk->offset - length) {
        return spr_postfix_malformed(walk, walk->offset, "record reaches beyond the file's end");
    }
    if (length > spr_cursor_left(&c)) {
        return ask_more(walk, walk->offset + text.length, length - spr_cursor_left(&c));
    }
    *record = (struct spr_postfix_record){
        .type = type,
        .offset = walk->offset,
        .payload = spr_take_bytes(&c, length),
    };
    walk->offset += c.offset;
    walk->walked += c.offset;
    if (walk->walked / 2 > size) { /* (2) */
        return spr_postfix_malformed(walk, record->offset, "pointer records run in a circle");
    }
    return SPR_PARSED;
}

static enum spr_verdict follow_pointer(struct spr_postfix_walk *walk,
                                       const struct spr_postfix_record *pointer)
{
    uint64_t target = 0;
    if (!spr_text_decimal(pointer->payload, &target)) {
        return spr_postfix_malformed(walk, pointer->offset, "pointer record without an offset");
    }
    if (target == 0) {
        return SPR_PARSED; /* reserved space, never used */
    }
    if (target >= walk->file->size) {
        return spr_postfix_malformed(walk, pointer->offset, "pointer record leads out of the file");
    }
    if (target <= pointer->offset && ++walk->backward > BACKWARD_MAX) { /* (2) */
        return spr_postfix_malformed(walk, pointer->offset, "too many backward pointer records");
    }
    walk->jumped = true;
    walk->offset = target;
    return SPR_PARSED;
}

enum spr_verdict spr_postfix_walk_next(struct spr_postfix_walk *walk,
                                       struct spr_postfix_record *ret_record)
{
    for (;;) { /* (2) */
        struct spr_postfix_record record;
        enum spr_verdict verdict = read_record(walk, &record);
        if (verdict == SPR_PARSED && record.type == 'p') {
            verdict = follow_pointer(walk, &record);
            if (verdict == SPR_PARSED) {
                continue;
            }
        }
        if (verdict == SPR_PARSED) {
            *ret_record = record;
        }
        return verdict;
    }
}

bool spr_postfix_sizes(struct spr_text payload, uint64_t sizes[SPR_POSTFIX_SIZES_MAX],
                       unsigned *ret_count)
{
    unsigned count = 0;
    size_t start = 0;
    for (size_t i = 0; i <= payload.length && count < SPR_POSTFIX_SIZES_MAX; i++) {
        if (i < payload.length && payload.bytes[i] != ' ') {
            continue;
        }
        struct spr_text word = { payload.bytes + start, i - start };
        if (word.length > 0) {
            if (!spr_text_decimal(word, &sizes[count])) {
                return false;
            }
            count++;
        }
        start = i + 1;
    }
    *ret_count = count;
    return true;
}
