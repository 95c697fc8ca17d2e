/*
 * Descriptors of folders, opened when needed.
 */
#include "core/scan/folders.h"

#include "io/dirents.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

void spr_folders_init(struct spr_folders *folders, const struct spr_walk *walk)
{
    *folders = (struct spr_folders){ .walk = walk };
}

static void close_all(struct spr_folders *folders)
{
    for (uint32_t i = 0; i < folders->open_count; i++) {
        (void)close(folders->fds[folders->open[i]]); /* read only: nothing can be lost */
        folders->fds[folders->open[i]] = -1;
    }
    folders->open_count = 0;
}

void spr_folders_done(struct spr_folders *folders)
{
    close_all(folders);
    free(folders->fds);
    *folders = (struct spr_folders){ 0 };
}

static int make_room(struct spr_folders *folders)
{
    const uint32_t wanted = folders->walk->folder_count;
    if (wanted <= folders->room) {
        return 0;
    }
    int *grown = realloc(folders->fds, wanted * sizeof(*grown));
    if (grown == NULL) {
        return -ENOMEM;
    }
    for (uint32_t i = folders->room; i < wanted; i++) {
        grown[i] = -1;
    }
    folders->fds = grown;
    folders->room = wanted;
    return 0;
}

int spr_folders_get(struct spr_folders *folders, uint32_t folder)
{
    int r = make_room(folders);
    if (r < 0) {
        return r;
    }
    if (folders->fds[folder] >= 0) {
        return folders->fds[folder];
    }
    if (folders->open_count == SPR_FOLDERS_OPEN_MAX) {
        return -EMFILE;
    }
    const int fd = spr_dir_open(folders->walk->setup.root_fd, folders->walk->folders[folder].path);
    if (fd >= 0) {
        folders->fds[folder] = fd;
        folders->open[folders->open_count++] = folder;
    }
    return fd;
}

void spr_folders_trim(struct spr_folders *folders)
{
    if (folders->open_count > SPR_FOLDERS_OPEN_MAX / 2) {
        close_all(folders);
    }
}
