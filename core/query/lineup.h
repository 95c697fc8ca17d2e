/*
 * The largest accounts, local users or clients of a set of messages, each with its profile.
 */
#ifndef SPR_CORE_QUERY_LINEUP_H
#define SPR_CORE_QUERY_LINEUP_H

#include "core/query/profile.h"
#include "core/query/suspect.h"
#include "core/query/tally.h"

/* A culprit is among the largest by messages or by recipients; the rest only counts as peers. */
#define SPR_LINEUP_BY_MESSAGES 6
#define SPR_LINEUP_MAX         8

struct spr_lineup_member {
    struct spr_text name;    /* as most of its messages spell it; borrowed from the tally */
    uint64_t rank, messages; /* in the table */
    uint64_t **rows;         /* one bitmap a segment; NULL: too small to be looked at */
    struct spr_profile profile;
    struct spr_suspect suspect;
    struct spr_judgement judgement;
};

struct spr_lineup {
    struct spr_tally *tally;
    uint32_t segment_count;
    struct spr_lineup_member members[SPR_LINEUP_MAX]; /* the first ones by falling messages */
    unsigned count;
    int best; /* the guilty one with most points, -1: nobody */
};

/* rows: the messages to consider. whole: the profile of the whole queue. */
int spr_lineup_make(const struct spr_snapshot *snapshot, uint64_t *const *rows,
                    const struct spr_profile *whole, enum spr_culprit kind,
                    struct spr_lineup *ret_lineup, struct spr_fault *fault);
void spr_lineup_done(struct spr_lineup *lineup);

/* Median recipients a message of those in whole but not in part (NULL: all). */
double spr_lineup_fanout(const struct spr_profile *whole, const struct spr_profile *part);
/* Bitmaps, all clear; NULL: no memory. */
uint64_t **spr_lineup_rows_new(const struct spr_snapshot *snapshot);
void spr_lineup_rows_free(uint64_t **rows, uint32_t segment_count);

#endif
