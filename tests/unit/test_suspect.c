/*
 * The decision rule on made-up suspects: who is accused, and who must not be.
 */
#include "core/query/suspect.h"

#include <criterion/criterion.h>

#define START 1795300000
#define DAY   86400

/* A queue of 10,000 messages over two days, with peers of 80 messages each. */
static const struct spr_surroundings queue = {
    .messages = 10000,
    .recipients = 150000,
    .peer_median = 80,
    .peer_clients = 2,
    .peer_peak = 3,
    .fanout_others = 1,
    .first = START,
    .last = START + 2 * DAY,
};

/* An account nobody would look at. */
static const struct spr_suspect quiet = {
    .kind = SPR_CULPRIT_ACCOUNT,
    .messages = 80,
    .recipients = 100,
    .clients = 1,
    .sender_domains = 1,
    .peak = 2,
    .burst_start = START,
    .burst_end = START + 2 * DAY,
};

static struct spr_suspect hacked(uint64_t messages)
{
    struct spr_suspect suspect = quiet;
    suspect.messages = messages;
    suspect.recipients = messages * 20;
    suspect.clients = 14;
    suspect.sender_domains = 6;
    suspect.peak = 60;
    suspect.burst_start = START + DAY;
    suspect.burst_end = START + DAY + 3600;
    return suspect;
}

Test(suspect, leaves_a_quiet_account_alone)
{
    const struct spr_judgement judgement = spr_suspect_judge(&quiet, &queue);

    cr_assert(!judgement.is_guilty);
    cr_assert_eq(judgement.behaviour, 0);
}

Test(suspect, finds_an_account_with_most_of_the_queue)
{
    const struct spr_suspect suspect = hacked(6000);
    const struct spr_judgement judgement = spr_suspect_judge(&suspect, &queue);

    cr_assert(judgement.is_guilty);
    cr_assert_geq(judgement.confidence, 95);
}

Test(suspect, finds_an_account_with_a_seventh_of_the_queue)
{
    const struct spr_suspect suspect = hacked(1500);
    const struct spr_judgement judgement = spr_suspect_judge(&suspect, &queue);

    cr_assert(judgement.is_guilty);
    cr_assert_geq(judgement.confidence, 80);
}

Test(suspect, finds_few_messages_with_many_recipients)
{
    struct spr_suspect suspect = hacked(400);
    suspect.recipients = 400 * 100;
    suspect.clients = 1;

    cr_assert(spr_suspect_judge(&suspect, &queue).is_guilty);
}

Test(suspect, lets_a_steady_mailing_list_be)
{
    struct spr_suspect list = quiet;
    list.messages = 4000;
    list.recipients = 4000 * 50;
    list.peak = 5;

    const struct spr_judgement judgement = spr_suspect_judge(&list, &queue);

    cr_assert_geq(judgement.points, SPR_SUSPECT_POINTS_MIN, "it is large");
    cr_assert(!judgement.is_guilty, "but behaves");
}

Test(suspect, lets_a_fast_but_steady_list_be)
{
    struct spr_suspect list = quiet;
    struct spr_surroundings busy = queue;
    busy.messages = 200000;
    busy.peer_peak = 20;
    list.messages = 100000;
    list.peak = 50; /* its mean is 35 a minute */

    cr_assert(!spr_suspect_judge(&list, &busy).is_guilty);
}

Test(suspect, lets_a_busy_account_come_from_everywhere_if_others_do)
{
    struct spr_suspect busy = quiet;
    struct spr_surroundings roaming = queue;
    busy.messages = 2000;
    busy.recipients = 2500;
    busy.clients = 1800;
    roaming.peer_clients = 1000;

    cr_assert(spr_suspect_judge(&busy, &queue).is_guilty, "alone it stands out");
    cr_assert(!spr_suspect_judge(&busy, &roaming).is_guilty);
}

Test(suspect, needs_some_messages)
{
    const struct spr_suspect suspect = hacked(SPR_SUSPECT_MESSAGES_MIN - 1);
    struct spr_surroundings small = queue;
    small.messages = 60;
    small.peer_median = 1;

    cr_assert(!spr_suspect_judge(&suspect, &small).is_guilty);
}

Test(suspect, trusts_headers_less)
{
    struct spr_suspect suspect = hacked(6000);
    const unsigned known = spr_suspect_judge(&suspect, &queue).confidence;
    suspect.header_only = true;

    const struct spr_judgement judgement = spr_suspect_judge(&suspect, &queue);

    cr_assert(judgement.is_guilty);
    cr_assert_eq(judgement.confidence, known * 2 / 3);
}

Test(suspect, does_not_blame_a_relay_for_its_domains)
{
    struct spr_suspect relay = hacked(3000);
    relay.kind = SPR_CULPRIT_CLIENT;
    relay.clients = 1;
    relay.peak = 4;
    relay.sender_domains = 400;

    cr_assert_eq(spr_suspect_judge(&relay, &queue).behaviour, 0);
}

Test(suspect, takes_unknown_times)
{
    struct spr_suspect suspect = hacked(6000);
    struct spr_surroundings around = queue;
    suspect.burst_start = SPR_TIME_UNKNOWN;
    suspect.burst_end = SPR_TIME_UNKNOWN;
    suspect.peak = 0;
    around.first = SPR_TIME_UNKNOWN;
    around.last = SPR_TIME_UNKNOWN;

    cr_assert(spr_suspect_judge(&suspect, &around).is_guilty, "addresses and domains suffice");
}
