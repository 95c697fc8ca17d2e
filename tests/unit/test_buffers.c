#include "io/buffers.h"

#include <errno.h>
#include <string.h>

#include <criterion/criterion.h>

enum { UNIT = SPR_BUFFER_UNIT };

static struct spr_buffers *new_pool(size_t units)
{
    struct spr_buffers *buffers = NULL;
    cr_assert_eq(spr_buffers_new(units * UNIT, &buffers), 0);
    return buffers;
}

Test(buffers, are_aligned_apart_and_writable)
{
    struct spr_buffers *buffers = new_pool(200);
    uint8_t *taken[100];

    for (int i = 0; i < 100; i++) {
        taken[i] = spr_buffers_take(buffers, UNIT + 1);
        cr_assert_not_null(taken[i]);
        cr_assert_eq((uintptr_t)taken[i] % UNIT, 0);
        memset(taken[i], i, (size_t)2 * UNIT);
    }

    cr_expect_null(spr_buffers_take(buffers, 1));
    for (int i = 0; i < 100; i++) {
        cr_expect_eq(taken[i][0], i);
        cr_expect_eq(taken[i][2 * UNIT - 1], i);
        spr_buffers_give(buffers, taken[i]);
    }
    uint8_t *all = spr_buffers_take(buffers, 200 * UNIT);
    cr_expect_not_null(all);
    spr_buffers_give(buffers, all);
    spr_buffers_free(buffers);
}

Test(buffers, use_the_lowest_place_again)
{
    struct spr_buffers *buffers = new_pool(300);
    uint8_t *first = spr_buffers_take(buffers, 100);
    spr_buffers_give(buffers, first);

    for (int i = 0; i < 1000; i++) {
        uint8_t *again = spr_buffers_take(buffers, UNIT);
        cr_assert_eq(again, first);
        spr_buffers_give(buffers, again);
    }

    spr_buffers_free(buffers);
}

Test(buffers, fit_into_gaps_of_their_length)
{
    struct spr_buffers *buffers = new_pool(70);
    uint8_t *taken[70];
    for (int i = 0; i < 70; i++) {
        taken[i] = spr_buffers_take(buffers, 1);
        cr_assert_not_null(taken[i]);
    }
    spr_buffers_give(buffers, taken[10]);
    spr_buffers_give(buffers, taken[63]);
    spr_buffers_give(buffers, taken[64]);
    spr_buffers_give(buffers, taken[65]);

    cr_expect_null(spr_buffers_take(buffers, 4 * UNIT));
    cr_expect_eq(spr_buffers_take(buffers, 3 * UNIT), taken[63]);
    cr_expect_eq(spr_buffers_take(buffers, UNIT), taken[10]);
    cr_expect_null(spr_buffers_take(buffers, 1));

    spr_buffers_free(buffers);
}

Test(buffers, refuse_what_the_pool_never_holds)
{
    struct spr_buffers *buffers = new_pool(4);
    struct spr_buffers *none = NULL;

    cr_expect_null(spr_buffers_take(buffers, 4 * UNIT + 1));
    cr_expect_null(spr_buffers_take(buffers, UINT32_MAX));
    cr_expect_eq(spr_buffers_new(0, &none), -EINVAL);
    cr_expect_null(none);

    spr_buffers_free(buffers);
    spr_buffers_free(NULL);
}

Test(buffers, give_extra_room_outside_the_pool)
{
    struct spr_buffers *buffers = new_pool(1);
    uint8_t *pooled = spr_buffers_take(buffers, 1);

    uint8_t *extra = spr_buffers_take_extra(buffers, 3 * UNIT - 1);

    cr_assert_not_null(extra);
    cr_expect_eq((uintptr_t)extra % UNIT, 0);
    memset(extra, 7, (size_t)3 * UNIT);
    spr_buffers_give(buffers, extra);
    spr_buffers_give(buffers, pooled);
    spr_buffers_give(buffers, NULL);
    spr_buffers_free(buffers);
}

Test(buffers, never_use_again_what_was_abandoned)
{
    struct spr_buffers *buffers = new_pool(2);
    uint8_t *lost = spr_buffers_take(buffers, 1);
    spr_buffers_abandon(buffers, lost);

    uint8_t *other = spr_buffers_take(buffers, 1);

    cr_expect_neq(other, lost);
    cr_expect_null(spr_buffers_take(buffers, 1));
    spr_buffers_free(buffers);
    lost[0] = 1; /* the kernel may still do so */
}
