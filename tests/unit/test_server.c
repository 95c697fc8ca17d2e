#include "core/batch/server.h"
#include "tests/support/change_spool.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

static struct change_spool spool;
static struct spr_private *place;

static void make_place(bool pairs)
{
    if (pairs) {
        make_pair_spool(&spool, 1);
    } else {
        make_postfix_spool(&spool, 1);
    }
    cr_assert_eq(spr_private_open(spool.root, true, &place, NULL), 0);
}

static void tear_down(void)
{
    spr_private_close(place);
    remove_spool(&spool);
}

TestSuite(server, .fini = tear_down);

static struct spr_server look(uint32_t flags)
{
    struct spr_server server = { 0 };
    cr_assert_eq(spr_server_look(spool.format, place, flags, &server), 0);
    return server;
}

static int open_run_file(void)
{
    char path[TEMPORARY_PATH_MAX + 64];
    (void)snprintf(path, sizeof(path), "%s/%s", spool.root, spool.format->lock.run_file);
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    cr_assert_geq(fd, 0, "%s", path);
    return fd;
}

/* ---- A server with a lock file --------------------------------------------------------------- */

struct master {
    pid_t pid, child;
};

static pid_t queue_manager;

static void end_queue_manager(int signal)
{
    (void)signal;
    (void)kill(queue_manager, SIGKILL);
    (void)waitpid(queue_manager, NULL, 0);
}

static void be_queue_manager(const char *name, int tell)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)prctl(PR_SET_NAME, name);
    (void)!write(tell, "x", 1);
    for (;;) {
        (void)pause();
    }
}

/* A process that holds the lock and has a child of that name; on the reload signal it ends that
 * child, as a server does. */
static struct master start_master(const char *name)
{
    struct master master = { 0 };
    int ready[2];
    cr_assert_eq(pipe(ready), 0);
    const int fd = open_run_file();
    master.pid = fork();
    cr_assert_geq(master.pid, 0);
    if (master.pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        queue_manager = fork();
        if (queue_manager == 0) {
            (void)close(fd); /* the lock is the master's alone */
            be_queue_manager(name, ready[1]);
        }
        (void)signal(spool.format->lock.reload_signal, end_queue_manager);
        (void)flock(fd, LOCK_EX | LOCK_NB);
        (void)!write(ready[1], &queue_manager, sizeof(queue_manager));
        for (;;) {
            (void)pause();
        }
    }
    (void)close(fd);
    /* one byte of the child and the number of the master, in either order */
    char told[1 + sizeof(pid_t)];
    for (size_t got = 0; got < sizeof(told); got++) {
        cr_assert_eq(read(ready[0], &told[got], 1), 1);
    }
    memcpy(&master.child, told[0] == 'x' ? told + 1 : told, sizeof(master.child));
    (void)close(ready[0]);
    (void)close(ready[1]);
    return master;
}

static void end_master(struct master master)
{
    (void)kill(master.child, SIGKILL);
    (void)kill(master.pid, SIGKILL);
    (void)waitpid(master.pid, NULL, 0);
}

Test(server, without_its_lock_file_does_not_run)
{
    make_place(false);
    const struct spr_server server = look(0);

    cr_expect(server.known);
    cr_expect_not(server.runs);
    cr_expect_eq(server.run.pid, 0);
}

Test(server, that_left_its_lock_file_does_not_run)
{
    make_place(false);
    (void)close(open_run_file());

    cr_expect(look(0).known);
    cr_expect_not(look(0).runs);
}

Test(server, runs_while_its_lock_is_held)
{
    struct stat meta;
    make_place(false);
    const struct master master = start_master("qmgr");
    const struct spr_server server = look(0);
    const int fd = open_run_file();
    cr_assert_eq(fstat(fd, &meta), 0);
    (void)close(fd);

    cr_expect(server.known);
    cr_expect(server.runs);
    cr_expect_eq(server.lock_inode, meta.st_ino);
    end_master(master);
    cr_expect_not(look(0).runs);
}

Test(server, has_the_run_of_the_child_that_has_messages_in_memory)
{
    make_place(false);
    const struct master master = start_master("qmgr");
    const struct spr_server server = look(0);

    cr_expect_eq(server.run.pid, master.child);
    cr_expect(spr_run_lives(&server.run));
    cr_expect(spr_server_memory_seen(spool.format, &server, 0));
    cr_expect_not(spr_server_memory_seen(spool.format, &server, SPR_NO_RELOAD));
    end_master(master);
}

Test(server, has_no_run_without_such_a_child)
{
    make_place(false);
    const struct master master = start_master("pickup");
    const struct spr_server server = look(0);

    cr_expect(server.runs);
    cr_expect_eq(server.run.pid, 0);
    cr_expect_not(spr_server_memory_seen(spool.format, &server, 0));
    end_master(master);
}

Test(server, ends_that_run_by_a_reload)
{
    make_place(false);
    const struct master master = start_master("qmgr");
    const struct spr_server server = look(0);

    cr_expect_eq(spr_server_reload(spool.format, &server, &server.run), 0);
    cr_expect_not(spr_run_lives(&server.run));
    cr_expect_eq(spr_server_reload(spool.format, &server, &server.run), 0);
    cr_expect_eq(kill(master.pid, 0), 0);
    end_master(master);
}

/* ---- A server that is known by its silence --------------------------------------------------- */

static void make_noise(void)
{
    char path[TEMPORARY_PATH_MAX + 64];
    (void)snprintf(path, sizeof(path), "%s/noise", spool.root);
    const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    cr_assert_geq(fd, 0);
    (void)close(fd);
}

Test(server, is_gone_when_nothing_changed_for_long)
{
    make_place(true); /* its private folder, made just now, is no noise */

    cr_expect(look(0).known);
    cr_expect_not(look(0).runs);
}

Test(server, cannot_be_told_when_the_spool_is_not_quiet)
{
    make_pair_spool(&spool, 1);
    make_noise();
    cr_assert_eq(spr_private_open(spool.root, true, &place, NULL), 0);

    cr_expect_not(look(0).known);
    cr_expect(look(SPR_SERVER_STOPPED).known);
    cr_expect_not(look(SPR_SERVER_STOPPED).runs);
}

Test(server, is_not_woken_by_our_own_change)
{
    make_place(true);
    make_noise(); /* ours: remembered as such */
    spr_server_remember_quiet(spool.format, place);
    spr_private_close(place);
    cr_assert_eq(spr_private_open(spool.root, true, &place, NULL), 0);
    cr_expect(look(0).known);

    char path[TEMPORARY_PATH_MAX + 64];
    (void)snprintf(path, sizeof(path), "%s/noise", spool.root);
    cr_assert_eq(unlink(path), 0); /* somebody else's */
    spr_private_close(place);
    cr_assert_eq(spr_private_open(spool.root, true, &place, NULL), 0);
    cr_expect_not(look(0).known);
}
