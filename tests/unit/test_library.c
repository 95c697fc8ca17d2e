/*
 * The library itself: error texts, options of callers older and younger, the list of formats.
 */
#include "core/library.h"
#include "tests/support/toy_format.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <criterion/criterion.h>

Test(library, has_a_text_for_every_code_of_its_own)
{
    for (int code = SPR_E_CORRUPT; code >= SPR_E_UNABLE; code--) {
        cr_expect_str_neq(spr_strerror(code), "unknown error", "%d", code);
    }
    cr_expect_str_eq(spr_strerror(SPR_E_UNABLE - 1), "unknown error");
    cr_expect_str_eq(spr_strerror(0), "success");
    cr_expect_str_eq(spr_strerror(-ENOENT), "No such file or directory");
}

Test(options, of_nobody_are_the_defaults)
{
    const struct spr_options taken = spr_options_take(NULL);

    cr_expect_eq(taken.size, sizeof(taken));
    cr_expect_eq(taken.workers, 0);
    cr_expect_null(taken.extra_formats);
}

/* What lies behind the caller's own size is not the caller's. */
Test(options, of_an_older_caller_are_taken_as_far_as_they_go)
{
    struct spr_options options = SPR_OPTIONS_INIT;
    options.size = offsetof(struct spr_options, queue_depth);
    options.workers = 3;
    options.queue_depth = 77;

    const struct spr_options taken = spr_options_take(&options);

    cr_expect_eq(taken.workers, 3);
    cr_expect_eq(taken.queue_depth, 0);
    cr_expect_eq(taken.size, sizeof(taken));
}

Test(options, of_a_younger_caller_are_taken_as_far_as_they_are_known)
{
    struct {
        struct spr_options known;
        uint64_t unheard_of;
    } younger = { .known = SPR_OPTIONS_INIT, .unheard_of = 1 };
    younger.known.size = sizeof(younger);
    younger.known.workers = 3;

    const struct spr_options taken = spr_options_take(&younger.known);

    cr_expect_eq(taken.workers, 3);
    cr_expect_eq(taken.size, sizeof(taken));
}

Test(formats, are_found_by_name)
{
    const struct spr_format *const extra[] = { &toy_format, NULL };
    const struct spr_options options = { .size = sizeof(options), .extra_formats = extra };

    cr_expect_eq(spr_format_named(&options, "toy"), &toy_format);
    cr_expect_not_null(spr_format_named(&options, "postfix"));
    cr_expect_not_null(spr_format_named(NULL, "imail"));
    cr_expect_null(spr_format_named(NULL, "toy"));
    cr_expect_null(spr_format_named(&options, "unheard-of"));
    cr_expect_null(spr_format_named(&options, NULL));
}

Test(formats, of_the_caller_come_before_built_in_ones)
{
    struct spr_format own = toy_format;
    own.name = "postfix";
    const struct spr_format *const extra[] = { &own, NULL };
    const struct spr_options options = { .size = sizeof(options), .extra_formats = extra };

    cr_expect_eq(spr_format_named(&options, "postfix"), &own);
    cr_expect_eq(spr_format_at(&options, 0), &own);
    cr_expect_eq(spr_format_at(&options, 1), spr_format_at(NULL, 0));
}

Test(formats, of_another_contract_are_passed_over)
{
    struct spr_format other = toy_format;
    struct spr_format vast = toy_format;
    other.contract = SPR_FORMAT_CONTRACT + 1;
    vast.role_count = SPR_ROLES_MAX + 1;
    const struct spr_format *const extra[] = { &other, &vast, &toy_rival, NULL };
    const struct spr_options options = { .size = sizeof(options), .extra_formats = extra };

    cr_expect_null(spr_format_named(&options, "toy"));
    cr_expect_eq(spr_format_at(&options, 0), &toy_rival);
}

Test(formats, are_described_to_the_last_one)
{
    struct spr_format_report report;
    unsigned count = 0;
    while (spr_format_describe(count, &report)) {
        cr_expect_gt(strlen(report.name), 0);
        cr_expect_gt(strlen(report.title), 0);
        count++;
    }
    cr_expect_eq(count, 2);
    cr_expect_not(spr_format_describe(1000, &report));
}
