/*
 * A full disk: the first of the selected messages go for good, so that the rest can go undoably.
 * The one place that unlinks files outside our own folder (the exception to P4).
 *
 *  (K1) Nothing is written before the first unlink, because nothing can be: no journal, no claim.
 *       It works without a private directory; then the lock of the spool root keeps others out.
 *  (K2) A message goes only while its pivot is open here, its identity is strictly the one that was
 *       just confirmed, the server's own lock on it is ours, and its name still leads to that
 * inode. The open descriptor keeps the inode from being used anew, so what the name leads to at the
 *       unlink can only be that message; if the server moves it away first, the unlink finds
 *       nothing, and it stays whole.
 *  (K3) While the server runs, only messages go that wait for a later attempt or are held. One that
 *       the server has in memory, or will take up at any moment, makes no room.
 *  (K4) All pivots of a call go and are synced before any support. So a crash at any point leaves
 *       each message whole, or without its pivot: gone for every server. What can be left of it are
 *       parts that no server delivers.
 *  (K5) What went is told in the ledger as soon as a line can be written there. A crash before that
 *       leaves no line: the messages are gone and the job that took them was never begun.
 */
#ifndef SPR_CORE_BATCH_MAKE_ROOM_H
#define SPR_CORE_BATCH_MAKE_ROOM_H

#include "core/batch/plan.h"
#include "core/batch/steps.h"

#define SPR_ROOM_MESSAGES   64
#define SPR_ROOM_NAMES_SIZE 16384

/* What went for good and is not yet in the ledger. */
struct spr_room {
    uint64_t messages, bytes;
    char names[SPR_ROOM_NAMES_SIZE]; /* paths below the root, a newline behind each */
    size_t names_length;
    bool is_gone[SPR_ROOM_MESSAGES]; /* of the entries of the last call */
};

/* Unlinks up to SPR_ROOM_MESSAGES of these entries (count at most that) and adds them to *room,
 * which is right on failure too. */
int spr_room_unlink(struct spr_change *change, const struct spr_plan *plan, const uint64_t *entries,
                    uint32_t count, struct spr_room *room);

#endif
