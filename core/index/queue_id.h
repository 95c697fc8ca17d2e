/*
 * Queue ids that repeat what the index keeps anyway: a server that makes them of the time and the
 * inode. Such an id is kept as a small number beside its row's inode and arrival.
 */
#ifndef SPR_CORE_INDEX_QUEUE_ID_H
#define SPR_CORE_INDEX_QUEUE_ID_H

#include "formats/words.h"

#include <stdbool.h>

#define SPR_ID_SHAPED_MAX 32 /* bytes of an id that has a shape */

enum spr_id_shape {
    SPR_ID_LITERAL, /* none: kept as it is */
    SPR_ID_HEX,     /* five hexadecimal digits, then the inode in hexadecimal digits */
    SPR_ID_BASE52,  /* seconds in six digits, their fraction in four, z, the inode in base 51 */
};

struct spr_id_facts {
    uint64_t inode;
    int64_t arrival; /* INT64_MIN: unknown, which counts as 0 */
};

/* The shape of the id and the number that gives it back. */
enum spr_id_shape spr_id_split(struct spr_text id, struct spr_id_facts facts, uint64_t *ret_number);
/* Its length; 0 where the number is none of that shape's. */
size_t spr_id_join(enum spr_id_shape shape, uint64_t number, struct spr_id_facts facts,
                   uint8_t out[SPR_ID_SHAPED_MAX]);
/* The inode that an id of the shape would name. */
bool spr_id_inode(enum spr_id_shape shape, struct spr_text id, uint64_t *ret_inode);

#endif
