/*
 * Killing at a point: a child that watches its own calls.
 */
#include "tests/support/crash_at.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

struct approach {
    struct crash_point point;
    unsigned passed;
};

static bool is_there(const struct crash_point *point, const struct watched *call)
{
    if (call->kind != point->kind) {
        return false;
    }
    if (point->kind == WATCH_FRAMES) {
        return point->frame == 0 || call->frame == point->frame;
    }
    if (point->kind == WATCH_LINE) {
        return point->begin == NULL || strncmp(call->name, point->begin, strlen(point->begin)) == 0;
    }
    switch (point->part) {
    case CRASH_ANY:
        return true;
    case CRASH_PIVOTS:
        return watched_is_pivot(call);
    case CRASH_SUPPORTS:
        return !watched_is_pivot(call);
    case CRASH_SLOTS:
        return watched_is_slot(call->name);
    }
    return false;
}

static enum watch_answer come_near(const struct watched *call, void *user)
{
    struct approach *approach = user;
    if (!is_there(&approach->point, call) || ++approach->passed != approach->point.nth) {
        return WATCH_GO;
    }
    return approach->point.answer;
}

bool crash_at(int (*operation)(void), struct crash_point point)
{
    const pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        struct approach approach = { .point = point };
        watch_start(come_near, &approach);
        _exit(operation() == 0 ? 0 : 1);
    }
    int status = 0;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(!WIFEXITED(status) || WEXITSTATUS(status) == 0, "the operation failed");
    cr_assert(WIFEXITED(status) || WTERMSIG(status) == SIGKILL, "signal %d", WTERMSIG(status));
    return WIFSIGNALED(status);
}
