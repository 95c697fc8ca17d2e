/*
 * Every message of a spool that a real Postfix 3.7.11 wrote, against what that server and the
 * sender of the mail said about it.
 */
#include "tests/support/drive.h"
#include "tests/support/temporary.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <jansson.h>

#define SAMPLE_MESSAGES 218

static char root[TEMPORARY_PATH_MAX + 32];
static char folder[TEMPORARY_PATH_MAX];
static struct drive_spool spool;

static void unpack_and_parse(void)
{
    char command[4 * TEMPORARY_PATH_MAX];
    make_temporary(folder);
    (void)snprintf(command, sizeof(command),
                   "tar --zstd --no-same-owner -xpf '%s/postfix/sample.tar.zst' -C '%s'",
                   SPR_FIXTURES, folder);
    cr_assert_eq(system(command), 0);
    (void)snprintf(root, sizeof(root), "%s/var/spool/postfix", folder);
    drive_spool_read(&spool, drive_format("postfix"), root);
    drive_spool_parse(&spool, SPR_WANT_SUBJECTS | SPR_WANT_ERRORS, 1795322000);
}

static void clean_up(void)
{
    drive_spool_done(&spool);
    remove_temporary(folder);
}

TestSuite(postfix_sample, .init = unpack_and_parse, .fini = clean_up);

static json_t *load_truth(void)
{
    FILE *file = fopen(SPR_FIXTURES "/postfix/sample.truth.jsonl", "rb");
    cr_assert_not_null(file);
    json_t *all = json_array();
    json_error_t error;
    json_t *one;
    while ((one = json_loadf(file, JSON_DISABLE_EOF_CHECK, &error)) != NULL) {
        json_array_append_new(all, one);
    }
    (void)fclose(file); /* read only */
    cr_assert_eq(json_array_size(all), SAMPLE_MESSAGES);
    return all;
}

static const char *text_of(const json_t *truth, const char *name)
{
    return json_string_value(json_object_get(truth, name));
}

/* The listing quotes local parts that need it; the queue file does not. In place. */
static char *unquote(char *address)
{
    if (address[0] != '"') {
        return address;
    }
    char *out = address;
    const char *in = address + 1;
    while (*in != '\0' && *in != '"') {
        in += *in == '\\' ? 1 : 0;
        *out++ = *in++;
    }
    memmove(out, in + 1, strlen(in));
    return address;
}

/* NULL equals not found. */
static void expect_text(const char *found, const char *want, const char *id, const char *what)
{
    if (want == NULL || found == NULL) {
        cr_expect(want == NULL && found == NULL, "%s: %s is %s, not %s", id, what,
                  found != NULL ? found : "unknown", want != NULL ? want : "unknown");
        return;
    }
    cr_expect_str_eq(found, want, "%s: %s is %s, not %s", id, what, found, want);
}

static struct drive_message *find_parsed(const json_t *truth)
{
    const char *id = text_of(truth, "id");
    struct drive_message *message = drive_find(&spool, id);
    cr_assert_not_null(message, "%s is missing", id);
    cr_assert_eq(message->verdict, SPR_PARSED, "%s: %s", id,
                 message->need.reason != NULL ? message->need.reason : "not parsed");
    return message;
}

Test(postfix_sample, is_recognised_by_its_directories)
{
    cr_expect_eq(spool.probe.score, 95);
    cr_expect_eq(spool.probe.layout.hash_depth, 1);
    cr_expect_eq(spool.message_count, SAMPLE_MESSAGES);
    cr_expect_eq(spool.temporary + spool.logs + spool.foreign, 0);
}

Test(postfix_sample, holds_every_message_in_its_queue)
{
    json_t *all = load_truth();
    size_t i;
    json_t *truth;

    json_array_foreach(all, i, truth)
    {
        const struct drive_message *message = find_parsed(truth);

        cr_expect_str_eq(message->format->dirs[message->dir].word, text_of(truth, "state"));
    }
    json_decref(all);
}

Test(postfix_sample, says_sender_account_size_and_arrival)
{
    json_t *all = load_truth();
    size_t i;
    json_t *truth;

    json_array_foreach(all, i, truth)
    {
        const char *id = text_of(truth, "id");
        const struct collector *found = &find_parsed(truth)->found;
        char *listed = unquote(strdup(text_of(truth, "listed_sender")));
        const char *account = text_of(truth, "auth");

        expect_text(collected(found, SPR_FACT_SENDER), listed, id, "sender");
        expect_text(collected(found, SPR_FACT_ACCOUNT), account, id, "account");
        cr_expect_eq(collected_number(found, SPR_FACT_AUTH_SOURCE),
                     account != NULL ? SPR_AUTH_ENVELOPE : INT64_MIN);
        cr_expect_eq(collected(found, SPR_FACT_AUTH_METHOD) != NULL, account != NULL);
        cr_expect_eq(collected_number(found, SPR_FACT_SIZE),
                     json_integer_value(json_object_get(truth, "size")), "%s", id);
        cr_expect_eq(collected_number(found, SPR_FACT_ARRIVAL),
                     json_integer_value(json_object_get(truth, "arrival")), "%s", id);
        cr_expect_eq((collected_number(found, SPR_FACT_FLAGS) & SPR_MESSAGE_BOUNCE) != 0,
                     listed[0] == '\0' && collected_number(found, SPR_FACT_FLAGS) > 0);
        free(listed);
    }
    json_decref(all);
}

Test(postfix_sample, says_client_and_helo_of_mail_by_smtp)
{
    json_t *all = load_truth();
    size_t i;
    json_t *truth;

    json_array_foreach(all, i, truth)
    {
        const char *id = text_of(truth, "id");
        const struct collector *found = &find_parsed(truth)->found;

        expect_text(collected(found, SPR_FACT_CLIENT), text_of(truth, "client"), id, "client");
        expect_text(collected(found, SPR_FACT_HELO), text_of(truth, "helo"), id, "helo");
    }
    json_decref(all);
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

Test(postfix_sample, lists_exactly_the_pending_recipients)
{
    json_t *all = load_truth();
    size_t i;
    json_t *truth;
    size_t total = 0;

    json_array_foreach(all, i, truth)
    {
        const char *id = text_of(truth, "id");
        const struct collector *found = &find_parsed(truth)->found;
        const json_t *listed = json_object_get(truth, "listed_rcpts");
        size_t count = json_array_size(listed);
        cr_assert_eq(collected_recipients_in(found, SPR_RECIPIENT_PENDING), count, "%s", id);
        const char **want = calloc(2 * count + 1, sizeof(*want));
        const char **have = want + count;
        size_t filled = 0;
        for (size_t k = 0; k < found->recipient_count; k++) {
            if (found->recipients[k].state == SPR_RECIPIENT_PENDING) {
                have[filled++] = found->recipients[k].address.bytes;
            }
        }
        for (size_t k = 0; k < count; k++) {
            want[k] = unquote(strdup(json_string_value(json_array_get(listed, k))));
        }
        qsort(want, count, sizeof(*want), compare_texts);
        qsort(have, count, sizeof(*have), compare_texts);

        for (size_t k = 0; k < count; k++) {
            cr_expect_str_eq(have[k], want[k], "%s", id);
            free((void *)(uintptr_t)want[k]);
        }
        total += count;
        free(want);
    }
    cr_expect_gt(total, 2900);
    json_decref(all);
}

Test(postfix_sample, says_subject_and_from)
{
    json_t *all = load_truth();
    size_t i;
    json_t *truth;

    json_array_foreach(all, i, truth)
    {
        const char *id = text_of(truth, "id");
        const struct collector *found = &find_parsed(truth)->found;
        const json_t *subject = json_object_get(truth, "subject");
        const char *token = text_of(truth, "token");

        if (json_is_object(subject)) { /* not UTF-8: "caf\xe9 \xff\xfe raw" in base 64 */
            expect_text(collected(found, SPR_FACT_SUBJECT), "caf\xe9 \xff\xfe raw", id, "subject");
        } else {
            expect_text(collected(found, SPR_FACT_SUBJECT), json_string_value(subject), id,
                        "subject");
        }
        if (text_of(truth, "hdr_from") != NULL) {
            expect_text(collected(found, SPR_FACT_HEADER_FROM), text_of(truth, "hdr_from"), id,
                        "From");
        }
        const char *message_id = collected(found, SPR_FACT_MESSAGE_ID);
        if (token != NULL && message_id != NULL) {
            cr_expect_not_null(strstr(message_id, token), "%s: %s", id, message_id);
        }
    }
    json_decref(all);
}

Test(postfix_sample, joins_the_defer_log_with_its_recipients)
{
    size_t deferred = 0;
    for (size_t i = 0; i < spool.message_count; i++) {
        const struct drive_message *message = &spool.messages[i];
        cr_expect_eq(message->found.errors_unjoined, 0, "%s", message->key_name);
        for (size_t k = 0; k < message->found.recipient_count; k++) {
            const struct collected_recipient *recipient = &message->found.recipients[k];
            if (message->files[1].size > 0 && recipient->error.bytes != NULL) {
                deferred++;
                cr_expect_not_null(strstr(recipient->error.bytes, "onnect"));
            }
        }
    }
    cr_expect_gt(deferred, 2000);
}

Test(postfix_sample, needs_one_read_for_nearly_every_message)
{
    drive_spool_parse(&spool, 0, 1795322000);

    size_t one_round = 0;
    for (size_t i = 0; i < spool.message_count; i++) {
        one_round += spool.messages[i].rounds == 1 ? 1 : 0;
        cr_expect_leq(spool.messages[i].rounds, 3, "%s", spool.messages[i].key_name);
    }
    cr_expect_gt(one_round, SAMPLE_MESSAGES * 7 / 10);
}

Test(postfix_selection, reads_as_agreed)
{
    struct drive_spool few;

    drive_spool_read(&few, drive_format("postfix"), SPR_FIXTURES "/postfix/selection/spool");
    drive_spool_freeze(&few, 1795324000, 0700, 100);
    drive_spool_parse(&few, SPR_WANT_SUBJECTS | SPR_WANT_ERRORS, 1795324000);

    cr_expect_eq(few.message_count, 20);
    cr_expect(drive_matches_golden(&few, SPR_FIXTURES "/postfix/selection/expected.txt"));
    drive_spool_done(&few);
}
