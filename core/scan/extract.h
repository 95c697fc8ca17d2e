/*
 * Bytes to one record: the sink that a format fills, and what core adds to it. Belongs to one
 * worker. The record's texts lie in what was read of the message or in the worker's arena.
 */
#ifndef SPR_CORE_SCAN_EXTRACT_H
#define SPR_CORE_SCAN_EXTRACT_H

#include "core/index/record.h"
#include "core/scan/walk.h"
#include "io/io.h"

#define SPR_RECIPIENTS_MAX 1000000 /* of one message; what is more is cut and counted */

/* One message as it was read. */
struct spr_fetched {
    struct spr_candidate *candidate;
    const struct spr_walk_folder *folder;
    struct spr_view view;
    struct spr_io_meta meta; /* of the primary */
    unsigned primary;        /* its role */
    uint32_t roles_present;  /* bit per role */
};

struct spr_extract;
int spr_extract_new(const struct spr_format *format, struct spr_extract **ret_extract);
void spr_extract_free(struct spr_extract *extract);

/* Runs the format over the view: 0, or -ENOMEM. */
int spr_extract_parse(struct spr_extract *extract, const struct spr_fetched *fetched,
                      enum spr_verdict *ret_verdict, struct spr_need *ret_need);
/* After SPR_PARSED; valid until the next parse, and as long as the view it was parsed from.
 * accounts.c may complete it. */
struct spr_record *spr_extract_record(struct spr_extract *extract);
bool spr_extract_was_cut(const struct spr_extract *extract); /* at SPR_RECIPIENTS_MAX */

#endif
