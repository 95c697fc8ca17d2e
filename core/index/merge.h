/*
 * Many segments into few: keeps live rows only. For the holder of the index's lock.
 */
#ifndef SPR_CORE_INDEX_MERGE_H
#define SPR_CORE_INDEX_MERGE_H

#include "core/index/manifest.h"

/* More than half of the rows are dead, or there are more than 32 segments of few rows. */
bool spr_merge_due(const struct spr_manifest *manifest);
/* Writes new segments and makes the manifest name them in place of all others, rows in the same
 * order. The old files stay until the manifest is published. On failure the manifest is as it was;
 * what was written is swept later. */
int spr_merge(struct spr_manifest *manifest, int dir_fd, struct spr_fault *fault);
/* spr_merge where it is due. No room or memory for it is no failure: the segments serve as they
 * are. */
int spr_merge_if_due(struct spr_manifest *manifest, int dir_fd, struct spr_fault *fault);

#endif
