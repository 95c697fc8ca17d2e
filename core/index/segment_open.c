/*
 * Opening a segment: mapped, header and section table checked, every directory checked (2).
 * Payloads are checked block by block when they are first used.
 */
#include "core/fault.h"
#include "core/index/hash.h"
#include "core/index/segment_view.h"
#include "io/own.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* One entry of the section table, in bounds. */
struct section {
    uint32_t kind, blocks;
    uint64_t items, payload_bytes;
    const uint8_t *directory, *payload;
};

int spr_segment_corrupt(const struct spr_segment *segment, const uint8_t *at, const char *detail,
                        struct spr_fault *fault)
{
    return spr_fault_set(fault, SPR_E_CORRUPT, segment->name, (uint64_t)(at - segment->map),
                         detail);
}

static int map_file(struct spr_segment *segment, int dir_fd, struct spr_fault *fault)
{
    const int fd = spr_own_open(dir_fd, segment->name, false);
    if (fd < 0) {
        return spr_fault_set(fault, fd, segment->name, 0, "segment cannot be opened");
    }
    uint64_t bytes = 0;
    int r = spr_own_size(fd, &bytes);
    if (r < 0) {
        r = spr_fault_set(fault, r, segment->name, 0, "segment cannot be examined");
    }
    if (r == 0 && bytes > 0) {
        void *map = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
        if (map == MAP_FAILED) {
            r = spr_fault_set(fault, -errno, segment->name, 0, "segment cannot be mapped");
        } else {
            segment->map = map;
            segment->bytes = bytes;
        }
    }
    (void)close(fd); /* read only: nothing can be lost */
    return r;
}

static int check_header(struct spr_segment *segment, uint32_t *ret_sections,
                        struct spr_fault *fault)
{
    const uint8_t *map = segment->map;
    if (segment->bytes < SPR_SEGMENT_HEADER_BYTES) {
        return spr_fault_set(fault, SPR_E_CORRUPT, segment->name, segment->bytes,
                             "a segment has at least 96 bytes");
    }
    if (spr_load_u64(map + SPR_SEGMENT_AT_MAGIC) != SPR_SEGMENT_MAGIC) {
        return spr_segment_corrupt(segment, map, "expected the mark of a segment", fault);
    }
    const uint32_t count = spr_load_u32(map + SPR_SEGMENT_AT_SECTIONS);
    if (count > SPR_SECTIONS_MAX ||
        SPR_SEGMENT_HEADER_BYTES + (uint64_t)count * SPR_SECTION_BYTES > segment->bytes) {
        return spr_segment_corrupt(segment, map + SPR_SEGMENT_AT_SECTIONS,
                                   "more sections than the file can hold", fault);
    }
    const uint64_t table =
        spr_hash64(map + SPR_SEGMENT_HEADER_BYTES, (size_t)count * SPR_SECTION_BYTES, 0);
    if (spr_load_u64(map + SPR_SEGMENT_AT_CHECKSUM) !=
        spr_hash64(map, SPR_SEGMENT_AT_CHECKSUM, table)) {
        return spr_segment_corrupt(segment, map + SPR_SEGMENT_AT_CHECKSUM,
                                   "checksum of header and section table differs", fault);
    }
    if (spr_load_u32(map + SPR_SEGMENT_AT_VERSION) != SPR_SEGMENT_VERSION ||
        spr_load_u32(map + SPR_SEGMENT_AT_MUST) != 0) {
        return spr_fault_set(fault, SPR_E_NEWER, segment->name, SPR_SEGMENT_AT_VERSION,
                             "segment version 2 without must-understand bits is known");
    }
    if (spr_load_u64(map + SPR_SEGMENT_AT_BYTES) != segment->bytes) {
        return spr_segment_corrupt(segment, map + SPR_SEGMENT_AT_BYTES,
                                   "file size differs from the header's", fault);
    }
    if (spr_load_u64(map + SPR_SEGMENT_AT_SEED_CHECK) != spr_hash64("", 0, segment->seed)) {
        return spr_segment_corrupt(segment, map + SPR_SEGMENT_AT_SEED_CHECK,
                                   "segment belongs to another index", fault);
    }
    segment->rows = spr_load_u32(map + SPR_SEGMENT_AT_ROWS);
    segment->strings = spr_load_u32(map + SPR_SEGMENT_AT_STRINGS);
    segment->recipients = spr_load_u64(map + SPR_SEGMENT_AT_RECIPIENTS);
    uint64_t strings = 0;
    for (unsigned i = 0; i < SPR_CLASS_COUNT; i++) {
        strings += spr_load_u32(map + SPR_SEGMENT_AT_CLASSES + (size_t)i * 4);
        segment->class_start[i + 1] = (uint32_t)strings;
    }
    if (segment->rows > SPR_SEGMENT_ROWS_MAX || segment->strings > SPR_SEGMENT_STRINGS_MAX ||
        segment->recipients > SPR_SEGMENT_RECIPIENTS_MAX || strings != segment->strings) {
        return spr_segment_corrupt(segment, map + SPR_SEGMENT_AT_ROWS, "counts beyond their limits",
                                   fault);
    }
    *ret_sections = count;
    return 0;
}

static int load_section(struct spr_segment *segment, uint32_t number, struct section *ret_section,
                        struct spr_fault *fault)
{
    const uint8_t *entry =
        segment->map + SPR_SEGMENT_HEADER_BYTES + (size_t)number * SPR_SECTION_BYTES;
    struct section section = {
        .kind = spr_load_u32(entry + SPR_SECTION_AT_KIND),
        .blocks = spr_load_u32(entry + SPR_SECTION_AT_BLOCKS),
        .items = spr_load_u64(entry + SPR_SECTION_AT_ITEMS),
        .payload_bytes = spr_load_u64(entry + SPR_SECTION_AT_PAYLOAD),
    };
    const uint64_t offset = spr_load_u64(entry + SPR_SECTION_AT_OFFSET);
    const uint64_t entry_bytes =
        section.kind >= SPR_SECTION_COLUMN ? SPR_COLUMN_ENTRY_BYTES : SPR_BLOCK_ENTRY_BYTES;
    const uint64_t directory_bytes = (section.blocks * entry_bytes + 7) & ~UINT64_C(7);
    if (offset > segment->bytes || directory_bytes > segment->bytes - offset ||
        section.payload_bytes > segment->bytes - offset - directory_bytes) {
        return spr_segment_corrupt(segment, entry, "section lies outside the file", fault);
    }
    section.directory = segment->map + offset;
    section.payload = section.directory + directory_bytes;
    if (spr_hash64(section.directory, (size_t)(section.blocks * entry_bytes), 0) !=
        spr_load_u64(entry + SPR_SECTION_AT_CHECK)) {
        return spr_segment_corrupt(segment, section.directory,
                                   "checksum of a section's directory differs", fault);
    }
    *ret_section = section;
    return 0;
}

static int add_column(struct spr_segment *segment, const struct section *section,
                      struct spr_fault *fault)
{
    const uint32_t number = section->kind - SPR_SECTION_COLUMN;
    if (number >= SPR_AT_COLUMNS) {
        return 0; /* added by a later version, not needed to understand the others */
    }
    if (section->items / SPR_COLUMN_BLOCK + (section->items % SPR_COLUMN_BLOCK != 0) !=
        section->blocks) {
        return spr_segment_corrupt(segment, section->directory,
                                   "a column's blocks do not match its items", fault);
    }
    struct spr_column_view *view = &segment->columns[number];
    *view = (struct spr_column_view){
        .directory = section->directory,
        .payload = section->payload,
        .count = section->items,
        .payload_bytes = section->payload_bytes,
        .blocks = section->blocks,
    };
    uint32_t bad;
    if (!spr_column_check(view, &bad)) {
        return spr_segment_corrupt(segment,
                                   section->directory + (size_t)bad * SPR_COLUMN_ENTRY_BYTES,
                                   "a column's block lies outside its section", fault);
    }
    free(segment->verified[number]);
    segment->verified[number] = calloc((size_t)section->blocks + 1, 1);
    return segment->verified[number] != NULL
               ? 0
               : spr_fault_set(fault, -ENOMEM, segment->name, 0, "out of memory");
}

static int add_blocks(struct spr_segment *segment, const struct section *section,
                      struct spr_block_view *view, struct spr_fault *fault)
{
    *view = (struct spr_block_view){
        .directory = section->directory,
        .payload = section->payload,
        .payload_bytes = section->payload_bytes,
        .blocks = section->blocks,
    };
    uint32_t bad;
    if (!spr_block_check(view, &bad)) {
        return spr_segment_corrupt(segment,
                                   section->directory + (size_t)bad * SPR_BLOCK_ENTRY_BYTES,
                                   "a block's place, size or order is out of range", fault);
    }
    return 0;
}

/* Blocks of items 0 ... items - 1 must follow each other without a gap. */
static int check_sequence(const struct spr_segment *segment, const struct spr_block_view *view,
                          uint32_t items, struct spr_fault *fault)
{
    uint64_t next = 0;
    for (uint32_t block = 0; block < view->blocks; block++) {
        const struct spr_block_entry entry = spr_block_entry(view, block);
        if (entry.first != next) {
            break;
        }
        next += entry.count;
    }
    return next == items ? 0
                         : spr_segment_corrupt(segment, segment->map + SPR_SEGMENT_HEADER_BYTES,
                                               "blocks do not hold every item once", fault);
}

static uint64_t items_wanted(const struct spr_segment *segment, unsigned column)
{
    if (column < SPR_AT_ROW_COLUMNS) {
        return segment->rows;
    }
    if (column == SPR_AT_RCPT_ANCHOR) {
        return (segment->rows + SPR_ANCHOR_ROWS - 1u) / SPR_ANCHOR_ROWS;
    }
    return column == SPR_AT_STRING_TAG ? segment->class_start[SPR_CLASS_TAGGED]
                                       : segment->recipients;
}

static int check_sections(struct spr_segment *segment, struct spr_fault *fault)
{
    for (unsigned column = 0; column < SPR_AT_COLUMNS; column++) {
        struct spr_column_view *view = &segment->columns[column];
        if (view->directory == NULL) {
            view->count = items_wanted(segment, column); /* all 0 */
        } else if (view->count != items_wanted(segment, column)) {
            return spr_segment_corrupt(segment, segment->map + SPR_SEGMENT_HEADER_BYTES,
                                       "a column has not one key an item", fault);
        }
    }
    int r = check_sequence(segment, &segment->string_blocks, segment->strings, fault);
    return r < 0 ? r : check_sequence(segment, &segment->name_blocks, segment->rows, fault);
}

static int load_sections(struct spr_segment *segment, uint32_t count, struct spr_fault *fault)
{
    for (uint32_t i = 0; i < count; i++) {
        struct section section = { 0 };
        int r = load_section(segment, i, &section, fault);
        if (r < 0) {
            return r;
        }
        if (section.kind >= SPR_SECTION_COLUMN) {
            r = add_column(segment, &section, fault);
        } else if (section.kind == SPR_SECTION_STRINGS) {
            r = add_blocks(segment, &section, &segment->string_blocks, fault);
        } else if (section.kind == SPR_SECTION_NAMES) {
            r = add_blocks(segment, &section, &segment->name_blocks, fault);
        }
        if (r < 0) {
            return r;
        }
    }
    return check_sections(segment, fault);
}

/* NULL when memory is out. */
static struct spr_segment *make_segment(const char *name, const struct spr_index_secret *secret)
{
    struct spr_segment *segment = calloc(1, sizeof(*segment));
    if (segment != NULL) {
        segment->seed = secret->seed;
        (void)snprintf(segment->name, sizeof(segment->name), "%s", name);
    }
    return segment;
}

/* Closes the segment where it cannot be understood. */
static int check_segment(struct spr_segment *segment, struct spr_segment **ret_segment,
                         struct spr_fault *fault)
{
    uint32_t sections = 0;
    int r = check_header(segment, &sections, fault);
    if (r == 0) {
        r = load_sections(segment, sections, fault);
    }
    if (r < 0) {
        spr_segment_close(segment);
        return r;
    }
    *ret_segment = segment;
    return 0;
}

int spr_segment_open(int dir_fd, const char *name, const struct spr_index_secret *secret,
                     struct spr_segment **ret_segment, struct spr_fault *fault)
{
    struct spr_segment *segment = make_segment(name, secret);
    if (segment == NULL) {
        return spr_fault_set(fault, -ENOMEM, name, 0, "out of memory");
    }
    int r = map_file(segment, dir_fd, fault);
    if (r < 0) {
        spr_segment_close(segment);
        return r;
    }
    return check_segment(segment, ret_segment, fault);
}

int spr_segment_over(const uint8_t *bytes, size_t length, const struct spr_index_secret *secret,
                     struct spr_segment **ret_segment, struct spr_fault *fault)
{
    struct spr_segment *segment = make_segment("segment", secret);
    if (segment == NULL) {
        return spr_fault_set(fault, -ENOMEM, "segment", 0, "out of memory");
    }
    segment->map = bytes;
    segment->bytes = length;
    segment->borrowed = true;
    return check_segment(segment, ret_segment, fault);
}

void spr_segment_close(struct spr_segment *segment)
{
    if (segment == NULL) {
        return;
    }
    for (unsigned column = 0; column < SPR_AT_COLUMNS; column++) {
        free(segment->verified[column]);
    }
    if (segment->map != NULL && !segment->borrowed) {
        (void)munmap((void *)(uintptr_t)segment->map, segment->bytes); /* our own mapping */
    }
    free(segment);
}

uint32_t spr_segment_count(const struct spr_segment *segment)
{
    return segment->rows;
}

uint64_t spr_segment_recipient_count(const struct spr_segment *segment)
{
    return segment->recipients;
}

uint32_t spr_segment_string_count(const struct spr_segment *segment)
{
    return segment->strings;
}

uint64_t spr_segment_bytes(const struct spr_segment *segment)
{
    return segment->bytes;
}
