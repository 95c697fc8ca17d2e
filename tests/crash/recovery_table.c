/*
 * The table of recovery, row by row: a process is killed at the row's crash point, what the server
 * sees then and what recover makes of it are what the row says, and a second recover changes
 * nothing. Each row twice: with the index's folder, then without it; and for queue files and pairs.
 * Recover itself, and what it cannot bring back: recovery_limits.c.
 */
#include "core/batch/journal.h"
#include "tests/support/crash_at.h"
#include "tests/support/scene.h"

#include <stdio.h>
#include <sys/file.h>

#include <criterion/criterion.h>

/* ABORTED: the spool is as it was, nothing is left of the batch, and the job can go on. */
static void expect_aborted(const struct way *way)
{
    struct spr_job_report report;
    const struct spr_options options = scene_options();
    const struct whole_counts counts = scene_recover_twice(way);
    cr_expect_eq(counts.in, SCENE_MESSAGES, "%s: in %u", way->name, counts.in);
    scene_expect_as_made(way);
    cr_expect_eq(count_slots(&scene.spool), 0, "%s", way->name);
    cr_expect_not(scene_has_batch(1), "%s", way->name);

    cr_expect_eq(spr_job_resume(scene.spool.root, 1, scene.spool.index, &options, &report, NULL),
                 0);
    const unsigned out = way->with_index ? SCENE_MESSAGES : 0;
    cr_expect_eq(check_whole(&scene.spool, &scene.whole, way->name, 2).out, out, "%s", way->name);
    cr_expect_eq(scene_job_state(), way->with_index ? SPR_JOB_DONE : SPR_JOB_ABORTED, "%s",
                 way->name);
}

/* The decision stands, and undo still brings everything back. */
static void expect_decided(const struct way *way)
{
    const struct whole_counts counts = scene_recover_twice(way);
    cr_expect_eq(counts.out, SCENE_MESSAGES, "%s: out %u", way->name, counts.out);
    cr_expect(scene_has_batch(1), "%s", way->name);
    cr_expect_eq(scene_undo(), 0, "%s", way->name);
    scene_expect_as_made(way);
}

static void expect_purged(const struct way *way)
{
    const struct whole_counts counts = scene_recover_twice(way);
    cr_expect_eq(counts.gone, SCENE_MESSAGES, "%s: gone %u", way->name, counts.gone);
    cr_expect_eq(count_slots(&scene.spool), 0, "%s", way->name);
    cr_expect_not(scene_has_batch(1), "%s", way->name);
}

/* ---- Crash points of a delete ---------------------------------------------------------------- */

ROW(before_a__no_seal__the_batch_goes)
{
    cr_assert(crash_at(scene_delete, CRASH_FRAMES(SPR_FRAME_SEAL, WATCH_KILL)));
    cr_expect_eq(scene_seen(), SCENE_MESSAGES);
    cr_expect(scene_has_batch(1));
    expect_aborted(way);
}

ROW(before_a__torn_seal__the_batch_goes)
{
    cr_assert(crash_at(scene_delete, CRASH_FRAMES(SPR_FRAME_SEAL, WATCH_TEAR)));
    cr_expect_eq(scene_seen(), SCENE_MESSAGES);
    cr_expect(scene_has_batch(1));
    expect_aborted(way);
}

ROW(between_a_and_hide__aborted)
{
    cr_assert(crash_at(scene_delete, CRASH_PIVOT(1)));
    cr_expect_eq(scene_seen(), SCENE_MESSAGES);
    cr_expect_eq(count_slots(&scene.spool), 0);
    expect_aborted(way);
}

ROW(in_hide__pivots_go_back__aborted)
{
    for (unsigned nth = 2; nth <= SCENE_MESSAGES; nth++) {
        cr_assert(crash_at(scene_delete, CRASH_PIVOT(nth)));
        cr_expect_eq(scene_seen(), SCENE_MESSAGES - (nth - 1));
        expect_aborted(way);
        scene_end();
        scene_begin(way);
    }
}

ROW(after_b_before_gather__pivots_go_back__aborted)
{
    cr_assert(crash_at(scene_delete, CRASH_SUPPORT(1)));
    cr_expect_eq(scene_seen(), 0);
    cr_expect_eq(count_slots(&scene.spool), SCENE_MESSAGES);
    expect_aborted(way);
}

ROW(after_b_in_gather__supports_then_pivots_go_back__aborted)
{
    for (unsigned nth = 2; crash_at(scene_delete, CRASH_SUPPORT(nth)); nth++) {
        cr_expect_eq(scene_seen(), 0);
        cr_expect_eq(count_slots(&scene.spool), SCENE_MESSAGES + nth - 1);
        expect_aborted(way);
        scene_end();
        scene_begin(way);
    }
    cr_expect_eq(scene_undo(), 0); /* the last one came to its end */
}

ROW(after_c_before_d__all_goes_back__aborted)
{
    cr_assert(crash_at(scene_delete, CRASH_FRAMES(SPR_FRAME_DECIDE, WATCH_KILL)));
    cr_expect_eq(scene_seen(), 0);
    cr_expect_eq(count_slots(&scene.spool), scene.whole.count);
    expect_aborted(way);
}

ROW(decide_torn__no_commit__aborted)
{
    cr_assert(crash_at(scene_delete, CRASH_FRAMES(SPR_FRAME_DECIDE, WATCH_TEAR)));
    cr_expect_eq(scene_seen(), 0);
    expect_aborted(way);
}

ROW(after_d__kept)
{
    cr_assert(crash_at(scene_delete, CRASH_LINE("batch ")));
    cr_expect_eq(scene_seen(), 0);
    expect_decided(way);
}

ROW(after_d_with_a_torn_line__kept)
{
    struct crash_point point = CRASH_LINE("batch ");
    point.answer = WATCH_TEAR;
    cr_assert(crash_at(scene_delete, point));
    expect_decided(way);
}

/* One message is busy: it is back before the decision, and the verdict says so. */
ROW(after_d__verdicts_known__kept)
{
    char path[SCENE_PATH_BYTES];
    scene_pivot_path(1, path);
    FILE *agent = fopen(path, "r+");
    cr_assert_eq(flock(fileno(agent), LOCK_EX | LOCK_NB), 0);
    cr_assert(crash_at(scene_delete, CRASH_LINE("batch ")));
    (void)fclose(agent);
    const unsigned busy = way->pairs ? 0 : 1; /* pairs tell by lock files, not by locks */
    cr_expect_eq(scene_seen(), busy);
    const struct whole_counts counts = scene_recover_twice(way);
    cr_expect_eq(counts.in, busy, "%s", way->name);
    cr_expect_eq(counts.out, SCENE_MESSAGES - busy, "%s", way->name);
    cr_expect_eq(scene_undo(), 0);
    scene_expect_as_made(way);
}

/* ---- Undo, release, purge -------------------------------------------------------------------- */

ROW(in_undo__forward)
{
    for (unsigned nth = 1; nth <= SCENE_MESSAGES; nth++) {
        cr_assert_eq(scene_delete(), 0);
        cr_assert(crash_at(scene_undo, CRASH_PIVOT(nth)));
        cr_expect_eq(scene_seen(), nth - 1);
        cr_expect_eq(scene_recover_twice(way).in, SCENE_MESSAGES, "%s %u", way->name, nth);
        scene_expect_as_made(way);
        scene_end();
        scene_begin(way);
    }
}

ROW(in_undo_among_supports__forward)
{
    cr_assert_eq(scene_delete(), 0);
    cr_assert(crash_at(scene_undo, CRASH_SUPPORT(2)));
    cr_expect_eq(scene_seen(), 0);
    cr_expect_eq(scene_recover_twice(way).in, SCENE_MESSAGES, "%s", way->name);
    scene_expect_as_made(way);
}

/* What the server may have seen is not taken again, the others stay held. */
ROW(in_release__forward)
{
    for (unsigned nth = 1; !way->pairs && nth <= SCENE_MESSAGES; nth++) {
        cr_assert_eq(scene_hold(), 0);
        cr_assert(crash_at(scene_release, CRASH_PIVOT(nth)));
        cr_expect_eq(scene_seen(), nth - 1);
        const struct whole_counts counts = scene_recover_twice(way);
        cr_expect_geq(counts.in, nth - 1);
        cr_expect_eq(counts.in + counts.held, SCENE_MESSAGES);
        cr_expect_eq(scene_release(), 0);
        scene_expect_as_made(way);
        scene_end();
        scene_begin(way);
    }
}

ROW(in_purge_before_its_frame__kept)
{
    cr_assert_eq(scene_delete(), 0);
    cr_assert(crash_at(scene_purge, CRASH_FRAMES(SPR_FRAME_PURGE, WATCH_KILL)));
    expect_decided(way);
}

ROW(in_purge_with_a_torn_frame__kept)
{
    cr_assert_eq(scene_delete(), 0);
    cr_assert(crash_at(scene_purge, CRASH_FRAMES(SPR_FRAME_PURGE, WATCH_TEAR)));
    expect_decided(way);
}

ROW(in_purge__the_rest_goes)
{
    for (unsigned nth = 1; nth <= scene.whole.count; nth++) {
        cr_assert_eq(scene_delete(), 0);
        cr_assert(crash_at(scene_purge, CRASH_SLOT_UNLINK(nth)));
        cr_expect_eq(scene_seen(), 0);
        cr_expect_eq(count_slots(&scene.spool), scene.whole.count - (nth - 1));
        expect_purged(way);
        scene_end();
        scene_begin(way);
    }
}

ROW(in_purge_at_its_end__gone)
{
    static const enum watch_answer ANSWERS[] = { WATCH_KILL, WATCH_TEAR };
    for (unsigned i = 0; i < 2; i++) {
        cr_assert_eq(scene_delete(), 0);
        cr_assert(crash_at(scene_purge, CRASH_FRAMES(SPR_FRAME_END, ANSWERS[i])));
        expect_purged(way);
        scene_end();
        scene_begin(way);
    }
}
