/*
 * What formats want more than heads: ranges of open files, and files that are looked for on
 * demand. Belongs to one worker; private to fetch.c.
 */
#ifndef SPR_CORE_SCAN_FETCH_READS_H
#define SPR_CORE_SCAN_FETCH_READS_H

#include "core/scan/fetch.h"
#include "core/scan/slot.h"

#define SPR_FETCH_READS_MAX 128 /* queued at once */

struct spr_fetch_read {
    struct spr_slot_file *file;
    uint8_t *into; /* NULL: a HEAD */
    int dir_fd;    /* of a HEAD; closed when it came */
    bool on_demand;
};

struct spr_fetch_reads {
    struct spr_io *io;
    const struct spr_fetch_setup *setup;
    struct spr_pool *arena;
    uint64_t held_bytes, held_max;
    struct spr_io_request requests[SPR_FETCH_READS_MAX];
    struct spr_fetch_read reads[SPR_FETCH_READS_MAX];
    uint32_t count;
    uint64_t queued_bytes;
};

/* Queues what slot->need wants. 0; -EPROTO: what is wanted makes no sense or never ends; -EFBIG: a
 * cap of one file; -EOVERFLOW: it must be read alone; -ENOMEM. */
int spr_fetch_widen(struct spr_fetch_reads *reads, struct spr_slot *slot);
/* Reads all that is queued; slots learn of their failures. */
int spr_fetch_flush(struct spr_fetch_reads *reads);
/* The file wanted was not at the last place tried, and there may be another one. */
bool spr_fetch_is_seeking(const struct spr_slot *slot);

#endif
