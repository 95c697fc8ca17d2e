/*
 * The entries of one folder to candidates: packing of names, pairing of the files of one message.
 *
 * Pairs are found in what was listed, never by a guessed name: files with equal stem and variant,
 * ASCII case ignored, are one message; a file with an empty variant (a lock) belongs to every
 * message with its stem. Belongs to one thread.
 */
#ifndef SPR_CORE_SCAN_PAIR_H
#define SPR_CORE_SCAN_PAIR_H

#include "core/scan/walk.h"

struct spr_pair_entry;

struct spr_listing {
    const struct spr_walk_setup *setup;
    bool pairs;
    struct spr_candidate *candidates;
    size_t candidate_count, candidate_room;
    struct spr_walk_log *logs;
    size_t log_count, log_room;
    struct spr_pool arena; /* names of candidates and logs */
    /* of the folder at hand, for formats that pair */
    struct spr_pair_entry *entries;
    size_t entry_count, entry_room;
    struct spr_pool entry_names;
};

void spr_listing_init(struct spr_listing *listing, const struct spr_walk_setup *setup);
void spr_listing_done(struct spr_listing *listing);
bool spr_format_pairs(const struct spr_format *format);
/* A part of a message; key points into name, both are borrowed for the call. */
int spr_listing_add(struct spr_listing *listing, uint32_t folder, const struct spr_key *key,
                    struct spr_text name, uint64_t inode);
int spr_listing_add_log(struct spr_listing *listing, uint32_t folder, struct spr_text name);
/* The folder's end: pairs what was added. path names it in rejects. */
int spr_listing_pair(struct spr_listing *listing, uint32_t folder, const char *path);

/* Grows *items so that one more fits; -ENOMEM. */
int spr_grow(void **items, size_t *room, size_t count, size_t item_size);

#endif
