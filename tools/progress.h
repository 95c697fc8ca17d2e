/*
 * Progress on stderr: one line rewritten on a terminal, JSON lines with --progress=json, else
 * nothing. Also where Ctrl-C reaches the library.
 */
#ifndef SPR_TOOLS_PROGRESS_H
#define SPR_TOOLS_PROGRESS_H

#include "tools/cli.h"

enum spr_meter_kind { SPR_METER_NONE, SPR_METER_TERMINAL, SPR_METER_JSON };

struct spr_meter {
    enum spr_meter_kind kind;
    const char *what; /* "scan", "delete": constant text */
    int64_t started_ms, shown_ms;
    bool shown;
};

void spr_meter_init(struct spr_meter *meter, const struct spr_cli *cli, const char *what);
uint64_t spr_meter_passed_ms(const struct spr_meter *meter); /* at least 1 */
/* A spr_progress_fn; user is the meter. */
int spr_meter_tick(const struct spr_progress *progress, void *user);
/* Clears the line on a terminal. */
void spr_meter_end(struct spr_meter *meter);

#endif
