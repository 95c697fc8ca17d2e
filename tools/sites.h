/*
 * Which spools a command is about: --spool, positional paths, or detection.
 */
#ifndef SPR_TOOLS_SITES_H
#define SPR_TOOLS_SITES_H

#include "tools/cli.h"

struct spr_site {
    char *root;   /* absolute */
    char *format; /* NULL: not recognised, but has jobs or an index of ours */
    char *reason; /* why it is taken for one; may be NULL */
    /* Its index, where it was found to be fresh: open, only for reading; else both are NULL. */
    struct spr_index *index;
    char *index_dir;
};

void spr_site_done(struct spr_site *site); /* frees what it holds */

struct spr_sites {
    struct spr_site *site;
    unsigned count; /* at least 1 after success */
};

/* paths: the positional spools of triage and scan, before --spool; may be NULL. 0, or an exit code
 * or negative result whose error line is printed. */
int spr_sites_find(const struct spr_cli *cli, const char *const *paths, unsigned path_count,
                   struct spr_sites *ret_sites);
/* The same where a command works on exactly one: several are an error that lists them. */
int spr_sites_one(const struct spr_cli *cli, const char *why_one, struct spr_sites *ret_sites);
void spr_sites_free(struct spr_sites *sites);

#endif
