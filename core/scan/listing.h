/*
 * The listing of one folder by one worker: entries to parts, logs, rejects and sub-folders.
 */
#ifndef SPR_CORE_SCAN_LISTING_H
#define SPR_CORE_SCAN_LISTING_H

#include "core/scan/pair.h"
#include "io/io.h"

struct spr_listing_task {
    struct spr_listing *listing;
    uint32_t folder;
    const char *path;
    unsigned dir, depth;
    int dir_fd;
    uint64_t entries;
    char (*subfolders)[SPR_NAME_MAX + 1]; /* to be listed too */
    uint64_t *subfolder_inodes;
    size_t subfolder_count, subfolder_room;
};

/* *ret_meta is the folder before its listing. */
int spr_listing_folder(struct spr_listing_task *task, struct spr_io_meta *ret_meta);
void spr_listing_task_done(struct spr_listing_task *task);

#endif
