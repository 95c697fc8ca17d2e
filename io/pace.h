/*
 * Warm or cold: how large windows are and how many workers run (PERF 9.2).
 *
 * Warm reading is bound by the processor: one worker a core, small windows that stay in its cache.
 * Cold reading is bound by the disk: more workers, and windows large enough that the disk sees
 * neighbours together.
 */
#ifndef SPR_IO_PACE_H
#define SPR_IO_PACE_H

#include "io/io.h"

#include <stdatomic.h>

struct spr_pace {
    uint32_t cores, workers_max; /* fixed by init, as are the next two */
    uint32_t window_max;
    uint32_t workers_cold;
    _Atomic uint32_t state;      /* bit 0: cold; above it: warm windows in a row while cold */
    _Atomic uint64_t neighbours; /* high half: pairs looked at, low half: adjacent ones */
};

/* One window's first reads. */
struct spr_pace_sample {
    uint32_t cached, missed;
};

/* descriptors: that may be open at once in the process. */
void spr_pace_init(struct spr_pace *pace, uint32_t workers_max, uint64_t descriptors);
/* Windows have at most this many requests. */
void spr_pace_limit(struct spr_pace *pace, uint64_t window_max);
/* A read that had to wait for the disk, told by RWF_NOWAIT or, without it, by its time. */
bool spr_pace_is_slow(uint64_t read_ns);
/* Whether the rest of the window is read cold, after what its first reads showed. */
bool spr_pace_is_cold(const struct spr_pace_sample *sample);
/* Whether much of a cold window is in the page cache. */
bool spr_pace_is_mixed(const struct spr_pace_sample *sample);
/* What the last windows were. */
bool spr_pace_was_cold(const struct spr_pace *pace);
/* At the end of a window. */
void spr_pace_note(struct spr_pace *pace, bool was_cold);
/* Of pairs of files that follow each other in inode order, how many also do so on disk. */
void spr_pace_note_neighbours(struct spr_pace *pace, uint32_t pairs, uint32_t adjacent);
/* Enough was seen to know that inode order is disk order: nobody need ask where files lie. */
bool spr_pace_knows_order(const struct spr_pace *pace);
struct spr_io_pace spr_pace_now(const struct spr_pace *pace);

#endif
