/*
 * Terms over numbers, states, ids and facts of the spool as a whole; terms over texts go to
 * leaf_text.c. Only rows in question are looked at.
 */
#include "core/query/leaf.h"

#include "core/fault.h"
#include "core/query/bitmap.h"
#include "core/query/dictionary.h"
#include "formats/format.h"

#include <errno.h>
#include <string.h>

struct work {
    struct spr_scope *scope;
    const struct spr_leaf *leaf;
    const struct spr_filter_term *term;
    struct spr_id_set *ids;           /* state: */
    struct spr_leaf_matcher *matcher; /* state:, id:, format: … */
    int8_t dir_matches[SPR_DIRS_MAX]; /* state: 0 not asked, 1 yes, -1 no */
};

/* 1 the row matches, 0 it does not. */
typedef int (*row_test_fn)(struct work *work, uint32_t row);

static bool in_range(const struct spr_filter_term *term, int64_t value)
{
    if (term->match == SPR_MATCH_NONE) {
        return value == SPR_COUNT_UNKNOWN;
    }
    return value != SPR_COUNT_UNKNOWN && value >= term->range.low && value <= term->range.high;
}

static int test_number(struct work *work, uint32_t row)
{
    enum spr_number number = SPR_NUMBER_ARRIVAL;
    if (work->term->field == SPR_FILTER_SIZE) {
        number = SPR_NUMBER_SIZE;
    } else if (work->term->field == SPR_FILTER_ATTEMPTS) {
        number = SPR_NUMBER_ATTEMPTS;
    }
    int64_t value = 0;
    const int r = spr_segment_number(work->scope->rows, row, number, &value, work->scope->fault);
    if (r < 0) {
        return r;
    }
    if (work->term->field == SPR_FILTER_AGE && value != SPR_TIME_UNKNOWN &&
        __builtin_sub_overflow(work->scope->now, value, &value)) {
        return 0;
    }
    return in_range(work->term, value) ? 1 : 0;
}

static int test_pending(struct work *work, uint32_t row)
{
    const struct spr_segment_recipient *recipients = NULL;
    uint32_t count = 0;
    const int r =
        spr_segment_recipients(work->scope->rows, row, &recipients, &count, work->scope->fault);
    if (r < 0) {
        return r;
    }
    int64_t pending = 0;
    for (uint32_t i = 0; i < count; i++) {
        pending += recipients[i].state == SPR_RECIPIENT_PENDING ? 1 : 0;
    }
    return in_range(work->term, pending) ? 1 : 0;
}

static bool facts_match(const struct spr_filter_term *term, const struct spr_segment_facts *facts)
{
    if (term->field == SPR_FILTER_RCPTS) {
        return in_range(term, facts->recipient_count);
    }
    switch (term->word->test) {
    case SPR_IS_FLAG:
        return (facts->flags & term->word->value) != 0;
    case SPR_IS_STATE:
        return facts->state == term->word->value;
    case SPR_IS_BOUNCE:
        return (facts->flags & SPR_MESSAGE_BOUNCE) != 0;
    case SPR_IS_AUTH:
        return facts->auth_source != SPR_AUTH_NONE;
    }
    return false;
}

static int test_facts(struct work *work, uint32_t row)
{
    struct spr_segment_facts facts;
    const int r = spr_segment_facts(work->scope->rows, row, &facts, work->scope->fault);
    if (r < 0) {
        return r;
    }
    return facts_match(work->term, &facts) ? 1 : 0;
}

static int matches_text(struct work *work, struct spr_text text)
{
    const int r = spr_leaf_matches(work->matcher, text);
    if (r == SPR_E_SYNTAX) {
        return spr_fault_set(work->scope->fault, r, work->scope->query->filter->text,
                             work->leaf->column,
                             "the regular expression takes too many steps on some text");
    }
    return r;
}

static struct spr_text text_of(const char *string)
{
    return (struct spr_text){ (const uint8_t *)string, string != NULL ? strlen(string) : 0 };
}

/* The folder's own word, where the message has none. */
static int test_folder_word(struct work *work, uint32_t row)
{
    struct spr_segment_place place;
    int r = spr_segment_place(work->scope->rows, row, &place, work->scope->fault);
    if (r < 0) {
        return r;
    }
    const struct spr_format *format = work->scope->format;
    if (format == NULL || place.dir >= format->dir_count || place.dir >= SPR_DIRS_MAX) {
        return 0;
    }
    if (work->dir_matches[place.dir] == 0) {
        r = matches_text(work, text_of(format->dirs[place.dir].word));
        if (r < 0) {
            return r;
        }
        work->dir_matches[place.dir] = r > 0 ? 1 : -1;
    }
    return work->dir_matches[place.dir] > 0 ? 1 : 0;
}

static int test_queue_name(struct work *work, uint32_t row)
{
    uint32_t id = SPR_STRING_NONE;
    const int r =
        spr_segment_text_id(work->scope->rows, row, SPR_COLUMN_QUEUE_NAME, &id, work->scope->fault);
    if (r < 0) {
        return r;
    }
    return id != SPR_STRING_NONE ? spr_id_set_has(work->ids, id) : test_folder_word(work, row);
}

static int test_id(struct work *work, uint32_t row)
{
    struct spr_text id;
    const int r = spr_segment_queue_id(work->scope->rows, row, &id, work->scope->fault);
    return r < 0 ? r : matches_text(work, id);
}

static int test_uid(struct work *work, uint32_t row)
{
    int64_t uid = 0;
    const int r =
        spr_segment_number(work->scope->rows, row, SPR_NUMBER_UID, &uid, work->scope->fault);
    if (r < 0) {
        return r;
    }
    return uid == work->term->range.low ? 1 : 0;
}

static int test_rows(struct work *work, row_test_fn test, const uint64_t *mask, uint64_t *out,
                     struct spr_leaf_report *report)
{
    const uint32_t rows = work->scope->row_count;
    for (uint32_t row = spr_bitmap_next(mask, rows, 0); row < rows;
         row = spr_bitmap_next(mask, rows, row + 1)) {
        report->tested++;
        const int r = test(work, row);
        if (r < 0) {
            return r;
        }
        if (r > 0) {
            spr_bitmap_set(out, row);
        }
    }
    return 0;
}

/* Rows that a look-up finds, as far as they are in question. */
static int take_looked_up(struct work *work, enum spr_lookup lookup, struct spr_text key,
                          const uint64_t *mask, uint64_t *out, struct spr_leaf_report *report)
{
    uint64_t *found = spr_bitmap_new(work->scope->row_count);
    if (found == NULL) {
        return -ENOMEM;
    }
    const int r = spr_segment_lookup(work->scope->rows, lookup, key, found, work->scope->fault);
    for (size_t i = 0; r == 0 && i < spr_bitmap_words(work->scope->row_count); i++) {
        out[i] |= found[i] & mask[i];
    }
    report->ways |= SPR_WAY_LOOKUP;
    free(found);
    return r;
}

static int evaluate_id(struct work *work, const uint64_t *mask, uint64_t *out,
                       struct spr_leaf_report *report)
{
    if (work->term->match == SPR_MATCH_EXACT) {
        return take_looked_up(work, SPR_LOOKUP_QUEUE_ID, work->term->value, mask, out, report);
    }
    report->ways |= SPR_WAY_IDS;
    return test_rows(work, test_id, mask, out, report);
}

static int evaluate_state(struct work *work, const uint64_t *mask, uint64_t *out,
                          struct spr_leaf_report *report)
{
    report->ways |= SPR_WAY_COLUMN;
    if (work->term->match == SPR_MATCH_WORD) {
        return test_rows(work, test_facts, mask, out, report);
    }
    const int r = spr_id_set_new(work->scope, work->leaf, &work->ids);
    return r < 0 ? r : test_rows(work, test_queue_name, mask, out, report);
}

/* A message with the null sender is a bounce, also where the format did not say so. */
static int evaluate_is(struct work *work, const uint64_t *mask, uint64_t *out,
                       struct spr_leaf_report *report)
{
    report->ways |= SPR_WAY_COLUMN;
    const int r = test_rows(work, test_facts, mask, out, report);
    if (r < 0 || work->term->word->test != SPR_IS_BOUNCE) {
        return r;
    }
    static const uint8_t nothing[1] = { 0 };
    return take_looked_up(work, SPR_LOOKUP_SENDER, (struct spr_text){ nothing, 0 }, mask, out,
                          report);
}

static int evaluate_constant(struct work *work, const char *value, const uint64_t *mask,
                             uint64_t *out)
{
    int r = 0;
    if (value == NULL) {
        r = work->term->match == SPR_MATCH_NONE ? 1 : 0;
    } else {
        r = matches_text(work, text_of(value));
    }
    if (r <= 0) {
        return r;
    }
    memcpy(out, mask, spr_bitmap_words(work->scope->row_count) * sizeof(*out));
    return 0;
}

/* local-user:1001 is also a user id. */
static int evaluate_local_user(struct work *work, const uint64_t *mask, uint64_t *out,
                               struct spr_leaf_report *report)
{
    int r = spr_leaf_evaluate_text(work->scope, work->leaf, mask, out, report);
    size_t offset = 0;
    const char *expected = NULL;
    struct spr_filter_term number = *work->term;
    if (r < 0 || work->term->match != SPR_MATCH_EXACT ||
        !spr_range_parse(SPR_QUANTITY_NUMBER, work->term->value, &number.range, &offset,
                         &expected) ||
        number.range.low != number.range.high) {
        return r;
    }
    work->term = &number;
    report->ways |= SPR_WAY_COLUMN;
    r = test_rows(work, test_uid, mask, out, report);
    work->term = work->leaf->term;
    return r;
}

static int evaluate_field(struct work *work, const uint64_t *mask, uint64_t *out,
                          struct spr_leaf_report *report)
{
    switch (work->term->field) {
    case SPR_FILTER_AGE:
    case SPR_FILTER_ARRIVED:
    case SPR_FILTER_SIZE:
    case SPR_FILTER_ATTEMPTS:
        report->ways |= SPR_WAY_COLUMN;
        return test_rows(work, test_number, mask, out, report);
    case SPR_FILTER_RCPTS:
        report->ways |= SPR_WAY_COLUMN;
        return test_rows(work, test_facts, mask, out, report);
    case SPR_FILTER_PENDING:
        report->ways |= SPR_WAY_RECIPIENTS;
        return test_rows(work, test_pending, mask, out, report);
    case SPR_FILTER_ID:
        return evaluate_id(work, mask, out, report);
    case SPR_FILTER_STATE:
        return evaluate_state(work, mask, out, report);
    case SPR_FILTER_IS:
        return evaluate_is(work, mask, out, report);
    case SPR_FILTER_FORMAT:
        return evaluate_constant(work, work->scope->manifest->format, mask, out);
    case SPR_FILTER_SPOOL:
        return evaluate_constant(work, work->scope->manifest->spool_root, mask, out);
    case SPR_FILTER_HOST:
        return evaluate_constant(work, work->scope->manifest->host, mask, out);
    case SPR_FILTER_LOCAL_USER:
        return evaluate_local_user(work, mask, out, report);
    case SPR_FILTER_ANY:
    case SPR_FILTER_ACCOUNT:
    case SPR_FILTER_FROM:
    case SPR_FILTER_TO:
    case SPR_FILTER_DONE:
    case SPR_FILTER_RCPT:
    case SPR_FILTER_CLIENT:
    case SPR_FILTER_HELO:
    case SPR_FILTER_SUBJECT:
    case SPR_FILTER_HEADER_FROM:
    case SPR_FILTER_ERROR:
        return spr_leaf_evaluate_text(work->scope, work->leaf, mask, out, report);
    }
    return 0;
}

int spr_leaf_evaluate(struct spr_scope *scope, const struct spr_leaf *leaf, const uint64_t *mask,
                      uint64_t *out, struct spr_leaf_report *report)
{
    struct work work = { .scope = scope, .leaf = leaf, .term = leaf->term };
    int r = spr_leaf_matcher_new(leaf, &work.matcher);
    if (r < 0) {
        return r;
    }
    r = evaluate_field(&work, mask, out, report);
    if (r == 0) {
        report->segments++;
        report->rows += spr_bitmap_count(out, scope->row_count);
    }
    spr_id_set_free(work.ids);
    spr_leaf_matcher_free(work.matcher);
    return r;
}
