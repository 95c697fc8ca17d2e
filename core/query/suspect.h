/*
 * The decision rule of the triage verdict: how many points speak against one account, local user
 * or client, and whether they suffice. Pure arithmetic over facts gathered in profile.c.
 *
 * Points, the highest line that holds in each row (account, local user, client):
 *
 *   share of messages or
 *     recipients               5 %   8    10 %  15    25 %  25    50 %  35     A L C
 *   times its median peer     4 x  10    10 x  20                             A L C
 *   messages                1,000   5  10,000  10                             A L C
 *   90 % in a quarter of the time the queue spans, or less          8         A L C
 *   recipients a message, against all others   2 x 5   3 x 10   10 x 15       A L C
 *   peak, messages a minute + 6     6    20    12    60    20                 A L C
 *     counts only where it is four times its own mean or any peer's peak
 *   addresses it comes from + 2     4     4    12    10    20                 A
 *     counts only where they are three times any peer's
 *   domains it sends as     + 3    10     5    15                             A L
 *
 * Rows marked + are behaviour. Guilty: 50 points, 12 of them for behaviour, and 50 messages: a
 * mailing list that is large but steady, from one address and under its own name, has none.
 * Confidence is the points, at most 99; two thirds of it where the account is known from headers
 * only, which a sender could forge.
 */
#ifndef SPR_CORE_QUERY_SUSPECT_H
#define SPR_CORE_QUERY_SUSPECT_H

#include "core/spoolray.h"

#define SPR_SUSPECT_MESSAGES_MIN  50
#define SPR_SUSPECT_POINTS_MIN    50
#define SPR_SUSPECT_BEHAVIOUR_MIN 12

struct spr_suspect {
    enum spr_culprit kind;
    uint64_t messages, recipients;
    uint64_t clients, sender_domains; /* distinct */
    uint64_t peak;                    /* most messages within 60 s */
    int64_t burst_start, burst_end;   /* shortest span with 90 % of them; SPR_TIME_UNKNOWN */
    bool header_only;                 /* most of its messages name it in a header only */
};

struct spr_surroundings {
    uint64_t messages, recipients; /* in the whole queue */
    uint64_t peer_median;          /* messages of its median peer, 0: it has none */
    uint64_t peer_clients;         /* most addresses of another suspect of its kind */
    uint64_t peer_peak;            /* highest peak of another suspect of its kind */
    double fanout_others;          /* median recipients a message of everybody else */
    int64_t first, last;           /* arrivals of the whole queue; SPR_TIME_UNKNOWN */
};

struct spr_judgement {
    unsigned points, behaviour; /* behaviour is part of points */
    unsigned confidence;        /* per cent */
    bool is_guilty;
};

struct spr_judgement spr_suspect_judge(const struct spr_suspect *suspect,
                                       const struct spr_surroundings *around);

#endif
