#include "core/fault.h"

#include <string.h>

#include <criterion/criterion.h>

Test(fault, shortens_a_long_subject_in_the_middle)
{
    char path[600];
    memset(path, 'a', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    path[0] = '/';
    path[sizeof(path) - 2] = 'z';
    struct spr_fault fault = { 0 };

    int r = spr_fault_set(&fault, SPR_E_CORRUPT, path, 7, "wrong checksum");

    cr_assert_eq(r, SPR_E_CORRUPT);
    cr_expect_eq(fault.offset, 7);
    cr_expect_eq(strlen(fault.subject), sizeof(fault.subject) - 1);
    cr_expect_eq(fault.subject[0], '/');
    cr_expect_eq(fault.subject[sizeof(fault.subject) - 2], 'z');
    cr_expect_not_null(strstr(fault.subject, "..."));
}

Test(fault, accepts_no_fault_and_no_subject)
{
    struct spr_fault fault = { 0 };

    cr_expect_eq(spr_fault_set(NULL, -5, "x", 0, "y"), -5);
    cr_expect_eq(spr_fault_set(&fault, -5, NULL, 0, "y"), -5);
    cr_expect_str_eq(fault.subject, "");
}
