/*
 * Paths below the spool root, put together without allocation.
 */
#ifndef SPR_FORMATS_PATH_H
#define SPR_FORMATS_PATH_H

#include "formats/format.h"

/* Adds a component, with a slash before it unless the path is empty. False, and the path unchanged,
 * when it would not fit or the component holds a NUL. An empty component adds nothing. */
bool spr_path_add(struct spr_path *path, struct spr_text component);

#endif
