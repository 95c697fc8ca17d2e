/*
 * Is the message still the one that was indexed? Its head is read again and the identity bytes that
 * the format names are digested (SAFETY 4).
 */
#ifndef SPR_CORE_BATCH_CONFIRM_H
#define SPR_CORE_BATCH_CONFIRM_H

#include "formats/format.h"
#include "io/io.h"

struct spr_confirm {
    const struct spr_format *format;
    const struct spr_layout *layout;
    unsigned dir;
    struct spr_text folder;
    struct spr_key key;
    int dir_fd;
    const char *names[SPR_ROLES_MAX]; /* by role; NULL: absent */
    unsigned primary;                 /* role */
};

/* 0 and the digest; SPR_E_CHANGED when it does not parse, -EAGAIN when it is still arriving. */
int spr_confirm_digest(const struct spr_confirm *confirm, uint64_t *ret_digest,
                       struct spr_io_meta *ret_primary);

#endif
