/*
 * Property: of the strings of a segment all are told that have the literal, in whatever form.
 */
#include "core/index/address.h"
#include "core/index/layout.h"
#include "formats/cursor.h"
#include "tests/support/sample_index.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

struct search {
    struct spr_text literal;
    uint8_t *told; /* one a string */
    unsigned missed, told_count;
};

static int note_told(uint32_t id, struct spr_text text, void *user)
{
    struct search *search = user;
    (void)text;
    search->told[id] = 1;
    search->told_count++;
    return 0;
}

static bool has_literal(struct spr_text text, struct spr_text literal)
{
    uint8_t lower[SPR_SEGMENT_TEXT_MAX];
    for (size_t i = 0; i < text.length; i++) {
        const uint8_t byte = text.bytes[i];
        lower[i] = byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + 32) : byte;
    }
    return memmem(lower, text.length, literal.bytes, literal.length) != NULL;
}

static int note_missed(uint32_t id, struct spr_text text, void *user)
{
    struct search *search = user;
    uint8_t bytes[SPR_ADDRESS_MAX];
    bool has = has_literal(text, search->literal) ||
               has_literal(spr_address_unquote(text, bytes), search->literal);
    const struct spr_text normal = { bytes, spr_address_normalise(text, bytes) };
    has = has || has_literal(normal, search->literal);
    search->missed += has && search->told[id] == 0 ? 1 : 0;
    return 0;
}

Test(segment_search, tells_every_string_that_has_the_literal)
{
    static const char *const literals[] = { "example", "bulk.ex", "b\xc3\xbc", "a b",   "xn--",
                                            "@d1.",    "u1",      "\\",        "host3", "z" };
    struct sample_index index;
    struct spr_segment_reader *reader = NULL;
    open_sample_index(&index, sample_mixed, 1, 3000, 0);
    cr_assert_eq(spr_segment_reader_new(index.segments[0], &reader), 0);
    const struct spr_segment_ids all = spr_segment_ids_of(index.segments[0], SPR_COLUMN_COUNT);
    struct search search = { .told = malloc(all.end) };
    cr_assert_not_null(search.told);

    for (size_t i = 0; i < sizeof(literals) / sizeof(literals[0]); i++) {
        search.literal = spr_text_of(literals[i]);
        memset(search.told, 0, all.end);
        cr_assert_eq(
            spr_segment_strings_with(reader, all, search.literal, note_told, &search, NULL), 0);
        cr_assert_eq(spr_segment_strings(reader, all, note_missed, &search, NULL), 0);
        cr_expect_eq(search.missed, 0, "%u strings with %s", search.missed, literals[i]);
    }

    free(search.told);
    spr_segment_reader_free(reader);
    close_sample_index(&index);
}

Test(segment_search, tells_few_of_ordinary_strings)
{
    struct sample_index index;
    struct spr_segment_reader *reader = NULL;
    open_sample_index(&index, sample_message, 1, 3000, 0);
    cr_assert_eq(spr_segment_reader_new(index.segments[0], &reader), 0);
    const struct spr_segment_ids ids = spr_segment_ids_of_recipients(index.segments[0]);
    struct search search = { .literal = spr_text_of("u1@d1.test") };
    search.told = calloc(ids.end, 1);
    cr_assert_not_null(search.told);

    cr_assert_eq(spr_segment_strings_with(reader, ids, search.literal, note_told, &search, NULL),
                 0);

    cr_expect_lt(search.told_count, (ids.end - ids.first) / 2);
    free(search.told);
    spr_segment_reader_free(reader);
    close_sample_index(&index);
}

Test(segment_search, stays_within_its_range)
{
    struct sample_index index;
    struct spr_segment_reader *reader = NULL;
    open_sample_index(&index, sample_mixed, 1, 500, 0);
    cr_assert_eq(spr_segment_reader_new(index.segments[0], &reader), 0);
    const struct spr_segment_ids all = spr_segment_ids_of(index.segments[0], SPR_COLUMN_COUNT);
    const struct spr_segment_ids some = { all.end / 3, all.end / 2 };
    struct search search = { .told = calloc(all.end, 1), .literal = spr_text_of("e") };
    cr_assert_not_null(search.told);

    cr_assert_eq(spr_segment_strings_with(reader, some, search.literal, note_told, &search, NULL),
                 0);

    cr_expect_gt(search.told_count, 0);
    for (uint32_t id = 0; id < all.end; id++) {
        cr_expect(search.told[id] == 0 || (id >= some.first && id < some.end), "%u", id);
    }
    free(search.told);
    spr_segment_reader_free(reader);
    close_sample_index(&index);
}
