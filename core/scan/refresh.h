/*
 * What an index knows already: messages to carry over, to read again, to drop.
 */
#ifndef SPR_CORE_SCAN_REFRESH_H
#define SPR_CORE_SCAN_REFRESH_H

#include "core/catalog.h"
#include "core/scan/walk.h"
#include "io/io.h"

#define SPR_KNOWN_NONE UINT32_MAX

/* The indexed row of a candidate. */
struct spr_known {
    uint32_t segment; /* SPR_KNOWN_NONE: none */
    uint32_t row;
    uint32_t stat_digest;
};

struct spr_refresh {
    struct spr_known *known; /* one per candidate that was there at the match */
    size_t count;
    uint64_t dropped; /* rows whose message is gone or was read again */
};

/* Finds every live row's candidate by folder and name. Rows without one, or whose inode or set of
 * files is another, die in manifest, which is a copy of the snapshot's. With quick, all others
 * are carried over. */
int spr_refresh_match(struct spr_refresh *refresh, const struct spr_snapshot *snapshot,
                      struct spr_manifest *manifest, struct spr_walk *walk, bool quick,
                      struct spr_fault *fault);
/* After all files were looked at: rows die whose candidate is not CARRIED. */
int spr_refresh_settle(struct spr_refresh *refresh, const struct spr_snapshot *snapshot,
                       struct spr_manifest *manifest, const struct spr_walk *walk,
                       struct spr_fault *fault);
/* Is its file the indexed one? result and meta as spr_fetch_meta_fn has them. */
bool spr_refresh_is_same(const struct spr_refresh *refresh, const struct spr_candidate *candidate,
                         size_t index, int result, const struct spr_io_meta *meta);
void spr_refresh_done(struct spr_refresh *refresh);

/* Forgets segments without a live row. */
void spr_refresh_forget_dead(struct spr_manifest *manifest);

#endif
