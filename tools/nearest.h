/*
 * The word that was probably meant.
 */
#ifndef SPR_TOOLS_NEAREST_H
#define SPR_TOOLS_NEAREST_H

#include "core/spoolray.h"

/* The candidate fewest changed letters away from text; NULL if none is near. */
const char *spr_nearest(struct spr_text text, const char *const *candidates, size_t count);

#endif
