/*
 * One value of all recipients of a segment, read in blocks: for walks over many rows.
 */
#ifndef SPR_CORE_QUERY_RECIPIENTS_H
#define SPR_CORE_QUERY_RECIPIENTS_H

#include "core/index/segment.h"

struct spr_recipients {
    struct spr_segment_reader *reader;
    enum spr_segment_rcpt_value value;
    uint64_t total;
    uint64_t first; /* in hand; of the segment's recipients */
    uint32_t count;
    uint32_t items[SPR_SEGMENT_BLOCK];
};

void spr_recipients_init(struct spr_recipients *recipients, const struct spr_segment *segment,
                         struct spr_segment_reader *reader, enum spr_segment_rcpt_value value);
int spr_recipients_load(struct spr_recipients *recipients, uint64_t item, struct spr_fault *fault);

/* The value of a recipient by its place in the segment; SPR_E_CORRUPT beyond the last. */
static inline int spr_recipients_at(struct spr_recipients *recipients, uint64_t item,
                                    uint32_t *ret_value, struct spr_fault *fault)
{
    if (item - recipients->first >= recipients->count) {
        const int r = spr_recipients_load(recipients, item, fault);
        if (r < 0) {
            return r;
        }
    }
    *ret_value = recipients->items[item - recipients->first];
    return 0;
}

#endif
