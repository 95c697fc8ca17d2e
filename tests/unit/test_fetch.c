/*
 * Caps on what is read of one message, and what is read alone because it is large.
 */
#include "core/scan/fetch.h"
#include "tests/support/spool.h"
#include "tests/support/toy_format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

TestSuite(fetch, .init = make, .fini = clean_up);

static void scan_all(void)
{
    const int r = spool_scan(&spool, 0);
    cr_assert_eq(r, 0, "%d: %s: %s", r, spool.fault.subject, spool.fault.detail);
}

/* A message whose data file, which the format wants whole, has a hole of so many bytes. */
static void write_large(const char *stem, uint64_t size)
{
    char name[64];
    char path[TEMPORARY_PATH_MAX + 128];
    (void)snprintf(name, sizeof(name), "Q%s.SMD", stem);
    spool_write_text(&spool, name, "Sann@from.test\nW\nRr@to.test\n");
    (void)snprintf(name, sizeof(name), "D%s.SMD", stem);
    spool_write_text(&spool, name, "data");
    (void)snprintf(path, sizeof(path), "%s/%s", spool.root, name);
    cr_assert_eq(truncate(path, (off_t)size), 0);
}

Test(fetch, reads_messages_alone_that_want_more_than_is_shared)
{
    write_large("ab01", SPR_FETCH_SHARED_MAX + 1);
    write_large("ab02", SPR_FETCH_SHARED_MAX + 1);
    write_large("ab03", 100);

    scan_all();

    cr_expect_eq(spool.report.messages, 3);
    cr_expect_eq(spool.report.rejects, spool_rejects(&spool, "foreign name"), "that is TOY");
    cr_expect_geq(spool.report.bytes_read, 2 * SPR_FETCH_SHARED_MAX);
}

Test(fetch, refuses_more_of_one_file_than_its_cap)
{
    write_large("ab01", SPR_FETCH_FILE_MAX + 1);
    write_large("ab02", 100);

    scan_all();

    cr_expect_eq(spool.report.messages, 1);
    cr_expect_eq(spool_rejects(&spool, "too large"), 1);
    cr_expect_lt(spool.report.bytes_read, SPR_FETCH_FILE_MAX);
}

Test(fetch, ends_with_a_format_that_wants_without_end)
{
    spool_write_text(&spool, "Qab01.SMD", "*\n");
    spool_write_text(&spool, "Dab01.SMD", "data");

    scan_all();

    cr_expect_eq(spool.report.messages, 0);
    cr_expect_eq(spool_rejects(&spool, "malformed"), 1);
}

Test(fetch, cuts_recipients_at_their_cap_and_keeps_the_message)
{
    static const char line[] = "Ra\n";
    const size_t length = sizeof(line) - 1;
    const size_t size = length * (SPR_RECIPIENTS_MAX + 1);
    char *text = malloc(size);
    cr_assert_not_null(text);
    for (size_t at = 0; at < size; at += length) {
        memcpy(text + at, line, length);
    }
    spool_write(&spool, "Qab01.SMD", text, size);
    spool_write_text(&spool, "Dab01.SMD", "data");
    free(text);

    scan_all();

    cr_expect_eq(spool.report.messages, 1);
    cr_expect_eq(spool.report.recipients, SPR_RECIPIENTS_MAX);
    cr_expect_eq(spool_rejects(&spool, "recipients cut"), 1);
}
