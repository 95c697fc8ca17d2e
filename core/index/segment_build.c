/*
 * Filling a segment builder: records become string ids and column keys at once, so that a row costs
 * little more in memory than on disk.
 */
#include "core/index/segment_build.h"

#include "core/index/hash.h"
#include "core/index/identity.h"
#include "core/index/queue_id.h"
#include "formats/cursor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const enum spr_packing PACKINGS[SPR_AT_COLUMNS] = {
    [SPR_AT_DIR] = SPR_PACK_PLANES,
    [SPR_AT_FOLDER] = SPR_PACK_PLANES,
    [SPR_AT_STATE] = SPR_PACK_PLANES,
    [SPR_AT_AUTH_SOURCE] = SPR_PACK_PLANES,
    [SPR_AT_TEXT + SPR_COLUMN_AUTH_METHOD] = SPR_PACK_PLANES,
    [SPR_AT_TEXT + SPR_COLUMN_QUEUE_NAME] = SPR_PACK_PLANES,
    [SPR_AT_INODE] = SPR_PACK_DELTA,
    [SPR_AT_FILE_SIZE] = SPR_PACK_PLANES,
    [SPR_AT_FLAGS] = SPR_PACK_PLANES,
    [SPR_AT_TEXT + SPR_COLUMN_SENDER] = SPR_PACK_SERIAL,
    [SPR_AT_TEXT + SPR_COLUMN_ACCOUNT] = SPR_PACK_PLANES,
    [SPR_AT_TEXT + SPR_COLUMN_LOCAL_USER] = SPR_PACK_PLANES,
    [SPR_AT_TEXT + SPR_COLUMN_CLIENT] = SPR_PACK_SERIAL,
    [SPR_AT_TEXT + SPR_COLUMN_HELO] = SPR_PACK_SERIAL,
    [SPR_AT_TEXT + SPR_COLUMN_SUBJECT] = SPR_PACK_SERIAL,
    [SPR_AT_TEXT + SPR_COLUMN_HEADER_FROM] = SPR_PACK_SERIAL,
    [SPR_AT_TEXT + SPR_COLUMN_MESSAGE_ID] = SPR_PACK_SERIAL,
    [SPR_AT_TEXT + SPR_COLUMN_LAST_ERROR] = SPR_PACK_PLANES,
    [SPR_AT_TEXT + SPR_COLUMN_LOG_SESSION] = SPR_PACK_SERIAL,
    [SPR_AT_NUMBER + SPR_NUMBER_ARRIVAL] = SPR_PACK_DELTA,
    [SPR_AT_NUMBER + SPR_NUMBER_NEXT_RETRY] = SPR_PACK_PLANES,
    [SPR_AT_NUMBER + SPR_NUMBER_ATTEMPTS] = SPR_PACK_PLANES,
    [SPR_AT_NUMBER + SPR_NUMBER_SIZE] = SPR_PACK_PLANES,
    [SPR_AT_RCPT_COUNT] = SPR_PACK_PLANES,
    [SPR_AT_RCPT_ANCHOR] = SPR_PACK_DELTA,
    [SPR_AT_RCPT_ADDRESS] = SPR_PACK_SERIAL,
    [SPR_AT_RCPT_ORIGINAL] = SPR_PACK_PLANES,
    [SPR_AT_RCPT_ERROR] = SPR_PACK_PLANES,
    [SPR_AT_RCPT_STATE] = SPR_PACK_PLANES,
};

static void put_name(struct spr_bytes *raw, struct spr_text id, struct spr_text name)
{
    if (spr_texts_equal(name, id)) {
        spr_bytes_put_u8(raw, SPR_NAME_IS_ID);
        return;
    }
    const uint8_t *inside =
        id.length == 0 ? NULL : memmem(name.bytes, name.length, id.bytes, id.length);
    if (inside == NULL) {
        spr_bytes_put_u8(raw, SPR_NAME_LITERAL);
        spr_bytes_put_text(raw, name);
        return;
    }
    const size_t before = (size_t)(inside - name.bytes);
    const size_t after = before + id.length;
    spr_bytes_put_u8(raw, SPR_NAME_AROUND_ID);
    spr_bytes_put_text(raw, (struct spr_text){ name.bytes, before });
    spr_bytes_put_text(raw, (struct spr_text){ name.bytes + after, name.length - after });
}

/* Queue id and names; the room is there. An id that has a shape and names the only file is told by
 * its columns alone. */
static void put_names(struct spr_segment_builder *builder, const struct spr_record *record,
                      uint64_t keys[SPR_AT_ROW_COLUMNS])
{
    struct spr_bytes *raw = &builder->names.raw;
    const struct spr_text id = spr_text_known(record->queue_id);
    builder->names.count++;
    if (record->file_count == 1 && record->files[0].role == 0 &&
        spr_texts_equal(record->files[0].name, id)) {
        const struct spr_id_facts facts = { record->inode, record->number[SPR_NUMBER_ARRIVAL] };
        keys[SPR_AT_ID_SHAPE] = spr_id_split(id, facts, &keys[SPR_AT_ID_NUMBER]);
        if (keys[SPR_AT_ID_SHAPE] != SPR_ID_LITERAL) {
            spr_bytes_put_u8(raw, 0);
            return;
        }
    }
    keys[SPR_AT_ID_TAG] = (spr_hash64(id.bytes, id.length, builder->seed) & SPR_TAG_MASK) + 1;
    spr_bytes_put_varint(raw, record->file_count + 1u);
    spr_bytes_put_text(raw, id);
    for (unsigned i = 0; i < record->file_count; i++) {
        spr_bytes_put_varint(raw, record->files[i].role);
        put_name(raw, id, spr_text_known(record->files[i].name));
    }
}

static int check_record(const struct spr_segment_builder *builder, const struct spr_record *record)
{
    if (builder->sealed || record->dir >= SPR_DIRS_MAX || record->file_count > SPR_ROLES_MAX ||
        record->queue_id.length > SPR_PATH_MAX || record->folder.length > SPR_PATH_MAX) {
        return -EINVAL;
    }
    for (unsigned i = 0; i < record->file_count; i++) {
        if (record->files[i].role >= SPR_ROLES_MAX || record->files[i].name.length > SPR_NAME_MAX) {
            return -EINVAL;
        }
    }
    return 0;
}

/* Closes a full block of names and makes room for one row more. */
static int reserve_names(struct spr_segment_builder *builder, const struct spr_record *record)
{
    struct spr_block_builder *names = &builder->names;
    if (names->raw.length >= SPR_BLOCK_AIM || names->count >= SPR_NAMES_ROWS) {
        int r = spr_block_close(names, builder->rows);
        if (r < 0) {
            return r;
        }
    }
    size_t room = record->queue_id.length + 2 * SPR_VARINT_MAX;
    for (unsigned i = 0; i < record->file_count; i++) {
        room += record->files[i].name.length + 3 * SPR_VARINT_MAX + 1;
    }
    return spr_bytes_reserve(&names->raw, room);
}

static bool is_of_recipients(unsigned column)
{
    return column >= SPR_AT_RCPT_ADDRESS && column <= SPR_AT_RCPT_STATE;
}

/* Room in all columns of rows for one block more, in those of recipients for the record's. */
static int reserve_columns(struct spr_segment_builder *builder, uint32_t recipient_count)
{
    int r = 0;
    const uint64_t rows = builder->rows;
    for (unsigned i = 0; r == 0 && rows % SPR_COLUMN_BLOCK == 0 && i < SPR_AT_ROW_COLUMNS; i++) {
        r = spr_column_reserve(&builder->columns[i], rows, rows + SPR_COLUMN_BLOCK);
    }
    if (r == 0 && rows % SPR_COLUMN_BLOCK == 0) {
        struct spr_column_builder *anchors = &builder->columns[SPR_AT_RCPT_ANCHOR];
        r = spr_column_reserve(anchors, anchors->count, anchors->count + SPR_COLUMN_BLOCK);
    }
    const uint64_t recipients = builder->recipients + recipient_count;
    if (r < 0 || recipients <= builder->recipients_reserved) {
        return r;
    }
    for (unsigned i = 0; r == 0 && i < SPR_AT_COLUMNS; i++) {
        if (is_of_recipients(i)) {
            r = spr_column_reserve(&builder->columns[i], builder->recipients,
                                   recipients + SPR_COLUMN_BLOCK);
        }
    }
    if (r == 0) {
        builder->recipients_reserved = recipients + SPR_COLUMN_BLOCK;
    }
    return r;
}

static int reserve_row(struct spr_segment_builder *builder, const struct spr_record *record)
{
    if (builder->rows >= SPR_SEGMENT_ROWS_MAX ||
        record->recipient_count > SPR_SEGMENT_RECIPIENTS_MAX - builder->recipients) {
        return -E2BIG;
    }
    int r = reserve_names(builder, record);
    return r < 0 ? r : reserve_columns(builder, record->recipient_count);
}

/* The key of item `position` of a column. */
static void note_key(struct spr_segment_builder *builder, unsigned column, uint64_t position,
                     uint64_t key)
{
    if (key != builder->last[column]) {
        spr_column_fill(&builder->columns[column], builder->last[column], position);
        builder->last[column] = key;
    }
}

static void push_recipients(struct spr_segment_builder *builder, const struct spr_record *record)
{
    const uint8_t *keys = builder->recipient_keys.at;
    for (uint32_t i = 0; i < record->recipient_count; i++, keys += SPR_RECIPIENT_KEYS_BYTES) {
        const uint64_t position = builder->recipients++;
        spr_column_push(&builder->columns[SPR_AT_RCPT_ADDRESS], spr_load_u32(keys));
        note_key(builder, SPR_AT_RCPT_ORIGINAL, position, spr_load_u32(keys + 4));
        note_key(builder, SPR_AT_RCPT_ERROR, position, spr_load_u32(keys + 8));
        note_key(builder, SPR_AT_RCPT_STATE, position, (uint64_t)record->recipients[i].state);
    }
}

static void fill_keys(const struct spr_record *record, uint64_t keys[SPR_AT_ROW_COLUMNS])
{
    keys[SPR_AT_DIR] = record->dir;
    keys[SPR_AT_INODE] = record->inode;
    keys[SPR_AT_FILE_SIZE] = record->file_size;
    keys[SPR_AT_STAT_DIGEST] = record->stat_digest;
    keys[SPR_AT_SET_DIGEST] =
        record->set_digest ^ spr_set_digest(record->files, record->file_count);
    keys[SPR_AT_IDENTITY] = record->identity_digest;
    keys[SPR_AT_STATE] = (uint64_t)record->state;
    keys[SPR_AT_AUTH_SOURCE] = (uint64_t)record->auth_source;
    keys[SPR_AT_FLAGS] = record->flags;
    for (unsigned i = 0; i < SPR_NUMBER_COUNT; i++) {
        keys[SPR_AT_NUMBER + i] = (uint64_t)record->number[i] ^ SPR_SIGN_BIT;
    }
    keys[SPR_AT_NUMBER + SPR_NUMBER_SIZE] =
        spr_size_key(keys[SPR_AT_NUMBER + SPR_NUMBER_SIZE], record->file_size);
    keys[SPR_AT_RCPT_COUNT] = record->recipient_count;
    keys[SPR_AT_ID_SHAPE] = SPR_ID_LITERAL;
    keys[SPR_AT_ID_NUMBER] = 0;
    keys[SPR_AT_ID_TAG] = 0;
}

int spr_segment_builder_add(struct spr_segment_builder *builder, const struct spr_record *record)
{
    int r = check_record(builder, record);
    if (r < 0) {
        return r;
    }
    r = reserve_row(builder, record);
    if (r < 0) {
        return r;
    }
    uint64_t keys[SPR_AT_ROW_COLUMNS];
    struct spr_row_search search;
    spr_row_search(builder, record, keys, &search);
    fill_keys(record, keys);
    r = spr_row_settle(builder, record, keys, &search);
    if (r < 0) {
        return r;
    }

    put_names(builder, record, keys);
    if (builder->rows % SPR_ANCHOR_ROWS == 0) {
        spr_column_push(&builder->columns[SPR_AT_RCPT_ANCHOR], builder->recipients);
    }
    for (unsigned i = 0; i < SPR_AT_ROW_COLUMNS; i++) {
        note_key(builder, i, builder->rows, keys[i]);
    }
    push_recipients(builder, record);
    builder->rows++;
    return 0;
}

uint32_t spr_segment_builder_count(const struct spr_segment_builder *builder)
{
    return builder->rows;
}

/* Asked for every message: columns are summed up at times. */
size_t spr_segment_builder_memory(struct spr_segment_builder *builder)
{
    if (builder->rows % SPR_ANCHOR_ROWS == 0) {
        builder->column_bytes = 0;
        for (unsigned i = 0; i < SPR_AT_COLUMNS; i++) {
            builder->column_bytes +=
                spr_column_memory(&builder->columns[i]) - sizeof(builder->columns[i]);
        }
        builder->column_bytes += spr_block_builder_memory(&builder->names);
    }
    size_t bytes = sizeof(*builder) + builder->column_bytes + builder->recipient_keys.capacity;
    for (unsigned i = 0; i < SPR_CLASS_COUNT; i++) {
        bytes += spr_strings_memory(&builder->strings[i]);
    }
    return bytes;
}

int spr_segment_builder_new(const struct spr_index_secret *secret,
                            struct spr_segment_builder **ret_builder)
{
    struct spr_segment_builder *builder = calloc(1, sizeof(*builder));
    if (builder == NULL) {
        return -ENOMEM;
    }
    builder->seed = secret->seed;
    for (unsigned i = 0; i < SPR_CLASS_COUNT; i++) {
        const uint16_t tags = i == SPR_CLASS_RECIPIENTS ? SPR_TAG_RECIPIENTS : SPR_TAG_MASK;
        spr_strings_init(&builder->strings[i], secret->seed, i < SPR_CLASS_TAGGED ? tags : 0);
    }
    for (unsigned i = 0; i < SPR_AT_COLUMNS; i++) {
        spr_column_init(&builder->columns[i], PACKINGS[i], &builder->packer);
    }
    int r = spr_block_builder_init(&builder->names);
    if (r < 0) {
        spr_segment_builder_free(builder);
        return r;
    }
    builder->packer.context = builder->names.context;
    *ret_builder = builder;
    return 0;
}

void spr_segment_builder_free(struct spr_segment_builder *builder)
{
    if (builder == NULL) {
        return;
    }
    for (unsigned i = 0; i < SPR_AT_COLUMNS; i++) {
        spr_column_free(&builder->columns[i]);
    }
    for (unsigned i = 0; i < SPR_CLASS_COUNT; i++) {
        spr_strings_free(&builder->strings[i]);
    }
    spr_bytes_free(&builder->recipient_keys);
    spr_block_builder_free(&builder->names);
    free(builder);
}
