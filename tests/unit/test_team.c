#include "core/batch/team.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include <criterion/criterion.h>

#define ITEMS 2000u

struct seen {
    _Atomic uint32_t times[ITEMS];
    _Atomic uint32_t begun;
    _Atomic uint32_t elsewhere; /* on another thread than the caller's */
    uint32_t last;
    bool is_ordered;
    uint32_t bad; /* item that fails; ITEMS: none */
    pthread_t caller;
};

static struct seen seen;

static void start_anew(void)
{
    seen.bad = ITEMS;
    seen.is_ordered = true;
    seen.caller = pthread_self();
}

TestSuite(team, .init = start_anew);

static int count_item(uint32_t item, void *user)
{
    struct seen *s = user;
    atomic_fetch_add(&s->times[item], 1);
    atomic_fetch_add(&s->begun, 1);
    if (!pthread_equal(pthread_self(), s->caller)) {
        atomic_fetch_add(&s->elsewhere, 1);
    }
    return item == s->bad ? -EIO : 0;
}

static int watch_order(uint32_t item, void *user)
{
    struct seen *s = user;
    s->is_ordered = s->is_ordered && item == s->last;
    s->last = item + 1;
    return count_item(item, user);
}

static void expect_each_once(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        cr_expect_eq(seen.times[i], 1, "item %u", i);
    }
}

Test(team, does_each_item_once_on_several_threads)
{
    struct spr_team team = { .fixed = 4 };

    cr_assert_eq(spr_team_round(&team, ITEMS, count_item, &seen), 0);

    expect_each_once(ITEMS);
    cr_expect_eq(seen.elsewhere, ITEMS);
}

Test(team, does_a_small_round_alone_and_in_order)
{
    struct spr_team team = { .most = 16 };

    for (int round = 0; round < 20; round++) {
        seen.last = 0;
        cr_assert_eq(spr_team_round(&team, 500, watch_order, &seen), 0);
    }

    cr_expect(seen.is_ordered);
    cr_expect_eq(seen.elsewhere, 0);
}

Test(team, begins_no_item_after_a_failure)
{
    struct spr_team team = { .most = 16 };
    seen.bad = 7;

    cr_expect_eq(spr_team_round(&team, ITEMS, count_item, &seen), -EIO);

    cr_expect_eq(seen.begun, 8);
}

Test(team, passes_on_the_failure_of_one_of_several)
{
    struct spr_team team = { .fixed = 4 };
    seen.bad = 100;

    cr_expect_eq(spr_team_round(&team, ITEMS, count_item, &seen), -EIO);

    cr_expect_lt(seen.begun, ITEMS);
}

Test(team, tries_more_workers_but_never_more_than_the_most)
{
    struct spr_team team = { .most = 4 };
    uint32_t largest = 0;

    for (int round = 0; round < 8; round++) {
        const uint32_t size = spr_team_size(&team, ITEMS);
        largest = size > largest ? size : largest;
        cr_assert_eq(spr_team_round(&team, ITEMS, count_item, &seen), 0);
    }

    cr_expect_eq(largest, 4);
    cr_expect_leq(spr_team_size(&team, ITEMS), 4);
    cr_expect_gt(team.trial, 2, "all counts up to four were tried");
}

static int sleep_item(uint32_t item, void *user)
{
    (void)usleep(1000);
    return count_item(item, user);
}

Test(team, tries_all_counts_in_one_round_of_calls_that_sleep)
{
    struct spr_team team = { .most = 16 };

    cr_assert_eq(spr_team_round(&team, ITEMS, sleep_item, &seen), 0);

    expect_each_once(ITEMS);
    cr_expect_gt(team.kept, 1);
    cr_expect_gt(seen.elsewhere, ITEMS / 2);
}

Test(team, does_nothing_for_no_items)
{
    struct spr_team team = { .fixed = 2 };

    cr_expect_eq(spr_team_round(&team, 0, count_item, &seen), 0);
    cr_expect_eq(seen.begun, 0);
}
