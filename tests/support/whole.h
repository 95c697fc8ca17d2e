/*
 * Promises P1 and P2 as checks: where is every file of every message, by inode, and is each message
 * whole wherever it is?
 */
#ifndef SPR_TESTS_SUPPORT_WHOLE_H
#define SPR_TESTS_SUPPORT_WHOLE_H

#include "tests/support/change_spool.h"

#include <stdbool.h>

#define WHOLE_FILES_MAX 256

struct whole_file {
    char path[256];
    char message[64]; /* what its message's files have in common */
    unsigned long inode;
    bool is_pivot;
};

/* The spool as it was made. */
struct whole {
    struct whole_file files[WHOLE_FILES_MAX];
    unsigned count, messages;
    bool pivots_only; /* logs are allowed to stay behind */
};

struct whole_counts {
    unsigned in, out, held, gone; /* messages: at their place, in slots, in hold/, nowhere */
};

void take_whole(const struct change_spool *spool, struct whole *whole);
/* P1. Fails the test, naming the occasion, if a message is half anywhere. */
struct whole_counts check_whole(const struct change_spool *spool, const struct whole *whole,
                                const char *occasion, unsigned long number);
/* P2. A pivot at its place has all its supports there. */
void check_seen_whole(const struct change_spool *spool, const struct whole *whole,
                      const char *occasion, unsigned long number);

#endif
