/*
 * The verdict over whole queues: hacked ones, healthy ones, odd ones.
 */
#include "core/query/triage.h"
#include "tests/support/sample_index.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#define START 1795300000
#define DAY   86400

static void fill_recipients(struct sample_record *sample, uint32_t count)
{
    sample->record.recipient_count = count;
    for (uint32_t i = 0; i < count; i++) {
        sample->recipients[i].state = SPR_RECIPIENT_PENDING;
        if (sample->recipients[i].address.bytes == NULL) {
            sample->recipients[i].address = sample->recipients[0].address;
        }
    }
}

/* Everything a message of these queues consists of. */
static void fill(struct sample_record *sample, uint32_t number, int64_t arrival,
                 uint32_t recipients)
{
    sample_message(sample, 1, number);
    sample->record.number[SPR_NUMBER_ARRIVAL] = arrival;
    fill_recipients(sample, recipients);
}

__attribute__((format(printf, 3, 4))) static void set_text(struct sample_record *sample,
                                                           enum spr_column column,
                                                           const char *format, ...)
{
    char text[128];
    va_list list;
    va_start(list, format);
    const int length = vsnprintf(text, sizeof(text), format, list);
    va_end(list);
    uint8_t *at = sample->texts + sample->used;
    memcpy(at, text, (size_t)length);
    sample->used += (size_t)length;
    sample->record.text[column] = (struct spr_text){ at, (size_t)length };
}

static void clear_text(struct sample_record *sample, enum spr_column column)
{
    sample->record.text[column] = (struct spr_text){ NULL, 0 };
}

/* One of 60 people, at any time of two days. */
static void person(struct sample_record *sample, uint64_t seed, uint32_t number)
{
    (void)seed;
    uint64_t random = number;
    const uint32_t user = (uint32_t)(sample_random(&random) % 60);
    fill(sample, number, START + (int64_t)(sample_random(&random) % (2 * DAY)), 1 + number % 2);
    set_text(sample, SPR_COLUMN_ACCOUNT, "person%u@example.org", user);
    set_text(sample, SPR_COLUMN_SENDER, "person%u@example.org", user);
    set_text(sample, SPR_COLUMN_CLIENT, "192.0.2.%u", user);
}

static void mallory(struct sample_record *sample, uint32_t number)
{
    fill(sample, number, START + DAY + number % 1800, 10);
    set_text(sample, SPR_COLUMN_ACCOUNT,
             number % 3 == 0 ? "Mallory@Example.org" : "mallory@example.org");
    set_text(sample, SPR_COLUMN_SENDER, "prize%u@bulk%u.test", number % 50, number % 9);
    set_text(sample, SPR_COLUMN_CLIENT, "203.0.113.%u", (number / 10) % 30);
    set_text(sample, SPR_COLUMN_SUBJECT, "You won %u", number % 4);
}

static void hacked_60(struct sample_record *sample, uint64_t seed, uint32_t number)
{
    if (number % 10 < 6) {
        mallory(sample, number);
    } else {
        person(sample, seed, number);
    }
}

static void hacked_15(struct sample_record *sample, uint64_t seed, uint32_t number)
{
    if (number % 20 < 3) {
        mallory(sample, number);
    } else {
        person(sample, seed, number);
    }
}

/* 80 messages to 40 people each, behind eight larger accounts. */
static void hacked_few(struct sample_record *sample, uint64_t seed, uint32_t number)
{
    person(sample, seed, number);
    if (number % 30 == 0) {
        mallory(sample, number / 30);
        fill_recipients(sample, 40);
    } else if (number % 3 != 0) {
        set_text(sample, SPR_COLUMN_ACCOUNT, "office%u@example.org", number % 8);
        set_text(sample, SPR_COLUMN_SENDER, "office%u@example.org", number % 8);
        set_text(sample, SPR_COLUMN_CLIENT, "192.0.2.200");
    }
}

static void hacked_by_header(struct sample_record *sample, uint64_t seed, uint32_t number)
{
    hacked_60(sample, seed, number);
    sample->record.auth_source = SPR_AUTH_HEADER;
}

/* 40 % of the mail, one message after the other for two days, each to 30 people. */
static void mailing_list(struct sample_record *sample, uint64_t seed, uint32_t number)
{
    person(sample, seed, number);
    if (number % 10 >= 4) {
        return;
    }
    fill(sample, number, START + (int64_t)number * 2 * DAY / 3000, 30);
    set_text(sample, SPR_COLUMN_ACCOUNT, "list@example.org");
    set_text(sample, SPR_COLUMN_SENDER, "list-bounces@example.org");
    set_text(sample, SPR_COLUMN_CLIENT, "192.0.2.250");
}

static void client_flood(struct sample_record *sample, uint64_t seed, uint32_t number)
{
    person(sample, seed, number);
    if (number % 10 < 5) {
        fill(sample, number, START + DAY + number % 600, 8);
        clear_text(sample, SPR_COLUMN_ACCOUNT);
        sample->record.auth_source = SPR_AUTH_NONE;
        set_text(sample, SPR_COLUMN_CLIENT, "198.51.100.66");
        set_text(sample, SPR_COLUMN_SENDER, "x@flood.test");
    }
}

static void web_script(struct sample_record *sample, uint64_t seed, uint32_t number)
{
    person(sample, seed, number);
    if (number % 10 < 5) {
        fill(sample, number, START + DAY + number % 600, 8);
        clear_text(sample, SPR_COLUMN_ACCOUNT);
        clear_text(sample, SPR_COLUMN_CLIENT);
        sample->record.auth_source = SPR_AUTH_NONE;
        sample->record.number[SPR_NUMBER_UID] = 33;
        set_text(sample, SPR_COLUMN_SENDER, "www-data@web%u.test", number % 2);
    }
}

struct verdict {
    struct sample_index index;
    struct spr_verdict_report *report;
    const struct spr_verdict_facts *facts;
};

static void judge(struct verdict *verdict, sample_record_fn sample, uint32_t segments,
                  uint32_t rows)
{
    open_sample_index(&verdict->index, sample, segments, rows, 0);
    struct spr_fault fault = { 0 };
    cr_assert_eq(spr_triage_run(&verdict->index.snapshot, &verdict->report, &fault), 0, "%s",
                 fault.detail);
    verdict->facts = spr_verdict_facts(verdict->report);
}

static void done(struct verdict *verdict)
{
    spr_verdict_free(verdict->report);
    close_sample_index(&verdict->index);
}

static bool named(const struct spr_verdict_facts *facts, const char *name)
{
    return facts->name.length == strlen(name) &&
           memcmp(facts->name.bytes, name, facts->name.length) == 0;
}

Test(triage, names_the_account_with_most_of_the_queue)
{
    struct verdict v;
    judge(&v, hacked_60, 3, 1000);

    cr_assert_eq(v.facts->culprit, SPR_CULPRIT_ACCOUNT);
    cr_expect(named(v.facts, "mallory@example.org"));
    cr_expect_eq(v.facts->messages, 1800);
    cr_expect_eq(v.facts->recipients, 18000);
    cr_expect_eq(v.facts->pending, 18000);
    cr_expect_eq(v.facts->total_messages, 3000);
    cr_expect_eq(v.facts->distinct_clients, 30);
    cr_expect_geq(v.facts->distinct_senders, 50);
    cr_expect_gt(v.facts->distinct_recipients, 0);
    cr_expect_geq(v.facts->burst_start, START + DAY);
    cr_expect_lt(v.facts->burst_end, START + DAY + 1800);
    cr_expect_geq(v.facts->burst_per_minute_max, 60);
    cr_expect_eq(v.facts->top_domain_count, 5);
    cr_expect_eq(v.facts->subject_count, 3);
    cr_expect_eq(v.facts->client_count, 3);
    cr_expect_not_null(v.facts->runner_up.bytes);
    cr_expect_lt(v.facts->runner_up_messages, 100);
    cr_expect_geq(v.facts->confidence, 90);
    cr_expect_leq(v.facts->median_fanout_others, 2);
    done(&v);
}

Test(triage, finds_one_seventh_among_many)
{
    struct verdict v;
    judge(&v, hacked_15, 2, 1500);

    cr_assert_eq(v.facts->culprit, SPR_CULPRIT_ACCOUNT);
    cr_expect(named(v.facts, "mallory@example.org"));
    done(&v);
}

Test(triage, finds_few_messages_with_many_recipients)
{
    struct verdict v;
    judge(&v, hacked_few, 2, 1200);

    cr_assert_eq(v.facts->culprit, SPR_CULPRIT_ACCOUNT);
    cr_expect(named(v.facts, "mallory@example.org"));
    cr_expect_eq(v.facts->messages, 80);
    done(&v);
}

Test(triage, is_less_sure_when_only_headers_name_the_account)
{
    struct verdict v;
    judge(&v, hacked_by_header, 1, 1000);

    cr_assert_eq(v.facts->culprit, SPR_CULPRIT_ACCOUNT);
    cr_expect_lt(v.facts->confidence, 70);
    done(&v);
}

Test(triage, accuses_nobody_in_a_healthy_queue)
{
    struct verdict v;
    judge(&v, person, 2, 1000);

    cr_expect_eq(v.facts->culprit, SPR_CULPRIT_NONE);
    cr_expect_null(v.facts->name.bytes);
    cr_expect_eq(v.facts->messages, 2000);
    cr_expect_not_null(v.facts->runner_up.bytes);
    done(&v);
}

Test(triage, accuses_nobody_in_a_small_queue)
{
    struct verdict v;
    judge(&v, hacked_60, 1, 40);

    cr_expect_eq(v.facts->culprit, SPR_CULPRIT_NONE);
    done(&v);
}

Test(triage, does_not_accuse_a_steady_mailing_list)
{
    struct verdict v;
    judge(&v, mailing_list, 1, 3000);

    cr_expect_eq(v.facts->culprit, SPR_CULPRIT_NONE);
    done(&v);
}

Test(triage, names_the_client_of_an_unauthenticated_flood)
{
    struct verdict v;
    judge(&v, client_flood, 2, 1000);

    cr_assert_eq(v.facts->culprit, SPR_CULPRIT_CLIENT);
    cr_expect(named(v.facts, "198.51.100.66"));
    cr_expect_eq(v.facts->messages, 1000);
    done(&v);
}

Test(triage, names_a_local_user_by_number)
{
    struct verdict v;
    judge(&v, web_script, 2, 1000);

    cr_assert_eq(v.facts->culprit, SPR_CULPRIT_LOCAL_USER);
    cr_expect(named(v.facts, "33"));
    cr_expect_eq(v.facts->messages, 1000);
    done(&v);
}

Test(triage, takes_an_empty_queue)
{
    struct verdict v;
    judge(&v, person, 0, 0);

    cr_expect_eq(v.facts->culprit, SPR_CULPRIT_NONE);
    cr_expect_eq(v.facts->total_messages, 0);
    cr_expect_null(v.facts->runner_up.bytes);
    cr_expect_eq(v.facts->burst_start, SPR_TIME_UNKNOWN);
    done(&v);
}

Test(triage, takes_hostile_records)
{
    struct verdict v;
    judge(&v, sample_hostile, 2, 500);

    cr_expect_eq(v.facts->total_messages, 1000);
    done(&v);
}
