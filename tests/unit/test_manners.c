#include "core/scan/manners.h"
#include "tests/support/pressure.h"
#include "tests/support/temporary.h"
#include "tests/support/toy_format.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#define MS UINT64_C(1000000)

TestSuite(manners, .init = pressure_start, .fini = pressure_stop);

/* Asks until the pause is over, while others wait io_percent of the time; how long it lasted. */
static uint64_t pause_for(struct spr_manners *manners, uint64_t start_ns, unsigned io_percent)
{
    uint64_t now_ns = start_ns;
    uint64_t io_us = 500;
    pressure_set(io_us, 3);
    spr_manners_begin(manners, now_ns);
    for (uint32_t ms; (ms = spr_manners_wait(manners, now_ns)) > 0;) {
        now_ns += ms * MS;
        io_us += ms * 10 * io_percent;
        pressure_set(io_us, 3);
    }
    return now_ns - start_ns;
}

Test(manners, pause_never_unless_they_are_on)
{
    struct spr_manners manners = { .is_on = false };

    cr_expect_not(spr_manners_is_due(&manners, 5));
    cr_expect_not(spr_manners_is_due(&manners, 5 + 10000 * MS));
}

Test(manners, look_for_a_moment_when_nobody_waits)
{
    struct spr_manners manners = { .is_on = true };

    cr_expect_not(spr_manners_is_due(&manners, 1000 * MS));
    cr_expect_not(spr_manners_is_due(&manners, 1099 * MS));
    cr_expect(spr_manners_is_due(&manners, 1100 * MS));
    const uint64_t paused_ns = pause_for(&manners, 1100 * MS, 1);

    cr_expect_eq(paused_ns, 5 * MS);
    cr_expect_not(manners.is_alone);
    cr_expect_not(spr_manners_is_due(&manners, 1200 * MS));
    cr_expect(spr_manners_is_due(&manners, 1205 * MS));
}

Test(manners, wait_long_and_then_read_alone_while_others_wait)
{
    struct spr_manners manners = { .is_on = true };
    (void)spr_manners_is_due(&manners, 1000 * MS);

    const uint64_t paused_ns = pause_for(&manners, 1100 * MS, 40);
    const uint64_t end_ns = 1100 * MS + paused_ns;

    cr_expect_geq(paused_ns, 300 * MS);
    cr_expect_leq(paused_ns, 330 * MS);
    cr_expect(manners.is_alone);
    cr_expect(spr_manners_is_due(&manners, end_ns + 50 * MS), "a short slice");
    cr_expect_eq(pause_for(&manners, end_ns + 50 * MS, 0), 5 * MS);
    cr_expect_not(manners.is_alone);
}

Test(manners, pause_half_of_the_time_where_no_pressure_is_told)
{
    struct spr_manners manners = { .is_on = true };
    pressure_set_text(NULL);
    (void)spr_manners_is_due(&manners, 1000 * MS);

    spr_manners_begin(&manners, 1100 * MS);

    cr_expect_eq(spr_manners_wait(&manners, 1100 * MS), 100);
    cr_expect_eq(spr_manners_wait(&manners, 1150 * MS), 50);
    cr_expect_eq(spr_manners_wait(&manners, 1200 * MS), 0);
}

Test(manners, take_a_spool_for_live_while_its_server_holds_its_lock)
{
    struct spr_format served = toy_format;
    served.lock.run_file = "pid/run";
    char root[256];
    make_temporary(root);
    const int root_fd = open(root, O_RDONLY | O_DIRECTORY);
    cr_assert_eq(mkdirat(root_fd, "pid", 0700), 0);

    cr_expect_not(spr_manners_is_live(&served, root_fd), "never started");
    const int lock = openat(root_fd, "pid/run", O_RDWR | O_CREAT, 0600);
    cr_expect_not(spr_manners_is_live(&served, root_fd), "stopped");
    cr_assert_eq(flock(lock, LOCK_EX), 0);
    cr_expect(spr_manners_is_live(&served, root_fd));
    served.lock.run_file = NULL;
    cr_expect_not(spr_manners_is_live(&served, root_fd), "cannot be told");

    close(lock);
    close(root_fd);
    remove_temporary(root);
}
