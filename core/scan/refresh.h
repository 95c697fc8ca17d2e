/*
 * What an index knows already: messages to carry over, to read again, to drop.
 *
 * First every live row is matched with a candidate (match.c), then the file of each known candidate
 * is looked at (look.c), then the rows whose file is another die (refresh.c). Workers share the
 * rows and the candidates out among themselves; what each may write is said at the head of its
 * file.
 */
#ifndef SPR_CORE_SCAN_REFRESH_H
#define SPR_CORE_SCAN_REFRESH_H

#include "core/catalog.h"
#include "core/scan/sequence.h"
#include "io/io.h"

#define SPR_KNOWN_NONE UINT32_MAX

/* The indexed row of a candidate. */
struct spr_known {
    uint32_t segment; /* SPR_KNOWN_NONE: none */
    uint32_t row;
    uint32_t stat_digest;
};

struct spr_refresh {
    const struct spr_snapshot *snapshot;
    struct spr_manifest *manifest; /* a copy of the snapshot's: rows die in it */
    struct spr_walk *walk;
    uint32_t workers;
    bool quick; /* what is matched is carried over without a look */

    struct spr_known *known;      /* one per candidate that was there at the match */
    uint64_t matched, carried;    /* candidates */
    atomic_uint_fast64_t dropped; /* rows whose message is gone or was read again */
};

/* Finds every live row's candidate by inode, folder, name and set of files. Rows without one die.
 * inodes are those of the walk. */
int spr_refresh_match(struct spr_refresh *refresh, const struct spr_inodes *inodes,
                      struct spr_fault *fault);
/* Carries over the known candidates whose file is the indexed one still. */
int spr_refresh_look(struct spr_refresh *refresh);
/* After that: the rows of the other known candidates die. */
int spr_refresh_settle(struct spr_refresh *refresh, struct spr_fault *fault);
void spr_refresh_done(struct spr_refresh *refresh);

/* One row of one segment dies. The segment belongs to the caller's worker. */
int spr_refresh_kill(struct spr_refresh *refresh, struct spr_segment_reader *reader,
                     uint32_t segment, uint32_t row, struct spr_fault *fault);
/* Forgets segments without a live row. */
void spr_refresh_forget_dead(struct spr_manifest *manifest);

#endif
