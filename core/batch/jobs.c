/*
 * The jobs of a spool: listing them, telling what became of each message, undoing, purging.
 */
#include "core/batch/apply.h"
#include "core/batch/job.h"
#include "core/batch/purge.h"
#include "core/batch/recover.h"
#include "core/batch/reserve.h"
#include "core/batch/steps.h"
#include "core/fault.h"
#include "io/dirents.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What is stuck outlives a purge. */
static bool has_trash(const struct spr_ledger_batch *batch)
{
    return batch->counts.stuck > 0 || (!batch->purged && batch->counts.out > 0);
}

struct spr_job_sums spr_job_sum(const struct spr_ledger_job *job)
{
    struct spr_job_sums sums = { .out = job->room, .purged = job->room, .next = job->room_next };
    for (uint32_t i = 0; i < job->batch_count; i++) {
        const struct spr_ledger_batch *batch = &job->batches[i];
        if (batch->operation == SPR_RESTORE) {
            sums.restored += batch->counts.out;
            continue;
        }
        sums.out += batch->counts.out;
        sums.back += batch->counts.back;
        sums.skipped += batch->counts.skipped - batch->again;
        sums.stuck += batch->counts.stuck;
        sums.lost += batch->counts.lost;
        sums.bytes += batch->bytes;
        sums.purged += batch->purged_messages;
        sums.next = batch->next > sums.next ? batch->next : sums.next;
        sums.can_undo = sums.can_undo || has_trash(batch);
    }
    return sums;
}

enum spr_job_state spr_job_state_of(const struct spr_private *place,
                                    const struct spr_ledger_job *job)
{
    if (job->ended) {
        return job->state;
    }
    return spr_private_busy(place) ? SPR_JOB_RUNNING : SPR_JOB_INTERRUPTED;
}

/* ---- Listing --------------------------------------------------------------------------------- */

struct spr_jobs {
    struct spr_private *place;
    struct spr_ledger *ledger;
    uint32_t next;
};

int spr_jobs_open(const char *spool_root, struct spr_jobs **ret_jobs, struct spr_fault *fault)
{
    struct spr_jobs *jobs = calloc(1, sizeof(*jobs));
    if (jobs == NULL) {
        return -ENOMEM;
    }
    int r = spr_private_open(spool_root, false, &jobs->place, fault);
    if (r == 0) {
        r = spr_ledger_open(jobs->place, &jobs->ledger, fault);
    }
    if (r < 0) {
        spr_jobs_close(jobs);
        return r;
    }
    *ret_jobs = jobs;
    return 0;
}

void spr_jobs_close(struct spr_jobs *jobs)
{
    if (jobs == NULL) {
        return;
    }
    spr_ledger_close(jobs->ledger);
    spr_private_close(jobs->place);
    free(jobs);
}

int spr_jobs_next(struct spr_jobs *jobs, struct spr_job *ret_job, struct spr_fault *fault)
{
    (void)fault; /* all was read when the list was opened */
    if (jobs->next == spr_ledger_count(jobs->ledger)) {
        return 0;
    }
    const struct spr_ledger_job *job = spr_ledger_at(jobs->ledger, jobs->next++);
    const struct spr_job_sums sums = spr_job_sum(job);
    const enum spr_job_state state = spr_job_state_of(jobs->place, job);
    const bool can_undo = sums.can_undo && job->action != SPR_RELEASE && state != SPR_JOB_UNDONE &&
                          state != SPR_JOB_PURGED;
    *ret_job = (struct spr_job){
        .job = job->job,
        .action = job->action,
        .state = state,
        .messages = sums.out,
        .skipped = sums.skipped + sums.back,
        .stuck = sums.stuck,
        .lost = sums.lost,
        .purged = sums.purged,
        .created = job->created,
        .undo_until = can_undo ? SPR_TIME_UNKNOWN : 0,
        .bytes = sums.bytes,
        .user = job->user,
        .command = job->command,
        .reason = job->reason,
    };
    return 1;
}

/* ---- Messages of a job ----------------------------------------------------------------------- */

static int open_batch(const struct spr_private *place, uint64_t job, uint64_t number,
                      struct spr_batch **ret_batch, enum spr_journal_state *ret_state,
                      struct spr_fault *fault)
{
    char name[SPR_BATCH_NAME_MAX];
    spr_batch_name(job, number, name);
    const int fd = spr_dir_open(place->fd, name);
    if (fd < 0) {
        return fd;
    }
    const int r = spr_journal_open(fd, name, ret_batch, ret_state, NULL, fault);
    (void)close(fd); /* a folder: nothing can be lost */
    return r;
}

static const char *outcome_of(const struct spr_private *place, struct spr_batch *batch,
                              const struct spr_batch_message *message,
                              const struct spr_batch_file *pivot)
{
    static const char *const OUTCOMES[] = { "out", "back", "skipped", "stuck", "lost" };
    struct spr_io_meta meta;
    if (message->fate == SPR_FATE_OUT && pivot->way == SPR_WAY_TAKE) {
        const int fd = spr_batch_dir_fd(batch, pivot->to_dir, place->root_fd, place->fd);
        if (fd >= 0 && spr_meta_at(fd, pivot->to, &meta) == -ENOENT) {
            return "back"; /* an undo took it from its slot */
        }
    }
    return OUTCOMES[message->fate];
}

static int tell_message(const struct spr_private *place, struct spr_batch *batch,
                        const struct spr_batch_message *message, spr_job_message_fn on_message,
                        void *user)
{
    const struct spr_batch_file *pivot = NULL;
    for (uint32_t i = 0; i < message->file_count && pivot == NULL; i++) {
        const struct spr_batch_file *file = &batch->files[message->first_file + i];
        pivot = file->part == SPR_PART_PIVOT ? file : NULL;
    }
    if (pivot == NULL) {
        return 0;
    }
    char path[SPR_PATH_MAX + SPR_NAME_MAX + 2];
    const char *folder = batch->dirs[pivot->from_dir].path;
    const int length =
        snprintf(path, sizeof(path), "%s%s%s", folder, *folder == '\0' ? "" : "/", pivot->from);
    const struct spr_job_message told = {
        .path = { (const uint8_t *)path, (size_t)length },
        .outcome = outcome_of(place, batch, message, pivot),
        .reason = spr_reason_of(message->code),
        .code = message->code,
    };
    return on_message(&told, user);
}

static int tell_batch(const struct spr_private *place, uint64_t job,
                      const struct spr_ledger_batch *known, spr_job_message_fn on_message,
                      void *user, struct spr_fault *fault)
{
    struct spr_batch *batch = NULL;
    enum spr_journal_state state = SPR_JOURNAL_TORN;
    int r = open_batch(place, job, known->number, &batch, &state, fault);
    if (r < 0) {
        return r == -ENOENT ? 0 : r; /* purged: its journal is gone */
    }
    for (uint32_t i = 0; r == 0 && i < batch->message_count; i++) {
        const struct spr_batch_message *message = &batch->messages[i];
        if (known->again == 0 || !spr_fate_may_pass(message)) {
            r = tell_message(place, batch, message, on_message, user);
        }
    }
    spr_batch_free(batch);
    return r;
}

/* Those that made room have no journal. */
static int tell_room(const struct spr_ledger_job *job, spr_job_message_fn on_message, void *user)
{
    const char *at = job->room_names;
    int r = 0;
    while (r == 0 && at != NULL && *at != '\0') {
        const size_t length = strcspn(at, "\n");
        const struct spr_job_message told = {
            .path = { (const uint8_t *)at, length },
            .outcome = "purged",
            .reason = "it made room on a full disk",
        };
        r = on_message(&told, user);
        at += length + (at[length] != '\0' ? 1 : 0);
    }
    return r;
}

int spr_job_messages(const char *spool_root, uint64_t job, spr_job_message_fn on_message,
                     void *user, struct spr_fault *fault)
{
    struct spr_jobs *jobs = NULL;
    int r = spr_jobs_open(spool_root, &jobs, fault);
    if (r < 0) {
        return r;
    }
    const struct spr_ledger_job *known = spr_ledger_find(jobs->ledger, job);
    if (known == NULL) {
        r = spr_fault_set(fault, -ENOENT, spool_root, job, "no job of this number");
    }
    if (r == 0) {
        r = tell_room(known, on_message, user);
    }
    for (uint32_t i = 0; r == 0 && i < known->batch_count; i++) {
        if (known->batches[i].operation != SPR_RESTORE) {
            r = tell_batch(jobs->place, job, &known->batches[i], on_message, user, fault);
        }
    }
    spr_jobs_close(jobs);
    return r;
}

/* ---- Undo ------------------------------------------------------------------------------------ */

static int undo_once(struct spr_change *change, uint64_t job, uint64_t number, bool *ret_begun)
{
    struct spr_batch *done = NULL;
    struct spr_batch *batch = NULL;
    struct spr_wake wake = { .path = "" };
    enum spr_journal_state state = SPR_JOURNAL_TORN;
    int r = open_batch(change->place, job, number, &done, &state, change->fault);
    if (r < 0) {
        return r;
    }
    r = spr_change_use(change, done->format, &done->layout);
    if (r == 0 && !change->server.known) {
        r = spr_fault_set(change->fault, SPR_E_UNABLE, change->place->spool_root, 0,
                          "the server may be running: stop it, and say --server-stopped");
    }
    if (r == 0) {
        r = spr_batch_new(&batch);
    }
    if (r == 0) {
        r = spr_batch_place(change, job, batch);
    }
    if (r == 0) {
        r = spr_steps_undo(change, done, batch, &wake);
    }
    if (r == 0 && batch->message_count > 0) {
        r = spr_batch_run(change, batch, &wake, true);
    }
    *ret_begun = batch != NULL && batch->begun;
    spr_batch_free(batch);
    spr_batch_free(done);
    return r;
}

/* On a full disk, journals of batches that have nothing in the trash any more are given up; what
 * they did stands in the ledger. 1 some went, 0 none. */
static int drop_settled(struct spr_change *change, uint64_t number)
{
    const struct spr_ledger_job *job = spr_ledger_find(change->ledger, number);
    int dropped = 0;
    for (uint32_t i = 0; i < job->batch_count; i++) {
        bool removed = false;
        const int r = spr_purge_folder(change, number, job->batches[i].number, &removed);
        if (r < 0) {
            return r;
        }
        dropped = removed ? 1 : dropped;
    }
    return dropped;
}

static int undo_batch(struct spr_change *change, uint64_t job, uint64_t number)
{
    bool begun = false;
    int r = undo_once(change, job, number, &begun);
    if (!begun && spr_is_disk_full(r)) {
        const int dropped = drop_settled(change, job);
        r = dropped < 0 ? dropped : (dropped == 1 ? undo_once(change, job, number, &begun) : r);
    }
    if (!begun && spr_is_disk_full(r)) {
        const int dropped = spr_reserve_drop(change->place);
        r = dropped < 0 ? dropped : (dropped == 1 ? undo_once(change, job, number, &begun) : r);
    }
    return r;
}

/* Was it undone before, and its journal given up? */
static bool is_brought_back(const struct spr_ledger_job *job, uint64_t number)
{
    for (uint32_t i = 0; i < job->batch_count; i++) {
        const struct spr_ledger_batch *batch = &job->batches[i];
        if (batch->operation == SPR_RESTORE && batch->undoes == number) {
            return true;
        }
    }
    return false;
}

static int check_undo(struct spr_change *change, const struct spr_ledger_job *job)
{
    if (job->action == SPR_RELEASE) {
        return spr_fault_set(change->fault, SPR_E_UNABLE, change->place->spool_root, job->job,
                             "what the server may have seen is not taken again; hold it instead");
    }
    if (job->ended && job->state == SPR_JOB_UNDONE) {
        return spr_fault_set(change->fault, SPR_E_UNABLE, change->place->spool_root, job->job,
                             "it is undone already");
    }
    const struct spr_job_sums sums = spr_job_sum(job);
    if (sums.out > 0 && !sums.can_undo) {
        return spr_fault_set(change->fault, SPR_E_UNABLE, change->place->spool_root, job->job,
                             "it is purged: nothing can be brought back");
    }
    return 0;
}

static int find_job(struct spr_change *change, uint64_t number, struct spr_ledger_job **ret_job)
{
    *ret_job = spr_ledger_find(change->ledger, number);
    if (*ret_job == NULL) {
        return spr_fault_set(change->fault, -ENOENT, change->place->spool_root, number,
                             "no job of this number");
    }
    change->report = (struct spr_job_report){ .job = number };
    change->steps_total = spr_job_sum(*ret_job).out;
    return 0;
}

/* The newest batch first, as the files went. */
static int undo_round(struct spr_change *change, uint64_t number)
{
    const uint32_t count = spr_ledger_find(change->ledger, number)->batch_count;
    for (uint32_t i = count; i > 0; i--) {
        /* found again each time: every undone batch adds one */
        const struct spr_ledger_job *job = spr_ledger_find(change->ledger, number);
        const struct spr_ledger_batch *batch = &job->batches[i - 1];
        if (batch->operation == SPR_RESTORE || !has_trash(batch)) {
            continue;
        }
        const uint64_t batch_number = batch->number;
        const bool was_undone = is_brought_back(job, batch_number);
        const int r = undo_batch(change, number, batch_number);
        if (r < 0 && (r != -ENOENT || !was_undone)) {
            return r;
        }
        spr_change_progress(change, 0);
        if (change->stopped && i > 1) {
            return SPR_E_STOPPED;
        }
    }
    return 0;
}

static bool has_rest(const struct spr_job_report *report)
{
    return report->stuck + report->back + report->skipped > 0;
}

/* A folder of the spool that had to grow may have found no room that the rest of the round then
 * made: what was left goes again while rounds bring something back. */
static int undo_all(struct spr_change *change, struct spr_ledger_job *job)
{
    const uint64_t number = job->job;
    struct spr_job_report *report = &change->report;
    int r;
    for (;;) {
        const uint64_t before = report->done;
        r = undo_round(change, number);
        if (r < 0 || !has_rest(report) || !spr_is_disk_full(report->first_error) ||
            report->done == before) {
            break;
        }
        r = drop_settled(change, number);
        if (r < 0) {
            break;
        }
        report->skipped = 0;
        report->back = 0;
        report->stuck = 0;
        report->first_error = 0;
    }
    if (r < 0) {
        return r;
    }
    const struct spr_job_sums sums = spr_job_sum(spr_ledger_find(change->ledger, number));
    const enum spr_job_state whole =
        sums.purged > 0 && sums.purged >= sums.out ? SPR_JOB_PURGED : SPR_JOB_UNDONE;
    return spr_ledger_add_end(change->ledger, number, has_rest(report) ? SPR_JOB_STUCK : whole);
}

static int undo_job(struct spr_change *change, struct spr_ledger_job *job)
{
    const int r = check_undo(change, job);
    return r == 0 ? undo_all(change, job) : r;
}

/* One change of a spool that is about one job. */
static int change_job(const char *spool_root, uint64_t number, const struct spr_options *options,
                      int (*act)(struct spr_change *change, struct spr_ledger_job *job),
                      struct spr_job_report *ret_report, struct spr_fault *fault)
{
    struct spr_change *change = NULL;
    struct spr_ledger_job *job = NULL;
    int r = spr_change_begin(spool_root, options, &change, fault);
    if (r < 0) {
        return r;
    }
    r = find_job(change, number, &job);
    if (r == 0) {
        r = act(change, job);
    }
    if (r == 0) {
        *ret_report = change->report;
    }
    spr_change_end(change);
    return r;
}

int spr_job_undo(const char *spool_root, uint64_t number, const struct spr_options *options,
                 struct spr_job_report *ret_report, struct spr_fault *fault)
{
    return change_job(spool_root, number, options, undo_job, ret_report, fault);
}

/* ---- Purge and recover ----------------------------------------------------------------------- */

static int purge_all(struct spr_change *change, struct spr_ledger_job *job)
{
    const uint64_t number = job->job;
    /* What is back in the spool was not purged, and the list must not say so. */
    const enum spr_job_state end =
        job->ended && job->state == SPR_JOB_UNDONE ? SPR_JOB_UNDONE : SPR_JOB_PURGED;
    const int r = spr_purge_job(change, job);
    if (r < 0) {
        return r;
    }
    return spr_ledger_add_end(change->ledger, number,
                              change->report.stuck > 0 ? SPR_JOB_STUCK : end);
}

int spr_job_purge(const char *spool_root, uint64_t number, const struct spr_options *options,
                  struct spr_job_report *ret_report, struct spr_fault *fault)
{
    return change_job(spool_root, number, options, purge_all, ret_report, fault);
}

int spr_recover(const char *spool_root, const struct spr_options *options,
                struct spr_job_report *ret_report, struct spr_fault *fault)
{
    struct spr_change *change = NULL;
    struct spr_private *place = NULL;
    int r = spr_private_open(spool_root, false, &place, fault);
    if (r < 0) {
        return r;
    }
    const bool is_new = place->fd < 0;
    spr_private_close(place);
    if (is_new) {
        *ret_report = (struct spr_job_report){ 0 };
        return 0;
    }
    r = spr_change_begin(spool_root, options, &change, fault);
    if (r < 0) {
        return r;
    }
    *ret_report = change->report;
    spr_change_end(change);
    return 0;
}
