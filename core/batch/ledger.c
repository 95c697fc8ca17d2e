/*
 * The ledger: reading it line by line, appending to it. Invariants: ledger.h.
 */
#include "core/batch/ledger.h"

#include "core/batch/ledger_line.h"
#include "core/batch/reserve.h"
#include "core/fault.h"
#include "io/own.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LEDGER_NAME       "jobs"
#define LEDGER_BYTES_MAX  (64u << 20)
#define LEDGER_ROOM_BYTES 65536 /* reserved at a time, so that ending a job needs no room */
#define JOBS_MAX          1000000
#define BATCHES_MAX       10000000

struct spr_ledger {
    const struct spr_private *place;
    int fd; /* -1: no file yet */
    uint64_t used, size;
    struct spr_ledger_job *jobs;
    uint32_t count, capacity;
    bool is_jumbled; /* numbers do not rise: not how we write them, but nothing forbids it */
};

static void free_job(struct spr_ledger_job *job)
{
    free(job->user);
    free(job->format);
    free(job->command);
    free(job->reason);
    free(job->room_names);
    free(job->batches);
}

void spr_ledger_close(struct spr_ledger *ledger)
{
    if (ledger == NULL) {
        return;
    }
    for (uint32_t i = 0; i < ledger->count; i++) {
        free_job(&ledger->jobs[i]);
    }
    if (ledger->fd >= 0) {
        (void)close(ledger->fd); /* every line was synced */
    }
    free(ledger->jobs);
    free(ledger);
}

uint32_t spr_ledger_count(const struct spr_ledger *ledger)
{
    return ledger->count;
}

struct spr_ledger_job *spr_ledger_at(struct spr_ledger *ledger, uint32_t index)
{
    return &ledger->jobs[index];
}

static struct spr_ledger_job *find_jumbled(struct spr_ledger *ledger, uint64_t job)
{
    for (uint32_t i = ledger->count; i > 0; i--) {
        if (ledger->jobs[i - 1].job == job) {
            return &ledger->jobs[i - 1];
        }
    }
    return NULL;
}

struct spr_ledger_job *spr_ledger_find(struct spr_ledger *ledger, uint64_t job)
{
    if (ledger->is_jumbled) {
        return find_jumbled(ledger, job);
    }
    uint32_t from = 0;
    for (uint32_t to = ledger->count; from < to;) {
        const uint32_t middle = from + (to - from) / 2;
        if (ledger->jobs[middle].job < job) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from < ledger->count && ledger->jobs[from].job == job ? &ledger->jobs[from] : NULL;
}

const struct spr_ledger_batch *spr_ledger_find_batch(const struct spr_ledger_job *job,
                                                     uint64_t number)
{
    for (uint32_t i = 0; i < job->batch_count; i++) {
        if (job->batches[i].number == number) {
            return &job->batches[i];
        }
    }
    return NULL;
}

/* ---- Taking a line in ------------------------------------------------------------------------ */

static int grow(void **array, uint32_t count, uint32_t *capacity, size_t size, uint32_t max)
{
    if (count < *capacity) {
        return 0;
    }
    if (count >= max) {
        return -E2BIG;
    }
    const uint32_t wanted = *capacity == 0 ? 8 : *capacity * 2;
    void *bigger = realloc(*array, (size_t)wanted * size);
    if (bigger == NULL) {
        return -ENOMEM;
    }
    *array = bigger;
    *capacity = wanted;
    return 0;
}

/* Takes the texts of the line over. */
static int take_job(struct spr_ledger *ledger, struct spr_ledger_line *line)
{
    if (line->job.job == 0 || spr_ledger_find(ledger, line->job.job) != NULL) {
        return SPR_E_CORRUPT;
    }
    void *jobs = ledger->jobs;
    const int r = grow(&jobs, ledger->count, &ledger->capacity, sizeof(*ledger->jobs), JOBS_MAX);
    if (r < 0) {
        return r;
    }
    ledger->jobs = jobs;
    ledger->is_jumbled = ledger->is_jumbled ||
                         (ledger->count > 0 && ledger->jobs[ledger->count - 1].job > line->job.job);
    ledger->jobs[ledger->count++] = line->job;
    line->job = (struct spr_ledger_job){ 0 };
    return 0;
}

static int take_batch(struct spr_ledger_job *job, const struct spr_ledger_batch *batch)
{
    void *batches = job->batches;
    const int r =
        grow(&batches, job->batch_count, &job->batch_capacity, sizeof(*job->batches), BATCHES_MAX);
    if (r < 0) {
        return r;
    }
    job->batches = batches;
    job->batches[job->batch_count++] = *batch;
    return 0;
}

static int take_purge(struct spr_ledger_job *job, const struct spr_ledger_batch *purge)
{
    for (uint32_t i = 0; i < job->batch_count; i++) {
        if (job->batches[i].number == purge->number) {
            job->batches[i].purge_begun = true;
            job->batches[i].purged = job->batches[i].purged || !purge->purge_begun;
            job->batches[i].purged_messages += purge->purged_messages;
            return 0;
        }
    }
    return SPR_E_CORRUPT;
}

static int take_room(struct spr_ledger_job *job, struct spr_ledger_line *line)
{
    const char *names = line->job.room_names;
    if (names != NULL && job->room_names != NULL) {
        char *both = NULL;
        if (asprintf(&both, "%s%s", job->room_names, names) < 0) {
            return -ENOMEM;
        }
        free(job->room_names);
        job->room_names = both;
    } else if (names != NULL) {
        job->room_names = line->job.room_names;
        line->job.room_names = NULL;
    }
    job->room += line->batch.purged_messages;
    job->room_next = line->batch.next > job->room_next ? line->batch.next : job->room_next;
    return 0;
}

static int take_line(struct spr_ledger *ledger, struct spr_ledger_line *line)
{
    if (line->kind == SPR_LEDGER_JOB) {
        return take_job(ledger, line);
    }
    struct spr_ledger_job *job = spr_ledger_find(ledger, line->job.job);
    if (job == NULL) {
        return SPR_E_CORRUPT;
    }
    switch (line->kind) {
    case SPR_LEDGER_JOB:
        break;
    case SPR_LEDGER_BATCH:
        return take_batch(job, &line->batch);
    case SPR_LEDGER_PURGE:
        return take_purge(job, &line->batch);
    case SPR_LEDGER_ROOM:
        return take_room(job, line);
    case SPR_LEDGER_END:
        job->ended = true;
        job->state = line->job.state;
        break;
    }
    return 0;
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* Lines up to the first zero byte; a last one that does not check out was torn. */
static int take_lines(struct spr_ledger *ledger, const uint8_t *bytes, size_t length,
                      struct spr_fault *fault)
{
    const uint8_t *zero = memchr(bytes, 0, length);
    const size_t end = zero != NULL ? (size_t)(zero - bytes) : length;
    size_t at = 0;
    while (at < end) {
        const uint8_t *newline = memchr(bytes + at, '\n', end - at);
        const size_t next = newline != NULL ? (size_t)(newline - bytes) + 1 : end;
        struct spr_ledger_line line = { 0 };
        int r = newline == NULL
                    ? SPR_E_CORRUPT
                    : spr_ledger_line_parse((struct spr_text){ bytes + at, next - at - 1 }, &line);
        if (r == SPR_E_CORRUPT && next == end) {
            free_job(&line.job);
            break; /* torn */
        }
        if (r == 0) {
            r = take_line(ledger, &line);
        }
        free_job(&line.job);
        if (r < 0) {
            return spr_fault_set(fault, r, ledger->place->place, at,
                                 "a line of the list of jobs with its checksum");
        }
        at = next;
    }
    ledger->used = at;
    return 0;
}

static int read_lines(struct spr_ledger *ledger, struct spr_fault *fault)
{
    int r = spr_own_size(ledger->fd, &ledger->size);
    if (r < 0) {
        return r;
    }
    if (ledger->size > LEDGER_BYTES_MAX) {
        return spr_fault_set(fault, SPR_E_CORRUPT, ledger->place->place, 0,
                             "a list of jobs of at most 64 MiB");
    }
    uint8_t *bytes = malloc((size_t)ledger->size + 1);
    if (bytes == NULL) {
        return -ENOMEM;
    }
    r = spr_read_exact(ledger->fd, bytes, (size_t)ledger->size, 0);
    if (r == 0) {
        r = take_lines(ledger, bytes, (size_t)ledger->size, fault);
    }
    free(bytes);
    return r;
}

int spr_ledger_open(const struct spr_private *place, struct spr_ledger **ret_ledger,
                    struct spr_fault *fault)
{
    struct spr_ledger *ledger = calloc(1, sizeof(*ledger));
    if (ledger == NULL) {
        return -ENOMEM;
    }
    ledger->place = place;
    ledger->fd = -1;

    int r = 0;
    if (place->fd >= 0) {
        ledger->fd = spr_own_open(place->fd, LEDGER_NAME, place->lock_fd >= 0);
        if (ledger->fd >= 0) {
            r = read_lines(ledger, fault);
        } else if (ledger->fd != -ENOENT) {
            r = ledger->fd;
        }
    }
    if (r < 0) {
        spr_ledger_close(ledger);
        return r;
    }
    *ret_ledger = ledger;
    return 0;
}

/* ---- Appending ------------------------------------------------------------------------------- */

static int create(struct spr_ledger *ledger)
{
    if (ledger->fd >= 0) {
        return 0;
    }
    const int fd = spr_own_create(ledger->place->fd, LEDGER_NAME);
    if (fd < 0) {
        return fd;
    }
    spr_own_stay_in_place(fd); /* so that a line needs no room */
    ledger->fd = fd;
    return spr_sync_dir(ledger->place->fd);
}

static int make_room(struct spr_ledger *ledger, uint64_t length)
{
    if (ledger->used + length <= ledger->size) {
        return 0;
    }
    if (ledger->used + length > LEDGER_BYTES_MAX) {
        return -EFBIG;
    }
    const uint64_t wanted = ledger->used + length + LEDGER_ROOM_BYTES;
    int r = spr_reserve(ledger->fd, wanted);
    if (spr_is_disk_full(r) && spr_reserve_drop(ledger->place) == 1) {
        r = spr_reserve(ledger->fd, wanted);
    }
    if (r == 0) {
        ledger->size = wanted;
    }
    return r;
}

/* A line that the reader would refuse must never be written: the list would be damaged for good. */
static bool would_be_read(struct spr_ledger *ledger, const struct spr_ledger_line *line)
{
    return line->job.job != 0 &&
           (spr_ledger_find(ledger, line->job.job) == NULL) == (line->kind == SPR_LEDGER_JOB);
}

static int append(struct spr_ledger *ledger, struct spr_ledger_line *line)
{
    if (!would_be_read(ledger, line)) {
        return -EINVAL;
    }
    char *text = NULL;
    size_t length = 0;
    int r = spr_ledger_line_print(line, &text, &length);
    if (r < 0) {
        return r;
    }
    r = create(ledger);
    if (r == 0) {
        r = make_room(ledger, length);
    }
    if (r == 0) {
        r = spr_write_at(ledger->fd, text, length, ledger->used);
    }
    if (r == 0) {
        r = spr_sync_data(ledger->fd);
    }
    if (r == 0) {
        ledger->used += length;
        r = take_line(ledger, line);
    }
    free(text);
    return r;
}

static char *copy_text(const char *text, bool *failed)
{
    char *copy = text != NULL ? strndup(text, SPR_LEDGER_TEXT_MAX) : NULL;
    *failed = *failed || (text != NULL && copy == NULL);
    return copy;
}

int spr_ledger_add_job(struct spr_ledger *ledger, const struct spr_ledger_job *job)
{
    struct spr_ledger_line line = { .kind = SPR_LEDGER_JOB, .job = *job };
    bool failed = false;
    line.job.user = copy_text(job->user, &failed);
    line.job.format = copy_text(job->format, &failed);
    line.job.command = copy_text(job->command, &failed);
    line.job.reason = copy_text(job->reason, &failed);
    line.job.room_names = NULL;
    line.job.batches = NULL;
    line.job.batch_count = 0;
    line.job.batch_capacity = 0;
    const int r = failed ? -ENOMEM : append(ledger, &line);
    free_job(&line.job); /* empty when the ledger took it over */
    return r;
}

int spr_ledger_add_batch(struct spr_ledger *ledger, uint64_t job,
                         const struct spr_ledger_batch *batch)
{
    struct spr_ledger_line line = { .kind = SPR_LEDGER_BATCH, .job.job = job, .batch = *batch };
    return append(ledger, &line);
}

int spr_ledger_add_purge(struct spr_ledger *ledger, uint64_t job, uint64_t number,
                         uint64_t messages, bool is_begin)
{
    struct spr_ledger_line line = {
        .kind = SPR_LEDGER_PURGE,
        .job.job = job,
        .batch = { .number = number, .purged_messages = messages, .purge_begun = is_begin }
    };
    return append(ledger, &line);
}

int spr_ledger_add_room(struct spr_ledger *ledger, uint64_t job, uint64_t messages, uint64_t next,
                        const char *names)
{
    struct spr_ledger_line line = { .kind = SPR_LEDGER_ROOM,
                                    .job.job = job,
                                    .batch = { .purged_messages = messages, .next = next } };
    line.job.room_names = strdup(names);
    const int r = line.job.room_names != NULL ? append(ledger, &line) : -ENOMEM;
    free(line.job.room_names); /* NULL when the ledger took it over */
    return r;
}

int spr_ledger_add_end(struct spr_ledger *ledger, uint64_t job, enum spr_job_state state)
{
    struct spr_ledger_line line = { .kind = SPR_LEDGER_END, .job = { .job = job, .state = state } };
    return append(ledger, &line);
}
