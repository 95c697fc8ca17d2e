/*
 * One batch in memory: its messages, their files, and where each file comes from and goes to. Built
 * by steps.c before the change, read back from a journal after it.
 *
 * Texts live in the batch's own memory and are NUL-terminated; names are single components.
 */
#ifndef SPR_CORE_BATCH_BATCH_H
#define SPR_CORE_BATCH_BATCH_H

#include "core/spoolray.h"
#include "formats/format.h"
#include "io/durable.h"
#include "io/locks.h"

#include <stdatomic.h>

#define SPR_BATCH_MESSAGES_MAX 10000
#define SPR_BATCH_FILES_MAX    (SPR_BATCH_MESSAGES_MAX * SPR_ROLES_MAX)
#define SPR_BATCH_DIRS_MAX     65536
#define SPR_JOURNAL_NAME       "journal"

/* Where a folder's path starts. */
enum spr_base {
    SPR_BASE_SPOOL,
    SPR_BASE_PRIVATE,
};

/* Stored in journals: values are fixed. */
enum spr_part {
    SPR_PART_PIVOT = 1,
    SPR_PART_SUPPORT = 2,
    SPR_PART_OPTIONAL = 3,
};

enum spr_way {
    SPR_WAY_TAKE = 1,  /* into a slot */
    SPR_WAY_PUT = 2,   /* to a name the server may see */
    SPR_WAY_LEAVE = 6, /* stays: its message was passed over before anything moved */
};

/* What became of a message. Stored in journals: values are fixed; OUT is never written. */
enum spr_fate {
    SPR_FATE_OUT = 0,
    SPR_FATE_BACK = 1,
    SPR_FATE_SKIPPED = 2,
    SPR_FATE_STUCK = 3,
    SPR_FATE_LOST = 4,
};

struct spr_batch_dir {
    enum spr_base base;
    uint64_t inode;
    const char *path;
    int fd; /* -1: not open */
    /* Set by any worker of a phase; relaxed, because all are joined before it is read. */
    atomic_bool touched;
    bool missing; /* while a batch is built: it was looked for and is not there */
};

struct spr_batch_file {
    uint32_t message, from_dir, to_dir;
    uint8_t number, role, links;
    enum spr_part part;
    enum spr_way way;
    const char *from, *to;
    bool moved;
    struct spr_identity identity;
};

struct spr_batch_message {
    uint32_t first_file, file_count;
    enum spr_fate fate;
    int code;          /* why not OUT: negative errno or spr_code */
    uint8_t fate_file; /* number of the file concerned */
    uint32_t entry;    /* of the plan, while it is being built; not stored */
};

struct spr_batch {
    uint8_t id[16];
    uint64_t job, number;
    enum spr_action operation;
    const char *format;
    struct spr_layout layout;
    int64_t created_ns;
    const char *spool_root;
    struct spr_identity root, private_dir;
    uint64_t next;      /* first entry of the plan that no batch up to this one covers */
    uint64_t undoes;    /* RESTORE: number of the batch whose files it brings back */
    struct spr_run run; /* of the server when its files were taken; pid 0: none or unknown */
    bool begun;         /* its journal is on disk: it may have moved something */
    bool needs_reload;  /* messages of a folder that the server keeps in memory are in it */

    struct spr_batch_dir *dirs;
    uint32_t dir_count, dir_capacity, last_dir;
    uint32_t *dir_slots, dir_mask; /* table of the folders by hash of path; index + 1, 0 free */
    struct spr_batch_file *files;
    uint32_t file_count, file_capacity;
    struct spr_batch_message *messages;
    uint32_t message_count, message_capacity;
    struct spr_batch_chunk *chunks;
};

struct spr_batch_counts {
    uint32_t out, back, skipped, stuck, lost;
};

int spr_batch_new(struct spr_batch **ret_batch);
void spr_batch_free(struct spr_batch *batch); /* closes what is open */

/* A NUL-terminated copy in the batch's memory. NULL: no memory. */
const char *spr_batch_text(struct spr_batch *batch, struct spr_text text);
/* Index of the folder, added if it is not there; folder 0 is the batch's own. */
int spr_batch_add_dir(struct spr_batch *batch, enum spr_base base, struct spr_text path,
                      uint32_t *ret_dir);
int spr_batch_add_message(struct spr_batch *batch, uint32_t *ret_message);
/* To the last message; copies *file, whose names must already live in the batch's memory. */
int spr_batch_add_file(struct spr_batch *batch, const struct spr_batch_file *file);
/* The slot name "<message>.<file>" in the batch's memory. */
const char *spr_batch_slot(struct spr_batch *batch, uint32_t message, uint8_t number);
void spr_batch_drop_last(struct spr_batch *batch); /* the last message and its files */

/* Descriptor of a folder, opened on first use; good until the second next call. */
int spr_batch_dir_fd(struct spr_batch *batch, uint32_t dir, int root_fd, int private_fd);
/* Folders that were missing are looked for again. */
void spr_batch_look_again(struct spr_batch *batch);
/* Syncs every folder touched since the last call. A failure is final. */
int spr_batch_sync_dirs(struct spr_batch *batch);
struct spr_batch_counts spr_batch_count(const struct spr_batch *batch);

bool spr_name_valid(struct spr_text name);          /* one component of a path */
bool spr_relative_path_valid(struct spr_text path); /* below its root; empty is the root */
bool spr_slot_name_valid(struct spr_text name);

#endif
