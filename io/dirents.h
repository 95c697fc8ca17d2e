/*
 * Directories: opened beneath a root without following links, listed by plain getdents64.
 */
#ifndef SPR_IO_DIRENTS_H
#define SPR_IO_DIRENTS_H

#include "io/io.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* openat2 from root_fd: BENEATH | NO_SYMLINKS | NO_MAGICLINKS | NO_XDEV, O_DIRECTORY | O_CLOEXEC,
 * O_NOATIME where allowed; component by component with O_NOFOLLOW and a device check where openat2
 * is missing. path "" or "." is the root itself. Returns a descriptor or a negative errno. */
int spr_dir_open(int root_fd, const char *path);
/* The folder that a file below the root lies in; *ret_name is the end of path, the file's name. */
int spr_dir_open_of(int root_fd, const char *path, const char **ret_name);
/* An absolute or relative path given by the operator; follows symlinks, as the operator meant it.
 */
int spr_root_open(const char *path);
int spr_meta_of(int fd, struct spr_io_meta *ret_meta);
/* Of one name in a folder, without following a link. */
int spr_meta_at(int dir_fd, const char *name, struct spr_io_meta *ret_meta);

/* True for a name that can only mean an entry of the folder it is used in. NULL: false. */
bool spr_is_component(const char *name);
/* fd, if it is a regular file; else it is closed: -EBADF, or why it could not be examined. */
int spr_keep_regular(int fd);

struct spr_dirent {
    const char *name; /* NUL-terminated, valid for the call */
    size_t length;
    uint64_t inode;
    char kind; /* 'd' 'f' 'p' 's' 'l' 'o', 'u' unknown */
};
/* The same kind, from a mode: never 'u'. */
char spr_mode_kind(uint32_t mode);
/* Calls on_entry for every entry except . and ..; its non-zero answer ends the listing and is
 * returned. At most entries_max entries, then -E2BIG. */
int spr_dir_list(int dir_fd, uint64_t entries_max,
                 int (*on_entry)(const struct spr_dirent *entry, void *user), void *user);

#endif
