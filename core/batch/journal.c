/*
 * Writing a journal. Invariants: journal.h.
 */
#include "core/batch/journal.h"

#include "core/index/hash.h"
#include "io/own.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Generous sizes of frames that come after SEAL: head, body, padding, hash. */
#define VERDICT_BYTES 40
#define DECIDE_BYTES  56
#define EMPTY_BYTES   24

struct spr_journal {
    int fd;
    uint8_t id[16];
    struct spr_journal_position position;
    uint8_t *bytes; /* frames not yet written */
    size_t used, capacity;
    uint64_t reserved;
    size_t frame; /* start of the frame being built */
    bool failed;  /* a frame found no memory */
};

uint64_t spr_frame_seed(enum spr_frame_type type, const uint8_t id[16], uint64_t seq)
{
    if (type == SPR_FRAME_HEAD) {
        return 0;
    }
    return spr_hash64(id, 16, seq);
}

/* ---- Building frames in memory --------------------------------------------------------------- */

static uint8_t *extend(struct spr_journal *j, size_t length)
{
    if (j->failed) {
        return NULL;
    }
    if (j->capacity - j->used < length) {
        const size_t wanted = (j->capacity + length) * 2;
        uint8_t *bigger = realloc(j->bytes, wanted);
        if (bigger == NULL) {
            j->failed = true;
            return NULL;
        }
        j->bytes = bigger;
        j->capacity = wanted;
    }
    uint8_t *out = j->bytes + j->used;
    j->used += length;
    return out;
}

static void put_number(struct spr_journal *j, uint64_t value, unsigned length)
{
    uint8_t *out = extend(j, length);
    if (out != NULL) {
        for (unsigned i = 0; i < length; i++) {
            out[i] = (uint8_t)(value >> (8 * i));
        }
    }
}

static void put_bytes(struct spr_journal *j, const void *bytes, size_t length)
{
    uint8_t *out = extend(j, length);
    if (out != NULL && length > 0) {
        memcpy(out, bytes, length);
    }
}

static void put_text16(struct spr_journal *j, const char *text)
{
    const size_t length = strlen(text);
    put_number(j, length, 2);
    put_bytes(j, text, length);
}

static void begin_frame(struct spr_journal *j, enum spr_frame_type type)
{
    j->frame = j->used;
    put_number(j, 0, 4); /* length, known at the end */
    put_number(j, type, 2);
    put_number(j, SPR_FRAME_VERSION, 2);
    put_number(j, j->position.seq, 8);
}

static void end_frame(struct spr_journal *j, enum spr_frame_type type)
{
    const size_t body = j->used - j->frame;
    put_bytes(j, "\0\0\0\0\0\0\0", (8 - body % 8) % 8);
    const size_t length = j->used - j->frame + SPR_FRAME_HASH_BYTES;
    if (j->failed) {
        return;
    }
    for (unsigned i = 0; i < 4; i++) {
        j->bytes[j->frame + i] = (uint8_t)(length >> (8 * i));
    }
    const uint64_t seed = spr_frame_seed(type, j->id, j->position.seq);
    put_number(j, spr_hash64(j->bytes + j->frame, length - SPR_FRAME_HASH_BYTES, seed), 8);
    if (j->failed) {
        return;
    }
    j->position.running = spr_hash64(j->bytes + j->frame, length, j->position.running);
    j->position.seq++;
}

static void put_identity(struct spr_journal *j, const struct spr_identity *identity)
{
    put_number(j, identity->device, 8);
    put_number(j, identity->inode, 8);
    put_number(j, identity->size, 8);
    put_number(j, (uint64_t)identity->mtime_ns, 8);
    put_number(j, (uint64_t)identity->ctime_ns, 8);
    put_number(j, (uint64_t)identity->birth_ns, 8);
    put_number(j, identity->mount, 8);
    put_number(j, identity->uid, 4);
    put_number(j, identity->gid, 4);
    put_number(j, identity->mode, 4);
    put_number(j, identity->links, 4);
    put_number(j, identity->generation, 4);
    put_number(j, (uint32_t)identity->handle_type, 4);
    put_number(j, identity->handle_length, 1);
    put_bytes(j, identity->handle, identity->handle_length);
}

static void add_head(struct spr_journal *j, const struct spr_batch *batch)
{
    begin_frame(j, SPR_FRAME_HEAD);
    put_bytes(j, SPR_JOURNAL_MAGIC, 8);
    put_bytes(j, batch->id, 16);
    put_number(j, batch->job, 8);
    put_number(j, batch->number, 8);
    put_number(j, (uint64_t)batch->created_ns, 8);
    put_number(j, batch->next, 8);
    put_number(j, batch->undoes, 8);
    put_number(j, batch->operation, 4);
    put_number(j, batch->needs_reload ? 1 : 0, 4);
    put_number(j, batch->dir_count, 4);
    put_number(j, batch->file_count, 4);
    put_number(j, batch->message_count, 4);
    put_number(j, (uint32_t)batch->run.pid, 4);
    put_number(j, batch->run.start_time, 8);
    put_number(j, batch->layout.hash_depth, 4);
    put_number(j, batch->layout.hashed_dirs, 4);
    put_number(j, batch->layout.flags, 4);
    put_text16(j, batch->format);
    put_text16(j, batch->spool_root);
    put_identity(j, &batch->root);
    put_identity(j, &batch->private_dir);
    end_frame(j, SPR_FRAME_HEAD);
}

static void add_dir(struct spr_journal *j, const struct spr_batch *batch, uint32_t index)
{
    begin_frame(j, SPR_FRAME_DIR);
    put_number(j, index, 4);
    put_number(j, batch->dirs[index].base, 4);
    put_number(j, batch->dirs[index].inode, 8);
    put_text16(j, batch->dirs[index].path);
    end_frame(j, SPR_FRAME_DIR);
}

static void add_file(struct spr_journal *j, const struct spr_batch_file *file)
{
    begin_frame(j, SPR_FRAME_FILE);
    put_number(j, file->message, 4);
    put_number(j, file->number, 1);
    put_number(j, file->part, 1);
    put_number(j, file->way, 1);
    put_number(j, file->links, 1);
    put_number(j, file->role, 1);
    put_number(j, 0, 1);
    put_number(j, file->from_dir, 4);
    put_text16(j, file->from);
    put_number(j, file->to_dir, 4);
    put_text16(j, file->to);
    put_identity(j, &file->identity);
    end_frame(j, SPR_FRAME_FILE);
}

static void add_seal(struct spr_journal *j)
{
    const uint64_t frames = j->position.seq;
    const uint64_t running = j->position.running;
    begin_frame(j, SPR_FRAME_SEAL);
    put_number(j, frames, 4);
    put_number(j, running, 8);
    end_frame(j, SPR_FRAME_SEAL);
}

static void add_verdicts(struct spr_journal *j, const struct spr_batch *batch)
{
    for (uint32_t i = 0; i < batch->message_count; i++) {
        const struct spr_batch_message *message = &batch->messages[i];
        if (message->fate == SPR_FATE_OUT) {
            continue;
        }
        begin_frame(j, SPR_FRAME_VERDICT);
        put_number(j, i, 4);
        put_number(j, (uint32_t)message->code, 4);
        put_number(j, message->fate, 1);
        put_number(j, message->fate_file, 1);
        end_frame(j, SPR_FRAME_VERDICT);
    }
}

static void add_decide(struct spr_journal *j, const struct spr_batch *batch)
{
    const struct spr_batch_counts counts = spr_batch_count(batch);
    const uint64_t running = j->position.running;
    begin_frame(j, SPR_FRAME_DECIDE);
    put_number(j, counts.out, 4);
    put_number(j, counts.back, 4);
    put_number(j, counts.skipped, 4);
    put_number(j, counts.stuck, 4);
    put_number(j, counts.lost, 4);
    put_number(j, running, 8);
    end_frame(j, SPR_FRAME_DECIDE);
}

/* ---- The file -------------------------------------------------------------------------------- */

/* Writes what was built behind the valid part and syncs it. */
static int flush(struct spr_journal *j, enum spr_journal_state reached)
{
    if (j->failed) {
        return -ENOMEM;
    }
    int r = spr_write_at(j->fd, j->bytes, j->used, j->position.offset);
    if (r < 0) {
        return r;
    }
    r = spr_sync_data(j->fd);
    if (r < 0) {
        return r;
    }
    j->position.offset += j->used;
    j->used = 0;
    j->position.state = reached;
    return 0;
}

int spr_journal_create(int batch_fd, const struct spr_batch *batch,
                       struct spr_journal **ret_journal)
{
    struct spr_journal *j = calloc(1, sizeof(*j));
    if (j == NULL) {
        return -ENOMEM;
    }
    memcpy(j->id, batch->id, sizeof(j->id));

    int r;
    j->fd = spr_own_create(batch_fd, SPR_JOURNAL_NAME);
    if (j->fd < 0) {
        r = j->fd;
        goto fail;
    }
    spr_own_stay_in_place(j->fd); /* so that deciding needs no room */
    add_head(j, batch);
    for (uint32_t i = 0; i < batch->dir_count; i++) {
        add_dir(j, batch, i);
    }
    for (uint32_t i = 0; i < batch->file_count; i++) {
        add_file(j, &batch->files[i]);
    }
    add_seal(j);
    if (j->failed) {
        r = -ENOMEM;
        goto fail;
    }
    const uint64_t after_seal =
        (uint64_t)batch->message_count * VERDICT_BYTES + DECIDE_BYTES + 2 * EMPTY_BYTES;
    j->reserved = j->used + after_seal;
    r = spr_reserve(j->fd, j->reserved);
    if (r < 0) {
        goto fail;
    }
    *ret_journal = j;
    return 0;

fail:
    spr_journal_close(j);
    return r;
}

int spr_journal_seal(struct spr_journal *journal)
{
    return flush(journal, SPR_JOURNAL_SEALED); /* (J1) */
}

int spr_journal_decide(struct spr_journal *journal, const struct spr_batch *batch)
{
    if (journal->position.state != SPR_JOURNAL_SEALED) {
        return -EINVAL;
    }
    add_verdicts(journal, batch);
    add_decide(journal, batch);
    return flush(journal, SPR_JOURNAL_DECIDED); /* (J4) */
}

int spr_journal_purge(struct spr_journal *journal)
{
    if (journal->position.state != SPR_JOURNAL_DECIDED) { /* (J5) */
        return -EINVAL;
    }
    begin_frame(journal, SPR_FRAME_PURGE);
    end_frame(journal, SPR_FRAME_PURGE);
    return flush(journal, SPR_JOURNAL_PURGING);
}

int spr_journal_end(struct spr_journal *journal)
{
    if (journal->position.state != SPR_JOURNAL_PURGING) {
        return -EINVAL;
    }
    begin_frame(journal, SPR_FRAME_END);
    end_frame(journal, SPR_FRAME_END);
    return flush(journal, SPR_JOURNAL_ENDED);
}

uint64_t spr_journal_bytes(const struct spr_journal *journal)
{
    return journal->reserved;
}

enum spr_journal_state spr_journal_state(const struct spr_journal *journal)
{
    return journal->position.state;
}

void spr_journal_close(struct spr_journal *journal)
{
    if (journal == NULL) {
        return;
    }
    if (journal->fd >= 0) {
        (void)close(journal->fd); /* all that matters was synced */
    }
    free(journal->bytes);
    free(journal);
}

int spr_journal_continue(int fd, const uint8_t id[16], const struct spr_journal_position *position,
                         struct spr_journal **ret_journal)
{
    struct spr_journal *j = calloc(1, sizeof(*j));
    if (j == NULL) {
        return -ENOMEM;
    }
    memcpy(j->id, id, sizeof(j->id));
    j->fd = fd;
    j->position = *position;
    *ret_journal = j;
    return 0;
}
