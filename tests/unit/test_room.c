/*
 * A full disk: what goes for good, what is told of it, and what stays. mkdirat stands for the disk:
 * the private folder is the first thing that needs room.
 */
#include "core/batch/job.h"
#include "core/batch/make_room.h"
#include "core/batch/reserve.h"
#include "io/dirents.h"
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

#define MESSAGES 200

static struct change_spool spool;
static struct spr_plan *plan;
static struct spr_job_report report;
static struct spr_fault fault;

static void make_plan(const char *prefix)
{
    plan = plan_for(&spool, SPR_DELETE, prefix);
    plan->purge_at_most = plan->count;
}

static void set_up(void)
{
    make_postfix_spool(&spool, MESSAGES);
    make_plan("");
}

static void tear_down(void)
{
    spr_faulty_stop();
    spr_plan_free(plan);
    remove_spool(&spool);
}

TestSuite(room, .init = set_up, .fini = tear_down);

/* The first so many folders cannot be made; 0: none ever. */
static int apply_on_full_disk(unsigned refusals, uint32_t flags)
{
    struct spr_options options = SPR_OPTIONS_INIT;
    options.flags = flags;
    struct spr_fault_rule rules[4];
    const uint32_t count = refusals == 0 ? 1 : refusals;
    for (uint32_t i = 0; i < count; i++) {
        rules[i] = (struct spr_fault_rule){
            .site = "mkdirat", .nth = i + 1, .onwards = refusals == 0, .error = ENOSPC
        };
    }
    spr_faulty_start(rules, count);
    const int r = spr_plan_apply(plan, spool.index, &options, &report, &fault);
    spr_faulty_stop();
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

static unsigned count_messages(const char *queue)
{
    char word[32];
    char *look = look_at_spool(&spool);
    (void)snprintf(word, sizeof(word), "/%s/", queue);
    const unsigned count = count_lines(look, word);
    free(look);
    return count;
}

static int count_purged(const struct spr_job_message *message, void *user)
{
    unsigned *count = user;
    *count += strcmp(message->outcome, "purged") == 0 && message->path.length > 0 ? 1 : 0;
    return 0;
}

Test(room, makes_the_private_folder_from_the_first_messages)
{
    unsigned told = 0;

    cr_assert_eq(apply_on_full_disk(2, 0), 0, "%s", fault.detail);

    cr_expect_eq(report.done, MESSAGES);
    cr_expect_eq(report.purged, 2 * SPR_ROOM_MESSAGES);
    cr_expect_eq(count_messages("deferred"), 0);
    cr_expect_eq(count_messages("defer"), 0); /* their logs too */
    cr_assert_eq(spr_job_messages(spool.root, report.job, count_purged, &told, NULL), 0);
    cr_expect_eq(told, 2 * SPR_ROOM_MESSAGES);

    cr_assert_eq(spr_job_undo(spool.root, report.job, NULL, &report, NULL), 0);
    cr_expect_eq(report.done, MESSAGES - 2 * SPR_ROOM_MESSAGES);
    cr_expect_eq(count_messages("deferred"), MESSAGES - 2 * SPR_ROOM_MESSAGES);
}

Test(room, keeps_to_what_the_preview_said)
{
    plan->purge_at_most = 10;

    cr_assert_eq(apply_on_full_disk(1, 0), 0, "%s", fault.detail);

    cr_expect_eq(report.purged, 10);
    cr_expect_eq(count_slots(&spool) > 0, true);
}

Test(room, gives_up_soon_where_it_does_not_help_and_says_what_went)
{
    cr_assert_eq(apply_on_full_disk(0, 0), -ENOSPC);

    const unsigned left = count_messages("deferred");
    char number[32];
    (void)snprintf(number, sizeof(number), " %u messages", MESSAGES - left);
    cr_expect(left < MESSAGES);
    cr_expect_neq(strstr(fault.detail, number), NULL, "%s", fault.detail);
}

Test(room, nothing_goes_when_undo_is_kept)
{
    char *before = look_at_spool(&spool);

    cr_expect_eq(apply_on_full_disk(0, SPR_KEEP_UNDO), SPR_E_UNABLE);

    char *after = look_at_spool(&spool);
    cr_expect_str_eq(after, before);
    free(before);
    free(after);
}

Test(room, nothing_goes_for_a_hold)
{
    char *before = look_at_spool(&spool);
    spr_plan_free(plan);
    plan = plan_for(&spool, SPR_HOLD, "deferred");
    plan->purge_at_most = plan->count;

    cr_expect_eq(apply_on_full_disk(0, 0), -ENOSPC);

    char *after = look_at_spool(&spool);
    cr_expect_str_eq(after, before);
    free(before);
    free(after);
}

static int open_message(uint64_t entry)
{
    char path[TEMPORARY_PATH_MAX + 300];
    struct spr_plan_names names;
    spr_plan_names(plan, &plan->entries[entry], &names);
    (void)snprintf(path, sizeof(path), "%s/%s/%.*s", spool.root,
                   plan->folders[plan->entries[entry].folder], (int)names.files[0].name.length,
                   (const char *)names.files[0].name.bytes);
    return open(path, O_RDONLY | O_CLOEXEC);
}

Test(room, a_message_that_is_being_delivered_stays)
{
    const int fd = open_message(0);
    cr_assert(fd >= 0 && flock(fd, LOCK_SH) == 0);

    cr_assert_eq(apply_on_full_disk(1, 0), 0, "%s", fault.detail);

    cr_expect_eq(report.purged, SPR_ROOM_MESSAGES - 1);
    cr_expect_eq(report.done, MESSAGES - 1);
    cr_expect_eq(count_messages("deferred"), 1);
    (void)close(fd);
}

/* A file with the same name and another inode is another message. */
Test(room, a_replaced_message_stays)
{
    char path[TEMPORARY_PATH_MAX + 300];
    char beside[TEMPORARY_PATH_MAX + 32];
    struct spr_plan_names names;
    spr_plan_names(plan, &plan->entries[0], &names);
    (void)snprintf(path, sizeof(path), "%s/%s/%.*s", spool.root,
                   plan->folders[plan->entries[0].folder], (int)names.files[0].name.length,
                   (const char *)names.files[0].name.bytes);
    (void)snprintf(beside, sizeof(beside), "%s/beside", spool.outside);
    FILE *file = fopen(beside, "w");
    cr_assert(file != NULL && fputs("another", file) >= 0 && fclose(file) == 0);
    cr_assert_eq(chmod(beside, 0700), 0);
    cr_assert_eq(rename(beside, path), 0);

    cr_assert_eq(apply_on_full_disk(1, 0), 0, "%s", fault.detail);

    cr_expect_eq(report.purged, SPR_ROOM_MESSAGES - 1);
    cr_expect_eq(access(path, F_OK), 0);
}

/* While the server runs, what it will take up at any moment makes no room; it is claimed later. */
Test(room, a_running_server_keeps_what_it_is_about_to_take)
{
    char path[TEMPORARY_PATH_MAX + 64];
    char arriving[256];
    spr_plan_free(plan);
    for (unsigned i = 0; i < 70; i++) {
        add_postfix_message(&spool, "incoming", arriving);
    }
    make_plan("incoming");
    (void)snprintf(path, sizeof(path), "%s/pid", spool.root);
    (void)mkdir(path, 0755); /* may be there */
    (void)snprintf(path, sizeof(path), "%s/pid/master.pid", spool.root);
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    cr_assert(fd >= 0 && flock(fd, LOCK_EX) == 0);

    cr_expect_eq(apply_on_full_disk(0, 0), -ENOSPC);

    cr_expect_eq(count_messages("incoming"), 70);
    (void)close(fd);
}

static uint64_t reserve_size(const struct spr_private *place)
{
    struct spr_io_meta meta;
    const int r = spr_meta_at(place->fd, "reserve", &meta);
    return r == 0 ? meta.size : 0;
}

Test(room, the_reserve_is_ensured_and_dropped_with_its_spares)
{
    struct spr_private *place = NULL;
    struct spr_io_meta meta;
    const struct spr_fault_rule full = {
        .site = "fallocate", .nth = 1, .onwards = true, .error = ENOSPC
    };
    cr_assert_eq(spr_private_open(spool.root, true, &place, NULL), 0);

    cr_expect_eq(spr_reserve_ensure(place, 100000), 0);
    cr_expect_eq(reserve_size(place), 100000);
    cr_expect_eq(spr_reserve_ensure(place, 5000), 0);
    cr_expect_eq(reserve_size(place), 100000);
    spr_faulty_start(&full, 1);
    cr_expect_eq(spr_reserve_ensure(place, 200000), -ENOSPC);
    spr_faulty_stop();
    cr_expect_eq(reserve_size(place), 100000);
    cr_expect_eq(spr_meta_at(place->fd, "spare-3", &meta), 0);

    cr_expect_eq(spr_reserve_drop(place), 1);
    cr_expect_eq(spr_meta_at(place->fd, "spare-3", &meta), -ENOENT);
    cr_expect_eq(spr_reserve_drop(place), 0);
    spr_private_close(place);
}
