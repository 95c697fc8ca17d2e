/*
 * Filling a segment builder: records become string ids and column keys at once, so that a row costs
 * little more in memory than on disk.
 */
#include "core/index/segment_build.h"

#include "core/index/hash.h"
#include "core/index/identity.h"
#include "formats/cursor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SIGN_BIT         (UINT64_C(1) << 63)
#define KEYS_A_RECIPIENT 3

static struct spr_text cut_text(struct spr_text text)
{
    if (text.length > SPR_SEGMENT_TEXT_MAX) {
        text.length = SPR_SEGMENT_TEXT_MAX;
    }
    return text;
}

/* Key of a text: id + 1, or 0 for unknown. */
static int text_key(struct spr_segment_builder *builder, struct spr_text text, uint64_t *ret_key)
{
    if (text.bytes == NULL) {
        *ret_key = 0;
        return 0;
    }
    uint32_t id;
    int r = spr_strings_intern(&builder->strings, cut_text(text), &id);
    if (r < 0) {
        return r;
    }
    *ret_key = (uint64_t)id + 1;
    return 0;
}

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

static struct spr_text known(struct spr_text text)
{
    return text.bytes != NULL ? text : (struct spr_text){ (const uint8_t *)"", 0 };
}

/* Queue id and names; the room is there. */
static void put_names(struct spr_segment_builder *builder, const struct spr_record *record)
{
    struct spr_bytes *raw = &builder->names.raw;
    const struct spr_text id = known(record->queue_id);
    spr_bytes_put_text(raw, id);
    spr_bytes_put_varint(raw, record->file_count);
    for (unsigned i = 0; i < record->file_count; i++) {
        spr_bytes_put_varint(raw, record->files[i].role);
        put_name(raw, id, known(record->files[i].name));
    }
    builder->names.count++;
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

static int reserve_row(struct spr_segment_builder *builder, const struct spr_record *record)
{
    if (builder->rows >= SPR_SEGMENT_ROWS_MAX ||
        record->recipient_count > SPR_SEGMENT_RECIPIENTS_MAX - builder->recipients) {
        return -E2BIG;
    }
    int r = reserve_names(builder, record);
    for (unsigned i = 0; r == 0 && i < SPR_AT_BUILT_COLUMNS; i++) {
        const bool of_recipients = i >= SPR_AT_RCPT_ADDRESS && i <= SPR_AT_RCPT_STATE;
        r = spr_column_reserve(&builder->columns[i], of_recipients ? record->recipient_count : 1);
    }
    return r < 0 ? r : spr_column_reserve(&builder->ids, 1);
}

/* Keys of all recipients into builder->recipient_keys. */
static int intern_recipients(struct spr_segment_builder *builder, const struct spr_record *record)
{
    struct spr_bytes *scratch = &builder->recipient_keys;
    scratch->length = 0;
    int r = spr_bytes_reserve(scratch, (size_t)record->recipient_count * KEYS_A_RECIPIENT * 8);
    for (uint32_t i = 0; r == 0 && i < record->recipient_count; i++) {
        const struct spr_recipient *recipient = &record->recipients[i];
        const struct spr_text texts[KEYS_A_RECIPIENT] = { recipient->address, recipient->original,
                                                          recipient->error };
        for (unsigned t = 0; r == 0 && t < KEYS_A_RECIPIENT; t++) {
            uint64_t key = 0;
            r = text_key(builder, texts[t], &key);
            spr_bytes_put_u64(scratch, key);
        }
    }
    return r;
}

static void push_recipients(struct spr_segment_builder *builder, const struct spr_record *record)
{
    struct spr_column_builder *columns = builder->columns;
    const uint8_t *keys = builder->recipient_keys.at;
    for (uint32_t i = 0; i < record->recipient_count; i++, keys += KEYS_A_RECIPIENT * 8) {
        spr_column_push(&columns[SPR_AT_RCPT_ADDRESS], spr_load_u64(keys));
        spr_column_push(&columns[SPR_AT_RCPT_ORIGINAL], spr_load_u64(keys + 8));
        spr_column_push(&columns[SPR_AT_RCPT_ERROR], spr_load_u64(keys + 16));
        spr_column_push(&columns[SPR_AT_RCPT_STATE], (uint64_t)record->recipients[i].state);
    }
    builder->recipients += record->recipient_count;
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
        keys[SPR_AT_NUMBER + i] = (uint64_t)record->number[i] ^ SIGN_BIT;
    }
    keys[SPR_AT_RCPT_COUNT] = record->recipient_count;
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
    fill_keys(record, keys);
    r = text_key(builder, known(record->folder), &keys[SPR_AT_FOLDER]);
    for (unsigned i = 0; r == 0 && i < SPR_COLUMN_COUNT; i++) {
        r = text_key(builder, record->text[i], &keys[SPR_AT_TEXT + i]);
    }
    if (r == 0) {
        r = intern_recipients(builder, record);
    }
    if (r < 0) {
        return r;
    }

    put_names(builder, record);
    const struct spr_text id = known(record->queue_id);
    spr_column_push(&builder->ids, spr_hash64(id.bytes, id.length, builder->seed));
    if (builder->rows % SPR_ANCHOR_ROWS == 0) {
        spr_column_push(&builder->columns[SPR_AT_RCPT_ANCHOR], builder->recipients);
    }
    for (unsigned i = 0; i < SPR_AT_ROW_COLUMNS; i++) {
        spr_column_push(&builder->columns[i], keys[i]);
    }
    push_recipients(builder, record);
    builder->rows++;
    return 0;
}

uint32_t spr_segment_builder_count(const struct spr_segment_builder *builder)
{
    return builder->rows;
}

size_t spr_segment_builder_memory(const struct spr_segment_builder *builder)
{
    size_t bytes = sizeof(*builder) + spr_strings_memory(&builder->strings) +
                   spr_block_builder_memory(&builder->names) + spr_column_memory(&builder->ids) +
                   builder->recipient_keys.capacity;
    for (unsigned i = 0; i < SPR_AT_BUILT_COLUMNS; i++) {
        bytes += spr_column_memory(&builder->columns[i]) - sizeof(builder->columns[i]);
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
    spr_strings_init(&builder->strings, secret->seed);
    int r = spr_block_builder_init(&builder->names);
    if (r < 0) {
        spr_segment_builder_free(builder);
        return r;
    }
    *ret_builder = builder;
    return 0;
}

void spr_segment_builder_free(struct spr_segment_builder *builder)
{
    if (builder == NULL) {
        return;
    }
    for (unsigned i = 0; i < SPR_AT_BUILT_COLUMNS; i++) {
        spr_column_free(&builder->columns[i]);
    }
    spr_column_free(&builder->ids);
    spr_bytes_free(&builder->recipient_keys);
    spr_block_builder_free(&builder->names);
    spr_strings_free(&builder->strings);
    free(builder);
}
