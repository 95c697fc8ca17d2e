/*
 * Who filled the queue: an account, else a local user, else a client, or nobody. The rule is in
 * suspect.h; users and clients answer only for messages without an account.
 */
#include "core/query/triage.h"

#include "core/query/bitmap.h"
#include "core/query/lineup.h"
#include "core/query/strategy.h"
#include "core/query/top.h"

#include <errno.h>
#include <string.h>

#define KINDS     3
#define TEXTS_MAX 16 /* what a report can hold: a name, a runner-up, 5 domains, 3 + 3 samples */

/* An account says who; a user or client only where. So they need more points than an account. */
static const struct {
    enum spr_culprit kind;
    unsigned lead;
} kinds[KINDS] = {
    { SPR_CULPRIT_ACCOUNT, 15 },
    { SPR_CULPRIT_LOCAL_USER, 8 },
    { SPR_CULPRIT_CLIENT, 0 },
};

struct spr_verdict_report {
    struct spr_verdict_facts facts;
    uint8_t *texts[TEXTS_MAX];
    unsigned text_count;
};

struct triage {
    const struct spr_snapshot *snapshot;
    struct spr_selection all;
    uint64_t **anonymous; /* rows without an account */
    struct spr_profile whole;
    struct spr_lineup lineups[KINDS];
    struct spr_verdict_report *report;
    struct spr_fault *fault;
};

/* A copy that lives as long as the report. */
static int keep_text(struct spr_verdict_report *report, struct spr_text text,
                     struct spr_text *ret_copy)
{
    if (text.bytes == NULL) {
        *ret_copy = text;
        return 0;
    }
    uint8_t *copy = report->text_count < TEXTS_MAX ? malloc(text.length + 1) : NULL;
    if (copy == NULL) {
        return -ENOMEM;
    }
    memcpy(copy, text.bytes, text.length);
    report->texts[report->text_count++] = copy;
    *ret_copy = (struct spr_text){ copy, text.length };
    return 0;
}

static int find_anonymous(struct triage *t)
{
    t->anonymous = spr_lineup_rows_new(t->snapshot);
    if (t->anonymous == NULL) {
        return -ENOMEM;
    }
    int r = 0;
    for (uint32_t i = 0; i < t->all.segment_count && r == 0; i++) {
        const uint32_t count = spr_segment_count(t->snapshot->segments[i]);
        struct spr_segment_reader *reader = NULL;
        r = spr_segment_reader_new(t->snapshot->segments[i], &reader);
        for (uint32_t row = spr_bitmap_next(t->all.rows[i], count, 0); row < count && r == 0;
             row = spr_bitmap_next(t->all.rows[i], count, row + 1)) {
            uint32_t id = SPR_STRING_NONE;
            r = spr_segment_text_id(reader, row, SPR_COLUMN_ACCOUNT, &id, t->fault);
            if (r == 0 && id == SPR_STRING_NONE) {
                spr_bitmap_set(t->anonymous[i], row);
            }
        }
        spr_segment_reader_free(reader);
    }
    return r;
}

/* The most frequent known values of a field. */
struct samples {
    struct spr_text *texts;
    uint64_t *counts; /* may be NULL */
    unsigned max;
    unsigned *count;
};

static int take_samples(struct triage *t, uint64_t *const *rows, enum spr_field field,
                        struct samples samples)
{
    struct spr_tally *tally = NULL;
    int r = spr_top_count(t->snapshot, rows, field, &tally, t->fault);
    for (uint64_t rank = 0; r == 0 && *samples.count < samples.max && rank < spr_tally_size(tally);
         rank++) {
        struct spr_top_row row;
        struct spr_text normal;
        spr_tally_row(tally, rank, &row, &normal);
        if (row.value.bytes == NULL) {
            continue;
        }
        r = keep_text(t->report, row.value, &samples.texts[*samples.count]);
        if (r == 0 && samples.counts != NULL) {
            samples.counts[*samples.count] = row.messages;
        }
        *samples.count += r == 0 ? 1 : 0;
    }
    spr_tally_free(tally);
    return r;
}

static int count_distinct(struct triage *t, uint64_t *const *rows, enum spr_field field,
                          uint64_t *ret_count)
{
    struct spr_tally *tally = NULL;
    const int r = spr_top_count(t->snapshot, rows, field, &tally, t->fault);
    if (r < 0) {
        return r;
    }
    *ret_count = spr_tally_size(tally);
    spr_tally_free(tally);
    return 0;
}

static void set_profile(struct spr_verdict_facts *facts, const struct spr_profile *profile)
{
    facts->messages = profile->messages;
    facts->recipients = profile->recipients;
    facts->pending = profile->pending;
    facts->bytes = profile->bytes;
    facts->burst_start = profile->burst_start;
    facts->burst_end = profile->burst_end;
    facts->burst_per_minute_max = profile->peak;
}

/* Where it goes, as what, from where. */
static int describe_rows(struct triage *t, uint64_t *const *rows)
{
    struct spr_verdict_facts *facts = &t->report->facts;
    int r = take_samples(t, rows, SPR_FIELD_RCPT_DOMAIN,
                         (struct samples){ facts->top_domains, facts->top_domain_counts, 5,
                                           &facts->top_domain_count });
    if (r < 0) {
        return r;
    }
    r = take_samples(t, rows, SPR_FIELD_CLIENT,
                     (struct samples){ facts->clients, NULL, 3, &facts->client_count });
    if (r < 0) {
        return r;
    }
    if (t->snapshot->manifest->has_subjects) {
        r = take_samples(t, rows, SPR_FIELD_SUBJECT,
                         (struct samples){ facts->subjects, NULL, 3, &facts->subject_count });
        if (r < 0) {
            return r;
        }
    }
    r = count_distinct(t, rows, SPR_FIELD_SENDER, &facts->distinct_senders);
    if (r < 0) {
        return r;
    }
    return spr_profile_distinct(t->snapshot, rows, &facts->distinct_recipients, t->fault);
}

/* The kind whose guilty one leads; -1: nobody is guilty. */
static int choose_kind(const struct triage *t)
{
    int chosen = -1;
    unsigned most = 0;
    for (int i = 0; i < KINDS; i++) {
        const struct spr_lineup *lineup = &t->lineups[i];
        if (lineup->best < 0) {
            continue;
        }
        const unsigned points = lineup->members[lineup->best].judgement.points + kinds[i].lead;
        if (chosen < 0 || points > most) {
            chosen = i;
            most = points;
        }
    }
    return chosen;
}

static int set_runner_up(struct triage *t, const struct spr_lineup *lineup)
{
    struct spr_verdict_facts *facts = &t->report->facts;
    const int next = lineup->best == 0 ? 1 : 0;
    if (next >= (int)lineup->count) {
        return 0;
    }
    facts->runner_up_messages = lineup->members[next].messages;
    return keep_text(t->report, lineup->members[next].name, &facts->runner_up);
}

static int accuse(struct triage *t, int kind)
{
    struct spr_verdict_facts *facts = &t->report->facts;
    const struct spr_lineup *lineup = &t->lineups[kind];
    const struct spr_lineup_member *member = &lineup->members[lineup->best];
    facts->culprit = kinds[kind].kind;
    facts->confidence = member->judgement.confidence;
    facts->distinct_clients = member->suspect.clients;
    facts->median_fanout_others = spr_lineup_fanout(&t->whole, &member->profile);
    set_profile(facts, &member->profile);
    int r = keep_text(t->report, member->name, &facts->name);
    if (r < 0) {
        return r;
    }
    r = set_runner_up(t, lineup);
    return r < 0 ? r : describe_rows(t, member->rows);
}

/* A healthy queue is described as a whole; its largest account is named as such. */
static int acquit(struct triage *t)
{
    struct spr_verdict_facts *facts = &t->report->facts;
    facts->median_fanout_others = spr_lineup_fanout(&t->whole, NULL);
    set_profile(facts, &t->whole);
    int r = set_runner_up(t, &t->lineups[0]);
    if (r < 0) {
        return r;
    }
    r = count_distinct(t, t->all.rows, SPR_FIELD_CLIENT, &facts->distinct_clients);
    return r < 0 ? r : describe_rows(t, t->all.rows);
}

static int investigate(struct triage *t)
{
    struct spr_verdict_facts *facts = &t->report->facts;
    int r = spr_selection_run(t->snapshot, &(struct spr_question){ 0 }, &t->all, t->fault);
    if (r < 0) {
        return r;
    }
    r = spr_profile_take(t->snapshot, t->all.rows, &t->whole, t->fault);
    if (r < 0) {
        return r;
    }
    facts->total_messages = t->whole.messages;
    facts->total_recipients = t->whole.recipients;
    facts->total_bytes = t->whole.bytes;
    facts->bounces = t->whole.bounces;
    memcpy(facts->state_counts, t->whole.states, sizeof(facts->state_counts));
    r = find_anonymous(t);
    for (int i = 0; i < KINDS && r == 0; i++) {
        uint64_t *const *rows = i == 0 ? t->all.rows : t->anonymous;
        r = spr_lineup_make(t->snapshot, rows, &t->whole, kinds[i].kind, &t->lineups[i], t->fault);
    }
    if (r < 0) {
        return r;
    }
    const int kind = choose_kind(t);
    return kind >= 0 ? accuse(t, kind) : acquit(t);
}

int spr_triage_run(const struct spr_snapshot *snapshot, struct spr_verdict_report **ret_report,
                   struct spr_fault *fault)
{
    struct triage *t = calloc(1, sizeof(*t));
    struct spr_verdict_report *report = calloc(1, sizeof(*report));
    int r = -ENOMEM;
    if (t == NULL || report == NULL) {
        goto done;
    }
    t->snapshot = snapshot;
    t->fault = fault;
    t->report = report;
    r = investigate(t);
    if (r == 0) {
        *ret_report = report;
        report = NULL;
    }

done:
    if (t != NULL) {
        for (int i = 0; i < KINDS; i++) {
            spr_lineup_done(&t->lineups[i]);
        }
        spr_lineup_rows_free(t->anonymous, t->all.segment_count);
        spr_selection_done(&t->all);
    }
    free(t);
    spr_verdict_free(report);
    return r;
}

int spr_verdict(struct spr_index *index, struct spr_verdict_report **ret_report,
                struct spr_fault *fault)
{
    struct spr_snapshot *snapshot = NULL;
    int r = spr_catalog_snapshot(index, &snapshot, fault);
    if (r < 0) {
        return r;
    }
    r = spr_triage_run(snapshot, ret_report, fault);
    spr_snapshot_release(snapshot);
    return r;
}

const struct spr_verdict_facts *spr_verdict_facts(const struct spr_verdict_report *report)
{
    return &report->facts;
}

void spr_verdict_free(struct spr_verdict_report *report)
{
    if (report == NULL) {
        return;
    }
    for (unsigned i = 0; i < report->text_count; i++) {
        free(report->texts[i]);
    }
    free(report);
}
