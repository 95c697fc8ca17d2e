/*
 * An index in a temporary folder that tells of a Postfix spool, without one.
 */
#ifndef SPR_TESTS_SUPPORT_PLACE_H
#define SPR_TESTS_SUPPORT_PLACE_H

#include "core/catalog.h"
#include "tests/support/temporary.h"

struct place {
    char path[TEMPORARY_PATH_MAX];
    char dir[TEMPORARY_PATH_MAX + 8];
    struct spr_index *index;
};

/* Empty, without subjects. What the manifest gets is seen once it is published. */
void make_place(struct place *place, struct spr_manifest **ret_manifest);
void close_place(struct place *place);

#endif
