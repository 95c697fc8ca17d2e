/*
 * Purging: the only place that unlinks files of messages, and only slots.
 *
 * Messages are unlinked in rounds by as many workers as pay (team.h). A worker has one message at a
 * time and writes its outcome; the batches are only read, their folders were opened before. The
 * folders are synced and ENDs are written when all have ended.
 */
#include "core/batch/purge.h"

#include "core/batch/apply.h"
#include "core/batch/move.h"
#include "core/batch/opened.h"
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

/* One batch being purged. */
struct purging {
    struct spr_batch *batch;
    struct spr_journal *journal;
    uint32_t next;           /* message that was not dealt yet */
    uint64_t messages, left; /* gone; that could not go */
};

struct item {
    struct purging *from;
    uint32_t message;
    struct outcome outcome;
};

struct unlinking {
    struct spr_change *change;
    uint32_t count;
    struct item items[SPR_TEAM_ROUND];
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
    int r = spr_identity_has_handle(dir_fd, file->to, &file->identity);
    if (r == -ENOTSUP) {
        r = spr_move_is_at(file, dir_fd, file->to, SPR_SAME_FILE);
    }
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
    const struct spr_batch *batch = u->items[item].from->batch;
    const struct spr_batch_message *message = &batch->messages[u->items[item].message];
    struct outcome *outcome = &u->items[item].outcome; /* zeroed when it was dealt */
    for (unsigned pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < message->file_count; i++) {
            const struct spr_batch_file *file = &batch->files[message->first_file + i];
            if (file->way != SPR_WAY_TAKE || (file->part == SPR_PART_PIVOT) != (pass == 0)) {
                continue;
            }
            const int r = unlink_slot(batch, file);
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

static int run_round(struct unlinking *u)
{
    const int r = spr_team_round(&u->change->unlinkers, u->count, unlink_message, u);
    for (uint32_t i = 0; i < u->count; i++) { /* also what was done before an error */
        const struct outcome *outcome = &u->items[i].outcome;
        struct purging *from = u->items[i].from;
        if (outcome->why != NULL) {
            spr_change_note(u->change, outcome->code, from->batch->dirs[0].path, outcome->why->to);
        }
        if (outcome->unlinked) {
            from->batch->dirs[0].touched = true;
        }
        u->change->report.bytes += outcome->bytes;
        from->left += outcome->code < 0 ? 1 : 0;
        from->messages += outcome->code > 0 ? 1 : 0;
    }
    u->count = 0;
    return r;
}

/* As many of its next messages as one worker takes at a time. */
static int deal_turn(struct unlinking *u, struct purging *from)
{
    struct spr_batch *batch = from->batch;
    uint32_t dealt = 0;
    int r = 0;
    while (r == 0 && dealt < SPR_TEAM_DEAL && from->next < batch->message_count) {
        const uint32_t number = from->next++;
        const struct spr_batch_message *message = &batch->messages[number];
        if (message->fate == SPR_FATE_STUCK) {
            tell_stuck(u->change, batch, message);
        }
        if (message->fate != SPR_FATE_OUT) {
            continue;
        }
        dealt++;
        u->items[u->count++] = (struct item){ .from = from, .message = number };
        if (u->count == SPR_TEAM_ROUND) {
            r = run_round(u);
        }
    }
    return r;
}

static bool is_purging(const struct purging *purging)
{
    return spr_journal_state(purging->journal) == SPR_JOURNAL_PURGING;
}

/* In turns, so that workers seldom meet in a folder. */
static int deal_all(struct unlinking *u, struct purging *group, uint32_t count)
{
    bool is_more = true;
    int r = 0;
    while (r == 0 && is_more) {
        is_more = false;
        for (uint32_t i = 0; i < count && r == 0; i++) {
            if (is_purging(&group[i])) {
                r = deal_turn(u, &group[i]);
                is_more = is_more || group[i].next < group[i].batch->message_count;
            }
        }
    }
    return r == 0 && u->count > 0 ? run_round(u) : r;
}

/* The folders that slots are in are opened before a worker needs them, and synced after. */
static int unlink_slots(struct spr_change *change, struct purging *group, uint32_t count)
{
    struct unlinking *u = malloc(sizeof(*u));
    if (u == NULL) {
        return -ENOMEM;
    }
    u->change = change;
    u->count = 0;
    int r = 0;
    for (uint32_t i = 0; i < count && r >= 0; i++) {
        r = spr_batch_dir_fd(group[i].batch, 0, change->place->root_fd, change->place->fd);
    }
    if (r >= 0) {
        r = deal_all(u, group, count);
    }
    free(u);
    for (uint32_t i = 0; i < count && r == 0; i++) {
        r = spr_batch_sync_dirs(group[i].batch);
    }
    return r;
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

static int begin_purge(struct spr_change *change, const struct purging *purging)
{
    const struct spr_batch *batch = purging->batch;
    if (spr_journal_state(purging->journal) != SPR_JOURNAL_DECIDED) {
        return 0;
    }
    const int r = spr_ledger_add_purge(change->ledger, batch->job, batch->number, 0, true);
    return r == 0 ? spr_journal_purge(purging->journal) : r;
}

static int end_purge(struct spr_change *change, const struct purging *purging)
{
    const struct spr_batch *batch = purging->batch;
    const uint64_t gone = count_gone(change, batch, purging->messages);
    bool removed = false;
    int r = 0;
    change->report.stuck += purging->left;
    change->report.purged += purging->messages;
    if (purging->left > 0) {
        return 0; /* no END: the next call tries again */
    }
    if (is_purging(purging)) {
        r = spr_journal_end(purging->journal);
    }
    if (r == 0) {
        r = spr_ledger_add_purge(change->ledger, batch->job, batch->number, gone, false);
    }
    return r == 0 ? spr_purge_folder(change, batch->job, batch->number, &removed) : r;
}

/* Up to where all slots are gone. */
static int purge_group(struct spr_change *change, struct purging *group, uint32_t count)
{
    int r = 0;
    for (uint32_t i = 0; i < count && r == 0; i++) {
        r = begin_purge(change, &group[i]);
    }
    return r == 0 ? unlink_slots(change, group, count) : r;
}

static int end_group(struct spr_change *change, const struct purging *group, uint32_t count)
{
    int r = 0;
    for (uint32_t i = 0; i < count && r == 0; i++) {
        r = end_purge(change, &group[i]);
    }
    return r;
}

int spr_purge_slots(struct spr_change *change, struct spr_batch *batch, struct spr_journal *journal)
{
    struct purging purging = { .batch = batch, .journal = journal };
    const int r = purge_group(change, &purging, 1);
    return r == 0 ? end_group(change, &purging, 1) : r;
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

/* ---- Several batches ------------------------------------------------------------------------- */

/* Those of them that can be purged; what must end before is ended. */
static int take_opened(struct spr_change *change, struct spr_opened_group *opened,
                       struct purging group[SPR_OPENED_MAX], uint32_t *ret_count)
{
    uint32_t count = 0;
    spr_opened_wait(opened);
    for (uint32_t i = 0; i < opened->count; i++) {
        struct spr_opened *one = &opened->batches[i];
        int r = one->code == -ENOENT ? 0 : one->code;
        if (r < 0 && change->fault != NULL && one->fault.code < 0) {
            *change->fault = one->fault;
        }
        if (r == 0 && one->state == SPR_JOURNAL_DECIDED) {
            r = end_memory(change, one->batch);
        }
        if (r < 0) {
            return r;
        }
        if (one->state == SPR_JOURNAL_DECIDED || one->state == SPR_JOURNAL_PURGING) {
            group[count++] = (struct purging){ .batch = one->batch, .journal = one->journal };
        }
    }
    *ret_count = count;
    return 0;
}

static int new_group(struct spr_change *change, uint64_t job, struct spr_opened_group **ret_group)
{
    struct spr_opened_group *group = calloc(1, sizeof(*group));
    if (group == NULL) {
        return -ENOMEM;
    }
    group->change = change;
    group->job = job;
    *ret_group = group;
    return 0;
}

int spr_purge_batch(struct spr_change *change, uint64_t job, uint64_t number)
{
    struct purging purging[SPR_OPENED_MAX];
    struct spr_opened_group *opened = NULL;
    uint32_t count = 0;
    int r = new_group(change, job, &opened);
    if (r < 0) {
        return r;
    }
    opened->batches[opened->count++].number = number;
    spr_opened_begin(opened);
    r = take_opened(change, opened, purging, &count);
    r = r == 0 && opened->batches[0].code < 0 ? opened->batches[0].code : r;
    r = r == 0 ? purge_group(change, purging, count) : r;
    r = r == 0 ? end_group(change, purging, count) : r;
    spr_opened_free(opened);
    return r;
}

/* Begins to open the next batches of a job that have something in the trash, from *at on; purged
 * ones among them lose what is left of them. *ret_group: NULL when there are no more. */
static int open_some(struct spr_change *change, const struct spr_ledger_job *job, uint32_t *at,
                     struct spr_opened_group **ret_group)
{
    struct spr_opened_group *group = NULL;
    if (*at == job->batch_count) {
        return 0;
    }
    int r = new_group(change, job->job, &group);
    for (; r == 0 && *at < job->batch_count && group->count < SPR_OPENED_MAX; (*at)++) {
        const struct spr_ledger_batch *batch = &job->batches[*at];
        bool removed = false;
        group->messages += batch->counts.out;
        if (batch->purged) {
            r = spr_purge_folder(change, job->job, batch->number, &removed);
            r = r == -ENOENT ? 0 : r;
        } else {
            group->batches[group->count++].number = batch->number;
        }
    }
    if (r < 0) {
        spr_opened_free(group);
        return r;
    }
    spr_opened_begin(group);
    *ret_group = group;
    return 0;
}

/* While the last syncs of some batches are waited for, the next ones are read. */
int spr_purge_job(struct spr_change *change, const struct spr_ledger_job *job)
{
    struct spr_opened_group *next = NULL;
    uint32_t at = 0;
    int r = open_some(change, job, &at, &next);
    while (r == 0 && next != NULL) {
        struct spr_opened_group *opened = next;
        struct purging group[SPR_OPENED_MAX];
        uint32_t count = 0;
        next = NULL;
        r = take_opened(change, opened, group, &count);
        r = r == 0 ? purge_group(change, group, count) : r;
        r = r == 0 ? open_some(change, job, &at, &next) : r;
        r = r == 0 ? end_group(change, group, count) : r;
        if (r == 0) {
            spr_change_progress(change, opened->messages);
        }
        spr_opened_free(opened);
        if (r == 0 && change->stopped && next != NULL) {
            r = SPR_E_STOPPED;
        }
    }
    spr_opened_free(next);
    return r;
}
