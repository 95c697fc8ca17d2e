#include "core/batch/steps.h"
#include "tests/support/change_spool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#define PATH_BYTES (TEMPORARY_PATH_MAX + 300)

static struct change_spool spool;
static struct spr_plan *plan;
static struct spr_change *change;
static struct spr_batch *batch;
static struct spr_wake wake;

static void build(enum spr_action action, const char *prefix, void (*meanwhile)(void))
{
    uint64_t entries[8];
    struct spr_options options = SPR_OPTIONS_INIT;
    options.flags = strcmp(spool.format->name, "imail") == 0 ? SPR_SERVER_STOPPED : 0;
    plan = plan_for(&spool, action, prefix);
    cr_assert_leq(plan->count, 8);
    for (uint32_t i = 0; i < plan->count; i++) {
        entries[i] = i;
    }
    if (meanwhile != NULL) {
        meanwhile();
    }
    cr_assert_eq(spr_change_open(spool.root, &options, &change, NULL), 0);
    cr_assert_eq(spr_change_enter(change), 0);
    cr_assert_eq(spr_change_use(change, plan->format, &plan->layout), 0);
    cr_assert_eq(spr_batch_new(&batch), 0);
    cr_assert_eq(spr_batch_place(change, 1, batch), 0);
    char *before = look_at_spool(&spool);
    const struct spr_selection selection = { plan, entries, (uint32_t)plan->count };
    cr_assert_eq(spr_steps_build(change, &selection, NULL, batch, &wake), 0);
    char *after = look_at_spool(&spool);
    cr_expect_str_eq(after, before, "building changes no file");
    free(before);
    free(after);
}

static void tear_down(void)
{
    spr_batch_free(batch);
    spr_change_end(change);
    spr_plan_free(plan);
    remove_spool(&spool);
}

TestSuite(steps, .fini = tear_down);

static void path_of(unsigned entry, char path[PATH_BYTES])
{
    struct spr_plan_names names;
    spr_plan_names(plan, &plan->entries[entry], &names);
    (void)snprintf(path, PATH_BYTES, "%s/%s/%.*s", spool.root,
                   plan->folders[plan->entries[entry].folder], (int)names.files[0].name.length,
                   (const char *)names.files[0].name.bytes);
}

static void expect_left(uint32_t message, int code)
{
    const struct spr_batch_message *left = &batch->messages[message];
    cr_expect_eq(left->fate, SPR_FATE_SKIPPED);
    cr_expect_eq(left->code, code, "%d", left->code);
    cr_assert_eq(left->file_count, 1);
    cr_expect_eq(batch->files[left->first_file].way, SPR_WAY_LEAVE);
}

Test(steps, of_a_delete_take_the_pivot_first_then_the_logs)
{
    make_postfix_spool(&spool, 3);
    build(SPR_DELETE, "deferred", NULL);

    cr_assert_eq(batch->message_count, 3);
    for (uint32_t i = 0; i < batch->file_count; i++) {
        const struct spr_batch_file *file = &batch->files[i];
        char slot[32];
        (void)snprintf(slot, sizeof(slot), "%u.%u", file->message, file->number);
        cr_expect_eq(file->way, SPR_WAY_TAKE);
        cr_expect_eq(file->to_dir, 0);
        cr_expect_str_eq(file->to, slot);
        cr_expect_eq(file->part, file->number == 0 ? SPR_PART_PIVOT : SPR_PART_OPTIONAL);
        cr_expect_neq(file->identity.inode, 0);
    }
    cr_expect_eq(batch->dirs[0].base, SPR_BASE_PRIVATE);
    cr_expect_str_eq(batch->dirs[0].path, "1/1");
}

Test(steps, of_a_pair_take_control_then_body)
{
    make_pair_spool(&spool, 3);
    build(SPR_DELETE, "", NULL);

    cr_assert_eq(batch->file_count, 6);
    for (uint32_t i = 0; i < batch->file_count; i++) {
        const struct spr_batch_file *file = &batch->files[i];
        const char *letters = file->number == 0 ? "Qq" : "Dd";
        cr_expect_eq(file->part, file->number == 0 ? SPR_PART_PIVOT : SPR_PART_SUPPORT);
        cr_expect_not_null(strchr(letters, file->from[0]), "%s", file->from);
    }
}

Test(steps, of_a_hold_put_into_the_hold_queue)
{
    make_postfix_spool(&spool, 2);
    build(SPR_HOLD, "deferred", NULL);

    cr_assert_eq(batch->file_count, 2);
    for (uint32_t i = 0; i < batch->file_count; i++) {
        cr_expect_eq(batch->files[i].way, SPR_WAY_PUT);
        cr_expect_str_eq(batch->dirs[batch->files[i].to_dir].path, "hold");
        cr_expect_str_eq(batch->files[i].to, batch->files[i].from);
    }
}

static void remove_second(void)
{
    char path[PATH_BYTES];
    path_of(1, path);
    cr_assert_eq(unlink(path), 0);
}

Test(steps, leave_a_message_that_is_gone)
{
    make_postfix_spool(&spool, 3);
    build(SPR_DELETE, "deferred", remove_second);

    cr_assert_eq(batch->message_count, 3);
    expect_left(1, -ENOENT);
    cr_expect_eq(batch->messages[0].fate, SPR_FATE_OUT);
    cr_expect_eq(batch->messages[2].fate, SPR_FATE_OUT);
}

static void link_second(void)
{
    char path[PATH_BYTES];
    char other[PATH_BYTES];
    path_of(1, path);
    (void)snprintf(other, sizeof(other), "%s/other", spool.outside);
    cr_assert_eq(link(path, other), 0);
}

Test(steps, leave_a_message_with_another_hard_link)
{
    make_postfix_spool(&spool, 3);
    build(SPR_DELETE, "deferred", link_second);

    expect_left(1, -EMLINK);
}

static void open_second(void)
{
    char path[PATH_BYTES];
    path_of(1, path);
    cr_assert_eq(chmod(path, 0600), 0); /* without the execute bit it is still arriving */
}

Test(steps, leave_a_message_that_is_arriving)
{
    make_postfix_spool(&spool, 3);
    build(SPR_DELETE, "deferred", open_second);

    expect_left(1, -EAGAIN);
}

static void lose_a_body(void)
{
    char path[PATH_BYTES];
    struct spr_plan_names names;
    spr_plan_names(plan, &plan->entries[1], &names);
    cr_assert_eq(names.count, 2);
    (void)snprintf(path, sizeof(path), "%s/%.*s", spool.root, (int)names.files[1].name.length,
                   (const char *)names.files[1].name.bytes);
    cr_assert_eq(unlink(path), 0);
}

Test(steps, leave_a_pair_that_lost_its_body)
{
    make_pair_spool(&spool, 3);
    build(SPR_DELETE, "", lose_a_body);

    expect_left(1, SPR_E_CHANGED);
}
