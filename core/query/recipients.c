/*
 * Blocks begin at multiples of their size, so that each block of keys is decoded once.
 */
#include "core/query/recipients.h"

void spr_recipients_init(struct spr_recipients *recipients, const struct spr_segment *segment,
                         struct spr_segment_reader *reader, enum spr_segment_rcpt_value value)
{
    recipients->reader = reader;
    recipients->value = value;
    recipients->total = spr_segment_recipient_count(segment);
    recipients->first = 0;
    recipients->count = 0;
}

int spr_recipients_load(struct spr_recipients *recipients, uint64_t item, struct spr_fault *fault)
{
    const uint64_t first = item / SPR_SEGMENT_BLOCK * SPR_SEGMENT_BLOCK;
    recipients->count = 0;
    if (item >= recipients->total) { /* the segment says what is wrong */
        return spr_segment_recipient_values(recipients->reader, recipients->value, item, 1,
                                            recipients->items, fault);
    }
    const uint64_t left = recipients->total - first;
    const uint32_t count = left < SPR_SEGMENT_BLOCK ? (uint32_t)left : SPR_SEGMENT_BLOCK;
    const int r = spr_segment_recipient_values(recipients->reader, recipients->value, first, count,
                                               recipients->items, fault);
    if (r == 0) {
        recipients->first = first;
        recipients->count = count;
    }
    return r;
}
