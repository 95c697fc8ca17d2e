#include "formats/cursor.h"
#include "formats/headers.h"
#include "tests/support/collector.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

static struct spr_headers headers;
static struct collector found;

static void begin(void)
{
    spr_headers_init(&headers);
    collector_init(&found);
}

static void end(void)
{
    collector_done(&found);
}

TestSuite(headers, .init = begin, .fini = end);

static void feed(const char *line)
{
    spr_headers_feed(&headers, spr_text_of(line), true);
}

Test(headers, unfold_by_dropping_the_line_break_alone)
{
    feed("Subject: one");
    feed("  two");
    feed("\tthree");
    feed("");

    cr_assert(spr_headers_emit(&headers, &found.sink));

    cr_expect_str_eq(collected(&found, SPR_FACT_SUBJECT), "one  two\tthree");
    cr_expect(spr_headers_complete(&headers));
}

Test(headers, take_the_first_of_two_in_any_case)
{
    feed("sUBJECT:first");
    feed("Subject: second");
    feed(" of it");

    cr_assert(spr_headers_emit(&headers, &found.sink));

    cr_expect_str_eq(collected(&found, SPR_FACT_SUBJECT), "first");
    cr_expect_not(spr_headers_complete(&headers));
}

Test(headers, end_at_the_empty_line_but_not_at_a_blank_one)
{
    feed(" ");
    feed("From: a@b");
    feed("");
    feed("Subject: in the body");

    cr_assert(spr_headers_emit(&headers, &found.sink));

    cr_expect_str_eq(collected(&found, SPR_FACT_HEADER_FROM), "a@b");
    cr_expect_null(collected(&found, SPR_FACT_SUBJECT));
}

Test(headers, put_pieces_of_a_line_together)
{
    static const char text[] = "Message-ID: <a@b>";
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        spr_headers_feed(&headers, (struct spr_text){ (const uint8_t *)text + i, 1 },
                         i == sizeof(text) - 2);
    }

    cr_assert(spr_headers_emit(&headers, &found.sink));

    cr_expect_str_eq(collected(&found, SPR_FACT_MESSAGE_ID), "<a@b>");
}

Test(headers, match_whole_names_only)
{
    feed("Subjects: x");
    feed("X-Subject: x");
    feed("Message-IDs: x");
    feed("no colon here");
    feed(": nameless");

    cr_assert(spr_headers_emit(&headers, &found.sink));

    cr_expect_eq(found.emits, 0);
}

Test(headers, keep_no_more_than_their_limit)
{
    static char line[3 * SPR_HEADER_VALUE_MAX];
    memset(line, 'x', sizeof(line) - 1);
    memcpy(line, "Subject:", 8);
    feed(line);
    feed(line + 10);

    cr_assert(spr_headers_emit(&headers, &found.sink));

    cr_expect_eq(strlen(collected(&found, SPR_FACT_SUBJECT)), SPR_HEADER_VALUE_MAX);
}

Test(headers, are_complete_only_when_the_last_cannot_go_on)
{
    feed("Subject: a");
    feed("From: b");
    feed("Message-ID: c");
    cr_expect_not(spr_headers_complete(&headers), "may be continued");

    feed("To: d");

    cr_expect(spr_headers_complete(&headers));
}
