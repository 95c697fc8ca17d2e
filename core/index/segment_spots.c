/*
 * Where messages lie and how their files looked, of many rows at once. Each column is decoded once
 * for a whole block, not asked again for every row.
 */
#include "core/index/classes.h"
#include "core/index/identity.h"
#include "core/index/segment_view.h"

#include <string.h>

enum { FOLDER, INODE, STAT_DIGEST, SET_DIGEST, ID_SHAPE, ID_NUMBER, ARRIVAL, SPOT_COLUMNS };

static const unsigned COLUMN_OF[SPOT_COLUMNS] = {
    [FOLDER] = SPR_AT_FOLDER,
    [INODE] = SPR_AT_INODE,
    [STAT_DIGEST] = SPR_AT_STAT_DIGEST,
    [SET_DIGEST] = SPR_AT_SET_DIGEST,
    [ID_SHAPE] = SPR_AT_ID_SHAPE,
    [ID_NUMBER] = SPR_AT_ID_NUMBER,
    [ARRIVAL] = SPR_AT_NUMBER + SPR_NUMBER_ARRIVAL,
};

/* A row whose queue id has a shape has one file, of that name. False: it has none, or a key is out
 * of range. */
static bool take_shaped(const uint64_t *const keys[SPOT_COLUMNS], uint32_t at,
                        struct spr_segment_spot *spot)
{
    const uint64_t shape = keys[ID_SHAPE][at];
    if (shape == SPR_ID_LITERAL || shape > SPR_ID_BASE52 || keys[STAT_DIGEST][at] > UINT32_MAX ||
        keys[SET_DIGEST][at] > UINT32_MAX) {
        return false;
    }
    const struct spr_id_facts facts = { keys[INODE][at],
                                        (int64_t)(keys[ARRIVAL][at] ^ SPR_SIGN_BIT) };
    spot->name_length =
        spr_id_join((enum spr_id_shape)shape, keys[ID_NUMBER][at], facts, spot->name);
    const struct spr_record_file file = { 0, { spot->name, spot->name_length } };
    spot->inode = facts.inode;
    spot->stat_digest = (uint32_t)keys[STAT_DIGEST][at];
    spot->set_digest = (uint32_t)keys[SET_DIGEST][at] ^ spr_set_digest(&file, 1);
    return spot->name_length > 0;
}

/* Any row; this also tells what is wrong with one. */
static int take_any(struct spr_segment_reader *reader, uint32_t row, struct spr_segment_spot *spot,
                    struct spr_fault *fault)
{
    struct spr_segment_place place;
    const int r = spr_segment_place(reader, row, &place, fault);
    if (r < 0) {
        return r;
    }
    spot->inode = place.inode;
    spot->stat_digest = place.stat_digest;
    spot->set_digest = place.set_digest;
    spot->name_length = place.name.length <= SPR_NAME_MAX ? place.name.length : 0;
    memcpy(spot->name, place.name.bytes, spot->name_length);
    return 0;
}

/* Up to count rows, those in one block. */
static int take_part(struct spr_segment_reader *reader, uint32_t first, uint32_t count,
                     struct spr_segment_spot *ret_spots, uint32_t *ret_part,
                     struct spr_fault *fault)
{
    const uint64_t *keys[SPOT_COLUMNS];
    int r = 0;
    for (unsigned i = 0; r == 0 && i < SPOT_COLUMNS; i++) {
        r = spr_segment_key_part(reader, COLUMN_OF[i], first, count, &keys[i], ret_part, fault);
    }
    for (uint32_t i = 0; r == 0 && i < *ret_part; i++) {
        struct spr_segment_spot *spot = &ret_spots[i];
        r = spr_segment_id(reader->segment, SPR_CLASS_OTHER, keys[FOLDER][i], &spot->folder, fault);
        if (r == 0 && !take_shaped(keys, i, spot)) {
            r = take_any(reader, first + i, spot, fault);
        }
    }
    return r;
}

int spr_segment_spots(struct spr_segment_reader *reader, uint32_t first, uint32_t count,
                      struct spr_segment_spot *ret_spots, struct spr_fault *fault)
{
    int r = 0;
    while (r == 0 && count > 0) {
        uint32_t part = 0;
        r = take_part(reader, first, count, ret_spots, &part, fault);
        first += part;
        ret_spots += part;
        count -= part;
    }
    return r;
}
