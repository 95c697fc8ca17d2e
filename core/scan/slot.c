/*
 * One message while it is read.
 */
#include "core/scan/slot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct spr_slot *spr_slot_take(struct spr_pool *arena, struct spr_candidate *candidate)
{
    struct spr_slot *slot = spr_pool_take(arena, sizeof(*slot));
    if (slot != NULL) {
        *slot = (struct spr_slot){ .candidate = candidate };
    }
    return slot;
}

struct spr_slot_file *spr_slot_add_file(struct spr_slot *slot, struct spr_pool *arena,
                                        unsigned role, const char *name)
{
    struct spr_slot_file *file = spr_pool_take(arena, sizeof(*file));
    if (file != NULL) {
        *file = (struct spr_slot_file){
            .slot = slot,
            .role = role,
            .name = name,
            .end_seen = UINT64_MAX,
        };
        slot->files[role] = file;
    }
    return file;
}

void spr_slot_complete(struct spr_slot_file *file, const struct spr_io_done *done)
{
    file->done = *done;
    file->held = true;
    file->sought = true;
    file->present = done->result >= 0;
    if (done->result < 0) {
        return;
    }
    file->size = done->meta.size;
    if (done->request->op == SPR_IO_HEAD && done->result > 0) {
        file->head = (struct spr_extent){ 0, { done->bytes, (size_t)done->result } };
        file->extent_count = 1;
    }
}

static const struct spr_extent *extents_of(const struct spr_slot_file *file)
{
    return file->wide != NULL ? file->wide->extents : &file->head;
}

void spr_slot_view(const struct spr_slot *slot, unsigned role_count, struct spr_file_view *files)
{
    for (unsigned role = 0; role < role_count; role++) {
        const struct spr_slot_file *file = slot->files[role];
        if (file == NULL || !file->present) {
            files[role] = (struct spr_file_view){ .sought = file != NULL && file->sought };
            continue;
        }
        files[role] = (struct spr_file_view){
            .present = true,
            .sought = true,
            .name = { (const uint8_t *)file->name, strlen(file->name) },
            .size = file->size,
            .mtime_ns = file->done.meta.mtime_ns,
            .mode = file->done.meta.mode,
            .uid = file->done.meta.uid,
            .inode = file->done.meta.inode,
            .extents = extents_of(file),
            .extent_count = file->extent_count,
        };
    }
}

bool spr_slot_covers(const struct spr_slot_file *file, uint64_t offset, uint64_t length)
{
    const struct spr_extent *extents = extents_of(file);
    for (unsigned i = 0; i < file->extent_count; i++) {
        if (offset >= extents[i].offset && offset - extents[i].offset <= extents[i].bytes.length &&
            length <= extents[i].bytes.length - (offset - extents[i].offset)) {
            return true;
        }
    }
    return false;
}

static int make_wide(struct spr_slot_file *file)
{
    if (file->wide != NULL) {
        return 0;
    }
    file->wide = calloc(1, sizeof(*file->wide));
    if (file->wide == NULL) {
        return -ENOMEM;
    }
    file->wide->extents[0] = file->head;
    return 0;
}

/* Replaces extents [from, to) by one. */
static void put_extent(struct spr_slot_file *file, unsigned from, unsigned to,
                       struct spr_extent extent, uint8_t *own)
{
    struct spr_slot_wide *wide = file->wide;
    const unsigned behind = file->extent_count - to;
    for (unsigned i = from; i < to; i++) {
        free(wide->own[i]);
    }
    memmove(&wide->extents[from + 1], &wide->extents[to], behind * sizeof(wide->extents[0]));
    memmove(&wide->own[from + 1], &wide->own[to], behind * sizeof(uint8_t *));
    wide->extents[from] = extent;
    wide->own[from] = own;
    file->extent_count = from + 1 + behind;
}

int spr_slot_widen(struct spr_slot_file *file, uint64_t offset, uint64_t length,
                   int (*on_gap)(struct spr_slot_file *file, uint64_t offset, uint64_t length,
                                 uint8_t *into, void *user),
                   void *user)
{
    int r = make_wide(file);
    if (r < 0) {
        return r;
    }
    const struct spr_extent *extents = file->wide->extents;
    unsigned from = 0;
    while (from < file->extent_count &&
           extents[from].offset + extents[from].bytes.length < offset) {
        from++;
    }
    unsigned to = from;
    uint64_t low = offset;
    uint64_t high = offset + length;
    while (to < file->extent_count && extents[to].offset <= high) {
        const uint64_t end = extents[to].offset + extents[to].bytes.length;
        low = extents[to].offset < low ? extents[to].offset : low;
        high = end > high ? end : high;
        to++;
    }
    if (to == from && file->extent_count == SPR_SLOT_EXTENTS_MAX) {
        return -EFBIG;
    }

    uint8_t *own = malloc((size_t)(high - low));
    if (own == NULL) {
        return -ENOMEM;
    }
    uint64_t at = low;
    for (unsigned i = from; i < to && r == 0; i++) {
        if (extents[i].offset > at) {
            r = on_gap(file, at, extents[i].offset - at, own + (at - low), user);
        }
        memcpy(own + (extents[i].offset - low), extents[i].bytes.bytes, extents[i].bytes.length);
        at = extents[i].offset + extents[i].bytes.length;
    }
    if (r == 0 && at < high) {
        r = on_gap(file, at, high - at, own + (at - low), user);
    }
    put_extent(file, from, to, (struct spr_extent){ low, { own, (size_t)(high - low) } }, own);
    return r;
}

static void shrink(struct spr_slot_file *file, uint64_t size)
{
    if (size >= file->size) {
        return;
    }
    file->size = size;
    struct spr_extent *extents = file->wide != NULL ? file->wide->extents : &file->head;
    for (unsigned i = 0; i < file->extent_count; i++) {
        if (extents[i].offset >= size) {
            for (unsigned k = i; file->wide != NULL && k < file->extent_count; k++) {
                free(file->wide->own[k]);
                file->wide->own[k] = NULL;
            }
            file->extent_count = i;
            return;
        }
        if (extents[i].bytes.length > size - extents[i].offset) {
            extents[i].bytes.length = (size_t)(size - extents[i].offset);
        }
    }
}

void spr_slot_settle(struct spr_slot *slot)
{
    for (unsigned role = 0; role < SPR_ROLES_MAX; role++) {
        if (slot->files[role] != NULL) {
            shrink(slot->files[role], slot->files[role]->end_seen);
        }
    }
}

void spr_slot_release(struct spr_slot *slot, struct spr_io *io)
{
    for (unsigned role = 0; role < SPR_ROLES_MAX; role++) {
        struct spr_slot_file *file = slot->files[role];
        if (file == NULL) {
            continue;
        }
        if (file->held) {
            spr_io_release(io, &file->done);
            file->held = false;
        }
        if (file->wide != NULL) {
            for (unsigned i = 0; i < file->extent_count; i++) {
                free(file->wide->own[i]);
            }
            free(file->wide);
            file->wide = NULL;
        }
        slot->files[role] = NULL;
    }
}
