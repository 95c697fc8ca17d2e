/*
 * Small spools in temporary folders, an index beside them, and scans of one into the other.
 */
#ifndef SPR_TESTS_SUPPORT_SPOOL_H
#define SPR_TESTS_SUPPORT_SPOOL_H

#include "core/spoolray.h"
#include "tests/support/temporary.h"

struct spool {
    char folder[TEMPORARY_PATH_MAX];
    char root[TEMPORARY_PATH_MAX + 32];
    char state[TEMPORARY_PATH_MAX + 32]; /* the index's folder */
    struct spr_options options;
    struct spr_index *index;
    struct spr_scan_report report;
    struct spr_fault fault;
};

/* Empty Postfix queue folders. */
void spool_make_postfix(struct spool *spool);
/* An empty folder that a format may recognise later. */
void spool_make_flat(struct spool *spool);
/* The sample that a real Postfix wrote. */
void spool_make_sample(struct spool *spool, const char *fixtures);
void spool_done(struct spool *spool);

/* path is below the root; folders on the way are made. */
void spool_write(const struct spool *spool, const char *path, const void *bytes, size_t length);
void spool_write_text(const struct spool *spool, const char *path, const char *text);
void spool_make_folder(const struct spool *spool, const char *path);
void spool_remove(const struct spool *spool, const char *path);
void spool_rename(const struct spool *spool, const char *from, const char *to);
/* A complete Postfix queue file with recipients r0@to.test, r1@to.test, …; account NULL: none. */
void spool_write_postfix(const struct spool *spool, const char *path, const char *sender,
                         const char *account, unsigned recipients);

/* Opens the index when it is not open and scans; the result is spr_scan's. */
int spool_scan(struct spool *spool, uint32_t flags);
/* The number of messages that a query finds. */
uint64_t spool_count(struct spool *spool, const char *query);
uint64_t spool_rejects(const struct spool *spool, const char *class_name);

#endif
