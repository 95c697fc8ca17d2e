/*
 * Sorting by radix: a million candidates in some tens of milliseconds, where comparing takes ten
 * times as long as reading a thousandth of them.
 */
#include "core/scan/sequence.h"

#include "formats/cursor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RADIX_BITS   11
#define RADIX_SIZE   (1u << RADIX_BITS)
#define SAMPLE_BLOCK 64 /* neighbours that are read together also in a sample */

struct keyed {
    uint64_t key;
    uint32_t index;
};

/* Least significant digit first; digits that are equal everywhere are passed over. Stable. */
static int sort_keyed(struct keyed *items, size_t count)
{
    struct keyed *other = malloc(count * sizeof(*other));
    if (other == NULL) {
        return -ENOMEM;
    }
    uint64_t varying = 0;
    for (size_t i = 1; i < count; i++) {
        varying |= items[i].key ^ items[0].key;
    }
    struct keyed *from = items;
    struct keyed *to = other;
    for (unsigned shift = 0; shift < 64; shift += RADIX_BITS) {
        if (((varying >> shift) & (RADIX_SIZE - 1)) == 0) {
            continue;
        }
        size_t starts[RADIX_SIZE] = { 0 };
        for (size_t i = 0; i < count; i++) {
            starts[(from[i].key >> shift) & (RADIX_SIZE - 1)]++;
        }
        size_t sum = 0;
        for (unsigned digit = 0; digit < RADIX_SIZE; digit++) {
            const size_t here = starts[digit];
            starts[digit] = sum;
            sum += here;
        }
        for (size_t i = 0; i < count; i++) {
            to[starts[(from[i].key >> shift) & (RADIX_SIZE - 1)]++] = from[i];
        }
        struct keyed *swap = from;
        from = to;
        to = swap;
    }
    if (from != items) {
        memcpy(items, from, count * sizeof(*items));
    }
    free(other);
    return 0;
}

int spr_sequence_make(const struct spr_walk *walk, size_t first,
                      bool (*is_wanted)(const struct spr_candidate *candidate, size_t index,
                                        const void *user),
                      const void *user, struct spr_sequence *ret_order)
{
    *ret_order = (struct spr_sequence){ 0 };
    if (walk->candidate_count > UINT32_MAX) {
        return -EOVERFLOW;
    }
    const size_t room = walk->candidate_count - first;
    struct keyed *items = malloc((room + 1) * sizeof(*items));
    if (items == NULL) {
        return -ENOMEM;
    }
    size_t count = 0;
    for (size_t i = first; i < walk->candidate_count; i++) {
        if (is_wanted(&walk->candidates[i], i, user)) {
            items[count++] = (struct keyed){ walk->candidates[i].inode, (uint32_t)i };
        }
    }
    int r = count > 1 ? sort_keyed(items, count) : 0;
    uint32_t *indices = r == 0 ? malloc((count + 1) * sizeof(*indices)) : NULL;
    if (indices == NULL) {
        free(items);
        return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        indices[i] = items[i].index;
    }
    free(items);
    *ret_order = (struct spr_sequence){ .indices = indices, .count = count };
    return 0;
}

int spr_sequence_spread(struct spr_sequence *order, size_t sample_max)
{
    const size_t blocks = order->count / SAMPLE_BLOCK;
    const size_t sampled = sample_max / SAMPLE_BLOCK;
    if (sampled == 0 || blocks < 2 * sampled) {
        return 0;
    }
    const size_t stride = blocks / sampled;
    uint32_t *spread = malloc(order->count * sizeof(*spread));
    if (spread == NULL) {
        return -ENOMEM;
    }
    size_t front = 0;
    size_t back = sampled * SAMPLE_BLOCK;
    for (size_t i = 0; i < order->count; i++) {
        const size_t block = i / SAMPLE_BLOCK;
        if (block % stride == 0 && block / stride < sampled) {
            spread[front++] = order->indices[i];
        } else {
            spread[back++] = order->indices[i];
        }
    }
    free(order->indices);
    order->indices = spread;
    order->sample_count = front;
    return 0;
}

int spr_sequence_by_creation(struct spr_sequence *order, const struct spr_walk *walk)
{
    const size_t count = order->count - order->sample_count;
    uint32_t *rest = order->indices + order->sample_count;
    struct keyed *items = malloc((count + 1) * sizeof(*items));
    if (items == NULL) {
        return -ENOMEM;
    }
    bool is_told = count > 0;
    for (size_t i = 0; i < count && is_told; i++) {
        const int64_t created = walk->candidates[rest[i]].created;
        is_told = created > 0;
        items[i] = (struct keyed){ (uint64_t)created, rest[i] };
    }
    int r = 0;
    if (is_told) {
        r = sort_keyed(items, count);
        for (size_t i = 0; i < count && r == 0; i++) {
            rest[i] = items[i].index;
        }
    }
    free(items);
    return r;
}

void spr_sequence_done(struct spr_sequence *order)
{
    free(order->indices);
    *order = (struct spr_sequence){ 0 };
}

static bool is_any(const struct spr_candidate *candidate, size_t index, const void *user)
{
    (void)index;
    (void)user;
    return candidate->state == SPR_CANDIDATE_FOUND;
}

static bool is_same_file(const struct spr_candidate *a, const struct spr_candidate *b)
{
    struct spr_candidate_file x;
    struct spr_candidate_file y;
    spr_candidate_first(a, &x);
    spr_candidate_first(b, &y);
    return a->inode == b->inode && spr_texts_equal(x.name, y.name);
}

int spr_sequence_drop_doubles(struct spr_walk *walk)
{
    struct spr_sequence order;
    int r = spr_sequence_make(walk, 0, is_any, NULL, &order);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < order.count; i++) {
        struct spr_candidate *candidate = &walk->candidates[order.indices[i]];
        /* The sort is stable: of equal inodes the one that was found later follows. */
        for (size_t k = i + 1; k < order.count; k++) {
            const struct spr_candidate *later = &walk->candidates[order.indices[k]];
            if (later->inode != candidate->inode) {
                break;
            }
            if (is_same_file(candidate, later)) {
                candidate->state = SPR_CANDIDATE_DROPPED;
                break;
            }
        }
    }
    spr_sequence_done(&order);
    return 0;
}
