/*
 * A batch in memory: growing arrays, a text arena, folders opened once.
 */
#include "core/batch/batch.h"

#include "core/index/hash.h"
#include "formats/cursor.h"
#include "io/dirents.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK_BYTES 65536

struct spr_batch_chunk {
    struct spr_batch_chunk *next;
    size_t used;
    char bytes[];
};

int spr_batch_new(struct spr_batch **ret_batch)
{
    struct spr_batch *batch = calloc(1, sizeof(*batch));
    if (batch == NULL) {
        return -ENOMEM;
    }
    *ret_batch = batch;
    return 0;
}

void spr_batch_free(struct spr_batch *batch)
{
    if (batch == NULL) {
        return;
    }
    for (uint32_t i = 0; i < batch->dir_count; i++) {
        if (batch->dirs[i].fd >= 0) {
            (void)close(batch->dirs[i].fd); /* a folder: nothing can be lost */
        }
    }
    while (batch->chunks != NULL) {
        struct spr_batch_chunk *chunk = batch->chunks;
        batch->chunks = chunk->next;
        free(chunk);
    }
    free(batch->dirs);
    free(batch->dir_slots);
    free(batch->files);
    free(batch->messages);
    free(batch);
}

const char *spr_batch_text(struct spr_batch *batch, struct spr_text text)
{
    if (text.length >= CHUNK_BYTES) {
        return NULL;
    }
    if (batch->chunks == NULL || CHUNK_BYTES - batch->chunks->used <= text.length) {
        struct spr_batch_chunk *chunk = malloc(sizeof(*chunk) + CHUNK_BYTES);
        if (chunk == NULL) {
            return NULL;
        }
        chunk->next = batch->chunks;
        chunk->used = 0;
        batch->chunks = chunk;
    }
    char *copy = batch->chunks->bytes + batch->chunks->used;
    if (text.length > 0) {
        memcpy(copy, text.bytes, text.length);
    }
    copy[text.length] = '\0';
    batch->chunks->used += text.length + 1;
    return copy;
}

/* Makes room for one element more; the new size is stored on success only. */
static int grow(void **array, uint32_t count, uint32_t *capacity, size_t size, uint32_t max)
{
    if (count < *capacity) {
        return 0;
    }
    if (count >= max) {
        return -E2BIG;
    }
    const uint32_t wanted = *capacity == 0 ? 64 : (*capacity > max / 2 ? max : *capacity * 2);
    void *bigger = realloc(*array, (size_t)wanted * size);
    if (bigger == NULL) {
        return -ENOMEM;
    }
    *array = bigger;
    *capacity = wanted;
    return 0;
}

static bool is_same_path(const char *path, struct spr_text text)
{
    return spr_text_equal(text, path);
}

/* Where this folder is, or would be put. At least half of the table is free. */
static uint32_t *find_slot(const struct spr_batch *batch, enum spr_base base, struct spr_text path)
{
    uint32_t at = (uint32_t)spr_hash64(path.bytes, path.length, (uint64_t)base) & batch->dir_mask;
    while (batch->dir_slots[at] != 0) {
        const struct spr_batch_dir *dir = &batch->dirs[batch->dir_slots[at] - 1];
        if (dir->base == base && is_same_path(dir->path, path)) {
            break;
        }
        at = (at + 1) & batch->dir_mask;
    }
    return &batch->dir_slots[at];
}

static int grow_slots(struct spr_batch *batch)
{
    if (batch->dir_slots != NULL && batch->dir_count * 2 < batch->dir_mask) {
        return 0;
    }
    const uint32_t mask = batch->dir_slots == NULL ? 127 : batch->dir_mask * 2 + 1;
    uint32_t *slots = calloc((size_t)mask + 1, sizeof(*slots));
    if (slots == NULL) {
        return -ENOMEM;
    }
    free(batch->dir_slots);
    batch->dir_slots = slots;
    batch->dir_mask = mask;
    for (uint32_t i = 0; i < batch->dir_count; i++) {
        const struct spr_batch_dir *dir = &batch->dirs[i];
        const struct spr_text path = spr_text_of(dir->path);
        *find_slot(batch, dir->base, path) = i + 1;
    }
    return 0;
}

int spr_batch_add_dir(struct spr_batch *batch, enum spr_base base, struct spr_text path,
                      uint32_t *ret_dir)
{
    int r = grow_slots(batch);
    if (r < 0) {
        return r;
    }
    uint32_t *slot = find_slot(batch, base, path);
    if (*slot != 0) {
        *ret_dir = *slot - 1;
        return 0;
    }
    void *dirs = batch->dirs;
    r = grow(&dirs, batch->dir_count, &batch->dir_capacity, sizeof(*batch->dirs),
             SPR_BATCH_DIRS_MAX);
    if (r < 0) {
        return r;
    }
    batch->dirs = dirs;
    const char *copy = spr_batch_text(batch, path);
    if (copy == NULL) {
        return -ENOMEM;
    }
    batch->dirs[batch->dir_count] = (struct spr_batch_dir){ .base = base, .path = copy, .fd = -1 };
    *slot = batch->dir_count + 1;
    *ret_dir = batch->dir_count++;
    return 0;
}

int spr_batch_add_message(struct spr_batch *batch, uint32_t *ret_message)
{
    void *messages = batch->messages;
    const int r = grow(&messages, batch->message_count, &batch->message_capacity,
                       sizeof(*batch->messages), SPR_BATCH_MESSAGES_MAX);
    if (r < 0) {
        return r;
    }
    batch->messages = messages;
    batch->messages[batch->message_count] =
        (struct spr_batch_message){ .first_file = batch->file_count };
    *ret_message = batch->message_count++;
    return 0;
}

int spr_batch_add_file(struct spr_batch *batch, const struct spr_batch_file *file)
{
    void *files = batch->files;
    const int r = grow(&files, batch->file_count, &batch->file_capacity, sizeof(*batch->files),
                       SPR_BATCH_FILES_MAX);
    if (r < 0) {
        return r;
    }
    batch->files = files;
    struct spr_batch_message *message = &batch->messages[batch->message_count - 1];
    batch->files[batch->file_count] = *file;
    batch->files[batch->file_count].message = batch->message_count - 1;
    batch->file_count++;
    message->file_count++;
    return 0;
}

const char *spr_batch_slot(struct spr_batch *batch, uint32_t message, uint8_t number)
{
    char name[24];
    const int length = snprintf(name, sizeof(name), "%u.%u", message, number);
    return spr_batch_text(batch, (struct spr_text){ (const uint8_t *)name, (size_t)length });
}

void spr_batch_drop_last(struct spr_batch *batch)
{
    const struct spr_batch_message *last = &batch->messages[batch->message_count - 1];
    batch->file_count = last->first_file;
    batch->message_count--;
}

/* Descriptors are short: all folders are closed but the one handed out last, which the caller may
 * be using together with the next. What they owe is synced first; earlier than needed is never
 * wrong. */
static int close_other_dirs(struct spr_batch *batch)
{
    for (uint32_t i = 0; i < batch->dir_count; i++) {
        struct spr_batch_dir *folder = &batch->dirs[i];
        if (folder->fd < 0 || i == batch->last_dir) {
            continue;
        }
        const int r = folder->touched ? spr_sync_dir(folder->fd) : 0;
        if (r < 0) {
            return r;
        }
        folder->touched = false;
        (void)close(folder->fd); /* synced, or nothing to lose */
        folder->fd = -1;
    }
    return 0;
}

void spr_batch_look_again(struct spr_batch *batch)
{
    for (uint32_t i = 0; i < batch->dir_count; i++) {
        batch->dirs[i].missing = false;
    }
}

int spr_batch_dir_fd(struct spr_batch *batch, uint32_t dir, int root_fd, int private_fd)
{
    struct spr_batch_dir *folder = &batch->dirs[dir];
    if (folder->fd < 0) {
        const int base_fd = folder->base == SPR_BASE_SPOOL ? root_fd : private_fd;
        folder->fd = spr_dir_open(base_fd, folder->path);
        folder->missing = folder->fd == -ENOENT;
        if (folder->fd == -EMFILE) {
            const int r = close_other_dirs(batch);
            folder->fd = r < 0 ? r : spr_dir_open(base_fd, folder->path);
        }
        if (folder->fd < 0) {
            const int r = folder->fd;
            folder->fd = -1;
            return r;
        }
    }
    batch->last_dir = dir;
    return folder->fd;
}

int spr_batch_sync_dirs(struct spr_batch *batch)
{
    for (uint32_t i = 0; i < batch->dir_count; i++) {
        if (batch->dirs[i].touched) {
            const int r = spr_sync_dir(batch->dirs[i].fd);
            if (r < 0) {
                return r;
            }
            batch->dirs[i].touched = false;
        }
    }
    return 0;
}

struct spr_batch_counts spr_batch_count(const struct spr_batch *batch)
{
    struct spr_batch_counts counts = { 0 };
    for (uint32_t i = 0; i < batch->message_count; i++) {
        switch (batch->messages[i].fate) {
        case SPR_FATE_OUT:
            counts.out++;
            break;
        case SPR_FATE_BACK:
            counts.back++;
            break;
        case SPR_FATE_SKIPPED:
            counts.skipped++;
            break;
        case SPR_FATE_STUCK:
            counts.stuck++;
            break;
        case SPR_FATE_LOST:
            counts.lost++;
            break;
        }
    }
    return counts;
}

bool spr_name_valid(struct spr_text name)
{
    if (name.length == 0 || name.length > SPR_NAME_MAX) {
        return false;
    }
    if (name.bytes[0] == '.' && (name.length == 1 || (name.length == 2 && name.bytes[1] == '.'))) {
        return false;
    }
    return memchr(name.bytes, '/', name.length) == NULL &&
           memchr(name.bytes, '\0', name.length) == NULL;
}

bool spr_relative_path_valid(struct spr_text path)
{
    if (path.length == 0) {
        return true;
    }
    if (path.length > SPR_PATH_MAX) {
        return false;
    }
    size_t start = 0;
    for (size_t i = 0; i <= path.length; i++) {
        if (i == path.length || path.bytes[i] == '/') {
            if (!spr_name_valid((struct spr_text){ path.bytes + start, i - start })) {
                return false;
            }
            start = i + 1;
        }
    }
    return true;
}

bool spr_slot_name_valid(struct spr_text name)
{
    unsigned dots = 0;
    for (size_t i = 0; i < name.length; i++) {
        if (name.bytes[i] == '.') {
            dots++;
        } else if (name.bytes[i] < '0' || name.bytes[i] > '9') {
            return false;
        }
    }
    return dots == 1 && name.length >= 3 && name.length <= 20 && name.bytes[0] != '.' &&
           name.bytes[name.length - 1] != '.';
}
