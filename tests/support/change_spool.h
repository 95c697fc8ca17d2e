/*
 * Small spools to change: made, planned for without an index, and compared before and after.
 */
#ifndef SPR_TESTS_SUPPORT_CHANGE_SPOOL_H
#define SPR_TESTS_SUPPORT_CHANGE_SPOOL_H

#include "core/batch/plan.h"
#include "tests/support/temporary.h"

struct change_spool {
    char outside[TEMPORARY_PATH_MAX]; /* a temporary folder */
    char root[TEMPORARY_PATH_MAX + 8];
    char index[TEMPORARY_PATH_MAX + 8]; /* stands for an index's folder */
    const struct spr_format *format;
};

/* A Postfix queue with hashed deferred/ and defer/; every message has a defer log, every third a
 * bounce log too. Nobody holds its lock file: a stopped server. */
void make_postfix_spool(struct change_spool *spool, unsigned messages);
/* IMail pairs in one folder, quiet since long. */
void make_pair_spool(struct change_spool *spool, unsigned messages);
/* One message more in that queue; its path below the root. */
void add_postfix_message(struct change_spool *spool, const char *queue, char path[256]);
void remove_spool(struct change_spool *spool);

/* A plan of every message that lies in the folders of the format whose path starts with prefix. */
struct spr_plan *plan_for(const struct change_spool *spool, enum spr_action action,
                          const char *prefix);

/* Every file below the root but the private folder's: path, inode, size, times, mode; sorted lines,
 * to be freed. */
char *look_at_spool(const struct change_spool *spool);
/* Files of messages that lie in slots. */
unsigned count_slots(const struct change_spool *spool);
/* Everything in the private folder but the lock's and the reserve's content, as lines. */
char *look_at_private(const struct change_spool *spool);

#endif
