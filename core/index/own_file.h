/*
 * Opening files of our own: never through a link, only regular, only ours, closed to others.
 */
#ifndef SPR_CORE_INDEX_OWN_FILE_H
#define SPR_CORE_INDEX_OWN_FILE_H

#include "core/spoolray.h"

/* A read-only descriptor and the file's size; a negative errno or SPR_E_CORRUPT otherwise. */
int spr_own_open(int dir_fd, const char *name, uint64_t *ret_bytes, struct spr_fault *fault);

#endif
