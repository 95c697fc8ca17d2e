/*
 * The reserve: room and names in the private directory that are given up when the disk is full.
 *
 *  (1) The renames of a batch need room for growing folders, and the batch that takes one back
 * needs a journal of the same size: a batch begins only while the reserve covers both. (2) The
 * names beside it keep inodes for the folder and the journal of that batch. (3) What it holds is
 * never read. Making it takes at most half of the room that is left: the mail server needs some
 * too.
 */
#ifndef SPR_CORE_BATCH_RESERVE_H
#define SPR_CORE_BATCH_RESERVE_H

#include "core/batch/private.h"

#define SPR_RESERVE_BYTES (8u << 20)

/* Makes it if it is not there, as far as there is room. */
int spr_reserve_make(const struct spr_private *place);
/* (1) So many bytes of it at least; -ENOSPC when the disk has no room for them. */
int spr_reserve_ensure(const struct spr_private *place, uint64_t bytes);
/* Frees its room at once. 1 dropped, 0 there was none. */
int spr_reserve_drop(const struct spr_private *place);
/* No blocks, no inodes, or no quota. */
bool spr_is_disk_full(int code);

#endif
