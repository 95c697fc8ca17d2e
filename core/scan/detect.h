/*
 * Which spool is here, and why.
 */
#ifndef SPR_CORE_SCAN_DETECT_H
#define SPR_CORE_SCAN_DETECT_H

#include "core/spoolray.h"
#include "formats/format.h"

struct spr_detected {
    int root_fd;
    char *root; /* absolute, symlinks resolved */
    const struct spr_format *format;
    struct spr_layout layout;
    unsigned score;
    const char *reason; /* static */
};

/* The spool at path, or the only one among its direct children. format_or_null overrides the
 * choice, not the layout. Asks the server's program unless SPR_NO_EXEC is set. */
int spr_detect_one(const char *path, const char *format_or_null, const struct spr_options *options,
                   struct spr_detected *ret_detected, struct spr_fault *fault);
void spr_detected_done(struct spr_detected *detected);

#endif
