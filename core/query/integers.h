/*
 * A growing list of 64-bit numbers, sorted by bytes: millions of them in some milliseconds.
 */
#ifndef SPR_CORE_QUERY_INTEGERS_H
#define SPR_CORE_QUERY_INTEGERS_H

#include <stddef.h>
#include <stdint.h>

struct spr_integers {
    uint64_t *items;
    size_t count, capacity;
};

int spr_integers_add(struct spr_integers *integers, uint64_t value);
/* Ascending. -ENOMEM leaves them as they were. */
int spr_integers_sort(struct spr_integers *integers);
/* How many different ones, of hashes: only their highest bits are sorted, the rest is compared. */
int spr_integers_distinct(struct spr_integers *integers, uint64_t *ret_count);
void spr_integers_free(struct spr_integers *integers);

#endif
