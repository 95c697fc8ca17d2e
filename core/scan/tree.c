/*
 * The tree as a format's probe may see it.
 */
#include "core/scan/tree.h"

#include "io/dirents.h"
#include "io/durable.h"
#include "io/own.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* The folder of path, opened; *ret_name is the rest of path. */
static int open_parent(const struct spr_tree *tree, const char *path, const char **ret_name)
{
    const int root_fd = *(const int *)tree->user;
    const char *slash = strrchr(path, '/');
    char folder[SPR_PATH_MAX + 1];
    const size_t length = slash != NULL ? (size_t)(slash - path) : 0;
    if (length > SPR_PATH_MAX) {
        return -ENAMETOOLONG;
    }
    memcpy(folder, path, length);
    folder[length] = '\0';
    const int fd = spr_dir_open(root_fd, folder);
    if (fd >= 0) {
        *ret_name = slash != NULL ? slash + 1 : path;
    }
    return fd;
}

static char tree_kind(const struct spr_tree *tree, const char *path)
{
    if (path[0] == '\0') {
        return 'd';
    }
    const char *name;
    const int fd = open_parent(tree, path, &name);
    if (fd < 0) {
        return 0;
    }
    struct spr_io_meta meta;
    const int r = spr_meta_at(fd, name, &meta);
    (void)close(fd); /* read only: nothing can be lost */
    return r < 0 ? 0 : spr_mode_kind(meta.mode);
}

/* Of a file that shrinks meanwhile nothing is told. */
static size_t tree_peek(const struct spr_tree *tree, const char *path, uint8_t *bytes,
                        size_t length)
{
    const char *name;
    const int dir_fd = open_parent(tree, path, &name);
    if (dir_fd < 0) {
        return 0;
    }
    const int fd = spr_foreign_open(dir_fd, name);
    (void)close(dir_fd); /* read only: nothing can be lost */
    if (fd < 0) {
        return 0;
    }
    struct spr_io_meta meta;
    size_t used = 0;
    if (spr_meta_of(fd, &meta) == 0) {
        used = meta.size < length ? (size_t)meta.size : length;
        used = spr_read_exact(fd, bytes, used, 0) == 0 ? used : 0;
    }
    (void)close(fd); /* read only: nothing can be lost */
    return used;
}

struct list_call {
    bool (*on_name)(struct spr_text name, void *user);
    void *user;
};

static int pass_name(const struct spr_dirent *entry, void *user)
{
    const struct list_call *call = user;
    const struct spr_text name = { (const uint8_t *)entry->name, entry->length };
    return call->on_name(name, call->user) ? 0 : 1;
}

static void tree_list(const struct spr_tree *tree, const char *path, unsigned max,
                      bool (*on_name)(struct spr_text name, void *user), void *user)
{
    const int fd = spr_dir_open(*(const int *)tree->user, path);
    if (fd < 0) {
        return;
    }
    struct list_call call = { on_name, user };
    (void)spr_dir_list(fd, max, pass_name, &call); /* a probe judges by what it was shown */
    (void)close(fd);                               /* read only: nothing can be lost */
}

void spr_tree_init(struct spr_tree *tree, int *root_fd)
{
    *tree = (struct spr_tree){
        .kind = tree_kind,
        .peek = tree_peek,
        .list = tree_list,
        .user = root_fd,
    };
}
