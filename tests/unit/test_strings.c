#include "core/index/strings.h"

#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#define STRINGS 20000

static struct spr_text number_text(char out[32], uint32_t number)
{
    const int length = snprintf(out, 32, "string %u", number);
    return (struct spr_text){ (const uint8_t *)out, (size_t)length };
}

Test(strings, get_ids_in_the_order_of_first_use)
{
    struct spr_strings strings;
    spr_strings_init(&strings, 99);
    char text[32];

    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < STRINGS; i++) {
            uint32_t id = UINT32_MAX;
            cr_assert_eq(spr_strings_intern(&strings, number_text(text, i), &id), 0);
            cr_assert_eq(id, i);
        }
    }

    cr_expect_eq(strings.count, STRINGS);
    for (uint32_t i = 0; i < STRINGS; i++) {
        const struct spr_text kept = spr_strings_text(&strings, i);
        const struct spr_text expected = number_text(text, i);
        cr_assert_eq(kept.length, expected.length);
        cr_assert_eq(memcmp(kept.bytes, expected.bytes, kept.length), 0);
    }
    spr_strings_free(&strings);
}

Test(strings, tell_texts_with_nul_and_the_empty_text_apart)
{
    struct spr_strings strings;
    spr_strings_init(&strings, 1);
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
    spr_strings_init(&strings, 5);
    char text[32];
    uint32_t id;
    cr_assert_eq(spr_strings_intern(&strings, number_text(text, 1), &id), 0);

    spr_strings_clear(&strings);

    cr_assert_eq(spr_strings_intern(&strings, number_text(text, 2), &id), 0);
    cr_expect_eq(id, 0);
    spr_strings_free(&strings);
}

Test(strings, lie_in_an_arena_that_serves_any_length)
{
    struct spr_arena arena = { 0 };

    for (size_t length = 0; length < 3000000; length = length * 3 + 1) {
        uint8_t *bytes = spr_arena_take(&arena, length);
        cr_assert_not_null(bytes);
        memset(bytes, 0xaa, length);
    }
    spr_arena_reset(&arena);

    cr_expect_not_null(spr_arena_take(&arena, 10));
    spr_arena_free(&arena);
}
