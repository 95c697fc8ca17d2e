#include "io/calls.h"
#include "tests/support/faulty_io.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

TestSuite(calls, .timeout = 60);

static int open_null(void)
{
    return spr_calls()->openat(AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC, 0);
}

Test(calls, answer_an_errno_and_never_minus_one)
{
    char byte;

    cr_expect_eq(spr_calls()->openat(AT_FDCWD, "/absent/x", O_RDONLY, 0), -ENOENT);
    cr_expect_eq(spr_calls()->read(-1, &byte, 1), -EBADF);
    cr_expect_eq(spr_calls()->close(-1), -EBADF);
    cr_expect_eq(spr_calls()->fsync(-1), -EBADF);
    cr_expect_eq(spr_calls()->fadvise(-1, 0, 0, POSIX_FADV_NORMAL), -EBADF);
    cr_expect_eq(spr_calls()->stream_connect("/absent/socket"), -ENOENT);
}

Test(calls, fail_at_the_nth_of_a_site)
{
    static const struct spr_fault_rule rule = { .site = "openat", .nth = 2, .error = EIO };
    spr_faulty_start(&rule, 1);

    const int first = open_null();
    const int second = open_null();
    const int third = open_null();

    cr_expect(first >= 0);
    cr_expect_eq(second, -EIO);
    cr_expect(third >= 0);
    cr_expect_eq(spr_faulty_passed(), 3);
    cr_expect_eq(spr_faulty_hits(), 1);
    spr_faulty_stop();
}

Test(calls, close_even_when_they_say_otherwise)
{
    const int fd = open_null();
    spr_faulty_start(&(struct spr_fault_rule){ .site = "close", .nth = 1, .error = EIO }, 1);

    cr_expect_eq(spr_calls()->close(fd), -EIO);

    spr_faulty_stop();
    cr_expect_eq(fcntl(fd, F_GETFD), -1);
}

#ifdef SPR_FAILPOINTS

/* In a child, so that each environment is read by a process that has not called before. */
static int run_with(const char *environment, int (*run)(void))
{
    const pid_t child = fork();
    if (child == 0) {
        (void)setenv("SPFAIL", environment, 1);
        (void)close(STDERR_FILENO);
        _exit(run());
    }
    int status = 0;
    cr_assert_eq(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int open_four(void)
{
    int failed = 0;
    for (int i = 0; i < 4; i++) {
        const int fd = open_null();
        failed = failed * 2 + (fd == -ENOSPC);
    }
    return failed;
}

static int write_ten(void)
{
    return (int)spr_calls()->write(open_null(), "0123456789", 10);
}

Test(calls, obey_the_environment)
{
    cr_expect_eq(run_with("openat:2:ENOSPC", open_four), 4);
    cr_expect_eq(run_with("openat:2+:ENOSPC", open_four), 7);
    cr_expect_eq(run_with("any:1:28,openat:3:ENOSPC", open_four), 10);
    cr_expect_eq(run_with("openat:5:ENOSPC", open_four), 0);
    cr_expect_eq(run_with("any:3:kill", open_four), 1000 + SIGKILL);
    cr_expect_eq(run_with("write:1:short:3", write_ten), 3);
    cr_expect_eq(run_with("list", open_four), 0);
    cr_expect_eq(run_with("", open_four), 0);
}

Test(calls, refuse_an_environment_they_do_not_understand)
{
    static const char *const bad[] = { "x",        "openat",      "openat:1",     "openat:0:EIO",
                                       "any:1:",   "any:1:EFOO",  "any:1:short:", "any:x:EIO",
                                       "any:1x:5", "any:1:EIO,,", "any:1++:EIO" };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_expect_eq(run_with(bad[i], open_four), 125, "%s", bad[i]);
    }
}

#endif
