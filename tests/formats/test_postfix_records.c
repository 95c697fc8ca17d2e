/*
 * Postfix: the walk over records, whatever of the file is at hand, and the numbers in them.
 */
#include "formats/cursor.h"
#include "formats/postfix.h"
#include "tests/support/postfix_file.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#define RECORDS_MAX 16

struct walked {
    struct spr_postfix_record records[RECORDS_MAX];
    unsigned count;
    enum spr_verdict verdict; /* of the last one */
    struct spr_need need;
};

/* Records with lengths around the ends of a length byte, and two pointers. */
static void make_file(struct postfix_file *file)
{
    static const size_t lengths[] = { 0, 1, 96, 127, 128, 300, 2 };
    uint8_t payload[300];
    memset(payload, 'x', sizeof(payload));
    *file = (struct postfix_file){ 0 };
    for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        (void)postfix_record_of(file, 'A', payload, lengths[i]);
    }
    (void)postfix_pointer(file, 0);
    (void)postfix_pointer(file, file->size + 17 + 5);
    (void)postfix_record(file, 'K', "jmp"); /* jumped over */
    (void)postfix_record(file, 'R', "ann@example.org");
    (void)postfix_record(file, 'E', "");
}

/* With so many bytes of the file at hand, in a block of their own so that asan sees one read more.
 */
static void walk_with(const struct postfix_file *file, size_t length, uint64_t size,
                      struct walked *walked)
{
    uint8_t *bytes = malloc(length > 0 ? length : 1);
    cr_assert_not_null(bytes);
    memcpy(bytes, file->bytes, length);
    const struct spr_extent extent = { 0, { bytes, length } };
    const struct spr_file_view view = {
        .present = true, .size = size, .extents = &extent, .extent_count = length > 0 ? 1 : 0
    };
    struct spr_postfix_walk walk;
    *walked = (struct walked){ .count = 0 };
    spr_postfix_walk_init(&walk, &view, &walked->need, 0);
    do {
        cr_assert_lt(walked->count, RECORDS_MAX);
        struct spr_postfix_record *record = &walked->records[walked->count];
        walked->verdict = spr_postfix_walk_next(&walk, record);
        walked->count += walked->verdict == SPR_PARSED ? 1 : 0;
    } while (walked->verdict == SPR_PARSED && walked->records[walked->count - 1].type != 'E');
    free(bytes);
}

Test(postfix_records, are_the_same_whatever_is_at_hand)
{
    struct postfix_file file;
    struct walked whole;
    make_file(&file);
    walk_with(&file, file.size, file.size, &whole);
    cr_assert_eq(whole.verdict, SPR_PARSED);
    cr_assert_eq(whole.count, 9);

    for (size_t length = 0; length < file.size; length++) {
        struct walked part;
        walk_with(&file, length, file.size, &part);

        cr_assert_eq(part.verdict, SPR_MORE, "%zu bytes", length);
        cr_assert_geq(part.need.offset, length, "%zu bytes", length);
        cr_assert_leq(part.count, whole.count);
        for (unsigned i = 0; i < part.count; i++) {
            cr_assert_eq(part.records[i].type, whole.records[i].type);
            cr_assert_eq(part.records[i].offset, whole.records[i].offset);
            cr_assert_eq(part.records[i].payload.length, whole.records[i].payload.length);
        }
    }
    postfix_file_done(&file);
}

Test(postfix_records, end_where_the_file_does_though_more_was_read)
{
    struct postfix_file file;
    make_file(&file);

    for (uint64_t size = 0; size < file.size; size++) {
        struct walked walked;
        walk_with(&file, file.size, size, &walked);

        cr_assert_eq(walked.verdict, SPR_MALFORMED, "size %llu", (unsigned long long)size);
        for (unsigned i = 0; i < walked.count; i++) {
            const struct spr_postfix_record *record = &walked.records[i];
            cr_assert_leq(record->offset + 2 + record->payload.length, size);
        }
    }
    postfix_file_done(&file);
}

struct sizes {
    char payload[96];
    bool good;
    unsigned count;
    uint64_t values[SPR_POSTFIX_SIZES_MAX];
};

ParameterizedTestParameters(postfix_records, take_the_numbers_of_a_size_record)
{
    static struct sizes cases[] = {
        { "           4906            2164              12               0",
          true,
          3,
          { 4906, 2164, 12 } },
        { "1 2 3", true, 3, { 1, 2, 3 } },
        { "             97", true, 1, { 97 } },
        { "1 2", true, 2, { 1, 2 } },
        { "", true, 0, { 0 } },
        { "                ", true, 0, { 0 } },
        { "9999999999999999999 1 1", true, 3, { 9999999999999999999u, 1, 1 } },
        { "99999999999999999999 1 1", false, 0, { 0 } },
        { "1 -2 3", false, 0, { 0 } },
        { "1 2 3x", false, 0, { 0 } },
        { "1 2 3 not looked at", true, 3, { 1, 2, 3 } },
    };
    return cr_make_param_array(struct sizes, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct sizes *one, postfix_records, take_the_numbers_of_a_size_record)
{
    uint64_t values[SPR_POSTFIX_SIZES_MAX];
    unsigned count = 0;

    const bool good = spr_postfix_sizes(spr_text_of(one->payload), values, &count);

    cr_expect_eq(good, one->good, "\"%s\"", one->payload);
    cr_expect_eq(count, one->count, "\"%s\": %u", one->payload, count);
    for (unsigned i = 0; good && i < count; i++) {
        cr_expect_eq(values[i], one->values[i], "\"%s\": field %u", one->payload, i);
    }
}
