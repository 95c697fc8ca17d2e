/*
 * A plan: a frozen selection. Everything that finds and identifies its messages again, nothing that
 * the index is needed for.
 */
#ifndef SPR_CORE_BATCH_PLAN_H
#define SPR_CORE_BATCH_PLAN_H

#include "core/index/record.h"
#include "core/spoolray.h"

#define SPR_PLAN_SAMPLES     20
#define SPR_PLAN_ENTRIES_MAX (1u << 30)
#define SPR_PLAN_FOLDERS_MAX (1u << 20)
#define SPR_PLAN_TEXT_MAX    4096

struct spr_plan_entry {
    uint64_t inode, file_size, identity_digest;
    uint64_t text; /* offset of its names in texts */
    uint32_t stat_digest, set_digest, folder, flags;
    uint8_t dir, file_count;
};

struct spr_plan {
    enum spr_action action;
    uint8_t id[16];
    char *spool_root, *format, *command, *reason, *samples; /* command, reason may be NULL */
    struct spr_layout layout;
    uint64_t root_inode;
    int64_t created; /* Unix seconds */
    uint64_t recipients, pending, bytes, from_active, unchangeable, header_only, purge_at_most;
    bool server_runs, server_known;
    char *refusal; /* of the first message that was left out; may be NULL */

    struct spr_plan_entry *entries;
    uint64_t count, capacity;
    uint8_t *texts; /* per entry: file_count times (role, length, name), then length, queue id */
    uint64_t text_length, text_capacity;
    char **folders;
    uint32_t folder_count, folder_capacity;
};

/* The names of one entry; files[0] is the primary. Borrowed from the plan. */
struct spr_plan_names {
    struct spr_record_file files[SPR_ROLES_MAX];
    unsigned count;
    struct spr_text queue_id;
};
void spr_plan_names(const struct spr_plan *plan, const struct spr_plan_entry *entry,
                    struct spr_plan_names *ret_names);

int spr_plan_new(struct spr_plan **ret_plan);
/* Copies what it needs of a record. */
int spr_plan_add(struct spr_plan *plan, const struct spr_record *record);
int spr_plan_add_folder(struct spr_plan *plan, struct spr_text path, uint32_t *ret_folder);
/* Checks every offset and name of an entry; for entries that were read from a file. */
bool spr_plan_entry_sound(const struct spr_plan *plan, const struct spr_plan_entry *entry);
/* Pure: the bytes of a plan file. */
int spr_plan_parse(struct spr_text file, struct spr_plan **ret_plan, struct spr_fault *fault);

#endif
