/*
 * One line of the ledger: text to struct and back. Values are decimal numbers or, for texts,
 * printable ASCII with everything else as %XX; the last word is #CHECKSUM.
 */
#ifndef SPR_CORE_BATCH_LEDGER_LINE_H
#define SPR_CORE_BATCH_LEDGER_LINE_H

#include "core/batch/ledger.h"

enum spr_ledger_kind {
    SPR_LEDGER_JOB,
    SPR_LEDGER_BATCH,
    SPR_LEDGER_PURGE,
    SPR_LEDGER_ROOM,
    SPR_LEDGER_END,
};

struct spr_ledger_line {
    enum spr_ledger_kind kind;
    struct spr_ledger_job job;     /* .job always; JOB: all; END: .state */
    struct spr_ledger_batch batch; /* BATCH: all; PURGE: .number, .purged_messages; ROOM:
                                      that, .next and job.room_names */
};

/* Without its newline. SPR_E_CORRUPT; texts in line->job are the caller's in any case. */
int spr_ledger_line_parse(struct spr_text text, struct spr_ledger_line *line);
/* With its newline. */
int spr_ledger_line_print(const struct spr_ledger_line *line, char **ret_text, size_t *ret_length);

#endif
