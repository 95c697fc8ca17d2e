/*
 * Folders of a spool to candidates: which entries are the files of which message.
 *
 * The list of candidates is the memory of a scan: 40 bytes and the names for each message.
 */
#ifndef SPR_CORE_SCAN_WALK_H
#define SPR_CORE_SCAN_WALK_H

#include "core/scan/pool.h"
#include "core/scan/progress.h"
#include "formats/format.h"

/* One folder as it was when its listing began. */
struct spr_walk_folder {
    char *path;       /* below the root, "" the root itself */
    unsigned dir;     /* index into the format's dirs */
    unsigned depth;   /* below that dir */
    uint64_t inode;   /* 0: not listed yet */
    int64_t mtime_ns; /* before the listing */
};

enum spr_candidate_state {
    SPR_CANDIDATE_FOUND,    /* to be read */
    SPR_CANDIDATE_CARRIED,  /* known and unchanged */
    SPR_CANDIDATE_INDEXED,  /* read, its record is in a segment */
    SPR_CANDIDATE_REJECTED, /* read, or refused */
    SPR_CANDIDATE_VANISHED, /* gone when it was to be read: perhaps moved */
    SPR_CANDIDATE_DROPPED,  /* the same file was found elsewhere later */
};

struct spr_candidate {
    uint64_t inode;       /* of the primary, as its folder tells */
    int64_t created;      /* spr_key.created */
    const uint8_t *names; /* packed files, the primary first; see spr_candidate_file */
    uint32_t folder;
    uint32_t set_digest;
    uint8_t file_count;
    uint8_t state; /* spr_candidate_state; written by the worker that has its window */
};

/* The name is NUL-terminated after its length bytes. */
struct spr_candidate_file {
    unsigned role;
    struct spr_text name;
};
/* The first file for names == NULL, else the one after *file. */
void spr_candidate_first(const struct spr_candidate *candidate, struct spr_candidate_file *file);
void spr_candidate_next(struct spr_candidate_file *file);

struct spr_walk_log {
    uint32_t folder;
    const char *name;
};

struct spr_walk_setup {
    int root_fd;
    const struct spr_format *format;
    const struct spr_layout *layout;
    struct spr_tally *tally;
    uint32_t workers;
    uint32_t shard, shards;      /* shards 0 or 1: everything */
    uint64_t entries_max;        /* of one folder; 0: SPR_WALK_ENTRIES_MAX */
    bool (*on_wait)(void *user); /* on the caller's thread now and then; false: stop */
    void *user;
};
#define SPR_WALK_ENTRIES_MAX (20u * 1000 * 1000)
#define SPR_WALK_DEPTH_MAX   4

struct spr_walk {
    struct spr_walk_setup setup;
    struct spr_walk_folder *folders;
    uint32_t folder_count, folder_room;
    struct spr_candidate *candidates;
    size_t candidate_count, candidate_room;
    struct spr_walk_log *logs;
    size_t log_count, log_room;
    struct spr_pool arena; /* names */
};

void spr_walk_init(struct spr_walk *walk, const struct spr_walk_setup *setup);
void spr_walk_done(struct spr_walk *walk);
/* Runs workers over what was listed, while on_wait is asked now and then; the first error. */
int spr_walk_share(struct spr_walk *walk, uint32_t workers, bool private_files,
                   int (*run)(uint32_t number, void *user), void *user);
/* Lists all folders: deferred, held and corrupt first, then incoming, then active, so that a
 * message that moves meanwhile is met again rather than missed. */
int spr_walk_all(struct spr_walk *walk);
/* Lists again what moved since its listing, and new folders; candidates from *ret_first on are
 * ones that were not there before or vanished since. 1 when a folder had moved, 0 when none. */
int spr_walk_again(struct spr_walk *walk, size_t *ret_first);
/* Of the candidates from first on keeps those that no earlier one stands for. */
int spr_walk_keep_unseen(struct spr_walk *walk, size_t first);
/* Counts as rejects those that vanished and were not met again. */
int spr_walk_count_vanished(struct spr_walk *walk);

#endif
