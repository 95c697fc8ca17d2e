/*
 * Files of one message, found by listing: pairs, locks, doubles, what is missing.
 */
#include "tests/support/spool.h"
#include "tests/support/toy_format.h"

#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

static struct spool spool;
static const struct spr_format *const extra[] = { &toy_format, NULL };

static void make(void)
{
    spool_make_flat(&spool);
    spool.options.extra_formats = extra;
    spool_write_text(&spool, "TOY", "");
}

static void clean_up(void)
{
    spool_done(&spool);
}

TestSuite(pair, .init = make, .fini = clean_up);

static void scan_all(void)
{
    const int r = spool_scan(&spool, 0);
    cr_assert_eq(r, 0, "%d: %s: %s", r, spool.fault.subject, spool.fault.detail);
}

/* The flags of the only message. */
static uint32_t only_flags(void)
{
    struct spr_result *result;
    struct spr_message message;
    cr_assert_eq(spr_result_open(spool.index, NULL, SPR_SORT_NONE, false, &result, NULL), 0);
    cr_assert_eq(spr_result_count(result), 1);
    cr_assert_eq(spr_result_next(result, &message, NULL), 1);
    const uint32_t flags = message.flags;
    spr_result_close(result);
    return flags;
}

Test(pair, ignores_the_case_of_names)
{
    spool_write_text(&spool, "Qab01.SMD", "Sann@from.test\nRr@to.test\n");
    spool_write_text(&spool, "dAB01.smd", "data");

    scan_all();

    cr_expect_eq(only_flags() & SPR_MESSAGE_INCOMPLETE, 0);
    cr_expect_eq(spool_count(&spool, "from:ann@from.test"), 1);
}

Test(pair, keeps_variants_of_one_stem_apart)
{
    spool_write_text(&spool, "Qab01.SMD", "Sann@from.test\n");
    spool_write_text(&spool, "Dab01.SMD", "");
    spool_write_text(&spool, "Qab01.FWD", "Sbob@from.test\n");
    spool_write_text(&spool, "Dab01.FWD", "");

    scan_all();

    cr_expect_eq(spool.report.messages, 2);
}

Test(pair, lacks_a_required_file)
{
    spool_write_text(&spool, "Qab01.SMD", "Sann@from.test\n");

    scan_all();

    cr_expect_neq(only_flags() & SPR_MESSAGE_INCOMPLETE, 0);
}

Test(pair, takes_the_second_role_as_primary_of_an_orphan)
{
    spool_write_text(&spool, "Dab01.SMD", "data");

    scan_all();

    cr_expect_neq(only_flags() & SPR_MESSAGE_INCOMPLETE, 0);
}

Test(pair, is_busy_beside_a_lock_of_any_variant)
{
    spool_write_text(&spool, "Qab01.SMD", "Sann@from.test\n");
    spool_write_text(&spool, "Dab01.SMD", "");
    spool_write_text(&spool, "Lab01.lck", "");

    scan_all();

    cr_expect_neq(only_flags() & SPR_MESSAGE_BUSY, 0);
}

Test(pair, refuses_two_files_of_one_role)
{
    spool_write_text(&spool, "Qab01.SMD", "Sann@from.test\n");
    spool_write_text(&spool, "qAB01.smd", "Sbob@from.test\n");
    spool_write_text(&spool, "Dab01.SMD", "");

    scan_all();

    cr_expect_eq(spool.report.messages, 0);
    cr_expect_eq(spool_rejects(&spool, "ambiguous pair"), 3);
}

Test(pair, counts_a_lock_without_a_message)
{
    spool_write_text(&spool, "Lab01.lck", "");

    scan_all();

    cr_expect_eq(spool.report.messages, 0);
    cr_expect_eq(spool_rejects(&spool, "part without a message"), 1);
}

Test(pair, does_not_pair_over_folders)
{
    spool_write_text(&spool, "one/Qab01.SMD", "Sann@from.test\n");
    spool_write_text(&spool, "two/Dab01.SMD", "");

    scan_all();

    cr_expect_eq(spool.report.messages, 2);
}

Test(pair, leaves_our_own_folder_alone)
{
    spool_write_text(&spool, ".spoolray/1/Qab01.SMD", "Sann@from.test\n");

    scan_all();

    cr_expect_eq(spool.report.messages, 0);
    cr_expect_eq(spool.report.rejects, 1, "the file TOY alone");
}

Test(pair, reads_a_file_that_was_only_looked_at_when_the_format_asks)
{
    spool_write_text(&spool, "Qab01.SMD", "W\nSann@from.test\n");
    spool_write_text(&spool, "Dab01.SMD", "some data");

    scan_all();

    cr_expect_eq(spool.report.messages, 1);
}

Test(pair, is_read_again_when_its_lock_goes)
{
    spool_write_text(&spool, "Qab01.SMD", "Sann@from.test\n");
    spool_write_text(&spool, "Dab01.SMD", "");
    spool_write_text(&spool, "Lab01.lck", "");
    scan_all();
    spool_remove(&spool, "Lab01.lck");

    scan_all();

    cr_expect_eq(spool.report.read, 1);
    cr_expect_eq(only_flags() & SPR_MESSAGE_BUSY, 0);
}

/* ---- What a format says ---------------------------------------------------------------------- */

Test(pair, verdicts_become_rejects_or_arriving)
{
    spool_write_text(&spool, "Qab01.SMD", "!\n");
    spool_write_text(&spool, "Qab02.SMD", "?\n");
    spool_write_text(&spool, "Qab03.SMD", "*\n");
    spool_write_text(&spool, "Qab04.tmp", "");
    spool_write_text(&spool, "Qab05.SMD", "Sgood@from.test\n");

    scan_all();

    cr_expect_eq(spool.report.messages, 1);
    cr_expect_eq(spool.report.arriving, 2);
    cr_expect_eq(spool_rejects(&spool, "malformed"), 2);
    for (uint32_t i = 0; i < spool.report.first_count; i++) {
        if (strcmp(spool.report.first[i].path, "Qab01.SMD") == 0) {
            cr_expect_eq(spool.report.first[i].offset, 7);
            cr_expect_str_eq(spool.report.first[i].reason, "no exclamation mark");
        }
    }
}

Test(pair, reads_a_long_control_file_in_further_rounds)
{
    static char text[1 << 17];
    size_t used = 0;
    for (unsigned i = 0; i < 5000; i++) {
        used += (size_t)snprintf(text + used, sizeof(text) - used, "Rr%u@to.test\n", i);
    }
    spool_write(&spool, "Qab01.SMD", text, used);

    scan_all();

    cr_expect_eq(spool.report.messages, 1);
    cr_expect_eq(spool.report.recipients, 5000);
}

/* ---- Accounts from logs ---------------------------------------------------------------------- */

/* A log line without a time has that of its file. */
Test(pair, takes_the_account_from_the_log_of_its_session)
{
    spool_write_text(&spool, "Qab01.SMD", "Gs1\nSann@from.test\n");
    spool_write_text(&spool, "Qab02.SMD", "Gs2\nSann@from.test\n");
    spool_write_text(&spool, "day.log", "S1 ann 0\nother eve 0\ns2 eve 1\n");

    scan_all();

    cr_expect_eq(spool_count(&spool, "account:ann"), 1);
    cr_expect_eq(spool_count(&spool, "account:eve"), 0, "its login was in another year");
}
