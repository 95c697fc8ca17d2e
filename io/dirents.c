/*
 * Directories: opened beneath a root without following links (SAFETY I1), listed by plain
 * getdents64 (PERF 9.1).
 *
 * A file system may be a stranger's (FUSE), so what getdents64 delivers is checked like any other
 * input: lengths, the NUL, and that a name is a single component.
 */
#include "io/dirents.h"

#include "io/calls.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    LIST_BYTES = 64 * 1024, /* PERF 9.1: 32-64 KiB a call */
    GLANCE_BYTES = 4096,    /* where few entries are wanted: the kernel fills all it gets */
    GLANCE_ENTRIES = 128,   /* of common names they fit */
    OPEN_RACES_MAX = 8,     /* openat2 says EAGAIN when a rename crossed it */
    COMPONENT_MAX = 256,    /* NAME_MAX and its NUL */
    DIRENT_NAME_OFFSET =
        19, /* of struct linux_dirent64: u64 inode, s64 offset, u16 length, u8 type */
};

static const int DIRECTORY_FLAGS =
    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;

static int open_beneath(int root_fd, const char *path, int flags)
{
    const struct open_how how = {
        .flags = (uint64_t)(unsigned)flags,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
    };
    int fd = -EAGAIN;
    for (int i = 0; i < OPEN_RACES_MAX && (fd == -EAGAIN || fd == -EINTR); i++) {
        fd = spr_calls()->openat2(root_fd, path, &how);
    }
    return fd;
}

/* With O_NOATIME where the file's owner or CAP_FOWNER allows it. */
static int open_quietly(int dir_fd, const char *name, int flags)
{
    int fd = spr_calls()->openat(dir_fd, name, flags | O_NOATIME, 0);
    if (fd == -EPERM) {
        fd = spr_calls()->openat(dir_fd, name, flags, 0);
    }
    return fd;
}

static int check_device(int fd, uint64_t device)
{
    struct spr_io_meta meta;
    const int r = spr_meta_of(fd, &meta);
    if (r < 0) {
        return r;
    }
    return meta.device == device ? 0 : -EXDEV;
}

/* Copies the component at *path and moves *path behind it and its slashes. */
static int take_component(const char **path, char name[COMPONENT_MAX])
{
    const size_t length = strcspn(*path, "/");
    if (length >= COMPONENT_MAX) {
        return -ENAMETOOLONG;
    }
    memcpy(name, *path, length);
    name[length] = '\0';
    if (strcmp(name, "..") == 0) {
        return -EXDEV;
    }
    *path += length;
    *path += strspn(*path, "/");
    return 0;
}

/* What openat2 does, for kernels and sandboxes without it. */
static int walk_beneath(int root_fd, const char *path)
{
    struct spr_io_meta root;
    int r = spr_meta_of(root_fd, &root);
    if (r < 0) {
        return r;
    }
    if (path[0] == '/') {
        return -EXDEV;
    }
    int fd = open_quietly(root_fd, ".", DIRECTORY_FLAGS);
    while (fd >= 0 && *path != '\0') {
        char name[COMPONENT_MAX];
        int next = take_component(&path, name);
        if (next == 0) {
            next = open_quietly(fd, name, DIRECTORY_FLAGS);
        }
        (void)spr_calls()->close(fd); /* a directory: nothing can be lost */
        if (next < 0) {
            return next;
        }
        r = check_device(next, root.device);
        if (r < 0) {
            (void)spr_calls()->close(next); /* as above */
            return r;
        }
        fd = next;
    }
    return fd;
}

int spr_dir_open(int root_fd, const char *path)
{
    if (*path == '\0') {
        path = ".";
    }
    int fd = open_beneath(root_fd, path, DIRECTORY_FLAGS | O_NOATIME);
    if (fd == -EPERM) {
        fd = open_beneath(root_fd, path, DIRECTORY_FLAGS);
    }
    /* EPERM is also what a sandbox says of a call it does not know. */
    if (fd == -ENOSYS || fd == -EPERM || fd == -EAGAIN) {
        fd = walk_beneath(root_fd, path);
    }
    return fd;
}

int spr_dir_open_of(int root_fd, const char *path, const char **ret_name)
{
    const char *slash = strrchr(path, '/');
    char *folder = strndup(path, slash != NULL ? (size_t)(slash - path) : 0);
    if (folder == NULL) {
        return -ENOMEM;
    }
    const int fd = spr_dir_open(root_fd, folder);
    free(folder);
    *ret_name = slash != NULL ? slash + 1 : path;
    return fd;
}

int spr_root_open(const char *path)
{
    return open_quietly(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

static int64_t nanoseconds(struct timespec time)
{
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static struct spr_io_meta meta_from(const struct stat *found)
{
    return (struct spr_io_meta){
        .device = found->st_dev,
        .inode = found->st_ino,
        .size = (uint64_t)found->st_size,
        .mtime_ns = nanoseconds(found->st_mtim),
        .ctime_ns = nanoseconds(found->st_ctim),
        .atime_ns = nanoseconds(found->st_atim),
        .mode = found->st_mode,
        .uid = found->st_uid,
        .gid = found->st_gid,
        .links = (uint32_t)found->st_nlink,
    };
}

int spr_meta_of(int fd, struct spr_io_meta *ret_meta)
{
    struct stat found;
    const int r = spr_calls()->fstat(fd, &found);
    if (r < 0) {
        return r;
    }
    *ret_meta = meta_from(&found);
    return 0;
}

int spr_meta_at(int dir_fd, const char *name, struct spr_io_meta *ret_meta)
{
    struct stat found;
    const int r = spr_calls()->fstatat(dir_fd, name, &found, AT_SYMLINK_NOFOLLOW);
    if (r < 0) {
        return r;
    }
    *ret_meta = meta_from(&found);
    return 0;
}

bool spr_is_component(const char *name)
{
    return name != NULL && name[0] != '\0' && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
           strchr(name, '/') == NULL;
}

int spr_keep_regular(int fd)
{
    struct spr_io_meta meta;
    int r = spr_meta_of(fd, &meta);
    if (r == 0 && !S_ISREG(meta.mode)) {
        r = -EBADF;
    }
    if (r < 0) {
        (void)spr_calls()->close(fd); /* nothing was written */
        return r;
    }
    return fd;
}

static char kind_from(uint8_t type)
{
    switch (type) {
    case DT_DIR:
        return 'd';
    case DT_REG:
        return 'f';
    case DT_FIFO:
        return 'p';
    case DT_SOCK:
        return 's';
    case DT_LNK:
        return 'l';
    case DT_CHR:
    case DT_BLK:
        return 'o';
    default:
        return 'u';
    }
}

char spr_mode_kind(uint32_t mode)
{
    return kind_from((uint8_t)IFTODT(mode));
}

/* One entry at bytes, or -EIO; *ret_length is its length in the buffer. */
static int parse_entry(const uint8_t *bytes, size_t left, struct spr_dirent *ret_entry,
                       size_t *ret_length)
{
    uint16_t length;
    if (left <= DIRENT_NAME_OFFSET) {
        return -EIO;
    }
    memcpy(&length, bytes + 16, sizeof(length));
    if (length <= DIRENT_NAME_OFFSET || length > left) {
        return -EIO;
    }
    const char *name = (const char *)bytes + DIRENT_NAME_OFFSET;
    const size_t name_max = length - (size_t)DIRENT_NAME_OFFSET;
    const size_t name_length = strnlen(name, name_max);
    if (name_length == 0 || name_length == name_max || memchr(name, '/', name_length) != NULL) {
        return -EIO;
    }
    *ret_entry = (struct spr_dirent){
        .name = name,
        .length = name_length,
        .kind = kind_from(bytes[18]),
    };
    memcpy(&ret_entry->inode, bytes, sizeof(ret_entry->inode));
    *ret_length = length;
    return 0;
}

static bool is_dots(const struct spr_dirent *entry)
{
    return entry->name[0] == '.' &&
           (entry->length == 1 || (entry->length == 2 && entry->name[1] == '.'));
}

struct listing {
    uint64_t left; /* entries that may still come */
    int (*on_entry)(const struct spr_dirent *entry, void *user);
    void *user;
};

static int list_buffer(struct listing *listing, const uint8_t *bytes, size_t filled)
{
    for (size_t at = 0; at < filled;) {
        struct spr_dirent entry;
        size_t length;
        int r = parse_entry(bytes + at, filled - at, &entry, &length);
        if (r < 0) {
            return r;
        }
        at += length;
        if (is_dots(&entry)) {
            continue;
        }
        if (listing->left == 0) {
            return -E2BIG;
        }
        listing->left--;
        r = listing->on_entry(&entry, listing->user);
        if (r != 0) {
            return r;
        }
    }
    return 0;
}

int spr_dir_list(int dir_fd, uint64_t entries_max,
                 int (*on_entry)(const struct spr_dirent *entry, void *user), void *user)
{
    struct listing listing = { .left = entries_max, .on_entry = on_entry, .user = user };
    int r = spr_calls()->lseek(dir_fd, 0); /* the descriptor may have been listed before */
    if (r < 0) {
        return r;
    }
    const size_t room = entries_max <= GLANCE_ENTRIES ? GLANCE_BYTES : LIST_BYTES;
    uint8_t *bytes = malloc(room);
    if (bytes == NULL) {
        return -ENOMEM;
    }
    for (;;) {
        const int64_t filled = spr_calls()->getdents64(dir_fd, bytes, room);
        if (filled == -EINTR) {
            continue;
        }
        if (filled <= 0) {
            r = (int)filled;
            break;
        }
        r = list_buffer(&listing, bytes, (size_t)filled);
        if (r != 0) {
            break;
        }
    }
    free(bytes);
    return r;
}
