/*
 * A pair comes back only where nothing bears its stem: of whatever kind, in whatever case.
 */
#include "core/batch/job.h"
#include "tests/support/change_spool.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#define PAIRS 3

static struct change_spool spool;

static int undo(struct spr_job_report *report)
{
    struct spr_options options = SPR_OPTIONS_INIT;
    options.flags = SPR_SERVER_STOPPED;
    return spr_job_undo(spool.root, 1, &options, report, NULL);
}

/* The stem of the first pair is 28de001802500000. */
struct stranger {
    char name[32];
    uint64_t stuck;
};
ParameterizedTestParameters(restore_taken, comes_back_only_where_its_stem_is_free)
{
    static struct stranger strangers[] = {
        { "q28DE001802500000.smd", 1 }, { "T28de001802500000.SMD", 1 },
        { "_28de001802500000.~md", 1 }, { "a28DE001802500000.GSE", 1 },
        { "X28de001802500000.SMD", 1 }, { "d28de001802500000.tmp", 1 },
        { "Q28de001802500009.SMD", 0 }, { "28de001802500000", 0 },
    };
    return cr_make_param_array(struct stranger, strangers,
                               sizeof(strangers) / sizeof(strangers[0]));
}
ParameterizedTest(struct stranger *stranger, restore_taken, comes_back_only_where_its_stem_is_free)
{
    struct spr_job_report report = { 0 };
    struct spr_options options = SPR_OPTIONS_INIT;
    char path[TEMPORARY_PATH_MAX + 64];
    options.flags = SPR_SERVER_STOPPED;
    make_pair_spool(&spool, PAIRS);
    char *before = look_at_spool(&spool);
    struct spr_plan *plan = plan_for(&spool, SPR_DELETE, "");
    cr_assert_eq(spr_plan_apply(plan, spool.index, &options, &report, NULL), 0);
    cr_assert_eq(report.done, PAIRS);
    spr_plan_free(plan);
    (void)snprintf(path, sizeof(path), "%s/%s", spool.root, stranger->name);
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    cr_assert(fd >= 0, "%s", path);
    (void)close(fd);

    cr_assert_eq(undo(&report), 0);
    cr_expect_eq(report.stuck, stranger->stuck, "%s", stranger->name);
    cr_expect_eq(report.done, PAIRS - stranger->stuck, "%s", stranger->name);

    cr_assert_eq(unlink(path), 0);
    if (stranger->stuck > 0) {
        cr_assert_eq(undo(&report), 0);
        cr_expect_eq(report.done, stranger->stuck, "%s", stranger->name);
    }
    char *after = look_at_spool(&spool);
    cr_expect_str_eq(after, before, "%s", stranger->name);
    free(before);
    free(after);
    remove_spool(&spool);
}
