/*
 * Candidates to bytes: reads windows of candidates through io/, answers what a format wants more.
 *
 * One struct spr_fetch belongs to one worker. A message whose format wants much more than a head
 * is read alone at the end, so that the memory of many such messages never adds up.
 */
#ifndef SPR_CORE_SCAN_FETCH_H
#define SPR_CORE_SCAN_FETCH_H

#include "core/scan/extract.h"
#include "io/io.h"

#define SPR_FETCH_ROUNDS_MAX 64
#define SPR_FETCH_FILE_MAX   (64u << 20) /* bytes read of one file */
#define SPR_FETCH_SHARED_MAX (4u << 20)  /* bytes held of messages that are read together */

enum spr_fetch_answer {
    SPR_FETCH_DONE,
    SPR_FETCH_MORE, /* ret_need says what; on_message is called again with a wider view */
};

struct spr_fetch_setup {
    const struct spr_walk *walk;
    const struct spr_format *format;
    const struct spr_layout *layout;
    struct spr_io_shared *shared;
    uint32_t worker;
    uint32_t queue_depth;
    uint32_t wants; /* spr_want */
    int64_t now;
    /* A message was read. ret_answer DONE or MORE; a negative result ends the scan. */
    int (*on_message)(const struct spr_fetched *fetched, enum spr_fetch_answer *ret_answer,
                      struct spr_need *ret_need, void *user);
    /* It could not be read: code is a negative errno, -EFBIG a cap of ours, -EPROTO a format that
     * asks without end. */
    void (*on_failure)(struct spr_candidate *candidate, int code, void *user);
    /* It is to be read alone, by spr_fetch_alone. */
    int (*on_large)(struct spr_candidate *candidate, void *user);
    /* What came together is done: before more is waited for. May be NULL. */
    int (*on_wait)(void *user);
    void *user;
};

struct spr_fetch;
int spr_fetch_new(const struct spr_fetch_setup *setup, struct spr_fetch **ret_fetch);
void spr_fetch_free(struct spr_fetch *fetch);
struct spr_io_pace spr_fetch_pace(const struct spr_fetch *fetch);
/* Reads all of them. */
int spr_fetch_window(struct spr_fetch *fetch, struct spr_candidate *const *candidates,
                     uint32_t count);
int spr_fetch_alone(struct spr_fetch *fetch, struct spr_candidate *candidate);

#endif
