#include "io/io.h"
#include "tests/support/faulty_io.h"
#include "tests/support/window.h"

#include <errno.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

TestSuite(io_faults, .init = open_window, .fini = close_window, .timeout = 60);

/* Every call of a scan fails once, at each place in turn; each request completes exactly once,
 * nothing stays open, and a second round on the same spr_io reads what the first could not. */
static void sweep_once(const struct way *way, const struct spr_fault_rule *rule, const char *name)
{
    const uint32_t count = 12;
    ask_heads(count, 5000);
    start_way(way, rule);
    struct spr_io_shared *shared = NULL;
    int r = spr_io_shared_new(way->engine, window.device, 1, &shared);
    if (r < 0) { /* the ring's set-up was hit */
        cr_assert_eq(way->engine, SPR_IO_URING);
        return;
    }
    struct spr_io *io = new_io(shared);
    cr_assert_eq(spr_io_window(io, window.requests, count), 0);
    const uint32_t failed = drain(io);
    expect_each_once(count, name);
    cr_assert(failed <= 1 || rule->onwards, "%s: %u failed at %lu", name, failed, rule->nth);
    spr_faulty_stop();
    ask_heads(count, 5000);
    cr_assert_eq(spr_io_window(io, window.requests, count), 0);
    cr_assert_eq(drain(io), 0, "%s: after %lu", name, rule->nth);
    expect_each_once(count, name);
    spr_io_free(io);
    spr_io_shared_free(shared);
}

static void sweep(const struct way *way, struct spr_fault_rule rule, const char *name)
{
    const int open_before = count_open();
    /* The cold ways' own rule strikes too: the sweep ends when only that one is left. */
    for (rule.nth = 1; rule.nth < 1000; rule.nth++) {
        sweep_once(way, &rule, name);
        cr_assert_eq(count_open(), open_before, "%s: leak after %lu", name, rule.nth);
        if (spr_faulty_passed() < rule.nth) {
            return;
        }
    }
    cr_assert_fail("%s: never passed", name);
}

ParameterizedTestParameters(io_faults, survives_a_fault_at_every_call)
{
    return cr_make_param_array(struct way, ways, WAY_COUNT);
}

ParameterizedTest(struct way *way, io_faults, survives_a_fault_at_every_call)
{
    if (!can_run(way)) {
        return;
    }
    static const struct spr_fault_rule faults[] = {
        { .error = EIO },    { .error = EINTR },   { .error = ENOMEM },    { .error = EAGAIN },
        { .error = EINVAL }, { .error = EPERM },   { .error = ECANCELED }, { .error = EMFILE },
        { .error = ENOSYS }, { .short_bytes = 1 },
    };
    for (uint32_t i = 0; i < 12; i++) {
        make_file(i, 600 * i);
    }

    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        sweep(way, faults[i], way->name);
    }
}

ParameterizedTestParameters(io_faults, finishes_by_plain_calls_when_the_ring_refuses)
{
    return cr_make_param_array(struct way, ways, WAY_COUNT);
}

ParameterizedTest(struct way *way, io_faults, finishes_by_plain_calls_when_the_ring_refuses)
{
    if (!can_run(way) || way->engine != SPR_IO_URING || !way->cold) {
        return;
    }
    static const struct spr_fault_rule rules[] = {
        { .site = "ring_submit", .nth = 1, .error = EBADF },
        { .site = "ring_setup", .nth = 2, .error = EMFILE },
        { .site = "ring_wait", .nth = 1, .error = EBADF },
        { .site = "ring_complete", .nth = 1, .onwards = true, .error = ECANCELED },
    };
    for (uint32_t i = 0; i < 50; i++) {
        make_file(i, 100 * i);
    }
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        const bool is_given_up = strcmp(rules[i].site, "ring_complete") != 0;
        ask_heads(50, 4096);
        start_way(way, &rules[i]);
        struct spr_io_shared *shared = new_shared(way, 1);
        struct spr_io *io = new_io(shared);

        cr_assert_eq(spr_io_window(io, window.requests, 50), 0);
        cr_expect_eq(drain(io), 0);

        expect_each_once(50, rules[i].site);
        const char *reason;
        cr_expect_str_eq(spr_io_shared_engine(shared, &reason),
                         is_given_up ? "threads" : "io_uring");
        cr_expect_eq(strstr(reason, "plain calls") != NULL, is_given_up, "%s", reason);
        spr_io_free(io);
        spr_io_shared_free(shared);
    }
}
