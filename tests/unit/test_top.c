/*
 * Ranked tables against a slow count over the records.
 */
#include "core/index/address.h"
#include "core/query/strategy.h"
#include "core/query/top.h"
#include "formats/cursor.h"
#include "tests/support/sample_index.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#define ROWS 200

struct table {
    struct sample_index index;
    struct spr_selection all;
    struct spr_tally *tally;
};

static void count(struct table *table, sample_record_fn sample, enum spr_field field)
{
    open_sample_index(&table->index, sample, 2, ROWS, 9);
    cr_assert_eq(
        spr_selection_run(&table->index.snapshot, &(struct spr_question){ 0 }, &table->all, NULL),
        0);
    cr_assert_eq(spr_top_count(&table->index.snapshot, table->all.rows, field, &table->tally, NULL),
                 0);
}

static void done(struct table *table)
{
    spr_tally_free(table->tally);
    spr_selection_done(&table->all);
    close_sample_index(&table->index);
}

/* The key of one text under a field; false: it has none. */
static bool key_of(enum spr_field field, struct spr_text text, uint8_t out[SPR_ADDRESS_MAX],
                   size_t *ret_length)
{
    if (text.bytes == NULL) {
        return false;
    }
    if (field == SPR_FIELD_SENDER_DOMAIN || field == SPR_FIELD_RCPT_DOMAIN) {
        uint8_t unquoted[SPR_ADDRESS_MAX];
        const struct spr_text domain = spr_address_domain(spr_address_unquote(text, unquoted));
        *ret_length = spr_domain_normalise(domain, out);
        return domain.bytes != NULL;
    }
    *ret_length = spr_address_normalise(text, out);
    return true;
}

static bool key_is(enum spr_field field, struct spr_text text, struct spr_text key)
{
    uint8_t form[SPR_ADDRESS_MAX];
    size_t length = 0;
    if (!key_of(field, text, form, &length)) {
        return key.bytes == NULL;
    }
    return key.bytes != NULL && length == key.length &&
           (length == 0 || memcmp(form, key.bytes, length) == 0);
}

/* Recipients of this record that count for the key; false: the message does not. */
static bool record_counts(enum spr_field field, const struct spr_record *record,
                          struct spr_text key, uint64_t *recipients)
{
    if (field != SPR_FIELD_RCPT && field != SPR_FIELD_RCPT_DOMAIN) {
        const enum spr_column column =
            field == SPR_FIELD_ACCOUNT ? SPR_COLUMN_ACCOUNT : SPR_COLUMN_SENDER;
        *recipients += record->recipient_count;
        return key_is(field, record->text[column], key);
    }
    bool any = record->recipient_count == 0 && key.bytes == NULL;
    for (uint32_t i = 0; i < record->recipient_count; i++) {
        if (key_is(field, record->recipients[i].address, key)) {
            (*recipients)++;
            any = true;
        }
    }
    return any;
}

static void check_row(const struct table *table, enum spr_field field,
                      const struct spr_top_row *row, struct spr_text key)
{
    uint64_t messages = 0;
    uint64_t recipients = 0;
    for (uint32_t s = 0; s < table->index.manifest.segment_count; s++) {
        struct spr_segment_reader *reader = NULL;
        cr_assert_eq(spr_segment_reader_new(table->index.segments[s], &reader), 0);
        for (uint32_t i = 0; i < ROWS; i++) {
            struct spr_record record;
            uint64_t found = 0;
            cr_assert_eq(spr_segment_record(reader, i, &record, NULL), 0);
            if (i % 9 != 0 && record_counts(field, &record, key, &found)) {
                messages++;
                recipients += found;
            }
        }
        spr_segment_reader_free(reader);
    }
    cr_assert_eq(row->messages, messages, "field %u: %.*s", (unsigned)field, (int)key.length,
                 key.bytes);
    cr_assert_eq(row->recipients, recipients, "field %u: %.*s", (unsigned)field, (int)key.length,
                 key.bytes);
}

static void check_field(enum spr_field field)
{
    struct table table;
    count(&table, sample_mixed, field);
    uint64_t before = UINT64_MAX;
    cr_assert_gt(spr_tally_size(table.tally), 5);
    for (uint64_t rank = 0; rank < spr_tally_size(table.tally); rank++) {
        struct spr_top_row row;
        struct spr_text key;
        spr_tally_row(table.tally, rank, &row, &key);
        cr_assert_leq(row.messages, before);
        before = row.messages;
        if (rank < 40 || rank % 50 == 0) {
            check_row(&table, field, &row, key);
        }
    }
    done(&table);
}

Test(top, counts_accounts)
{
    check_field(SPR_FIELD_ACCOUNT);
}

Test(top, counts_senders)
{
    check_field(SPR_FIELD_SENDER);
}

Test(top, counts_sender_domains)
{
    check_field(SPR_FIELD_SENDER_DOMAIN);
}

Test(top, counts_recipients)
{
    check_field(SPR_FIELD_RCPT);
}

Test(top, counts_recipient_domains)
{
    check_field(SPR_FIELD_RCPT_DOMAIN);
}

static void spelled_sample(struct sample_record *sample, uint64_t seed, uint32_t number)
{
    static const char *const spellings[] = { "Bob@Example.org", "bob@example.org",
                                             "bob@example.org", "BOB@example.org" };
    sample_message(sample, seed, number);
    const char *text = spellings[number % 4];
    sample->record.text[SPR_COLUMN_ACCOUNT] = spr_text_of(text);
    sample->record.number[SPR_NUMBER_SIZE] = 10;
}

Test(top, shows_the_most_frequent_spelling)
{
    struct table table;
    struct spr_top_row row;
    struct spr_text key;
    count(&table, spelled_sample, SPR_FIELD_ACCOUNT);

    cr_assert_eq(spr_tally_size(table.tally), 1);
    spr_tally_row(table.tally, 0, &row, &key);
    cr_expect_eq(memcmp(row.value.bytes, "bob@example.org", row.value.length), 0);
    cr_expect_eq(row.bytes, row.messages * 10);
    cr_expect_leq(row.first, row.last);
    done(&table);
}

Test(top, counts_states_users_and_errors)
{
    static const enum spr_field fields[] = { SPR_FIELD_STATE, SPR_FIELD_LOCAL_USER, SPR_FIELD_ERROR,
                                             SPR_FIELD_SUBJECT, SPR_FIELD_CLIENT };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        struct table table;
        count(&table, sample_mixed, fields[i]);
        uint64_t messages = 0;
        for (uint64_t rank = 0; rank < spr_tally_size(table.tally); rank++) {
            struct spr_top_row row;
            struct spr_text key;
            spr_tally_row(table.tally, rank, &row, &key);
            messages += row.messages;
        }
        cr_expect_geq(messages, table.all.count, "field %u", (unsigned)fields[i]);
        if (fields[i] != SPR_FIELD_ERROR) {
            cr_expect_eq(messages, table.all.count, "field %u", (unsigned)fields[i]);
        }
        done(&table);
    }
}

Test(top, ranks_by_falling_count_and_tells_how_many_values_there_are)
{
    static const enum spr_field fields[] = { SPR_FIELD_ACCOUNT, SPR_FIELD_SENDER_DOMAIN,
                                             SPR_FIELD_RCPT, SPR_FIELD_CLIENT };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        struct table table;
        struct spr_top_row before = { .messages = UINT64_MAX };
        uint64_t named = 0;
        uint64_t distinct = 0;
        count(&table, sample_mixed, fields[i]);

        cr_assert_eq(
            spr_top_distinct(&table.index.snapshot, table.all.rows, fields[i], &distinct, NULL), 0);
        for (uint64_t rank = 0; rank < spr_tally_size(table.tally); rank++) {
            struct spr_top_row row;
            struct spr_text key;
            spr_tally_row(table.tally, rank, &row, &key);
            cr_expect_geq(before.messages, row.messages, "field %u", (unsigned)fields[i]);
            named += row.value.bytes != NULL ? 1 : 0;
            before = row;
        }

        cr_expect_eq(named, distinct, "field %u", (unsigned)fields[i]);
        done(&table);
    }
}
