/*
 * Counters of one scan, the rejects it keeps, and the clock of the progress callback.
 *
 * Workers add with relaxed order: nothing is decided from a counter before the workers are joined.
 * The mutex guards the kept rejects alone. The callback runs on the caller's thread.
 */
#ifndef SPR_CORE_SCAN_PROGRESS_H
#define SPR_CORE_SCAN_PROGRESS_H

#include "core/spoolray.h"

#include <pthread.h>
#include <stdatomic.h>

/* Why an entry or a message is not in the index, or not whole. */
enum spr_reject_kind {
    SPR_REJECT_MALFORMED,
    SPR_REJECT_NOT_REGULAR,
    SPR_REJECT_VANISHED,
    SPR_REJECT_DENIED,
    SPR_REJECT_UNREADABLE,
    SPR_REJECT_TOO_LARGE,
    SPR_REJECT_NAME_LONG,
    SPR_REJECT_PATH_LONG,
    SPR_REJECT_FOREIGN,
    SPR_REJECT_HARD_LINK,
    SPR_REJECT_LEASE,
    SPR_REJECT_AMBIGUOUS,
    SPR_REJECT_STRAY,
    SPR_REJECT_RECIPIENTS,
    SPR_REJECT_FOLDER,
    SPR_REJECT_FOLDER_LARGE,
    SPR_REJECT_FOLDER_DEEP,
    SPR_REJECT_LOG_LARGE,
    SPR_REJECT_KINDS,
};

struct spr_tally {
    atomic_uint_fast64_t entries, messages, recipients, read, arriving, vanished;
    atomic_uint_fast64_t rejects[SPR_REJECT_KINDS];
    atomic_bool stop; /* everybody ends as soon as it can */
    pthread_mutex_t mutex;
    struct spr_reject *first; /* SPR_REJECTS_KEPT */
    uint32_t first_count;
};

int spr_tally_init(struct spr_tally *tally);
void spr_tally_done(struct spr_tally *tally);
static inline void spr_tally_add(atomic_uint_fast64_t *counter, uint64_t count)
{
    atomic_fetch_add_explicit(counter, count, memory_order_relaxed);
}
static inline uint64_t spr_tally_get(const atomic_uint_fast64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}
static inline bool spr_tally_stopped(const struct spr_tally *tally)
{
    return atomic_load_explicit(&tally->stop, memory_order_relaxed);
}

/* What else a reject says; all optional. */
struct spr_reject_detail {
    const char *reason; /* static */
    uint64_t offset;
    int code; /* negative errno, 0 */
};
/* folder: path below the root, "" the root itself. name may be of any length. */
void spr_tally_reject(struct spr_tally *tally, enum spr_reject_kind kind, const char *folder,
                      struct spr_text name, const struct spr_reject_detail *detail);
/* The class of a failed open or read. */
enum spr_reject_kind spr_reject_of_errno(int code);
/* Rejects, their classes and the kept ones. */
void spr_tally_report(struct spr_tally *tally, struct spr_scan_report *report);

/* Calls back about ten times a second; a non-zero answer sets tally->stop. */
struct spr_ticker {
    spr_progress_fn on_progress; /* may be NULL */
    void *user;
    uint64_t next_ns;
};
#define SPR_TICK_MS 100
uint64_t spr_clock_ns(void); /* monotonic */
/* Calls back when it is time, or at once with force. */
void spr_ticker_tick(struct spr_ticker *ticker, struct spr_tally *tally, uint64_t bytes_read,
                     bool force);

#endif
