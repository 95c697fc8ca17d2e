#include "core/scan/sequence.h"

#include <errno.h>
#include <stdlib.h>

#include <criterion/criterion.h>

enum { COUNT = 64 * 128, SAMPLE = 64 * 16 };

static void make_sequence(struct spr_walk *walk, size_t first, struct spr_sequence *order)
{
    struct spr_inodes inodes;
    cr_assert_eq(spr_inodes_make(walk, first, &inodes), 0);
    cr_assert_eq(spr_sequence_make(walk, &inodes, order), 0);
    spr_inodes_done(&inodes);
}

/* Candidate i has inode COUNT - i. */
static void make_order(struct spr_walk *walk, struct spr_sequence *order)
{
    walk->candidates = calloc(COUNT, sizeof(*walk->candidates));
    cr_assert_not_null(walk->candidates);
    walk->candidate_count = COUNT;
    for (uint32_t i = 0; i < COUNT; i++) {
        walk->candidates[i].inode = COUNT - i;
    }
    make_sequence(walk, 0, order);
}

Test(sequence, orders_candidates_by_inode)
{
    struct spr_walk walk = { 0 };
    struct spr_sequence order;

    make_order(&walk, &order);

    cr_assert_eq(order.count, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        cr_assert_eq(order.indices[i], COUNT - 1 - i);
    }
    spr_sequence_done(&order);
    free(walk.candidates);
}

/* More than a part that fits a cache, sorted by several workers. */
Test(sequence, orders_many_candidates_by_several_workers)
{
    enum { MANY = 70000 };
    struct spr_walk walk = { .candidates = calloc(MANY, sizeof(*walk.candidates)),
                             .candidate_count = MANY,
                             .setup.workers = 3 };
    struct spr_sequence order;
    cr_assert_not_null(walk.candidates);
    for (uint32_t i = 0; i < MANY; i++) {
        walk.candidates[i].inode = i * UINT64_C(48271) % 70001; /* prime: each but one once */
    }

    make_sequence(&walk, 0, &order);

    cr_assert_eq(order.count, MANY);
    for (uint32_t i = 1; i < MANY; i++) {
        cr_assert_lt(walk.candidates[order.indices[i - 1]].inode,
                     walk.candidates[order.indices[i]].inode);
    }
    spr_sequence_done(&order);
    free(walk.candidates);
}

Test(sequence, leaves_out_what_is_not_to_be_read)
{
    struct spr_walk walk = { 0 };
    struct spr_sequence order;
    make_order(&walk, &order);
    spr_sequence_done(&order);
    walk.candidates[5].state = SPR_CANDIDATE_CARRIED;

    make_sequence(&walk, 4, &order);

    cr_expect_eq(order.count, COUNT - 5);
    cr_expect_eq(order.indices[order.count - 1], 4);
    cr_expect_eq(order.indices[order.count - 2], 6);
    spr_sequence_done(&order);
    free(walk.candidates);
}

Test(sequence, keeps_every_candidate_when_it_spreads)
{
    struct spr_walk walk = { 0 };
    struct spr_sequence order;
    make_order(&walk, &order);

    cr_assert_eq(spr_sequence_spread(&order, SAMPLE), 0);

    bool *seen = calloc(COUNT, sizeof(*seen));
    cr_assert_not_null(seen);
    for (uint32_t i = 0; i < COUNT; i++) {
        cr_assert_not(seen[order.indices[i]]);
        seen[order.indices[i]] = true;
    }
    cr_expect_eq(order.sample_count, SAMPLE);
    free(seen);
    spr_sequence_done(&order);
    free(walk.candidates);
}

/* The first four blocks of the sample come from the four quarters of the spool. */
Test(sequence, spreads_also_the_beginning_of_the_sample)
{
    struct spr_walk walk = { 0 };
    struct spr_sequence order;
    make_order(&walk, &order);

    cr_assert_eq(spr_sequence_spread(&order, SAMPLE), 0);

    unsigned quarters = 0;
    for (uint32_t i = 0; i < 4 * 64; i++) {
        quarters |= 1u << order.indices[i] / (COUNT / 4);
    }
    cr_expect_eq(quarters, 0xf);
    spr_sequence_done(&order);
    free(walk.candidates);
}
