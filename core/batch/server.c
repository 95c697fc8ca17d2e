/*
 * Looking at the mail server from outside.
 */
#include "core/batch/server.h"

#include "formats/cursor.h"
#include "io/dirents.h"
#include "io/durable.h"
#include "io/own.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define QUIET_NAME      "quiet"
#define RELOAD_WAIT_MS  10000 /* Postfix ends its queue manager within 1.2 s, by its page */
#define QUIET_BYTES_MAX 4096

/* ---- The lock file --------------------------------------------------------------------------- */

/* Opens a file below the root. */
static int open_below(int root_fd, const char *path)
{
    const char *name;
    const int dir_fd = spr_dir_open_of(root_fd, path, &name);
    if (dir_fd < 0) {
        return dir_fd;
    }
    const int fd = spr_foreign_open(dir_fd, name);
    (void)close(dir_fd); /* a folder: nothing can be lost */
    return fd;
}

/* /proc/locks is asked first: it takes no lock, so a server that is just starting finds its own
 * free. */
static int look_at_lock(const struct spr_format *format, int root_fd, struct spr_server *server)
{
    const int fd = open_below(root_fd, format->lock.run_file);
    if (fd == -ENOENT) {
        return 0; /* never started here */
    }
    if (fd < 0) {
        return fd;
    }
    struct spr_io_meta meta;
    int holder = 0;
    int r = spr_meta_of(fd, &meta);
    if (r == 0) {
        r = spr_lock_holder(meta.device, meta.inode, &holder);
    }
    server->runs = r == 1;
    if (r <= 0) {
        r = spr_locked_by_other(fd);
        server->runs = r == 1;
    }
    (void)close(fd); /* read only: nothing can be lost */
    if (r < 0) {
        return r;
    }
    if (server->runs) {
        server->lock_device = meta.device;
        server->lock_inode = meta.inode;
    }
    if (holder > 0 && format->lock.run != NULL &&
        spr_run_of_child(holder, format->lock.run, &server->run) != 1) {
        server->run = (struct spr_run){ 0 };
    }
    return 0;
}

/* ---- Silence --------------------------------------------------------------------------------- */

static int folder_times(const struct spr_format *format, unsigned number, int root_fd,
                        struct spr_io_meta *ret_meta)
{
    const int fd = spr_dir_open(root_fd, format->dirs[number].path);
    if (fd < 0) {
        return fd;
    }
    const int r = spr_meta_of(fd, ret_meta);
    (void)close(fd); /* a folder: nothing can be lost */
    return r;
}

static char *read_quiet(int private_fd)
{
    if (private_fd < 0) {
        return NULL;
    }
    const int fd = spr_own_open(private_fd, QUIET_NAME, false);
    if (fd < 0) {
        return NULL;
    }
    uint64_t size = 0;
    char *text = NULL;
    if (spr_own_size(fd, &size) == 0 && size < QUIET_BYTES_MAX) {
        text = calloc(1, (size_t)size + 1);
        if (text != NULL && spr_read_exact(fd, text, (size_t)size, 0) < 0) {
            free(text);
            text = NULL;
        }
    }
    (void)close(fd); /* read only: nothing can be lost */
    return text;
}

static void print_times(char line[64], const struct spr_io_meta *meta)
{
    (void)snprintf(line, 64, "%" PRIu64 " %" PRId64 "\n", meta->inode, meta->mtime_ns);
}

/* Did nothing but ourselves change the folders for so long? */
static bool is_quiet(const struct spr_format *format, const struct spr_private *place)
{
    char *ours = read_quiet(place->fd);
    const int64_t now = (int64_t)time(NULL);
    bool quiet = true;
    for (unsigned i = 0; i < format->dir_count && quiet; i++) {
        struct spr_io_meta meta;
        const int r = folder_times(format, i, place->root_fd, &meta);
        if (r == -ENOENT) {
            continue;
        }
        char line[64];
        if (r == 0 && meta.inode == place->root.inode) {
            meta.mtime_ns = place->root.mtime_ns; /* as it was before our folder was made in it */
        }
        if (r == 0) {
            print_times(line, &meta);
        }
        const bool is_old =
            r == 0 && meta.mtime_ns / 1000000000 + (int64_t)format->lock.quiet_seconds <= now;
        quiet = r == 0 && (is_old || (ours != NULL && strstr(ours, line) != NULL));
    }
    free(ours);
    return quiet;
}

void spr_server_remember_quiet(const struct spr_format *format, const struct spr_private *place)
{
    if (format->lock.quiet_seconds == 0) {
        return;
    }
    struct spr_replace *replace = NULL;
    if (spr_replace_begin(place->fd, QUIET_NAME, &replace) < 0) {
        return; /* the next change waits until the spool is quiet again */
    }
    for (unsigned i = 0; i < format->dir_count; i++) {
        struct spr_io_meta meta;
        char line[64];
        if (folder_times(format, i, place->root_fd, &meta) == 0) {
            print_times(line, &meta);
            if (spr_write_all(spr_replace_fd(replace), line, strlen(line)) < 0) {
                spr_replace_abort(replace);
                return;
            }
        }
    }
    (void)spr_replace_commit(replace); /* best effort, as above */
}

/* ---- Together -------------------------------------------------------------------------------- */

int spr_server_look(const struct spr_format *format, const struct spr_private *place,
                    uint32_t option_flags, struct spr_server *ret_server)
{
    struct spr_server server = { 0 };
    if (format->lock.run_file != NULL) {
        const int r = look_at_lock(format, place->root_fd, &server);
        if (r < 0 && r != -ENOTDIR && r != -ELOOP && r != -EBADF && r != -EXDEV) {
            return r;
        }
        /* What lies in the lock's place and is none tells nothing. */
        server.known = r == 0 || (option_flags & SPR_SERVER_STOPPED) != 0;
    } else if ((option_flags & SPR_SERVER_STOPPED) != 0) {
        server.known = true;
    } else {
        server.known = format->lock.quiet_seconds > 0 && is_quiet(format, place);
    }
    *ret_server = server;
    return 0;
}

bool spr_server_memory_seen(const struct spr_format *format, const struct spr_server *server,
                            uint32_t option_flags)
{
    if (!server->runs) {
        return true; /* a stopped server has nothing in memory */
    }
    return (option_flags & SPR_NO_RELOAD) == 0 && server->run.pid > 0 &&
           format->lock.reload_signal > 0;
}

int spr_server_reload(const struct spr_format *format, const struct spr_server *server,
                      const struct spr_run *run)
{
    if (run->pid == 0 || !spr_run_lives(run)) {
        return 0;
    }
    if (format->lock.reload_signal == 0 || server->lock_inode == 0) {
        return SPR_E_UNABLE;
    }
    if (spr_signal_holder(server->lock_device, server->lock_inode, format->lock.reload_signal) <
        0) {
        return SPR_E_UNABLE;
    }
    return spr_run_wait(run, RELOAD_WAIT_MS) == 1 ? 0 : SPR_E_UNABLE;
}
