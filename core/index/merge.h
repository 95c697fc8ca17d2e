/*
 * Small segments into larger ones: keeps live rows only. For the holder of the index's lock.
 */
#ifndef SPR_CORE_INDEX_MERGE_H
#define SPR_CORE_INDEX_MERGE_H

#include "core/index/manifest.h"

/* Merges what is due, which is never all of it: see the bounds at the head of merge.c. 1: new
 * segments stand in the manifest in place of the chosen ones, rows in the same order; the old files
 * stay until it is published. 0: nothing was due, or there was no room or memory for it: the
 * segments serve as they are. On failure, too, the manifest is as it was; what was written is swept
 * later. */
int spr_merge(struct spr_manifest *manifest, int dir_fd, struct spr_fault *fault);

#endif
