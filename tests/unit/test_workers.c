#include "io/workers.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include <criterion/criterion.h>

TestSuite(workers, .timeout = 60);

enum { COUNT = 8 };

struct work {
    _Atomic uint32_t ran[COUNT];
    _Atomic bool may_end;
    int gate[2]; /* workers wait for its end */
    int opened;  /* by the test after the start */
    _Atomic uint32_t sees_opened;
    _Atomic uint32_t blocked;
};

static int note_run(uint32_t number, void *user)
{
    struct work *work = user;
    atomic_fetch_add(&work->ran[number], 1);
    return number == 3 ? -EIO : (number == 5 ? 7 : 0);
}

Test(workers, run_each_number_once_and_tell_the_error)
{
    struct work work = { 0 };
    struct spr_workers *workers = NULL;

    cr_assert_eq(spr_workers_start(COUNT, false, note_run, &work, &workers), 0);
    cr_expect_eq(spr_workers_join(workers), -EIO);

    for (int i = 0; i < COUNT; i++) {
        cr_expect_eq(work.ran[i], 1);
    }
}

static int wait_gate(uint32_t number, void *user)
{
    struct work *work = user;
    char byte;
    sigset_t mask;
    (void)pthread_sigmask(SIG_SETMASK, NULL, &mask);
    atomic_fetch_add(&work->blocked, (uint32_t)sigismember(&mask, SIGINT));
    (void)!read(work->gate[0], &byte, 1);
    atomic_fetch_add(&work->sees_opened, fcntl(work->opened, F_GETFD) >= 0);
    atomic_fetch_add(&work->ran[number], 1);
    return 0;
}

Test(workers, wait_until_all_have_ended)
{
    struct work work = { .opened = -1 };
    struct spr_workers *workers = NULL;
    cr_assert_eq(pipe(work.gate), 0);
    cr_assert_eq(spr_workers_start(COUNT, false, wait_gate, &work, &workers), 0);

    cr_expect_eq(spr_workers_wait(workers, 0), 0);
    cr_expect_eq(spr_workers_wait(workers, 1), 0);
    close(work.gate[1]);
    cr_expect_eq(spr_workers_wait(workers, 50000), 1);

    cr_expect_eq(spr_workers_join(workers), 0);
    cr_expect_eq(work.blocked, COUNT, "signals are the caller's");
}

Test(workers, see_with_private_files_only_what_was_open_at_their_start)
{
    for (int private_files = 0; private_files < 2; private_files++) {
        struct work work = { 0 };
        struct spr_workers *workers = NULL;
        cr_assert_eq(pipe(work.gate), 0);
        cr_assert_eq(spr_workers_start(COUNT, private_files, wait_gate, &work, &workers), 0);
        work.opened = open("/dev/null", O_RDONLY);
        /* Private tables hold the pipe's other end too: bytes end the wait, not its close. */
        cr_assert_eq(write(work.gate[1], "12345678", COUNT), COUNT);

        cr_expect_eq(spr_workers_join(workers), 0);

        cr_expect_eq(work.sees_opened, private_files ? 0 : COUNT);
        close(work.opened);
    }
}

static int do_nothing(uint32_t number, void *user)
{
    (void)number;
    (void)user;
    return 0;
}

Test(workers, with_private_files_let_no_lock_outlive_the_join)
{
    char path[] = "/tmp/spoolray-workers-XXXXXX";
    close(mkstemp(path));
    unsigned held = 0;

    for (int round = 0; round < 300; round++) {
        struct spr_workers *workers = NULL;
        const int fd = open(path, O_RDWR);
        cr_assert_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
        cr_assert_eq(spr_workers_start(COUNT, true, do_nothing, NULL, &workers), 0);
        cr_assert_eq(spr_workers_join(workers), 0);
        close(fd);
        const int other = open(path, O_RDWR);
        held += flock(other, LOCK_EX | LOCK_NB) < 0 ? 1 : 0;
        cr_assert_eq(flock(other, LOCK_EX), 0);
        close(other);
    }

    unlink(path);
    cr_expect_eq(held, 0, "%u", held);
}

Test(workers, refuse_a_count_that_cannot_be)
{
    struct spr_workers *workers = NULL;

    cr_expect_eq(spr_workers_start(0, false, note_run, NULL, &workers), -EINVAL);
    cr_expect_eq(spr_workers_start(SPR_WORKERS_MAX + 1, false, note_run, NULL, &workers), -EINVAL);
    cr_expect_null(workers);
    cr_expect_eq(spr_workers_join(NULL), 0);
    cr_expect_geq(spr_cores(), 1);
}
