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

static void close_parent(struct spr_tree_root *root)
{
    if (root->parent_fd >= 0) {
        (void)close(root->parent_fd); /* read only: nothing can be lost */
        root->parent_fd = -1;
    }
}

/* The folder of path, which stays the root's; *ret_name is the rest of path. A probe asks for one
 * name of a folder after the other. */
static int open_parent(const struct spr_tree *tree, const char *path, const char **ret_name)
{
    struct spr_tree_root *root = tree->user;
    const char *slash = strrchr(path, '/');
    const size_t length = slash != NULL ? (size_t)(slash - path) : 0;
    if (length > SPR_PATH_MAX) {
        return -ENAMETOOLONG;
    }
    *ret_name = slash != NULL ? slash + 1 : path;
    if (root->parent_fd >= 0 && strncmp(root->parent, path, length) == 0 &&
        root->parent[length] == '\0') {
        return root->parent_fd;
    }
    close_parent(root);
    memcpy(root->parent, path, length);
    root->parent[length] = '\0';
    root->parent_fd = spr_dir_open(root->root_fd, root->parent);
    return root->parent_fd;
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
    const struct spr_tree_root *root = tree->user;
    const int fd = spr_dir_open(root->root_fd, path);
    if (fd < 0) {
        return;
    }
    struct list_call call = { on_name, user };
    (void)spr_dir_list(fd, max, pass_name, &call); /* a probe judges by what it was shown */
    (void)close(fd);                               /* read only: nothing can be lost */
}

void spr_tree_init(struct spr_tree *tree, struct spr_tree_root *root, int root_fd)
{
    root->root_fd = root_fd;
    root->parent_fd = -1;
    root->parent[0] = '\0';
    *tree = (struct spr_tree){
        .kind = tree_kind,
        .peek = tree_peek,
        .list = tree_list,
        .user = root,
    };
}

void spr_tree_done(struct spr_tree_root *root)
{
    close_parent(root);
}
