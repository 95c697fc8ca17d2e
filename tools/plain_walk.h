/*
 * The plain program that spoolray bench compares with: every file below a folder, one after the
 * other, opened, its first 4 KiB read, closed. Changes nothing, follows nothing.
 */
#ifndef SPR_TOOLS_PLAIN_WALK_H
#define SPR_TOOLS_PLAIN_WALK_H

#include <stdint.h>

/* Stops early when Ctrl-C was pressed. 0 or a negative errno; what cannot be opened is passed by.
 */
int spr_plain_walk(const char *root, uint64_t *ret_files);

#endif
