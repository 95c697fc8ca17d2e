/*
 * One batch: hide, gather, put back, decide. Invariants: apply.h.
 */
#include "core/batch/apply.h"

#include "core/batch/phase.h"
#include "core/batch/reserve.h"
#include "core/library.h"
#include "formats/cursor.h"
#include "io/dirents.h"
#include "io/own.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCH_NUMBER_MAX 1000000
/* Of the folders of a batch: XFS lets a folder grow by a rename only while about 100 blocks are
 * free. */
#define GROWTH_BYTES      (512u << 10)
#define GROWTH_BYTES_FILE 32 /* an entry with the name of a slot */

bool spr_operation_arrives(enum spr_action operation)
{
    return operation == SPR_RESTORE || operation == SPR_RELEASE;
}

bool spr_fate_may_pass(const struct spr_batch_message *message)
{
    return message->fate == SPR_FATE_SKIPPED &&
           (message->code == -ENOENT || message->code == SPR_E_CHANGED);
}

/* ---- The batch's folder ---------------------------------------------------------------------- */

void spr_batch_name(uint64_t job, uint64_t number, char name[SPR_BATCH_NAME_MAX])
{
    (void)snprintf(name, SPR_BATCH_NAME_MAX, "%" PRIu64 "/%" PRIu64, job, number);
}

int spr_batch_open_folder(struct spr_change *change, uint64_t job, uint64_t number,
                          char name[SPR_BATCH_NAME_MAX])
{
    spr_batch_name(job, number, name);
    return spr_dir_open(change->place->fd, name);
}

int spr_batch_place(struct spr_change *change, uint64_t job, struct spr_batch *batch)
{
    for (uint64_t number = 1; number <= BATCH_NUMBER_MAX; number++) {
        char name[SPR_BATCH_NAME_MAX];
        const struct spr_ledger_job *known = spr_ledger_find(change->ledger, job);
        if (known != NULL && spr_ledger_find_batch(known, number) != NULL) {
            continue; /* purged, its folder may be gone */
        }
        const int fd = spr_batch_open_folder(change, job, number, name);
        if (fd >= 0) {
            (void)close(fd); /* a folder: nothing can be lost */
            continue;
        }
        if (fd != -ENOENT) {
            return fd;
        }
        uint32_t dir = 0;
        batch->job = job;
        batch->number = number;
        return spr_batch_add_dir(batch, SPR_BASE_PRIVATE, spr_text_of(name), &dir);
    }
    return -E2BIG;
}

static int make_folder(int dir_fd, uint64_t number)
{
    char name[24];
    (void)snprintf(name, sizeof(name), "%" PRIu64, number);
    const int r = spr_mkdir_at(dir_fd, name, 0700);
    return r < 0 && r != -EEXIST ? r : spr_own_folder(dir_fd, name);
}

static void remove_folder(int job_fd, uint64_t number)
{
    char name[24];
    (void)snprintf(name, sizeof(name), "%" PRIu64, number);
    (void)spr_rmdir_at(job_fd, name); /* what stays is removed by recover */
}

/* What the reserve must hold when the batch begins: entries of growing folders; for what can be
 * undone, the same for the way back, and its journal. */
static uint64_t room_for(const struct spr_batch *batch, const struct spr_journal *journal)
{
    const uint64_t growth = GROWTH_BYTES + batch->file_count * GROWTH_BYTES_FILE;
    return spr_operation_arrives(batch->operation) ? growth
                                                   : 2 * growth + spr_journal_bytes(journal);
}

/* Journal written and synced, and every folder above it: barrier A (A1). */
static int open_journal(struct spr_change *change, struct spr_batch *batch,
                        struct spr_journal **ret_journal)
{
    struct spr_journal *journal = NULL;
    int batch_fd = -1;
    const int job_fd = make_folder(change->place->fd, batch->job);
    if (job_fd < 0) {
        return job_fd;
    }
    int r = make_folder(job_fd, batch->number);
    if (r < 0) {
        goto done;
    }
    batch_fd = r;
    r = spr_journal_create(batch_fd, batch, &journal);
    if (r == 0) {
        r = spr_reserve_ensure(change->place, room_for(batch, journal));
    }
    if (r < 0) {
        if (r != -EEXIST) {
            (void)spr_unlink(batch_fd, SPR_JOURNAL_NAME); /* unsealed: recover would do it */
            remove_folder(job_fd, batch->number);
        }
        goto done;
    }
    batch->begun = true;
    r = spr_journal_seal(journal);
    if (r == 0) {
        r = spr_sync_dir(batch_fd);
    }
    if (r == 0) {
        r = spr_sync_dir(job_fd);
    }
    if (r == 0) {
        r = spr_sync_dir(change->place->fd);
    }
    if (r == 0) {
        *ret_journal = journal;
        journal = NULL;
    }

done:
    spr_journal_close(journal);
    if (batch_fd >= 0) {
        (void)close(batch_fd); /* a folder: nothing can be lost */
    }
    (void)close(job_fd); /* as above */
    return r;
}

/* ---- Moving ---------------------------------------------------------------------------------- */

int spr_batch_put_back(struct spr_change *change, struct spr_batch *batch)
{
    const bool arrives = spr_operation_arrives(batch->operation);
    int r = spr_phase_put_back(change, batch, arrives); /* (A2) */
    if (r == 0) {
        r = spr_batch_sync_dirs(batch);
    }
    if (r == 0) {
        r = spr_phase_put_back(change, batch, !arrives);
    }
    if (r == 0) {
        r = spr_batch_sync_dirs(batch);
    }
    if (r == 0) {
        r = spr_phase_take_again(change, batch);
    }
    if (r == 0) {
        r = spr_batch_sync_dirs(batch);
    }
    return r;
}

int spr_batch_move_all(struct spr_change *change, struct spr_batch *batch)
{
    const bool arrives = spr_operation_arrives(batch->operation);
    int r = spr_phase_move(change, batch, !arrives); /* HIDE, or supports that arrive */
    if (r == 0) {
        r = spr_batch_sync_dirs(batch); /* barrier B */
    }
    if (r == 0) {
        r = spr_phase_move(change, batch, arrives); /* GATHER, or pivots that arrive */
    }
    if (r == 0) {
        r = spr_batch_sync_dirs(batch); /* barrier C */
    }
    if (r == 0) {
        r = spr_batch_put_back(change, batch); /* (A5) */
    }
    return r;
}

/* ---- Deciding -------------------------------------------------------------------------------- */

static uint64_t bytes_out(const struct spr_batch *batch)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < batch->file_count; i++) {
        if (batch->files[i].moved && batch->messages[batch->files[i].message].fate == 0) {
            bytes += batch->files[i].identity.size;
        }
    }
    return bytes;
}

int spr_batch_settle(struct spr_change *change, struct spr_batch *batch, bool last_round)
{
    struct spr_ledger_batch line = {
        .number = batch->number,
        .next = batch->next,
        .undoes = batch->undoes,
        .operation = batch->operation,
        .counts = spr_batch_count(batch),
        .bytes = bytes_out(batch),
    };
    for (uint32_t i = 0; i < batch->message_count && !last_round; i++) {
        line.again += spr_fate_may_pass(&batch->messages[i]) ? 1 : 0;
    }
    struct spr_job_report *report = &change->report;
    report->done += line.counts.out;
    report->back += line.counts.back;
    report->skipped += line.counts.skipped - line.again;
    report->stuck += line.counts.stuck;
    report->lost += line.counts.lost;
    report->bytes += line.bytes;
    report->batches++;
    return spr_ledger_add_batch(change->ledger, batch->job, &line);
}

/* A held message that the server still has in memory would be lost at its release: one reload ends
 * that memory before anybody is told that it is held. */
static int end_memory(struct spr_change *change, const struct spr_batch *batch)
{
    if (batch->operation != SPR_HOLD || !batch->needs_reload || !change->server.runs ||
        spr_batch_count(batch).out == 0) {
        return 0;
    }
    const int r = spr_server_reload(change->format, &change->server, &batch->run);
    if (r == 0) {
        change->report.reloads++;
        change->server.run = (struct spr_run){ 0 };
    }
    return r;
}

/* Without the reload, what came from memory goes back to where it was. */
static void give_up_memory(struct spr_change *change, struct spr_batch *batch)
{
    for (uint32_t i = 0; i < batch->message_count; i++) {
        struct spr_batch_message *message = &batch->messages[i];
        if (message->fate != SPR_FATE_OUT || message->file_count == 0) {
            continue;
        }
        const struct spr_batch_file *file = &batch->files[message->first_file];
        const char *path = batch->dirs[file->from_dir].path;
        unsigned dir = 0;
        if (spr_format_dir_of(change->format, spr_text_of(path), &dir) &&
            (change->format->dirs[dir].flags & SPR_DIR_MEMORY) != 0) {
            spr_phase_fail(change, batch, file, SPR_E_UNABLE);
        }
    }
}

int spr_batch_run(struct spr_change *change, struct spr_batch *batch, const struct spr_wake *wake,
                  bool last_round)
{
    struct spr_journal *journal = NULL;
    int r = open_journal(change, batch, &journal);
    if (r < 0) {
        return r;
    }
    r = spr_batch_move_all(change, batch);
    if (r == 0 && end_memory(change, batch) < 0) {
        give_up_memory(change, batch);
        r = spr_batch_put_back(change, batch);
    }
    if (r == 0) {
        r = spr_journal_decide(journal, batch); /* barrier D (A3) */
    }
    if (r == 0) {
        r = spr_batch_settle(change, batch, last_round);
    }
    if (r == 0 && wake->path[0] != '\0') {
        (void)spr_notify(change->place->root_fd, wake->path, wake->bytes.bytes,
                         wake->bytes.length); /* the server looks by itself later */
    }
    spr_journal_close(journal);
    return r;
}
