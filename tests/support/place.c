#include "tests/support/place.h"

#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

void make_place(struct place *place, struct spr_manifest **ret_manifest)
{
    struct spr_snapshot *snapshot = NULL;
    make_temporary(place->path);
    (void)snprintf(place->dir, sizeof(place->dir), "%s/index", place->path);
    cr_assert_eq(spr_index_open(place->dir, NULL, &place->index, NULL), 0);
    cr_assert_eq(spr_catalog_snapshot(place->index, &snapshot, NULL), 0);
    cr_assert_eq(spr_manifest_copy(snapshot->manifest, ret_manifest), 0);
    spr_snapshot_release(snapshot);
    (*ret_manifest)->format = strdup("postfix");
    (*ret_manifest)->spool_root = strdup("/var/spool/postfix");
    (*ret_manifest)->scanned_at = 1;
}

void close_place(struct place *place)
{
    spr_index_close(place->index);
    remove_temporary(place->path);
}
