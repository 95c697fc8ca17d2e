/*
 * The order in which candidates are read: disk order as well as it is known, with a sample that is
 * spread over the whole spool first, so that an early verdict is not one of the oldest mail.
 */
#ifndef SPR_CORE_SCAN_SEQUENCE_H
#define SPR_CORE_SCAN_SEQUENCE_H

#include "core/scan/walk.h"

struct spr_sequence {
    uint32_t *indices;          /* of candidates */
    size_t count, sample_count; /* the first sample_count are the sample */
};

/* All candidates from first on that are to be read (or, with is_known, that is_known accepts), by
 * inode. */
int spr_sequence_make(const struct spr_walk *walk, size_t first,
                      bool (*is_wanted)(const struct spr_candidate *candidate, size_t index,
                                        const void *user),
                      const void *user, struct spr_sequence *ret_order);
/* Moves a spread sample of about sample_max to the front. */
int spr_sequence_spread(struct spr_sequence *order, size_t sample_max);
/* Sorts what follows the sample by creation, when the names tell it. */
int spr_sequence_by_creation(struct spr_sequence *order, const struct spr_walk *walk);
void spr_sequence_done(struct spr_sequence *order);
/* The same file met twice while it moved: the later place counts, the earlier is dropped. */
int spr_sequence_drop_doubles(struct spr_walk *walk);

#endif
