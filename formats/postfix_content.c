/*
 * The content of a Postfix message: the text records between M and X, pointers followed.
 *
 * stage 0: in the envelope, looking for M; stage 1: in the content. position.jumps carries the
 * budget of backward jumps from call to call, so that no file is read for ever.
 */
#include "formats/postfix.h"

enum stage { STAGE_ENVELOPE, STAGE_CONTENT };

enum spr_verdict spr_postfix_content(const struct spr_view *view, struct spr_position *position,
                                     spr_content_fn on_bytes, void *user, struct spr_need *ret_need)
{
    static const uint8_t line_end[] = { '\n' };
    struct spr_postfix_walk walk;
    spr_postfix_walk_init(&walk, &view->files[SPR_POSTFIX_MESSAGE], ret_need);
    walk.offset = position->offset;
    walk.backward = position->jumps;

    for (;;) { /* ends with the walk's budget */
        struct spr_postfix_record record;
        const enum spr_verdict verdict = spr_postfix_walk_next(&walk, &record);
        position->offset = walk.offset;
        position->jumps = walk.backward;
        if (verdict != SPR_PARSED) {
            return verdict;
        }
        if (record.type == 'E' || record.type == 'X') {
            return SPR_PARSED;
        }
        if (position->stage == STAGE_ENVELOPE) {
            position->stage = record.type == 'M' ? STAGE_CONTENT : STAGE_ENVELOPE;
            continue;
        }
        if (record.type != 'N' && record.type != 'L') {
            continue; /* padding */
        }
        if (record.payload.length > 0 && !on_bytes(record.payload, user)) {
            return SPR_PARSED;
        }
        if (record.type == 'N' &&
            !on_bytes((struct spr_text){ line_end, sizeof(line_end) }, user)) {
            return SPR_PARSED;
        }
    }
}
