/*
 * What the owner of the mail can do to a job: files kept open, folders swapped, names taken in
 * between. Nothing may be lost, nothing may become unable to be undone, and nothing be passed over
 * in silence.
 */
#include "core/batch/job.h"
#include "io/calls.h"
#include "tests/support/change_spool.h"
#include "tests/support/faulty_io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#define PATH_BYTES (TEMPORARY_PATH_MAX + 300)

static struct change_spool spool;
static struct spr_plan *plan;

static void set_up(void)
{
    make_postfix_spool(&spool, 6);
    plan = plan_for(&spool, SPR_DELETE, "deferred");
}

static void tear_down(void)
{
    spr_plan_free(plan);
    spr_calls_set(NULL);
    remove_spool(&spool);
}

TestSuite(job_hostile, .init = set_up, .fini = tear_down);

static void path_of(unsigned entry, char path[PATH_BYTES])
{
    struct spr_plan_names names;
    spr_plan_names(plan, &plan->entries[entry], &names);
    (void)snprintf(path, PATH_BYTES, "%s/%s/%.*s", spool.root,
                   plan->folders[plan->entries[entry].folder], (int)names.files[0].name.length,
                   (const char *)names.files[0].name.bytes);
}

static enum spr_job_state state_of(uint64_t number)
{
    struct spr_jobs *jobs = NULL;
    struct spr_job job = { 0 };
    cr_assert_eq(spr_jobs_open(spool.root, &jobs, NULL), 0);
    while (spr_jobs_next(jobs, &job, NULL) == 1 && job.job != number) {
    }
    spr_jobs_close(jobs);
    return job.state;
}

static int open_first(void)
{
    char path[PATH_BYTES];
    path_of(0, path);
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    cr_assert_geq(fd, 0);
    return fd;
}

/* Whoever had the file open goes on writing in the trash. */
Test(job_hostile, undo_brings_back_what_is_written_in_the_trash)
{
    struct spr_job_report report = { 0 };
    char path[PATH_BYTES];
    path_of(0, path);
    const int fd = open_first();
    cr_assert_eq(spr_plan_apply(plan, NULL, NULL, &report, NULL), 0);
    cr_assert_eq(report.done, 6);
    cr_assert_eq(pwrite(fd, "!", 1, 3000), 1);
    cr_assert_eq(fchmod(fd, 0640), 0);

    cr_assert_eq(spr_job_undo(spool.root, 1, NULL, &report, NULL), 0);

    cr_expect_eq(report.done, 6);
    cr_expect_eq(state_of(1), SPR_JOB_UNDONE);
    cr_expect_eq(access(path, F_OK), 0);
    cr_expect_eq(count_slots(&spool), 0);
    (void)close(fd);
}

Test(job_hostile, purge_frees_what_is_written_in_the_trash)
{
    struct spr_job_report report = { 0 };
    const int fd = open_first();
    cr_assert_eq(spr_plan_apply(plan, NULL, NULL, &report, NULL), 0);
    cr_assert_eq(pwrite(fd, "!", 1, 3000), 1);

    cr_assert_eq(spr_job_purge(spool.root, 1, NULL, &report, NULL), 0);

    cr_expect_eq(report.purged, 6);
    cr_expect_eq(state_of(1), SPR_JOB_PURGED);
    cr_expect_eq(count_slots(&spool), 0);
    (void)close(fd);
}

/* A held message lies in the server's sight: what is another file there now is told, not passed
 * over. */
Test(job_hostile, undo_of_a_hold_tells_of_a_replaced_file)
{
    struct spr_job_report report = { 0 };
    char path[PATH_BYTES];
    char held[PATH_BYTES];
    path_of(0, path);
    (void)snprintf(held, sizeof(held), "%s/hold/%s", spool.root, strrchr(path, '/') + 1);
    spr_plan_free(plan);
    plan = plan_for(&spool, SPR_HOLD, "deferred");
    cr_assert_eq(spr_plan_apply(plan, NULL, NULL, &report, NULL), 0);
    cr_assert_eq(report.done, 6);
    FILE *other = fopen(path, "w");
    (void)fclose(other);
    cr_assert_eq(rename(path, held), 0);

    cr_assert_eq(spr_job_undo(spool.root, 1, NULL, &report, NULL), 0);

    cr_expect_eq(report.done, 5);
    cr_expect_eq(report.stuck, 1);
    cr_expect_eq(state_of(1), SPR_JOB_STUCK);
}

/* One folder swapped for a link stops only the messages of that folder. */
Test(job_hostile, undo_goes_on_beside_a_swapped_folder)
{
    struct spr_job_report report = { 0 };
    char path[PATH_BYTES];
    char aside[PATH_BYTES];
    path_of(0, path);
    cr_assert_eq(spr_plan_apply(plan, NULL, NULL, &report, NULL), 0);
    *strrchr(path, '/') = '\0';
    (void)snprintf(aside, sizeof(aside), "%s/aside", spool.root);
    for (unsigned time = 1; time <= 2; time++) {
        cr_assert_eq(rename(path, aside), 0);
        cr_assert_eq(symlink(spool.index, path), 0);

        cr_assert_eq(spr_job_undo(spool.root, 1, NULL, &report, NULL), 0);
        cr_expect_eq(report.done, time == 1 ? 5 : 0, "time %u: %lu", time, report.done);
        cr_expect_eq(report.stuck, 1);

        cr_assert_eq(unlink(path), 0);
        cr_assert_eq(rename(aside, path), 0);
    }
    cr_assert_eq(spr_job_undo(spool.root, 1, NULL, &report, NULL), 0);
    cr_expect_eq(report.done, 1);
    cr_expect_eq(state_of(1), SPR_JOB_UNDONE);
}

/* ---- A name taken between claim and return --------------------------------------------------- */

static struct spr_calls racing;
static const char *raced_path;

static int rename_and_race(int from_fd, const char *from, int to_fd, const char *to, uint32_t flags)
{
    const int r = spr_calls_plain()->renameat2(from_fd, from, to_fd, to, flags);
    if (r == 0 && strcmp(from, strrchr(raced_path, '/') + 1) == 0) {
        const int fd = open(raced_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
        if (fd >= 0) {
            (void)close(fd);
        }
    }
    return r;
}

/* Busy, and its name taken: it can neither go nor come back. A purge leaves it, and says so. */
Test(job_hostile, what_is_stuck_outlives_a_purge)
{
    struct spr_job_report report = { 0 };
    char path[PATH_BYTES];
    path_of(0, path);
    raced_path = path;
    const int fd = open_first();
    cr_assert_eq(flock(fd, LOCK_SH | LOCK_NB), 0);
    racing = *spr_calls_plain();
    racing.renameat2 = rename_and_race;
    spr_calls_set(&racing);
    cr_assert_eq(spr_plan_apply(plan, NULL, NULL, &report, NULL), 0);
    spr_calls_set(NULL);
    cr_assert_eq(report.done, 5);
    cr_assert_eq(report.stuck, 1);
    (void)close(fd);

    cr_assert_eq(spr_job_purge(spool.root, 1, NULL, &report, NULL), 0);
    cr_expect_eq(report.purged, 5);
    cr_expect_eq(report.stuck, 1);
    cr_expect_eq(state_of(1), SPR_JOB_STUCK);

    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(spr_job_undo(spool.root, 1, NULL, &report, NULL), 0);
    cr_expect_eq(report.done, 1);
    cr_expect_eq(count_slots(&spool), 0);
    cr_expect_eq(state_of(1), SPR_JOB_PURGED);
    struct stat meta;
    cr_assert_eq(stat(path, &meta), 0);
    cr_expect_eq(meta.st_ino, plan->entries[0].inode);
}

/* ---- A folder put in the place of a new one -------------------------------------------------- */

static char swapped_from[PATH_BYTES];
static char swapped_to[PATH_BYTES];

static int make_and_swap(int dir_fd, const char *name, uint32_t mode)
{
    const int r = spr_calls_plain()->mkdirat(dir_fd, name, mode);
    if (r == 0 && rmdir(swapped_to) == 0) {
        (void)rename(swapped_from, swapped_to);
    }
    return r;
}

/* The owner of the spool has ours given away: it must keep its mode. */
Test(job_hostile, undo_gives_no_folder_away_but_its_own)
{
    struct spr_job_report report = { 0 };
    char path[PATH_BYTES];
    char inner[PATH_BYTES + 8];
    path_of(0, path);
    *strrchr(path, '/') = '\0';
    cr_assert_eq(spr_plan_apply(plan, NULL, NULL, &report, NULL), 0);
    cr_assert_eq(rmdir(path), 0);
    (void)snprintf(swapped_to, sizeof(swapped_to), "%s", path);
    (void)snprintf(swapped_from, sizeof(swapped_from), "%s/precious", spool.root);
    (void)snprintf(inner, sizeof(inner), "%s/inner", swapped_from);
    cr_assert_eq(mkdir(swapped_from, 0700), 0);
    cr_assert_eq(mkdir(inner, 0700), 0);
    racing = *spr_calls_plain();
    racing.mkdirat = make_and_swap;
    spr_calls_set(&racing);

    cr_assert_eq(spr_job_undo(spool.root, 1, NULL, &report, NULL), 0);

    spr_calls_set(NULL);
    struct stat meta;
    cr_assert_eq(stat(swapped_to, &meta), 0);
    cr_expect_eq(meta.st_mode & 07777, 0700, "%o", meta.st_mode);
    cr_expect_eq(report.done, 5);
    cr_expect_eq(report.stuck, 1);
}

/* ---- Plans of other jobs --------------------------------------------------------------------- */

static int stop_at_once(const struct spr_progress *progress, void *user)
{
    (void)progress;
    (void)user;
    return 1;
}

/* The private folder was removed, and numbers begin again: an old copy is no plan for the new job.
 */
Test(job_hostile, resume_takes_no_plan_of_another_job)
{
    struct spr_job_report report = { 0 };
    struct spr_options options = SPR_OPTIONS_INIT;
    char copy[PATH_BYTES];
    options.batch_max = 2;
    options.on_progress = stop_at_once;
    cr_assert_eq(spr_plan_apply(plan, NULL, &options, &report, NULL), SPR_E_STOPPED);
    (void)snprintf(copy, sizeof(copy), "%s/plan-1", spool.index);
    struct spr_plan *other = plan_for(&spool, SPR_DELETE, "deferred");
    free(other->command);
    other->command = strdup("delete sender:somebody@else.test");
    const int fd = open(copy, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    cr_assert_eq(spr_plan_save(other, fd, NULL), 0);
    (void)close(fd);
    spr_plan_free(other);
    options.on_progress = NULL;
    const unsigned slots = count_slots(&spool);

    cr_assert_eq(spr_job_resume(spool.root, 1, spool.index, &options, &report, NULL), 0);

    cr_expect_eq(report.done, 0);
    cr_expect_eq(report.skipped, 4);
    cr_expect_eq(count_slots(&spool), slots);
}

/* A link where the server's lock should be tells nothing about the server, and blocks nothing when
 * the operator does. */
Test(job_hostile, a_link_for_the_lock_blocks_no_undo)
{
    struct spr_job_report report = { 0 };
    struct spr_options options = SPR_OPTIONS_INIT;
    char pid[PATH_BYTES];
    cr_assert_eq(spr_plan_apply(plan, NULL, NULL, &report, NULL), 0);
    (void)snprintf(pid, sizeof(pid), "%s/pid", spool.root);
    cr_assert_eq(rmdir(pid), 0);
    cr_assert_eq(symlink("hold", pid), 0);

    cr_expect_eq(spr_job_undo(spool.root, 1, NULL, &report, NULL), SPR_E_UNABLE);
    options.flags = SPR_SERVER_STOPPED;
    cr_expect_eq(spr_job_undo(spool.root, 1, &options, &report, NULL), 0);
    cr_expect_eq(report.done, 6);
}

/* A purge that was cut short is finished later: the job tells all that went, not the last part. */
Test(job_hostile, a_purge_in_two_parts_tells_of_both)
{
    struct spr_job_report report = { 0 };
    struct spr_jobs *jobs = NULL;
    struct spr_job job = { 0 };
    const struct spr_fault_rule cut = { .site = "unlinkat", .nth = 7, .error = EIO };
    cr_assert_eq(spr_plan_apply(plan, NULL, NULL, &report, NULL), 0);
    spr_faulty_start(&cut, 1);
    cr_assert_eq(spr_job_purge(spool.root, 1, NULL, &report, NULL), -EIO);
    cr_assert_eq(spr_faulty_hits(), 1);
    spr_faulty_stop();

    cr_assert_eq(spr_recover(spool.root, NULL, &report, NULL), 0);

    cr_expect_eq(count_slots(&spool), 0);
    cr_assert_eq(spr_jobs_open(spool.root, &jobs, NULL), 0);
    cr_assert_eq(spr_jobs_next(jobs, &job, NULL), 1);
    cr_expect_eq(job.purged, 6);
    spr_jobs_close(jobs);
}
