/*
 * How a scan gives way to other work on the machine, a mail server's above all.
 *
 * The scan's own reads are pressure too, so it is measured while the scan pauses: after each slice
 * of work nobody reads for a moment, and if others wait for the disk or a processor all the same,
 * the pause goes on until they do not, or it has lasted long enough; then one worker reads alone
 * for a shorter slice. Where the kernel tells no pressure, pauses are as long as slices.
 *
 * Belongs to the worker that drives the pauses; is_alone changes only under the pass's mutex.
 */
#ifndef SPR_CORE_SCAN_MANNERS_H
#define SPR_CORE_SCAN_MANNERS_H

#include "formats/format.h"
#include "io/pressure.h"

#include <stdbool.h>

struct spr_manners {
    bool is_on;
    bool is_alone;     /* one worker reads */
    uint64_t slice_ns; /* when the slice began; 0: with the first look */
    uint64_t pause_ns, look_ns;
    struct spr_pressure seen; /* at look_ns */
    bool is_told;             /* the kernel tells pressure */
};

/* Does the server of this spool run, by the lock on its run file? */
bool spr_manners_is_live(const struct spr_format *format, int root_fd);
/* Is it time for a pause? */
bool spr_manners_is_due(struct spr_manners *manners, uint64_t now_ns);
void spr_manners_begin(struct spr_manners *manners, uint64_t now_ns);
/* In a pause: milliseconds to wait before it is asked again; 0: the pause is over. */
uint32_t spr_manners_wait(struct spr_manners *manners, uint64_t now_ns);

#endif
