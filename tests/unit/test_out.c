#include "tools/out.h"

#include <stdlib.h>

#include <criterion/criterion.h>

/* Pieces of every length around the buffer's end, numbered so that a lost or doubled one shows. */
static void write_pieces(struct spr_out *out)
{
    for (int64_t i = 0; i < 4000; i++) {
        spr_out_number(out, i);
        spr_out_spaces(out, (size_t)i % 41);
        spr_out_char(out, '\n');
    }
}

Test(out, writes_the_same_to_a_stream_and_to_memory)
{
    char *written = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&written, &length);
    struct spr_out to_stream;
    struct spr_out kept;
    spr_out_begin(&to_stream, stream);
    spr_out_begin(&kept, NULL);

    write_pieces(&to_stream);
    write_pieces(&kept);
    spr_out_end(&to_stream);

    cr_assert_eq(fclose(stream), 0);
    const struct spr_text text = spr_out_text(&kept);
    cr_assert(length > 2 * (size_t)SPR_OUT_BYTES);
    cr_assert_not(kept.failed);
    cr_assert_eq(text.length, length);
    cr_assert_eq(memcmp(text.bytes, written, length), 0);
    spr_out_end(&kept);
    free(written);
}

Test(out, writes_every_number)
{
    static const int64_t numbers[] = { 0, 9, 10, -1, INT64_MAX, INT64_MIN };
    struct spr_out out;
    spr_out_begin(&out, NULL);

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        spr_out_number(&out, numbers[i]);
        spr_out_char(&out, i + 1 < sizeof(numbers) / sizeof(numbers[0]) ? ' ' : '\0');
    }

    cr_assert_str_eq((const char *)spr_out_text(&out).bytes,
                     "0 9 10 -1 9223372036854775807 -9223372036854775808");
    spr_out_end(&out);
}
