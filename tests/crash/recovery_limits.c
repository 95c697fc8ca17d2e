/*
 * Rows of the recovery table about recover itself: killed in recover, what cannot be brought back,
 * and the lock. (The crash points of the operations: recovery_table.c.)
 */
#include "core/batch/journal.h"
#include "tests/support/crash_at.h"
#include "tests/support/faulty_io.h"
#include "tests/support/scene.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

/* ---- In recover itself ----------------------------------------------------------------------- */

static const enum watch_kind KINDS[] = { WATCH_FRAMES, WATCH_LINE,   WATCH_SYNC,
                                         WATCH_MOVE,   WATCH_UNLINK, WATCH_MAKE };

/* Kills recover before each call of every kind, each time after the same first crash. */
static void kill_in_recover(const struct way *way, void (*crash)(void),
                            void (*expect)(const struct way *way))
{
    unsigned kills = 0;
    for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); i++) {
        bool was_killed = true;
        for (unsigned nth = 1; was_killed; nth++) {
            crash();
            was_killed = crash_at(
                scene_recover,
                (struct crash_point){ .kind = KINDS[i], .nth = nth, .answer = WATCH_KILL });
            kills += was_killed ? 1 : 0;
            check_seen_whole(&scene.spool, &scene.whole, way->name, nth);
            expect(way);
            scene_end();
            scene_begin(way);
        }
    }
    cr_expect_gt(kills, 5, "%s: %u kills", way->name, kills);
}

static void crash_before_decide(void)
{
    cr_assert(crash_at(scene_delete, CRASH_FRAMES(SPR_FRAME_DECIDE, WATCH_KILL)));
}

static void expect_all_in(const struct way *way)
{
    cr_expect_eq(scene_recover_twice(way).in, SCENE_MESSAGES, "%s", way->name);
    scene_expect_as_made(way);
    cr_expect_not(scene_has_batch(1), "%s", way->name);
}

ROW(in_recover_of_a_delete__run_again)
{
    kill_in_recover(way, crash_before_decide, expect_all_in);
}

static void crash_in_undo(void)
{
    cr_assert_eq(scene_delete(), 0);
    cr_assert(crash_at(scene_undo, CRASH_PIVOT(2)));
}

static void expect_undone(const struct way *way)
{
    cr_expect_eq(scene_recover_twice(way).in, SCENE_MESSAGES, "%s", way->name);
    scene_expect_as_made(way);
}

ROW(in_recover_of_an_undo__run_again)
{
    kill_in_recover(way, crash_in_undo, expect_undone);
}

static void crash_in_purge(void)
{
    cr_assert_eq(scene_delete(), 0);
    cr_assert(crash_at(scene_purge, CRASH_SLOT_UNLINK(2)));
}

static void expect_gone(const struct way *way)
{
    cr_expect_eq(scene_recover_twice(way).gone, SCENE_MESSAGES, "%s", way->name);
    cr_expect_not(scene_has_batch(1), "%s", way->name);
}

ROW(in_recover_of_a_purge__run_again)
{
    kill_in_recover(way, crash_in_purge, expect_gone);
}

/* ---- What cannot be brought back ------------------------------------------------------------- */

/* The pivot's name is taken: it keeps its slot, the operator is told, and once the name is free
 * undo brings it back. */
ROW(name_taken_by_a_stranger__stuck)
{
    char path[SCENE_PATH_BYTES];
    crash_before_decide();
    scene_pivot_path(1, path);
    scene_stranger(path);

    const struct whole_counts counts = scene_recover_twice(way);
    cr_expect_eq(scene.report.stuck, 1, "%s: stuck %lu", way->name, scene.report.stuck);
    cr_expect_eq(scene.report.first_error, -EEXIST, "%s", way->name);
    cr_expect_eq(counts.in, SCENE_MESSAGES - 1, "%s", way->name);
    cr_expect_eq(counts.out, 1, "%s", way->name);
    struct stat meta;
    cr_assert_eq(stat(path, &meta), 0);
    cr_expect_eq(meta.st_size, (off_t)strlen("somebody else's"), "%s: replaced", way->name);
    cr_assert_eq(unlink(path), 0);
    cr_expect_eq(scene_undo(), 0, "%s", way->name);
    scene_expect_as_made(way);
    cr_expect_eq(count_slots(&scene.spool), 0, "%s", way->name);
}

/* The name of a support is taken: its pivot must not be seen without it. */
ROW(name_of_a_support_taken__pivot_stays_too__stuck)
{
    char path[SCENE_PATH_BYTES] = "";
    if (!way->pairs) {
        return; /* a queue file's logs are no part of the message */
    }
    for (unsigned i = 0; i < scene.whole.count; i++) {
        if (!scene.whole.files[i].is_pivot) {
            (void)snprintf(path, sizeof(path), "%s%s", scene.spool.root, scene.whole.files[i].path);
        }
    }
    crash_before_decide();
    scene_stranger(path);

    const struct whole_counts counts = scene_recover_twice(way);
    cr_expect_eq(scene.report.stuck, 1);
    cr_expect_eq(counts.in, SCENE_MESSAGES - 1);
    cr_expect_eq(counts.out, 1);
    cr_assert_eq(unlink(path), 0);
    cr_expect_eq(scene_undo(), 0);
    scene_expect_as_made(way);
}

static void unlink_slot(const char *slot)
{
    char command[SCENE_PATH_BYTES + 64];
    (void)snprintf(command, sizeof(command), "rm -- '%s'/.spoolray/*/1/1/%s", scene.spool.root,
                   slot);
    cr_assert_eq(system(command), 0);
}

/* Some of it is in our hands and its pivot is found nowhere: said, not guessed. */
ROW(pivot_found_nowhere__lost)
{
    crash_before_decide();
    unlink_slot("1.0");
    if (!way->with_index) {
        remove_temporary(scene.spool.index);
    }
    cr_assert_eq(scene_recover(), 0, "%s", way->name);

    cr_expect_eq(scene.report.lost, 1, "%s: lost %lu", way->name, scene.report.lost);
    cr_expect_eq(scene_seen(), SCENE_MESSAGES - 1, "%s", way->name);
    cr_assert_eq(scene_recover(), 0, "%s", way->name);
    cr_expect_eq(scene_seen(), SCENE_MESSAGES - 1, "%s", way->name);
}

/* Nothing of it was taken, and the server finished it since: recover does not tell that it brought
 * it back. */
ROW(finished_by_the_server_before_hide__not_told_as_back)
{
    char path[SCENE_PATH_BYTES];
    cr_assert(crash_at(scene_delete, CRASH_PIVOT(1)));
    scene_pivot_path(2, path);
    cr_assert_eq(unlink(path), 0);
    if (!way->with_index) {
        remove_temporary(scene.spool.index);
    }
    cr_assert_eq(scene_recover(), 0, "%s", way->name);

    cr_expect_eq(scene.report.back, SCENE_MESSAGES - 1, "%s: %lu", way->name, scene.report.back);
    cr_expect_eq(scene_seen(), SCENE_MESSAGES - 1, "%s", way->name);
    cr_expect_not(scene_has_batch(1), "%s", way->name);
}

/* No room in the folder it goes back to: the reserve is given up for it. */
ROW(no_room_to_go_back__reserve_dropped)
{
    const struct spr_fault_rule rule = { .site = "renameat2", .nth = 1, .error = ENOSPC };
    crash_before_decide();

    spr_faulty_start(&rule, 1);
    const int r = scene_recover();
    cr_expect_eq(spr_faulty_hits(), 1, "%s", way->name);
    spr_faulty_stop();

    cr_expect_eq(r, 0, "%s", way->name);
    cr_expect_eq(scene.report.stuck, 0, "%s", way->name);
    expect_all_in(way);
}

/* No room at all: everything keeps its slot and can be brought back later. */
ROW(no_room_at_all__stuck)
{
    const struct spr_fault_rule rule = {
        .site = "renameat2", .nth = 1, .onwards = true, .error = ENOSPC
    };
    crash_before_decide();

    spr_faulty_start(&rule, 1);
    const int r = scene_recover();
    spr_faulty_stop();

    cr_expect_eq(r, 0, "%s", way->name);
    cr_expect_eq(scene.report.stuck, SCENE_MESSAGES, "%s", way->name);
    cr_expect_eq(scene_seen(), 0, "%s", way->name);
    (void)scene_recover_twice(way);
    cr_expect_eq(scene_undo(), 0, "%s", way->name);
    cr_expect_eq(scene_seen(), SCENE_MESSAGES, "%s", way->name);
    scene_expect_as_made(way);
}

/* ---- The lock -------------------------------------------------------------------------------- */

static int wait_pipe[2];

/* Holds the lock in the middle of a delete until it is killed. */
static enum watch_answer wait_in_hide(const struct watched *call, void *user)
{
    (void)user;
    if (call->kind == WATCH_MOVE) {
        (void)!write(wait_pipe[1], "x", 1);
        (void)pause();
    }
    return WATCH_GO;
}

ROW(living_holder__busy__dead_holder__recovered)
{
    char byte = 0;
    cr_assert_eq(pipe(wait_pipe), 0);
    const pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        watch_start(wait_in_hide, NULL);
        _exit(scene_delete() == 0 ? 0 : 1);
    }
    cr_assert_eq(read(wait_pipe[0], &byte, 1), 1);
    char *before = look_at_private(&scene.spool);
    cr_expect_eq(scene_recover(), SPR_E_BUSY, "%s", way->name);
    cr_expect_eq(scene_undo(), SPR_E_BUSY, "%s", way->name);
    cr_expect_eq(scene_purge(), SPR_E_BUSY, "%s", way->name);
    cr_expect_eq(scene_job_state(), SPR_JOB_RUNNING, "%s", way->name);
    char *after = look_at_private(&scene.spool);
    cr_expect_str_eq(after, before, "%s", way->name);
    free(before);
    free(after);

    cr_assert_eq(kill(child, SIGKILL), 0);
    cr_assert_eq(waitpid(child, NULL, 0), child);
    (void)close(wait_pipe[0]);
    (void)close(wait_pipe[1]);
    cr_expect_eq(scene_job_state(), SPR_JOB_INTERRUPTED, "%s", way->name);
    expect_all_in(way);
}
