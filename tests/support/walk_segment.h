/*
 * Everything that can be asked of a segment, asked: for tests that damage one.
 */
#ifndef SPR_TESTS_SUPPORT_WALK_SEGMENT_H
#define SPR_TESTS_SUPPORT_WALK_SEGMENT_H

#include "core/index/segment.h"

/* Of an open segment. */
int walk_open_segment(const struct spr_segment *segment, uint32_t rows_max, uint64_t *ret_digest,
                      struct spr_fault *fault);
/* The first failure, or 0 with a digest of all that was read. rows_max: at most so many rows. */
int walk_segment(int dir_fd, const char *name, const struct spr_index_secret *secret,
                 uint32_t rows_max, uint64_t *ret_digest, struct spr_fault *fault);

#endif
