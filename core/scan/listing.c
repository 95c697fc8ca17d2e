/*
 * The listing of one folder: what each entry is, and which folders lie below.
 */
#include "core/scan/listing.h"

#include "io/dirents.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STOP_CHECK_EVERY 1024 /* entries */

/* ---- One entry ------------------------------------------------------------------------------- */

static bool is_dir_path(const struct spr_format *format, const char *folder, struct spr_text name)
{
    const size_t folder_length = strlen(folder);
    for (unsigned i = 0; i < format->dir_count; i++) {
        const char *path = format->dirs[i].path;
        if (folder_length > 0) {
            if (strncmp(path, folder, folder_length) != 0 || path[folder_length] != '/') {
                continue;
            }
            path += folder_length + 1;
        }
        /* Also a folder on the way to one: "queue" of "queue/in". */
        if (strncmp(path, (const char *)name.bytes, name.length) == 0 &&
            (path[name.length] == '\0' || path[name.length] == '/')) {
            return true;
        }
    }
    return false;
}

static int note_subfolder(struct spr_listing_task *task, const struct spr_dirent *entry)
{
    const struct spr_walk_setup *setup = task->listing->setup;
    const struct spr_text name = { (const uint8_t *)entry->name, entry->length };
    if (task->depth >= SPR_WALK_DEPTH_MAX) {
        spr_tally_reject(setup->tally, SPR_REJECT_FOLDER_DEEP, task->path, name, NULL);
        return 0;
    }
    if (strlen(task->path) + 1 + entry->length + 1 + SPR_NAME_MAX > SPR_PATH_MAX) {
        spr_tally_reject(setup->tally, SPR_REJECT_PATH_LONG, task->path, name, NULL);
        return 0;
    }
    size_t room = task->subfolder_room;
    int r = spr_grow((void **)&task->subfolder_inodes, &room, task->subfolder_count,
                     sizeof(*task->subfolder_inodes));
    if (r == 0) {
        room = task->subfolder_room;
        r = spr_grow((void **)&task->subfolders, &room, task->subfolder_count,
                     sizeof(*task->subfolders));
        task->subfolder_room = room;
    }
    if (r == 0) {
        task->subfolder_inodes[task->subfolder_count] = entry->inode;
        memcpy(task->subfolders[task->subfolder_count++], entry->name, entry->length + 1);
    }
    return r;
}

static int take_folder(struct spr_listing_task *task, const struct spr_dirent *entry)
{
    const struct spr_walk_setup *setup = task->listing->setup;
    const struct spr_dir *dir = &setup->format->dirs[task->dir];
    const struct spr_text name = { (const uint8_t *)entry->name, entry->length };
    if (is_dir_path(setup->format, task->path, name)) {
        return 0; /* listed on its own, or known not to be listed */
    }
    if (((dir->flags & SPR_DIR_HASHED) != 0 && entry->length == 1) ||
        (dir->flags & SPR_DIR_TREE) != 0) {
        return note_subfolder(task, entry);
    }
    struct spr_key key = { 0 };
    if (setup->format->classify(setup->layout, task->dir, name, &key) == SPR_KIND_PART) {
        spr_tally_reject(setup->tally, SPR_REJECT_NOT_REGULAR, task->path, name, NULL);
    }
    return 0; /* any other folder is no message and none of ours to judge */
}

static int take_part(struct spr_listing_task *task, const struct spr_dirent *entry,
                     const struct spr_key *key, char kind)
{
    const struct spr_walk_setup *setup = task->listing->setup;
    const struct spr_text name = { (const uint8_t *)entry->name, entry->length };
    if (kind != 'f') {
        spr_tally_reject(setup->tally, SPR_REJECT_NOT_REGULAR, task->path, name, NULL);
        return 0;
    }
    if (strlen(task->path) + 1 + entry->length > SPR_PATH_MAX) {
        spr_tally_reject(setup->tally, SPR_REJECT_PATH_LONG, task->path, name, NULL);
        return 0;
    }
    if (!task->listing->pairs && (setup->format->roles[key->role].flags & SPR_ROLE_PRIMARY) == 0) {
        return 0; /* found by locate when its message needs it */
    }
    return spr_listing_add(task->listing, task->folder, key, name, entry->inode);
}

static int take_file(struct spr_listing_task *task, const struct spr_dirent *entry, char kind)
{
    const struct spr_walk_setup *setup = task->listing->setup;
    const struct spr_text name = { (const uint8_t *)entry->name, entry->length };
    struct spr_key key = { 0 };
    switch (setup->format->classify(setup->layout, task->dir, name, &key)) {
    case SPR_KIND_PART:
        if (key.role >= setup->format->role_count) {
            break;
        }
        return take_part(task, entry, &key, kind);
    case SPR_KIND_TEMPORARY:
        spr_tally_add(&setup->tally->arriving, 1);
        return 0;
    case SPR_KIND_LOG:
        if (setup->format->log_line != NULL && kind == 'f') {
            return spr_listing_add_log(task->listing, task->folder, name);
        }
        return 0;
    case SPR_KIND_FOREIGN:
        break;
    }
    spr_tally_reject(setup->tally, SPR_REJECT_FOREIGN, task->path, name, NULL);
    return 0;
}

static int take_entry(const struct spr_dirent *entry, void *user)
{
    struct spr_listing_task *task = user;
    struct spr_tally *tally = task->listing->setup->tally;
    if (++task->entries % STOP_CHECK_EVERY == 0 && spr_tally_stopped(tally)) {
        return SPR_E_STOPPED;
    }
    if (entry->length > SPR_NAME_MAX) {
        spr_tally_reject(tally, SPR_REJECT_NAME_LONG, task->path,
                         (struct spr_text){ (const uint8_t *)entry->name, entry->length }, NULL);
        return 0;
    }
    if (strcmp(entry->name, ".spoolray") == 0) {
        return 0;
    }
    char kind = entry->kind;
    if (kind == 'u') {
        struct spr_io_meta meta;
        if (spr_meta_at(task->dir_fd, entry->name, &meta) < 0) {
            return 0; /* gone again: as if it had been removed before the listing */
        }
        kind = spr_mode_kind(meta.mode);
    }
    return kind == 'd' ? take_folder(task, entry) : take_file(task, entry, kind);
}

/* ---- One folder ------------------------------------------------------------------------------ */

int spr_listing_folder(struct spr_listing_task *task, struct spr_io_meta *ret_meta)
{
    const struct spr_walk_setup *setup = task->listing->setup;
    task->dir_fd = spr_dir_open(setup->root_fd, task->path);
    if (task->dir_fd < 0) {
        return task->dir_fd;
    }
    int r = spr_meta_of(task->dir_fd, ret_meta);
    if (r == 0) {
        const uint64_t max = setup->entries_max > 0 ? setup->entries_max : SPR_WALK_ENTRIES_MAX;
        r = spr_dir_list(task->dir_fd, max, take_entry, task);
    }
    (void)close(task->dir_fd); /* read only: nothing can be lost */
    if (r == -E2BIG) {
        spr_tally_reject(setup->tally, SPR_REJECT_FOLDER_LARGE, task->path, (struct spr_text){ 0 },
                         NULL);
        r = 0;
    }
    if (r == 0 && task->listing->pairs) {
        r = spr_listing_pair(task->listing, task->folder, task->path);
    }
    return r;
}

void spr_listing_task_done(struct spr_listing_task *task)
{
    free(task->subfolders);
    free(task->subfolder_inodes);
}
