/*
 * The tree as a format's probe may see it: beneath one folder, no link followed.
 */
#ifndef SPR_CORE_SCAN_TREE_H
#define SPR_CORE_SCAN_TREE_H

#include "formats/format.h"

struct spr_tree_root {
    int root_fd;
    int parent_fd; /* of the folder looked into last; -1: none */
    char parent[SPR_PATH_MAX + 1];
};
/* root_fd is borrowed and must stay open as long as the tree is used; root belongs to the tree. */
void spr_tree_init(struct spr_tree *tree, struct spr_tree_root *root, int root_fd);
void spr_tree_done(struct spr_tree_root *root);

#endif
