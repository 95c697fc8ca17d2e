#include "core/index/strings.h"

#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#define TOGETHER 32
#define STRINGS  20000

static struct spr_text number_text(char out[32], uint32_t number)
{
    const int length = snprintf(out, 32, "string %u", number);
    return (struct spr_text){ (const uint8_t *)out, (size_t)length };
}

Test(strings, get_ids_in_the_order_of_first_use)
{
    struct spr_strings strings;
    spr_strings_init(&strings, 99, 0);
    char text[32];

    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < STRINGS; i++) {
            uint32_t id = UINT32_MAX;
            cr_assert_eq(spr_strings_intern(&strings, number_text(text, i), &id), 0);
            cr_assert_eq(id, i);
        }
    }

    cr_expect_eq(strings.count, STRINGS);
    uint64_t offset = 0;
    for (uint32_t i = 0; i < STRINGS; i++) {
        const struct spr_text kept = spr_strings_text(&strings, &offset);
        const struct spr_text expected = number_text(text, i);
        cr_assert_eq(kept.length, expected.length);
        cr_assert_eq(memcmp(kept.bytes, expected.bytes, kept.length), 0);
    }
    spr_strings_free(&strings);
}

Test(strings, tell_texts_with_nul_and_the_empty_text_apart)
{
    struct spr_strings strings;
    spr_strings_init(&strings, 1, 0);
    uint32_t empty;
    uint32_t one;
    uint32_t two;

    cr_assert_eq(spr_strings_intern(&strings, (struct spr_text){ (const uint8_t *)"", 0 }, &empty),
                 0);
    cr_assert_eq(spr_strings_intern(&strings, (struct spr_text){ (const uint8_t *)"\0", 1 }, &one),
                 0);
    cr_assert_eq(
        spr_strings_intern(&strings, (struct spr_text){ (const uint8_t *)"\0\0", 2 }, &two), 0);

    cr_expect_eq(empty, 0);
    cr_expect_eq(one, 1);
    cr_expect_eq(two, 2);
    spr_strings_free(&strings);
}

Test(strings, can_be_used_again_after_clearing)
{
    struct spr_strings strings;
    spr_strings_init(&strings, 5, 0xffff);
    char text[32];
    uint32_t id;
    cr_assert_eq(spr_strings_intern(&strings, number_text(text, 1), &id), 0);

    spr_strings_clear(&strings);

    cr_assert_eq(spr_strings_intern(&strings, number_text(text, 2), &id), 0);
    cr_expect_eq(id, 0);
    spr_strings_free(&strings);
}

Test(strings, get_the_same_ids_together_as_one_by_one)
{
    struct spr_strings strings;
    spr_strings_init(&strings, 7, 0xffff);
    char texts[TOGETHER][32];
    struct spr_string_search searches[TOGETHER];

    for (uint32_t round = 0; round < 100; round++) {
        for (uint32_t i = 0; i < TOGETHER; i++) {
            const struct spr_text text = number_text(texts[i], round * 3 + i % 20);
            spr_strings_search(&strings, text, &searches[i]);
        }
        for (uint32_t i = 0; i < TOGETHER; i++) {
            uint32_t settled = UINT32_MAX;
            uint32_t id = 0;
            spr_strings_search_on(&strings, &searches[i]);
            cr_assert_eq(spr_strings_settle(&strings, &searches[i], &settled), 0);
            cr_assert_eq(spr_strings_intern(&strings, searches[i].text, &id), 0);
            cr_assert_eq(settled, id);
        }
    }

    cr_expect_eq(strings.count, 99 * 3 + 20);
    spr_strings_free(&strings);
}

Test(strings, are_tagged_by_their_normal_form)
{
    struct spr_strings strings;
    spr_strings_init(&strings, 7, 0xffff);
    uint32_t id;
    cr_assert_eq(
        spr_strings_intern(&strings, (struct spr_text){ (const uint8_t *)"Bob@A.test", 10 }, &id),
        0);
    cr_assert_eq(
        spr_strings_intern(&strings, (struct spr_text){ (const uint8_t *)"<bob@a.TEST>", 12 }, &id),
        0);
    cr_assert_eq(
        spr_strings_intern(&strings, (struct spr_text){ (const uint8_t *)"bob@a.test", 10 }, &id),
        0);

    cr_assert_eq(strings.tags.length, 6);
    cr_expect_eq(memcmp(strings.tags.at, strings.tags.at + 2, 2), 0);
    cr_expect_eq(memcmp(strings.tags.at, strings.tags.at + 4, 2), 0);
    spr_strings_free(&strings);
}
