#include "core/batch/ledger.h"
#include "tests/support/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

static char outside[TEMPORARY_PATH_MAX];
static struct spr_private *place;

static void set_up(void)
{
    char spool[TEMPORARY_PATH_MAX + 16];
    make_temporary(outside);
    (void)snprintf(spool, sizeof(spool), "%s/spool", outside);
    cr_assert_eq(mkdir(spool, 0700), 0);
    cr_assert_eq(spr_private_open(spool, true, &place, NULL), 0);
    cr_assert_eq(spr_private_lock(place, NULL), 0);
}

static void tear_down(void)
{
    spr_private_close(place);
    remove_temporary(outside);
}

TestSuite(ledger, .init = set_up, .fini = tear_down);

static struct spr_ledger *open_ledger(void)
{
    struct spr_ledger *ledger = NULL;
    struct spr_fault fault = { 0 };
    cr_assert_eq(spr_ledger_open(place, &ledger, &fault), 0, "%s", fault.detail);
    return ledger;
}

/* Two jobs; the first has two batches, one of them purged, and has ended. */
static void fill(struct spr_ledger *ledger)
{
    char user[] = "root";
    char format[] = "postfix";
    char command[] = "delete 'a b' 100%\n\xc3\xa4=#";
    struct spr_ledger_job job = { .job = 1,
                                  .action = SPR_DELETE,
                                  .created = 1700000000,
                                  .planned = 9,
                                  .user = user,
                                  .format = format,
                                  .command = command };
    const struct spr_ledger_batch first = { .number = 1,
                                            .next = 5,
                                            .bytes = 1u << 30,
                                            .operation = SPR_DELETE,
                                            .counts = { .out = 4, .skipped = 1 } };
    const struct spr_ledger_batch second = { .number = 2,
                                             .next = 9,
                                             .operation = SPR_DELETE,
                                             .counts = { .out = 2, .stuck = 1, .lost = 1 } };
    cr_assert_eq(spr_ledger_add_job(ledger, &job), 0);
    cr_assert_eq(spr_ledger_add_batch(ledger, 1, &first), 0);
    cr_assert_eq(spr_ledger_add_batch(ledger, 1, &second), 0);
    cr_assert_eq(spr_ledger_add_purge(ledger, 1, 1, 0, true), 0);
    cr_assert_eq(spr_ledger_add_purge(ledger, 1, 1, 4, false), 0);
    cr_assert_eq(spr_ledger_add_end(ledger, 1, SPR_JOB_STUCK), 0);
    job.job = 2;
    cr_assert_eq(spr_ledger_add_job(ledger, &job), 0);
}

static size_t read_jobs(char *text, size_t size)
{
    const int fd = openat(place->fd, "jobs", O_RDONLY | O_CLOEXEC);
    cr_assert_geq(fd, 0);
    const ssize_t length = read(fd, text, size - 1);
    cr_assert_gt(length, 0);
    (void)close(fd);
    text[length] = '\0';
    return strlen(text); /* without the zero bytes behind the last line */
}

static void write_jobs(const char *text, size_t length)
{
    const int fd = openat(place->fd, "jobs", O_WRONLY | O_TRUNC | O_CLOEXEC);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, length), (ssize_t)length);
    (void)close(fd);
}

Test(ledger, of_a_spool_without_jobs_is_empty)
{
    struct spr_ledger *ledger = open_ledger();

    cr_expect_eq(spr_ledger_count(ledger), 0);
    cr_expect_null(spr_ledger_find(ledger, 1));
    spr_ledger_close(ledger);
}

Test(ledger, reads_back_what_was_added)
{
    struct spr_ledger *ledger = open_ledger();
    fill(ledger);
    spr_ledger_close(ledger);

    ledger = open_ledger();
    cr_assert_eq(spr_ledger_count(ledger), 2);
    const struct spr_ledger_job *job = spr_ledger_find(ledger, 1);
    cr_assert_not_null(job);
    cr_expect_str_eq(job->command, "delete 'a b' 100%\n\xc3\xa4=#");
    cr_expect_null(job->reason);
    cr_expect_eq(job->planned, 9);
    cr_expect(job->ended);
    cr_expect_eq(job->state, SPR_JOB_STUCK);
    cr_assert_eq(job->batch_count, 2);
    const struct spr_ledger_batch *first = spr_ledger_find_batch(job, 1);
    cr_expect_eq(first->counts.out, 4);
    cr_expect_eq(first->bytes, 1u << 30);
    cr_expect(first->purged);
    cr_expect_eq(first->purged_messages, 4);
    cr_expect_not(spr_ledger_find_batch(job, 2)->purge_begun);
    cr_expect_null(spr_ledger_find_batch(job, 3));
    cr_expect_not(spr_ledger_find(ledger, 2)->ended);
    spr_ledger_close(ledger);
}

/* However a crash cuts the last line, it does not count, and the next line comes in its place. */
Test(ledger, survives_a_cut_at_every_byte)
{
    static char text[8192];
    struct spr_ledger *ledger = open_ledger();
    fill(ledger);
    spr_ledger_close(ledger);
    const size_t length = read_jobs(text, sizeof(text));

    for (size_t cut = 0; cut <= length; cut++) {
        write_jobs(text, cut);
        ledger = open_ledger();
        const uint32_t count = spr_ledger_count(ledger);
        cr_expect_leq(count, 2);
        cr_expect(count == 2 || cut < length, "cut %zu", cut);
        if (cut % 16 == 0) {
            const struct spr_ledger_job job = { .job = 7, .action = SPR_HOLD };
            cr_expect_eq(spr_ledger_add_job(ledger, &job), 0);
            spr_ledger_close(ledger);
            ledger = open_ledger();
            cr_expect_eq(spr_ledger_count(ledger), count + 1, "cut %zu", cut);
            cr_expect_not_null(spr_ledger_find(ledger, 7));
        }
        spr_ledger_close(ledger);
    }
}

Test(ledger, refuses_a_changed_byte_before_its_last_line)
{
    static char text[8192];
    struct spr_ledger *ledger = open_ledger();
    fill(ledger);
    spr_ledger_close(ledger);
    const size_t length = read_jobs(text, sizeof(text));
    text[length - 1] = '\0';
    const size_t last = (size_t)(strrchr(text, '\n') - text);
    text[length - 1] = '\n';

    for (size_t at = 0; at < last; at += 7) {
        struct spr_fault fault = { 0 };
        text[at] ^= 1;
        write_jobs(text, length);
        ledger = NULL;
        const int r = spr_ledger_open(place, &ledger, &fault);
        cr_expect_eq(r, SPR_E_CORRUPT, "byte %zu: %d", at, r);
        cr_expect_null(ledger);
        cr_expect_neq(fault.detail[0], '\0');
        spr_ledger_close(ledger);
        text[at] ^= 1;
    }
}

Test(ledger, refuses_a_job_it_has_and_a_batch_of_none)
{
    struct spr_ledger *ledger = open_ledger();
    fill(ledger);
    const struct spr_ledger_job again = { .job = 1 };
    const struct spr_ledger_batch batch = { .number = 1 };

    cr_expect_lt(spr_ledger_add_job(ledger, &again), 0);
    cr_expect_lt(spr_ledger_add_batch(ledger, 9, &batch), 0);
    spr_ledger_close(ledger);
    ledger = open_ledger();
    cr_expect_eq(spr_ledger_count(ledger), 2);
    spr_ledger_close(ledger);
}

Test(ledger, finds_jobs_whose_numbers_do_not_rise)
{
    struct spr_ledger *ledger = open_ledger();
    static const uint64_t numbers[] = { 7, 9, 3, 8 };
    for (size_t i = 0; i < 4; i++) {
        const struct spr_ledger_job job = { .job = numbers[i], .action = SPR_DELETE };
        cr_assert_eq(spr_ledger_add_job(ledger, &job), 0);
    }

    for (size_t i = 0; i < 4; i++) {
        const struct spr_ledger_job again = { .job = numbers[i] };
        cr_expect_not_null(spr_ledger_find(ledger, numbers[i]));
        cr_expect_lt(spr_ledger_add_job(ledger, &again), 0);
    }
    cr_expect_null(spr_ledger_find(ledger, 5));
    spr_ledger_close(ledger);
}
