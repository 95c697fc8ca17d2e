/*
 * Does the mail server run, and which run of it: facts from its lock file, else the operator's word
 * or the silence of the spool.
 */
#ifndef SPR_CORE_BATCH_SERVER_H
#define SPR_CORE_BATCH_SERVER_H

#include "core/batch/private.h"
#include "formats/format.h"
#include "io/locks.h"

struct spr_server {
    bool known; /* false: it cannot be told, nobody gave his word, and the spool is not quiet */
    bool runs;
    uint64_t lock_device, lock_inode; /* of its lock file, 0 without one */
    struct spr_run run;               /* of the process that has messages in memory; pid 0: none
                                         seen */
};

/* What we changed ourselves, the making of our private folder included, is no noise. */
int spr_server_look(const struct spr_format *format, const struct spr_private *place,
                    uint32_t option_flags, struct spr_server *ret_server);
/* May messages of a folder that the server keeps in memory be touched? */
bool spr_server_memory_seen(const struct spr_format *format, const struct spr_server *server,
                            uint32_t option_flags);
/* Asks for a reload and waits until the run has ended: 0, or SPR_E_UNABLE. */
int spr_server_reload(const struct spr_format *format, const struct spr_server *server,
                      const struct spr_run *run);
/* After a change of ours: the folders' times as they are, so that our own change is not taken for
 * somebody else's. Best effort. */
void spr_server_remember_quiet(const struct spr_format *format, const struct spr_private *place);

#endif
