#include "core/index/queue_id.h"

#include <string.h>

#include <criterion/criterion.h>

struct sample {
    const char *id;
    uint64_t inode;
    int64_t arrival;
    enum spr_id_shape shape;
};

/* Postfix's two kinds, and what only looks like them. */
static const struct sample SAMPLES[] = {
    { "4A1F012D687", 0x12d687, 1795300000, SPR_ID_HEX },
    { "000001", 1, INT64_MIN, SPR_ID_HEX },
    { "FFFFFFFFFFFFFFFFFFFFF", UINT64_MAX, 5, SPR_ID_HEX },
    { "4a1f012d687", 0x12d687, 1795300000, SPR_ID_LITERAL },
    { "4A1F012D687", 0x12d688, 1795300000, SPR_ID_LITERAL },
    { "4A1F0012D687", 0x12d687, 1795300000, SPR_ID_LITERAL },
    { "4A1F0", 0, 0, SPR_ID_LITERAL },
    { "", 0, 0, SPR_ID_LITERAL },
    { "3Pt2mN2VXxz1B", 61, 0, SPR_ID_BASE52 },
    { "3Pt2mN2VXxz1B", 61, 1346000000, SPR_ID_BASE52 },
    { "3Pt2mN2VXxz1B", 61, INT64_MAX, SPR_ID_LITERAL },
    { "3Pt2mN2VXxz01B", 61, 0, SPR_ID_LITERAL },
    { "3Pt2mN2VXx1B", 61, 0, SPR_ID_LITERAL },
    { "zzzzzzzzzzz1", 1, 0, SPR_ID_BASE52 },
};

Test(queue_id, comes_back_as_it_was_or_has_no_shape)
{
    for (size_t i = 0; i < sizeof(SAMPLES) / sizeof(SAMPLES[0]); i++) {
        const struct sample *sample = &SAMPLES[i];
        const struct spr_text id = { (const uint8_t *)sample->id, strlen(sample->id) };
        const struct spr_id_facts facts = { sample->inode, sample->arrival };
        uint64_t number = 0;
        uint8_t joined[SPR_ID_SHAPED_MAX];

        const enum spr_id_shape shape = spr_id_split(id, facts, &number);

        cr_assert_eq(shape, sample->shape, "%s", sample->id);
        if (shape != SPR_ID_LITERAL) {
            uint64_t inode = 0;
            cr_assert_eq(spr_id_join(shape, number, facts, joined), id.length, "%s", sample->id);
            cr_assert_eq(memcmp(joined, id.bytes, id.length), 0, "%s", sample->id);
            cr_assert(spr_id_inode(shape, id, &inode));
            cr_assert_eq(inode, sample->inode);
        }
    }
}

Test(queue_id, of_a_number_beyond_its_shape_is_refused)
{
    uint8_t joined[SPR_ID_SHAPED_MAX];
    const struct spr_id_facts facts = { 1, 1 };

    cr_expect_eq(spr_id_join(SPR_ID_HEX, 0x100000, facts, joined), 0);
    cr_expect_eq(spr_id_join(SPR_ID_BASE52, UINT64_MAX, facts, joined), 0);
    cr_expect_eq(spr_id_join(SPR_ID_LITERAL, 1, facts, joined), 0);
}
