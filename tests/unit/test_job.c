#include "core/batch/job.h"
#include "tests/support/change_spool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

static struct change_spool spool;

static void set_up(void)
{
    make_postfix_spool(&spool, 12);
}

static void tear_down(void)
{
    remove_spool(&spool);
}

TestSuite(job, .init = set_up, .fini = tear_down);

static struct spr_options options_with(uint32_t flags)
{
    struct spr_options options = SPR_OPTIONS_INIT;
    options.flags = flags;
    options.batch_max = 5;
    return options;
}

static int apply(enum spr_action action, const char *prefix, uint32_t flags,
                 struct spr_job_report *report)
{
    struct spr_fault fault = { 0 };
    const struct spr_options options = options_with(flags);
    struct spr_plan *plan = plan_for(&spool, action, prefix);
    const int r = spr_plan_apply(plan, spool.index, &options, report, &fault);
    if (r < 0) {
        (void)fprintf(stderr, "apply: %d %s: %s\n", r, fault.subject, fault.detail);
    }
    spr_plan_free(plan);
    return r;
}

static unsigned count_lines(const char *text, const char *word)
{
    unsigned count = 0;
    for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word)) {
        count++;
    }
    return count;
}

static enum spr_job_state state_of(uint64_t number)
{
    struct spr_jobs *jobs = NULL;
    struct spr_job job = { 0 };
    cr_assert_eq(spr_jobs_open(spool.root, &jobs, NULL), 0);
    while (spr_jobs_next(jobs, &job, NULL) == 1 && job.job != number) {
    }
    spr_jobs_close(jobs);
    cr_assert_eq(job.job, number);
    return job.state;
}

Test(job, deletes_undoes_and_purges_whole_messages)
{
    struct spr_job_report report = { 0 };
    char *before = look_at_spool(&spool);

    cr_assert_eq(apply(SPR_DELETE, "deferred", 0, &report), 0);
    cr_expect_eq(report.done, 12);
    cr_expect_eq(report.skipped, 0);
    cr_expect_eq(report.batches, 3);
    char *without = look_at_spool(&spool);
    cr_expect_eq(count_lines(without, "\n"), 0, "%s", without);
    cr_expect_eq(count_slots(&spool), 12 + 12 + 4);
    cr_expect_eq(state_of(1), SPR_JOB_DONE);

    cr_assert_eq(spr_job_undo(spool.root, 1, NULL, &report, NULL), 0);
    cr_expect_eq(report.done, 12);
    char *after = look_at_spool(&spool);
    cr_expect_str_eq(after, before);
    cr_expect_eq(count_slots(&spool), 0);
    cr_expect_eq(state_of(1), SPR_JOB_UNDONE);

    cr_assert_eq(apply(SPR_DELETE, "deferred", 0, &report), 0);
    cr_expect_eq(report.job, 2);
    cr_assert_eq(spr_job_purge(spool.root, 2, NULL, &report, NULL), 0);
    cr_expect_eq(report.purged, 12);
    cr_expect_eq(count_slots(&spool), 0);
    cr_expect_eq(state_of(2), SPR_JOB_PURGED);
    cr_expect_eq(spr_job_undo(spool.root, 2, NULL, &report, NULL), SPR_E_UNABLE);
    free(before);
    free(without);
    free(after);
}

Test(job, holds_releases_and_undoes_a_hold)
{
    struct spr_job_report report = { 0 };
    char *before = look_at_spool(&spool);

    cr_assert_eq(apply(SPR_HOLD, "deferred", 0, &report), 0);
    cr_expect_eq(report.done, 12);
    char *held = look_at_spool(&spool);
    cr_expect_eq(count_lines(held, "/hold/"), 12);
    cr_expect_eq(count_lines(held, "/deferred/"), 0);

    cr_assert_eq(spr_job_undo(spool.root, 1, NULL, &report, NULL), 0);
    char *after = look_at_spool(&spool);
    cr_expect_str_eq(after, before);

    cr_assert_eq(apply(SPR_HOLD, "deferred", 0, &report), 0);
    cr_assert_eq(apply(SPR_RELEASE, "hold", 0, &report), 0);
    cr_expect_eq(report.done, 12);
    char *released = look_at_spool(&spool);
    cr_expect_str_eq(released, before);
    cr_expect_eq(spr_job_undo(spool.root, report.job, NULL, &report, NULL), SPR_E_UNABLE);
    free(before);
    free(held);
    free(after);
    free(released);
}

Test(job, purges_at_once_when_told)
{
    struct spr_job_report report = { 0 };

    cr_assert_eq(apply(SPR_DELETE, "deferred", SPR_PURGE_NOW, &report), 0);

    cr_expect_eq(report.done, 12);
    cr_expect_eq(report.purged, 12);
    cr_expect_eq(count_slots(&spool), 0);
    cr_expect_eq(state_of(1), SPR_JOB_PURGED);
}

/* A file with the same name and another inode is another message. */
Test(job, leaves_a_replaced_message_alone)
{
    struct spr_job_report report = { 0 };
    char path[TEMPORARY_PATH_MAX + 300];
    char beside[TEMPORARY_PATH_MAX + 32];
    struct spr_plan *plan = plan_for(&spool, SPR_DELETE, "deferred");
    struct spr_plan_names names;
    spr_plan_names(plan, &plan->entries[3], &names);
    (void)snprintf(path, sizeof(path), "%s/%s/%.*s", spool.root,
                   plan->folders[plan->entries[3].folder], (int)names.files[0].name.length,
                   (const char *)names.files[0].name.bytes);
    (void)snprintf(beside, sizeof(beside), "%s/beside", spool.root);
    FILE *other = fopen(beside, "w");
    (void)fputs("somebody else's mail", other);
    (void)fclose(other);
    cr_assert_eq(rename(beside, path), 0);

    cr_assert_eq(spr_plan_apply(plan, NULL, NULL, &report, NULL), 0);

    cr_expect_eq(report.done, 11);
    cr_expect_eq(report.skipped, 1);
    cr_expect_eq(access(path, F_OK), 0);
    spr_plan_free(plan);
}

/* The server moved it after it was indexed: it is found and confirmed by its head. */
Test(job, follows_a_message_to_another_queue)
{
    struct spr_job_report report = { 0 };
    char path[TEMPORARY_PATH_MAX + 300];
    char moved[TEMPORARY_PATH_MAX + 300];
    struct spr_plan *plan = plan_for(&spool, SPR_DELETE, "deferred");
    struct spr_plan_names names;
    spr_plan_names(plan, &plan->entries[0], &names);
    (void)snprintf(path, sizeof(path), "%s/%s/%.*s", spool.root,
                   plan->folders[plan->entries[0].folder], (int)names.files[0].name.length,
                   (const char *)names.files[0].name.bytes);
    (void)snprintf(moved, sizeof(moved), "%s/incoming/%.*s", spool.root,
                   (int)names.files[0].name.length, (const char *)names.files[0].name.bytes);
    cr_assert_eq(rename(path, moved), 0);

    cr_assert_eq(spr_plan_apply(plan, NULL, NULL, &report, NULL), 0);

    cr_expect_eq(report.done, 12);
    cr_expect_neq(access(moved, F_OK), 0);
    spr_plan_free(plan);
}

/* A delivery agent's lock: claimed, found busy, put back at once under the same name. */
Test(job, puts_a_busy_message_back)
{
    struct spr_job_report report = { 0 };
    char path[TEMPORARY_PATH_MAX + 300];
    struct spr_plan *plan = plan_for(&spool, SPR_DELETE, "deferred");
    struct spr_plan_names names;
    spr_plan_names(plan, &plan->entries[5], &names);
    (void)snprintf(path, sizeof(path), "%s/%s/%.*s", spool.root,
                   plan->folders[plan->entries[5].folder], (int)names.files[0].name.length,
                   (const char *)names.files[0].name.bytes);
    FILE *agent = fopen(path, "r+");
    cr_assert_eq(flock(fileno(agent), LOCK_SH | LOCK_NB), 0);

    cr_assert_eq(spr_plan_apply(plan, NULL, NULL, &report, NULL), 0);

    cr_expect_eq(report.done, 11);
    cr_expect_eq(report.skipped, 1);
    cr_expect_eq(report.first_error, SPR_E_BUSY);
    cr_expect_eq(access(path, F_OK), 0);
    (void)fclose(agent);
    spr_plan_free(plan);
}

static int stop_at_once(const struct spr_progress *progress, void *user)
{
    (void)progress;
    (void)user;
    return 1;
}

Test(job, stops_between_batches_and_resumes)
{
    struct spr_job_report report = { 0 };
    struct spr_options options = options_with(0);
    options.on_progress = stop_at_once;
    struct spr_plan *plan = plan_for(&spool, SPR_DELETE, "deferred");

    cr_assert_eq(spr_plan_apply(plan, spool.index, &options, &report, NULL), SPR_E_STOPPED);
    cr_expect_eq(state_of(1), SPR_JOB_INTERRUPTED);
    char *after = look_at_spool(&spool);
    cr_expect_eq(count_lines(after, "/deferred/"), 7);

    options.on_progress = NULL;
    cr_assert_eq(spr_job_resume(spool.root, 1, spool.index, &options, &report, NULL), 0);
    cr_expect_eq(report.done, 7);
    cr_expect_eq(state_of(1), SPR_JOB_DONE);
    cr_assert_eq(spr_job_undo(spool.root, 1, NULL, &report, NULL), 0);
    cr_expect_eq(report.done, 12);
    free(after);
    spr_plan_free(plan);
}

struct told {
    unsigned out, other;
};

static int tell(const struct spr_job_message *message, void *user)
{
    struct told *told = user;
    if (strcmp(message->outcome, "out") == 0) {
        told->out++;
    } else {
        told->other++;
    }
    return 0;
}

Test(job, tells_what_became_of_each_message)
{
    struct spr_job_report report = { 0 };
    struct told told = { 0 };
    cr_assert_eq(apply(SPR_DELETE, "deferred", 0, &report), 0);

    cr_assert_eq(spr_job_messages(spool.root, 1, tell, &told, NULL), 0);
    cr_expect_eq(told.out, 12);

    told = (struct told){ 0 };
    cr_assert_eq(spr_job_undo(spool.root, 1, NULL, &report, NULL), 0);
    cr_assert_eq(spr_job_messages(spool.root, 1, tell, &told, NULL), 0);
    cr_expect_eq(told.out, 0);
    cr_expect_eq(told.other, 12);
    cr_expect_eq(spr_job_messages(spool.root, 9, tell, &told, NULL), -ENOENT);
}

Test(job, recover_of_an_untouched_spool_makes_nothing)
{
    struct spr_job_report report = { .done = 9 };

    cr_assert_eq(spr_recover(spool.root, NULL, &report, NULL), 0);

    cr_expect_eq(report.done, 0);
    char *private_files = look_at_private(&spool);
    cr_expect_str_eq(private_files, "");
    free(private_files);
}

/* A log that the server wrote anew meanwhile stays; the old one stays in its slot. */
Test(job, undo_keeps_a_newer_log)
{
    struct spr_job_report report = { 0 };
    char path[TEMPORARY_PATH_MAX + 300];
    struct spr_plan *plan = plan_for(&spool, SPR_DELETE, "deferred");
    struct spr_plan_names names;
    spr_plan_names(plan, &plan->entries[0], &names);
    (void)snprintf(path, sizeof(path), "%s/defer/%c/%.*s", spool.root, names.files[0].name.bytes[0],
                   (int)names.files[0].name.length, (const char *)names.files[0].name.bytes);
    cr_assert_eq(spr_plan_apply(plan, NULL, NULL, &report, NULL), 0);
    FILE *log = fopen(path, "w");
    (void)fputs("newer", log);
    (void)fclose(log);

    cr_assert_eq(spr_job_undo(spool.root, 1, NULL, &report, NULL), 0);

    cr_expect_eq(report.done, 12);
    cr_expect_eq(count_slots(&spool), 1);
    struct stat meta;
    cr_assert_eq(stat(path, &meta), 0);
    cr_expect_eq(meta.st_size, 5);
    spr_plan_free(plan);
}

/* The name is taken by a stranger: the message stays in its slot, whole, and we say so. */
Test(job, undo_never_replaces_a_file)
{
    struct spr_job_report report = { 0 };
    char path[TEMPORARY_PATH_MAX + 300];
    struct spr_plan *plan = plan_for(&spool, SPR_DELETE, "deferred");
    struct spr_plan_names names;
    spr_plan_names(plan, &plan->entries[2], &names);
    (void)snprintf(path, sizeof(path), "%s/%s/%.*s", spool.root,
                   plan->folders[plan->entries[2].folder], (int)names.files[0].name.length,
                   (const char *)names.files[0].name.bytes);
    cr_assert_eq(spr_plan_apply(plan, NULL, NULL, &report, NULL), 0);
    FILE *stranger = fopen(path, "w");
    (void)fclose(stranger);

    cr_assert_eq(spr_job_undo(spool.root, 1, NULL, &report, NULL), 0);

    cr_expect_eq(report.done, 11);
    cr_expect_eq(report.stuck, 1);
    cr_expect_eq(state_of(1), SPR_JOB_STUCK);
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(spr_job_undo(spool.root, 1, NULL, &report, NULL), 0);
    cr_expect_eq(report.done, 1);
    cr_expect_eq(state_of(1), SPR_JOB_UNDONE);
    spr_plan_free(plan);
}
