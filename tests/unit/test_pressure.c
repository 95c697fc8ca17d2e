#include "io/pressure.h"
#include "tests/support/pressure.h"

#include <errno.h>

#include <criterion/criterion.h>

TestSuite(pressure, .init = pressure_start, .fini = pressure_stop);

Test(pressure, is_the_total_in_which_some_task_waited)
{
    struct spr_pressure pressure;
    pressure_set(564925570, 12);

    cr_assert_eq(spr_pressure_read(&pressure), 0);

    cr_expect_eq(pressure.io_us, 564925570);
    cr_expect_eq(pressure.cpu_us, 12);
}

Test(pressure, is_not_made_up_where_the_kernel_does_not_tell_it)
{
    struct spr_pressure pressure;

    pressure_set_text(NULL);
    cr_expect_eq(spr_pressure_read(&pressure), -ENOENT);
    pressure_set_text("full avg10=0.00 total=3");
    cr_expect_eq(spr_pressure_read(&pressure), -EBADMSG);
    pressure_set_text("some avg10=0.00");
    cr_expect_eq(spr_pressure_read(&pressure), -EBADMSG);
    pressure_set_text("");
    cr_expect_eq(spr_pressure_read(&pressure), -EBADMSG);
}
