/*
 * Reading a journal: bytes to a batch. Every byte may have been chosen by an enemy; invariants
 * (J2), (J3) and (J6) of journal.h are kept here.
 */
#include "core/batch/journal.h"
#include "core/fault.h"
#include "core/index/hash.h"
#include "formats/cursor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    struct spr_text bytes;
    const char *where;
    struct spr_fault *fault;
    struct spr_batch *batch;
    struct spr_journal_position position;
    bool have_head;
    uint32_t dirs, files, messages; /* as HEAD promises */
    uint64_t verdict_next;          /* verdicts come in rising message order */
    struct spr_journal_position after_seal;
};

static int corrupt(struct reader *reader, const char *expected)
{
    return spr_fault_set(reader->fault, SPR_E_CORRUPT, reader->where, reader->position.offset,
                         expected);
}

static uint64_t load(const uint8_t *bytes, unsigned length)
{
    uint64_t value = 0;
    for (unsigned i = length; i > 0; i--) {
        value = value << 8 | bytes[i - 1];
    }
    return value;
}

static void take_identity(struct spr_cursor *c, struct spr_identity *identity)
{
    identity->device = spr_take_u64le(c);
    identity->inode = spr_take_u64le(c);
    identity->size = spr_take_u64le(c);
    identity->mtime_ns = (int64_t)spr_take_u64le(c);
    identity->ctime_ns = (int64_t)spr_take_u64le(c);
    identity->birth_ns = (int64_t)spr_take_u64le(c);
    identity->mount = spr_take_u64le(c);
    identity->uid = spr_take_u32le(c);
    identity->gid = spr_take_u32le(c);
    identity->mode = spr_take_u32le(c);
    identity->links = spr_take_u32le(c);
    identity->generation = spr_take_u32le(c);
    identity->handle_type = (int32_t)spr_take_u32le(c);
    identity->handle_length = spr_take_u8(c);
    if (identity->handle_length > sizeof(identity->handle)) {
        spr_cursor_fail(c, "a handle of at most 128 bytes");
        identity->handle_length = 0;
    }
    const struct spr_text handle = spr_take_bytes(c, identity->handle_length);
    if (!spr_cursor_failed(c) && handle.length > 0) {
        memcpy(identity->handle, handle.bytes, handle.length);
    }
}

static struct spr_text take_text16(struct spr_cursor *c)
{
    return spr_take_bytes(c, spr_take_u16le(c));
}

static bool is_operation(uint32_t operation)
{
    return operation == SPR_DELETE || operation == SPR_HOLD || operation == SPR_RELEASE ||
           operation == SPR_RESTORE;
}

static int read_head(struct reader *reader, struct spr_cursor *c)
{
    struct spr_batch *batch = reader->batch;
    (void)spr_take_bytes(c, 8 + 16); /* magic and id: checked before the checksum */
    batch->job = spr_take_u64le(c);
    batch->number = spr_take_u64le(c);
    batch->created_ns = (int64_t)spr_take_u64le(c);
    batch->next = spr_take_u64le(c);
    batch->undoes = spr_take_u64le(c);
    const uint32_t operation = spr_take_u32le(c);
    batch->needs_reload = spr_take_u32le(c) != 0;
    reader->dirs = spr_take_u32le(c);
    reader->files = spr_take_u32le(c);
    reader->messages = spr_take_u32le(c);
    batch->run.pid = (int)spr_take_u32le(c);
    batch->run.start_time = spr_take_u64le(c);
    batch->layout.hash_depth = spr_take_u32le(c);
    batch->layout.hashed_dirs = spr_take_u32le(c);
    batch->layout.flags = spr_take_u32le(c);
    const struct spr_text format = take_text16(c);
    const struct spr_text root = take_text16(c);
    take_identity(c, &batch->root);
    take_identity(c, &batch->private_dir);
    if (!is_operation(operation) || batch->run.pid < 0) {
        spr_cursor_fail(c, "an operation that is known");
    }
    if (reader->dirs == 0 || reader->dirs > SPR_BATCH_DIRS_MAX ||
        reader->files > SPR_BATCH_FILES_MAX || reader->messages > SPR_BATCH_MESSAGES_MAX) {
        spr_cursor_fail(c, "counts within the limits of a batch");
    }
    if (spr_cursor_failed(c)) {
        return 0; /* the caller reports it */
    }
    batch->operation = (enum spr_action)operation;
    batch->format = spr_batch_text(batch, format);
    batch->spool_root = spr_batch_text(batch, root);
    return batch->format == NULL || batch->spool_root == NULL ? -ENOMEM : 0;
}

static int read_dir(struct reader *reader, struct spr_cursor *c)
{
    struct spr_batch *batch = reader->batch;
    const uint32_t index = spr_take_u32le(c);
    const uint32_t base = spr_take_u32le(c);
    const uint64_t inode = spr_take_u64le(c);
    const struct spr_text path = take_text16(c);
    if (index != batch->dir_count || index >= reader->dirs) {
        spr_cursor_fail(c, "folders numbered in order");
    }
    if (base > SPR_BASE_PRIVATE || !spr_relative_path_valid(path) ||
        (index == 0 && base != SPR_BASE_PRIVATE)) {
        spr_cursor_fail(c, "a path below the spool or the private folder");
    }
    if (spr_cursor_failed(c)) {
        return 0;
    }
    uint32_t added = 0;
    const int r = spr_batch_add_dir(batch, (enum spr_base)base, path, &added);
    if (r < 0) {
        return r;
    }
    if (added != index) {
        spr_cursor_fail(c, "each folder once");
        return 0;
    }
    batch->dirs[added].inode = inode;
    return 0;
}

/* A slot lies in the batch's own folder, and nothing else does. */
static bool is_way_sound(const struct spr_batch *batch, const struct spr_batch_file *file,
                         struct spr_text to)
{
    if (file->way == SPR_WAY_LEAVE) {
        return true;
    }
    if (file->way == SPR_WAY_TAKE) {
        return batch->operation == SPR_DELETE && file->to_dir == 0 && spr_slot_name_valid(to) &&
               batch->dirs[file->from_dir].base == SPR_BASE_SPOOL;
    }
    return file->way == SPR_WAY_PUT && batch->operation != SPR_DELETE &&
           batch->dirs[file->to_dir].base == SPR_BASE_SPOOL && spr_name_valid(to);
}

/* Files come message by message; the first file of the next message opens it. */
static int enter_message(struct reader *reader, struct spr_cursor *c, uint32_t message,
                         uint8_t number)
{
    struct spr_batch *batch = reader->batch;
    if (message == batch->message_count && number == 0 && message < reader->messages) {
        uint32_t added = 0;
        return spr_batch_add_message(batch, &added);
    }
    if (batch->message_count == 0 || message != batch->message_count - 1 ||
        number != batch->messages[message].file_count || number >= SPR_ROLES_MAX) {
        spr_cursor_fail(c, "messages and their files numbered in order");
    }
    return 0;
}

static int read_file(struct reader *reader, struct spr_cursor *c)
{
    struct spr_batch *batch = reader->batch;
    struct spr_batch_file file = { 0 };
    const uint32_t message = spr_take_u32le(c);
    file.number = spr_take_u8(c);
    const uint8_t part = spr_take_u8(c);
    const uint8_t way = spr_take_u8(c);
    file.links = spr_take_u8(c);
    file.role = spr_take_u8(c);
    (void)spr_take_u8(c); /* zero */
    file.from_dir = spr_take_u32le(c);
    const struct spr_text from = take_text16(c);
    file.to_dir = spr_take_u32le(c);
    const struct spr_text to = take_text16(c);
    take_identity(c, &file.identity);
    file.part = (enum spr_part)part;
    file.way = (enum spr_way)way;
    if (part < SPR_PART_PIVOT || part > SPR_PART_OPTIONAL || file.role >= SPR_ROLES_MAX ||
        !spr_name_valid(from)) {
        spr_cursor_fail(c, "a part, a role and a name");
    }
    if (file.from_dir >= batch->dir_count || file.to_dir >= batch->dir_count ||
        batch->file_count >= reader->files || !is_way_sound(batch, &file, to)) {
        spr_cursor_fail(c, "a way between folders of this batch");
    }
    if (spr_cursor_failed(c)) {
        return 0;
    }
    const int r = enter_message(reader, c, message, file.number);
    if (r < 0 || spr_cursor_failed(c)) {
        return r;
    }
    file.from = spr_batch_text(batch, from);
    file.to = spr_batch_text(batch, to);
    if (file.from == NULL || file.to == NULL) {
        return -ENOMEM;
    }
    return spr_batch_add_file(batch, &file);
}

static int read_seal(struct reader *reader, struct spr_cursor *c)
{
    const struct spr_batch *batch = reader->batch;
    const uint32_t frames = spr_take_u32le(c);
    const uint64_t running = spr_take_u64le(c);
    if (frames != reader->position.seq || running != reader->position.running) {
        spr_cursor_fail(c, "a seal over all frames before it");
    }
    if (batch->dir_count != reader->dirs || batch->file_count != reader->files ||
        batch->message_count != reader->messages) {
        spr_cursor_fail(c, "as many frames as HEAD promises");
    }
    reader->position.state = SPR_JOURNAL_SEALED;
    return 0;
}

static int read_verdict(struct reader *reader, struct spr_cursor *c)
{
    struct spr_batch *batch = reader->batch;
    const uint32_t message = spr_take_u32le(c);
    const int32_t code = (int32_t)spr_take_u32le(c);
    const uint8_t fate = spr_take_u8(c);
    const uint8_t number = spr_take_u8(c);
    if (message >= batch->message_count || message < reader->verdict_next || fate < SPR_FATE_BACK ||
        fate > SPR_FATE_LOST || code > 0) {
        spr_cursor_fail(c, "one verdict a message, in order");
        return 0;
    }
    batch->messages[message].fate = (enum spr_fate)fate;
    batch->messages[message].code = code;
    batch->messages[message].fate_file = number;
    reader->verdict_next = (uint64_t)message + 1;
    return 0;
}

static int read_decide(struct reader *reader, struct spr_cursor *c)
{
    const struct spr_batch_counts counts = spr_batch_count(reader->batch);
    const uint32_t out = spr_take_u32le(c);
    const uint32_t back = spr_take_u32le(c);
    const uint32_t skipped = spr_take_u32le(c);
    const uint32_t stuck = spr_take_u32le(c);
    const uint32_t lost = spr_take_u32le(c);
    const uint64_t running = spr_take_u64le(c);
    if (out != counts.out || back != counts.back || skipped != counts.skipped ||
        stuck != counts.stuck || lost != counts.lost || running != reader->position.running) {
        spr_cursor_fail(c, "a decision that agrees with its verdicts");
    }
    reader->position.state = SPR_JOURNAL_DECIDED;
    return 0;
}

/* Which types may come in which state (J6). */
static bool is_in_order(const struct reader *reader, uint16_t type)
{
    switch (reader->position.state) {
    case SPR_JOURNAL_TORN:
        if (!reader->have_head) {
            return type == SPR_FRAME_HEAD;
        }
        return (type == SPR_FRAME_DIR && reader->batch->file_count == 0) ||
               type == SPR_FRAME_FILE || type == SPR_FRAME_SEAL;
    case SPR_JOURNAL_SEALED:
        return type == SPR_FRAME_VERDICT || type == SPR_FRAME_DECIDE;
    case SPR_JOURNAL_DECIDED:
        return type == SPR_FRAME_PURGE;
    case SPR_JOURNAL_PURGING:
        return type == SPR_FRAME_END;
    case SPR_JOURNAL_ENDED:
        return false;
    }
    return false;
}

static int read_body(struct reader *reader, uint16_t type, struct spr_text body)
{
    struct spr_cursor c;
    spr_cursor_init(&c, body);
    int r = 0;
    switch ((enum spr_frame_type)type) {
    case SPR_FRAME_HEAD:
        r = read_head(reader, &c);
        reader->have_head = true;
        break;
    case SPR_FRAME_DIR:
        r = read_dir(reader, &c);
        break;
    case SPR_FRAME_FILE:
        r = read_file(reader, &c);
        break;
    case SPR_FRAME_SEAL:
        r = read_seal(reader, &c);
        break;
    case SPR_FRAME_VERDICT:
        r = read_verdict(reader, &c);
        break;
    case SPR_FRAME_DECIDE:
        r = read_decide(reader, &c);
        break;
    case SPR_FRAME_PURGE:
        reader->position.state = SPR_JOURNAL_PURGING;
        break;
    case SPR_FRAME_END:
        reader->position.state = SPR_JOURNAL_ENDED;
        break;
    }
    if (r == 0 && spr_cursor_failed(&c)) {
        return corrupt(reader, c.reason);
    }
    if (r == 0 && spr_cursor_left(&c) >= 8) {
        return corrupt(reader, "no bytes behind the frame's fields");
    }
    return r;
}

/* The length of a valid frame at the reader's offset, 0 if there is none (J2, J3). */
static uint32_t valid_frame(struct reader *reader)
{
    const uint64_t left = reader->bytes.length - reader->position.offset;
    if (left < SPR_FRAME_HEAD_BYTES + SPR_FRAME_HASH_BYTES) {
        return 0;
    }
    const uint8_t *frame = reader->bytes.bytes + reader->position.offset;
    const uint32_t length = (uint32_t)load(frame, 4);
    if (length < SPR_FRAME_HEAD_BYTES + SPR_FRAME_HASH_BYTES || length > left ||
        length > SPR_FRAME_BYTES_MAX || length % 8 != 0 ||
        load(frame + 8, 8) != reader->position.seq) {
        return 0;
    }
    const uint16_t type = (uint16_t)load(frame + 4, 2);
    if (!reader->have_head) {
        if (length < SPR_FRAME_HEAD_BYTES + 24 + SPR_FRAME_HASH_BYTES ||
            memcmp(frame + SPR_FRAME_HEAD_BYTES, SPR_JOURNAL_MAGIC, 8) != 0) {
            return 0;
        }
        memcpy(reader->batch->id, frame + SPR_FRAME_HEAD_BYTES + 8, 16);
    }
    const uint64_t seed =
        spr_frame_seed((enum spr_frame_type)type, reader->batch->id, reader->position.seq);
    const uint64_t expected = load(frame + length - SPR_FRAME_HASH_BYTES, 8);
    return spr_hash64(frame, length - SPR_FRAME_HASH_BYTES, seed) == expected ? length : 0;
}

static int read_frames(struct reader *reader)
{
    for (uint32_t length; (length = valid_frame(reader)) > 0;) {
        const uint8_t *frame = reader->bytes.bytes + reader->position.offset;
        const uint16_t type = (uint16_t)load(frame + 4, 2);
        if (load(frame + 6, 2) != SPR_FRAME_VERSION) {
            return spr_fault_set(reader->fault, SPR_E_NEWER, reader->where, reader->position.offset,
                                 "journal frames of version 1");
        }
        if (!is_in_order(reader, type)) {
            return corrupt(reader, "a frame that may come here");
        }
        const int r =
            read_body(reader, type,
                      (struct spr_text){ frame + SPR_FRAME_HEAD_BYTES,
                                         length - SPR_FRAME_HEAD_BYTES - SPR_FRAME_HASH_BYTES });
        if (r < 0) {
            return r;
        }
        reader->position.running = spr_hash64(frame, length, reader->position.running);
        reader->position.seq++;
        reader->position.offset += length;
        if (type == SPR_FRAME_SEAL) {
            reader->after_seal = reader->position;
        }
    }
    return 0;
}

/* Verdicts without a decision decide nothing. */
static void forget_verdicts(struct spr_batch *batch)
{
    for (uint32_t i = 0; i < batch->message_count; i++) {
        batch->messages[i].fate = SPR_FATE_OUT;
        batch->messages[i].code = 0;
    }
}

int spr_journal_parse(struct spr_text bytes, const char *where, struct spr_batch **ret_batch,
                      struct spr_journal_position *ret_position, struct spr_fault *fault)
{
    struct reader reader = { .bytes = bytes, .where = where, .fault = fault };
    int r = spr_batch_new(&reader.batch);
    if (r < 0) {
        return r;
    }
    r = read_frames(&reader);
    if (r < 0) {
        spr_batch_free(reader.batch);
        return r;
    }
    if (reader.position.state == SPR_JOURNAL_SEALED) {
        forget_verdicts(reader.batch);
        reader.position = reader.after_seal;
    }
    *ret_batch = reader.batch;
    *ret_position = reader.position;
    return 0;
}
