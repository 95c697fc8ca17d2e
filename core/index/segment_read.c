/*
 * Reading rows: whole records, recipients.
 */
#include "core/fault.h"
#include "core/index/identity.h"
#include "core/index/segment_view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* First recipient and number of them; both within the recipient columns. */
static int find_recipients(struct spr_segment_reader *reader, uint32_t row, uint64_t *ret_first,
                           uint32_t *ret_count, struct spr_fault *fault)
{
    const struct spr_segment *segment = reader->segment;
    uint64_t first = 0;
    uint64_t count = 0;
    int r = spr_segment_first_recipient(reader, row, &first, fault);
    if (r == 0) {
        r = spr_segment_key_within(reader, SPR_AT_RCPT_COUNT, row, segment->recipients, &count,
                                   fault);
    }
    if (r < 0) {
        return r;
    }
    if (first > segment->recipients || count > segment->recipients - first) {
        return spr_segment_corrupt(segment, segment->map + SPR_SEGMENT_AT_RECIPIENTS,
                                   "rows have more recipients than the segment", fault);
    }
    *ret_first = first;
    *ret_count = (uint32_t)count;
    return 0;
}

/* Room for count items of a size; *at grows, never shrinks. */
static int make_room(const struct spr_segment_reader *reader, void **at, uint32_t *capacity,
                     uint32_t count, size_t size, struct spr_fault *fault)
{
    if (*at != NULL && count <= *capacity) {
        return 0;
    }
    void *grown = realloc(*at, ((size_t)count + 1) * size);
    if (grown == NULL) {
        return spr_fault_set(fault, -ENOMEM, reader->segment->name, 0, "out of memory");
    }
    *at = grown;
    *capacity = count;
    return 0;
}

int spr_segment_recipients(struct spr_segment_reader *reader, uint32_t row,
                           const struct spr_segment_recipient **ret_recipients, uint32_t *ret_count,
                           struct spr_fault *fault)
{
    uint64_t first = 0;
    uint32_t count = 0;
    int r = find_recipients(reader, row, &first, &count, fault);
    if (r < 0) {
        return r;
    }
    void *at = reader->recipient_ids;
    r = make_room(reader, &at, &reader->recipient_ids_capacity, count,
                  sizeof(*reader->recipient_ids), fault);
    reader->recipient_ids = at;
    for (uint32_t i = 0; r == 0 && i < count; i++) {
        r = spr_segment_recipient(reader, first + i, &reader->recipient_ids[i], fault);
    }
    if (r == 0) {
        *ret_recipients = reader->recipient_ids;
        *ret_count = count;
    }
    return r;
}

/* The text of an id, copied into the arena; SPR_STRING_NONE gives an unknown text. */
static int copy_string(struct spr_segment_reader *reader, uint32_t id, struct spr_text *ret_text,
                       struct spr_fault *fault)
{
    if (id == SPR_STRING_NONE) {
        *ret_text = (struct spr_text){ NULL, 0 };
        return 0;
    }
    struct spr_text text = { NULL, 0 };
    int r = spr_segment_borrow(reader, id, &text, fault);
    if (r < 0) {
        return r;
    }
    uint8_t *bytes = spr_arena_take(&reader->arena, text.length);
    if (bytes == NULL) {
        return spr_fault_set(fault, -ENOMEM, reader->segment->name, 0, "out of memory");
    }
    memcpy(bytes, text.bytes, text.length);
    *ret_text = (struct spr_text){ bytes, text.length };
    return 0;
}

static int copy_column(struct spr_segment_reader *reader, enum spr_column column, uint32_t row,
                       struct spr_text *ret_text, struct spr_fault *fault)
{
    uint32_t id = SPR_STRING_NONE;
    int r = spr_segment_text_id(reader, row, column, &id, fault);
    return r < 0 ? r : copy_string(reader, id, ret_text, fault);
}

static int copy_folder(struct spr_segment_reader *reader, uint32_t row, struct spr_text *ret_text,
                       struct spr_fault *fault)
{
    uint64_t key = 0;
    uint32_t id = SPR_STRING_NONE;
    int r = spr_segment_key(reader, SPR_AT_FOLDER, row, &key, fault);
    if (r == 0) {
        r = spr_segment_id(reader->segment, SPR_CLASS_OTHER, key, &id, fault);
    }
    return r < 0 ? r : copy_string(reader, id, ret_text, fault);
}

static int load_recipients(struct spr_segment_reader *reader, uint32_t row,
                           struct spr_record *record, struct spr_fault *fault)
{
    const struct spr_segment_recipient *ids = NULL;
    uint32_t count = 0;
    int r = spr_segment_recipients(reader, row, &ids, &count, fault);
    if (r < 0) {
        return r;
    }
    void *at = reader->recipients;
    r = make_room(reader, &at, &reader->recipients_capacity, count, sizeof(*reader->recipients),
                  fault);
    reader->recipients = at;
    for (uint32_t i = 0; r == 0 && i < count; i++) {
        struct spr_recipient *recipient = &reader->recipients[i];
        recipient->state = ids[i].state;
        r = copy_string(reader, ids[i].address, &recipient->address, fault);
        if (r == 0) {
            r = copy_string(reader, ids[i].original, &recipient->original, fault);
        }
        if (r == 0) {
            r = copy_string(reader, ids[i].error, &recipient->error, fault);
        }
    }
    record->recipients = reader->recipients;
    record->recipient_count = count;
    return r;
}

static int load_dir(struct spr_segment_reader *reader, uint32_t row, struct spr_record *record,
                    struct spr_fault *fault)
{
    uint64_t dir = 0;
    int r = spr_segment_key_within(reader, SPR_AT_DIR, row, SPR_DIRS_MAX - 1, &dir, fault);
    record->dir = (unsigned)dir;
    return r;
}

static int load_names(struct spr_segment_reader *reader, uint32_t row, struct spr_record *record,
                      struct spr_fault *fault)
{
    int r = spr_segment_names(reader, row, record, fault);
    return r < 0 ? r : copy_folder(reader, row, &record->folder, fault);
}

/* After the names, which the digest is of. */
static int load_identity(struct spr_segment_reader *reader, uint32_t row, struct spr_record *record,
                         struct spr_fault *fault)
{
    uint64_t stat_digest = 0;
    uint64_t set_digest = 0;
    int r = spr_segment_key(reader, SPR_AT_INODE, row, &record->inode, fault);
    if (r == 0) {
        r = spr_segment_key(reader, SPR_AT_FILE_SIZE, row, &record->file_size, fault);
    }
    if (r == 0) {
        r = spr_segment_key(reader, SPR_AT_IDENTITY, row, &record->identity_digest, fault);
    }
    if (r == 0) {
        r = spr_segment_key_within(reader, SPR_AT_STAT_DIGEST, row, UINT32_MAX, &stat_digest,
                                   fault);
    }
    if (r == 0) {
        r = spr_segment_key_within(reader, SPR_AT_SET_DIGEST, row, UINT32_MAX, &set_digest, fault);
    }
    if (r < 0) {
        return r;
    }
    record->stat_digest = (uint32_t)stat_digest;
    record->set_digest = (uint32_t)set_digest ^ spr_set_digest(record->files, record->file_count);
    return 0;
}

/* Names, folder and identity: what spr_segment_place tells and a record begins with. */
static int load_place(struct spr_segment_reader *reader, uint32_t row, struct spr_record *record,
                      struct spr_fault *fault)
{
    spr_arena_reset(&reader->arena);
    int r = load_names(reader, row, record, fault);
    if (r == 0) {
        r = load_dir(reader, row, record, fault);
    }
    return r < 0 ? r : load_identity(reader, row, record, fault);
}

int spr_segment_place(struct spr_segment_reader *reader, uint32_t row,
                      struct spr_segment_place *ret_place, struct spr_fault *fault)
{
    struct spr_record record = { 0 };
    int r = load_place(reader, row, &record, fault);
    if (r < 0) {
        return r;
    }
    *ret_place = (struct spr_segment_place){
        .dir = record.dir,
        .folder = record.folder,
        .name = record.file_count > 0 ? record.files[0].name
                                      : (struct spr_text){ (const uint8_t *)"", 0 },
        .inode = record.inode,
        .file_size = record.file_size,
        .identity_digest = record.identity_digest,
        .stat_digest = record.stat_digest,
        .set_digest = record.set_digest,
    };
    return 0;
}

static int load_facts(struct spr_segment_reader *reader, uint32_t row, struct spr_record *record,
                      struct spr_fault *fault)
{
    struct spr_segment_facts facts;
    const int r = spr_segment_facts(reader, row, &facts, fault);
    if (r == 0) {
        record->state = facts.state;
        record->auth_source = facts.auth_source;
        record->flags = facts.flags;
        record->recipient_count = facts.recipient_count;
    }
    return r;
}

static int load_id(struct spr_segment_reader *reader, uint32_t row, struct spr_record *record,
                   struct spr_fault *fault)
{
    struct spr_text id = { NULL, 0 };
    const int r = spr_segment_queue_id(reader, row, &id, fault);
    uint8_t *bytes = r == 0 ? spr_arena_take(&reader->arena, id.length) : NULL;
    if (r == 0 && bytes == NULL) {
        return spr_fault_set(fault, -ENOMEM, reader->segment->name, 0, "out of memory");
    }
    if (r == 0) {
        memcpy(bytes, id.bytes, id.length);
        record->queue_id = (struct spr_text){ bytes, id.length };
    }
    return r;
}

typedef int (*load_fn)(struct spr_segment_reader *reader, uint32_t row, struct spr_record *record,
                       struct spr_fault *fault);

/* In this order: names come before what is made of them. */
static const struct {
    enum spr_record_part part;
    load_fn load;
} PARTS[] = {
    { SPR_PART_QUEUE_ID, load_id }, { SPR_PART_NAMES, load_names },
    { SPR_PART_DIR, load_dir },     { SPR_PART_IDENTITY, load_identity },
    { SPR_PART_FACTS, load_facts }, { SPR_PART_RECIPIENTS, load_recipients },
};

int spr_segment_record_part(struct spr_segment_reader *reader, uint32_t row,
                            struct spr_record_wish wish, struct spr_record *ret_record,
                            struct spr_fault *fault)
{
    struct spr_record record = { 0 };
    int r = 0;
    spr_arena_reset(&reader->arena);
    for (size_t i = 0; r == 0 && i < sizeof(PARTS) / sizeof(PARTS[0]); i++) {
        if ((wish.parts & PARTS[i].part) != 0) {
            r = PARTS[i].load(reader, row, &record, fault);
        }
    }
    for (unsigned i = 0; r == 0 && i < SPR_COLUMN_COUNT; i++) {
        if ((wish.texts >> i & 1) != 0) {
            r = copy_column(reader, (enum spr_column)i, row, &record.text[i], fault);
        }
    }
    for (unsigned i = 0; r == 0 && i < SPR_NUMBER_COUNT; i++) {
        record.number[i] = SPR_COUNT_UNKNOWN;
        if ((wish.numbers >> i & 1) != 0) {
            r = spr_segment_number(reader, row, (enum spr_number)i, &record.number[i], fault);
        }
    }
    if (r == 0) {
        *ret_record = record;
    }
    return r;
}

int spr_segment_record(struct spr_segment_reader *reader, uint32_t row,
                       struct spr_record *ret_record, struct spr_fault *fault)
{
    const struct spr_record_wish all = { SPR_PART_NAMES | SPR_PART_IDENTITY | SPR_PART_DIR |
                                             SPR_PART_FACTS | SPR_PART_RECIPIENTS,
                                         UINT32_MAX, UINT32_MAX };
    return spr_segment_record_part(reader, row, all, ret_record, fault);
}

void spr_segment_reader_turn(struct spr_segment_reader *reader, const struct spr_segment *segment)
{
    reader->segment = segment;
    reader->names.block = UINT32_MAX;
    reader->counted_row = 0;
    reader->counted = 0;
    for (unsigned i = 0; i < SPR_AT_COLUMNS; i++) {
        reader->columns[i].block = UINT32_MAX;
    }
    for (unsigned i = 0; i < SPR_STRING_SLOTS; i++) {
        reader->strings[i].block = UINT32_MAX;
    }
}

int spr_segment_reader_new(const struct spr_segment *segment,
                           struct spr_segment_reader **ret_reader)
{
    struct spr_segment_reader *reader = calloc(1, sizeof(*reader));
    if (reader == NULL) {
        return -ENOMEM;
    }
    spr_segment_reader_turn(reader, segment);
    int r = spr_block_reader_new(&reader->unpacker);
    if (r < 0) {
        spr_segment_reader_free(reader);
        return r;
    }
    *ret_reader = reader;
    return 0;
}

void spr_segment_reader_free(struct spr_segment_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    for (unsigned i = 0; i < SPR_STRING_SLOTS; i++) {
        free(reader->strings[i].bytes);
        free(reader->strings[i].starts);
    }
    free(reader->names.bytes);
    free(reader->names.starts);
    for (unsigned i = 0; i < SPR_AT_COLUMNS; i++) {
        free(reader->columns[i].keys);
    }
    spr_block_reader_free(reader->unpacker);
    spr_arena_free(&reader->arena);
    free(reader->recipients);
    free(reader->recipient_ids);
    free(reader);
}
