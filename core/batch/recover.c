/*
 * Settling what a crash left. Rules: recover.h.
 */
#include "core/batch/recover.h"

#include "core/batch/apply.h"
#include "core/batch/move.h"
#include "core/batch/purge.h"
#include "core/fault.h"
#include "core/library.h"
#include "formats/cursor.h"
#include "io/dirents.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ENTRIES_MAX 1000000 /* of folders that only we fill */

/* ---- Numbered folders ------------------------------------------------------------------------ */

struct numbers {
    uint64_t *values;
    size_t count, capacity;
};

static int add_number(const struct spr_dirent *entry, void *user)
{
    struct numbers *numbers = user;
    const struct spr_text name = { (const uint8_t *)entry->name, entry->length };
    uint64_t value = 0;
    if (entry->name[0] < '1' || entry->name[0] > '9' || !spr_text_decimal(name, &value)) {
        return 0;
    }
    if (numbers->count == numbers->capacity) {
        const size_t wanted = numbers->capacity == 0 ? 16 : numbers->capacity * 2;
        uint64_t *bigger = realloc(numbers->values, wanted * sizeof(*bigger));
        if (bigger == NULL) {
            return -ENOMEM;
        }
        numbers->values = bigger;
        numbers->capacity = wanted;
    }
    numbers->values[numbers->count++] = value;
    return 0;
}

static int compare_numbers(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static int list_numbers(int dir_fd, struct numbers *ret_numbers)
{
    *ret_numbers = (struct numbers){ 0 };
    const int r = spr_dir_list(dir_fd, ENTRIES_MAX, add_number, ret_numbers);
    if (r < 0) {
        free(ret_numbers->values);
        *ret_numbers = (struct numbers){ 0 };
        return r;
    }
    if (ret_numbers->count > 0) {
        qsort(ret_numbers->values, ret_numbers->count, sizeof(uint64_t), compare_numbers);
    }
    return 0;
}

/* ---- (R2) back ------------------------------------------------------------------------------- */

/* Where is everything? What lies in a slot goes back, whoever it is; what lies at a name of the
 * server's is ours only if it is the one. */
static int find_files(struct spr_change *change, struct spr_batch *batch)
{
    for (uint32_t i = 0; i < batch->file_count; i++) {
        struct spr_batch_file *file = &batch->files[i];
        if (file->way == SPR_WAY_LEAVE) {
            continue;
        }
        const int place = spr_move_find(change, batch, file);
        if (place < 0) {
            return place;
        }
        struct spr_batch_message *message = &batch->messages[file->message];
        file->moved =
            place == SPR_PLACE_TO || (place == SPR_PLACE_STRANGER && file->way == SPR_WAY_TAKE);
        if (file->part == SPR_PART_PIVOT && place == SPR_PLACE_NONE) {
            message->fate = SPR_FATE_LOST; /* see below */
        }
    }
    return 0;
}

/* A pivot that is neither where it lay nor in our hands: with other files of it in our hands the
 * message is lost; without, it was never touched, and the server moved or finished it. */
static void judge_messages(struct spr_batch *batch)
{
    for (uint32_t i = 0; i < batch->message_count; i++) {
        struct spr_batch_message *message = &batch->messages[i];
        bool held = false;
        for (uint32_t k = 0; k < message->file_count; k++) {
            held = held || batch->files[message->first_file + k].moved;
        }
        const bool is_nowhere = message->fate == SPR_FATE_LOST;
        message->code = is_nowhere ? -ENOENT : 0;
        message->fate = !is_nowhere ? SPR_FATE_BACK : held ? SPR_FATE_LOST : SPR_FATE_SKIPPED;
    }
}

static bool is_from_memory(const struct spr_change *change, const struct spr_batch *batch,
                           const struct spr_batch_file *file)
{
    const char *path = batch->dirs[file->from_dir].path;
    unsigned dir = 0;
    return change->format != NULL && file->part == SPR_PART_PIVOT &&
           spr_format_dir_of(change->format, spr_text_of(path), &dir) &&
           (change->format->dirs[dir].flags & SPR_DIR_MEMORY) != 0;
}

/* What the server let go of meanwhile sleeps in that folder until a reload. */
static void wake_memory(struct spr_change *change)
{
    if (!change->server.runs || (change->options.flags & SPR_NO_RELOAD) != 0 ||
        change->server.run.pid == 0) {
        return;
    }
    if (spr_server_reload(change->format, &change->server, &change->server.run) == 0) {
        change->report.reloads++;
    }
}

static int go_back(struct spr_change *change, struct spr_batch *batch, struct spr_journal *journal)
{
    int r = find_files(change, batch);
    if (r < 0) {
        return r;
    }
    judge_messages(batch);
    bool memory = false;
    for (uint32_t i = 0; i < batch->file_count; i++) {
        memory =
            memory || (batch->files[i].moved && is_from_memory(change, batch, &batch->files[i]));
    }
    r = spr_batch_put_back(change, batch);
    if (r < 0) {
        return r;
    }
    if (memory) {
        wake_memory(change);
    }
    const struct spr_batch_counts counts = spr_batch_count(batch);
    if (counts.stuck == 0 && counts.lost == 0) {
        bool removed = false;
        change->report.back += counts.back;
        return spr_purge_folder(change, batch->job, batch->number, &removed); /* ABORTED */
    }
    r = spr_journal_decide(journal, batch);
    return r < 0 ? r : spr_batch_settle(change, batch, true);
}

/* ---- (R3) forward ---------------------------------------------------------------------------- */

/* A message whose pivot is not where it came from was seen by the server: it is done. */
static void take_as_done(struct spr_batch *batch, const struct spr_batch_message *message)
{
    for (uint32_t i = 0; i < message->file_count; i++) {
        batch->files[message->first_file + i].moved = true;
    }
}

static int go_forward(struct spr_change *change, struct spr_batch *batch,
                      struct spr_journal *journal)
{
    for (uint32_t i = 0; i < batch->file_count; i++) {
        struct spr_batch_file *file = &batch->files[i];
        const int place =
            file->way == SPR_WAY_LEAVE ? SPR_PLACE_FROM : spr_move_find(change, batch, file);
        if (place < 0) {
            return place;
        }
        struct spr_batch_message *message = &batch->messages[file->message];
        file->moved = file->moved || place != SPR_PLACE_FROM;
        if (file->part == SPR_PART_PIVOT && place != SPR_PLACE_FROM) {
            take_as_done(batch, message);
        } else if (file->way == SPR_WAY_LEAVE) {
            message->fate = SPR_FATE_SKIPPED;
        } else if (batch->operation == SPR_RELEASE) {
            message->fate = SPR_FATE_BACK; /* it is still held: whole either way */
        }
    }
    int r = spr_batch_move_all(change, batch);
    if (r == 0) {
        r = spr_journal_decide(journal, batch);
    }
    return r < 0 ? r : spr_batch_settle(change, batch, true);
}

/* ---- One batch ------------------------------------------------------------------------------- */

/* The ledger may have been removed by hand: the journal knows enough to begin it again. */
static int ensure_job(struct spr_change *change, const struct spr_batch *batch)
{
    if (spr_ledger_find(change->ledger, batch->job) != NULL) {
        return 0;
    }
    char format[64];
    (void)snprintf(format, sizeof(format), "%s", batch->format);
    const struct spr_ledger_job job = {
        .job = batch->job,
        .action = batch->operation == SPR_RESTORE ? SPR_DELETE : batch->operation,
        .created = batch->created_ns / 1000000000,
        .planned = batch->message_count,
        .format = format,
    };
    return spr_ledger_add_job(change->ledger, &job);
}

static int settle_once(struct spr_change *change, struct spr_batch *batch)
{
    const struct spr_ledger_job *job = spr_ledger_find(change->ledger, batch->job);
    if (job != NULL && spr_ledger_find_batch(job, batch->number) != NULL) {
        return 0;
    }
    for (uint32_t i = 0; i < batch->file_count; i++) {
        batch->files[i].moved = batch->files[i].way != SPR_WAY_LEAVE; /* decided, so it counts */
    }
    return spr_batch_settle(change, batch, true);
}

static int drop_torn(struct spr_change *change, uint64_t job, uint64_t number, const char *name)
{
    bool removed = false;
    const int r = spr_purge_folder(change, job, number, &removed);
    if (r == 0 && !removed) {
        return spr_fault_set(change->fault, SPR_E_CORRUPT, name, 0,
                             "a sealed journal beside the files of a batch"); /* (R1) */
    }
    return r;
}

static int settle(struct spr_change *change, struct spr_batch *batch, struct spr_journal *journal,
                  const char *name)
{
    int r = ensure_job(change, batch);
    if (r < 0) {
        return r;
    }
    switch (spr_journal_state(journal)) {
    case SPR_JOURNAL_TORN:
        break;
    case SPR_JOURNAL_SEALED:
        r = spr_change_use(change, batch->format, &batch->layout);
        if (r < 0 && r != SPR_E_UNABLE) {
            return r; /* a format that is not known here is not needed to put files back */
        }
        return spr_operation_arrives(batch->operation) ? go_forward(change, batch, journal)
                                                       : go_back(change, batch, journal);
    case SPR_JOURNAL_DECIDED:
        return settle_once(change, batch);
    case SPR_JOURNAL_PURGING:
    case SPR_JOURNAL_ENDED:
        r = settle_once(change, batch);
        return r < 0 ? r : spr_purge_slots(change, batch, journal);
    }
    return drop_torn(change, batch->job, batch->number, name);
}

static int recover_batch(struct spr_change *change, uint64_t job, uint64_t number)
{
    char name[SPR_BATCH_NAME_MAX];
    struct spr_batch *batch = NULL;
    struct spr_journal *journal = NULL;
    enum spr_journal_state state = SPR_JOURNAL_TORN;
    const int batch_fd = spr_batch_open_folder(change, job, number, name);
    if (batch_fd < 0) {
        return batch_fd == -ENOENT ? 0 : batch_fd;
    }
    int r = spr_journal_open(batch_fd, name, &batch, &state, &journal, change->fault);
    (void)close(batch_fd); /* a folder: nothing can be lost */
    if (r == -ENOENT || (r == 0 && state == SPR_JOURNAL_TORN)) {
        r = drop_torn(change, job, number, name);
    } else if (r == 0 && (batch->job != job || batch->number != number ||
                          batch->root.inode != change->place->root.inode)) {
        r = spr_fault_set(change->fault, SPR_E_CORRUPT, name, 0,
                          "the journal of this batch and this spool");
    } else if (r == 0) {
        r = settle(change, batch, journal, name);
    }
    spr_journal_close(journal);
    spr_batch_free(batch);
    return r;
}

/* ---- All of them ----------------------------------------------------------------------------- */

static bool needs_a_look(struct spr_ledger *ledger, uint64_t job, uint64_t number)
{
    const struct spr_ledger_job *known = spr_ledger_find(ledger, job);
    const struct spr_ledger_batch *batch =
        known != NULL ? spr_ledger_find_batch(known, number) : NULL;
    return batch == NULL || (batch->purge_begun && !batch->purged);
}

/* A purged batch of which the journal is left: the crash was between its line and this. */
static int drop_purged(struct spr_change *change, uint64_t job, uint64_t number)
{
    const struct spr_ledger_job *known = spr_ledger_find(change->ledger, job);
    bool removed = false;
    return spr_ledger_find_batch(known, number)->purged
               ? spr_purge_folder(change, job, number, &removed)
               : 0;
}

static int recover_job(struct spr_change *change, uint64_t job)
{
    char name[24];
    (void)snprintf(name, sizeof(name), "%" PRIu64, job);
    const int job_fd = spr_dir_open(change->place->fd, name);
    if (job_fd < 0) {
        return job_fd;
    }
    struct numbers batches = { 0 };
    int r = list_numbers(job_fd, &batches);
    (void)close(job_fd); /* a folder: nothing can be lost */
    for (size_t i = 0; r == 0 && i < batches.count; i++) {
        r = needs_a_look(change->ledger, job, batches.values[i])
                ? recover_batch(change, job, batches.values[i])
                : drop_purged(change, job, batches.values[i]);
    }
    free(batches.values);
    return r;
}

int spr_recover_all(struct spr_change *change)
{
    struct numbers jobs;
    int r = list_numbers(change->place->fd, &jobs);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; r == 0 && i < jobs.count; i++) {
        r = recover_job(change, jobs.values[i]);
    }
    free(jobs.values);
    change->format = NULL;
    return r;
}
