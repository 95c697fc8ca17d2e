/*
 * Ranges and files on demand, queued over a group of messages and read together.
 */
#include "core/scan/fetch_reads.h"

#include "io/dirents.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define QUEUED_MAX   (8u << 20) /* bytes of reads under way */
#define DEMAND_HEAD  (16u << 10)
#define ATTEMPTS_MAX 8

static void take_range(const struct spr_io_done *done, struct spr_fetch_read *read)
{
    struct spr_slot_file *file = read->file;
    if (done->result < 0) {
        if (file->slot->failure == 0) {
            file->slot->failure = (int)done->result;
        }
        return;
    }
    const size_t got = (size_t)done->result;
    if (got > 0) {
        memcpy(read->into, done->bytes, got);
    }
    const uint64_t end = done->request->offset + got;
    if (got < done->request->length && end < file->end_seen) {
        file->end_seen = end;
    }
}

static void take_demanded(const struct spr_io_done *done, struct spr_fetch_read *read)
{
    struct spr_slot_file *file = read->file;
    (void)close(read->dir_fd); /* read only: nothing can be lost */
    spr_slot_complete(file, done);
    if (done->result == -ENOENT) {
        file->sought = !read->on_demand; /* perhaps elsewhere */
    } else if (done->result < 0 && file->slot->failure == 0 && done->result != -EBADF) {
        file->slot->failure = (int)done->result;
    }
}

int spr_fetch_flush(struct spr_fetch_reads *reads)
{
    if (reads->count == 0) {
        return 0;
    }
    int result = spr_io_window(reads->io, reads->requests, reads->count);
    while (result == 0) {
        struct spr_io_done done;
        const int got = spr_io_wait(reads->io, &done, 1);
        if (got <= 0) {
            result = got;
            break;
        }
        struct spr_fetch_read *read = done.request->user;
        if (read->into != NULL) {
            take_range(&done, read);
            spr_io_release(reads->io, &done);
        } else {
            take_demanded(&done, read);
            read->dir_fd = -1;
        }
    }
    for (uint32_t i = 0; i < reads->count && result < 0; i++) {
        if (reads->reads[i].into == NULL && reads->reads[i].dir_fd >= 0) {
            (void)close(reads->reads[i].dir_fd); /* read only: nothing can be lost */
        }
    }
    reads->count = 0;
    reads->queued_bytes = 0;
    return result;
}

static int make_room(struct spr_fetch_reads *reads, uint64_t bytes)
{
    if (reads->count == SPR_FETCH_READS_MAX ||
        (reads->count > 0 && reads->queued_bytes + bytes > QUEUED_MAX)) {
        return spr_fetch_flush(reads);
    }
    return 0;
}

static int queue_range(struct spr_slot_file *file, uint64_t offset, uint64_t length, uint8_t *into,
                       void *user)
{
    struct spr_fetch_reads *reads = user;
    while (length > 0) {
        const uint32_t part = length < SPR_IO_READ_MAX ? (uint32_t)length : SPR_IO_READ_MAX;
        int r = make_room(reads, part);
        if (r < 0) {
            return r;
        }
        struct spr_fetch_read *read = &reads->reads[reads->count];
        *read = (struct spr_fetch_read){ .file = file, .into = into, .dir_fd = -1 };
        reads->requests[reads->count++] = (struct spr_io_request){
            .op = SPR_IO_RANGE,
            .file = file->done.file,
            .offset = offset,
            .length = part,
            .user = read,
        };
        reads->queued_bytes += part;
        offset += part;
        into += part;
        length -= part;
    }
    return 0;
}

/* ---- Files on demand ------------------------------------------------------------------------- */

/* Queues the HEAD of name, which outlives it, in folder. */
static int queue_head(struct spr_fetch_reads *reads, struct spr_slot_file *file, const char *folder,
                      const char *name, bool on_demand)
{
    int r = make_room(reads, DEMAND_HEAD);
    if (r < 0) {
        return r;
    }
    const int dir_fd = spr_dir_open(reads->setup->walk->setup.root_fd, folder);
    if (dir_fd < 0) {
        return dir_fd;
    }
    if (file->held) {
        spr_io_release(reads->io, &file->done);
        file->held = false;
    }
    file->name = name;
    file->present = false;
    file->extent_count = 0;
    struct spr_fetch_read *read = &reads->reads[reads->count];
    *read = (struct spr_fetch_read){ .file = file, .dir_fd = dir_fd, .on_demand = on_demand };
    reads->requests[reads->count++] = (struct spr_io_request){
        .op = SPR_IO_HEAD,
        .dir_fd = dir_fd,
        .name = name,
        .length = DEMAND_HEAD,
        .user = read,
    };
    reads->queued_bytes += DEMAND_HEAD;
    return 0;
}

static int queue_demanded(struct spr_fetch_reads *reads, struct spr_slot_file *file,
                          const struct spr_path *path)
{
    char *folder = (char *)spr_pool_bytes(reads->arena, sizeof(path->text));
    if (folder == NULL) {
        return -ENOMEM;
    }
    memcpy(folder, path->text, sizeof(path->text));
    char *slash = strrchr(folder, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
    const int r = slash != NULL ? queue_head(reads, file, folder, slash + 1, true)
                                : queue_head(reads, file, "", folder, true);
    return r == -ENOMEM ? r : 0; /* no folder, no file: the next attempt */
}

/* The next place where the file may be. */
static int seek(struct spr_fetch_reads *reads, struct spr_slot *slot, struct spr_slot_file *file)
{
    const struct spr_fetch_setup *setup = reads->setup;
    const struct spr_walk_folder *folder = &setup->walk->folders[slot->candidate->folder];
    struct spr_candidate_file primary;
    struct spr_key key = { 0 };
    struct spr_path path = { .length = 0 };
    spr_candidate_first(slot->candidate, &primary);
    (void)setup->format->classify(setup->layout, folder->dir, primary.name, &key);
    if (setup->format->locate == NULL || file->attempt >= ATTEMPTS_MAX ||
        !setup->format->locate(setup->layout, &key, file->role, file->attempt, &path)) {
        file->sought = true;
        return 0;
    }
    file->attempt++;
    return queue_demanded(reads, file, &path);
}

bool spr_fetch_is_seeking(const struct spr_slot *slot)
{
    const struct spr_slot_file *file =
        slot->need.role < SPR_ROLES_MAX ? slot->files[slot->need.role] : NULL;
    return file != NULL && !file->sought;
}

/* ---- Ranges ---------------------------------------------------------------------------------- */

static int queue_wanted(struct spr_fetch_reads *reads, struct spr_slot *slot,
                        struct spr_slot_file *file)
{
    const struct spr_need *need = &slot->need;
    if (!file->present || need->offset >= file->size) {
        return -EPROTO;
    }
    if (file->done.file == NULL) { /* only its fstat was asked for so far */
        const struct spr_walk *walk = reads->setup->walk;
        return queue_head(reads, file, walk->folders[slot->candidate->folder].path, file->name,
                          false);
    }
    const uint64_t left = file->size - need->offset;
    const uint64_t length = need->length < left ? need->length : left;
    if (length == 0 || spr_slot_covers(file, need->offset, length)) {
        return -EPROTO;
    }
    if (length > SPR_FETCH_FILE_MAX || slot->wide_bytes + length > SPR_FETCH_FILE_MAX) {
        return -EFBIG;
    }
    if (reads->held_bytes + length > reads->held_max) {
        return -EOVERFLOW;
    }
    slot->wide_bytes += length;
    reads->held_bytes += length;
    return spr_slot_widen(file, need->offset, length, queue_range, reads);
}

int spr_fetch_widen(struct spr_fetch_reads *reads, struct spr_slot *slot)
{
    const struct spr_format *format = reads->setup->format;
    const unsigned role = slot->need.role;
    if (role >= format->role_count || ++slot->rounds > SPR_FETCH_ROUNDS_MAX) {
        return -EPROTO;
    }
    struct spr_slot_file *file = slot->files[role];
    const bool on_demand = (format->roles[role].flags & SPR_ROLE_ON_DEMAND) != 0;
    if (file == NULL && on_demand) {
        file = spr_slot_add_file(slot, reads->arena, role, "");
        if (file == NULL) {
            return -ENOMEM;
        }
    }
    if (file == NULL) {
        return -EPROTO;
    }
    if (on_demand && !file->sought) {
        return seek(reads, slot, file);
    }
    return queue_wanted(reads, slot, file);
}
