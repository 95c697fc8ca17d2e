/*
 * IMail: every case of the fixtures against its golden rendering, and what a tree of files cannot
 * show: ages of locks, names, log lines, steps.
 */
#include "tests/support/drive.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#define FROZEN 1300091213

struct fixture {
    char name[40];
    size_t messages;
};

ParameterizedTestParameters(imail, reads_the_fixture_as_agreed)
{
    static struct fixture fixtures[] = {
        { "vector", 1 },
        { "archiving-is-no-account", 2 },
        { "lines-are-not-kinds", 1 },
        { "moved-path", 3 },
        { "account-forms", 3 },
        { "client-words", 1 },
        { "brackets", 1 },
        { "many-recipients", 1 },
        { "unix-lines", 1 },
        { "locks", 2 },
        { "arriving", 2 },
        { "filtering", 1 },
        { "orphans", 2 },
        { "bounces", 3 },
        { "held", 3 },
        { "short-stems", 1 },
        { "other-files", 1 },
        { "unknown-letters", 1 },
    };
    return cr_make_param_array(struct fixture, fixtures, sizeof(fixtures) / sizeof(fixtures[0]));
}

ParameterizedTest(struct fixture *fixture, imail, reads_the_fixture_as_agreed)
{
    char root[DRIVE_PATH_MAX];
    char golden[DRIVE_PATH_MAX];
    struct drive_spool spool;
    (void)snprintf(root, sizeof(root), "%s/imail/%s/spool", SPR_FIXTURES, fixture->name);
    (void)snprintf(golden, sizeof(golden), "%s/imail/%s/expected.txt", SPR_FIXTURES, fixture->name);

    drive_spool_read(&spool, drive_format("imail"), root);
    drive_spool_freeze(&spool, FROZEN, 0644, 0);
    drive_spool_parse(&spool, SPR_WANT_SUBJECTS, FROZEN + 60);

    cr_expect_eq(spool.message_count, fixture->messages, "%s", fixture->name);
    cr_expect(drive_matches_golden(&spool, golden), "%s", fixture->name);
    drive_spool_done(&spool);
}

/* One message in memory; files are texts, NULL where there is none. */
static struct drive_message message_of(const char *const texts[SPR_ROLES_MAX])
{
    static const char name[] = "Q1a2b0018025Fc3d4.SMD";
    static const struct spr_layout layout;
    struct drive_message message = { .format = drive_format("imail"), .layout = &layout };
    (void)snprintf(message.key_name, sizeof(message.key_name), "%s", name);
    message.key = (struct spr_key){
        .id = { (const uint8_t *)name + 1, 16 },
        .stem = { (const uint8_t *)name + 1, 16 },
        .variant = { (const uint8_t *)name + 18, 3 },
    };
    for (size_t role = 0; role < SPR_ROLES_MAX; role++) {
        if (texts[role] != NULL) {
            message.files[role].present = true;
            message.files[role].size = strlen(texts[role]);
            message.files[role].bytes = (uint8_t *)strdup(texts[role]);
            message.files[role].mtime_ns = (int64_t)FROZEN * 1000000000;
        }
    }
    collector_init(&message.found);
    return message;
}

static void message_done(struct drive_message *message)
{
    for (size_t role = 0; role < SPR_ROLES_MAX; role++) {
        free(message->files[role].bytes);
    }
    collector_done(&message->found);
}

struct age {
    char word[16];
    unsigned role;
    int64_t seconds;
    uint32_t flags;
};

ParameterizedTestParameters(imail, judges_by_age)
{
    static struct age ages[] = {
        { "active", 4, 3600, SPR_MESSAGE_BUSY },
        { "stale-lock", 4, 3601, SPR_MESSAGE_BUSY },
        { "active", 4, -10, SPR_MESSAGE_BUSY },
        { "arriving", 1, 3600, SPR_MESSAGE_INCOMPLETE },
        { "leftover", 1, 3601, 0 },
    };
    return cr_make_param_array(struct age, ages, sizeof(ages) / sizeof(ages[0]));
}

ParameterizedTest(struct age *age, imail, judges_by_age)
{
    const char *texts[SPR_ROLES_MAX] = { [2] = "Subject: x\r\n\r\n" };
    texts[age->role] = "S<a@example.org>\r\n";
    if (age->role == 4) {
        texts[0] = "S<a@example.org>\r\n";
    }
    struct drive_message message = message_of(texts);

    drive_parse(&message, 0, FROZEN + age->seconds);

    cr_expect_eq(message.verdict, SPR_PARSED);
    cr_expect_str_eq(collected(&message.found, SPR_FACT_QUEUE_NAME), age->word);
    int64_t flags = collected_number(&message.found, SPR_FACT_FLAGS);
    cr_expect_eq(flags == INT64_MIN ? 0 : flags, age->flags);
    message_done(&message);
}

Test(imail, tells_the_session_in_lower_case_as_the_log_prints_it)
{
    const char *texts[SPR_ROLES_MAX] = { "S<a@example.org>\r\n", NULL, "x" };
    struct drive_message message = message_of(texts);

    drive_parse(&message, 0, FROZEN);

    cr_expect_str_eq(collected(&message.found, SPR_FACT_LOG_SESSION), "0018025f");
    message_done(&message);
}

Test(imail, survives_times_at_the_ends_of_the_range)
{
    const char *texts[SPR_ROLES_MAX] = { "S<>\r\n", NULL, "x", NULL, "" };
    struct drive_message message = message_of(texts);
    message.files[2].mtime_ns = INT64_MIN;
    message.files[4].mtime_ns = INT64_MIN;

    drive_parse(&message, 0, INT64_MAX);

    cr_expect_eq(message.verdict, SPR_PARSED);
    cr_expect_str_eq(collected(&message.found, SPR_FACT_QUEUE_NAME), "active");
    message_done(&message);
}

Test(imail, refuses_a_control_file_of_absurd_size)
{
    const char *texts[SPR_ROLES_MAX] = { "S<>\r\n", NULL, "x" };
    struct drive_message message = message_of(texts);
    struct spr_file_view files[SPR_ROLES_MAX] = {
        [0] = { .present = true, .sought = true, .size = UINT64_MAX },
    };
    const struct spr_view view = { .layout = message.layout, .key = message.key, .files = files };
    struct spr_need need = { 0 };

    cr_expect_eq(message.format->parse(&view, &message.found.sink, &need), SPR_MALFORMED);
    cr_expect_not_null(need.reason);
    message_done(&message);
}

struct name {
    char text[48];
    enum spr_kind kind;
    unsigned role;
};

ParameterizedTestParameters(imail, classifies_names)
{
    static struct name names[] = {
        { "Q5f3a01c200b4e1d5.SMD", SPR_KIND_PART, 0 },
        { "q5f3a01c200b4e1d5.smp", SPR_KIND_PART, 0 },
        { "T5f3a01c200b4e1d5.FWD", SPR_KIND_PART, 1 },
        { "D0b63aa8048c.GSC", SPR_KIND_PART, 2 },
        { "A5f3a01c200b4e1d5.LST", SPR_KIND_PART, 3 },
        { "_5f3a01c200b4e1d5.~MD", SPR_KIND_PART, 4 },
        { "_5f3a01c200b4e1d5.SMD", SPR_KIND_PART, 4 },
        { "Q5f3a01c200b4e1d5.~MD", SPR_KIND_PART, 4 },
        { "sys0314.txt", SPR_KIND_LOG, 0 },
        { "LOG0314.TXT", SPR_KIND_LOG, 0 },
        { "logs.txt", SPR_KIND_FOREIGN, 0 },
        { "F0012345.txt", SPR_KIND_FOREIGN, 0 },
        { "Dnex00120034.TMP", SPR_KIND_TEMPORARY, 0 },
        { "Q12345.SMD", SPR_KIND_FOREIGN, 0 },
        { "Q123456.SMDXX", SPR_KIND_FOREIGN, 0 },
        { "Q12345-.SMD", SPR_KIND_FOREIGN, 0 },
        { "Q123456.", SPR_KIND_FOREIGN, 0 },
        { ".SMD", SPR_KIND_FOREIGN, 0 },
        { "Q123456", SPR_KIND_FOREIGN, 0 },
        { "Q012345678901234567890123456789012.A", SPR_KIND_FOREIGN, 0 },
        { "", SPR_KIND_FOREIGN, 0 },
    };
    return cr_make_param_array(struct name, names, sizeof(names) / sizeof(names[0]));
}

ParameterizedTest(struct name *name, imail, classifies_names)
{
    struct spr_key key = { .role = 99 };
    struct spr_text text = { (const uint8_t *)name->text, strlen(name->text) };

    enum spr_kind kind = drive_format("imail")->classify(NULL, 0, text, &key);

    cr_expect_eq(kind, name->kind, "%s", name->text);
    if (kind == SPR_KIND_PART) {
        cr_expect_eq(key.role, name->role, "%s", name->text);
    } else {
        cr_expect_geq(key.role, drive_format("imail")->role_count, "%s", name->text);
    }
}

struct line {
    char text[120];
    char session[12], account[24];
    int64_t time;
};

ParameterizedTestParameters(imail, reads_log_lines)
{
    static struct line lines[] = {
        { "03:14 09:26 SMTPD(00180250) [192.0.2.17] Authenticated ann@example.org, session "
          "treated as local",
          "00180250", "ann@example.org", 69413160 },
        { "03:14 09:26 SMTPD   (0c03005A) [192.0.2.17] Authenticated <bob>, x", "0c03005A", "bob",
          69413160 },
        { "20110314 092653\tSMTPD\tc03005ab\t192.0.2.17\tAuthenticated carl\r", "c03005ab", "carl",
          0 },
        { "03:14 09:26 SMTPD(00180250) [192.0.2.17] EHLO Authenticated", "", "", 0 },
        { "03:14 09:26 SMTP-(00180250) Authenticated ann", "", "", 0 },
        { "03:14 09:26 SMTPD(1234567) Authenticated ann", "", "", 0 },
        { "SMTPD Authenticated ann 00180250", "", "", 0 },
        { "", "", "", 0 },
    };
    return cr_make_param_array(struct line, lines, sizeof(lines) / sizeof(lines[0]));
}

ParameterizedTest(struct line *line, imail, reads_log_lines)
{
    struct spr_log_event event = { 0 };
    struct spr_text text = { (const uint8_t *)line->text, strlen(line->text) };

    bool found = drive_format("imail")->log_line(text, &event);

    cr_assert_eq(found, line->session[0] != '\0', "%s", line->text);
    if (found) {
        cr_expect_eq(event.session.length, strlen(line->session));
        cr_expect_arr_eq(event.session.bytes, line->session, event.session.length);
        cr_expect_eq(event.account.length, strlen(line->account), "%s", line->text);
        cr_expect_arr_eq(event.account.bytes, line->account, event.account.length);
        cr_expect_eq(event.time, line->time, "%lld", (long long)event.time);
        cr_expect_eq(event.yearless, line->time != 0);
    }
}

Test(imail, takes_the_control_file_first_and_puts_it_back_last)
{
    const struct spr_format *format = drive_format("imail");
    struct spr_target target = { .roles_present = 1u << 0 | 1u << 2 };
    struct spr_steps steps;

    cr_assert(format->plan(&target, SPR_DELETE, &steps));
    cr_assert_eq(steps.count, 2);
    cr_expect_eq(steps.step[0].op, SPR_STEP_TAKE);
    cr_expect_eq(steps.step[0].role, 0);
    cr_expect_eq(steps.step[1].role, 2);

    cr_assert(format->plan(&target, SPR_RESTORE, &steps));
    cr_assert_eq(steps.count, 2);
    cr_expect_eq(steps.step[0].op, SPR_STEP_PUT);
    cr_expect_eq(steps.step[0].role, 2);
    cr_expect_eq(steps.step[1].role, 0);
    cr_expect_eq(steps.step[1].path.length, 0);
}

Test(imail, changes_nothing_that_is_locked_and_holds_nothing)
{
    const struct spr_format *format = drive_format("imail");
    struct spr_target locked = { .roles_present = 1u << 0 | 1u << 2 | 1u << 4 };
    struct spr_target busy = { .roles_present = 1u << 0, .flags = SPR_MESSAGE_BUSY };
    struct spr_target whole = { .roles_present = 1u << 0 | 1u << 2 };
    struct spr_steps steps;

    cr_expect_not(format->plan(&locked, SPR_DELETE, &steps));
    cr_expect_not_null(steps.refusal);
    cr_expect_not(format->plan(&busy, SPR_DELETE, &steps));
    cr_expect_not(format->plan(&whole, SPR_HOLD, &steps));
    cr_expect_not_null(steps.refusal);
    cr_expect_eq(format->actions_live, 0);
}

Test(imail, hands_out_the_data_file_as_content)
{
    const char *texts[SPR_ROLES_MAX] = { "S<>\r\n", NULL, "Subject: x\r\n\r\nbody" };
    struct drive_message message = message_of(texts);

    char *content = drive_content(&message);

    cr_expect_str_eq(content, texts[2]);
    free(content);
    message_done(&message);
}
