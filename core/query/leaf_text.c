/*
 * Terms over texts. Exact terms are looked up, and confirmed row by row where the look-up says less
 * than the term asks; others are put to every string that the field may have, then rows are read.
 */
#include "core/query/bitmap.h"
#include "core/query/dictionary.h"
#include "core/query/leaf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SINGLES_MAX 256 /* candidates: with more, one pass over the dictionary is cheaper */

enum place {
    PLACE_COLUMN,
    PLACE_RECIPIENTS,
    PLACE_ERRORS, /* of recipients */
};
enum which { WHICH_ALL, WHICH_PENDING, WHICH_FINISHED };

/* Where a field's texts lie, and the look-ups that lead there. */
struct target {
    enum place place;
    enum spr_column column;
    enum which which;
    int lookup, domain_lookup; /* -1: none */
};

static const struct target account_target = { PLACE_COLUMN, SPR_COLUMN_ACCOUNT, WHICH_ALL,
                                              SPR_LOOKUP_ACCOUNT, -1 };
static const struct target sender_target = { PLACE_COLUMN, SPR_COLUMN_SENDER, WHICH_ALL,
                                             SPR_LOOKUP_SENDER, SPR_LOOKUP_SENDER_DOMAIN };
static const struct target rcpt_target = { PLACE_RECIPIENTS, SPR_COLUMN_COUNT, WHICH_ALL,
                                           SPR_LOOKUP_RCPT, SPR_LOOKUP_RCPT_DOMAIN };
static const struct target pending_target = { PLACE_RECIPIENTS, SPR_COLUMN_COUNT, WHICH_PENDING,
                                              SPR_LOOKUP_RCPT, SPR_LOOKUP_RCPT_DOMAIN };
static const struct target finished_target = { PLACE_RECIPIENTS, SPR_COLUMN_COUNT, WHICH_FINISHED,
                                               SPR_LOOKUP_RCPT, SPR_LOOKUP_RCPT_DOMAIN };
static const struct target local_user_target = { PLACE_COLUMN, SPR_COLUMN_LOCAL_USER, WHICH_ALL,
                                                 SPR_LOOKUP_LOCAL_USER, -1 };
static const struct target client_target = { PLACE_COLUMN, SPR_COLUMN_CLIENT, WHICH_ALL,
                                             SPR_LOOKUP_CLIENT, -1 };
static const struct target helo_target = { PLACE_COLUMN, SPR_COLUMN_HELO, WHICH_ALL, -1, -1 };
static const struct target subject_target = { PLACE_COLUMN, SPR_COLUMN_SUBJECT, WHICH_ALL, -1, -1 };
static const struct target header_from_target = { PLACE_COLUMN, SPR_COLUMN_HEADER_FROM, WHICH_ALL,
                                                  -1, -1 };
static const struct target last_error_target = { PLACE_COLUMN, SPR_COLUMN_LAST_ERROR, WHICH_ALL, -1,
                                                 -1 };
static const struct target errors_target = { PLACE_ERRORS, SPR_COLUMN_COUNT, WHICH_ALL, -1, -1 };

#define TARGETS_MAX 3
static const struct {
    enum spr_filter_field field;
    const struct target *targets[TARGETS_MAX];
} places[] = {
    { SPR_FILTER_ANY, { &account_target, &sender_target, &rcpt_target } },
    { SPR_FILTER_ACCOUNT, { &account_target } },
    { SPR_FILTER_FROM, { &sender_target } },
    { SPR_FILTER_TO, { &pending_target } },
    { SPR_FILTER_DONE, { &finished_target } },
    { SPR_FILTER_RCPT, { &rcpt_target } },
    { SPR_FILTER_LOCAL_USER, { &local_user_target } },
    { SPR_FILTER_CLIENT, { &client_target } },
    { SPR_FILTER_HELO, { &helo_target } },
    { SPR_FILTER_SUBJECT, { &subject_target } },
    { SPR_FILTER_HEADER_FROM, { &header_from_target } },
    { SPR_FILTER_ERROR, { &last_error_target, &errors_target } },
};

struct work {
    struct spr_scope *scope;
    const struct spr_leaf *leaf;
    const uint64_t *mask;
    uint64_t *out;
    struct spr_leaf_report *report;
    struct spr_id_set *ids;
    uint64_t *candidates;
};

static int look_up(struct work *work, int lookup, struct spr_text key, uint64_t *bitmap)
{
    const uint32_t *rows = NULL;
    uint32_t count = 0;
    const int r = spr_segment_lookup(work->scope->rows, (enum spr_lookup)lookup, key, &rows, &count,
                                     work->scope->fault);
    if (r < 0) {
        return r;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (rows[i] < work->scope->row_count) {
            spr_bitmap_set(bitmap, rows[i]);
        }
    }
    work->report->ways |= SPR_WAY_LOOKUP;
    return 0;
}

static struct spr_segment_ids ids_of(const struct work *work, const struct target *target)
{
    switch (target->place) {
    case PLACE_COLUMN:
        return spr_segment_ids_of(work->scope->segment, target->column);
    case PLACE_RECIPIENTS:
        return spr_segment_ids_of_recipients(work->scope->segment);
    case PLACE_ERRORS:
        return spr_segment_ids_of(work->scope->segment, SPR_COLUMN_LAST_ERROR);
    }
    return (struct spr_segment_ids){ 0, 0 };
}

static int complete_ids(struct work *work, const struct target *target)
{
    const struct spr_segment_ids ids = ids_of(work, target);
    if (!spr_id_set_is_complete(work->ids, ids)) {
        const int r = spr_id_set_complete(work->ids, ids);
        if (r < 0) {
            return r;
        }
        work->report->ways |= SPR_WAY_DICTIONARY;
        work->report->strings += ids.end - ids.first;
    }
    return 0;
}

static bool id_in(struct work *work, uint32_t id, int *error)
{
    const int r = id == SPR_STRING_NONE ? 0 : spr_id_set_has(work->ids, id);
    if (r < 0) {
        *error = r;
    }
    return r > 0;
}

static bool wanted(enum which which, enum spr_recipient_state state)
{
    return which == WHICH_ALL || (state == SPR_RECIPIENT_PENDING) == (which == WHICH_PENDING);
}

static int test_recipients(struct work *work, const struct target *target, uint32_t row)
{
    const struct spr_segment_recipient *recipients = NULL;
    uint32_t count = 0;
    int error =
        spr_segment_recipients(work->scope->rows, row, &recipients, &count, work->scope->fault);
    for (uint32_t i = 0; i < count && error == 0; i++) {
        const struct spr_segment_recipient *rcpt = &recipients[i];
        if (target->place == PLACE_ERRORS) {
            if (id_in(work, rcpt->error, &error)) {
                return 1;
            }
        } else if (wanted(target->which, rcpt->state) &&
                   (id_in(work, rcpt->address, &error) || id_in(work, rcpt->original, &error))) {
            return 1;
        }
    }
    return error;
}

static int test_row(struct work *work, const struct target *target, uint32_t row)
{
    if (target->place != PLACE_COLUMN) {
        return test_recipients(work, target, row);
    }
    uint32_t id = SPR_STRING_NONE;
    const int r =
        spr_segment_text_id(work->scope->rows, row, target->column, &id, work->scope->fault);
    if (r < 0) {
        return r;
    }
    return id == SPR_STRING_NONE ? 0 : spr_id_set_has(work->ids, id);
}

/* Confirms candidates that are in question and not yet found. */
static int confirm(struct work *work, const struct target *target, const uint64_t *candidates)
{
    const uint32_t rows = work->scope->row_count;
    work->report->ways |= target->place == PLACE_COLUMN ? SPR_WAY_COLUMN : SPR_WAY_RECIPIENTS;
    for (uint32_t row = spr_bitmap_next(candidates, rows, 0); row < rows;
         row = spr_bitmap_next(candidates, rows, row + 1)) {
        if (!spr_bitmap_has(work->mask, row) || spr_bitmap_has(work->out, row)) {
            continue;
        }
        work->report->tested++;
        const int r = test_row(work, target, row);
        if (r < 0) {
            return r;
        }
        if (r > 0) {
            spr_bitmap_set(work->out, row);
        }
    }
    return 0;
}

static void accept(struct work *work)
{
    for (size_t i = 0; i < spr_bitmap_words(work->scope->row_count); i++) {
        work->out[i] |= work->candidates[i] & work->mask[i];
    }
}

/* An IPv4 client is written in one of two ways, so it is looked up rather than searched for. */
static int look_up_v4(struct work *work, const struct target *target)
{
    const uint8_t *a = work->leaf->term->network.address + 12;
    char text[32];
    for (int i = 0; i < 2; i++) {
        const int n = snprintf(text, sizeof(text), "%s%u.%u.%u.%u", i == 0 ? "" : "::ffff:", a[0],
                               a[1], a[2], a[3]);
        const struct spr_text key = { (const uint8_t *)text, (size_t)n };
        const int r = look_up(work, target->lookup, key, work->candidates);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* Exact terms: the look-up has all candidates. 1: found so, 0: this term is not exact here. */
static int gather_exact(struct work *work, const struct target *target)
{
    const struct spr_filter_term *term = work->leaf->term;
    const struct spr_text key = { work->leaf->key, work->leaf->key_length };
    int r = 0;
    if (term->match == SPR_MATCH_EXACT && target->lookup >= 0) {
        r = look_up(work, target->lookup, key, work->candidates);
    } else if (term->match == SPR_MATCH_DOMAIN && target->domain_lookup >= 0) {
        r = look_up(work, target->domain_lookup, key, work->candidates);
    } else if (term->match == SPR_MATCH_NETWORK && term->network.bits == 128 &&
               spr_network_is_v4(&term->network)) {
        r = look_up_v4(work, target);
    } else {
        return 0;
    }
    return r < 0 ? r : 1;
}

static int evaluate_pattern(struct work *work, const struct target *target)
{
    const int r = complete_ids(work, target);
    if (r < 0 || !spr_id_set_has_any(work->ids, ids_of(work, target))) {
        return r;
    }
    return confirm(work, target, work->mask);
}

static int evaluate_target(struct work *work, const struct target *target)
{
    const uint32_t rows = work->scope->row_count;
    int r = gather_exact(work, target);
    if (r <= 0) {
        return r < 0 ? r : evaluate_pattern(work, target);
    }
    if (work->leaf->cased_key == NULL && target->which == WHICH_ALL) {
        accept(work);
        return 0;
    }
    if (spr_bitmap_count(work->candidates, rows) > SINGLES_MAX) {
        r = complete_ids(work, target);
        if (r < 0) {
            return r;
        }
    }
    return confirm(work, target, work->candidates);
}

/* 1 if the row has no text at any of the targets. */
static int test_none(struct work *work, const struct target *const *targets, uint32_t row)
{
    struct spr_segment_reader *rows = work->scope->rows;
    for (size_t i = 0; i < TARGETS_MAX && targets[i] != NULL; i++) {
        const struct spr_segment_recipient *recipients = NULL;
        uint32_t count = 0;
        uint32_t id = SPR_STRING_NONE;
        int r;
        if (targets[i]->place == PLACE_COLUMN) {
            r = spr_segment_text_id(rows, row, targets[i]->column, &id, work->scope->fault);
        } else {
            r = spr_segment_recipients(rows, row, &recipients, &count, work->scope->fault);
        }
        for (uint32_t n = 0; r == 0 && n < count && id == SPR_STRING_NONE; n++) {
            id = recipients[n].error;
        }
        if (r < 0 || id != SPR_STRING_NONE) {
            return r;
        }
    }
    return 1;
}

static int evaluate_none(struct work *work, const struct target *const *targets)
{
    const uint32_t rows = work->scope->row_count;
    work->report->ways |= SPR_WAY_COLUMN;
    for (uint32_t row = spr_bitmap_next(work->mask, rows, 0); row < rows;
         row = spr_bitmap_next(work->mask, rows, row + 1)) {
        work->report->tested++;
        const int r = test_none(work, targets, row);
        if (r < 0) {
            return r;
        }
        if (r > 0) {
            spr_bitmap_set(work->out, row);
        }
    }
    return 0;
}

static int evaluate_targets(struct work *work, const struct target *const *targets)
{
    int r = spr_id_set_new(work->scope, work->leaf, &work->ids);
    for (size_t i = 0; i < TARGETS_MAX && targets[i] != NULL && r == 0; i++) {
        free(work->candidates);
        work->candidates = spr_bitmap_new(work->scope->row_count);
        r = work->candidates != NULL ? evaluate_target(work, targets[i]) : -ENOMEM;
    }
    free(work->candidates);
    spr_id_set_free(work->ids);
    return r;
}

int spr_leaf_evaluate_text(struct spr_scope *scope, const struct spr_leaf *leaf,
                           const uint64_t *mask, uint64_t *out, struct spr_leaf_report *report)
{
    struct work work = { scope, leaf, mask, out, report, NULL, NULL };
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (places[i].field == leaf->term->field) {
            return leaf->term->match == SPR_MATCH_NONE ? evaluate_none(&work, places[i].targets)
                                                       : evaluate_targets(&work, places[i].targets);
        }
    }
    return 0;
}
