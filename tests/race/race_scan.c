/*
 * One index scanned by several workers while several threads query it, for the thread sanitizer:
 * every query sees a whole snapshot, whatever the scan is about.
 */
#include "core/spoolray.h"
#include "tests/support/toy_format.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MESSAGE_COUNT = 1200,
    FOLDER_COUNT = 4,
    SCAN_WORKERS = 6,
    READER_COUNT = 3,
    ROUND_COUNT = 6,
    FOLDER_BYTES = 48,
    PATH_BYTES = 128,
    NAME_BYTES = 24,
};

struct arena {
    char folder[FOLDER_BYTES];
    struct spr_index *index;
    atomic_uint_fast64_t least; /* messages that every snapshot holds */
    atomic_bool is_over;
    atomic_uint failures;
};

static void check(int r, const char *what, const struct spr_fault *fault)
{
    if (r < 0) {
        (void)fprintf(stderr, "%s: %d: %s: %s\n", what, r, fault->subject, fault->detail);
        exit(1);
    }
}

static void fail(struct arena *arena, const char *what, int64_t got)
{
    (void)fprintf(stderr, "%s: %lld\n", what, (long long)got);
    atomic_fetch_add(&arena->failures, 1);
}

/* ---- The spool ------------------------------------------------------------------------------- */

static void name_file(const struct arena *arena, char letter, unsigned number, char *out)
{
    (void)snprintf(out, PATH_BYTES, "%s/spool/%u/%c%06u.smd", arena->folder, number % FOLDER_COUNT,
                   letter, number);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0) {
        perror(path);
        exit(1);
    }
}

static void make_folder(const struct arena *arena, const char *name)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s/%s", arena->folder, name);
    if (mkdir(path, 0700) < 0) {
        perror(path);
        exit(1);
    }
}

/* Longer than a head, so that each message costs a second read. */
static void write_message(const struct arena *arena, unsigned number)
{
    char path[PATH_BYTES];
    char text[256];
    (void)snprintf(text, sizeof(text), "Ssender%u@from.test\nAaccount%u\nR%064u@to.test\n",
                   number % 7, number % 3, number);
    name_file(arena, 'Q', number, path);
    write_file(path, text);
    name_file(arena, 'D', number, path);
    write_file(path, "data\n");
}

static void make_spool(struct arena *arena)
{
    char name[NAME_BYTES];
    char mark[PATH_BYTES];
    (void)snprintf(arena->folder, sizeof(arena->folder), "/tmp/spoolray-race-XXXXXX");
    if (mkdtemp(arena->folder) == NULL) {
        perror(arena->folder);
        exit(1);
    }
    make_folder(arena, "spool");
    for (unsigned i = 0; i < FOLDER_COUNT; i++) {
        (void)snprintf(name, sizeof(name), "spool/%u", i);
        make_folder(arena, name);
    }
    (void)snprintf(mark, sizeof(mark), "%s/spool/TOY", arena->folder);
    write_file(mark, "");
    for (unsigned i = 0; i < MESSAGE_COUNT; i++) {
        write_message(arena, i);
    }
}

static void remove_spool(const struct arena *arena)
{
    char command[PATH_BYTES];
    (void)snprintf(command, sizeof(command), "rm -rf %s", arena->folder);
    if (system(command) != 0) {
        (void)fprintf(stderr, "%s is left over\n", arena->folder);
    }
}

/* ---- Readers --------------------------------------------------------------------------------- */

static void read_result(struct arena *arena, const struct spr_query *query, bool is_all)
{
    const uint64_t least = atomic_load(&arena->least);
    struct spr_fault fault = { 0 };
    struct spr_result *result;
    int r = spr_result_open(arena->index, query, SPR_SORT_SENDER, false, &result, &fault);
    if (r < 0) {
        fail(arena, fault.detail, r);
        return;
    }
    struct spr_message message;
    uint64_t seen = 0;
    while ((r = spr_result_next(result, &message, &fault)) == 1) {
        seen += message.sender.length > 0 && message.recipient_count == 1;
    }
    if (r < 0 || seen != spr_result_count(result)) {
        fail(arena, "a result ends early", r);
    }
    if (is_all && (seen < least || seen > MESSAGE_COUNT)) {
        fail(arena, "messages in a snapshot", (int64_t)seen);
    }
    spr_result_close(result);
}

static void read_tables(struct arena *arena)
{
    struct spr_fault fault = { 0 };
    struct spr_top *top;
    int r = spr_top(arena->index, NULL, SPR_FIELD_ACCOUNT, &top, &fault);
    if (r < 0) {
        fail(arena, fault.detail, r);
        return;
    }
    spr_top_free(top);
    struct spr_verdict_report *report;
    r = spr_verdict(arena->index, &report, &fault);
    if (r < 0) {
        fail(arena, fault.detail, r);
        return;
    }
    spr_verdict_free(report);
}

static void *read_always(void *user)
{
    struct arena *arena = user;
    struct spr_fault fault = { 0 };
    struct spr_query *query;
    check(spr_query_compile("account:account1", 0, &query, &fault), "query", &fault);
    do {
        struct spr_index_report report;
        read_result(arena, NULL, true);
        read_result(arena, query, false);
        read_tables(arena);
        if (spr_index_describe(arena->index, &report) < 0 ||
            spr_index_stale(arena->index, &fault) < 0) {
            fail(arena, "the index cannot be described", 0);
        }
    } while (!atomic_load(&arena->is_over));
    spr_query_free(query);
    return NULL;
}

/* ---- Scans ----------------------------------------------------------------------------------- */

static void scan(struct arena *arena, uint32_t flags, uint64_t expected)
{
    char root[PATH_BYTES + 8];
    struct spr_fault fault = { 0 };
    struct spr_scan_request request = SPR_SCAN_REQUEST_INIT;
    struct spr_scan_report *report = calloc(1, sizeof(*report));
    (void)snprintf(root, sizeof(root), "%s/spool", arena->folder);
    request.spool_root = root;
    request.flags = flags;
    check(report == NULL ? -ENOMEM : spr_scan(arena->index, &request, report, &fault), "scan",
          &fault);
    if (report->messages != expected) {
        fail(arena, "messages of a scan", (int64_t)report->messages);
    }
    free(report);
}

/* Removes one message in each round, so that rows die and segments are replaced. */
static void scan_rounds(struct arena *arena)
{
    for (unsigned round = 0; round < ROUND_COUNT; round++) {
        const uint64_t left = MESSAGE_COUNT - round;
        scan(arena, round % 2 == 0 ? SPR_SCAN_FULL : 0, left);
        atomic_store(&arena->least, left - 1);
        char path[PATH_BYTES];
        name_file(arena, 'Q', round, path);
        (void)unlink(path); /* seen by the count of the next round */
        name_file(arena, 'D', round, path);
        (void)unlink(path); /* as above */
    }
}

int main(void)
{
    static const struct spr_format *const extra[] = { &toy_format, NULL };
    struct arena *arena = calloc(1, sizeof(*arena));
    struct spr_options options = SPR_OPTIONS_INIT;
    struct spr_fault fault = { 0 };
    char state[PATH_BYTES + 8];
    pthread_t readers[READER_COUNT];
    if (arena == NULL) {
        return 1;
    }
    make_spool(arena);
    options.extra_formats = extra;
    options.workers = SCAN_WORKERS;
    (void)snprintf(state, sizeof(state), "%s/state", arena->folder);
    check(spr_index_open(state, &options, &arena->index, &fault), "index", &fault);
    for (unsigned i = 0; i < READER_COUNT; i++) {
        check(-pthread_create(&readers[i], NULL, read_always, arena), "thread", &fault);
    }

    scan_rounds(arena);

    atomic_store(&arena->is_over, true);
    for (unsigned i = 0; i < READER_COUNT; i++) {
        check(-pthread_join(readers[i], NULL), "join", &fault);
    }
    const bool is_good = atomic_load(&arena->failures) == 0;
    spr_index_close(arena->index);
    remove_spool(arena);
    free(arena);
    return is_good ? 0 : 1;
}
