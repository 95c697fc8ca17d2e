/*
 * The journal: what a batch is about to do, on disk before it is done. Layout, byte by byte:
 * docs/JOURNAL-FORMAT.md.
 *
 *  (J1) No name in the spool changes before SEAL and every frame before it are synced.
 *  (J2) A frame is valid only if its length, checksum and sequence number fit; the checksum is
 *       seeded with the batch's random id, so that no frame of another journal fits.
 *  (J3) Frames after the first invalid one do not exist.
 *  (J4) A batch is decided only when its DECIDE frame is synced; only then may success be told.
 *  (J5) Slots are unlinked only after a synced PURGE, which is legal only behind DECIDE.
 *  (J6) A valid frame of a wrong type, order or content is damage: SPR_E_CORRUPT, change nothing.
 *
 *   NEW --seal--> SEALED --hide, gather--> --decide--> DECIDED --purge--> PURGING --end--> ENDED
 *
 * The journal's space is reserved when it is made, PURGE and END included: to decide and to purge
 * need no room on the disk. The reserved tail is zero, and a length of 0 ends the journal.
 */
#ifndef SPR_CORE_BATCH_JOURNAL_H
#define SPR_CORE_BATCH_JOURNAL_H

#include "core/batch/batch.h"

/* 10,000 messages of 8 files with the longest names and handles stay below it. */
#define SPR_JOURNAL_BYTES_MAX (128u << 20)
#define SPR_FRAME_BYTES_MAX   16384

enum spr_journal_state {
    SPR_JOURNAL_TORN, /* no SEAL: the batch never began */
    SPR_JOURNAL_SEALED,
    SPR_JOURNAL_DECIDED,
    SPR_JOURNAL_PURGING,
    SPR_JOURNAL_ENDED,
};

/* Where the valid part ends, and what continues it. */
struct spr_journal_position {
    enum spr_journal_state state;
    uint64_t offset, seq, running;
};

/* ---- Writing --------------------------------------------------------------------------------- */

struct spr_journal;
/* Makes the file in the batch's folder, with real blocks for all it can grow to; HEAD, DIR, FILE
 * and SEAL are built from the batch as it is, in memory. */
int spr_journal_create(int batch_fd, const struct spr_batch *batch,
                       struct spr_journal **ret_journal);
/* Writes them and syncs the file. The folders above it are the caller's to sync. */
int spr_journal_seal(struct spr_journal *journal);
/* A VERDICT for each message that is not plainly out, DECIDE, sync. */
int spr_journal_decide(struct spr_journal *journal, const struct spr_batch *batch);
int spr_journal_purge(struct spr_journal *journal);
int spr_journal_end(struct spr_journal *journal);
uint64_t spr_journal_bytes(const struct spr_journal *journal); /* reserved for it */
enum spr_journal_state spr_journal_state(const struct spr_journal *journal);
void spr_journal_close(struct spr_journal *journal);

/* ---- Reading --------------------------------------------------------------------------------- */

/* Pure: bytes of a journal to a batch. TORN yields a batch without meaning. where: for the fault.
 */
int spr_journal_parse(struct spr_text bytes, const char *where, struct spr_batch **ret_batch,
                      struct spr_journal_position *ret_position, struct spr_fault *fault);
/* Reads the journal of a batch's folder. ret_journal continues it behind its valid part (whatever
 * was torn is zeroed first); NULL: only read. -ENOENT when there is none. */
int spr_journal_open(int batch_fd, const char *where, struct spr_batch **ret_batch,
                     enum spr_journal_state *ret_state, struct spr_journal **ret_journal,
                     struct spr_fault *fault);

/* Takes the descriptor over and appends behind position. */
int spr_journal_continue(int fd, const uint8_t id[16], const struct spr_journal_position *position,
                         struct spr_journal **ret_journal);

/* Shared by writer, reader and the tests' frame builder. */
enum spr_frame_type {
    SPR_FRAME_HEAD = 1,
    SPR_FRAME_DIR = 2,
    SPR_FRAME_FILE = 3,
    SPR_FRAME_SEAL = 4,
    SPR_FRAME_VERDICT = 5,
    SPR_FRAME_DECIDE = 6,
    SPR_FRAME_PURGE = 7,
    SPR_FRAME_END = 8,
};
#define SPR_FRAME_VERSION    1
#define SPR_FRAME_HEAD_BYTES 16 /* length, type, version, seq */
#define SPR_FRAME_HASH_BYTES 8
#define SPR_JOURNAL_MAGIC    "SPJRNL01"
uint64_t spr_frame_seed(enum spr_frame_type type, const uint8_t id[16], uint64_t seq);

#endif
