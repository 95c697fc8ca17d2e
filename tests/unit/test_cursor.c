#include "formats/cursor.h"
#include "formats/format.h"

#include <string.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

static struct spr_cursor cursor_over(const char *bytes, size_t length)
{
    struct spr_cursor c;
    spr_cursor_init(&c, (struct spr_text){ .bytes = (const uint8_t *)bytes, .length = length });
    return c;
}

static void expect_text(struct spr_text text, const char *want)
{
    cr_expect_not_null(text.bytes);
    cr_expect(spr_text_equal(text, want), "%.*s is not %s", (int)text.length,
              (const char *)text.bytes, want);
}

Test(cursor, takes_little_endian_numbers)
{
    struct spr_cursor c = cursor_over("\x01\x02\x03\x04\x05\x06\x07"
                                      "\x11\x12\x13\x14\x15\x16\x17\x98",
                                      15);

    cr_expect_eq(spr_take_u8(&c), 0x01);
    cr_expect_eq(spr_take_u16le(&c), 0x0302);
    cr_expect_eq(spr_take_u32le(&c), 0x07060504);
    cr_expect_eq(spr_take_u64le(&c), UINT64_C(0x9817161514131211));
    cr_expect_eq(spr_cursor_left(&c), 0);
    cr_expect_not(spr_cursor_failed(&c));
}

struct cut {
    const char *name;
    size_t length;
};

ParameterizedTestParameters(cursor, stays_failed_after_a_short_read)
{
    static struct cut cuts[] = {
        { "empty", 0 },
        { "one byte missing", 3 },
    };
    return cr_make_param_array(struct cut, cuts, sizeof(cuts) / sizeof(cuts[0]));
}

ParameterizedTest(struct cut *cut, cursor, stays_failed_after_a_short_read)
{
    struct spr_cursor c = cursor_over("\x01\x02\x03\x04", cut->length);

    cr_expect_eq(spr_take_u32le(&c), 0);
    cr_expect(spr_cursor_failed(&c));
    cr_expect_eq(c.offset, 0);
    cr_expect_eq(spr_take_u8(&c), 0);
    expect_text(spr_take_bytes(&c, 0), "");
}

Test(cursor, keeps_the_first_reason)
{
    struct spr_cursor c = cursor_over("a", 1);

    spr_cursor_fail(&c, "first");
    spr_cursor_fail(&c, "second");

    cr_expect_str_eq(c.reason, "first");
}

Test(cursor, refuses_a_length_near_the_end_of_the_address_space)
{
    struct spr_cursor c = cursor_over("abc", 3);
    (void)spr_take_u8(&c);

    struct spr_text text = spr_take_bytes(&c, SIZE_MAX);

    cr_expect_eq(text.length, 0);
    cr_expect(spr_cursor_failed(&c));
}

Test(cursor, reads_the_largest_varint_and_refuses_a_larger_one)
{
    struct spr_cursor largest = cursor_over("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10);
    struct spr_cursor larger = cursor_over("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10);
    struct spr_cursor endless = cursor_over("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 11);
    struct spr_cursor cut = cursor_over("\x80", 1);

    cr_expect_eq(spr_take_varint(&largest), UINT64_MAX);
    cr_expect_not(spr_cursor_failed(&largest));
    cr_expect_eq(spr_take_varint(&larger), 0);
    cr_expect(spr_cursor_failed(&larger));
    cr_expect_eq(spr_take_varint(&endless), 0);
    cr_expect(spr_cursor_failed(&endless));
    cr_expect_eq(spr_take_varint(&cut), 0);
    cr_expect_eq(cut.offset, 0);
}

Test(cursor, takes_lines_with_either_ending_and_without_one)
{
    struct spr_cursor c = cursor_over("one\r\ntwo\n\nfour\r", 15);

    expect_text(spr_take_line(&c), "one");
    expect_text(spr_take_line(&c), "two");
    expect_text(spr_take_line(&c), "");
    expect_text(spr_take_line(&c), "four\r");
    cr_expect_not(spr_cursor_failed(&c));
    expect_text(spr_take_line(&c), "");
    cr_expect_str_eq(c.reason, "no more lines");
}

Test(cursor, finds_no_line_in_nothing)
{
    struct spr_cursor c;
    spr_cursor_init(&c, (struct spr_text){ 0 });

    expect_text(spr_take_line(&c), "");
    cr_expect(spr_cursor_failed(&c));
}

Test(text, compares_without_locale)
{
    struct spr_text text = spr_text_of("Q\xc4"
                                       "fr");

    cr_expect(spr_text_equal_nocase(text, "q\xc4"
                                          "FR"));
    cr_expect_not(spr_text_equal_nocase(text, "q\xe4"
                                              "fr"));
    cr_expect_not(spr_text_equal(text, "q\xc4"
                                       "fr"));
    cr_expect(spr_text_starts(text, "Q"));
    cr_expect_not(spr_text_starts(text, "Q\xc4"
                                        "frx"));
    cr_expect(spr_text_equal((struct spr_text){ 0 }, ""));
}

Test(text, reads_decimals_and_refuses_all_else)
{
    uint64_t value = 7;

    cr_expect(spr_text_decimal(spr_text_of("  42 "), &value));
    cr_expect_eq(value, 42);
    cr_expect(spr_text_decimal(spr_text_of("18446744073709551615"), &value));
    cr_expect_eq(value, UINT64_MAX);
    value = 7;
    cr_expect_not(spr_text_decimal(spr_text_of("18446744073709551616"), &value));
    cr_expect_not(spr_text_decimal(spr_text_of(""), &value));
    cr_expect_not(spr_text_decimal(spr_text_of("-1"), &value));
    cr_expect_not(spr_text_decimal(spr_text_of("1 2"), &value));
    cr_expect_eq(value, 7, "written on success only");
}

Test(view, looks_into_extents_only)
{
    const struct spr_extent extents[] = {
        { .offset = 0, .bytes = spr_text_of("abcd") },
        { .offset = 10, .bytes = spr_text_of("klm") },
    };
    const struct spr_file_view file = {
        .present = true, .size = 20, .extents = extents, .extent_count = 2
    };

    expect_text(spr_view_bytes(&file, 1, 3), "bcd");
    expect_text(spr_view_from(&file, 11), "lm");
    cr_expect_null(spr_view_bytes(&file, 1, 4).bytes, "reaches into the gap");
    cr_expect_null(spr_view_from(&file, 4).bytes);
    cr_expect_null(spr_view_from(&file, 13).bytes);
    cr_expect_null(spr_view_bytes(&file, 10, UINT64_MAX).bytes);
}
