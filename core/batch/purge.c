/*
 * Purging: the only place that unlinks files of messages, and only slots.
 *
 * Messages are unlinked in rounds by as many workers as pay (team.h). A worker has one message at a
 * time and writes its outcome; the batch is only read, its folder was opened before. The folder is
 * synced and END is written when all have ended.
 */
#include "core/batch/purge.h"

#include "core/batch/apply.h"
#include "core/batch/move.h"
#include "io/dirents.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ENTRIES_MAX (SPR_BATCH_FILES_MAX + 16u)

struct outcome {
    int code; /* 1 all is gone, 0 there was no pivot left to begin with, or a negative errno */
    uint64_t bytes;                   /* unlinked */
    const struct spr_batch_file *why; /* the file that could not go */
    bool unlinked;                    /* something */
};

struct unlinking {
    struct spr_change *change;
    struct spr_batch *batch;
    uint32_t count;
    uint32_t messages[SPR_TEAM_ROUND];
    struct outcome outcomes[SPR_TEAM_ROUND];
};

static int note_slot(const struct spr_dirent *entry, void *user)
{
    bool *found = user;
    if (spr_slot_name_valid((struct spr_text){ (const uint8_t *)entry->name, entry->length })) {
        *found = true;
        return 1;
    }
    return 0;
}

int spr_purge_folder(struct spr_change *change, uint64_t job, uint64_t number, bool *ret_removed)
{
    char name[SPR_BATCH_NAME_MAX];
    bool has_slots = false;
    *ret_removed = false;
    const int batch_fd = spr_batch_open_folder(change, job, number, name);
    if (batch_fd < 0) {
        return batch_fd == -ENOENT ? 0 : batch_fd;
    }
    int r = spr_dir_list(batch_fd, ENTRIES_MAX, note_slot, &has_slots);
    if (r >= 0 && !has_slots) {
        r = spr_unlink(batch_fd, SPR_JOURNAL_NAME); /* (R6) */
        r = r == -ENOENT ? 0 : r;
    }
    (void)close(batch_fd); /* a folder: nothing can be lost */
    if (r < 0 || has_slots) {
        return r < 0 ? r : 0;
    }
    char job_name[24];
    (void)snprintf(job_name, sizeof(job_name), "%" PRIu64, job);
    const int job_fd = spr_dir_open(change->place->fd, job_name);
    if (job_fd < 0) {
        return job_fd;
    }
    r = spr_rmdir_at(job_fd, strchr(name, '/') + 1);
    if (r == 0) {
        *ret_removed = true;
        r = spr_sync_dir(job_fd);
    }
    (void)close(job_fd); /* a folder: nothing can be lost */
    if (r == 0) {
        (void)spr_rmdir_at(change->place->fd, job_name); /* not empty while batches are left */
    }
    return r;
}

/* Unlinks one slot if it holds what the journal says. 1 unlinked, 0 nothing there. */
static int unlink_slot(const struct spr_batch *batch, const struct spr_batch_file *file)
{
    const int dir_fd = batch->dirs[file->to_dir].fd;
    int r = spr_move_is_at(file, dir_fd, file->to, SPR_SAME_FILE);
    if (r == -ENOENT) {
        return 0;
    }
    if (r == 0) {
        return SPR_E_CHANGED;
    }
    if (r == 1) {
        r = spr_unlink(dir_fd, file->to);
        r = r == 0 ? 1 : r;
    }
    return r;
}

/* On any thread. The pivot first: while it cannot go, its message stays whole in the trash. */
static int unlink_message(uint32_t item, void *user)
{
    struct unlinking *u = user;
    const struct spr_batch_message *message = &u->batch->messages[u->messages[item]];
    struct outcome *outcome = &u->outcomes[item];
    *outcome = (struct outcome){ 0 };
    for (unsigned pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < message->file_count; i++) {
            const struct spr_batch_file *file = &u->batch->files[message->first_file + i];
            if (file->way != SPR_WAY_TAKE || (file->part == SPR_PART_PIVOT) != (pass == 0)) {
                continue;
            }
            const int r = unlink_slot(u->batch, file);
            if (r < 0) {
                outcome->code = r;
                outcome->why = file;
                return spr_move_concerns_message(r) ? 0 : r;
            }
            outcome->unlinked = outcome->unlinked || r == 1;
            outcome->bytes += r == 1 ? file->identity.size : 0;
            outcome->code = outcome->code == 1 || (r == 1 && pass == 0) ? 1 : 0;
        }
    }
    return 0;
}

/* What is stuck was never told to be deleted: it stays, can be undone after the purge too, and is
 * told. */
static void tell_stuck(struct spr_change *change, struct spr_batch *batch,
                       const struct spr_batch_message *message)
{
    bool is_here = false;
    struct spr_io_meta meta;
    for (uint32_t i = 0; i < message->file_count && !is_here; i++) {
        const struct spr_batch_file *file = &batch->files[message->first_file + i];
        const int dir_fd =
            file->way == SPR_WAY_TAKE
                ? spr_batch_dir_fd(batch, file->to_dir, change->place->root_fd, change->place->fd)
                : -ENOENT;
        is_here = dir_fd >= 0 && spr_meta_at(dir_fd, file->to, &meta) == 0;
    }
    if (is_here) {
        const struct spr_batch_file *first = &batch->files[message->first_file];
        change->report.stuck++;
        spr_change_note(change, message->code, batch->dirs[first->from_dir].path, first->from);
    }
}

/* *ret_left: messages that could not go. */
static int run_round(struct unlinking *u, uint64_t *ret_messages, uint64_t *ret_left)
{
    struct spr_batch *batch = u->batch;
    int r = spr_team_round(&u->change->unlinkers, u->count, unlink_message, u);
    for (uint32_t i = 0; i < u->count && r == 0; i++) {
        const struct outcome *outcome = &u->outcomes[i];
        if (outcome->why != NULL) {
            spr_change_note(u->change, outcome->code, batch->dirs[0].path, outcome->why->to);
        }
        if (outcome->unlinked) {
            batch->dirs[0].touched = true;
        }
        u->change->report.bytes += outcome->bytes;
        *ret_left += outcome->code < 0 ? 1 : 0;
        *ret_messages += outcome->code > 0 ? 1 : 0;
    }
    u->count = 0;
    return r;
}

/* The folder that all slots are in is opened before a worker needs it. */
static int unlink_slots(struct spr_change *change, struct spr_batch *batch, uint64_t *ret_messages,
                        uint64_t *ret_left)
{
    struct unlinking *u = malloc(sizeof(*u));
    if (u == NULL) {
        return -ENOMEM;
    }
    u->change = change;
    u->batch = batch;
    u->count = 0;
    int r = spr_batch_dir_fd(batch, 0, change->place->root_fd, change->place->fd);
    r = r < 0 ? r : 0;
    for (uint32_t i = 0; i < batch->message_count && r == 0; i++) {
        if (batch->messages[i].fate == SPR_FATE_STUCK) {
            tell_stuck(change, batch, &batch->messages[i]);
        }
        if (batch->messages[i].fate != SPR_FATE_OUT) {
            continue;
        }
        u->messages[u->count++] = i;
        if (u->count == SPR_TEAM_ROUND) {
            r = run_round(u, ret_messages, ret_left);
        }
    }
    if (r == 0 && u->count > 0) {
        r = run_round(u, ret_messages, ret_left);
    }
    free(u);
    return r < 0 ? r : spr_batch_sync_dirs(batch);
}

/* How many messages of a batch are gone when nothing is left of it: a purge that was cut short did
 * not say how many it unlinked. */
static uint64_t count_gone(struct spr_change *change, const struct spr_batch *batch,
                           uint64_t just_now)
{
    const struct spr_ledger_job *job = spr_ledger_find(change->ledger, batch->job);
    uint64_t taken = spr_batch_count(batch).out;
    uint64_t told = 0;
    for (uint32_t i = 0; job != NULL && i < job->batch_count; i++) {
        const struct spr_ledger_batch *line = &job->batches[i];
        if (line->operation == SPR_RESTORE && line->undoes == batch->number) {
            taken -= line->counts.out < taken ? line->counts.out : taken;
        }
        told += line->number == batch->number ? line->purged_messages : 0;
    }
    const uint64_t gone = taken > told ? taken - told : 0;
    return batch->operation == SPR_DELETE && gone > just_now ? gone : just_now;
}

int spr_purge_slots(struct spr_change *change, struct spr_batch *batch, struct spr_journal *journal)
{
    const uint64_t job = batch->job;
    const uint64_t number = batch->number;
    uint64_t messages = 0;
    uint64_t left = 0;
    bool removed = false;
    int r = 0;
    if (spr_journal_state(journal) == SPR_JOURNAL_DECIDED) {
        r = spr_ledger_add_purge(change->ledger, job, number, 0, true);
        r = r == 0 ? spr_journal_purge(journal) : r;
    }
    if (r == 0 && spr_journal_state(journal) == SPR_JOURNAL_PURGING) {
        r = unlink_slots(change, batch, &messages, &left);
        change->report.stuck += left;
        change->report.purged += messages;
        if (r == 0 && left > 0) {
            return 0; /* no END: the next call tries again */
        }
        r = r == 0 ? spr_journal_end(journal) : r;
    }
    if (r == 0) {
        r = spr_ledger_add_purge(change->ledger, job, number, count_gone(change, batch, messages),
                                 false);
    }
    if (r == 0) {
        r = spr_purge_folder(change, job, number, &removed);
    }
    return r;
}

/* Messages that the server still has in memory keep their inodes, hence their ids, until it is
 * reloaded. */
static int end_memory(struct spr_change *change, const struct spr_batch *batch)
{
    if (!batch->needs_reload || !spr_run_lives(&batch->run)) {
        return 0;
    }
    int r = spr_change_use(change, batch->format, &batch->layout);
    if (r == 0 && (change->options.flags & SPR_NO_RELOAD) != 0) {
        r = SPR_E_UNABLE;
    }
    if (r == 0) {
        r = spr_server_reload(change->format, &change->server, &batch->run);
        change->report.reloads += r == 0 ? 1 : 0;
    }
    return r;
}

int spr_purge_batch(struct spr_change *change, uint64_t job, uint64_t number)
{
    char name[SPR_BATCH_NAME_MAX];
    struct spr_batch *batch = NULL;
    struct spr_journal *journal = NULL;
    enum spr_journal_state state = SPR_JOURNAL_TORN;
    const int batch_fd = spr_batch_open_folder(change, job, number, name);
    if (batch_fd < 0) {
        return batch_fd;
    }
    int r = spr_journal_open(batch_fd, name, &batch, &state, &journal, change->fault);
    (void)close(batch_fd); /* a folder: nothing can be lost */
    if (r < 0) {
        return r;
    }
    if (state == SPR_JOURNAL_DECIDED || state == SPR_JOURNAL_PURGING) {
        r = state == SPR_JOURNAL_DECIDED ? end_memory(change, batch) : 0;
        if (r == 0) {
            r = spr_purge_slots(change, batch, journal);
        }
    }
    spr_journal_close(journal);
    spr_batch_free(batch);
    return r;
}
