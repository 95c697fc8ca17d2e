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

/* Least significant digit first; digits that are equal everywhere are passed over. Stable. */
static int sort_by_key(struct spr_inode *items, size_t count)
{
    struct spr_inode *other = malloc(count * sizeof(*other));
    if (other == NULL) {
        return -ENOMEM;
    }
    uint64_t varying = 0;
    for (size_t i = 1; i < count; i++) {
        varying |= items[i].inode ^ items[0].inode;
    }
    struct spr_inode *from = items;
    struct spr_inode *to = other;
    for (unsigned shift = 0; shift < 64; shift += RADIX_BITS) {
        if (((varying >> shift) & (RADIX_SIZE - 1)) == 0) {
            continue;
        }
        size_t starts[RADIX_SIZE] = { 0 };
        for (size_t i = 0; i < count; i++) {
            starts[(from[i].inode >> shift) & (RADIX_SIZE - 1)]++;
        }
        size_t sum = 0;
        for (unsigned digit = 0; digit < RADIX_SIZE; digit++) {
            const size_t here = starts[digit];
            starts[digit] = sum;
            sum += here;
        }
        for (size_t i = 0; i < count; i++) {
            to[starts[(from[i].inode >> shift) & (RADIX_SIZE - 1)]++] = from[i];
        }
        struct spr_inode *swap = from;
        from = to;
        to = swap;
    }
    if (from != items) {
        memcpy(items, from, count * sizeof(*items));
    }
    free(other);
    return 0;
}

int spr_inodes_make(const struct spr_walk *walk, size_t first, struct spr_inodes *ret_inodes)
{
    *ret_inodes = (struct spr_inodes){ 0 };
    if (walk->candidate_count > UINT32_MAX) {
        return -EOVERFLOW;
    }
    const size_t count = walk->candidate_count - first;
    struct spr_inode *items = malloc((count + 1) * sizeof(*items));
    if (items == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        items[i] = (struct spr_inode){ walk->candidates[first + i].inode, (uint32_t)(first + i) };
    }
    int r = count > 1 ? sort_by_key(items, count) : 0;
    if (r < 0) {
        free(items);
        return r;
    }
    *ret_inodes = (struct spr_inodes){ items, count };
    return 0;
}

void spr_inodes_done(struct spr_inodes *inodes)
{
    free(inodes->items);
    *inodes = (struct spr_inodes){ 0 };
}

int spr_sequence_make(const struct spr_walk *walk, const struct spr_inodes *inodes,
                      struct spr_sequence *ret_order)
{
    uint32_t *indices = malloc((inodes->count + 1) * sizeof(*indices));
    *ret_order = (struct spr_sequence){ .indices = indices };
    if (indices == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < inodes->count; i++) {
        const uint32_t index = inodes->items[i].index;
        if (walk->candidates[index].state == SPR_CANDIDATE_FOUND) {
            indices[ret_order->count++] = index;
        }
    }
    return 0;
}

/* The bits of a number below 2^bits, last first: counted up, they fall evenly over the range. */
static size_t reverse_bits(size_t number, unsigned bits)
{
    size_t reversed = 0;
    for (unsigned i = 0; i < bits; i++) {
        reversed |= (number >> i & 1) << (bits - 1 - i);
    }
    return reversed;
}

/* Copies every stride-th block, so that each beginning of the sample is spread, too. */
static size_t copy_sample(const struct spr_sequence *order, size_t sampled, size_t stride,
                          uint32_t *to)
{
    unsigned bits = 0;
    while ((size_t)1 << bits < sampled) {
        bits++;
    }
    size_t count = 0;
    for (size_t i = 0; i < (size_t)1 << bits; i++) {
        const size_t block = reverse_bits(i, bits);
        if (block < sampled) {
            memcpy(to + count, order->indices + block * stride * SAMPLE_BLOCK,
                   SAMPLE_BLOCK * sizeof(*to));
            count += SAMPLE_BLOCK;
        }
    }
    return count;
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
    const size_t front = copy_sample(order, sampled, stride, spread);
    size_t back = front;
    for (size_t i = 0; i < order->count; i++) {
        const size_t block = i / SAMPLE_BLOCK;
        if (block % stride != 0 || block / stride >= sampled) {
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
    struct spr_inode *items = malloc((count + 1) * sizeof(*items));
    if (items == NULL) {
        return -ENOMEM;
    }
    bool is_told = count > 0;
    for (size_t i = 0; i < count && is_told; i++) {
        const int64_t created = walk->candidates[rest[i]].created;
        is_told = created > 0;
        items[i] = (struct spr_inode){ (uint64_t)created, rest[i] };
    }
    int r = 0;
    if (is_told) {
        r = sort_by_key(items, count);
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

static bool is_same_file(const struct spr_candidate *a, const struct spr_candidate *b)
{
    struct spr_candidate_file x;
    struct spr_candidate_file y;
    spr_candidate_first(a, &x);
    spr_candidate_first(b, &y);
    return a->inode == b->inode && spr_texts_equal(x.name, y.name);
}

size_t spr_inodes_drop_doubles(const struct spr_inodes *inodes, struct spr_walk *walk)
{
    size_t dropped = 0;
    for (size_t i = 0; i + 1 < inodes->count; i++) {
        /* The sort is stable: of equal inodes the one that was found later follows. */
        for (size_t k = i + 1; k < inodes->count; k++) {
            if (inodes->items[k].inode != inodes->items[i].inode) {
                break;
            }
            struct spr_candidate *candidate = &walk->candidates[inodes->items[i].index];
            if (is_same_file(candidate, &walk->candidates[inodes->items[k].index])) {
                candidate->state = SPR_CANDIDATE_DROPPED;
                dropped++;
                break;
            }
        }
    }
    return dropped;
}
