/*
 * One message while it is read: its files, what was read of them, and the view made of that.
 * Private to fetch.c and fetch_reads.c; slots live in the arena of their window.
 */
#ifndef SPR_CORE_SCAN_SLOT_H
#define SPR_CORE_SCAN_SLOT_H

#include "core/scan/extract.h"
#include "io/io.h"

/* Each round adds at most one extent. */
#define SPR_SLOT_EXTENTS_MAX 66

/* Extents that lie in buffers of their own. */
struct spr_slot_wide {
    struct spr_extent extents[SPR_SLOT_EXTENTS_MAX];
    uint8_t *own[SPR_SLOT_EXTENTS_MAX]; /* NULL: borrowed from the head's completion */
};

struct spr_slot_file {
    struct spr_slot *slot;
    unsigned role;
    const char *name;
    struct spr_io_done done; /* of its HEAD or STAT */
    bool held;               /* done is to be released */
    bool present, sought;
    unsigned attempt;  /* the next one of locate */
    uint64_t size;     /* less than done.meta.size when the file shrank */
    uint64_t end_seen; /* a read ended here; UINT64_MAX: none ended early */
    struct spr_extent head;
    struct spr_slot_wide *wide; /* NULL: only the head was read */
    unsigned extent_count;
};

struct spr_slot {
    struct spr_candidate *candidate;
    struct spr_slot_file *files[SPR_ROLES_MAX]; /* by role */
    unsigned primary;
    unsigned outstanding, rounds;
    int failure;
    uint64_t wide_bytes;
    struct spr_need need;
};

/* NULL when there is no memory. */
struct spr_slot *spr_slot_take(struct spr_pool *arena, struct spr_candidate *candidate);
struct spr_slot_file *spr_slot_add_file(struct spr_slot *slot, struct spr_pool *arena,
                                        unsigned role, const char *name);
/* A HEAD or STAT came back. */
void spr_slot_complete(struct spr_slot_file *file, const struct spr_io_done *done);
/* Writes files[0 … role_count). */
void spr_slot_view(const struct spr_slot *slot, unsigned role_count, struct spr_file_view *files);
/* Makes one extent of [offset, offset + length) and all it touches. Calls on_gap for what must be
 * read into it. 0, -ENOMEM, -EFBIG when there are too many extents. */
int spr_slot_widen(struct spr_slot_file *file, uint64_t offset, uint64_t length,
                   int (*on_gap)(struct spr_slot_file *file, uint64_t offset, uint64_t length,
                                 uint8_t *into, void *user),
                   void *user);
/* True when all of it was read. */
bool spr_slot_covers(const struct spr_slot_file *file, uint64_t offset, uint64_t length);
/* Forgets what was thought to lie behind the places where reads ended. */
void spr_slot_settle(struct spr_slot *slot);
/* Gives everything back; io may be NULL when nothing is held. */
void spr_slot_release(struct spr_slot *slot, struct spr_io *io);

#endif
