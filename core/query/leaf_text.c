/*
 * Terms over texts. The strings that match are looked up, where the term is exact, or found by a
 * pass over all that the field may have; then the rows that have one of them.
 */
#include "core/query/bitmap.h"
#include "core/query/dictionary.h"
#include "core/query/leaf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FEW_ROWS    16 /* their strings are tested singly: a pass over all is dearer */
#define NARROW_PART 64 /* with fewer rows in question than one in so many, only they are read */
#define FORMS_MAX   2

enum place {
    PLACE_COLUMN,
    PLACE_RECIPIENTS,
    PLACE_ERRORS, /* of recipients */
};

/* Where a field's texts lie, and whether they can be looked up there. */
struct target {
    enum place place;
    enum spr_column column;
    enum spr_segment_rcpt_state state;
    bool has_tags;
};

static const struct target account_target = { PLACE_COLUMN, SPR_COLUMN_ACCOUNT, SPR_RCPT_ANY,
                                              true };
static const struct target sender_target = { PLACE_COLUMN, SPR_COLUMN_SENDER, SPR_RCPT_ANY, true };
static const struct target local_user_target = { PLACE_COLUMN, SPR_COLUMN_LOCAL_USER, SPR_RCPT_ANY,
                                                 true };
static const struct target client_target = { PLACE_COLUMN, SPR_COLUMN_CLIENT, SPR_RCPT_ANY, true };
static const struct target helo_target = { PLACE_COLUMN, SPR_COLUMN_HELO, SPR_RCPT_ANY, false };
static const struct target subject_target = { PLACE_COLUMN, SPR_COLUMN_SUBJECT, SPR_RCPT_ANY,
                                              false };
static const struct target header_from_target = { PLACE_COLUMN, SPR_COLUMN_HEADER_FROM,
                                                  SPR_RCPT_ANY, false };
static const struct target last_error_target = { PLACE_COLUMN, SPR_COLUMN_LAST_ERROR, SPR_RCPT_ANY,
                                                 false };
static const struct target rcpt_target = { PLACE_RECIPIENTS, SPR_COLUMN_COUNT, SPR_RCPT_ANY, true };
static const struct target pending_target = { PLACE_RECIPIENTS, SPR_COLUMN_COUNT, SPR_RCPT_PENDING,
                                              true };
static const struct target finished_target = { PLACE_RECIPIENTS, SPR_COLUMN_COUNT,
                                               SPR_RCPT_FINISHED, true };
static const struct target errors_target = { PLACE_ERRORS, SPR_COLUMN_COUNT, SPR_RCPT_ANY, false };

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
};

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

static bool id_in(struct work *work, uint32_t id, int *error)
{
    const int r = id == SPR_STRING_NONE ? 0 : spr_id_set_has(work->ids, id);
    if (r < 0) {
        *error = r;
    }
    return r > 0;
}

static bool wanted(enum spr_segment_rcpt_state wish, enum spr_recipient_state state)
{
    return wish == SPR_RCPT_ANY || (state == SPR_RECIPIENT_PENDING) == (wish == SPR_RCPT_PENDING);
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
        } else if (wanted(target->state, rcpt->state) &&
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

/* Reads the rows in question that are not yet found. */
static int read_rows(struct work *work, const struct target *target)
{
    const uint32_t rows = work->scope->row_count;
    for (uint32_t row = spr_bitmap_next(work->mask, rows, 0); row < rows;
         row = spr_bitmap_next(work->mask, rows, row + 1)) {
        if (spr_bitmap_has(work->out, row)) {
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

/* Takes all rows that have one of the strings, as far as they are in question. */
static int take_rows(struct work *work, const struct target *target,
                     const struct spr_string_set *set)
{
    struct spr_scope *scope = work->scope;
    const struct spr_segment_rcpt_field field = {
        target->place == PLACE_ERRORS ? SPR_RCPT_ERRORS : SPR_RCPT_ADDRESSES, target->state
    };
    uint64_t *found = spr_bitmap_new(scope->row_count);
    if (found == NULL) {
        return -ENOMEM;
    }
    const int r =
        target->place == PLACE_COLUMN
            ? spr_segment_rows_with(scope->rows, target->column, set, found, scope->fault)
            : spr_segment_rows_with_recipient(scope->rows, field, set, found, scope->fault);
    for (size_t i = 0; r == 0 && i < spr_bitmap_words(scope->row_count); i++) {
        work->out[i] |= found[i] & work->mask[i];
    }
    free(found);
    return r;
}

/* The normal forms that a text of the target must have; 0: the term asks for no such thing. An IPv4
 * client is written in one of two ways. */
struct forms {
    struct spr_text form[FORMS_MAX];
    char v4[FORMS_MAX][32];
};

static unsigned choose_forms(const struct work *work, const struct target *target,
                             struct forms *forms)
{
    const struct spr_filter_term *term = work->leaf->term;
    if (target->has_tags && term->match == SPR_MATCH_EXACT) {
        forms->form[0] = (struct spr_text){ work->leaf->key, work->leaf->key_length };
        return 1;
    }
    if (term->match != SPR_MATCH_NETWORK || term->network.bits != 128 ||
        !spr_network_is_v4(&term->network)) {
        return 0;
    }
    const uint8_t *a = term->network.address + 12;
    for (int i = 0; i < FORMS_MAX; i++) {
        const int n = snprintf(forms->v4[i], sizeof(forms->v4[i]), "%s%u.%u.%u.%u",
                               i == 0 ? "" : "::ffff:", a[0], a[1], a[2], a[3]);
        forms->form[i] = (struct spr_text){ (const uint8_t *)forms->v4[i], (size_t)n };
    }
    return FORMS_MAX;
}

/* Finds the strings of the target that match. */
static int find_strings(struct work *work, const struct target *target, bool *ret_looked_up)
{
    const struct spr_segment_ids ids = ids_of(work, target);
    struct forms forms;
    const unsigned count = choose_forms(work, target, &forms);
    int r = 0;
    *ret_looked_up = count > 0;
    if (count > 0) {
        work->report->ways |= SPR_WAY_LOOKUP;
        r = spr_id_set_look_up(work->ids, ids, forms.form, count);
    } else if (!spr_id_set_is_complete(work->ids, ids)) {
        work->report->ways |= SPR_WAY_DICTIONARY;
        work->report->strings += ids.end - ids.first;
        r = spr_id_set_complete(work->ids, ids);
    }
    return r;
}

static int evaluate_target(struct work *work, const struct target *target)
{
    const uint32_t rows = work->scope->row_count;
    const uint64_t in_question = spr_bitmap_count(work->mask, rows);
    const uint32_t way = target->place == PLACE_COLUMN ? SPR_WAY_COLUMN : SPR_WAY_RECIPIENTS;
    struct forms forms;
    if (in_question <= FEW_ROWS && choose_forms(work, target, &forms) == 0) {
        work->report->ways |= way;
        return read_rows(work, target);
    }
    bool is_looked_up = false;
    const int r = find_strings(work, target, &is_looked_up);
    const struct spr_string_set set = spr_id_set_strings(work->ids, ids_of(work, target));
    if (r < 0 || set.first > set.last) {
        return r;
    }
    work->report->ways |= is_looked_up ? 0 : way;
    return in_question < rows / NARROW_PART ? read_rows(work, target)
                                            : take_rows(work, target, &set);
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
        r = evaluate_target(work, targets[i]);
    }
    spr_id_set_free(work->ids);
    return r;
}

int spr_leaf_evaluate_text(struct spr_scope *scope, const struct spr_leaf *leaf,
                           const uint64_t *mask, uint64_t *out, struct spr_leaf_report *report)
{
    struct work work = { scope, leaf, mask, out, report, NULL };
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (places[i].field == leaf->term->field) {
            return leaf->term->match == SPR_MATCH_NONE ? evaluate_none(&work, places[i].targets)
                                                       : evaluate_targets(&work, places[i].targets);
        }
    }
    return 0;
}
