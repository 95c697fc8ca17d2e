/*
 * Whole scans: a real spool against its truth, refreshes, hostile trees, bad use.
 */
#include "tests/support/spool.h"
#include "tests/support/toy_format.h"

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
    char name[16];
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

Test(scan, keeps_to_the_list_with_quick, .fini = clean_up)
{
    spool_make_sample(&spool, SPR_FIXTURES);
    assert_scanned(spool_scan(&spool, 0));

    assert_scanned(spool_scan(&spool, SPR_SCAN_QUICK));

    cr_expect_eq(spool.report.read, 0);
    cr_expect_eq(spool.report.carried_over, SAMPLE_MESSAGES);
    expect_truth();
}

Test(scan, reads_everything_again_with_full, .fini = clean_up)
{
    spool_make_sample(&spool, SPR_FIXTURES);
    assert_scanned(spool_scan(&spool, 0));

    assert_scanned(spool_scan(&spool, SPR_SCAN_FULL));

    cr_expect_eq(spool.report.read, SAMPLE_MESSAGES);
    cr_expect_eq(spool.report.messages, SAMPLE_MESSAGES);
    expect_truth();
}

Test(scan, reads_everything_again_for_subjects_that_the_index_lacks, .fini = clean_up)
{
    spool_make_sample(&spool, SPR_FIXTURES);
    assert_scanned(spool_scan(&spool, 0));

    assert_scanned(spool_scan(&spool, SPR_SCAN_SUBJECTS));

    cr_expect_eq(spool.report.read, SAMPLE_MESSAGES);
    cr_expect_gt(spool_count(&spool, "subject:*suspended*"), 0);
}

Test(scan, divides_a_spool_into_shards_without_overlap, .fini = clean_up)
{
    struct spr_scan_request request = SPR_SCAN_REQUEST_INIT;
    uint64_t messages = 0;
    spool_make_sample(&spool, SPR_FIXTURES);
    request.spool_root = spool.root;
    request.shards = 3;
    cr_assert_eq(spr_index_open(spool.state, &spool.options, &spool.index, &spool.fault), 0);

    for (request.shard = 0; request.shard < 3; request.shard++) {
        request.flags = SPR_SCAN_FULL;
        assert_scanned(spr_scan(spool.index, &request, &spool.report, &spool.fault));
        cr_expect_gt(spool.report.messages, 0);
        messages += spool.report.messages;
    }

    cr_expect_eq(messages, SAMPLE_MESSAGES);
}

/* ---- What changed since ---------------------------------------------------------------------- */

static void make_four(void)
{
    spool_make_postfix(&spool);
    spool_write_postfix(&spool, "deferred/A/A00001", "one@from.test", "ann", 1);
    spool_write_postfix(&spool, "deferred/B/B00002", "two@from.test", "ann", 2);
    spool_write_postfix(&spool, "hold/C00003", "three@from.test", NULL, 3);
    spool_write_postfix(&spool, "active/D00004", "four@from.test", "bob", 4);
    assert_scanned(spool_scan(&spool, 0));
    cr_assert_eq(spool.report.messages, 4);
    cr_assert_eq(spool.report.recipients, 10);
}

/* Parameters cross to another process: no pointers. */
struct change {
    char name[32];
    unsigned number; /* of the makers below */
    uint64_t read, carried_over, dropped, messages, recipients;
};

static void change_nothing(void) {}

static void edit_in_place(void)
{
    spool_write_postfix(&spool, "deferred/A/A00001", "one@from.test", "eve", 5);
}

static void remove_one(void)
{
    spool_remove(&spool, "deferred/B/B00002");
}

static void add_one(void)
{
    spool_write_postfix(&spool, "incoming/E00005", "five@from.test", NULL, 1);
}

static void move_one(void)
{
    spool_rename(&spool, "active/D00004", "deferred/D/D00004");
}

static void replace_under_the_same_name(void)
{
    spool_rename(&spool, "deferred/A/A00001", "private/aside");
    spool_write_postfix(&spool, "deferred/A/A00001", "new@from.test", "eve", 1);
}

static void remove_all(void)
{
    spool_remove(&spool, "deferred/A/A00001");
    spool_remove(&spool, "deferred/B/B00002");
    spool_remove(&spool, "hold/C00003");
    spool_remove(&spool, "active/D00004");
}

ParameterizedTestParameters(scan, refreshes_only_what_changed)
{
    static struct change changes[] = {
        { "nothing", 0, 0, 4, 0, 4, 10 },    { "edited in place", 1, 1, 3, 1, 4, 14 },
        { "removed", 2, 0, 3, 1, 3, 8 },     { "added", 3, 1, 4, 0, 5, 11 },
        { "moved", 4, 1, 3, 1, 4, 10 },      { "another file of that name", 5, 1, 3, 1, 4, 10 },
        { "all removed", 6, 0, 0, 4, 0, 0 },
    };
    return cr_make_param_array(struct change, changes, sizeof(changes) / sizeof(changes[0]));
}

ParameterizedTest(struct change *change, scan, refreshes_only_what_changed, .init = make_four,
                  .fini = clean_up)
{
    static void (*const makers[])(void) = {
        change_nothing, edit_in_place, remove_one, add_one, move_one, replace_under_the_same_name,
        remove_all,
    };
    makers[change->number]();

    assert_scanned(spool_scan(&spool, 0));

    cr_expect_eq(spool.report.read, change->read, "%s", change->name);
    cr_expect_eq(spool.report.carried_over, change->carried_over, "%s", change->name);
    cr_expect_eq(spool.report.dropped, change->dropped, "%s", change->name);
    cr_expect_eq(spool.report.messages, change->messages, "%s", change->name);
    cr_expect_eq(spool.report.recipients, change->recipients, "%s", change->name);
    cr_expect_eq(spool_count(&spool, "*"), change->messages, "%s", change->name);
}

Test(scan, finds_the_new_account_of_an_edited_message, .init = make_four, .fini = clean_up)
{
    edit_in_place();

    assert_scanned(spool_scan(&spool, 0));

    cr_expect_eq(spool_count(&spool, "account:eve"), 1);
    cr_expect_eq(spool_count(&spool, "account:ann"), 1);
}

/* ---- Hostile trees --------------------------------------------------------------------------- */

static void make_socket(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_geq(fd, 0);
    cr_assert_lt(strlen(path), sizeof(address.sun_path));
    memcpy(address.sun_path, path, strlen(path) + 1);
    cr_assert_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    (void)close(fd);
}

static const char *below(const char *path)
{
    static char full[2][1024]; /* two may be used in one call */
    static unsigned next;
    char *out = full[next++ % 2];
    (void)snprintf(out, sizeof(full[0]), "%s/%s", spool.root, path);
    return out;
}

static void make_hostile(void)
{
    static const uint8_t garbage[] = { 'C', 0xff, 0xff, 0xff, 0xff, 0xff };
    make_four();
    cr_assert_eq(mkfifo(below("deferred/A/AAAAAA"), 0600), 0);
    make_socket(below("deferred/A/AAAAAB"));
    cr_assert_eq(symlink("/etc/passwd", below("deferred/A/AAAAAC")), 0);
    spool_make_folder(&spool, "deferred/A/AAAAAD");
    cr_assert_eq(symlink("../hold", below("deferred/F")), 0);
    cr_assert_eq(link(below("hold/C00003"), below("private/second")), 0);
    spool_write_text(&spool, "deferred/B/B0000\nB", "x");
    spool_write_text(&spool, "deferred/B/..B", "x");
    spool_write(&spool, "deferred/B/BBBBBB", garbage, sizeof(garbage));
    spool_write(&spool, "deferred/B/BBBBBC", "", 0);
    spool_make_folder(&spool, "deferred/1/2/3/4/5");
    spool_write_postfix(&spool, "deferred/1/2/3/4/123456", "deep@from.test", NULL, 1);
}

ParameterizedTestParameters(scan, counts_what_is_no_message)
{
    static struct engine engines[] = {
        { "io_uring", SPR_ENGINE_AUTO },
        { "threads", SPR_ENGINE_THREADS },
    };
    return cr_make_param_array(struct engine, engines, sizeof(engines) / sizeof(engines[0]));
}

ParameterizedTest(struct engine *engine, scan, counts_what_is_no_message, .init = make_hostile,
                  .fini = clean_up)
{
    spr_index_close(spool.index);
    spool.index = NULL;
    spool.options.engine = engine->engine;

    assert_scanned(spool_scan(&spool, SPR_SCAN_FULL));

    cr_expect_eq(spool.report.messages, 4, "%lu", spool.report.messages);
    cr_expect_eq(spool_rejects(&spool, "not a regular file"), 4);
    cr_expect_eq(spool_rejects(&spool, "hard link"), 1);
    cr_expect_eq(spool_rejects(&spool, "foreign name"), 3);
    cr_expect_eq(spool_rejects(&spool, "folder too deep"), 1);
    cr_expect_eq(spool_rejects(&spool, "malformed") + spool.report.arriving, 2);
}

/* As another user, who may not read one file. */
Test(scan, goes_on_after_a_file_it_may_not_read, .init = make_four, .fini = clean_up)
{
    char command[1024];
    if (geteuid() != 0) {
        return; /* only root can become the user that this needs */
    }
    (void)snprintf(command, sizeof(command), "chown -R nobody %s", spool.folder);
    cr_assert_eq(system(command), 0);
    cr_assert_eq(chown(below("hold/C00003"), 0, 0), 0);
    cr_assert_eq(chmod(below("hold/C00003"), 0600), 0);
    spr_index_close(spool.index);
    spool.index = NULL;
    cr_assert_eq(seteuid(65534), 0);

    const int r = spool_scan(&spool, SPR_SCAN_FULL);

    cr_assert_eq(seteuid(0), 0);
    assert_scanned(r);
    cr_expect_eq(spool.report.messages, 3);
    cr_expect_eq(spool_rejects(&spool, "permission denied"), 1);
    cr_expect_str_eq(spool.report.first[0].path, "hold/C00003");
    cr_expect_eq(spool.report.first[0].code, -EACCES);
}

/* ---- Bad use --------------------------------------------------------------------------------- */

Test(scan, of_another_spool_into_the_same_index_is_refused, .init = make_four, .fini = clean_up)
{
    struct spool other;
    struct spr_scan_request request = SPR_SCAN_REQUEST_INIT;
    spool_make_postfix(&other);
    request.spool_root = other.root;

    const int r = spr_scan(spool.index, &request, NULL, &spool.fault);

    cr_expect_eq(r, SPR_E_UNABLE);
    cr_expect_str_eq(spool.fault.subject, spool.root);
    cr_expect_eq(spool_count(&spool, "*"), 4);
    spool_done(&other);
}

Test(scan, of_a_folder_just_above_a_spool_descends, .init = make_four, .fini = clean_up)
{
    struct spr_scan_request request = SPR_SCAN_REQUEST_INIT;
    request.spool_root = spool.folder;

    assert_scanned(spr_scan(spool.index, &request, &spool.report, &spool.fault));

    cr_expect_eq(spool.report.messages, 4);
}

static int stop_at_once(const struct spr_progress *progress, void *user)
{
    (void)progress;
    ++*(unsigned *)user;
    return 1;
}

/* A log is read on the caller's thread, which asks before: the scan cannot be over first. */
Test(scan, stops_when_the_callback_asks, .fini = clean_up)
{
    static const struct spr_format *const extra[] = { &toy_format, NULL };
    unsigned calls = 0;
    spool_make_flat(&spool);
    spool.options.extra_formats = extra;
    spool_write_text(&spool, "TOY", "");
    spool_write_text(&spool, "Qab01.SMD", "Sann@from.test\nRr@to.test\n");
    spool_write_text(&spool, "Dab01.SMD", "data");
    spool_write_text(&spool, "day.log", "s1 ann 0\n");
    assert_scanned(spool_scan(&spool, 0));
    spr_index_close(spool.index);
    spool.index = NULL;
    spool.options.on_progress = stop_at_once;
    spool.options.user = &calls;

    const int r = spool_scan(&spool, SPR_SCAN_FULL);

    cr_expect_eq(r, SPR_E_STOPPED);
    cr_expect_eq(spool.fault.code, SPR_E_STOPPED);
    cr_expect_geq(calls, 2, "once to stop it, once at the end");
    cr_expect_eq(spool_count(&spool, "*"), 1, "what was published stays valid");
}
