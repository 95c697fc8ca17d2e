/*
 * Sorting by radix: a million candidates in some tens of milliseconds, where comparing takes ten
 * times as long as reading a thousandth of them.
 */
#include "core/scan/sequence.h"

#include "formats/cursor.h"
#include "io/workers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DIGIT_BITS   10   /* at most: all their ends fit the fastest cache */
#define PART_BITS    8    /* at most */
#define PART_ITEMS   4096 /* on the average: a part fits a near cache */
#define SAMPLE_BLOCK 64   /* neighbours that are read together also in a sample */

/* Where bits of the keys lie. */
struct bits {
    unsigned first, count;
};

/* From the lowest bit that differs to the highest. */
static struct bits find_varying(const struct spr_inode *items, size_t count)
{
    uint64_t varying = 0;
    for (size_t i = 1; i < count; i++) {
        varying |= items[i].inode ^ items[0].inode;
    }
    if (varying == 0) {
        return (struct bits){ 0 };
    }
    const unsigned first = (unsigned)__builtin_ctzll(varying);
    return (struct bits){ first, 64 - (unsigned)__builtin_clzll(varying) - first };
}

/* Stable. ends[d]: where the items of digit d end. */
static void sort_by_digit(const struct spr_inode *from, struct spr_inode *to, size_t count,
                          struct bits digit, uint32_t ends[1u << DIGIT_BITS])
{
    const uint64_t mask = (UINT64_C(1) << digit.count) - 1;
    memset(ends, 0, (mask + 1) * sizeof(*ends));
    for (size_t i = 0; i < count; i++) {
        ends[(from[i].inode >> digit.first) & mask]++;
    }
    uint32_t sum = 0;
    for (uint64_t d = 0; d <= mask; d++) {
        const uint32_t here = ends[d];
        ends[d] = sum;
        sum += here;
    }
    for (size_t i = 0; i < count; i++) {
        to[ends[(from[i].inode >> digit.first) & mask]++] = from[i];
    }
}

/* From one array into the other, least significant digit first. */
static void sort_part(struct spr_inode *from, struct spr_inode *to, size_t count, struct bits bits)
{
    uint32_t ends[1u << DIGIT_BITS];
    struct spr_inode *const result = to;
    const unsigned passes = (bits.count + DIGIT_BITS - 1) / DIGIT_BITS;
    for (unsigned i = 0; i < passes; i++) {
        const unsigned width = (bits.count + passes - 1 - i) / passes;
        sort_by_digit(from, to, count, (struct bits){ bits.first, width }, ends);
        bits.first += width;
        struct spr_inode *swap = from;
        from = to;
        to = swap;
    }
    if (from != result) {
        memcpy(result, from, count * sizeof(*result));
    }
}

/* Items by their highest digit in other, part by part: workers take one after the other. */
struct parts {
    struct spr_inode *items, *other;
    struct bits low; /* what is left to sort by */
    uint32_t count;
    atomic_uint next; /* only hands out disjoint numbers: relaxed */
    uint32_t ends[1u << DIGIT_BITS];
};

static int sort_parts(uint32_t number, void *user)
{
    (void)number;
    struct parts *parts = user;
    uint32_t part;
    while ((part = atomic_fetch_add_explicit(&parts->next, 1, memory_order_relaxed)) <
           parts->count) {
        const uint32_t from = part > 0 ? parts->ends[part - 1] : 0;
        sort_part(parts->other + from, parts->items + from, parts->ends[part] - from, parts->low);
    }
    return 0;
}

/* By the highest digit into parts, then each part by itself: a pass over more than the caches hold
 * is the dear one. */
static int divide_and_sort(struct spr_walk *walk, struct parts *parts, size_t count,
                           struct bits varying)
{
    unsigned top = 0;
    while (top < PART_BITS && top < varying.count && count >> top > PART_ITEMS) {
        top++;
    }
    if (top == 0) {
        memcpy(parts->other, parts->items, count * sizeof(*parts->items));
        sort_part(parts->other, parts->items, count, varying);
        return 0;
    }
    parts->low = (struct bits){ varying.first, varying.count - top };
    parts->count = 1u << top;
    sort_by_digit(parts->items, parts->other, count,
                  (struct bits){ varying.first + parts->low.count, top }, parts->ends);
    const uint32_t cores = spr_cores();
    const uint32_t wanted = walk->setup.workers;
    const uint32_t workers = wanted == 0 || wanted > cores ? cores : wanted;
    return spr_walk_share(walk, workers, false, sort_parts, parts);
}

/* Stable; count fits 32 bits. */
static int sort_by_key(struct spr_walk *walk, struct spr_inode *items, size_t count)
{
    const struct bits varying = find_varying(items, count);
    struct parts parts = { .items = items };
    if (varying.count == 0) {
        return 0;
    }
    parts.other = malloc(count * sizeof(*parts.other));
    if (parts.other == NULL) {
        return -ENOMEM;
    }
    const int r = divide_and_sort(walk, &parts, count, varying);
    free(parts.other);
    return r;
}

int spr_inodes_make(struct spr_walk *walk, size_t first, struct spr_inodes *ret_inodes)
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
    int r = count > 1 ? sort_by_key(walk, items, count) : 0;
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

int spr_sequence_by_creation(struct spr_sequence *order, struct spr_walk *walk)
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
        r = sort_by_key(walk, items, count);
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
