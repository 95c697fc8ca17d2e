#include "core/batch/private.h"
#include "core/batch/reserve.h"
#include "io/dirents.h"
#include "tests/support/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

static char temporary[TEMPORARY_PATH_MAX]; /* above it all, so that nothing is left in TMPDIR */
static char outside[TEMPORARY_PATH_MAX + 16];
static char spool[TEMPORARY_PATH_MAX + 32];

static void set_up(void)
{
    make_temporary(temporary);
    (void)snprintf(outside, sizeof(outside), "%s/outside", temporary);
    (void)snprintf(spool, sizeof(spool), "%s/spool", outside);
    cr_assert_eq(mkdir(outside, 0700), 0);
    cr_assert_eq(mkdir(spool, 0700), 0);
}

static void tear_down(void)
{
    remove_temporary(temporary);
}

TestSuite(private_dir, .init = set_up, .fini = tear_down);

static struct spr_private *open_private(bool create)
{
    struct spr_private *place = NULL;
    struct spr_fault fault = { 0 };
    cr_assert_eq(spr_private_open(spool, create, &place, &fault), 0, "%s", fault.detail);
    return place;
}

Test(private_dir, is_not_made_by_reading)
{
    struct spr_private *place = open_private(false);

    cr_expect_eq(place->fd, -1);
    cr_expect_eq(place->place, NULL);
    spr_private_close(place);
}

Test(private_dir, lies_in_a_spool_of_ours_and_is_found_again)
{
    struct spr_private *made = open_private(true);
    struct spr_private *found = open_private(false);
    char expected[TEMPORARY_PATH_MAX + 80];
    (void)snprintf(expected, sizeof(expected), "%s/.spoolray/%" PRIu64, made->spool_root,
                   made->root.inode);

    cr_expect_str_eq(made->place, expected);
    cr_expect_str_eq(found->place, expected);
    struct spr_io_meta meta;
    cr_assert_eq(spr_meta_of(found->fd, &meta), 0);
    cr_expect_eq(meta.mode & 07777, 0700);
    spr_private_close(made);
    spr_private_close(found);
}

/* (1) */
Test(private_dir, open_to_others_is_refused)
{
    struct spr_private *made = open_private(true);
    cr_assert_eq(chmod(made->place, 0755), 0);
    struct spr_private *found = NULL;
    struct spr_fault fault = { 0 };

    cr_expect_eq(spr_private_open(spool, true, &found, &fault), -EPERM);
    cr_expect_neq(fault.detail[0], '\0');
    spr_private_close(made);
}

Test(private_dir, symlink_in_its_place_is_refused)
{
    char link[TEMPORARY_PATH_MAX + 64];
    (void)snprintf(link, sizeof(link), "%s/.spoolray", spool);
    cr_assert_eq(symlink(outside, link), 0);
    struct spr_private *found = NULL;

    cr_expect_lt(spr_private_open(spool, true, &found, NULL), 0);
}

Test(private_dir, without_marker_is_made_again)
{
    struct spr_private *made = open_private(true);
    char marker[TEMPORARY_PATH_MAX + 96];
    (void)snprintf(marker, sizeof(marker), "%s/marker", made->place);
    cr_assert_eq(unlink(marker), 0);
    spr_private_close(made);

    made = open_private(true);

    cr_expect_eq(access(marker, F_OK), 0);
    spr_private_close(made);
}

Test(private_dir, foreign_marker_is_not_ours)
{
    struct spr_private *made = open_private(true);
    char marker[TEMPORARY_PATH_MAX + 96];
    (void)snprintf(marker, sizeof(marker), "%s/marker", made->place);
    const int fd = open(marker, O_WRONLY);
    cr_assert_eq(pwrite(fd, "x", 1, 3), 1);
    (void)close(fd);
    spr_private_close(made);
    struct spr_private *found = NULL;

    cr_expect_eq(spr_private_open(spool, true, &found, NULL), SPR_E_NEWER);
}

/* (2): the mail user could rename what lies in his own folder. Needs root to give folders away. */
Test(private_dir, lies_above_a_spool_of_the_mail_user)
{
    if (geteuid() != 0) {
        return;
    }
    cr_assert_eq(chown(spool, 4242, 4242), 0);

    struct spr_private *made = open_private(true);

    cr_expect_eq(strncmp(made->place, outside, strlen(outside)), 0);
    cr_expect_eq(strstr(made->place, "/spool/"), NULL);
    spr_private_close(made);

    cr_assert_eq(chown(outside, 4242, 4242), 0);
    made = open_private(true);
    cr_expect_eq(strstr(made->place, "/spool/"), NULL, "%s", made->place);
    spr_private_close(made);
}

/* (1) A spool that is gone had the same inode number. */
Test(private_dir, of_another_spool_is_refused)
{
    struct spr_private *made = open_private(true);
    struct spr_private *again = NULL;
    struct spr_fault fault = { 0 };
    char marker[TEMPORARY_PATH_MAX + 128];
    (void)snprintf(marker, sizeof(marker), "%s/marker", made->place);
    spr_private_close(made);
    FILE *file = fopen(marker, "r+");
    cr_assert_not_null(file);
    cr_assert_eq(fseek(file, -2, SEEK_END), 0); /* the last digit of the generation */
    const int digit = fgetc(file);
    cr_assert_eq(fseek(file, -2, SEEK_END), 0);
    (void)fputc(digit == '7' ? '8' : '7', file);
    cr_assert_eq(fclose(file), 0);

    cr_expect_eq(spr_private_open(spool, true, &again, &fault), -ESTALE);

    cr_expect_null(again);
    cr_expect_not_null(strstr(fault.detail, "a spool that is gone"), "%s", fault.detail);
}

/* (3) */
Test(private_dir, second_lock_is_busy)
{
    struct spr_private *first = open_private(true);
    struct spr_private *second = open_private(true);

    cr_expect_eq(spr_private_lock(first, NULL), 0);
    cr_expect(spr_private_busy(second));
    cr_expect_eq(spr_private_lock(second, NULL), SPR_E_BUSY);

    spr_private_close(first);
    cr_expect_not(spr_private_busy(second));
    cr_expect_eq(spr_private_lock(second, NULL), 0);
    spr_private_close(second);
}

/* Makes the private directory, its lock file naming a process that is dead; the path of it. */
static void make_lock_of_dead(char lock[TEMPORARY_PATH_MAX + 96])
{
    struct spr_private *place = open_private(true);
    cr_assert_eq(spr_private_lock(place, NULL), 0);
    (void)snprintf(lock, TEMPORARY_PATH_MAX + 96, "%s/lock", place->place);
    spr_private_close(place);
    const int fd = open(lock, O_RDWR | O_TRUNC);
    cr_assert_eq(pwrite(fd, "999999999 1\n", 12, 0), 12);
    (void)close(fd);
}

/* A child that holds the lock until go is written to or closed; with an heir, the child ends at
 * once and leaves the lock to a child of its own. */
static pid_t hold_lock(const char *lock, bool heir, const int go[2])
{
    int ready[2];
    char byte;
    cr_assert_eq(pipe(ready), 0);
    const pid_t child = fork();
    if (child == 0) {
        const int held = open(lock, O_RDWR);
        (void)flock(held, LOCK_EX);
        if (heir && fork() != 0) {
            _exit(0);
        }
        (void)close(go[1]);
        (void)!write(ready[1], "x", 1);
        (void)!read(go[0], &byte, 1);
        _exit(0);
    }
    if (heir) {
        (void)waitpid(child, NULL, 0);
    }
    cr_assert_eq(read(ready[0], &byte, 1), 1);
    (void)close(ready[0]);
    (void)close(ready[1]);
    return child;
}

/* (3): a lock whose holder is dead is awaited, not refused. The heir stands for calls that the
 * kernel still finishes. */
Test(private_dir, lock_of_a_dead_holder_is_awaited)
{
    char lock[TEMPORARY_PATH_MAX + 96];
    int go[2];
    make_lock_of_dead(lock);
    cr_assert_eq(pipe(go), 0);
    (void)hold_lock(lock, true, go);
    struct spr_private *place = open_private(false);
    cr_assert_eq(write(go[1], "x", 1), 1);

    cr_expect_eq(spr_private_lock(place, NULL), 0);

    spr_private_close(place);
}

/* (3): whoever holds it. */
Test(private_dir, lock_of_a_living_process_is_busy_whatever_the_file_says)
{
    char lock[TEMPORARY_PATH_MAX + 96];
    int go[2];
    make_lock_of_dead(lock);
    cr_assert_eq(pipe(go), 0);
    const pid_t child = hold_lock(lock, false, go);
    struct spr_private *place = open_private(false);

    cr_expect_eq(spr_private_lock(place, NULL), SPR_E_BUSY);

    (void)close(go[1]);
    (void)waitpid(child, NULL, 0);
    cr_expect_eq(spr_private_lock(place, NULL), 0);
    spr_private_close(place);
}

/* (4) */
Test(private_dir, reserve_is_made_once_and_dropped_once)
{
    struct spr_private *place = open_private(true);

    cr_expect_eq(spr_reserve_drop(place), 0);
    cr_expect_eq(spr_reserve_make(place), 0);
    cr_expect_eq(spr_reserve_make(place), 0);
    struct spr_io_meta meta;
    cr_assert_eq(spr_meta_at(place->fd, "reserve", &meta), 0);
    cr_expect_eq(meta.size, SPR_RESERVE_BYTES);
    cr_expect_eq(spr_reserve_drop(place), 1);
    cr_expect_eq(spr_reserve_drop(place), 0);
    spr_private_close(place);
}
