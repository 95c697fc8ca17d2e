/*
 * Counting by text: spellings that share a normal form count as one value, shown in the spelling
 * most messages have.
 */
#ifndef SPR_CORE_QUERY_TALLY_H
#define SPR_CORE_QUERY_TALLY_H

#include "core/spoolray.h"

struct spr_tally;

/* seed: of the index, so that nobody outside can choose texts that collide. */
int spr_tally_new(uint64_t seed, struct spr_tally **ret_tally);
void spr_tally_free(struct spr_tally *tally);

/* The number of a spelling; both texts are copied. */
int spr_tally_spelling(struct spr_tally *tally, struct spr_text spelled, struct spr_text normal,
                       uint32_t *ret_spelling);
/* True: the spelling is known already. */
bool spr_tally_find(const struct spr_tally *tally, struct spr_text spelled, uint32_t *ret_spelling);
uint64_t spr_tally_values(const struct spr_tally *tally); /* of all spellings, counted or not */
#define SPR_TALLY_UNKNOWN UINT32_MAX                      /* the spelling of what has no text */

/* One message as it counts. */
struct spr_tally_message {
    uint64_t mark; /* differs from message to message; not 0 */
    uint64_t recipients, bytes;
    int64_t arrival; /* SPR_TIME_UNKNOWN */
};
/* Counts recipients; the first time with this mark also the message. */
void spr_tally_count(struct spr_tally *tally, uint32_t spelling,
                     const struct spr_tally_message *message);

/* Ranks by falling count of messages, then by text. After it nothing is counted any more. */
int spr_tally_rank(struct spr_tally *tally);
/* Values that were counted. */
uint64_t spr_tally_size(const struct spr_tally *tally);
/* The row of a rank below the size; texts live as long as the tally. Ranks are found when they are
 * asked for: the first of many values cost little. */
void spr_tally_row(struct spr_tally *tally, uint64_t rank, struct spr_top_row *ret_row,
                   struct spr_text *ret_normal);

#endif
