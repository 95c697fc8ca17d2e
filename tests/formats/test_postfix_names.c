/*
 * Postfix: names, places, settings, steps, log lines, and how a queue directory is recognised.
 */
#include "formats/cursor.h"
#include "formats/postfix.h"
#include "tests/support/drive.h"
#include "tests/support/temporary.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#define LONG_ID "3Pt2mN2VXxznjll"

struct name {
    char text[64];
    enum spr_kind kind;
    uint64_t inode;
    int64_t created;
};

ParameterizedTestParameters(postfix_names, are_classified)
{
    static struct name names[] = {
        { "01110160C7A", SPR_KIND_PART, 0x160C7A, 0 },
        { "000000", SPR_KIND_PART, 0, 0 },
        { "FFFFFFFFFFFFFFFFFFFFF", SPR_KIND_PART, UINT64_MAX, 0 },
        { "FFFFF1FFFFFFFFFFFFFFFF", SPR_KIND_FOREIGN, 0, 0 },
        { "01110", SPR_KIND_FOREIGN, 0, 0 },
        { "01110160c7a", SPR_KIND_FOREIGN, 0, 0 },
        { "01110160C7G", SPR_KIND_FOREIGN, 0, 0 },
        { LONG_ID, SPR_KIND_PART, 0, INT64_C(1300631508353025) },
        { "3Pt2mNzzzzznjll", SPR_KIND_FOREIGN, 0, 0 },           /* microseconds beyond a second */
        { "3Pt2mN2VXxz", SPR_KIND_FOREIGN, 0, 0 },               /* no inode */
        { "3Pt2mN2VXxznjlA", SPR_KIND_FOREIGN, 0, 0 },           /* a vowel */
        { "3Pt2m2VXxznjll", SPR_KIND_FOREIGN, 0, 0 },            /* five digits of seconds */
        { "zzzzzzzzzzzzzzzz2VXxznjll", SPR_KIND_FOREIGN, 0, 0 }, /* seconds overflow */
        { "123456.789", SPR_KIND_TEMPORARY, 0, 0 },
        { "123456.", SPR_KIND_FOREIGN, 0, 0 },
        { "1.2.3", SPR_KIND_FOREIGN, 0, 0 },
        { "01110160C7A#FIX", SPR_KIND_FOREIGN, 0, 0 },
        { "README", SPR_KIND_FOREIGN, 0, 0 },
        { "", SPR_KIND_FOREIGN, 0, 0 },
    };
    return cr_make_param_array(struct name, names, sizeof(names) / sizeof(names[0]));
}

ParameterizedTest(struct name *name, postfix_names, are_classified)
{
    struct spr_key key = { 0 };

    enum spr_kind kind =
        spr_postfix_classify(NULL, SPR_POSTFIX_DEFERRED, spr_text_of(name->text), &key);

    cr_expect_eq(kind, name->kind, "%s", name->text);
    cr_expect_eq(key.inode, name->inode, "%s", name->text);
    cr_expect_eq(key.created, name->created, "%s: %lld", name->text, (long long)key.created);
    cr_expect_eq(spr_postfix_id_valid(spr_text_of(name->text)), name->kind == SPR_KIND_PART);
}

struct place {
    char id[24];
    unsigned dir;
    uint32_t depth;
    char path[64];
};

ParameterizedTestParameters(postfix_names, lead_to_their_hash_folders)
{
    static struct place places[] = {
        { "01110160C7A", SPR_POSTFIX_DEFERRED, 0, "deferred/01110160C7A" },
        { "01110160C7A", SPR_POSTFIX_DEFERRED, 1, "deferred/0/01110160C7A" },
        { "ABCDE160C7A", SPR_POSTFIX_HOLD, 3, "hold/A/B/C/ABCDE160C7A" },
        { LONG_ID, SPR_POSTFIX_DEFERRED, 1, "deferred/5/" LONG_ID },
        { LONG_ID, SPR_POSTFIX_DEFER, 4, "defer/5/6/3/0/" LONG_ID },
    };
    return cr_make_param_array(struct place, places, sizeof(places) / sizeof(places[0]));
}

ParameterizedTest(struct place *place, postfix_names, lead_to_their_hash_folders)
{
    struct spr_path path = { .length = 0 };

    cr_assert(spr_postfix_path(place->dir, place->depth, spr_text_of(place->id), &path));

    cr_expect_str_eq(path.text, place->path);
}

static struct spr_key key_of(const char *id)
{
    struct spr_key key = { .id = spr_text_of(id), .stem = spr_text_of(id) };
    return key;
}

Test(postfix_names, are_looked_for_where_the_server_looks_first)
{
    const struct spr_layout layout = {
        .hash_depth = 2,
        .hashed_dirs = 1u << SPR_POSTFIX_DEFERRED | 1u << SPR_POSTFIX_DEFER,
    };
    struct spr_key key = key_of("ABCDE160C7A");
    static const char *const first[] = { "incoming/ABCDE160C7A", "active/ABCDE160C7A",
                                         "deferred/A/B/ABCDE160C7A", "hold/ABCDE160C7A" };
    struct spr_path path = { .length = 0 };
    unsigned attempts = 0;
    char seen[32][SPR_PATH_MAX + 1];

    while (spr_postfix_locate(&layout, &key, SPR_POSTFIX_MESSAGE, attempts, &path)) {
        cr_assert_lt(attempts, 32);
        for (unsigned i = 0; i < attempts; i++) {
            cr_expect_str_neq(seen[i], path.text);
        }
        (void)snprintf(seen[attempts++], sizeof(seen[0]), "%s", path.text);
    }

    cr_expect_eq(attempts, 20);
    for (unsigned i = 0; i < 4; i++) {
        cr_expect_str_eq(seen[i], first[i]);
    }
    cr_assert(spr_postfix_locate(&layout, &key, SPR_POSTFIX_DEFER_LOG, 0, &path));
    cr_expect_str_eq(path.text, "defer/A/B/ABCDE160C7A");
    cr_assert(spr_postfix_locate(&layout, &key, SPR_POSTFIX_BOUNCE_LOG, 0, &path));
    cr_expect_str_eq(path.text, "bounce/ABCDE160C7A");
    cr_expect_not(spr_postfix_locate(&layout, &key, SPR_POSTFIX_TRACE_LOG, 5, &path));
}

Test(postfix_settings, refine_what_lies_on_disk)
{
    struct spr_layout layout = { .hash_depth = 1, .hashed_dirs = 0xff };

    spr_postfix_configure(spr_text_of("hash_queue_names = deferred, hold,defer maildrop flush"),
                          &layout);
    spr_postfix_configure(spr_text_of("hash_queue_depth = 2"), &layout);
    spr_postfix_configure(spr_text_of("hash_queue_depth = 99"), &layout);
    spr_postfix_configure(spr_text_of("queue_directory = /x"), &layout);
    spr_postfix_configure(spr_text_of(""), &layout);
    spr_postfix_configure(spr_text_of("="), &layout);

    cr_expect_eq(layout.hash_depth, 2);
    cr_expect_eq(layout.hashed_dirs,
                 1u << SPR_POSTFIX_DEFERRED | 1u << SPR_POSTFIX_HOLD | 1u << SPR_POSTFIX_DEFER);
}

/* ---- Recognition ----------------------------------------------------------------------------- */

static char root[TEMPORARY_PATH_MAX];

static void make_root(void)
{
    make_temporary(root);
}

static void drop_root(void)
{
    remove_temporary(root);
}

static void add_dir(const char *path)
{
    char full[2 * TEMPORARY_PATH_MAX];
    (void)snprintf(full, sizeof(full), "%s/%s", root, path);
    cr_assert_eq(mkdir(full, 0700), 0);
}

static void add_file(const char *path)
{
    char full[2 * TEMPORARY_PATH_MAX];
    (void)snprintf(full, sizeof(full), "%s/%s", root, path);
    FILE *file = fopen(full, "wb");
    cr_assert_not_null(file);
    (void)fclose(file); /* an empty file */
}

static struct spr_probe probe_root(void)
{
    struct spr_tree tree = drive_tree(root);
    struct spr_probe probe;
    spr_postfix_probe(&tree, &probe);
    return probe;
}

TestSuite(postfix_probe, .init = make_root, .fini = drop_root);

Test(postfix_probe, knows_a_bare_queue_by_its_names)
{
    add_dir("deferred");
    add_dir("hold");
    add_dir("hold/0");
    add_dir("hold/0/1");
    add_file("hold/0/01110160C7A");
    add_file("deferred/01110160C7B");

    struct spr_probe probe = probe_root();

    cr_expect_eq(probe.score, 75);
    cr_expect_eq(probe.layout.hash_depth, 2);
    cr_expect_eq(probe.layout.hashed_dirs, 1u << SPR_POSTFIX_HOLD);
}

Test(postfix_probe, assumes_the_defaults_for_an_empty_queue)
{
    static const char *const names[] = { "deferred", "active", "incoming", "hold" };
    for (size_t i = 0; i < 4; i++) {
        add_dir(names[i]);
    }

    struct spr_probe probe = probe_root();

    cr_expect_eq(probe.score, 40);
    cr_expect_eq(probe.layout.hash_depth, 1);
    cr_expect_eq(probe.layout.hashed_dirs, 1u << SPR_POSTFIX_DEFERRED | 1u << SPR_POSTFIX_DEFER);
}

Test(postfix_probe, takes_no_other_folder_for_a_queue)
{
    add_dir("incoming");
    add_dir("corrupt");
    add_dir("queue");
    add_file("incoming/something");

    cr_expect_eq(probe_root().score, 0);
}

/* ---- Steps ----------------------------------------------------------------------------------- */

static struct spr_target target_in(const struct spr_layout *layout, unsigned dir)
{
    return (struct spr_target){
        .layout = layout,
        .dir = dir,
        .key = key_of("ABCDE160C7A"),
        .roles_present = 1,
    };
}

static const struct spr_layout hashed = {
    .hash_depth = 1,
    .hashed_dirs = 1u << SPR_POSTFIX_DEFERRED | 1u << SPR_POSTFIX_DEFER | 1u << SPR_POSTFIX_HOLD,
};

static void expect_put(const struct spr_step *step, unsigned role, const char *path)
{
    cr_expect_eq(step->op, SPR_STEP_PUT);
    cr_expect_eq(step->role, role);
    cr_expect_str_eq(step->path.text, path);
}

Test(postfix_plan, takes_the_message_before_its_logs)
{
    struct spr_target target = target_in(&hashed, SPR_POSTFIX_DEFERRED);
    target.roles_present = 0xb; /* message, defer log, trace log */
    struct spr_steps steps;

    cr_assert(spr_postfix_plan(&target, SPR_DELETE, &steps));

    cr_assert_eq(steps.count, 3);
    cr_expect_eq(steps.step[0].role, SPR_POSTFIX_MESSAGE);
    cr_expect_eq(steps.step[1].role, SPR_POSTFIX_DEFER_LOG);
    cr_expect_eq(steps.step[2].role, SPR_POSTFIX_TRACE_LOG);
    cr_expect_eq(steps.step[2].op, SPR_STEP_TAKE);
}

Test(postfix_plan, holds_by_the_hash_rule_and_reloads_for_active)
{
    struct spr_target deferred = target_in(&hashed, SPR_POSTFIX_DEFERRED);
    struct spr_target active = target_in(&hashed, SPR_POSTFIX_ACTIVE);
    active.server_runs = true;
    struct spr_steps steps;

    cr_assert(spr_postfix_plan(&deferred, SPR_HOLD, &steps));
    cr_assert_eq(steps.count, 1);
    expect_put(&steps.step[0], SPR_POSTFIX_MESSAGE, "hold/A/ABCDE160C7A");

    cr_assert(spr_postfix_plan(&active, SPR_HOLD, &steps));
    cr_assert_eq(steps.count, 2);
    cr_expect_eq(steps.step[0].op, SPR_STEP_RELOAD);
    expect_put(&steps.step[1], SPR_POSTFIX_MESSAGE, "hold/A/ABCDE160C7A");
}

Test(postfix_plan, releases_from_hold_only_and_wakes_the_queue_manager)
{
    struct spr_target held = target_in(&hashed, SPR_POSTFIX_HOLD);
    struct spr_target deferred = target_in(&hashed, SPR_POSTFIX_DEFERRED);
    struct spr_steps steps;

    cr_assert(spr_postfix_plan(&held, SPR_RELEASE, &steps));
    cr_assert_eq(steps.count, 2);
    expect_put(&steps.step[0], SPR_POSTFIX_MESSAGE, "deferred/A/ABCDE160C7A");
    cr_expect_eq(steps.step[1].op, SPR_STEP_NOTIFY);
    cr_expect_str_eq(steps.step[1].path.text, "public/qmgr");
    cr_expect(spr_text_equal(steps.step[1].notify, "D"));
    cr_expect_not(spr_postfix_plan(&deferred, SPR_RELEASE, &steps));
}

Test(postfix_plan, restores_logs_first_and_never_into_active)
{
    struct spr_target target = target_in(&hashed, SPR_POSTFIX_ACTIVE);
    target.roles_present = 0x7;
    target.from_dir = SPR_POSTFIX_ACTIVE;
    target.from_folder = spr_text_of("active");
    target.server_runs = true;
    target.run_lives = true;
    struct spr_steps steps;

    cr_assert(spr_postfix_plan(&target, SPR_RESTORE, &steps));

    cr_assert_eq(steps.count, 4);
    expect_put(&steps.step[0], SPR_POSTFIX_DEFER_LOG, ""); /* where it was taken from */
    expect_put(&steps.step[1], SPR_POSTFIX_BOUNCE_LOG, "");
    cr_expect_eq(steps.step[2].op, SPR_STEP_RELOAD);
    expect_put(&steps.step[3], SPR_POSTFIX_MESSAGE, "deferred/A/ABCDE160C7A");
}

Test(postfix_plan, restores_to_the_very_folder_otherwise)
{
    struct spr_target target = target_in(&hashed, SPR_POSTFIX_HOLD);
    target.from_dir = SPR_POSTFIX_HOLD;
    target.from_folder = spr_text_of("hold/odd/place");
    struct spr_steps steps;

    cr_assert(spr_postfix_plan(&target, SPR_RESTORE, &steps));

    cr_assert_eq(steps.count, 1);
    expect_put(&steps.step[0], SPR_POSTFIX_MESSAGE, "");
}

struct refusal {
    unsigned dir;
    enum spr_action action;
};

ParameterizedTestParameters(postfix_plan, refuses_with_a_reason)
{
    static struct refusal refusals[] = {
        { SPR_POSTFIX_HOLD, SPR_HOLD },        { SPR_POSTFIX_MAILDROP, SPR_HOLD },
        { SPR_POSTFIX_CORRUPT, SPR_HOLD },     { SPR_POSTFIX_MAILDROP, SPR_DELETE },
        { SPR_POSTFIX_CORRUPT, SPR_DELETE },   { SPR_POSTFIX_SAVED, SPR_DELETE },
        { SPR_POSTFIX_ACTIVE, SPR_RELEASE },   { SPR_POSTFIX_MAILDROP, SPR_REQUEUE },
        { SPR_POSTFIX_INCOMING, SPR_REQUEUE }, { SPR_POSTFIX_DEFERRED, SPR_MOVE },
        { SPR_POSTFIX_DEFERRED, SPR_COPY },    { SPR_POSTFIX_DEFER, SPR_DELETE },
    };
    return cr_make_param_array(struct refusal, refusals, sizeof(refusals) / sizeof(refusals[0]));
}

ParameterizedTest(struct refusal *refusal, postfix_plan, refuses_with_a_reason)
{
    struct spr_target target = target_in(&hashed, refusal->dir);
    target.server_runs = true;
    struct spr_steps steps;

    cr_expect_not(spr_postfix_plan(&target, refusal->action, &steps), "dir %u action %d",
                  refusal->dir, refusal->action);
    cr_expect_eq(steps.count, 0);
    cr_expect_not_null(steps.refusal);
}

/* ---- Log lines ------------------------------------------------------------------------------- */

Test(postfix_log_lines, name_the_account_of_an_id)
{
    struct spr_log_event event = { 0 };
    const char *line = "Mar  4 12:34:56 mx postfix/smtpd[311]: 01110160C7A: "
                       "client=host.example[2001:db8::1], sasl_method=PLAIN, sasl_username=ann@x";

    cr_assert(spr_postfix_log_line(spr_text_of(line), &event));

    cr_expect(spr_text_equal(event.session, "01110160C7A"));
    cr_expect(spr_text_equal(event.account, "ann@x"));
    cr_expect(spr_text_equal(event.client, "2001:db8::1"));
    cr_expect(event.yearless);
    cr_expect_eq(event.time, 68560496);
}

Test(postfix_log_lines, tell_the_time_with_its_zone)
{
    struct spr_log_event event = { 0 };
    const char *line = "2026-11-24T12:00:00.123456+01:00 mx postfix/submission/smtpd[3]: " LONG_ID
                       ": client=unknown[192.0.2.1], sasl_method=LOGIN, sasl_username=bob";

    cr_assert(spr_postfix_log_line(spr_text_of(line), &event));

    cr_expect_not(event.yearless);
    cr_expect_eq(event.time, 1795518000);
}

Test(postfix_log_lines, are_skipped_without_all_their_parts)
{
    static const char *const lines[] = {
        "",
        "x smtpd[1]: 01110160C7A: client=h[1.2.3.4]",
        "x smtpd[1]: client=h[1.2.3.4], sasl_username=a",
        "x qmgr[1]: 01110160C7A: client=h[1.2.3.4], sasl_username=a",
        "x smtpd[1]: 01110160C7A: client=h[1.2.3.4], sasl_username=",
        "x smtpd[1]: nonsense: client=h[1.2.3.4], sasl_username=a",
    };
    struct spr_log_event event;

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        cr_expect_not(spr_postfix_log_line(spr_text_of(lines[i]), &event), "%s", lines[i]);
    }
}
