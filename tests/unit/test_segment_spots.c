/*
 * Property: of every row, a spot tells what its place does.
 */
#include "tests/support/sample_index.h"

#include <string.h>

#include <criterion/criterion.h>

enum { ROWS = 5000, GROUP = 300 }; /* more than a block; groups lie over its bounds */

static void expect_as_place(struct spr_segment_reader *reader, uint32_t row,
                            const struct spr_segment_spot *spot)
{
    struct spr_segment_place place;
    struct spr_text folder;
    uint8_t copy[SPR_PATH_MAX]; /* the place's texts live until the next call */
    cr_assert_eq(spr_segment_place(reader, row, &place, NULL), 0);
    cr_expect_eq(spot->inode, place.inode, "row %u", row);
    cr_expect_eq(spot->stat_digest, place.stat_digest, "row %u", row);
    cr_expect_eq(spot->set_digest, place.set_digest, "row %u", row);
    cr_assert_eq(spot->name_length, place.name.length, "row %u", row);
    cr_expect_arr_eq(spot->name, place.name.bytes, spot->name_length, "row %u", row);
    const size_t length = place.folder.length;
    cr_assert_leq(length, sizeof(copy));
    memcpy(copy, place.folder.bytes, length);
    cr_assert_eq(spr_segment_string(reader, spot->folder, &folder, NULL), 0);
    cr_assert_eq(folder.length, length, "row %u", row);
    cr_expect_arr_eq(folder.bytes, copy, length, "row %u", row);
}

Test(segment_spots, tell_what_places_do)
{
    static struct spr_segment_spot spots[GROUP];
    struct sample_index index;
    struct spr_segment_reader *reader = NULL;
    struct spr_segment_reader *other = NULL;
    open_sample_index(&index, sample_mixed, 1, ROWS, 0);
    cr_assert_eq(spr_segment_reader_new(index.segments[0], &reader), 0);
    cr_assert_eq(spr_segment_reader_new(index.segments[0], &other), 0);

    for (uint32_t row = 0; row < ROWS; row += GROUP) {
        const uint32_t count = ROWS - row < GROUP ? ROWS - row : GROUP;
        cr_assert_eq(spr_segment_spots(reader, row, count, spots, NULL), 0);
        for (uint32_t i = 0; i < count; i++) {
            expect_as_place(other, row + i, &spots[i]);
        }
    }

    spr_segment_reader_free(other);
    spr_segment_reader_free(reader);
    close_sample_index(&index);
}
