/*
 * Digests that tell whether a message is the one that was indexed (SAFETY 4). They hold no secret
 * and are equal on every run: the index, a plan and a journal compare them with each other.
 */
#ifndef SPR_CORE_INDEX_IDENTITY_H
#define SPR_CORE_INDEX_IDENTITY_H

#include "core/index/record.h"
#include "io/io.h"

/* Of size, mtime, ctime, mode and links: one fstat of the primary. */
uint32_t spr_stat_digest(const struct spr_io_meta *meta);
/* Of roles and names of all files of a message, in the order of the record. */
uint32_t spr_set_digest(const struct spr_record_file *files, unsigned count);

/* The identity digest is built as the format hands out its identity bytes: begin, then add every
 * part in the order parse emits them. Parts are delimited: the same bytes cut otherwise differ. */
uint64_t spr_identity_digest_begin(uint64_t device, uint64_t inode);
uint64_t spr_identity_digest_add(uint64_t digest, struct spr_text part);

#endif
