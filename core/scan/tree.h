/*
 * The tree as a format's probe may see it: beneath one folder, no link followed.
 */
#ifndef SPR_CORE_SCAN_TREE_H
#define SPR_CORE_SCAN_TREE_H

#include "formats/format.h"

/* root_fd is borrowed and must stay open as long as the tree is used. */
void spr_tree_init(struct spr_tree *tree, int *root_fd);

#endif
