#include "io/dirents.h"
#include "io/locks.h"
#include "tests/support/faulty_io.h"
#include "tests/support/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

enum kind { KIND_NONE, KIND_FLOCK, KIND_FLOCK_SHARED, KIND_RECORD, KIND_RECORD_SHARED, KIND_OFD };

struct held {
    char name[16]; /* a parameter is copied to the test's process: no pointers in it */
    enum kind kind;
};

static struct held kinds[] = {
    { "none", KIND_NONE },
    { "flock", KIND_FLOCK },
    { "flock shared", KIND_FLOCK_SHARED },
    { "record", KIND_RECORD },
    { "record shared", KIND_RECORD_SHARED },
    { "OFD", KIND_OFD },
};

static char root[TEMPORARY_PATH_MAX];
static char path[TEMPORARY_PATH_MAX + 8];
static int fd = -1;
static struct spr_io_meta meta;
static pid_t child = -1;
static int child_pipe[2], stop_pipe[2];

static void open_root(void)
{
    make_temporary(root);
    snprintf(path, sizeof(path), "%s/lock", root);
    fd = open(path, O_RDWR | O_CREAT, 0600);
    cr_assert(fd >= 0);
    cr_assert_eq(spr_meta_of(fd, &meta), 0);
}

static void end_child(void)
{
    if (child > 0) {
        close(stop_pipe[1]);
        (void)waitpid(child, NULL, 0);
        child = -1;
    }
}

static void close_root(void)
{
    spr_faulty_stop();
    end_child();
    close(fd);
    remove_temporary(root);
}

TestSuite(locks, .init = open_root, .fini = close_root, .timeout = 60);

static int take(enum kind kind, int lock_fd)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 5, .l_len = 1 };
    switch (kind) {
    case KIND_NONE:
        return 0;
    case KIND_FLOCK:
        return flock(lock_fd, LOCK_EX);
    case KIND_FLOCK_SHARED:
        return flock(lock_fd, LOCK_SH);
    case KIND_RECORD:
        return fcntl(lock_fd, F_SETLK, &lock);
    case KIND_RECORD_SHARED:
        lock.l_type = F_RDLCK;
        return fcntl(lock_fd, F_SETLK, &lock);
    case KIND_OFD:
        return fcntl(lock_fd, F_OFD_SETLK, &lock);
    }
    return -1;
}

/* A process that holds the lock until end_child; it says so before this returns. */
static void hold_in_child(enum kind kind, const char *comm)
{
    cr_assert_eq(pipe(child_pipe), 0);
    cr_assert_eq(pipe(stop_pipe), 0);
    child = fork();
    cr_assert(child >= 0);
    if (child == 0) {
        char byte = 'y';
        close(stop_pipe[1]);
        (void)prctl(PR_SET_NAME, comm);
        const int own = open(path, O_RDWR);
        if (own < 0 || take(kind, own) < 0 || write(child_pipe[1], &byte, 1) != 1) {
            _exit(1);
        }
        (void)!read(stop_pipe[0], &byte, 1);
        _exit(0);
    }
    char byte;
    close(child_pipe[1]);
    cr_assert_eq(read(child_pipe[0], &byte, 1), 1);
}

ParameterizedTestParameters(locks, sees_every_kind_and_leaves_none)
{
    return cr_make_param_array(struct held, kinds, sizeof(kinds) / sizeof(kinds[0]));
}

ParameterizedTest(struct held *held, locks, sees_every_kind_and_leaves_none)
{
    hold_in_child(held->kind, "holder");

    cr_expect_eq(spr_locked_by_other(fd), held->kind != KIND_NONE, "%s", held->name);

    end_child();
    cr_expect_eq(spr_locked_by_other(fd), 0, "%s", held->name);
    const int other = open(path, O_RDWR);
    cr_expect_eq(flock(other, LOCK_EX | LOCK_NB), 0);
    close(other);
}

ParameterizedTestParameters(locks, names_the_holder)
{
    return cr_make_param_array(struct held, kinds, sizeof(kinds) / sizeof(kinds[0]));
}

ParameterizedTest(struct held *held, locks, names_the_holder)
{
    int pid = -1;
    hold_in_child(held->kind, "holder");
    /* An OFD lock belongs to no process. */
    const bool named = held->kind != KIND_NONE && held->kind != KIND_OFD;

    cr_expect_eq(spr_lock_holder(meta.device, meta.inode, &pid), named, "%s", held->name);

    cr_expect_eq(pid, named ? child : 0, "%s", held->name);
}

Test(locks, finds_the_holder_where_the_device_is_told_otherwise)
{
    int pid = -1;
    hold_in_child(KIND_FLOCK, "holder");

    /* Major 0: btrfs and overlay; then only what the holder has open decides. */
    cr_expect_eq(spr_lock_holder(meta.device + 1, meta.inode, &pid), 0);
    cr_expect_eq(pid, 0);
    cr_expect_eq(spr_lock_holder(meta.device, meta.inode + 1, &pid), 0);
}

Test(locks, takes_and_leaves_a_flock)
{
    const int other = open(path, O_RDWR);

    cr_expect_eq(spr_flock(fd, false), 0);
    cr_expect_eq(spr_flock(other, false), -EWOULDBLOCK);
    cr_expect_eq(spr_funlock(fd), 0);
    cr_expect_eq(spr_flock(other, true), 0);
    close(other);
}

Test(locks, asks_older_kernels_the_older_way)
{
    hold_in_child(KIND_RECORD, "holder");
    spr_faulty_start(&(struct spr_fault_rule){ .site = "getlk", .nth = 1, .error = EINVAL }, 1);

    cr_expect_eq(spr_locked_by_other(fd), 1);
    cr_expect_eq(spr_faulty_hits(), 1);
}

Test(locks, finds_a_child_by_its_name)
{
    static const char *const names[] = { "qmgr", "od) R 1 (d", NULL };
    static const char *const others[] = { "nqmgr", "qmg", NULL };
    struct spr_run run = { 0 };
    hold_in_child(KIND_NONE, "od) R 1 (d");

    cr_assert_eq(spr_run_of_child(getpid(), names, &run), 1);

    cr_expect_eq(run.pid, child);
    cr_expect_gt(run.start_time, 0);
    cr_expect(spr_run_lives(&run));
    cr_expect_eq(spr_run_of_child(getpid(), others, &run), 0);
    cr_expect_eq(spr_run_of_child(child, names, &run), 0);
    end_child();
    cr_expect_not(spr_run_lives(&run));
}

Test(locks, tells_a_run_from_another_with_its_pid)
{
    struct spr_run run;
    cr_assert_eq(spr_run_of(getpid(), &run), 0);

    cr_expect(spr_run_lives(&run));
    run.start_time++;
    cr_expect_not(spr_run_lives(&run));
    cr_expect_not(spr_run_lives(&(struct spr_run){ 0 }));
    cr_expect_eq(spr_run_of(0, &run), -ESRCH);
}

Test(locks, signals_only_who_holds_the_lock)
{
    int status = 0;
    hold_in_child(KIND_FLOCK, "holder");

    cr_expect_eq(spr_signal_holder(meta.device, meta.inode + 1, SIGTERM), -ESRCH);
    cr_expect_eq(spr_signal_holder(meta.device, meta.inode, SIGTERM), 0);

    cr_assert_eq(waitpid(child, &status, 0), child);
    child = -1;
    cr_expect(WIFSIGNALED(status));
    cr_expect_eq(WTERMSIG(status), SIGTERM);
    cr_expect_eq(spr_signal_holder(meta.device, meta.inode, SIGTERM), -ESRCH);
}

Test(locks, passes_on_a_fault_at_every_call)
{
    for (uint64_t nth = 1; nth < 10; nth++) {
        spr_faulty_start(&(struct spr_fault_rule){ .nth = nth, .error = EIO }, 1);
        const int r = spr_locked_by_other(fd);
        const bool hit = spr_faulty_hits() > 0;
        spr_faulty_stop();
        cr_expect_eq(r, hit ? -EIO : 0);
        if (!hit) {
            return;
        }
    }
    cr_assert_fail("the sweep has no end");
}
