/*
 * One spool with its index open, refreshed as the verb needs it.
 */
#ifndef SPR_TOOLS_SESSION_H
#define SPR_TOOLS_SESSION_H

#include "tools/cli.h"
#include "tools/progress.h"
#include "tools/sites.h"

enum spr_refresh {
    SPR_REFRESH_STALE,  /* as PRODUCT says: first scan, or when stale, unless --no-refresh */
    SPR_REFRESH_ALWAYS, /* the verb scan */
};

struct spr_session {
    const struct spr_cli *cli;
    const struct spr_site *site;
    char *index_dir;
    struct spr_index *index;
    bool is_borrowed; /* the index is the site's, and fresh */
    struct spr_options options;
    struct spr_meter meter;
    struct spr_index_report report;
    uint32_t needs;          /* spr_scan_flag bits: see spr_session_open */
    uint64_t early_messages; /* of the last early verdict; see tools/verdict.h */
    bool early_told;
    struct spr_scan_report *scan; /* of the refresh; NULL when none was needed */
};

/* Opens and refreshes; 0, or a result whose error line is printed. The session must not move.
 * needs: SPR_SCAN_SUBJECTS, SPR_SCAN_ERRORS, what the answer cannot do without. */
int spr_session_open(struct spr_session *session, const struct spr_cli *cli,
                     const struct spr_site *site, enum spr_refresh refresh, uint32_t needs);
void spr_session_close(struct spr_session *session);
/* False when the refresh was not let to read some of the spool; the note is printed. */
bool spr_session_complete(const struct spr_session *session);

/* spr_error_fault, with the whole path where a file of the index is damaged. Returns code. */
int spr_session_error(const struct spr_session *session, int code, const struct spr_fault *fault);

/* Options of the library from the command line, without progress. */
void spr_session_options(const struct spr_cli *cli, struct spr_options *ret_options);
/* Do jobs or an index of ours lie with this folder? *ret_format: the index's, to be freed, or NULL.
 */
bool spr_session_knows(const struct spr_cli *cli, const char *root, char **ret_format);
/* Was this folder scanned, and has no folder of it moved since (or must none be looked at)? Then
 * detection would find what it found for that scan: ret_site is filled, with the index. */
bool spr_session_find_fresh(const struct spr_cli *cli, const char *root, struct spr_site *ret_site);
/* NULL is fine; else it must be a built-in format. 0 or an exit code. */
int spr_session_check_format(const char *format);

#endif
