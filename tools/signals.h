/*
 * Ctrl-C: the first asks the running operation to stop at its next safe point, the second says why
 * that takes a while and how to go on, the third ends at once (resume settles it).
 */
#ifndef SPR_TOOLS_SIGNALS_H
#define SPR_TOOLS_SIGNALS_H

#include <stdbool.h>

/* Catches SIGINT, SIGTERM and SIGHUP, and ignores SIGPIPE: a change must not end half-way because
 * nobody reads its output. */
void spr_signals_catch(bool changes);
bool spr_signals_stopped(void);

#endif
