/*
 * Batch after batch. Rules for a full disk: run.h.
 */
#include "core/batch/run.h"

#include "core/batch/apply.h"
#include "core/batch/purge.h"
#include "core/batch/reserve.h"
#include "core/batch/steps.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS_MAX 3
#define BATCH_MIN  64 /* a full disk does not halve a batch below it */

int spr_run_begin(struct spr_job_run *run)
{
    const uint64_t count = run->plan->count > run->next ? run->plan->count - run->next : 0;
    const uint32_t wish = run->change->options.batch_max;
    run->batch_max = wish > 0 && wish < SPR_BATCH_MESSAGES_MAX ? wish : SPR_BATCH_MESSAGES_MAX;
    run->again_count = 0;
    run->again = malloc((count + 1) * sizeof(*run->again));
    return run->again != NULL ? 0 : -ENOMEM;
}

void spr_run_end(struct spr_job_run *run)
{
    free(run->again);
    run->again = NULL;
}

/* ---- Making room ----------------------------------------------------------------------------- */

int spr_run_tell_room(struct spr_job_run *run)
{
    struct spr_room *room = &run->room;
    if (room->messages == 0 || run->number == 0) {
        return 0;
    }
    const int r = spr_ledger_add_room(run->change->ledger, run->number, room->messages, run->next,
                                      room->names);
    if (r == 0) {
        run->change->report.bytes += room->bytes;
        run->change->report.purged += room->messages;
        run->change->report.done += room->messages;
        room->messages = 0;
        room->bytes = 0;
        room->names_length = 0;
    }
    return r;
}

/* One call for some entries; those that stay get another round, or count as skipped in the last. 1
 * when some went. */
static int unlink_some(struct spr_job_run *run, const uint64_t *entries, uint32_t count,
                       bool last_round)
{
    const uint64_t before = run->room.messages;
    const int r = spr_room_unlink(run->change, run->plan, entries, count, &run->room);
    const uint64_t gone = run->room.messages - before;
    run->room_left -= gone;
    run->gone += gone;
    if (r < 0) {
        return r;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!run->room.is_gone[i] && !last_round) {
            run->again[run->again_count++] = entries[i];
        } else if (!run->room.is_gone[i]) {
            run->change->report.skipped++;
        }
    }
    return gone > 0 ? 1 : 0;
}

static bool may_make_room(const struct spr_job_run *run)
{
    return run->plan->action == SPR_DELETE && (run->change->options.flags & SPR_KEEP_UNDO) == 0 &&
           run->room_left > 0;
}

int spr_run_make_room(struct spr_job_run *run)
{
    int r = may_make_room(run) ? 0 : -ENOSPC;
    while (r == 0) {
        uint64_t entries[SPR_ROOM_MESSAGES];
        uint32_t count = 0;
        while (count < SPR_ROOM_MESSAGES && count < run->room_left &&
               run->next < run->plan->count) {
            entries[count++] = run->next++;
        }
        r = count > 0 ? unlink_some(run, entries, count, false) : -ENOSPC;
    }
    return r;
}

/* The job's smallest batch that still has its trash, the oldest of these; NULL: none. */
static const struct spr_ledger_batch *find_smallest(const struct spr_job_run *run)
{
    const struct spr_ledger_job *known = spr_ledger_find(run->change->ledger, run->number);
    const struct spr_ledger_batch *smallest = NULL;
    for (uint32_t i = 0; known != NULL && i < known->batch_count; i++) {
        const struct spr_ledger_batch *batch = &known->batches[i];
        if (batch->operation == SPR_DELETE && !batch->purged && batch->counts.out > 0 &&
            batch->counts.out <= run->room_left &&
            (smallest == NULL || batch->counts.out < smallest->counts.out)) {
            smallest = batch;
        }
    }
    return smallest;
}

/* A purge may set the change's layout anew, which a look reads. */
static int purge_batch(struct spr_job_run *run, uint64_t number)
{
    spr_look_wait(run->ahead);
    return spr_purge_batch(run->change, run->number, number);
}

/* 1 purged, 0 there is none. */
static int purge_smallest(struct spr_job_run *run)
{
    const struct spr_ledger_batch *batch = find_smallest(run);
    if (batch == NULL) {
        return 0;
    }
    run->room_left -= batch->counts.out;
    run->gone += batch->counts.out;
    const int r = purge_batch(run, batch->number);
    return r < 0 ? r : 1;
}

/* No room for the smallest batch. *ret_passed: entries that are done with. */
static int free_room(struct spr_job_run *run, const uint64_t *entries, uint32_t count,
                     bool last_round, uint32_t *ret_passed)
{
    *ret_passed = 0;
    if (!may_make_room(run)) {
        return -ENOSPC;
    }
    int r = purge_smallest(run);
    if (r != 0) {
        return r < 0 ? r : 0;
    }
    count = count < SPR_ROOM_MESSAGES ? count : SPR_ROOM_MESSAGES;
    count = run->room_left < count ? (uint32_t)run->room_left : count;
    r = unlink_some(run, entries, count, last_round);
    *ret_passed = r < 0 ? 0 : count;
    run->next += last_round ? 0 : *ret_passed;
    const int told = spr_run_tell_room(run);
    return r < 0 ? r : told;
}

/* ---- Batches --------------------------------------------------------------------------------- */

/* Messages that moved meanwhile are kept for another round. */
static void collect_again(struct spr_job_run *run, const struct spr_batch *batch,
                          const uint64_t *entries)
{
    for (uint32_t i = 0; i < batch->message_count; i++) {
        if (spr_fate_may_pass(&batch->messages[i])) {
            run->again[run->again_count++] = entries[batch->messages[i].entry];
        }
    }
}

/* What was looked at while the batch before was moved, or is looked at now. */
static int build(struct spr_job_run *run, const struct spr_selection *selection,
                 struct spr_batch *batch, struct spr_wake *wake)
{
    struct spr_look *look = run->ahead;
    run->ahead = NULL;
    if (!spr_look_covers(look, selection)) {
        spr_look_free(look);
        look = spr_look_begin(run->change, selection);
    }
    spr_look_wait(look);
    const int r = spr_steps_build(run->change, selection, look, batch, wake);
    spr_look_free(look);
    return r;
}

/* The next batch has at most twice the messages of this one: on a full disk it stays small. */
static void look_ahead(struct spr_job_run *run, const uint64_t *entries, uint64_t left,
                       uint32_t count_now)
{
    uint32_t count = count_now < run->batch_max / 2 ? count_now * 2 : run->batch_max;
    count = left < count ? (uint32_t)left : count;
    const struct spr_selection next = { run->plan, entries, count };
    run->ahead = spr_look_begin(run->change, &next);
}

static void stop_looking(struct spr_job_run *run)
{
    spr_look_free(run->ahead);
    run->ahead = NULL;
}

/* left: entries behind these. */
static int run_once(struct spr_job_run *run, const struct spr_selection *selection, uint64_t left,
                    bool last_round, bool *ret_begun)
{
    const uint64_t *entries = selection->entries;
    const uint32_t count = selection->count;
    struct spr_change *change = run->change;
    struct spr_batch *batch = NULL;
    struct spr_wake wake = { .path = "" };
    int r = spr_batch_new(&batch);
    if (r == 0) {
        r = spr_batch_place(change, run->number, batch);
    }
    if (r == 0) {
        r = build(run, selection, batch, &wake);
    }
    if (r == 0) {
        look_ahead(run, entries + count, left, count);
        batch->next = run->next + (last_round ? 0 : count);
        r = spr_batch_run(change, batch, &wake, last_round);
    }
    if (r == 0 && !last_round) {
        collect_again(run, batch, entries);
    }
    if (r == 0 && (change->options.flags & SPR_PURGE_NOW) != 0 && run->plan->action == SPR_DELETE) {
        r = purge_batch(run, batch->number);
    }
    *ret_begun = batch != NULL && batch->begun;
    spr_batch_free(batch);
    return r;
}

/* How large the next batch is. On a full disk it is small, and doubles while it fits: so there are
 * always small ones that can be purged for the others. */
struct batch_size {
    uint32_t now;
    bool reserve_gone; /* since the last batch that fitted */
};

/* The batch of part entries did not fit. */
static int answer_full(struct spr_job_run *run, struct batch_size *size, const uint64_t *entries,
                       uint32_t part, bool last_round, uint32_t *ret_passed)
{
    *ret_passed = 0;
    if (!size->reserve_gone) {
        size->reserve_gone = true;
        const int r = spr_reserve_drop(run->change->place);
        if (r != 0) {
            return r < 0 ? r : 0;
        }
    }
    if (part > BATCH_MIN) {
        size->now = BATCH_MIN;
        return 0;
    }
    return free_room(run, entries, part, last_round, ret_passed);
}

static int run_entries(struct spr_job_run *run, const uint64_t *entries, uint64_t count,
                       bool last_round)
{
    const uint32_t small = run->batch_max < BATCH_MIN ? run->batch_max : BATCH_MIN;
    struct batch_size size = { .now = run->gone > 0 ? small : run->batch_max };
    for (uint64_t at = 0; at < count;) {
        const uint32_t part = count - at < size.now ? (uint32_t)(count - at) : size.now;
        uint32_t passed = part;
        bool begun = false;
        const struct spr_selection selection = { run->plan, entries + at, part };
        int r = run_once(run, &selection, count - at - part, last_round, &begun);
        if (!begun && spr_is_disk_full(r)) {
            r = answer_full(run, &size, entries + at, part, last_round, &passed);
        } else if (r == 0) {
            run->next += last_round ? 0 : part;
            size.now = size.now < run->batch_max / 2 ? size.now * 2 : run->batch_max;
            size.reserve_gone = false;
        }
        if (r < 0) {
            run->is_open = begun;
            return r;
        }
        at += passed;
        spr_change_progress(run->change, 0);
        if (run->change->stopped && at < count) {
            return SPR_E_STOPPED;
        }
    }
    return 0;
}

int spr_run_plan(struct spr_job_run *run)
{
    const uint64_t left = run->plan->count > run->next ? run->plan->count - run->next : 0;
    const uint64_t size = left > run->again_count ? left : run->again_count;
    uint64_t *entries = malloc((size + 1) * sizeof(*entries));
    if (entries == NULL) {
        return -ENOMEM;
    }
    for (uint64_t i = 0; i < left; i++) {
        entries[i] = run->next + i;
    }
    int r = run_entries(run, entries, left, false);
    stop_looking(run);
    for (unsigned round = 1; r == 0 && round < ROUNDS_MAX && run->again_count > 0; round++) {
        const uint64_t count = run->again_count;
        free(entries);
        entries = run->again;
        run->again = malloc((count + 1) * sizeof(*run->again));
        run->again_count = 0;
        r = run->again != NULL ? run_entries(run, entries, count, round + 1 == ROUNDS_MAX)
                               : -ENOMEM;
        stop_looking(run);
    }
    free(entries);
    return r;
}
