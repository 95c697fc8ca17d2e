/*
 * Writing a segment: header, section table, sections; beside, synced, renamed (1) by
 * io/durable.c. Everything is in memory by then, so the file is written straight down.
 */
#include "core/fault.h"
#include "core/index/hash.h"
#include "core/index/segment_build.h"
#include "io/durable.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SECTIONS (2 + SPR_AT_COLUMNS)

struct section {
    uint32_t kind, blocks;
    uint64_t items;
    const struct spr_bytes *directory, *payload;
};

struct sections {
    struct section section[SECTIONS];
    unsigned count;
};

static void add_column(struct sections *sections, unsigned number,
                       const struct spr_column_builder *column)
{
    sections->section[sections->count++] = (struct section){
        .kind = SPR_SECTION_COLUMN + number,
        .blocks = (uint32_t)(column->directory.length / SPR_COLUMN_ENTRY_BYTES),
        .items = column->count,
        .directory = &column->directory,
        .payload = &column->payload,
    };
}

static void add_blocks(struct sections *sections, uint32_t kind, uint64_t items,
                       const struct spr_block_builder *blocks)
{
    sections->section[sections->count++] = (struct section){
        .kind = kind,
        .blocks = (uint32_t)(blocks->directory.length / SPR_BLOCK_ENTRY_BYTES),
        .items = items,
        .directory = &blocks->directory,
        .payload = &blocks->payload,
    };
}

/* The strings of one class. They lie as they are stored already. */
static int pack_class(const struct spr_strings *strings, struct spr_block_builder *blocks)
{
    uint64_t start = 0;
    uint64_t end = 0;
    uint32_t count = 0;
    for (uint32_t id = 0; id < strings->count; id++) {
        (void)spr_strings_text(strings, &end);
        count++;
        if (end - start < SPR_BLOCK_AIM && id + 1 < strings->count) {
            continue;
        }
        int r = spr_block_add(blocks, strings->texts.at + start, (size_t)(end - start), count);
        if (r < 0) {
            return r;
        }
        start = end;
        count = 0;
    }
    return 0;
}

static int pack_tags(struct spr_segment_builder *builder)
{
    struct spr_column_builder *column = &builder->columns[SPR_AT_STRING_TAG];
    uint64_t count = 0;
    for (unsigned i = 0; i < SPR_CLASS_TAGGED; i++) {
        count += builder->strings[i].count;
    }
    int r = spr_column_reserve(column, 0, count);
    for (unsigned i = 0; r == 0 && i < SPR_CLASS_TAGGED; i++) {
        const struct spr_strings *strings = &builder->strings[i];
        for (size_t at = 0; at < strings->tags.length; at += 2) {
            spr_column_push(column, spr_load_u16(strings->tags.at + at));
        }
    }
    return r;
}

/* Packs what is still open; afterwards the builder holds what the file will. */
static int seal(struct spr_segment_builder *builder)
{
    if (builder->sealed) {
        return 0;
    }
    int r = spr_block_close(&builder->names, builder->rows);
    if (r == 0) {
        r = pack_tags(builder);
    }
    if (r < 0) {
        return r;
    }
    for (unsigned i = 0; i < SPR_AT_ROW_COLUMNS; i++) {
        spr_column_fill(&builder->columns[i], builder->last[i], builder->rows);
    }
    for (unsigned i = SPR_AT_RCPT_ORIGINAL; i <= SPR_AT_RCPT_STATE; i++) {
        spr_column_fill(&builder->columns[i], builder->last[i], builder->recipients);
    }
    for (unsigned i = 0; i < SPR_AT_COLUMNS; i++) {
        spr_column_finish(&builder->columns[i]);
    }
    builder->sealed = true;
    return 0;
}

static uint32_t count_strings(const struct spr_segment_builder *builder)
{
    uint32_t count = 0;
    for (unsigned i = 0; i < SPR_CLASS_COUNT; i++) {
        count += builder->strings[i].count;
    }
    return count;
}

static uint64_t padded(uint64_t length)
{
    return (length + 7) & ~UINT64_C(7);
}

/* Header and section table; offsets are multiples of eight. */
static int put_head(const struct spr_segment_builder *builder, const struct sections *sections,
                    struct spr_bytes *head)
{
    const size_t length = SPR_SEGMENT_HEADER_BYTES + sections->count * SPR_SECTION_BYTES;
    int r = spr_bytes_reserve(head, length);
    if (r < 0) {
        return r;
    }
    uint64_t end = length;
    for (unsigned i = 0; i < sections->count; i++) {
        end += padded(sections->section[i].directory->length) +
               padded(sections->section[i].payload->length);
    }
    spr_bytes_put_u64(head, SPR_SEGMENT_MAGIC);
    spr_bytes_put_u32(head, SPR_SEGMENT_VERSION);
    spr_bytes_put_u32(head, 0);
    spr_bytes_put_u32(head, 0);
    spr_bytes_put_u32(head, sections->count);
    spr_bytes_put_u64(head, end);
    spr_bytes_put_u32(head, builder->rows);
    spr_bytes_put_u32(head, count_strings(builder));
    spr_bytes_put_u64(head, builder->recipients);
    spr_bytes_put_u64(head, spr_hash64("", 0, builder->seed));
    for (unsigned i = 0; i < SPR_CLASS_COUNT; i++) {
        spr_bytes_put_u32(head, builder->strings[i].count);
    }
    spr_bytes_put_u64(head, 0);
    uint64_t offset = length;
    for (unsigned i = 0; i < sections->count; i++) {
        const struct section *section = &sections->section[i];
        spr_bytes_put_u32(head, section->kind);
        spr_bytes_put_u32(head, section->blocks);
        spr_bytes_put_u64(head, offset);
        spr_bytes_put_u64(head, section->payload->length);
        spr_bytes_put_u64(head, section->items);
        spr_bytes_put_u64(head, spr_hash64(section->directory->at, section->directory->length, 0));
        offset += padded(section->directory->length) + padded(section->payload->length);
    }
    const uint64_t table =
        spr_hash64(head->at + SPR_SEGMENT_HEADER_BYTES, head->length - SPR_SEGMENT_HEADER_BYTES, 0);
    spr_store_u64(head->at + SPR_SEGMENT_AT_CHECKSUM,
                  spr_hash64(head->at, SPR_SEGMENT_AT_CHECKSUM, table));
    return 0;
}

static int write_padded(int fd, const struct spr_bytes *bytes)
{
    static const uint8_t ZEROS[8] = { 0 };
    int r = spr_write_all(fd, bytes->at, bytes->length);
    return r < 0 ? r : spr_write_all(fd, ZEROS, (size_t)padded(bytes->length) - bytes->length);
}

static int write_file(int dir_fd, const char *name, const struct spr_bytes *head,
                      const struct sections *sections)
{
    struct spr_replace *replace;
    int r = spr_replace_begin(dir_fd, name, &replace);
    if (r < 0) {
        return r;
    }
    const int fd = spr_replace_fd(replace);
    r = spr_write_all(fd, head->at, head->length);
    for (unsigned i = 0; r == 0 && i < sections->count; i++) {
        r = write_padded(fd, sections->section[i].directory);
        if (r == 0) {
            r = write_padded(fd, sections->section[i].payload);
        }
    }
    if (r < 0) {
        spr_replace_abort(replace);
        return r;
    }
    return spr_replace_commit(replace); /* (1) */
}

static void empty_builder(struct spr_segment_builder *builder)
{
    builder->sealed = false;
    builder->rows = 0;
    builder->recipients = 0;
    builder->recipients_reserved = 0;
    for (unsigned i = 0; i < SPR_ROW_TEXTS; i++) {
        builder->texts[i].key = 0;
    }
    for (unsigned i = 0; i < SPR_CLASS_COUNT; i++) {
        spr_strings_clear(&builder->strings[i]);
    }
    spr_block_builder_clear(&builder->names);
    for (unsigned i = 0; i < SPR_AT_COLUMNS; i++) {
        spr_column_clear(&builder->columns[i]);
        builder->last[i] = 0;
    }
}

/* Everything that belongs into the file, in memory; then the file. */
static int write_sections(struct spr_segment_builder *builder, struct spr_block_builder *strings,
                          int dir_fd, const char *name)
{
    int r = count_strings(builder) > SPR_SEGMENT_STRINGS_MAX ? -E2BIG : seal(builder);
    for (unsigned i = 0; r == 0 && i < SPR_CLASS_COUNT; i++) {
        r = pack_class(&builder->strings[i], strings);
    }
    if (r < 0) {
        return r;
    }
    struct sections sections = { 0 };
    add_blocks(&sections, SPR_SECTION_STRINGS, count_strings(builder), strings);
    add_blocks(&sections, SPR_SECTION_NAMES, builder->rows, &builder->names);
    for (unsigned i = 0; i < SPR_AT_COLUMNS; i++) {
        if (builder->columns[i].has_keys) {
            add_column(&sections, i, &builder->columns[i]);
        }
    }

    struct spr_bytes head = { 0 };
    r = put_head(builder, &sections, &head);
    if (r == 0) {
        r = write_file(dir_fd, name, &head, &sections);
    }
    spr_bytes_free(&head);
    return r;
}

int spr_segment_builder_write(struct spr_segment_builder *builder, int dir_fd, const char *name,
                              struct spr_fault *fault)
{
    struct spr_block_builder strings = { 0 };
    int r = spr_block_builder_init(&strings);
    if (r == 0) {
        r = write_sections(builder, &strings, dir_fd, name);
    }
    spr_block_builder_free(&strings);
    if (r < 0) {
        return spr_fault_set(fault, r, name, 0, "segment cannot be written");
    }
    empty_builder(builder);
    return 0;
}
