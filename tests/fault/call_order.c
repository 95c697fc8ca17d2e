/*
 * The order of calls that the batch protocol hangs on: what an operation did is recorded, and a
 * judge reads the record against barriers A to D and the rules of purging. Then every sync of the
 * protocol is left out of the record in turn, and steps of it change places, as a wrong program
 * would: the judge must see each.
 */
#include "core/batch/job.h"
#include "core/batch/journal.h"
#include "tests/support/change_spool.h"
#include "tests/support/watch_calls.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

#define CALLS_MAX 4000
#define DIRTY_MAX 64

struct record {
    struct watched calls[CALLS_MAX];
    unsigned count;
};

static struct change_spool spool;
static struct record record;
static uint32_t most_a_batch; /* 0: all */

static enum watch_answer note(const struct watched *call, void *user)
{
    struct record *into = user;
    cr_assert_lt(into->count, CALLS_MAX);
    into->calls[into->count++] = *call;
    return WATCH_GO;
}

/* ---- The judge ------------------------------------------------------------------------------- */

struct judge {
    bool arrives; /* supports before pivots */
    bool sealed, decided, purging, ended;
    bool moved, second_phase;
    uint64_t journal;
    uint64_t dirty[DIRTY_MAX]; /* inodes with something that a power cut would take */
    unsigned dirty_count;
};

static void make_dirty(struct judge *judge, uint64_t inode)
{
    for (unsigned i = 0; i < judge->dirty_count; i++) {
        if (judge->dirty[i] == inode) {
            return;
        }
    }
    cr_assert_lt(judge->dirty_count, DIRTY_MAX);
    judge->dirty[judge->dirty_count++] = inode;
}

static void make_clean(struct judge *judge, uint64_t inode)
{
    for (unsigned i = 0; i < judge->dirty_count; i++) {
        if (judge->dirty[i] == inode) {
            judge->dirty[i] = judge->dirty[--judge->dirty_count];
            return;
        }
    }
}

static const char *judge_move(struct judge *judge, const struct watched *call)
{
    if (!judge->sealed) {
        return "a file moves before SEAL";
    }
    if (judge->decided) {
        return "a file moves after DECIDE";
    }
    if (!judge->moved && judge->dirty_count > 0) {
        return "barrier A: a file moves before SEAL and the folders above it are synced";
    }
    judge->moved = true;
    const bool second = watched_is_pivot(call) == judge->arrives;
    if (judge->second_phase && !second) {
        return "a phase begins before the one before it has ended";
    }
    if (second && !judge->second_phase && judge->dirty_count > 0) {
        return "barrier B: the second phase begins before the first is synced";
    }
    judge->second_phase = second;
    return NULL;
}

static const char *judge_frames(struct judge *judge, const struct watched *call)
{
    judge->journal = call->inode;
    switch (call->frame) {
    case SPR_FRAME_SEAL:
        judge->sealed = true;
        judge->decided = judge->purging = judge->ended = false;
        judge->moved = judge->second_phase = false;
        return NULL;
    case SPR_FRAME_DECIDE:
        judge->decided = true;
        return judge->dirty_count > 0 ? "barrier C: DECIDE before every move is synced" : NULL;
    case SPR_FRAME_PURGE:
        judge->purging = true;
        return judge->decided && judge->dirty_count == 0 ? NULL : "PURGE before DECIDE is synced";
    case SPR_FRAME_END:
        judge->ended = true;
        return judge->dirty_count > 0 ? "END before the slots' removal is synced" : NULL;
    default:
        return "frames that end in none of SEAL, DECIDE, PURGE, END";
    }
}

static const char *judge_line(const struct judge *judge, const struct watched *call)
{
    if (strncmp(call->name, "batch ", 6) == 0 && (!judge->decided || judge->dirty_count > 0)) {
        return "barrier D: a batch is told before DECIDE is synced";
    }
    return strncmp(call->name, "end ", 4) == 0 && judge->dirty_count > 0
               ? "a job is told as ended before its lines are synced"
               : NULL;
}

static const char *judge_unlink(const struct judge *judge, const struct watched *call)
{
    if (watched_is_slot(call->name) && (!judge->purging || judge->ended)) {
        return "a slot goes without PURGE";
    }
    for (unsigned i = 0; watched_is_slot(call->name) && i < judge->dirty_count; i++) {
        if (judge->dirty[i] == judge->journal) {
            return "a slot goes before PURGE is synced";
        }
    }
    return strcmp(call->name, SPR_JOURNAL_NAME) == 0 && judge->dirty_count > 0
               ? "a journal goes before what it stood for is synced"
               : NULL;
}

static const char *judge_call(struct judge *judge, const struct watched *call)
{
    const char *fault = NULL;
    switch (call->kind) {
    case WATCH_MAKE:
        make_dirty(judge, call->folder);
        break;
    case WATCH_SYNC:
        make_clean(judge, call->inode);
        break;
    case WATCH_FRAMES:
        fault = judge_frames(judge, call);
        make_dirty(judge, call->inode);
        break;
    case WATCH_LINE:
        fault = judge_line(judge, call);
        make_dirty(judge, call->inode);
        break;
    case WATCH_MOVE:
        fault = judge_move(judge, call);
        make_dirty(judge, call->folder);
        make_dirty(judge, call->to_folder);
        break;
    case WATCH_UNLINK:
        fault = judge_unlink(judge, call);
        if (watched_is_slot(call->name)) {
            make_dirty(judge, call->folder);
        }
        break;
    }
    return fault;
}

/* The first fault in the record, or NULL. first: what the record begins with. */
static const char *judge_record(const struct record *all, struct judge first)
{
    const char *fault = NULL;
    for (unsigned i = 0; fault == NULL && i < all->count; i++) {
        fault = judge_call(&first, &all->calls[i]);
    }
    return fault;
}

/* ---- Records --------------------------------------------------------------------------------- */

static struct spr_options stopped_server(void)
{
    struct spr_options options = SPR_OPTIONS_INIT;
    options.flags = strcmp(spool.format->name, "imail") == 0 ? SPR_SERVER_STOPPED : 0;
    options.batch_max = most_a_batch;
    return options;
}

static void apply(enum spr_action action, const char *prefix, uint32_t flags)
{
    struct spr_job_report report;
    struct spr_options options = stopped_server();
    options.flags |= flags;
    struct spr_plan *plan = plan_for(&spool, action, prefix);
    watch_start(note, &record);
    cr_assert_eq(spr_plan_apply(plan, spool.index, &options, &report, NULL), 0);
    watch_stop();
    cr_assert_gt(report.done, 0);
    spr_plan_free(plan);
}

static void undo(void)
{
    struct spr_job_report report;
    const struct spr_options options = stopped_server();
    watch_start(note, &record);
    cr_assert_eq(spr_job_undo(spool.root, 1, &options, &report, NULL), 0);
    watch_stop();
    cr_assert_gt(report.done, 0);
}

static void purge(void)
{
    struct spr_job_report report;
    watch_start(note, &record);
    cr_assert_eq(spr_job_purge(spool.root, 1, NULL, &report, NULL), 0);
    watch_stop();
    cr_assert_gt(report.purged, 0);
}

static unsigned count_kind(enum watch_kind kind)
{
    unsigned count = 0;
    for (unsigned i = 0; i < record.count; i++) {
        count += record.calls[i].kind == kind ? 1 : 0;
    }
    return count;
}

/* ---- Planted faults -------------------------------------------------------------------------- */

static void leave_out(struct record *out, unsigned number)
{
    *out = record;
    memmove(&out->calls[number], &out->calls[number + 1],
            (out->count - number - 1) * sizeof(out->calls[0]));
    out->count--;
}

/* The call at from comes where to is, what is between moves on by one. */
static void bring_forward(struct record *out, unsigned from, unsigned to)
{
    *out = record;
    memmove(&out->calls[to + 1], &out->calls[to], (from - to) * sizeof(out->calls[0]));
    out->calls[to] = record.calls[from];
}

static unsigned find_call(enum watch_kind kind, int frame, unsigned from)
{
    unsigned at = from;
    while (at < record.count &&
           (record.calls[at].kind != kind || (frame != 0 && record.calls[at].frame != frame))) {
        at++;
    }
    cr_assert_lt(at, record.count, "no call of kind %d, frame %d", (int)kind, frame);
    return at;
}

/* Each sync from one call to another is needed: without it the judge finds fault. A folder synced
 * once more than it must be is none of them. */
static void expect_all_needed(struct judge first, unsigned from, unsigned to, unsigned at_least)
{
    static struct record without;
    unsigned needed = 0;
    for (unsigned i = from; i < to; i++) {
        if (record.calls[i].kind == WATCH_SYNC) {
            leave_out(&without, i);
            cr_expect_not_null(judge_record(&without, first), "sync %u is not missed", i);
            needed++;
        }
    }
    cr_expect_geq(needed, at_least, "%u syncs", needed);
}

/* ---- Tests ----------------------------------------------------------------------------------- */

static void tear_down(void)
{
    remove_spool(&spool);
}

TestSuite(call_order, .fini = tear_down);

static const struct judge LEAVES = { .arrives = false };
static const struct judge ARRIVES = { .arrives = true };
static const struct judge DECIDED = { .sealed = true, .decided = true };

static void expect_kept(struct judge first)
{
    const char *fault = judge_record(&record, first);
    cr_assert_null(fault, "%s", fault);
}

Test(call_order, delete_keeps_barriers_a_to_d_and_the_judge_misses_each)
{
    make_postfix_spool(&spool, 6);
    apply(SPR_DELETE, "", 0);
    const unsigned seal = find_call(WATCH_FRAMES, SPR_FRAME_SEAL, 0);
    const unsigned decide = find_call(WATCH_FRAMES, SPR_FRAME_DECIDE, seal);

    expect_kept(LEAVES);
    cr_expect_eq(count_kind(WATCH_MOVE), 6 + 6 + 2);
    /* journal, batch, job, PRIV; the queue and the slots; the logs and the slots; DECIDE */
    expect_all_needed(LEAVES, seal, decide + 2, 4 + 2 + 2 + 1);
}

Test(call_order, delete_of_pairs_keeps_barriers_a_to_d_and_the_judge_misses_each)
{
    make_pair_spool(&spool, 5);
    apply(SPR_DELETE, "", 0);
    const unsigned seal = find_call(WATCH_FRAMES, SPR_FRAME_SEAL, 0);
    const unsigned decide = find_call(WATCH_FRAMES, SPR_FRAME_DECIDE, seal);

    expect_kept(LEAVES);
    cr_expect_eq(count_kind(WATCH_MOVE), 5 + 5);
    expect_all_needed(LEAVES, seal, decide + 2, 4 + 2 + 2 + 1);
}

Test(call_order, telling_before_decide_is_seen)
{
    static struct record wrong;
    make_postfix_spool(&spool, 3);
    apply(SPR_DELETE, "", 0);
    const unsigned decide = find_call(WATCH_FRAMES, SPR_FRAME_DECIDE, 0);
    const unsigned told = find_call(WATCH_LINE, 0, decide);

    bring_forward(&wrong, told, decide);
    cr_expect_not_null(judge_record(&wrong, LEAVES), "told before DECIDE is written");
    bring_forward(&wrong, told, decide + 1);
    cr_expect_not_null(judge_record(&wrong, LEAVES), "told before DECIDE is synced");
}

Test(call_order, moving_early_or_in_the_wrong_order_is_seen)
{
    static struct record wrong;
    make_pair_spool(&spool, 3);
    apply(SPR_DELETE, "", 0);
    const unsigned seal = find_call(WATCH_FRAMES, SPR_FRAME_SEAL, 0);
    const unsigned first = find_call(WATCH_MOVE, 0, seal);
    const unsigned decide = find_call(WATCH_FRAMES, SPR_FRAME_DECIDE, first);
    unsigned support = first;
    while (watched_is_pivot(&record.calls[support])) {
        support = find_call(WATCH_MOVE, 0, support + 1);
    }

    bring_forward(&wrong, first, seal);
    cr_expect_not_null(judge_record(&wrong, LEAVES), "moved before SEAL is written");
    bring_forward(&wrong, first, seal + 1);
    cr_expect_not_null(judge_record(&wrong, LEAVES), "moved before SEAL is synced");
    bring_forward(&wrong, support, first);
    cr_expect_not_null(judge_record(&wrong, LEAVES), "a support goes before its pivot");
    bring_forward(&wrong, decide, support);
    cr_expect_not_null(judge_record(&wrong, LEAVES), "decided before all moved");
    cr_expect_not_null(judge_record(&record, ARRIVES), "the order of arriving is another");
}

Test(call_order, undo_brings_supports_before_pivots_and_the_judge_misses_each_sync)
{
    make_postfix_spool(&spool, 6);
    apply(SPR_DELETE, "", 0);
    record.count = 0;
    undo();
    const unsigned seal = find_call(WATCH_FRAMES, SPR_FRAME_SEAL, 0);
    const unsigned decide = find_call(WATCH_FRAMES, SPR_FRAME_DECIDE, seal);

    expect_kept(ARRIVES);
    cr_expect_eq(count_kind(WATCH_MOVE), 6 + 6 + 2);
    cr_expect_not_null(judge_record(&record, LEAVES));
    expect_all_needed(ARRIVES, seal, seal + 3, 2); /* journal, batch; the job's folder is not new */
    expect_all_needed(ARRIVES, find_call(WATCH_MOVE, 0, seal), decide + 2, 2 + 2 + 1);
}

Test(call_order, hold_and_release_keep_barriers)
{
    make_postfix_spool(&spool, 6);
    apply(SPR_HOLD, "deferred", 0);
    expect_kept(LEAVES);
    cr_expect_eq(count_kind(WATCH_MOVE), 6);
    expect_all_needed(LEAVES, find_call(WATCH_MOVE, 0, 0),
                      find_call(WATCH_FRAMES, SPR_FRAME_DECIDE, 0) + 2, 2 + 1);

    record.count = 0;
    apply(SPR_RELEASE, "hold", 0);
    expect_kept(ARRIVES);
    cr_expect_eq(count_kind(WATCH_MOVE), 6);
}

Test(call_order, purge_unlinks_only_behind_a_synced_purge)
{
    static struct record wrong;
    make_pair_spool(&spool, 4);
    apply(SPR_DELETE, "", 0);
    record.count = 0;
    purge();
    const unsigned purge = find_call(WATCH_FRAMES, SPR_FRAME_PURGE, 0);
    const unsigned end = find_call(WATCH_FRAMES, SPR_FRAME_END, purge);
    const unsigned slot = find_call(WATCH_UNLINK, 0, 0);

    expect_kept(DECIDED);
    expect_all_needed(DECIDED, purge, end + 2, 3); /* PURGE, the slots' folder, END */
    bring_forward(&wrong, slot, purge);
    cr_expect_not_null(judge_record(&wrong, DECIDED), "unlinked before PURGE is written");
    bring_forward(&wrong, slot, purge + 1);
    cr_expect_not_null(judge_record(&wrong, DECIDED), "unlinked before PURGE is synced");
    cr_expect_not_null(judge_record(&record, (struct judge){ .sealed = true }),
                       "purged without DECIDE");
}

static uint64_t inode_in_batch(uint64_t number, const char *name)
{
    char path[TEMPORARY_PATH_MAX + 128];
    struct stat meta;
    cr_assert_eq(stat(spool.root, &meta), 0);
    (void)snprintf(path, sizeof(path), "%s/.spoolray/%lu/1/%lu/%s", spool.root, meta.st_ino, number,
                   name);
    cr_assert_eq(stat(path, &meta), 0, "%s", path);
    return meta.st_ino;
}

/* Batches are purged together, but each keeps its own order. */
Test(call_order, purge_of_several_batches_keeps_the_order_of_each)
{
    uint64_t inodes[3][2];
    make_postfix_spool(&spool, 6);
    most_a_batch = 2;
    apply(SPR_DELETE, "", 0);
    for (unsigned i = 0; i < 6; i++) {
        inodes[i / 2][i % 2] = inode_in_batch(i / 2 + 1, i % 2 == 0 ? "" : SPR_JOURNAL_NAME);
    }
    record.count = 0;
    purge();
    for (unsigned i = 0; i < 3; i++) {
        struct record one = { .count = 0 };
        for (unsigned k = 0; k < record.count; k++) {
            const struct watched *call = &record.calls[k];
            if (call->folder == inodes[i][0] || call->inode == inodes[i][0] ||
                call->inode == inodes[i][1]) {
                one.calls[one.count++] = *call;
            }
        }
        cr_expect_null(judge_record(&one, DECIDED), "batch %u", i);
        cr_expect_geq(one.count, 2 + 1 + 2 + 4, "PURGE, END, the folder synced; slots");
    }
}

Test(call_order, delete_for_good_decides_before_it_purges)
{
    make_postfix_spool(&spool, 3);
    apply(SPR_DELETE, "", SPR_PURGE_NOW);

    expect_kept(LEAVES);
    cr_expect_gt(find_call(WATCH_FRAMES, SPR_FRAME_PURGE, 0),
                 find_call(WATCH_FRAMES, SPR_FRAME_DECIDE, 0));
}

/* ---- Recovering ------------------------------------------------------------------------------ */

static enum watch_answer die_before_decide(const struct watched *call, void *user)
{
    (void)user;
    return call->kind == WATCH_FRAMES && call->frame == SPR_FRAME_DECIDE ? WATCH_KILL : WATCH_GO;
}

Test(call_order, recover_brings_supports_before_pivots_and_drops_the_journal_last)
{
    struct spr_job_report report;
    make_postfix_spool(&spool, 6);
    struct spr_plan *plan = plan_for(&spool, SPR_DELETE, "");
    const pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        watch_start(die_before_decide, NULL);
        (void)spr_plan_apply(plan, spool.index, NULL, &report, NULL);
        _exit(0);
    }
    int status = 0;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFSIGNALED(status));
    spr_plan_free(plan);

    watch_start(note, &record);
    cr_assert_eq(spr_recover(spool.root, NULL, &report, NULL), 0);
    watch_stop();

    const struct judge sealed = { .arrives = true, .sealed = true };
    expect_kept(sealed);
    cr_expect_eq(count_kind(WATCH_MOVE), 6 + 6 + 2);
    unsigned journal = 0;
    while (strcmp(record.calls[journal].name, SPR_JOURNAL_NAME) != 0) {
        journal = find_call(WATCH_UNLINK, 0, journal + 1);
    }
    expect_all_needed(sealed, find_call(WATCH_MOVE, 0, 0), journal, 2 + 2);
}
