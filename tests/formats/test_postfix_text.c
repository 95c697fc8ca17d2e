/*
 * Postfix: files that are no message, the logs beside a message, and its text.
 */
#include "formats/postfix.h"
#include "tests/support/postfix_expect.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <criterion/parameterized.h>

/* ---- What is not a message ------------------------------------------------------------------- */

struct readiness {
    uint32_t mode;
    unsigned dir;
    enum spr_verdict verdict;
};

ParameterizedTestParameters(postfix_reject, goes_by_the_owner_bits)
{
    static struct readiness cases[] = {
        { 0600, SPR_POSTFIX_INCOMING, SPR_UNFINISHED },
        { 0600, SPR_POSTFIX_HOLD, SPR_UNFINISHED },
        { 0400, SPR_POSTFIX_HOLD, SPR_UNFINISHED },
        { 0400, SPR_POSTFIX_CORRUPT, SPR_PARSED },
        { 0700, SPR_POSTFIX_CORRUPT, SPR_PARSED },
        { 0600, SPR_POSTFIX_CORRUPT, SPR_UNFINISHED },
        { 0744, SPR_POSTFIX_MAILDROP, SPR_PARSED },
        { 0740, SPR_POSTFIX_DEFERRED, SPR_PARSED },
    };
    return cr_make_param_array(struct readiness, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct readiness *one, postfix_reject, goes_by_the_owner_bits)
{
    struct drive_message message = plain_message(one->dir);
    message.files[0].mode = S_IFREG | one->mode;

    drive_parse(&message, 0, 0);

    cr_expect_eq(message.verdict, one->verdict, "%o in %u", one->mode, one->dir);
    postfix_message_done(&message);
}

Test(postfix_reject, a_file_without_sender)
{
    struct postfix_file file = { 0 };
    postfix_begin(&file);
    size_t content = file.size + 2;
    (void)postfix_end(&file, NULL, 0);
    struct drive_message message = postfix_message(&file, SPR_POSTFIX_DEFERRED);

    expect_malformed(&message, content, "no sender");
}

Test(postfix_reject, a_file_without_arrival_time)
{
    struct postfix_file file = { 0 };
    postfix_sizes_begin(&file);
    (void)postfix_record(&file, 'S', "a@example.org");
    size_t content = file.size + 2;
    (void)postfix_end(&file, NULL, 0);
    struct drive_message message = postfix_message(&file, SPR_POSTFIX_DEFERRED);

    expect_malformed(&message, content, "no arrival time");
}

Test(postfix_reject, a_size_record_never_filled_in)
{
    struct postfix_file file = { 0 };
    postfix_begin(&file);
    (void)postfix_record(&file, 'S', "a@example.org");
    (void)postfix_record(&file, 'M', "");
    (void)postfix_record(&file, 'X', "");
    (void)postfix_record(&file, 'E', "");
    struct drive_message message = postfix_message(&file, SPR_POSTFIX_DEFERRED);

    expect_malformed(&message, 0, "size record");
}

Test(postfix_reject, a_length_of_five_bytes)
{
    struct postfix_file file = { 0 };
    postfix_begin(&file);
    size_t at = postfix_record(&file, 'S', "a@example.org");
    memcpy(file.bytes + at + 1, "\x81\x80\x80\x80\x01", 5);
    struct drive_message message = postfix_message(&file, SPR_POSTFIX_DEFERRED);

    expect_malformed(&message, at, "four bytes");
}

Test(postfix_reject, a_record_beyond_the_end)
{
    struct postfix_file file = { 0 };
    postfix_begin(&file);
    size_t at = postfix_record(&file, 'S', "a@example.org");
    file.size -= 3;
    struct drive_message message = postfix_message(&file, SPR_POSTFIX_DEFERRED);

    expect_malformed(&message, at, "beyond the file");
}

Test(postfix_reject, records_of_another_segment)
{
    struct postfix_file file = { 0 };
    postfix_begin(&file);
    (void)postfix_record(&file, 'S', "a@example.org");
    size_t at = postfix_record(&file, 'N', "text");
    struct drive_message message = postfix_message(&file, SPR_POSTFIX_DEFERRED);

    expect_malformed(&message, at, "segment");
}

Test(postfix_reject, an_extracted_segment_that_is_not_there)
{
    struct postfix_file file = { 0 };
    postfix_begin(&file);
    (void)postfix_record(&file, 'S', "a@example.org");
    size_t extracted = postfix_end(&file, NULL, 5);
    file.bytes[extracted] = 'N';
    struct drive_message message = postfix_message(&file, SPR_POSTFIX_DEFERRED);

    expect_malformed(&message, extracted, "no extracted segment");
}

Test(postfix_reject, nothing_for_an_unknown_type_or_attribute)
{
    struct postfix_file file = { 0 };
    postfix_begin(&file);
    (void)postfix_record(&file, 'A', "invented_in_4.0=yes");
    (void)postfix_record(&file, 'Y', "what");
    (void)postfix_record(&file, 'S', "a@example.org");
    (void)postfix_end(&file, NULL, 0);
    struct drive_message message = postfix_message(&file, SPR_POSTFIX_DEFERRED);

    drive_parse(&message, 0, 0);

    cr_expect_eq(message.verdict, SPR_PARSED);
    postfix_message_done(&message);
}

/* ---- Logs, headers, content ------------------------------------------------------------------ */

Test(postfix_logs, join_reasons_by_offset_and_show_a_pending_report)
{
    struct postfix_file file = { 0 };
    postfix_begin(&file);
    (void)postfix_record(&file, 'S', "a@example.org");
    size_t waiting = postfix_record(&file, 'R', "b c@example.invalid");
    size_t done = postfix_record(&file, 'D', "d@example.invalid");
    (void)postfix_end(&file, NULL, 2);
    struct drive_message message = postfix_message(&file, SPR_POSTFIX_DEFERRED);
    char text[600];
    (void)snprintf(text, sizeof(text),
                   "\n<\"b c\"@example.invalid>: early\nrecipient=\"b c\"@example.invalid\n"
                   "offset=%zu\nstatus=4.4.1\nreason=first try\n\n\n<\"b c\"@example.invalid>: x\n"
                   "offset=%zu\nreason=second try\n\noffset=nonsense\nreason=to nobody\n",
                   waiting, waiting);
    postfix_log(&message, SPR_POSTFIX_DEFER_LOG, text);
    (void)snprintf(text, sizeof(text), "<d@example.invalid>: no such user\noffset=%zu", done);
    postfix_log(&message, SPR_POSTFIX_BOUNCE_LOG, text);

    drive_parse(&message, SPR_WANT_ERRORS, 0);

    cr_assert_eq(message.verdict, SPR_PARSED);
    cr_expect_str_eq(message.found.recipients[0].error.bytes, "second try");
    cr_expect_str_eq(message.found.recipients[1].error.bytes, "no such user");
    cr_expect_eq(flags_of(&message), SPR_MESSAGE_PENDING_DSN);
    cr_expect_eq(message.found.errors_unjoined, 0);
    postfix_message_done(&message);
}

Test(postfix_logs, are_not_asked_for_unless_wanted)
{
    struct drive_message message = plain_message(SPR_POSTFIX_DEFERRED);
    postfix_log(&message, SPR_POSTFIX_BOUNCE_LOG, "offset=1\nreason=x\n");

    drive_parse(&message, SPR_WANT_SUBJECTS, 0);

    cr_expect_eq(message.rounds, 1);
    cr_expect_eq(flags_of(&message), 0);
    postfix_message_done(&message);
}

Test(postfix_logs, may_be_absent)
{
    struct drive_message message = plain_message(SPR_POSTFIX_DEFERRED);

    drive_parse(&message, SPR_WANT_ERRORS, 0);

    cr_expect_eq(message.verdict, SPR_PARSED);
    cr_expect_null(message.found.recipients[0].error.bytes);
    postfix_message_done(&message);
}

/* A file whose second header line was replaced through a pointer into the heap. */
static struct drive_message edited_content(void)
{
    struct postfix_file file = { 0 };
    postfix_begin(&file);
    (void)postfix_record(&file, 'S', "a@example.org");
    (void)postfix_record(&file, 'M', "");
    size_t content = file.size;
    (void)postfix_record(&file, 'N', "From: a@example.org");
    size_t edit = postfix_pointer(&file, 0);
    (void)postfix_record(&file, 'L', "Message-ID: <a");
    (void)postfix_record(&file, 'N', "@b>");
    (void)postfix_record(&file, 'w', "pad");
    (void)postfix_record(&file, 'N', "");
    (void)postfix_record(&file, 'N', "Subject: in the body");
    size_t extracted = postfix_record(&file, 'X', "");
    (void)postfix_record(&file, 'E', "");
    char target[16];
    (void)snprintf(target, sizeof(target), "%15zu", file.size);
    memcpy(file.bytes + edit + 2, target, 15);
    (void)postfix_record(&file, 'N', "SUBJECT : new");
    (void)postfix_record(&file, 'N', "\tand folded");
    (void)postfix_pointer(&file, edit + 17);
    postfix_sizes_patch(&file, content, extracted, 0);
    return postfix_message(&file, SPR_POSTFIX_DEFERRED);
}

Test(postfix_content, takes_headers_through_pointers_and_pieces)
{
    struct drive_message message = edited_content();

    drive_parse(&message, SPR_WANT_SUBJECTS, 0);

    expect_fact(&message, SPR_FACT_SUBJECT, "new\tand folded");
    expect_fact(&message, SPR_FACT_MESSAGE_ID, "<a@b>");
    expect_fact(&message, SPR_FACT_HEADER_FROM, "a@example.org");
    postfix_message_done(&message);
}

Test(postfix_content, is_handed_out_as_lines)
{
    struct drive_message message = edited_content();

    char *content = drive_content(&message);

    cr_expect_str_eq(content, "From: a@example.org\nSUBJECT : new\n\tand folded\n"
                              "Message-ID: <a@b>\n\nSubject: in the body\n");
    free(content);
    postfix_message_done(&message);
}

Test(postfix_content, of_a_submitted_file_needs_no_size_record)
{
    struct postfix_file file = { 0 };
    (void)postfix_record(&file, 'T', "1795321008 316363");
    (void)postfix_record(&file, 'S', "a@example.org");
    for (unsigned i = 0; i < 500; i++) {
        (void)postfix_record(&file, 'R', "somebody@example.invalid");
    }
    (void)postfix_record(&file, 'M', "");
    (void)postfix_record(&file, 'N', "Subject: x");
    (void)postfix_record(&file, 'X', "");
    (void)postfix_record(&file, 'E', "");
    struct drive_message message = postfix_message(&file, SPR_POSTFIX_MAILDROP);

    char *content = drive_content(&message);

    cr_expect_str_eq(content, "Subject: x\n");
    free(content);
    postfix_message_done(&message);
}
