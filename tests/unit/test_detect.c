/*
 * Which spool is where, and refusals that say what was looked for.
 */
#include "core/scan/detect.h"
#include "tests/support/spool.h"
#include "tests/support/toy_format.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

static struct spool spool;
static struct spr_detected detected;

static void clean_up(void)
{
    spr_detected_done(&detected);
    spool_done(&spool);
}

static void make(void)
{
    detected.root_fd = -1;
    spool_make_postfix(&spool);
}

TestSuite(detect, .init = make, .fini = clean_up);

static int count_found(const struct spr_found *found, void *user)
{
    ++*(int *)user;
    cr_expect_str_eq(found->format, "postfix");
    cr_expect_str_eq(found->spool_root, spool.root);
    cr_expect_gt(strlen(found->reason), 0);
    return 0;
}

Test(detect, finds_a_spool_at_its_root)
{
    int count = 0;

    cr_expect_eq(spr_detect(spool.root, &spool.options, count_found, &count, &spool.fault), 1);
    cr_expect_eq(count, 1);
}

Test(detect, finds_a_spool_in_the_folder_above)
{
    int count = 0;

    cr_expect_eq(spr_detect(spool.folder, &spool.options, count_found, &count, &spool.fault), 1);
    cr_expect_eq(count, 1);
}

Test(detect, says_what_was_looked_for_where_there_is_no_spool)
{
    const char *path = spool.state; /* does not hold a spool */
    int count = 0;
    spool_make_folder(&spool, "../state/empty");

    const int r = spr_detect(path, &spool.options, count_found, &count, &spool.fault);

    cr_expect_eq(r, SPR_E_UNKNOWN);
    cr_expect_str_eq(spool.fault.subject, path);
    cr_expect_not_null(strstr(spool.fault.detail, "deferred/"), "%s", spool.fault.detail);
}

Test(detect, says_which_path_is_missing)
{
    const int r = spr_detect("/nonexistent/spool", &spool.options, count_found, NULL, &spool.fault);

    cr_expect_eq(r, -ENOENT);
    cr_expect_str_eq(spool.fault.subject, "/nonexistent/spool");
}

Test(detect, refuses_two_formats_that_are_equally_sure)
{
    const struct spr_format *const extra[] = { &toy_rival, NULL };
    spool.options.extra_formats = extra;

    const int r = spr_detect_one(spool.root, NULL, &spool.options, &detected, &spool.fault);

    cr_expect_eq(r, SPR_E_UNKNOWN);
    cr_expect_not_null(strstr(spool.fault.detail, "postfix"), "%s", spool.fault.detail);
    cr_expect_not_null(strstr(spool.fault.detail, "rival"), "%s", spool.fault.detail);
}

Test(detect, takes_the_word_of_the_caller_between_two)
{
    const struct spr_format *const extra[] = { &toy_rival, NULL };
    spool.options.extra_formats = extra;

    const int r = spr_detect_one(spool.root, "postfix", &spool.options, &detected, &spool.fault);

    cr_expect_eq(r, 0, "%s", spool.fault.detail);
    cr_expect_str_eq(detected.format->name, "postfix");
}

Test(detect, knows_no_format_of_another_name)
{
    const int r = spr_detect_one(spool.root, "exmi", &spool.options, &detected, &spool.fault);

    cr_expect_eq(r, SPR_E_UNKNOWN);
    cr_expect_str_eq(spool.fault.subject, "exmi");
}

Test(detect, follows_no_link_below_the_root)
{
    char elsewhere[1200];
    spool_make_folder(&spool, "../links");
    (void)snprintf(elsewhere, sizeof(elsewhere), "%s/links/spool", spool.folder);
    cr_assert_eq(symlink(spool.root, elsewhere), 0);
    (void)snprintf(elsewhere, sizeof(elsewhere), "%s/links", spool.folder);

    const int r = spr_detect_one(elsewhere, NULL, &spool.options, &detected, &spool.fault);

    cr_expect_eq(r, SPR_E_UNKNOWN);
}

static void make_beside(const char *const *folders, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char path[64];
        (void)snprintf(path, sizeof(path), "../second/%s", folders[i]);
        spool_make_folder(&spool, path);
    }
}

Test(detect, refuses_to_choose_between_two_spools_in_one_folder)
{
    static const char *const folders[] = { "active",   "bounce",  "corrupt",  "defer",
                                           "deferred", "hold",    "incoming", "maildrop",
                                           "pid",      "private", "public" };
    make_beside(folders, sizeof(folders) / sizeof(folders[0]));

    const int r = spr_detect_one(spool.folder, NULL, &spool.options, &detected, &spool.fault);

    cr_expect_eq(r, SPR_E_UNKNOWN);
    cr_expect_str_eq(spool.fault.subject, spool.folder);
    cr_expect_not_null(strstr(spool.fault.detail, "several spools"), "%s", spool.fault.detail);
}

Test(detect, takes_the_surer_one_of_two_spools_in_one_folder)
{
    static const char *const folders[] = { "active", "deferred", "hold", "incoming" };
    make_beside(folders, sizeof(folders) / sizeof(folders[0]));

    const int r = spr_detect_one(spool.folder, NULL, &spool.options, &detected, &spool.fault);

    cr_assert_eq(r, 0, "%s", spool.fault.detail);
    cr_expect_str_eq(detected.root, spool.root);
}
