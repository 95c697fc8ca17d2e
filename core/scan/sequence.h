/*
 * The order in which candidates are read: disk order as well as it is known, with a sample that is
 * spread over the whole spool first, so that an early verdict is not one of the oldest mail.
 */
#ifndef SPR_CORE_SCAN_SEQUENCE_H
#define SPR_CORE_SCAN_SEQUENCE_H

#include "core/scan/walk.h"

/* All candidates from first on, by inode. */
struct spr_inode {
    uint64_t inode;
    uint32_t index;
};
struct spr_inodes {
    struct spr_inode *items;
    size_t count;
};
int spr_inodes_make(struct spr_walk *walk, size_t first, struct spr_inodes *ret_inodes);
void spr_inodes_done(struct spr_inodes *inodes);
/* The same file met twice while it moved: the later place counts, the earlier is dropped. Their
 * number. */
size_t spr_inodes_drop_doubles(const struct spr_inodes *inodes, struct spr_walk *walk);

struct spr_sequence {
    uint32_t *indices;          /* of candidates */
    size_t count, sample_count; /* the first sample_count are the sample */
};

/* Those that are to be read, by inode. */
int spr_sequence_make(const struct spr_walk *walk, const struct spr_inodes *inodes,
                      struct spr_sequence *ret_order);
/* Moves a spread sample of about sample_max to the front. */
int spr_sequence_spread(struct spr_sequence *order, size_t sample_max);
/* Sorts what follows the sample by creation, when the names tell it. */
int spr_sequence_by_creation(struct spr_sequence *order, struct spr_walk *walk);
void spr_sequence_done(struct spr_sequence *order);

#endif
