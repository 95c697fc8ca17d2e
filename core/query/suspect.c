/*
 * The table in suspect.h, as data.
 */
#include "core/query/suspect.h"

#include <stddef.h>

#define BURST_FACTOR      4
#define CLIENTS_FACTOR    3
#define CONFIDENCE_MAX    99
#define STEPS_MAX         4
#define KIND_BIT(culprit) (1u << (culprit))
#define ANY_KIND                                                                                   \
    (KIND_BIT(SPR_CULPRIT_ACCOUNT) | KIND_BIT(SPR_CULPRIT_LOCAL_USER) |                            \
     KIND_BIT(SPR_CULPRIT_CLIENT))

struct step {
    double from;
    unsigned points;
};
struct rule {
    double (*measure)(const struct spr_suspect *suspect, const struct spr_surroundings *around);
    struct step steps[STEPS_MAX]; /* rising; points 0 ends */
    unsigned kinds;
    bool is_behaviour;
};

static double ratio(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

static double share(const struct spr_suspect *suspect, const struct spr_surroundings *around)
{
    const double of_messages = ratio((double)suspect->messages, (double)around->messages);
    const double of_recipients = ratio((double)suspect->recipients, (double)around->recipients);
    return 100 * (of_messages > of_recipients ? of_messages : of_recipients);
}

static double times_median(const struct spr_suspect *suspect, const struct spr_surroundings *around)
{
    return ratio((double)suspect->messages, (double)around->peer_median);
}

static double messages(const struct spr_suspect *suspect, const struct spr_surroundings *around)
{
    (void)around;
    return (double)suspect->messages;
}

static double queue_span(const struct spr_surroundings *around)
{
    if (around->first == SPR_TIME_UNKNOWN || around->last == SPR_TIME_UNKNOWN) {
        return 0;
    }
    return (double)around->last - (double)around->first + 1;
}

/* How many times its own 90 % would fit into the queue's time. */
static double haste(const struct spr_suspect *suspect, const struct spr_surroundings *around)
{
    if (suspect->burst_start == SPR_TIME_UNKNOWN) {
        return 0;
    }
    const double span = (double)suspect->burst_end - (double)suspect->burst_start + 1;
    return ratio(queue_span(around), span);
}

static double fanout(const struct spr_suspect *suspect, const struct spr_surroundings *around)
{
    return ratio(ratio((double)suspect->recipients, (double)suspect->messages),
                 around->fanout_others);
}

static double peak(const struct spr_suspect *suspect, const struct spr_surroundings *around)
{
    const double own = (double)suspect->peak;
    const double minutes = queue_span(around) / 60;
    const double mean = minutes > 1 ? (double)suspect->messages / minutes : 0;
    const bool stands_out =
        (mean > 0 && own >= BURST_FACTOR * mean) || own >= BURST_FACTOR * (double)around->peer_peak;
    return stands_out ? own : 0;
}

static double clients(const struct spr_suspect *suspect, const struct spr_surroundings *around)
{
    const double own = (double)suspect->clients;
    return own >= CLIENTS_FACTOR * (double)around->peer_clients ? own : 0;
}

static double sender_domains(const struct spr_suspect *suspect,
                             const struct spr_surroundings *around)
{
    (void)around;
    return (double)suspect->sender_domains;
}

static const struct rule rules[] = {
    { share, { { 5, 8 }, { 10, 15 }, { 25, 25 }, { 50, 35 } }, ANY_KIND, false },
    { times_median, { { 4, 10 }, { 10, 20 } }, ANY_KIND, false },
    { messages, { { 1000, 5 }, { 10000, 10 } }, ANY_KIND, false },
    { haste, { { 4, 8 } }, ANY_KIND, false },
    { fanout, { { 2, 5 }, { 3, 10 }, { 10, 15 } }, ANY_KIND, false },
    { peak, { { 6, 6 }, { 20, 12 }, { 60, 20 } }, ANY_KIND, true },
    { clients, { { 2, 4 }, { 4, 12 }, { 10, 20 } }, KIND_BIT(SPR_CULPRIT_ACCOUNT), true },
    { sender_domains,
      { { 3, 10 }, { 5, 15 } },
      KIND_BIT(SPR_CULPRIT_ACCOUNT) | KIND_BIT(SPR_CULPRIT_LOCAL_USER),
      true },
};

static unsigned points_of(const struct rule *rule, double value)
{
    unsigned points = 0;
    for (size_t i = 0; i < STEPS_MAX && rule->steps[i].points > 0; i++) {
        if (value >= rule->steps[i].from) {
            points = rule->steps[i].points;
        }
    }
    return points;
}

struct spr_judgement spr_suspect_judge(const struct spr_suspect *suspect,
                                       const struct spr_surroundings *around)
{
    struct spr_judgement judgement = { 0 };
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if ((rules[i].kinds & KIND_BIT(suspect->kind)) == 0) {
            continue;
        }
        const unsigned points = points_of(&rules[i], rules[i].measure(suspect, around));
        judgement.points += points;
        judgement.behaviour += rules[i].is_behaviour ? points : 0;
    }
    judgement.is_guilty = judgement.points >= SPR_SUSPECT_POINTS_MIN &&
                          judgement.behaviour >= SPR_SUSPECT_BEHAVIOUR_MIN &&
                          suspect->messages >= SPR_SUSPECT_MESSAGES_MIN;
    judgement.confidence = judgement.points < CONFIDENCE_MAX ? judgement.points : CONFIDENCE_MAX;
    if (suspect->header_only) {
        judgement.confidence = judgement.confidence * 2 / 3;
    }
    return judgement;
}
