/*
 * Watching calls. One watcher a process, set before the operation and not changed during it.
 */
#include "tests/support/watch_calls.h"

#include "core/batch/journal.h"
#include "io/calls.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static struct {
    watch_fn on_call;
    void *user;
} watcher;

static struct spr_calls table;

static const struct spr_calls *real(void)
{
    return spr_calls_plain();
}

static uint64_t inode_of(int fd)
{
    struct stat meta;
    return fstat(fd, &meta) == 0 ? meta.st_ino : 0;
}

static void copy_name(char out[64], const char *name)
{
    (void)snprintf(out, 64, "%.63s", name);
}

static enum watch_answer tell(const struct watched *call)
{
    const enum watch_answer answer = watcher.on_call(call, watcher.user);
    if (answer == WATCH_KILL) {
        (void)raise(SIGKILL);
    }
    return answer;
}

/* ---- What is written ------------------------------------------------------------------------- */

static unsigned load(const uint8_t *bytes, unsigned length)
{
    unsigned value = 0;
    for (unsigned i = 0; i < length; i++) {
        value |= (unsigned)bytes[i] << (8 * i);
    }
    return value;
}

/* Type of the last of whole frames that fill the bytes; 0: these are no frames. */
static int last_frame(const uint8_t *bytes, size_t length)
{
    int type = 0;
    for (size_t at = 0; at < length;) {
        const size_t left = length - at;
        const unsigned size =
            left >= SPR_FRAME_HEAD_BYTES + SPR_FRAME_HASH_BYTES ? load(bytes + at, 4) : 0;
        if (size < SPR_FRAME_HEAD_BYTES + SPR_FRAME_HASH_BYTES || size > left || size % 8 != 0) {
            return 0;
        }
        type = (int)load(bytes + at + 4, 2);
        at += size;
    }
    return type;
}

static bool is_line(const char *text, size_t length)
{
    static const char *const WORDS[] = { "job ", "batch ", "purge ", "room ", "end " };
    for (size_t i = 0; i < sizeof(WORDS) / sizeof(WORDS[0]); i++) {
        if (length > strlen(WORDS[i]) && strncmp(text, WORDS[i], strlen(WORDS[i])) == 0) {
            return true;
        }
    }
    return false;
}

static int64_t watch_pwrite(int fd, const void *bytes, size_t length, uint64_t offset)
{
    struct watched call = { .kind = WATCH_FRAMES, .inode = inode_of(fd) };
    call.frame = last_frame(bytes, length);
    if (call.frame == 0) {
        call.kind = WATCH_LINE;
        (void)snprintf(call.name, sizeof(call.name), "%.*s", (int)(length < 63 ? length : 63),
                       (const char *)bytes);
        if (!is_line(bytes, length)) {
            return real()->pwrite(fd, bytes, length, offset); /* the lock's text */
        }
    }
    if (tell(&call) == WATCH_TEAR) {
        (void)real()->pwrite(fd, bytes, length / 2, offset);
        (void)raise(SIGKILL);
    }
    return real()->pwrite(fd, bytes, length, offset);
}

/* ---- What is moved, made, synced ------------------------------------------------------------- */

static int watch_openat(int dir_fd, const char *path, int flags, uint32_t mode)
{
    if ((flags & O_CREAT) != 0) {
        struct watched call = { .kind = WATCH_MAKE, .folder = inode_of(dir_fd) };
        copy_name(call.name, path);
        (void)tell(&call);
    }
    return real()->openat(dir_fd, path, flags, mode);
}

static int watch_mkdirat(int dir_fd, const char *name, uint32_t mode)
{
    struct watched call = { .kind = WATCH_MAKE, .folder = inode_of(dir_fd) };
    copy_name(call.name, name);
    (void)tell(&call);
    return real()->mkdirat(dir_fd, name, mode);
}

static int watch_renameat2(int from_fd, const char *from, int to_fd, const char *to, uint32_t flags)
{
    /* A rename that replaces is one of our own files made anew. */
    struct watched call = {
        .kind = (flags & RENAME_NOREPLACE) != 0 ? WATCH_MOVE : WATCH_MAKE,
        .folder = inode_of(from_fd),
        .to_folder = inode_of(to_fd),
    };
    copy_name(call.name, from);
    copy_name(call.to_name, to);
    (void)tell(&call);
    return real()->renameat2(from_fd, from, to_fd, to, flags);
}

static int watch_unlinkat(int dir_fd, const char *name, int flags)
{
    struct watched call = { .kind = WATCH_UNLINK, .folder = inode_of(dir_fd) };
    copy_name(call.name, name);
    (void)tell(&call);
    return real()->unlinkat(dir_fd, name, flags);
}

static int watch_fsync(int fd)
{
    (void)tell(&(struct watched){ .kind = WATCH_SYNC, .inode = inode_of(fd) });
    return real()->fsync(fd);
}

static int watch_fdatasync(int fd)
{
    (void)tell(&(struct watched){ .kind = WATCH_SYNC, .inode = inode_of(fd) });
    return real()->fdatasync(fd);
}

/* ---- The watcher ----------------------------------------------------------------------------- */

void watch_start(watch_fn on_call, void *user)
{
    watcher.on_call = on_call;
    watcher.user = user;
    table = *real();
    table.pwrite = watch_pwrite;
    table.openat = watch_openat;
    table.mkdirat = watch_mkdirat;
    table.renameat2 = watch_renameat2;
    table.unlinkat = watch_unlinkat;
    table.fsync = watch_fsync;
    table.fdatasync = watch_fdatasync;
    spr_calls_set(&table);
}

void watch_stop(void)
{
    spr_calls_set(NULL);
}

bool watched_is_slot(const char *name)
{
    return spr_slot_name_valid((struct spr_text){ (const uint8_t *)name, strlen(name) });
}

bool watched_is_pivot(const struct watched *move)
{
    const char *slot = watched_is_slot(move->to_name) ? move->to_name
                       : watched_is_slot(move->name)  ? move->name
                                                      : NULL;
    const char *dot = slot != NULL ? strchr(slot, '.') : NULL;
    return dot == NULL || strcmp(dot, ".0") == 0; /* without slots: a message of one file */
}
