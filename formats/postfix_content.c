/*
 * The message in a Postfix queue file as it travels: text records joined to lines.
 *
 * The position is always at a record's start, so that every view needs to hold no more than the
 * records it is to hand out.
 */
#include "formats/cursor.h"
#include "formats/postfix.h"

#define READ_AHEAD (128u * 1024) /* more than the longest record */

enum stage {
    STAGE_ENVELOPE, /* the content's place is not known yet */
    STAGE_CONTENT,
    STAGE_END,
};

/* From the size record, or after the record that ends the envelope. */
static enum spr_verdict find_content(struct spr_postfix_walk *walk, struct spr_position *position)
{
    while (position->stage == STAGE_ENVELOPE) { /* ended by the walk's budget */
        struct spr_postfix_record record;
        enum spr_verdict verdict = spr_postfix_walk_next(walk, &record);
        if (verdict != SPR_PARSED) {
            return verdict;
        }
        uint64_t sizes[SPR_POSTFIX_SIZES_MAX];
        unsigned count = 0;
        if (record.type == 'M') {
            position->stage = STAGE_CONTENT;
        } else if (record.type == 'C' && spr_postfix_sizes(record.payload, sizes, &count) &&
                   count > 1 && sizes[0] > 0 && sizes[1] > walk->offset) {
            position->stage = STAGE_CONTENT;
            spr_postfix_walk_to(walk, sizes[1]);
        } else if (record.type == 'E' || record.type == 'X') {
            return spr_postfix_malformed(walk, record.offset, "envelope without content");
        }
    }
    return SPR_PARSED;
}

/* Hands out the text of one record, with the line break it stands for. */
static bool hand_out(const struct spr_postfix_record *record, spr_content_fn on_bytes, void *user)
{
    if (record->payload.length > 0 && !on_bytes(record->payload, user)) {
        return false;
    }
    return record->type == 'L' || on_bytes(spr_text_of("\n"), user);
}

static enum spr_verdict read_content(struct spr_postfix_walk *walk, struct spr_position *position,
                                     spr_content_fn on_bytes, void *user)
{
    while (position->stage == STAGE_CONTENT) { /* ended by the walk's budget */
        struct spr_postfix_record record;
        enum spr_verdict verdict = spr_postfix_walk_next(walk, &record);
        if (verdict != SPR_PARSED) {
            return verdict;
        }
        if (record.type == 'N' || record.type == 'L') {
            if (!hand_out(&record, on_bytes, user)) {
                position->stage = STAGE_END;
            }
        } else if (record.type == 'X' || record.type == 'E') {
            position->stage = STAGE_END;
        } else if (record.type != 'w') {
            return spr_postfix_malformed(walk, record.offset,
                                         "record type does not belong into content");
        }
    }
    return SPR_PARSED;
}

enum spr_verdict spr_postfix_content(const struct spr_view *view, struct spr_position *position,
                                     spr_content_fn on_bytes, void *user, struct spr_need *ret_need)
{
    struct spr_postfix_walk walk;
    spr_postfix_walk_init(&walk, &view->files[SPR_POSTFIX_MESSAGE], ret_need, position->offset);
    walk.backward = position->jumps;

    enum spr_verdict verdict = find_content(&walk, position);
    if (verdict == SPR_PARSED) {
        verdict = read_content(&walk, position, on_bytes, user);
    }
    position->offset = walk.offset;
    position->jumps = walk.backward;
    if (verdict == SPR_MORE) { /* the next view may hold nothing else: from the record's start */
        ret_need->offset = walk.offset;
        ret_need->length = READ_AHEAD;
    }
    return verdict;
}
