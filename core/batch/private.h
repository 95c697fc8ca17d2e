/*
 * The private directory of a spool: "PRIV" of the batch protocol, where journals and slots live.
 *
 *  (1) PRIV is .spoolray/<inode of the spool root>/, on the file system and mount of the spool,
 * ours (or root's), mode 0700, with a marker file that names the birth of that root; each is
 * checked on every start. (2) It lies in the spool root. Where that is the mail user's, in the
 * parent or grandparent, if that and all folders above belong to root or us and nobody else may
 * write there (sticky is fine); else in the spool root after all. (3) One process changes a spool
 * at a time: flock on PRIV/lock. A living holder means busy; a dead one's calls may still be in
 * flight in the kernel, so its lock is awaited, up to 10 s.
 */
#ifndef SPR_CORE_BATCH_PRIVATE_H
#define SPR_CORE_BATCH_PRIVATE_H

#include "core/spoolray.h"
#include "io/durable.h"

#define SPR_PRIVATE_FOLDER ".spoolray"

struct spr_private {
    char *spool_root; /* absolute, symlinks resolved */
    int root_fd;      /* the spool root */
    int fd;           /* PRIV; -1: there is none yet */
    int lock_fd;      /* -1: not locked */
    struct spr_identity root, self;
    char *place; /* path of PRIV, for messages; NULL without one */
};

/* Finds PRIV; fd is -1 where there is none and create is false. Takes no lock. */
int spr_private_open(const char *spool_root, bool create, struct spr_private **ret_private,
                     struct spr_fault *fault);
/* Makes the one that open did not find; may be tried again when it failed. */
int spr_private_make(struct spr_private *place, struct spr_fault *fault);
/* (3) SPR_E_BUSY when a living process holds it. */
int spr_private_lock(struct spr_private *place, struct spr_fault *fault);
/* Is a living process inside right now? Takes nothing. */
bool spr_private_busy(const struct spr_private *place);
void spr_private_close(struct spr_private *place);

#endif
