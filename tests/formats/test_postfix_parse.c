/*
 * Postfix' pointers and envelopes: the worked example byte by byte, then one test a trap.
 */
#include "formats/postfix.h"
#include "tests/support/postfix_expect.h"

#include <sys/stat.h>

/* ---- Pointers -------------------------------------------------------------------------------- */

Test(postfix_pointers, follows_the_worked_example)
{
    struct postfix_file file = { 0 };
    postfix_begin(&file);
    (void)postfix_record(&file, 'A', "rewrite_context=remote");
    (void)postfix_record(&file, 'A', "sasl_method=PLAIN");
    cr_assert_eq(postfix_record(&file, 'A', "sasl_username=acct1"), 183);
    cr_assert_eq(postfix_pointer(&file, 450), 204);
    (void)postfix_record_of(&file, 'R', "garbage that nobody s", 22); /* 221 to 244 */
    cr_assert_eq(postfix_record(&file, 'A', "client_address=192.0.2.1"), 245);
    cr_assert_eq(postfix_record(&file, 'O', "first@example.invalid1"), 271);
    cr_assert_eq(postfix_record(&file, 'R', "alias@example.invalid1"), 295);
    cr_assert_eq(postfix_record(&file, 'O', "done@ex.test1"), 319);
    cr_assert_eq(postfix_record(&file, 'D', "done@ex.test1"), 334);
    cr_assert_eq(postfix_pointer(&file, 484), 349);
    cr_assert_eq(postfix_record(&file, 'M', ""), 366);
    cr_assert_eq(postfix_record(&file, 'N', "Subject: a folded"), 368);
    (void)postfix_record(&file, 'N', " one");
    (void)postfix_record(&file, 'N', "");
    (void)postfix_record(&file, 'N', "a body of 31 bytes to fill it u");
    cr_assert_eq(file.size, 428);
    (void)postfix_record(&file, 'X', "");
    cr_assert_eq(postfix_record(&file, 'A', "message_id=<a@b>"), 430);
    cr_assert_eq(postfix_record(&file, 'E', ""), 448);
    cr_assert_eq(postfix_record(&file, 'S', "new@example.org"), 450);
    cr_assert_eq(postfix_pointer(&file, 245), 467);
    cr_assert_eq(postfix_record(&file, 'O', "added@example.org"), 484);
    cr_assert_eq(postfix_record(&file, 'R', "added@example.com"), 503);
    cr_assert_eq(postfix_pointer(&file, 366), 522);
    cr_assert_eq(file.size, 539);
    postfix_sizes_patch(&file, 368, 428, 3);
    struct drive_message message = postfix_message(&file, SPR_POSTFIX_DEFERRED);

    drive_parse(&message, ALL_WANTS, 0);

    cr_assert_eq(message.verdict, SPR_PARSED);
    expect_fact(&message, SPR_FACT_SENDER, "new@example.org");
    expect_fact(&message, SPR_FACT_ACCOUNT, "acct1");
    expect_fact(&message, SPR_FACT_AUTH_METHOD, "PLAIN");
    expect_fact(&message, SPR_FACT_CLIENT, "192.0.2.1");
    expect_fact(&message, SPR_FACT_SUBJECT, "a folded one");
    cr_assert_eq(message.found.recipient_count, 3);
    cr_expect_eq(collected_recipients_in(&message.found, SPR_RECIPIENT_PENDING), 2);
    const struct collected_recipient *alias =
        collected_recipient(&message.found, "alias@example.invalid1");
    cr_assert_not_null(alias);
    cr_expect_eq(alias->offset, 295);
    cr_expect_str_eq(alias->original.bytes, "first@example.invalid1");
    const struct collected_recipient *done = collected_recipient(&message.found, "done@ex.test1");
    cr_assert_not_null(done);
    cr_expect_eq(done->state, SPR_RECIPIENT_DONE);
    cr_expect_null(done->original.bytes, "equal to the recipient");
    cr_expect_not_null(collected_recipient(&message.found, "added@example.com"));
    postfix_message_done(&message);
}

Test(postfix_pointers, end_a_circle)
{
    struct postfix_file file = { 0 };
    postfix_begin(&file);
    size_t at = postfix_record(&file, 'S', "a@example.org");
    size_t pointer = postfix_pointer(&file, at);
    (void)postfix_end(&file, NULL, 0);
    struct drive_message message = postfix_message(&file, SPR_POSTFIX_DEFERRED);

    drive_parse(&message, 0, 0);

    cr_expect_eq(message.verdict, SPR_MALFORMED);
    cr_expect(message.need.offset == at || message.need.offset == pointer);
    postfix_message_done(&message);
}

Test(postfix_pointers, end_a_circle_of_one)
{
    struct postfix_file file = { 0 };
    postfix_begin(&file);
    size_t at = postfix_pointer(&file, file.size);
    (void)postfix_end(&file, NULL, 0);
    struct drive_message message = postfix_message(&file, SPR_POSTFIX_DEFERRED);

    expect_malformed(&message, at, "circle");
}

Test(postfix_pointers, stop_after_ten_thousand_jumps_back)
{
    struct postfix_file file = { 0 };
    postfix_begin(&file);
    /* Each low pointer leads to a high one, each high one back to the next low one. */
    const size_t pairs = 10003;
    const size_t low = file.size;
    const size_t high = low + 17 * pairs;
    for (size_t i = 0; i < pairs; i++) {
        (void)postfix_pointer(&file, high + 17 * i);
    }
    for (size_t i = 0; i < pairs; i++) {
        (void)postfix_pointer(&file, low + 17 * (i + 1));
    }
    (void)postfix_record(&file, 'S', "a@example.org");
    (void)postfix_end(&file, NULL, 0);
    struct drive_message message = postfix_message(&file, SPR_POSTFIX_DEFERRED);

    expect_malformed(&message, high + 17 * 10000, "too many backward");
}

Test(postfix_pointers, refuse_targets_outside_the_file)
{
    struct postfix_file file = { 0 };
    postfix_begin(&file);
    size_t at = postfix_pointer(&file, 100000);
    (void)postfix_end(&file, NULL, 0);
    struct drive_message message = postfix_message(&file, SPR_POSTFIX_DEFERRED);

    expect_malformed(&message, at, "out of the file");
}

Test(postfix_pointers, skip_reserved_space)
{
    struct postfix_file file = { 0 };
    postfix_begin(&file);
    (void)postfix_record(&file, 'S', "a@example.org");
    (void)postfix_pointer(&file, 0);
    (void)postfix_record(&file, 'R', "b@example.invalid");
    (void)postfix_end(&file, NULL, 1);
    struct drive_message message = postfix_message(&file, SPR_POSTFIX_DEFERRED);

    drive_parse(&message, 0, 0);

    cr_expect_eq(message.verdict, SPR_PARSED);
    cr_expect_eq(message.rounds, 1);
    postfix_message_done(&message);
}

/* ---- Envelope -------------------------------------------------------------------------------- */

Test(postfix_envelope, tells_states_of_recipients_and_joins_originals_only_directly)
{
    struct postfix_file file = { 0 };
    postfix_begin(&file);
    (void)postfix_record(&file, 'S', "a@example.org");
    (void)postfix_record(&file, 'O', "lost@example.org");
    (void)postfix_record(&file, 'A', "notify_flags=1");
    (void)postfix_record(&file, 'R', "one@example.org");
    (void)postfix_record(&file, 'O', "orig@example.org");
    (void)postfix_record(&file, '/', "two@example.org");
    (void)postfix_record(&file, 'R', "with space@@\"x\"@example.org");
    (void)postfix_end(&file, NULL, 3);
    struct drive_message message = postfix_message(&file, SPR_POSTFIX_HOLD);

    drive_parse(&message, 0, 0);

    cr_assert_eq(message.found.recipient_count, 3);
    cr_expect_null(collected_recipient(&message.found, "one@example.org")->original.bytes);
    const struct collected_recipient *two = collected_recipient(&message.found, "two@example.org");
    cr_expect_eq(two->state, SPR_RECIPIENT_CANCELLED);
    cr_expect_str_eq(two->original.bytes, "orig@example.org");
    cr_expect_not_null(collected_recipient(&message.found, "with space@@\"x\"@example.org"));
    cr_expect_eq(collected_number(&message.found, SPR_FACT_NEXT_RETRY), INT64_MIN, "on hold");
    postfix_message_done(&message);
}

Test(postfix_envelope, reads_recipients_of_the_extracted_segment)
{
    static const char *const lines[] = { "Subject: x", NULL };
    struct postfix_file file = { 0 };
    postfix_begin(&file);
    (void)postfix_record(&file, 'S', "a@example.org");
    size_t extracted = postfix_end(&file, lines, 2);
    file.size -= 2; /* E */
    (void)postfix_record(&file, 'A', "sasl_username=not-here");
    (void)postfix_record(&file, 'R', "b@example.invalid");
    (void)postfix_record(&file, 'D', "c@example.invalid");
    (void)postfix_record(&file, 'E', "");
    (void)postfix_record(&file, 'R', "heap@example.invalid");
    struct drive_message message = postfix_message(&file, SPR_POSTFIX_DEFERRED);

    drive_parse(&message, 0, 0);

    cr_assert_eq(message.verdict, SPR_PARSED);
    cr_expect_eq(message.found.recipient_count, 2);
    cr_expect_gt(message.found.recipients[0].offset, extracted);
    expect_fact(&message, SPR_FACT_ACCOUNT, NULL);
    postfix_message_done(&message);
}

Test(postfix_envelope, reads_no_tail_when_all_recipients_were_seen)
{
    struct postfix_file file = { 0 };
    postfix_begin(&file);
    (void)postfix_record(&file, 'S', "a@example.org");
    (void)postfix_record(&file, 'R', "b@example.invalid");
    (void)postfix_record(&file, 'M', "");
    size_t content = file.size;
    char line[1000];
    memset(line, 'x', sizeof(line));
    for (unsigned i = 0; i < 1000; i++) {
        (void)postfix_record_of(&file, 'N', line, sizeof(line));
    }
    size_t extracted = postfix_record(&file, 'X', "");
    (void)postfix_record(&file, 'E', "");
    postfix_sizes_patch(&file, content, extracted, 1);
    struct drive_message message = postfix_message(&file, SPR_POSTFIX_DEFERRED);

    drive_parse(&message, 0, 0);

    cr_expect_eq(message.verdict, SPR_PARSED);
    cr_expect_eq(message.rounds, 1);
    cr_expect_eq(message.bytes_read, 4096);
    cr_expect_eq(collected_number(&message.found, SPR_FACT_SIZE), 1003000);
    postfix_message_done(&message);
}

Test(postfix_envelope, reads_a_huge_recipient_list_in_few_rounds)
{
    struct postfix_file file = { 0 };
    postfix_begin(&file);
    (void)postfix_record(&file, 'S', "a@example.org");
    for (unsigned i = 0; i < 100000; i++) {
        char address[40];
        (void)snprintf(address, sizeof(address), "user%06u@example.invalid", i);
        (void)postfix_record(&file, 'R', address);
    }
    (void)postfix_end(&file, NULL, 100000);
    struct drive_message message = postfix_message(&file, SPR_POSTFIX_DEFERRED);

    drive_parse(&message, 0, 0);

    cr_expect_eq(message.found.recipient_count, 100000);
    cr_expect_leq(message.rounds, 3);
    postfix_message_done(&message);
}

Test(postfix_envelope, reads_a_huge_extracted_list_in_few_rounds)
{
    struct postfix_file file = { 0 };
    postfix_begin(&file);
    (void)postfix_record(&file, 'S', "a@example.org");
    (void)postfix_end(&file, NULL, 100000);
    file.size -= 2;
    for (unsigned i = 0; i < 100000; i++) {
        char address[40];
        (void)snprintf(address, sizeof(address), "user%06u@example.invalid", i);
        (void)postfix_record(&file, 'R', address);
    }
    (void)postfix_record(&file, 'E', "");
    struct drive_message message = postfix_message(&file, SPR_POSTFIX_DEFERRED);

    drive_parse(&message, 0, 0);

    cr_expect_eq(message.found.recipient_count, 100000);
    cr_expect_leq(message.rounds, 10);
    postfix_message_done(&message);
}

Test(postfix_envelope, prefers_the_original_client_behind_a_filter)
{
    struct postfix_file file = { 0 };
    postfix_begin(&file);
    (void)postfix_record(&file, 'S', "");
    (void)postfix_record(&file, 'A', "log_client_address=IPv6:2001:db8::1");
    (void)postfix_record(&file, 'A', "log_helo_name=outside.example");
    (void)postfix_record(&file, 'A', "client_address=127.0.0.1");
    (void)postfix_record(&file, 'A', "helo_name=localhost");
    (void)postfix_end(&file, NULL, 0);
    struct drive_message message = postfix_message(&file, SPR_POSTFIX_ACTIVE);

    drive_parse(&message, 0, 0);

    expect_fact(&message, SPR_FACT_CLIENT, "2001:db8::1");
    expect_fact(&message, SPR_FACT_HELO, "outside.example");
    expect_fact(&message, SPR_FACT_SENDER, "");
    cr_expect_eq(flags_of(&message), SPR_MESSAGE_BOUNCE);
    postfix_message_done(&message);
}

Test(postfix_envelope, falls_back_to_the_peer_when_the_original_client_is_unknown)
{
    struct postfix_file file = { 0 };
    postfix_begin(&file);
    (void)postfix_record(&file, 'S', "a@example.org");
    (void)postfix_record(&file, 'A', "log_client_address=unknown");
    (void)postfix_record(&file, 'A', "client_address=198.51.100.7");
    (void)postfix_end(&file, NULL, 0);
    struct drive_message message = postfix_message(&file, SPR_POSTFIX_ACTIVE);

    drive_parse(&message, 0, 0);

    expect_fact(&message, SPR_FACT_CLIENT, "198.51.100.7");
    postfix_message_done(&message);
}

Test(postfix_envelope, takes_the_first_account_and_the_first_sender)
{
    struct postfix_file file = { 0 };
    postfix_begin(&file);
    (void)postfix_record(&file, 'A', "sasl_username=first");
    (void)postfix_record(&file, 'S', "a@example.org");
    (void)postfix_record(&file, 'A', "sasl_username=second");
    (void)postfix_record(&file, 'S', "b@example.org");
    (void)postfix_record(&file, 'T', "1 0");
    (void)postfix_end(&file, NULL, 0);
    struct drive_message message = postfix_message(&file, SPR_POSTFIX_ACTIVE);

    drive_parse(&message, 0, 0);

    expect_fact(&message, SPR_FACT_ACCOUNT, "first");
    expect_fact(&message, SPR_FACT_SENDER, "a@example.org");
    cr_expect_eq(collected_number(&message.found, SPR_FACT_ARRIVAL), 1795321008);
    postfix_message_done(&message);
}

Test(postfix_envelope, shows_warned_and_force_expired)
{
    struct postfix_file file = { 0 };
    postfix_begin(&file);
    (void)postfix_record(&file, 'S', "a@example.org");
    (void)postfix_record(&file, 'W', "             -1");
    (void)postfix_end(&file, NULL, 0);
    struct drive_message message = postfix_message(&file, SPR_POSTFIX_DEFERRED);
    message.files[0].mode |= S_IXGRP;

    drive_parse(&message, 0, 0);

    cr_expect_eq(flags_of(&message), SPR_MESSAGE_WARNED | SPR_MESSAGE_FORCE_EXPIRE);
    cr_expect_eq(collected_number(&message.found, SPR_FACT_NEXT_RETRY), 1795324008);
    postfix_message_done(&message);
}

Test(postfix_envelope, trusts_no_account_in_a_submitted_file)
{
    struct postfix_file file = { 0 };
    (void)postfix_record(&file, 'T', "1795321008 316363");
    (void)postfix_record(&file, 'A', "sasl_username=forged");
    (void)postfix_record(&file, 'S', "a@example.org");
    (void)postfix_record(&file, 'R', "b@example.invalid");
    (void)postfix_record(&file, 'M', "");
    (void)postfix_record(&file, 'N', "Subject: local");
    (void)postfix_record(&file, 'X', "");
    (void)postfix_record(&file, 'R', "from-header@example.invalid");
    (void)postfix_record(&file, 'E', "");
    uint64_t size = file.size;
    struct drive_message message = postfix_message(&file, SPR_POSTFIX_MAILDROP);
    message.files[0].mode = S_IFREG | 0744;
    message.files[0].uid = 1500;

    drive_parse(&message, ALL_WANTS, 0);

    cr_assert_eq(message.verdict, SPR_PARSED);
    expect_fact(&message, SPR_FACT_ACCOUNT, NULL);
    expect_fact(&message, SPR_FACT_SUBJECT, "local");
    cr_expect_eq(collected_number(&message.found, SPR_FACT_UID), 1500);
    cr_expect_eq(collected_number(&message.found, SPR_FACT_SIZE), (int64_t)size);
    cr_expect_eq(message.found.recipient_count, 2);
    postfix_message_done(&message);
}

Test(postfix_envelope, keeps_the_account_of_a_requeued_file)
{
    struct postfix_file file = { 0 };
    postfix_begin(&file);
    (void)postfix_record(&file, 'A', "sasl_username=mallory");
    (void)postfix_record(&file, 'S', "a@example.org");
    (void)postfix_end(&file, NULL, 0);
    struct drive_message message = postfix_message(&file, SPR_POSTFIX_MAILDROP);

    drive_parse(&message, 0, 0);

    expect_fact(&message, SPR_FACT_ACCOUNT, "mallory");
    cr_expect_eq(collected_number(&message.found, SPR_FACT_UID), INT64_MIN);
    postfix_message_done(&message);
}

Test(postfix_envelope, accepts_size_records_of_older_releases)
{
    static const char *const fields[] = {
        "             14             144               1",
        "             14             144               1               0",
    };
    for (size_t i = 0; i < 2; i++) {
        struct postfix_file file = { 0 };
        (void)postfix_record(&file, 'C', fields[i]);
        (void)postfix_record(&file, 'T', "1795321008");
        (void)postfix_record(&file, 'S', "a@example.org");
        (void)postfix_record(&file, 'R', "b@example.invalid");
        (void)postfix_record(&file, 'M', "");
        while (file.size < 144) { /* what precedes the content does not matter */
            (void)postfix_record(&file, 'w', "");
        }
        file.size = 144;
        (void)postfix_record(&file, 'N', "Subject: old");
        (void)postfix_record(&file, 'X', "");
        (void)postfix_record(&file, 'E', "");
        struct drive_message message = postfix_message(&file, SPR_POSTFIX_DEFERRED);

        drive_parse(&message, ALL_WANTS, 0);

        cr_expect_eq(message.verdict, SPR_PARSED);
        expect_fact(&message, SPR_FACT_SUBJECT, "old");
        cr_expect_eq(collected_number(&message.found, SPR_FACT_SIZE), 14);
        postfix_message_done(&message);
    }
}
