/*
 * Property: whatever way a term is evaluated, the rows are those that a slow reading of the
 * records gives; and exact terms are looked up, not searched for.
 */
#include "core/query/bitmap.h"
#include "core/query/strategy.h"
#include "tests/support/query_oracle.h"
#include "tests/support/sample_index.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#define NOW         1795400000
#define SEGMENTS    3
#define ROWS        130
#define QUERY_BYTES 1024

static const struct spr_dir dirs[] = {
    { "incoming", "incoming", SPR_STATE_INCOMING, 0 },
    { "active", "active", SPR_STATE_ACTIVE, 0 },
    { "deferred", "deferred", SPR_STATE_DEFERRED, 0 },
    { "hold", "hold", SPR_STATE_HELD, 0 },
};
static const struct spr_format format = {
    .contract = SPR_FORMAT_CONTRACT, .name = "sample", .dirs = dirs, .dir_count = 4
};

static const char *const terms[] = {
    "account:mallory@example.org",
    "account:MALLORY@EXAMPLE.org",
    "account:bob",
    "account:none",
    "account:*",
    "account:user1*",
    "account:u?@*",
    "account:/^u[0-9]+@/",
    "account:@d1.test",
    "account:.test",
    "from:<>",
    "from:@bulk.example",
    "from:@D1.TEST",
    "from:.test",
    "from:.example",
    "from:offer1@bulk.example",
    "from:U3@d2.test",
    "from:\"a b\"@c.example",
    "from:x@b\303\274cher.example",
    "from:@xn--bcher-kva.example",
    "from:*@xn--bcher-kva.example",
    "from:@*.example",
    "from:\"*\"",
    "from:/./",
    "from:/^offer[0-9]+@BULK\\.example$/",
    "from:/b.*cher/",
    "from:/cher.example/",
    "from:*CHER.ex*",
    "from:\"a b@\"*",
    "to:@d1.test",
    "to:u1@d1.test",
    "to:victim*",
    "to:.example",
    "to:bob",
    "to:\"\"",
    "done:@d0.test",
    "done:u2@d0.test",
    "done:/bob/",
    "done:/u[0-9]@d2/",
    "to:/@d[13][.]test$/",
    "to:*1@D1.t*",
    "done:.test",
    "rcpt:BOB",
    "rcpt:bob@example.org",
    "rcpt:@d2.test",
    "rcpt:*",
    "bob",
    "u4@d4.test",
    "@example.org",
    "*@d3.test",
    "local-user:bob",
    "local-user:0",
    "local-user:none",
    "local-user:*",
    "client:192.0.2.7",
    "client:198.51.100.0/28",
    "client:0.0.0.0/0",
    "client:192.0.2.*",
    "client:none",
    "client:u1@d1.test",
    "helo:host3.example.net",
    "helo:*.EXAMPLE.net",
    "helo:none",
    "helo:/host[0-9]\\.example/",
    "subject:u1",
    "subject:none",
    "subject:/b.*r/",
    "header-from:example",
    "id:u1",
    "id:*A*",
    "id:/^U/",
    "state:deferred",
    "state:held",
    "state:hold",
    "state:bob",
    "state:h*",
    "error:bob",
    "error:/./",
    "error:none",
    "age:>1h",
    "age:<0",
    "age:none",
    "arrived:2026-11-20..",
    "arrived:<2026-11-25",
    "size:>5k",
    "size:..3k",
    "size:none",
    "rcpts:>5",
    "rcpts:0",
    "pending:0",
    "pending:>3",
    "attempts:1",
    "attempts:none",
    "format:postfix",
    "format:exim",
    "spool:/var/spool/*",
    "host:MX1.example.org",
    "is:bounce",
    "is:auth",
    "is:incomplete",
    "is:busy",
    "is:held",
    "*",
};
#define TERM_COUNT (sizeof(terms) / sizeof(terms[0]))

static void check_rows(const struct sample_index *index, const struct query_oracle *oracle,
                       const struct spr_selection *selection, const char *text)
{
    uint64_t expected = 0;
    for (uint32_t s = 0; s < index->manifest.segment_count; s++) {
        struct spr_segment_reader *reader = NULL;
        cr_assert_eq(spr_segment_reader_new(index->segments[s], &reader), 0);
        for (uint32_t row = 0; row < index->entries[s].rows; row++) {
            struct spr_record record;
            cr_assert_eq(spr_segment_record(reader, row, &record, NULL), 0);
            const bool dead =
                index->entries[s].dead != NULL && spr_bitmap_has(index->entries[s].dead, row);
            const bool wanted = !dead && oracle_matches(oracle, &record);
            expected += wanted ? 1 : 0;
            cr_assert_eq(spr_bitmap_has(selection->rows[s], row), wanted,
                         "%s: segment %u row %u should%s match", text, s, row,
                         wanted ? "" : " not");
        }
        spr_segment_reader_free(reader);
    }
    cr_assert_eq(selection->count, expected, "%s", text);
}

static uint64_t check_query(const struct sample_index *index, const char *text, uint32_t flags)
{
    struct spr_query *query = NULL;
    struct spr_fault fault = { 0 };
    struct spr_selection selection = { 0 };
    cr_assert_eq(spr_query_compile(text, flags, &query, &fault), 0, "%s: %s", text, fault.detail);
    const uint32_t workers = (uint32_t)(strlen(text) % 4); /* chosen, one, several */
    const int r =
        spr_selection_run(&index->snapshot, &(struct spr_question){ query, &format, NOW, workers },
                          &selection, &fault);
    cr_assert_eq(r, 0, "%s: %d %s %s", text, r, fault.subject, fault.detail);
    const struct query_oracle oracle = { query->filter, &index->manifest, &format,
                                         (flags & SPR_QUERY_CASE) != 0, NOW };
    check_rows(index, &oracle, &selection, text);
    const uint64_t count = selection.count;
    spr_selection_done(&selection);
    spr_query_free(query);
    return count;
}

Test(strategy, agrees_with_a_slow_reading_term_by_term)
{
    struct sample_index index;
    open_sample_index(&index, sample_mixed, SEGMENTS, ROWS, 7);
    unsigned fruitful = 0;

    for (size_t i = 0; i < TERM_COUNT; i++) {
        fruitful += check_query(&index, terms[i], 0) > 0 ? 1 : 0;
        (void)check_query(&index, terms[i], SPR_QUERY_CASE);
    }

    cr_expect_geq(fruitful, TERM_COUNT * 3 / 4, "%u of the terms match something", fruitful);
    close_sample_index(&index);
}

/* Appends a random expression. */
static size_t compose(char *text, size_t at, uint64_t *random, unsigned depth)
{
    const uint64_t dice = sample_random(random) % 10;
    if (depth == 0 || dice < 3) {
        const char *term = terms[sample_random(random) % TERM_COUNT];
        return at + (size_t)snprintf(text + at, QUERY_BYTES - at, "%s", term);
    }
    if (dice == 3) {
        at += (size_t)snprintf(text + at, QUERY_BYTES - at, "not ");
        return compose(text, at, random, depth - 1);
    }
    static const char *const joins[] = { " and ", " or ", " " };
    const unsigned count = 2 + (unsigned)(sample_random(random) % 3);
    at += (size_t)snprintf(text + at, QUERY_BYTES - at, "(");
    for (unsigned i = 0; i < count; i++) {
        if (i > 0) {
            at += (size_t)snprintf(text + at, QUERY_BYTES - at, "%s",
                                   joins[sample_random(random) % 3]);
        }
        at = compose(text, at, random, depth - 1);
    }
    return at + (size_t)snprintf(text + at, QUERY_BYTES - at, ")");
}

Test(strategy, explains_the_same_with_any_number_of_threads)
{
    struct sample_index index;
    struct spr_query *query = NULL;
    struct spr_selection alone = { 0 };
    struct spr_selection together = { 0 };
    open_sample_index(&index, sample_mixed, SEGMENTS, ROWS, 7);
    cr_assert_eq(spr_query_compile("from:*bulk* or to:/^u1/ or account:bob", 0, &query, NULL), 0);

    struct spr_question question = { query, &format, NOW, 1 };
    cr_assert_eq(spr_selection_run(&index.snapshot, &question, &alone, NULL), 0);
    question.workers = SEGMENTS;
    cr_assert_eq(spr_selection_run(&index.snapshot, &question, &together, NULL), 0);

    cr_assert_eq(together.count, alone.count);
    cr_assert_str_eq(together.explain, alone.explain);
    spr_selection_done(&alone);
    spr_selection_done(&together);
    spr_query_free(query);
    close_sample_index(&index);
}

Test(strategy, agrees_with_a_slow_reading_of_random_expressions)
{
    struct sample_index index;
    open_sample_index(&index, sample_mixed, 2, 90, 5);
    uint64_t random = 42;

    for (unsigned i = 0; i < 300; i++) {
        char text[QUERY_BYTES];
        const size_t length = compose(text, 0, &random, 2);
        cr_assert_lt(length, sizeof(text));
        (void)check_query(&index, text, i % 3 == 0 ? SPR_QUERY_CASE : 0);
    }

    close_sample_index(&index);
}

static void explain(const struct sample_index *index, const char *text, char out[QUERY_BYTES])
{
    struct spr_query *query = NULL;
    struct spr_selection selection = { 0 };
    cr_assert_eq(spr_query_compile(text, 0, &query, NULL), 0);
    cr_assert_eq(spr_selection_run(&index->snapshot,
                                   &(struct spr_question){ query, &format, NOW, 0 }, &selection,
                                   NULL),
                 0);
    (void)snprintf(out, QUERY_BYTES, "%s", selection.explain);
    spr_selection_done(&selection);
    spr_query_free(query);
}

Test(strategy, looks_up_exact_terms)
{
    static const char *const exact[] = { "account:mallory@example.org",
                                         "from:offer1@bulk.example",
                                         "rcpt:a@d1.test",
                                         "client:192.0.2.7",
                                         "mallory@example.org",
                                         "from:<>" };
    struct sample_index index;
    open_sample_index(&index, sample_message, 2, 100, 0);

    for (size_t i = 0; i < sizeof(exact) / sizeof(exact[0]); i++) {
        char text[QUERY_BYTES];
        explain(&index, exact[i], text);
        cr_expect_not_null(strstr(text, "hash look-up, "), "%s", text);
    }
    close_sample_index(&index);
}

Test(strategy, runs_globs_and_domains_over_the_dictionary)
{
    static const char *const terms_over_strings[] = { "account:mall*", "from:@bulk.example",
                                                      "rcpt:@d1.test" };
    struct sample_index index;
    open_sample_index(&index, sample_message, 1, 100, 0);

    for (size_t i = 0; i < sizeof(terms_over_strings) / sizeof(terms_over_strings[0]); i++) {
        char text[QUERY_BYTES];
        explain(&index, terms_over_strings[i], text);
        cr_expect_not_null(strstr(text, "dictionary of "), "%s", text);
    }
    close_sample_index(&index);
}

Test(strategy, skips_what_can_no_longer_matter)
{
    struct sample_index index;
    open_sample_index(&index, sample_message, 1, 100, 0);
    char text[QUERY_BYTES];

    explain(&index, "id:*zzz* account:nobody@nowhere.test", text);

    cr_expect_not_null(strstr(text, "not needed"), "%s", text);
    cr_expect_not_null(strstr(text, "0 of 100 messages in 1 segment"), "%s", text);
    close_sample_index(&index);
}

Test(strategy, reports_a_regular_expression_that_gives_up)
{
    struct sample_index index;
    open_sample_index(&index, sample_message, 1, 100, 0);
    struct spr_query *query = NULL;
    struct spr_selection selection = { 0 };
    struct spr_fault fault = { 0 };
    static const char text[] = "is:auth account:/^(([a-z@.]+)+)+$/";
    cr_assert_eq(spr_query_compile(text, 0, &query, &fault), 0);

    const int r = spr_selection_run(
        &index.snapshot, &(struct spr_question){ query, &format, NOW, 0 }, &selection, &fault);

    cr_assert(r == 0 || (r == SPR_E_SYNTAX && fault.offset == 8), "%d at %llu", r,
              (unsigned long long)fault.offset);
    spr_selection_done(&selection);
    spr_query_free(query);
    close_sample_index(&index);
}

/* Whatever a damaged segment says, an evaluation answers or reports it. */
static void query_damaged(const struct sample_index *index, const char *text)
{
    struct spr_query *query = NULL;
    struct spr_selection selection = { 0 };
    struct spr_fault fault = { 0 };
    cr_assert_eq(spr_query_compile(text, 0, &query, NULL), 0);
    const int r = spr_selection_run(
        &index->snapshot, &(struct spr_question){ query, &format, NOW, 0 }, &selection, &fault);
    cr_expect(r == 0 || r == SPR_E_CORRUPT, "%s: %d", text, r);
    if (r == SPR_E_CORRUPT) {
        cr_expect_neq(fault.subject[0], '\0');
        cr_expect_neq(fault.detail[0], '\0');
    }
    spr_selection_done(&selection);
    spr_query_free(query);
}

static void damage(const struct sample_index *index, off_t offset, uint8_t mask)
{
    const int fd = openat(index->dir_fd, "0.seg", O_RDWR | O_CLOEXEC);
    uint8_t byte = 0;
    cr_assert_geq(fd, 0);
    cr_assert_eq(pread(fd, &byte, 1, offset), 1);
    byte ^= mask;
    cr_assert_eq(pwrite(fd, &byte, 1, offset), 1);
    (void)close(fd);
}

Test(strategy, survives_damaged_segments)
{
    static const char *const queries[] = { "account:*1*", "to:@d1.test not helo:/1/",
                                           "from:u1@d1.test or client:192.0.2.0/24 or id:*A*",
                                           "error:x or pending:0 or size:>1k or state:hold" };
    struct sample_index index;
    open_sample_index(&index, sample_mixed, 1, 60, 7);
    const uint64_t size = spr_segment_bytes(index.segments[0]);
    uint64_t random = 11;

    for (unsigned i = 0; i < 300; i++) {
        const off_t offset = (off_t)(sample_random(&random) % size);
        const uint8_t mask = (uint8_t)(1 + sample_random(&random) % 255);
        spr_segment_close(index.segments[0]);
        index.segments[0] = NULL;
        damage(&index, offset, mask);
        struct spr_segment *segment = NULL;
        const int r =
            spr_segment_open(index.dir_fd, "0.seg", &index.manifest.secret, &segment, NULL);
        index.segments[0] = segment;
        cr_expect(r == 0 || r == SPR_E_CORRUPT || r == SPR_E_NEWER);
        if (r == 0) {
            query_damaged(&index, queries[i % 4]);
        }
        damage(&index, offset, mask);
    }
    close_sample_index(&index);
}

Test(strategy, takes_an_empty_index)
{
    struct sample_index index;
    open_sample_index(&index, sample_message, 0, 0, 0);

    cr_assert_eq(check_query(&index, "account:bob or not from:/x/", 0), 0);
    cr_assert_eq(check_query(&index, "*", 0), 0);
    close_sample_index(&index);
}
