#include "io/pace.h"

#include <criterion/criterion.h>

static struct spr_pace new_pace(uint32_t workers_max, uint64_t descriptors)
{
    struct spr_pace pace;
    spr_pace_init(&pace, workers_max, descriptors);
    pace.cores = 2;
    return pace;
}

Test(pace, begins_warm_with_a_worker_a_core)
{
    struct spr_pace pace = new_pace(16, 1 << 20);

    const struct spr_io_pace now = spr_pace_now(&pace);

    cr_expect_eq(now.window, 64);
    cr_expect_eq(now.workers, 2);
    cr_expect(now.inode_order);
}

Test(pace, widens_at_one_cold_window_and_narrows_after_two_warm_ones)
{
    struct spr_pace pace = new_pace(16, 1 << 20);

    spr_pace_note(&pace, false);
    cr_expect_eq(spr_pace_now(&pace).window, 64);
    spr_pace_note(&pace, true);
    cr_expect_eq(spr_pace_now(&pace).window, 1024);
    cr_expect_eq(spr_pace_now(&pace).workers, 8);
    spr_pace_note(&pace, false);
    spr_pace_note(&pace, true);
    spr_pace_note(&pace, false);
    cr_expect_eq(spr_pace_now(&pace).window, 1024);
    spr_pace_note(&pace, false);
    cr_expect_eq(spr_pace_now(&pace).window, 64);
}

Test(pace, stays_below_the_limits_of_the_process)
{
    struct spr_pace few = new_pace(8, 1024);
    struct spr_pace none = new_pace(8, 10);
    struct spr_pace small = new_pace(1, 1 << 20);
    spr_pace_limit(&small, 30);
    spr_pace_note(&few, true);
    spr_pace_note(&none, true);
    spr_pace_note(&small, true);

    cr_expect_leq(spr_pace_now(&few).window * 8, 1024);
    cr_expect_geq(spr_pace_now(&none).window, 1);
    cr_expect_eq(spr_pace_now(&small).window, 30);
    cr_expect_eq(spr_pace_now(&small).workers, 1);
}

Test(pace, calls_a_window_cold_when_misses_cost_more_than_its_cached_reads)
{
    cr_expect_not(spr_pace_is_cold(&(struct spr_pace_sample){ .cached = 0, .missed = 0 }));
    cr_expect_not(spr_pace_is_cold(&(struct spr_pace_sample){ .cached = 0, .missed = 1 }));
    cr_expect(spr_pace_is_cold(&(struct spr_pace_sample){ .cached = 0, .missed = 2 }));
    cr_expect(spr_pace_is_cold(&(struct spr_pace_sample){ .cached = 2, .missed = 2 }));
    cr_expect_not(spr_pace_is_cold(&(struct spr_pace_sample){ .cached = 60, .missed = 2 }));
    cr_expect(spr_pace_is_cold(&(struct spr_pace_sample){ .cached = 9, .missed = 2 }));
    cr_expect_not(spr_pace_is_mixed(&(struct spr_pace_sample){ .cached = 1, .missed = 15 }));
    cr_expect(spr_pace_is_mixed(&(struct spr_pace_sample){ .cached = 2, .missed = 14 }));
    cr_expect(spr_pace_is_slow(80000));
    cr_expect_not(spr_pace_is_slow(2000));
}

Test(pace, gives_inode_order_up_when_the_disk_has_another)
{
    struct spr_pace pace = new_pace(1, 1024);
    struct spr_pace in_order = new_pace(1, 1024);

    spr_pace_note_neighbours(&pace, 900, 30);
    cr_expect(spr_pace_now(&pace).inode_order, "too few to tell");
    spr_pace_note_neighbours(&pace, 900, 30);
    spr_pace_note_neighbours(&in_order, 1000, 950);

    cr_expect_not(spr_pace_now(&pace).inode_order);
    spr_pace_note_neighbours(&pace, 5000, 5000);
    cr_expect_not(spr_pace_now(&pace).inode_order, "decided once");
    cr_expect(spr_pace_now(&in_order).inode_order);
}

Test(pace, asks_no_more_where_files_lie_once_nearly_all_follow_their_inodes)
{
    struct spr_pace in_order = new_pace(1, 1024);
    struct spr_pace scattered = new_pace(1, 1024);

    spr_pace_note_neighbours(&in_order, 900, 880);
    cr_expect_not(spr_pace_knows_order(&in_order), "too few to tell");
    spr_pace_note_neighbours(&in_order, 900, 880);
    spr_pace_note_neighbours(&scattered, 1800, 1500);

    cr_expect(spr_pace_knows_order(&in_order));
    cr_expect_not(spr_pace_knows_order(&scattered));
}
