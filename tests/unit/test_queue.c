#include "io/queue.h"
#include "io/workers.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <criterion/criterion.h>

TestSuite(queue, .timeout = 60);

static int items[8];

Test(queue, gives_back_in_order_and_round_its_end)
{
    struct spr_queue *queue;
    void *item;
    cr_assert_eq(spr_queue_new(3, &queue), 0);

    for (int round = 0; round < 5; round++) {
        cr_assert_eq(spr_queue_push(queue, &items[0]), 0);
        cr_assert_eq(spr_queue_push(queue, &items[1]), 0);
        cr_assert_eq(spr_queue_pop(queue, &item), 1);
        cr_expect_eq(item, &items[0]);
        cr_assert_eq(spr_queue_pop(queue, &item), 1);
        cr_expect_eq(item, &items[1]);
        spr_queue_done(queue);
        spr_queue_done(queue);
    }
    spr_queue_free(queue);
}

Test(queue, never_holds_more_than_its_capacity)
{
    struct spr_queue *queue;
    cr_assert_eq(spr_queue_new(2, &queue), 0);

    cr_expect_eq(spr_queue_push(queue, &items[0]), 0);
    cr_expect_eq(spr_queue_push(queue, &items[1]), 0);
    cr_expect_eq(spr_queue_push(queue, &items[2]), -EAGAIN);

    spr_queue_free(queue);
    spr_queue_free(NULL);
    cr_expect_eq(spr_queue_new(0, &queue), -EINVAL);
}

Test(queue, ends_when_closed)
{
    struct spr_queue *queue;
    void *item = NULL;
    cr_assert_eq(spr_queue_new(2, &queue), 0);
    cr_assert_eq(spr_queue_push(queue, &items[0]), 0);

    spr_queue_close(queue);

    cr_expect_eq(spr_queue_pop(queue, &item), 0);
    cr_expect_null(item);
    cr_expect_eq(spr_queue_push(queue, &items[1]), -EPIPE);
    spr_queue_free(queue);
}

/* A tree of work: a node of depth d makes three of depth d - 1. */
struct tree {
    struct spr_queue *queue;
    _Atomic uint32_t nodes;
};

static void grow(struct tree *tree, uintptr_t depth)
{
    atomic_fetch_add(&tree->nodes, 1);
    for (int i = 0; i < 3 && depth > 0; i++) {
        if (spr_queue_push(tree->queue, (void *)depth) < 0) { /* depth, as an item is one less */
            grow(tree, depth - 1);
        }
    }
}

static int grow_all(uint32_t number, void *user)
{
    (void)number;
    struct tree *tree = user;
    void *item;
    while (spr_queue_pop(tree->queue, &item) == 1) {
        grow(tree, (uintptr_t)item - 1);
        spr_queue_done(tree->queue);
    }
    return 0;
}

Test(queue, ends_when_all_work_that_work_made_is_done)
{
    static const uint32_t capacities[] = { 1, 7, 4096 };
    for (size_t i = 0; i < 3; i++) {
        struct tree tree = { 0 };
        struct spr_workers *workers;
        cr_assert_eq(spr_queue_new(capacities[i], &tree.queue), 0);
        cr_assert_eq(spr_queue_push(tree.queue, (void *)(uintptr_t)8), 0);
        cr_assert_eq(spr_workers_start(4, false, grow_all, &tree, &workers), 0);

        cr_expect_eq(spr_workers_join(workers), 0);

        cr_expect_eq(tree.nodes, 3280); /* 1 + 3 + 9 + ... + 3^7 */
        spr_queue_free(tree.queue);
    }
}
