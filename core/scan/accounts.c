/*
 * Log lines to events, events to accounts.
 *
 * An event is kept when a line ties a session to an account. Two accounts in one session within the
 * span are a conflict, and nothing is guessed.
 */
#include "core/scan/accounts.h"

#include "core/index/hash.h"
#include "core/scan/pair.h"
#include "formats/cursor.h"
#include "io/dirents.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES (16u << 10) /* a longer line is cut; no login line comes near */
#define EVENTS_MAX     (4u << 20)
#define LOG_MAX        (UINT64_C(1) << 30)
#define READ_BYTES     (256u << 10)

struct event {
    uint64_t session; /* hash, ASCII case folded */
    int64_t time;
    const uint8_t *account;
    uint32_t account_length;
};

struct spr_accounts {
    struct event *events;
    size_t count, room;
    struct spr_pool arena;
    uint8_t line[LINE_MAX_BYTES];
    size_t line_length;
};

int spr_accounts_new(struct spr_accounts **ret_accounts)
{
    struct spr_accounts *accounts = calloc(1, sizeof(*accounts));
    if (accounts == NULL) {
        return -ENOMEM;
    }
    *ret_accounts = accounts;
    return 0;
}

void spr_accounts_free(struct spr_accounts *accounts)
{
    if (accounts == NULL) {
        return;
    }
    free(accounts->events);
    spr_pool_done(&accounts->arena);
    free(accounts);
}

static uint64_t hash_session(struct spr_text session)
{
    uint8_t folded[64];
    const size_t length = session.length < sizeof(folded) ? session.length : sizeof(folded);
    for (size_t i = 0; i < length; i++) {
        const uint8_t c = session.bytes[i];
        folded[i] = (uint8_t)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    return spr_hash64(folded, length, session.length);
}

/* A clock without a year: in that of the three years around the log's last change that comes
 * closest to it. The zone is not told either; its hours lie within the span. */
static int64_t add_year(int64_t clock, int64_t mtime)
{
    struct tm changed;
    const time_t seconds = (time_t)mtime;
    if (gmtime_r(&seconds, &changed) == NULL) {
        return mtime;
    }
    int64_t best = 0;
    for (int years = -1; years <= 1; years++) {
        struct tm then;
        const time_t at = (time_t)clock;
        if (gmtime_r(&at, &then) == NULL) {
            return mtime;
        }
        then.tm_year = changed.tm_year + years;
        const int64_t time = (int64_t)timegm(&then);
        if (years == -1 || llabs(time - mtime) < llabs(best - mtime)) {
            best = time;
        }
    }
    return best;
}

static int take_line(struct spr_accounts *accounts, const struct spr_format *format,
                     struct spr_text line, int64_t mtime)
{
    struct spr_log_event event = { 0 };
    if (!format->log_line(line, &event) || event.account.length == 0 || event.session.length == 0) {
        return 0;
    }
    if (accounts->count >= EVENTS_MAX) {
        return -E2BIG;
    }
    int r = spr_grow((void **)&accounts->events, &accounts->room, accounts->count,
                     sizeof(*accounts->events));
    if (r < 0) {
        return r;
    }
    uint8_t *account = spr_pool_bytes(&accounts->arena, event.account.length);
    if (account == NULL) {
        return -ENOMEM;
    }
    memcpy(account, event.account.bytes, event.account.length);
    int64_t time = event.time != 0 ? event.time : mtime;
    if (event.yearless) {
        time = add_year(event.time, mtime);
    }
    accounts->events[accounts->count++] = (struct event){
        .session = hash_session(event.session),
        .time = time,
        .account = account,
        .account_length = (uint32_t)event.account.length,
    };
    return 0;
}

static int end_line(struct spr_accounts *accounts, const struct spr_format *format, int64_t mtime)
{
    size_t length = accounts->line_length;
    accounts->line_length = 0;
    if (length > 0 && accounts->line[length - 1] == '\r') {
        length--;
    }
    return take_line(accounts, format, (struct spr_text){ accounts->line, length }, mtime);
}

int spr_accounts_take(struct spr_accounts *accounts, const struct spr_format *format,
                      struct spr_text bytes, int64_t mtime)
{
    size_t at = 0;
    while (at < bytes.length) {
        const uint8_t *from = bytes.bytes + at;
        const uint8_t *end = memchr(from, '\n', bytes.length - at);
        const size_t length = end != NULL ? (size_t)(end - from) : bytes.length - at;
        const size_t room = LINE_MAX_BYTES - accounts->line_length;
        const size_t kept = length < room ? length : room;
        memcpy(accounts->line + accounts->line_length, from, kept);
        accounts->line_length += kept;
        at += length;
        if (end != NULL) {
            at++;
            int r = end_line(accounts, format, mtime);
            if (r < 0) {
                return r;
            }
        }
    }
    return 0;
}

int spr_accounts_end_log(struct spr_accounts *accounts, const struct spr_format *format,
                         int64_t mtime)
{
    return accounts->line_length > 0 ? end_line(accounts, format, mtime) : 0;
}

static int compare_events(const void *left, const void *right)
{
    const struct event *a = left;
    const struct event *b = right;
    if (a->session != b->session) {
        return a->session < b->session ? -1 : 1;
    }
    return a->time < b->time ? -1 : a->time > b->time;
}

void spr_accounts_sort(struct spr_accounts *accounts)
{
    if (accounts->count > 1) {
        qsort(accounts->events, accounts->count, sizeof(*accounts->events), compare_events);
    }
}

/* The first event of session not before time. */
static size_t find_event(const struct spr_accounts *accounts, uint64_t session, int64_t time)
{
    const struct event wanted = { .session = session, .time = time };
    size_t low = 0;
    size_t high = accounts->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (compare_events(&accounts->events[middle], &wanted) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

void spr_accounts_join(const struct spr_accounts *accounts, struct spr_record *record,
                       int64_t mtime)
{
    const struct spr_text session = record->text[SPR_COLUMN_LOG_SESSION];
    if (accounts->count == 0 || session.length == 0 ||
        record->text[SPR_COLUMN_ACCOUNT].length > 0) {
        return;
    }
    const int64_t arrival = record->number[SPR_NUMBER_ARRIVAL];
    const int64_t time = arrival != INT64_MIN ? arrival : mtime;
    if (time < INT64_MIN / 2 || time > INT64_MAX / 2) {
        return;
    }
    const uint64_t hash = hash_session(session);
    const struct event *found = NULL;
    for (size_t i = find_event(accounts, hash, time - SPR_ACCOUNTS_SPAN_SECONDS);
         i < accounts->count; i++) {
        const struct event *event = &accounts->events[i];
        if (event->session != hash || event->time > time + SPR_ACCOUNTS_SPAN_SECONDS) {
            break;
        }
        if (found != NULL && (found->account_length != event->account_length ||
                              memcmp(found->account, event->account, found->account_length) != 0)) {
            return; /* a conflict */
        }
        found = event;
    }
    if (found != NULL) {
        record->text[SPR_COLUMN_ACCOUNT] =
            (struct spr_text){ found->account, found->account_length };
        record->auth_source = SPR_AUTH_LOG;
    }
}

/* ---- Reading logs ---------------------------------------------------------------------------- */

/* Waits for the one request under way. */
static int read_one(struct spr_io *io, const struct spr_io_request *request,
                    struct spr_io_done *done)
{
    int r = spr_io_window(io, request, 1);
    if (r < 0) {
        return r;
    }
    r = spr_io_wait(io, done, 1);
    return r == 1 ? 0 : r < 0 ? r : -EIO;
}

static int read_rest(struct spr_accounts *accounts, const struct spr_walk *walk, struct spr_io *io,
                     const struct spr_io_done *head, uint64_t *ret_end)
{
    const int64_t mtime = head->meta.mtime_ns / 1000000000;
    uint64_t at = (uint64_t)head->result;
    int r = spr_accounts_take(accounts, walk->setup.format,
                              (struct spr_text){ head->bytes, (size_t)head->result }, mtime);
    while (r == 0 && at < head->meta.size && at < LOG_MAX &&
           !spr_tally_stopped(walk->setup.tally)) {
        const struct spr_io_request request = {
            .op = SPR_IO_RANGE, .file = head->file, .offset = at, .length = READ_BYTES
        };
        struct spr_io_done done;
        r = read_one(io, &request, &done);
        if (r < 0) {
            return r;
        }
        const int64_t got = done.result;
        if (got > 0) {
            r = spr_accounts_take(accounts, walk->setup.format,
                                  (struct spr_text){ done.bytes, (size_t)got }, mtime);
            at += (uint64_t)got;
        }
        spr_io_release(io, &done);
        if (got <= 0) {
            r = r == 0 ? (int)got : r;
            break;
        }
    }
    *ret_end = at;
    return r == 0 ? spr_accounts_end_log(accounts, walk->setup.format, mtime) : r;
}

static void reject_log(const struct spr_walk *walk, const struct spr_walk_log *log,
                       enum spr_reject_kind kind, int code)
{
    const struct spr_text name = spr_text_of(log->name);
    const struct spr_reject_detail detail = { .code = code };
    spr_tally_reject(walk->setup.tally, kind, walk->folders[log->folder].path, name, &detail);
}

static int read_log(struct spr_accounts *accounts, const struct spr_walk *walk, struct spr_io *io,
                    const struct spr_walk_log *log)
{
    const int dir_fd = spr_dir_open(walk->setup.root_fd, walk->folders[log->folder].path);
    if (dir_fd < 0) {
        reject_log(walk, log, spr_reject_of_errno(dir_fd), dir_fd);
        return 0;
    }
    const struct spr_io_request request = {
        .op = SPR_IO_HEAD, .dir_fd = dir_fd, .name = log->name, .length = READ_BYTES
    };
    struct spr_io_done done;
    int r = read_one(io, &request, &done);
    if (r == 0) {
        uint64_t end = 0;
        const int result =
            done.result < 0 ? (int)done.result : read_rest(accounts, walk, io, &done, &end);
        if (result == -ENOMEM) {
            r = result;
        } else if (result == -E2BIG || end >= LOG_MAX) {
            reject_log(walk, log, SPR_REJECT_LOG_LARGE, 0);
        } else if (result < 0) {
            reject_log(walk, log, spr_reject_of_errno(result), result);
        }
        accounts->line_length = 0;
        spr_io_release(io, &done);
    }
    (void)close(dir_fd); /* read only: nothing can be lost */
    return r;
}

int spr_accounts_read(struct spr_accounts *accounts, const struct spr_walk *walk,
                      struct spr_io_shared *shared)
{
    if (walk->log_count == 0) {
        return 0;
    }
    struct spr_io *io;
    int r = spr_io_new(shared, 0, 0, &io);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < walk->log_count && r == 0; i++) {
        if (walk->setup.on_wait != NULL && !walk->setup.on_wait(walk->setup.user)) {
            r = SPR_E_STOPPED;
            break;
        }
        r = read_log(accounts, walk, io, &walk->logs[i]);
    }
    spr_io_free(io);
    spr_accounts_sort(accounts);
    return r;
}
