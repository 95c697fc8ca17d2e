/*
 * The record walk over a Postfix queue file: a type byte, a length of up to four bytes in base 128,
 * the payload. A pointer record continues the walk elsewhere.
 *
 *  (1) Nothing outside the view's extents is read; what is missing is asked for.
 *  (2) Between two jumps every record moves on, towards the file's end. Backward jumps are limited,
 *      and so are the bytes walked before the last jump: a walk ends whatever the file says.
 */
#include "formats/cursor.h"
#include "formats/postfix.h"

#include <endian.h>
#include <string.h>

#define LENGTH_BYTES_MAX  4 /* the server rejects a fifth */
#define RECORD_HEADER_MAX (1 + LENGTH_BYTES_MAX)
#define PAYLOAD_MAX       (64 * 1024) /* ordinary writers stay below 2048 */
#define BACKWARD_MAX      10000       /* what the server's own reader allows */
#define READ_MIN          (64 * 1024) /* so that rounds stay few */
#define READ_MAX          (16u << 20) /* one request */
#define DIGITS_MAX        19          /* so many always fit 64 bits */
#define BLANKS            0x2020202020202020u

static const uint8_t nothing = 0; /* what a walk without bytes points to */

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

void spr_postfix_walk_init(struct spr_postfix_walk *walk, const struct spr_file_view *file,
                           struct spr_need *need, uint64_t offset)
{
    *walk = (struct spr_postfix_walk){ .file = file, .need = need };
    spr_postfix_walk_to(walk, offset);
}

void spr_postfix_walk_to(struct spr_postfix_walk *walk, uint64_t offset)
{
    const uint64_t size = walk->file->size;
    struct spr_text text = { NULL, 0 };
    if (offset < size) {
        text = spr_view_from(walk->file, offset);
        text.length = text.length < size - offset ? text.length : (size_t)(size - offset);
    }
    walk->offset = offset;
    walk->run_at = offset;
    walk->at = text.length > 0 ? text.bytes : &nothing;
    walk->end = walk->at + text.length;
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
    const struct spr_text text = { walk->at, (size_t)(walk->end - walk->at) };
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
    walk->at += c.offset;
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
    walk->walked += walk->offset - walk->run_at;
    if (walk->walked / 2 > walk->file->size) { /* (2) */
        return spr_postfix_malformed(walk, pointer->offset, "pointer records run in a circle");
    }
    walk->jumped = true;
    spr_postfix_walk_to(walk, target);
    return SPR_PARSED;
}

enum spr_verdict spr_postfix_walk_any(struct spr_postfix_walk *walk,
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

/* Without the blanks at its start, which are most of a field: eight are looked at in one go. */
static struct spr_text skip_blanks(struct spr_text text)
{
    uint64_t word = BLANKS;
    while (text.length >= sizeof(word) && word == BLANKS) {
        memcpy(&word, text.bytes, sizeof(word));
        word = le64toh(word);
        const size_t blanks =
            word == BLANKS ? sizeof(word) : (unsigned)__builtin_ctzll(word ^ BLANKS) / 8;
        text.bytes += blanks;
        text.length -= blanks;
    }
    while (text.length > 0 && text.bytes[0] == ' ') {
        text.bytes++;
        text.length--;
    }
    return text;
}

/* The number the text begins with, taken off it. */
static bool take_digits(struct spr_text *text, uint64_t *ret_number)
{
    if (text->length == 0) { /* its bytes may be NULL */
        return false;
    }
    const uint8_t *const start = text->bytes;
    const uint8_t *const end = start + text->length;
    const uint8_t *at = start;
    uint64_t number = 0;
    for (; at < end && *at != ' '; at++) {
        const unsigned digit = (unsigned)*at - '0';
        if (digit > 9) {
            return false;
        }
        number = number * 10 + digit; /* wraps around where it has too many digits */
    }
    const size_t length = (size_t)(at - start);
    *text = (struct spr_text){ at, (size_t)(end - at) };
    *ret_number = number;
    return length > 0 && length <= DIGITS_MAX;
}

bool spr_postfix_take_number(struct spr_text *text, uint64_t *ret_number)
{
    *text = skip_blanks(*text);
    return take_digits(text, ret_number);
}

bool spr_postfix_sizes(struct spr_text payload, uint64_t sizes[SPR_POSTFIX_SIZES_MAX],
                       unsigned *ret_count)
{
    unsigned count = 0;
    for (; count < SPR_POSTFIX_SIZES_MAX; count++) {
        payload = skip_blanks(payload);
        if (payload.length == 0) {
            break;
        }
        if (!take_digits(&payload, &sizes[count])) {
            return false;
        }
    }
    *ret_count = count;
    return true;
}
