/*
 * Radix sort, byte by byte from the lowest; bytes that all numbers share cost nothing.
 */
#include "core/query/integers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BYTES       8
#define VALUES      256
#define HASHES_FROM 5 /* the highest three bytes of hashes are sorted */

int spr_integers_add(struct spr_integers *integers, uint64_t value)
{
    if (integers->count == integers->capacity) {
        const size_t capacity = integers->capacity == 0 ? 1024 : integers->capacity * 2;
        uint64_t *items = reallocarray(integers->items, capacity, sizeof(*items));
        if (items == NULL) {
            return -ENOMEM;
        }
        integers->items = items;
        integers->capacity = capacity;
    }
    integers->items[integers->count++] = value;
    return 0;
}

/* By one byte, stable. */
static void sort_byte(const uint64_t *from, size_t count, unsigned byte, uint64_t *to)
{
    size_t place[VALUES] = { 0 };
    for (size_t i = 0; i < count; i++) {
        place[from[i] >> (byte * 8) & 0xff]++;
    }
    size_t next = 0;
    for (unsigned value = 0; value < VALUES; value++) {
        const size_t here = place[value];
        place[value] = next;
        next += here;
    }
    for (size_t i = 0; i < count; i++) {
        to[place[from[i] >> (byte * 8) & 0xff]++] = from[i];
    }
}

static int sort_from(struct spr_integers *integers, unsigned first_byte)
{
    uint64_t differing = 0;
    for (size_t i = 1; i < integers->count; i++) {
        differing |= integers->items[i] ^ integers->items[0];
    }
    if (differing == 0) {
        return 0;
    }
    uint64_t *other = reallocarray(NULL, integers->capacity, sizeof(*other));
    if (other == NULL) {
        return -ENOMEM;
    }
    for (unsigned byte = first_byte; byte < BYTES; byte++) {
        if ((differing >> (byte * 8) & 0xff) == 0) {
            continue;
        }
        sort_byte(integers->items, integers->count, byte, other);
        uint64_t *sorted = other;
        other = integers->items;
        integers->items = sorted;
    }
    free(other);
    return 0;
}

int spr_integers_sort(struct spr_integers *integers)
{
    return sort_from(integers, 0);
}

int spr_integers_distinct(struct spr_integers *integers, uint64_t *ret_count)
{
    const int r = sort_from(integers, HASHES_FROM);
    if (r < 0) {
        return r;
    }
    uint64_t distinct = 0;
    size_t group = 0; /* where those begin that share the sorted bytes */
    for (size_t i = 0; i < integers->count; i++) {
        const uint64_t *items = integers->items;
        if ((items[i] ^ items[group]) >> (HASHES_FROM * 8) != 0) {
            group = i;
        }
        size_t before = group;
        while (items[before] != items[i]) {
            before++;
        }
        distinct += before == i ? 1 : 0;
    }
    *ret_count = distinct;
    return 0;
}

void spr_integers_free(struct spr_integers *integers)
{
    free(integers->items);
    *integers = (struct spr_integers){ 0 };
}
