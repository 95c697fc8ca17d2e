/*
 * Changing foreign files, and keeping our own durable: plain calls, never a ring, each with the
 * sync its promise needs. The only writer of foreign files in the project.
 *
 * All return 0 or a negative errno. A sync that fails is final: it is never retried (SAFETY I8).
 */
#ifndef SPR_IO_DURABLE_H
#define SPR_IO_DURABLE_H

#include "io/io.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What names a file for good (SAFETY 4); from statx, FS_IOC_GETVERSION and name_to_handle_at. */
struct spr_identity {
    uint64_t device, inode, size;
    int64_t mtime_ns, ctime_ns, birth_ns; /* birth 0: not told */
    uint32_t uid, gid, mode, links;
    uint32_t generation; /* 0: not told */
    uint64_t mount;      /* statx mount id; 0: not told */
    int32_t handle_type;
    uint8_t handle_length; /* 0: none */
    uint8_t handle[128];
};
/* Of an open descriptor (O_PATH serves, then without generation). */
int spr_identity_of(int fd, struct spr_identity *ret_identity);
/* Of the regular file (-EBADF) at a single name, without generation: two calls where a descriptor
 * costs six. Both look the name up, so what is replaced between them gets a mixed identity: it
 * equals that of no file, hence is never acted upon. */
int spr_identity_at(int dir_fd, const char *name, struct spr_identity *ret_identity);
/* The same without the handle, in one call. A new file with an old number is then told by its birth
 * time alone (0: not told), which moves on with the kernel's clock ticks. */
int spr_identity_times_at(int dir_fd, const char *name, struct spr_identity *ret_identity);
/* Opens the regular file (-EBADF) at a single name for reading, as spr_foreign_open, and tells its
 * identity, without generation. The descriptor, or a negative errno. */
int spr_identity_open(int dir_fd, const char *name, struct spr_identity *ret_identity);
/* Has what lies at this name the handle of this identity? 1, 0, or a negative errno; -ENOTSUP
 * when either has none. A handle is of one file for good, whatever is written in it. */
int spr_identity_has_handle(int dir_fd, const char *name, const struct spr_identity *identity);
/* All but what either side lacks (zero): birth time, generation, handle, mount and device, which
 * a caller clears who compares across a boot. strict: SAFETY's compare before the move; else the
 * stable one after it (all but ctime; the link count is not compared). */
bool spr_identity_equal(const struct spr_identity *a, const struct spr_identity *b, bool strict);
/* The same file, whatever was written in it or done to its mode since: for names that only we can
 * enter, because whoever had it open keeps it open. */
bool spr_identity_same_file(const struct spr_identity *a, const struct spr_identity *b);

/* renameat2 RENAME_NOREPLACE; -EEXIST when the name is taken, -ENOTSUP where the file system
 * cannot promise that. */
int spr_rename_new(int from_fd, const char *from, int to_fd, const char *to);
/* Names are single components, here and below; else -EINVAL. */
int spr_unlink(int dir_fd, const char *name);
int spr_rmdir_at(int dir_fd, const char *name);
int spr_mkdir_at(int dir_fd, const char *name, uint32_t mode);
/* Access and modification time. */
int spr_touch_now(int dir_fd, const char *name);
int spr_sync_dir(int dir_fd);
int spr_sync_data(int fd);

/* Writes length bytes at the file's position, through short writes and EINTR. */
int spr_write_all(int fd, const void *bytes, size_t length);
/* The same at an offset; the position is not used. */
int spr_write_at(int fd, const void *bytes, size_t length, uint64_t offset);
/* Reads exactly length bytes at offset; a short file is -ENODATA. */
int spr_read_exact(int fd, void *bytes, size_t length, uint64_t offset);
int spr_reserve(int fd, uint64_t length); /* fallocate, real blocks */

/* Write beside (as "NAME.new"), fsync, rename over, fsync of the folder. mode 0600. For our own
 * files under our own lock: a leftover "NAME.new" is removed. dir_fd is borrowed until the end. */
struct spr_replace;
int spr_replace_begin(int dir_fd, const char *name, struct spr_replace **ret_replace);
int spr_replace_fd(const struct spr_replace *replace);
/* Frees replace in any case; on failure the old file stays, unless it was the folder's sync
 * that failed: then either may be there after a power cut. */
int spr_replace_commit(struct spr_replace *replace);
void spr_replace_abort(struct spr_replace *replace);

/* One write, without blocking, into a FIFO with a reader or a stream socket; by its kind. -ENXIO or
 * -ECONNREFUSED when nobody listens, -EAGAIN when not all was taken, -EINVAL for any other kind. */
int spr_notify(int root_fd, const char *path, const void *bytes, size_t length);

#endif
