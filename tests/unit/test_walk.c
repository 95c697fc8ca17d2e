/*
 * Listing again: what moved meanwhile is neither missed nor met twice.
 */
#include "core/scan/detect.h"
#include "core/scan/walk.h"
#include "tests/support/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

static struct spool spool;
static struct spr_detected detected;
static struct spr_tally tally;
static struct spr_walk walk;

static void make(void)
{
    spool_make_postfix(&spool);
    spool_write_postfix(&spool, "deferred/A/A00001", "one@from.test", "ann", 1);
    spool_write_postfix(&spool, "active/B00002", "two@from.test", "ann", 1);
    cr_assert_eq(spr_detect_one(spool.root, NULL, &spool.options, &detected, &spool.fault), 0);
    cr_assert_eq(spr_tally_init(&tally), 0);
    const struct spr_walk_setup setup = {
        .root_fd = detected.root_fd,
        .format = detected.format,
        .layout = &detected.layout,
        .tally = &tally,
        .workers = 2,
    };
    spr_walk_init(&walk, &setup);
    cr_assert_eq(spr_walk_all(&walk), 0);
    cr_assert_eq(walk.candidate_count, 2);
}

static void clean_up(void)
{
    spr_walk_done(&walk);
    spr_tally_done(&tally);
    spr_detected_done(&detected);
    spool_done(&spool);
}

TestSuite(walk, .init = make, .fini = clean_up);

static const char *name_at(size_t index)
{
    struct spr_candidate_file file;
    spr_candidate_first(&walk.candidates[index], &file);
    return (const char *)file.name.bytes;
}

/* A folder's time may stand still within one tick of the clock. */
static void move_time(const char *folder)
{
    char path[1024];
    const struct timespec times[2] = { { .tv_sec = 1, .tv_nsec = 0 }, { .tv_sec = 1 } };
    (void)snprintf(path, sizeof(path), "%s/%s", spool.root, folder);
    cr_assert_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

Test(walk, lists_nothing_again_when_no_folder_moved)
{
    size_t first = 0;

    cr_expect_eq(spr_walk_again(&walk, &first), 0);
    cr_expect_eq(walk.candidate_count, 2);
}

Test(walk, meets_a_new_message_and_a_new_folder)
{
    size_t first = 0;
    spool_write_postfix(&spool, "deferred/C/C00003", "new@from.test", NULL, 1);
    move_time("deferred");

    cr_assert_eq(spr_walk_again(&walk, &first), 1);

    cr_expect_eq(first, 2);
    cr_assert_eq(walk.candidate_count, 3);
    cr_expect_str_eq(name_at(2), "C00003");
    cr_expect_str_eq(walk.folders[walk.candidates[2].folder].path, "deferred/C");
}

Test(walk, does_not_count_a_moved_message_twice)
{
    size_t first = 0;
    walk.candidates[0].state = SPR_CANDIDATE_INDEXED;
    walk.candidates[1].state = SPR_CANDIDATE_INDEXED;
    spool_rename(&spool, "active/B00002", "deferred/A/B00002");
    move_time("deferred/A");
    move_time("active");

    cr_assert_eq(spr_walk_again(&walk, &first), 1);

    cr_expect_eq(walk.candidate_count, 2);
}

Test(walk, meets_again_what_vanished_before_it_was_read)
{
    size_t first = 0;
    for (size_t i = 0; i < 2; i++) {
        walk.candidates[i].state =
            strcmp(name_at(i), "B00002") == 0 ? SPR_CANDIDATE_VANISHED : SPR_CANDIDATE_INDEXED;
    }
    spool_rename(&spool, "active/B00002", "deferred/A/B00002");
    move_time("deferred/A");

    cr_assert_eq(spr_walk_again(&walk, &first), 1);

    cr_assert_eq(walk.candidate_count, 3);
    cr_expect_str_eq(name_at(2), "B00002");
    walk.candidates[2].state = SPR_CANDIDATE_INDEXED;
    cr_assert_eq(spr_walk_count_vanished(&walk), 0);
    cr_expect_eq(spr_tally_get(&tally.rejects[SPR_REJECT_VANISHED]), 0);
}

Test(walk, counts_what_vanished_for_good)
{
    walk.candidates[0].state = SPR_CANDIDATE_VANISHED;
    walk.candidates[1].state = SPR_CANDIDATE_INDEXED;

    cr_assert_eq(spr_walk_count_vanished(&walk), 0);

    cr_expect_eq(spr_tally_get(&tally.rejects[SPR_REJECT_VANISHED]), 1);
}

Test(walk, cuts_a_folder_with_too_many_entries)
{
    struct spr_walk cut;
    struct spr_walk_setup setup = walk.setup;
    setup.entries_max = 1;
    spool_write_postfix(&spool, "deferred/A/A00009", "more@from.test", NULL, 1);
    spr_walk_init(&cut, &setup);

    cr_expect_eq(spr_walk_all(&cut), 0);

    cr_expect_gt(spr_tally_get(&tally.rejects[SPR_REJECT_FOLDER_LARGE]), 0);
    spr_walk_done(&cut);
}

Test(walk, fails_when_no_folder_at_all_can_be_listed)
{
    struct spr_walk blind;
    struct spr_walk_setup setup = walk.setup;
    setup.root_fd = -1;
    spr_walk_init(&blind, &setup);

    cr_expect_eq(spr_walk_all(&blind), -EBADF);

    spr_walk_done(&blind);
}
