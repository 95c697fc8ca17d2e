/*
 * The content of one message, read again on request.
 */
#include "tests/support/spool.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

static struct spool spool;
static char text[1 << 16];
static size_t text_length;

static void clean_up(void)
{
    spool_done(&spool);
}

static int collect(struct spr_text bytes, void *user)
{
    (void)user;
    cr_assert_lt(text_length + bytes.length, sizeof(text));
    memcpy(text + text_length, bytes.bytes, bytes.length);
    text_length += bytes.length;
    text[text_length] = '\0';
    return 0;
}

/* Calls with the first message there is. */
static int read_first(bool body)
{
    struct spr_result *result;
    struct spr_message message;
    text_length = 0;
    cr_assert_eq(spr_result_open(spool.index, NULL, SPR_SORT_NONE, false, &result, NULL), 0);
    cr_assert_eq(spr_result_next(result, &message, NULL), 1);
    const int r = spr_message_content(spool.index, &message, body, collect, NULL, &spool.fault);
    spr_result_close(result);
    return r;
}

static void make_one(void)
{
    spool_make_postfix(&spool);
    spool_write_postfix(&spool, "deferred/8/8291A160831", "a@from.test", "ann", 3);
    cr_assert_eq(spool_scan(&spool, 0), 0);
}

TestSuite(content, .fini = clean_up);

Test(content, header_block_ends_at_the_empty_line, .init = make_one)
{
    cr_assert_eq(read_first(false), 0, "%s: %s", spool.fault.subject, spool.fault.detail);

    cr_expect_str_eq(text, "Subject: a test of a@from.test\n");
}

Test(content, body_follows_on_request, .init = make_one)
{
    cr_assert_eq(read_first(true), 0);

    cr_expect_str_eq(text, "Subject: a test of a@from.test\n\nbody\n");
}

Test(content, is_found_where_the_server_moved_the_message, .init = make_one)
{
    spool_rename(&spool, "deferred/8/8291A160831", "active/8291A160831");

    cr_assert_eq(read_first(false), 0, "%s: %s", spool.fault.subject, spool.fault.detail);

    cr_expect_str_eq(text, "Subject: a test of a@from.test\n");
}

Test(content, of_a_message_that_is_gone_says_so, .init = make_one)
{
    spool_remove(&spool, "deferred/8/8291A160831");

    cr_expect_eq(read_first(false), SPR_E_CHANGED);
    cr_expect_str_eq(spool.fault.subject, "deferred/8/8291A160831");
}

static void count_error(struct spr_text address, struct spr_text error, void *user)
{
    unsigned *count = user;
    *count += 1;
    cr_expect_gt(address.length, 0);
    cr_expect_gt(error.length, 0);
}

/* The scan did not index errors; each message in deferred has a defer log beside it. */
Test(content, errors_come_from_the_defer_log)
{
    struct spr_query *query;
    struct spr_result *result;
    struct spr_message message;
    unsigned count = 0;
    spool_make_sample(&spool, SPR_FIXTURES);
    cr_assert_eq(spool_scan(&spool, 0), 0);
    cr_assert_eq(spr_query_compile("state:deferred", 0, &query, NULL), 0);
    cr_assert_eq(spr_result_open(spool.index, query, SPR_SORT_NONE, false, &result, NULL), 0);
    cr_assert_eq(spr_result_next(result, &message, NULL), 1);

    const int r = spr_message_errors(spool.index, &message, count_error, &count, &spool.fault);

    cr_expect_eq(r, 0, "%s: %s", spool.fault.subject, spool.fault.detail);
    cr_expect_geq(count, 1);
    spr_result_close(result);
    spr_query_free(query);
}
