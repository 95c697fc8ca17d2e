/*
 * Settling what a crash left: the truth is the pair of the journal's valid part and where each
 * identity is now, never a progress counter.
 *
 *  (R1) No SEAL: the batch never began. Its folder goes, unless a slot is in it: that is damage.
 *  (R2) SEAL without DECIDE, leaving the spool: everything goes back, supports before pivots.
 *  (R3) SEAL without DECIDE, arriving in the server's sight: forward, supports before pivots; what
 *       the server may have seen is not taken again.
 *  (R4) DECIDE: nothing moves any more. PURGE: the rest of the slots goes.
 *  (R5) Every step can be met again: settling twice changes nothing the second time.
 *  (R6) A journal is not removed while a slot of its batch exists.
 */
#ifndef SPR_CORE_BATCH_RECOVER_H
#define SPR_CORE_BATCH_RECOVER_H

#include "core/batch/change.h"

/* Every batch of every job that has no line in the ledger, or an unfinished purge. */
int spr_recover_all(struct spr_change *change);

#endif
