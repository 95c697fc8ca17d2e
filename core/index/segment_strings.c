/*
 * Decoded blocks: the strings of the dictionary, and the rows of names.
 */
#include "core/fault.h"
#include "core/index/classes.h"
#include "core/index/segment_view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int fail_memory(const struct spr_segment_reader *reader, struct spr_fault *fault)
{
    return spr_fault_set(fault, -ENOMEM, reader->segment->name, 0, "out of memory");
}

static void drop_decoded(struct spr_decoded *decoded)
{
    free(decoded->bytes);
    free(decoded->starts);
    *decoded = (struct spr_decoded){ .block = UINT32_MAX };
}

/* Room for a block; some more than asked for, because the next one is about as large. */
static bool make_room(struct spr_decoded *decoded, uint32_t bytes, uint32_t starts)
{
    if (decoded->bytes_room < bytes || decoded->starts_room < starts) {
        drop_decoded(decoded);
        decoded->bytes = malloc((size_t)bytes + bytes / 8);
        decoded->starts = malloc(((size_t)starts + starts / 8) * sizeof(*decoded->starts));
        decoded->bytes_room = bytes + bytes / 8;
        decoded->starts_room = starts + starts / 8;
    }
    return decoded->bytes != NULL && decoded->starts != NULL;
}

static bool skip_string(const uint8_t **at, const uint8_t *end)
{
    struct spr_text text;
    return spr_pack_text(at, end, &text);
}

static bool skip_row(const uint8_t **at, const uint8_t *end)
{
    struct spr_text text;
    uint64_t files;
    if (!spr_pack_varint(at, end, &files) || files > SPR_ROLES_MAX + 1) {
        return false;
    }
    if (files == 0) {
        return true; /* told by the row's columns */
    }
    if (!spr_pack_text(at, end, &text)) {
        return false;
    }
    for (uint64_t i = 1; i < files; i++) {
        uint64_t role;
        if (!spr_pack_varint(at, end, &role) || role >= SPR_ROLES_MAX || *at == end) {
            return false;
        }
        const uint8_t form = *(*at)++;
        const bool whole =
            form == SPR_NAME_IS_ID || (form == SPR_NAME_LITERAL && skip_string(at, end)) ||
            (form == SPR_NAME_AROUND_ID && skip_string(at, end) && skip_string(at, end));
        if (!whole) {
            return false;
        }
    }
    return true;
}

/* Decodes the block and finds where its items start. */
static int decode(struct spr_segment_reader *reader, const struct spr_block_view *view,
                  uint32_t block, bool (*skip)(const uint8_t **at, const uint8_t *end),
                  struct spr_decoded *decoded, struct spr_fault *fault)
{
    const struct spr_block_entry entry = spr_block_entry(view, block);
    decoded->block = UINT32_MAX;
    if (!make_room(decoded, entry.raw, entry.count + 1)) {
        return fail_memory(reader, fault);
    }
    const char *reason = NULL;
    int r = spr_block_unpack(reader->unpacker, view, block, decoded->bytes, &reason);
    if (r < 0) {
        return spr_segment_corrupt(reader->segment, view->payload + entry.offset, reason, fault);
    }
    const uint8_t *at = decoded->bytes;
    const uint8_t *end = at + entry.raw;
    for (uint32_t i = 0; i < entry.count; i++) {
        decoded->starts[i] = (uint32_t)(at - decoded->bytes);
        if (!skip(&at, end)) {
            return spr_segment_corrupt(reader->segment, view->payload + entry.offset,
                                       "an item is cut off inside its block", fault);
        }
    }
    decoded->starts[entry.count] = (uint32_t)(at - decoded->bytes);
    if (at != end) {
        return spr_segment_corrupt(reader->segment, view->payload + entry.offset,
                                   "a block holds more than its items", fault);
    }
    decoded->first = entry.first;
    decoded->count = entry.count;
    decoded->block = block;
    return 0;
}

static struct spr_text string_in(const struct spr_decoded *decoded, uint32_t index)
{
    const uint8_t *at = decoded->bytes + decoded->starts[index];
    struct spr_text text = { at, 0 };
    (void)spr_pack_text(&at, decoded->bytes + decoded->starts[index + 1], &text); /* skipped once */
    return text;
}

int spr_segment_borrow(struct spr_segment_reader *reader, uint32_t id, struct spr_text *ret_text,
                       struct spr_fault *fault)
{
    const struct spr_segment *segment = reader->segment;
    if (id >= segment->strings) {
        return spr_segment_corrupt(segment, segment->map + SPR_SEGMENT_AT_STRINGS,
                                   "string id beyond the dictionary", fault);
    }
    const uint32_t block = spr_block_find(&segment->string_blocks, id);
    struct spr_decoded *decoded = &reader->strings[block % SPR_STRING_SLOTS];
    if (decoded->block != block) {
        int r = decode(reader, &segment->string_blocks, block, skip_string, decoded, fault);
        if (r < 0) {
            drop_decoded(decoded);
            return r;
        }
    }
    *ret_text = string_in(decoded, id - decoded->first);
    return 0;
}

int spr_segment_string(struct spr_segment_reader *reader, uint32_t id, struct spr_text *ret_text,
                       struct spr_fault *fault)
{
    return spr_segment_borrow(reader, id, ret_text, fault);
}

static struct spr_segment_ids ids_of_class(const struct spr_segment *segment,
                                           enum spr_string_class class)
{
    return (struct spr_segment_ids){ segment->class_start[class], segment->class_start[class + 1] };
}

struct spr_segment_ids spr_segment_ids_of(const struct spr_segment *segment, enum spr_column column)
{
    return column == SPR_COLUMN_COUNT ? (struct spr_segment_ids){ 0, segment->strings }
                                      : ids_of_class(segment, spr_class_of(column));
}

struct spr_segment_ids spr_segment_ids_of_recipients(const struct spr_segment *segment)
{
    return ids_of_class(segment, SPR_CLASS_RECIPIENTS);
}

int spr_segment_strings(struct spr_segment_reader *reader, struct spr_segment_ids ids,
                        int (*on_string)(uint32_t id, struct spr_text text, void *user), void *user,
                        struct spr_fault *fault)
{
    const struct spr_block_view *view = &reader->segment->string_blocks;
    struct spr_decoded decoded = { .block = UINT32_MAX };
    uint32_t id = ids.first;
    int r = 0;
    while (r == 0 && id < ids.end) {
        r = decode(reader, view, spr_block_find(view, id), skip_string, &decoded, fault);
        const uint32_t last = decoded.first + decoded.count;
        for (; r == 0 && id < ids.end && id < last; id++) {
            r = on_string(id, string_in(&decoded, id - decoded.first), user);
        }
    }
    drop_decoded(&decoded);
    return r;
}

/* The bytes of one row of names, its block decoded. */
static int find_names(struct spr_segment_reader *reader, uint32_t row, const uint8_t **ret_at,
                      const uint8_t **ret_end, struct spr_fault *fault)
{
    const struct spr_segment *segment = reader->segment;
    if (row >= segment->rows) {
        return spr_segment_corrupt(segment, segment->map + SPR_SEGMENT_AT_ROWS,
                                   "row beyond the segment", fault);
    }
    struct spr_decoded *names = &reader->names;
    if (names->block == UINT32_MAX || row < names->first || row - names->first >= names->count) {
        const uint32_t block = spr_block_find(&segment->name_blocks, row);
        int r = decode(reader, &segment->name_blocks, block, skip_row, names, fault);
        if (r < 0) {
            drop_decoded(names);
            return r;
        }
    }
    *ret_at = names->bytes + names->starts[row - names->first];
    *ret_end = names->bytes + names->starts[row - names->first + 1];
    return 0;
}

/* The id from the row's columns, into reader->shaped. An empty text: it has no shape. */
static int take_shaped(struct spr_segment_reader *reader, uint32_t row, struct spr_text *ret_id,
                       struct spr_fault *fault)
{
    uint64_t shape = 0;
    uint64_t number = 0;
    struct spr_id_facts facts = { 0 };
    *ret_id = (struct spr_text){ reader->shaped, 0 };
    int r = spr_segment_key_within(reader, SPR_AT_ID_SHAPE, row, SPR_ID_BASE52, &shape, fault);
    if (r < 0 || shape == SPR_ID_LITERAL) {
        return r;
    }
    r = spr_segment_key(reader, SPR_AT_ID_NUMBER, row, &number, fault);
    if (r == 0) {
        r = spr_segment_key(reader, SPR_AT_INODE, row, &facts.inode, fault);
    }
    if (r == 0) {
        r = spr_segment_number(reader, row, SPR_NUMBER_ARRIVAL, &facts.arrival, fault);
    }
    if (r < 0) {
        return r;
    }
    ret_id->length = spr_id_join((enum spr_id_shape)shape, number, facts, reader->shaped);
    return ret_id->length > 0
               ? 0
               : spr_segment_corrupt(reader->segment, reader->segment->map + SPR_SEGMENT_AT_ROWS,
                                     "a queue id is none of its shape", fault);
}

/* The id of a row that has no shape, and the names behind it. */
static int take_literal(struct spr_segment_reader *reader, uint32_t row, struct spr_text *ret_id,
                        uint64_t *ret_files, const uint8_t **ret_at, const uint8_t **ret_end,
                        struct spr_fault *fault)
{
    int r = find_names(reader, row, ret_at, ret_end, fault);
    if (r < 0) {
        return r;
    }
    uint64_t files = 0;
    (void)spr_pack_varint(ret_at, *ret_end, &files); /* all of it was skipped once */
    if (files == 0) {
        return spr_segment_corrupt(reader->segment, reader->segment->map + SPR_SEGMENT_AT_ROWS,
                                   "a queue id has neither shape nor name", fault);
    }
    (void)spr_pack_text(ret_at, *ret_end, ret_id);
    *ret_files = files - 1;
    return 0;
}

int spr_segment_queue_id(struct spr_segment_reader *reader, uint32_t row, struct spr_text *ret_text,
                         struct spr_fault *fault)
{
    const uint8_t *at = NULL;
    const uint8_t *end = NULL;
    uint64_t files;
    int r = take_shaped(reader, row, ret_text, fault);
    return r < 0 || ret_text->length > 0
               ? r
               : take_literal(reader, row, ret_text, &files, &at, &end, fault);
}

static bool join(struct spr_arena *arena, const struct spr_text parts[3], struct spr_text *ret_text)
{
    const size_t length = parts[0].length + parts[1].length + parts[2].length;
    uint8_t *bytes = spr_arena_take(arena, length);
    if (bytes == NULL) {
        return false;
    }
    uint8_t *at = bytes;
    for (unsigned i = 0; i < 3; i++) {
        if (parts[i].length > 0) {
            memcpy(at, parts[i].bytes, parts[i].length);
            at += parts[i].length;
        }
    }
    *ret_text = (struct spr_text){ bytes, length };
    return true;
}

/* The files of a row whose names follow its id. */
static int take_files(struct spr_segment_reader *reader, struct spr_text id, const uint8_t *at,
                      const uint8_t *end, struct spr_record *record, struct spr_fault *fault)
{
    for (unsigned i = 0; i < record->file_count; i++) {
        uint64_t role = 0;
        (void)spr_pack_varint(&at, end, &role);
        record->files[i].role = (unsigned)role;
        const uint8_t form = *at++;
        struct spr_text parts[3] = { 0 };
        if (form != SPR_NAME_IS_ID) {
            (void)spr_pack_text(&at, end, &parts[0]);
        }
        if (form != SPR_NAME_LITERAL) {
            parts[1] = id;
        }
        if (form == SPR_NAME_AROUND_ID) {
            (void)spr_pack_text(&at, end, &parts[2]);
        }
        if (!join(&reader->arena, parts, &record->files[i].name)) {
            return fail_memory(reader, fault);
        }
    }
    return 0;
}

int spr_segment_names(struct spr_segment_reader *reader, uint32_t row, struct spr_record *record,
                      struct spr_fault *fault)
{
    const uint8_t *at = NULL;
    const uint8_t *end = NULL;
    struct spr_text id = { NULL, 0 };
    uint64_t files = 1;
    int r = take_shaped(reader, row, &id, fault);
    const bool is_shaped = r == 0 && id.length > 0;
    if (r == 0 && !is_shaped) {
        r = take_literal(reader, row, &id, &files, &at, &end, fault);
    }
    if (r < 0) {
        return r;
    }
    if (!join(&reader->arena, (struct spr_text[3]){ id }, &record->queue_id)) {
        return fail_memory(reader, fault);
    }
    record->file_count = (unsigned)files;
    if (is_shaped) {
        record->files[0] = (struct spr_record_file){ 0, record->queue_id };
        return 0;
    }
    return take_files(reader, id, at, end, record, fault);
}
