/*
 * Whole scans: a real spool against its truth, refreshes, hostile trees, bad use.
 */
#include "tests/support/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <jansson.h>

#define SAMPLE_MESSAGES   218
#define SAMPLE_RECIPIENTS 3134

static struct spool spool;

static void clean_up(void)
{
    spool_done(&spool);
}

static void assert_scanned(int r)
{
    cr_assert_eq(r, 0, "%d: %s: %s", r, spool.fault.subject, spool.fault.detail);
}

/* ---- A real spool ---------------------------------------------------------------------------- */

static const char *text_of(const json_t *truth, const char *name)
{
    return json_string_value(json_object_get(truth, name));
}

static bool equals(struct spr_text text, const char *want)
{
    if (want == NULL || text.bytes == NULL) {
        return want == NULL && text.bytes == NULL;
    }
    return text.length == strlen(want) && memcmp(text.bytes, want, text.length) == 0;
}

/* The wire quotes local parts that need it; the queue file does not. */
static bool equals_unquoted(struct spr_text text, const char *want)
{
    char plain[512];
    size_t used = 0;
    const char *in = want[0] == '"' ? want + 1 : want;
    while (want[0] == '"' && *in != '\0' && *in != '"' && used < sizeof(plain) - 1) {
        in += *in == '\\' ? 1 : 0;
        plain[used++] = *in++;
    }
    in += want[0] == '"' ? 1 : 0;
    (void)snprintf(plain + used, sizeof(plain) - used, "%s", in);
    return equals(text, plain);
}

static void expect_message(const struct spr_message *message, const json_t *truth)
{
    const char *id = text_of(truth, "id");
    size_t pending = 0;

    cr_expect(equals_unquoted(message->sender, text_of(truth, "sender")), "%s: sender", id);
    cr_expect(equals(message->auth_account, text_of(truth, "auth")), "%s: account", id);
    cr_expect(equals(message->queue_name, text_of(truth, "state")), "%s: queue", id);
    cr_expect_eq(message->message_size, json_integer_value(json_object_get(truth, "size")), "%s",
                 id);
    for (uint32_t i = 0; i < message->recipient_count; i++) {
        pending += message->recipients[i].state == SPR_RECIPIENT_PENDING;
    }
    cr_expect_eq(pending, json_array_size(json_object_get(truth, "listed_rcpts")), "%s: %zu", id,
                 pending);
}

static json_t *load_truth(void)
{
    FILE *file = fopen(SPR_FIXTURES "/postfix/sample.truth.jsonl", "rb");
    cr_assert_not_null(file);
    json_t *by_id = json_object();
    json_error_t error;
    json_t *one;
    while ((one = json_loadf(file, JSON_DISABLE_EOF_CHECK, &error)) != NULL) {
        json_object_set_new(by_id, text_of(one, "id"), one);
    }
    (void)fclose(file); /* read only */
    cr_assert_eq(json_object_size(by_id), SAMPLE_MESSAGES);
    return by_id;
}

static void expect_truth(void)
{
    json_t *truth = load_truth();
    struct spr_result *result;
    struct spr_message message;
    cr_assert_eq(spr_result_open(spool.index, NULL, SPR_SORT_NONE, false, &result, &spool.fault),
                 0);
    while (spr_result_next(result, &message, &spool.fault) == 1) {
        char id[64];
        (void)snprintf(id, sizeof(id), "%.*s", (int)message.queue_id.length,
                       (const char *)message.queue_id.bytes);
        json_t *one = json_object_get(truth, id);
        cr_expect_not_null(one, "%s is not in the truth, or was found twice", id);
        if (one != NULL) {
            expect_message(&message, one);
            json_object_del(truth, id);
        }
    }
    spr_result_close(result);
    cr_expect_eq(json_object_size(truth), 0, "messages are missing");
    json_decref(truth);
}

struct engine {
    const char *name;
    enum spr_engine engine;
};

ParameterizedTestParameters(scan, finds_every_message_of_a_real_spool)
{
    static struct engine engines[] = {
        { "io_uring", SPR_ENGINE_AUTO },
        { "threads", SPR_ENGINE_THREADS },
    };
    return cr_make_param_array(struct engine, engines, sizeof(engines) / sizeof(engines[0]));
}

ParameterizedTest(struct engine *engine, scan, finds_every_message_of_a_real_spool,
                  .fini = clean_up)
{
    spool_make_sample(&spool, SPR_FIXTURES);
    spool.options.engine = engine->engine;

    assert_scanned(spool_scan(&spool, SPR_SCAN_SUBJECTS | SPR_SCAN_ERRORS));

    cr_expect_eq(spool.report.messages, SAMPLE_MESSAGES);
    cr_expect_eq(spool.report.rejects, 0);
    cr_expect_eq(spool.report.arriving, 0);
    cr_expect_not_null(spool.report.engine_reason);
    expect_truth();
}

Test(scan, reads_nothing_again_when_nothing_changed, .fini = clean_up)
{
    spool_make_sample(&spool, SPR_FIXTURES);
    assert_scanned(spool_scan(&spool, 0));

    assert_scanned(spool_scan(&spool, 0));

    cr_expect_eq(spool.report.read, 0);
    cr_expect_eq(spool.report.carried_over, SAMPLE_MESSAGES);
    cr_expect_eq(spool.report.dropped, 0);
    cr_expect_eq(spool.report.messages, SAMPLE_MESSAGES);
    expect_truth();
}
