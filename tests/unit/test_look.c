#include "core/batch/job.h"
#include "core/batch/look.h"
#include "core/batch/steps.h"
#include "formats/postfix.h"
#include "io/dirents.h"
#include "tests/support/change_spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#define MESSAGES   6
#define PATH_BYTES (TEMPORARY_PATH_MAX + 300)

static struct change_spool spool;
static struct spr_plan *plan;
static struct spr_change *change;
static struct spr_look *look;
static uint64_t entries[MESSAGES];
static struct spr_selection selection;

static void begin(const char *prefix, uint32_t workers)
{
    struct spr_options options = SPR_OPTIONS_INIT;
    options.workers = workers;
    plan = plan_for(&spool, SPR_DELETE, prefix);
    cr_assert(plan->count > 0 && plan->count <= MESSAGES);
    for (uint32_t i = 0; i < plan->count; i++) {
        entries[i] = i;
    }
    selection = (struct spr_selection){ plan, entries, (uint32_t)plan->count };
    cr_assert_eq(spr_change_open(spool.root, &options, &change, NULL), 0);
    cr_assert_eq(spr_change_enter(change), 0);
    cr_assert_eq(spr_change_use(change, plan->format, &plan->layout), 0);
    look = spr_look_begin(change, &selection);
}

static void tear_down(void)
{
    spr_look_free(look);
    spr_change_end(change);
    spr_plan_free(plan);
    remove_spool(&spool);
}

TestSuite(look, .fini = tear_down);

static void path_of(unsigned entry, char path[PATH_BYTES])
{
    struct spr_plan_names names;
    spr_plan_names(plan, &plan->entries[entry], &names);
    (void)snprintf(path, PATH_BYTES, "%s/%.*s", plan->folders[plan->entries[entry].folder],
                   (int)names.files[0].name.length, (const char *)names.files[0].name.bytes);
}

static struct spr_identity identity_of(const char *path)
{
    const char *name = NULL;
    struct spr_identity identity;
    const int fd = spr_dir_open_of(change->place->root_fd, path, &name);
    cr_assert_eq(spr_identity_at(fd, name, &identity), 0, "%s", path);
    close(fd);
    return identity;
}

Test(look, sees_what_is_there_and_what_is_not)
{
    make_postfix_spool(&spool, MESSAGES);
    begin("deferred", 3);
    spr_look_wait(look);

    unsigned bounced = 0;
    for (uint32_t i = 0; i < MESSAGES; i++) {
        char path[PATH_BYTES];
        path_of(i, path);
        const struct spr_identity is = identity_of(path);
        const struct spr_sight pivot = spr_look_sight(look, i, SPR_POSTFIX_MESSAGE);
        const struct spr_sight bounce = spr_look_sight(look, i, SPR_POSTFIX_BOUNCE_LOG);
        cr_assert_eq(pivot.seen, SPR_SEEN_FILE);
        cr_expect(spr_identity_equal(pivot.identity, &is, true));
        cr_expect_eq(spr_look_sight(look, i, SPR_POSTFIX_DEFER_LOG).seen, SPR_SEEN_FILE);
        cr_expect_eq(spr_look_sight(look, i, SPR_POSTFIX_TRACE_LOG).seen, SPR_SEEN_ABSENT);
        cr_expect_neq(bounce.seen, SPR_SEEN_NOTHING);
        bounced += bounce.seen == SPR_SEEN_FILE ? 1 : 0;
    }
    cr_expect_eq(bounced, MESSAGES / 3);
}

Test(look, leaves_what_the_server_has_in_memory_to_the_builder)
{
    char path[256];
    make_postfix_spool(&spool, 1);
    add_postfix_message(&spool, "active", path);
    begin("active", 2);
    spr_look_wait(look);

    cr_expect_eq(spr_look_sight(look, 0, SPR_POSTFIX_MESSAGE).seen, SPR_SEEN_NOTHING);
    cr_expect_eq(spr_look_sight(look, 0, SPR_POSTFIX_DEFER_LOG).seen, SPR_SEEN_NOTHING);
}

Test(look, does_not_begin_for_few_messages_or_one_worker)
{
    make_postfix_spool(&spool, 2);
    begin("deferred", 0);
    cr_expect_null(look);
    change->options.workers = 1;
    cr_expect_null(spr_look_begin(change, &selection));

    spr_look_wait(NULL);
    cr_expect_eq(spr_look_sight(NULL, 0, 0).seen, SPR_SEEN_NOTHING);
    cr_expect_not(spr_look_covers(NULL, &selection));
}

Test(look, covers_what_it_begins_with)
{
    make_postfix_spool(&spool, 4);
    begin("deferred", 2);
    struct spr_selection less = selection;
    struct spr_selection later = selection;
    less.count--;
    later.entries++;
    later.count--;

    cr_expect(spr_look_covers(look, &selection));
    cr_expect(spr_look_covers(look, &less));
    cr_expect_not(spr_look_covers(look, &later));
}

/* The message goes elsewhere between the look and the batch: it is passed over, to be tried anew.
 */
Test(look, decides_nothing)
{
    struct spr_batch *batch = NULL;
    struct spr_wake wake = { .path = "" };
    char path[PATH_BYTES];
    make_postfix_spool(&spool, 3);
    begin("deferred", 2);
    spr_look_wait(look);
    path_of(1, path);
    cr_assert_eq(renameat(change->place->root_fd, path, change->place->root_fd, "moved"), 0);
    char *before = look_at_spool(&spool);

    struct spr_ledger_job job = { .job = 1, .format = plan->format };
    cr_assert_eq(spr_ledger_add_job(change->ledger, &job), 0);
    cr_assert_eq(spr_batch_new(&batch), 0);
    cr_assert_eq(spr_batch_place(change, 1, batch), 0);
    cr_assert_eq(spr_steps_build(change, &selection, look, batch, &wake), 0);
    cr_assert_eq(spr_batch_run(change, batch, &wake, false), 0);

    cr_expect_eq(batch->messages[0].fate, SPR_FATE_OUT);
    cr_expect_eq(batch->messages[1].fate, SPR_FATE_SKIPPED);
    cr_expect(spr_fate_may_pass(&batch->messages[1]));
    cr_expect_eq(batch->messages[2].fate, SPR_FATE_OUT);
    cr_expect_not_null(strstr(before, "/moved "));
    char *after = look_at_spool(&spool);
    cr_expect_not_null(strstr(after, "/moved "));
    free(before);
    free(after);
    spr_batch_free(batch);
}

/* The server had it before the look, and takes it on and writes a log after it: what the look did
 * not find says nothing about the place where the message is now. */
Test(look, believes_no_absence_of_a_message_that_went_elsewhere)
{
    struct spr_batch *batch = NULL;
    struct spr_wake wake = { .path = "" };
    char path[PATH_BYTES];
    char log[PATH_BYTES];
    make_postfix_spool(&spool, 1);
    begin("deferred", 2);
    spr_look_free(look);
    path_of(0, path);
    const int root_fd = change->place->root_fd;
    cr_assert_eq(utimensat(root_fd, path, NULL, 0), 0);
    look = spr_look_begin(change, &selection);
    spr_look_wait(look);
    cr_assert_eq(spr_look_sight(look, 0, SPR_POSTFIX_TRACE_LOG).seen, SPR_SEEN_ABSENT);
    (void)mkdirat(root_fd, "incoming", 0700); /* may be there */
    (void)mkdirat(root_fd, "trace", 0700);
    const char *id = strrchr(path, '/') + 1;
    (void)snprintf(log, sizeof(log), "trace/%s", id);
    close(openat(root_fd, log, O_CREAT | O_WRONLY, 0600));
    (void)snprintf(log, sizeof(log), "incoming/%s", id);
    cr_assert_eq(renameat(root_fd, path, root_fd, log), 0);

    struct spr_ledger_job job = { .job = 1, .format = plan->format };
    cr_assert_eq(spr_ledger_add_job(change->ledger, &job), 0);
    cr_assert_eq(spr_batch_new(&batch), 0);
    cr_assert_eq(spr_batch_place(change, 1, batch), 0);
    cr_assert_eq(spr_steps_build(change, &selection, look, batch, &wake), 0);

    cr_assert_eq(batch->message_count, 1);
    bool has_log = false;
    for (uint32_t i = 0; i < batch->messages[0].file_count; i++) {
        const struct spr_batch_file *file = &batch->files[batch->messages[0].first_file + i];
        has_log = has_log || strcmp(batch->dirs[file->from_dir].path, "trace") == 0;
    }
    cr_expect(has_log);
    spr_batch_free(batch);
}

Test(look, ends_wherever_it_is)
{
    make_postfix_spool(&spool, MESSAGES);
    begin("deferred", 4);
    spr_look_free(look);
    look = spr_look_begin(change, &selection);
    cr_expect_not_null(look);
}

/* Batch after batch, each looked at while the one before is moved. */
Test(look, ahead_of_every_batch_of_a_job)
{
    struct spr_job_report report;
    make_postfix_spool(&spool, MESSAGES);
    char *before = look_at_spool(&spool);
    struct spr_options options = SPR_OPTIONS_INIT;
    options.workers = 2;
    options.batch_max = 2;
    plan = plan_for(&spool, SPR_DELETE, "");

    cr_assert_eq(spr_plan_apply(plan, spool.index, &options, &report, NULL), 0);
    cr_expect_eq(report.done, MESSAGES);
    cr_expect_eq(report.batches, MESSAGES / 2);
    cr_expect_eq(count_slots(&spool), MESSAGES * 2 + MESSAGES / 3);
    cr_assert_eq(spr_job_undo(spool.root, 1, &options, &report, NULL), 0);
    char *after = look_at_spool(&spool);
    cr_expect_str_eq(after, before);
    free(before);
    free(after);
}
