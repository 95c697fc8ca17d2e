/*
 * A table of system calls that fails on demand (io/calls.h).
 *
 * In C tests: spr_faulty_start with rules, run the operation, look at spr_faulty_passed and
 * spr_faulty_hits, spr_faulty_stop. An exhaustive sweep:
 *
 *     for (uint64_t nth = 1;; nth++) {
 *         spr_faulty_start(&(struct spr_fault_rule){ .nth = nth, .error = EIO }, 1);
 *         ... the operation, its invariants ...
 *         bool whole = spr_faulty_hits() == 0;
 *         spr_faulty_stop();
 *         if (whole) { break; }
 *     }
 *
 * From outside, in builds with SPR_FAILPOINTS (presets dev, asan, tsan), any program that uses the
 * library obeys the environment variable
 *
 *     SPFAIL="SITE:NTH:ACTION[,SITE:NTH:ACTION...]"     at most 8 rules
 *
 *   SITE    the name of a member of struct spr_calls (openat, renameat2, fsync, ring_complete...),
 *           or "any"
 *   NTH     1, 2, ...: which passing of that site in this process; "3+" is the third and all later
 *   ACTION  an errno by name (EIO, ENOSPC...) or number: the call is not made and fails with it
 *           (close and ring_complete happen first)
 *           short:BYTES  reads and writes carry at most BYTES; other sites are not touched
 *           cancel       ECANCELED; meant for ring_complete
 *           kill         the process gets SIGKILL before the call is made
 *
 *     SPFAIL=list   fails nothing and writes one line a passing to standard error:
 *                   "N SITE M DETAIL": the N-th passing of any site, the M-th of this one, and the
 *                   name or length it is about. N is what any:N:kill would hit.
 *
 * Counts are of one process; a forked child goes on from its parent's. A text that cannot be
 * understood ends the program with status 125.
 */
#ifndef SPR_TESTS_SUPPORT_FAULTY_IO_H
#define SPR_TESTS_SUPPORT_FAULTY_IO_H

#include "io/calls.h"

#include <stdbool.h>
#include <stdint.h>

#define SPR_FAULT_RULES_MAX 8

struct spr_fault_rule {
    const char *site;     /* NULL: any */
    uint64_t nth;         /* from 1; 0: never */
    bool onwards;         /* and all later ones */
    int error;            /* positive errno, or 0 */
    uint64_t short_bytes; /* transfers carry at most this; 0: no limit */
    bool kill;
};

/* Installs the table with these rules, copied, and starts counting at 0. */
void spr_faulty_start(const struct spr_fault_rule *rules, uint32_t count);
/* Brings the plain table back. */
void spr_faulty_stop(void);
/* Calls of any site since the start. */
uint64_t spr_faulty_passed(void);
/* How often rules struck since the start. */
uint64_t spr_faulty_hits(void);

#endif
