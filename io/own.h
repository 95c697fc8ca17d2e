/*
 * Our own files in our own folders: opened without following anything, created 0600, removed.
 * Like durable.h: plain calls, 0 (or a descriptor) or a negative errno.
 */
#ifndef SPR_IO_OWN_H
#define SPR_IO_OWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An existing regular file of ours: owner is this user or root, nobody else may write; otherwise
 * -EPERM. */
int spr_own_open(int dir_fd, const char *name, bool write);
/* A file that must not exist yet. */
int spr_own_create(int dir_fd, const char *name);
/* A folder of ours, one component, with the same check of owner and mode. */
int spr_own_folder(int dir_fd, const char *name);
int spr_own_size(int fd, uint64_t *ret_size);
/* For a new, empty file: what is written again goes where it was, and needs no new room, also where
 * the file system would write it elsewhere (btrfs). Best effort. */
void spr_own_stay_in_place(int fd);
int spr_own_cut(int fd, uint64_t length);

/* A regular file of somebody else, for reading; never blocks, -EBADF for anything but a file. */
int spr_foreign_open(int dir_fd, const char *name);
/* The same for whoever looks at the descriptor's kind himself. */
int spr_foreign_open_any(int dir_fd, const char *name);
/* A new folder with owner and mode of the one it is made in; -EEXIST when it is there. */
int spr_foreign_folder(int dir_fd, const char *name);

int spr_random(void *bytes, size_t length);
struct spr_space {
    uint64_t free_bytes, free_files; /* for this user */
};
int spr_space_of(int fd, struct spr_space *ret_space);

#endif
