/*
 * Descriptors of folders, opened when needed, some kept. One struct belongs to one worker.
 */
#ifndef SPR_CORE_SCAN_FOLDERS_H
#define SPR_CORE_SCAN_FOLDERS_H

#include "core/scan/walk.h"

#define SPR_FOLDERS_OPEN_MAX 128 /* leaves most descriptors to the files of a window */

struct spr_folders {
    const struct spr_walk *walk;
    int *fds; /* by folder, -1: not open; folders appear while a scan goes on */
    uint32_t room;
    uint32_t open[SPR_FOLDERS_OPEN_MAX];
    uint32_t open_count;
};

void spr_folders_init(struct spr_folders *folders, const struct spr_walk *walk);
void spr_folders_done(struct spr_folders *folders);
/* A borrowed descriptor until spr_folders_trim; a negative errno; -EMFILE when as many as may be
 * are open: trim first. */
int spr_folders_get(struct spr_folders *folders, uint32_t folder);
/* No descriptor that was handed out is in use any more: closes all when few more fit. */
void spr_folders_trim(struct spr_folders *folders);

#endif
