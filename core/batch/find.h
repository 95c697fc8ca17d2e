/*
 * Finding a planned message again: where the index saw it, else where its server may have put it,
 * confirmed by identity in either case (SAFETY 4).
 */
#ifndef SPR_CORE_BATCH_FIND_H
#define SPR_CORE_BATCH_FIND_H

#include "core/batch/change.h"
#include "core/batch/look.h"
#include "core/batch/plan.h"
#include "io/io.h"

struct spr_finder {
    const struct spr_change *change;
    struct spr_batch *batch;     /* whose folders and memory are used */
    const struct spr_look *look; /* what was seen already; NULL: nothing */
    uint32_t number;             /* of the message, in the look */
};

/* One message as it lies now. */
struct spr_found_message {
    unsigned dir;       /* of the format */
    uint32_t batch_dir; /* its folder */
    struct spr_key key;
    unsigned primary;
    bool is_elsewhere; /* than where the index saw it, and what was looked at before */
    /* By role; inode 0: not looked at. The primary's is of before it was confirmed, an optional
     * file's of when it was found. */
    struct spr_identity identities[SPR_ROLES_MAX];
    uint32_t dirs[SPR_ROLES_MAX];     /* folder of each role */
    const char *names[SPR_ROLES_MAX]; /* in the batch's memory; NULL: absent */
};

/* dir: the folder of the batch where the index saw it. */
int spr_find_message(const struct spr_finder *finder, const struct spr_plan_entry *entry,
                     const struct spr_plan_names *names, uint32_t dir,
                     struct spr_found_message *found);
/* Roles that are found by a path of their own: logs beside the queues. */
int spr_find_on_demand(const struct spr_finder *finder, struct spr_found_message *found);
/* One role of a key by locate. 1 found, 0 it is nowhere, or a negative errno when it may be there.
 */
struct spr_found_role {
    unsigned attempt; /* of locate */
    uint32_t dir;
    const char *name;
    struct spr_identity identity;
};
int spr_find_role(const struct spr_finder *finder, const struct spr_key *key, unsigned role,
                  struct spr_found_role *found);
/* What lies at a name in a folder of the spool. */
int spr_find_identity(const struct spr_finder *finder, struct spr_text folder, struct spr_text name,
                      struct spr_identity *ret_identity);
/* Splits a path of the format's into a folder of the batch and a name in its memory. */
int spr_find_split(struct spr_batch *batch, const struct spr_path *path, uint32_t *ret_dir,
                   const char **ret_name);

#endif
