/*
 * Drives a format without the scanner: over files in memory or a directory tree, it classifies,
 * pairs, serves SPR_MORE and collects what parse emits. Every extent is a heap block of its exact
 * size, so a read beyond it shows under the address sanitizer.
 */
#ifndef SPR_TESTS_SUPPORT_DRIVE_H
#define SPR_TESTS_SUPPORT_DRIVE_H

#include "tests/support/collector.h"

#define DRIVE_ROUNDS_MAX 64
#define DRIVE_PATH_MAX   1024

struct drive_file {
    bool present;
    char name[SPR_NAME_MAX + 1];
    uint8_t *bytes;
    size_t size;
    int64_t mtime_ns;
    uint32_t mode, uid;
    uint64_t inode;
};

struct drive_message {
    const struct spr_format *format;
    const struct spr_layout *layout;
    unsigned dir;
    char folder[SPR_PATH_MAX + 1];
    struct spr_key key; /* texts point into key_name */
    char key_name[SPR_NAME_MAX + 1];
    struct drive_file files[SPR_ROLES_MAX];
    /* after drive_parse */
    enum spr_verdict verdict;
    struct spr_need need;
    struct collector found;
    unsigned rounds;
    uint64_t bytes_read;
};

/* Parses until a verdict other than SPR_MORE; aborts after DRIVE_ROUNDS_MAX rounds or when parse
 * asks for bytes it has: the format breaks its contract. */
void drive_parse(struct drive_message *message, uint32_t wants, int64_t now);

/* The content, served in small pieces, each alone in its view; malloced, NUL added. */
char *drive_content(const struct drive_message *message);

/* A whole spool: probe, then every message of every dir. */
struct drive_spool {
    const struct spr_format *format;
    char root[DRIVE_PATH_MAX];
    struct spr_probe probe;
    struct drive_message *messages; /* sorted by folder and name */
    size_t message_count, message_room;
    size_t temporary, logs, foreign;
};
/* The tree as probe sees it; root must outlive it. */
struct spr_tree drive_tree(const char *root);
void drive_spool_read(struct drive_spool *spool, const struct spr_format *format, const char *root);
/* What a checkout cannot keep: every file gets this time, mode and owner. */
void drive_spool_freeze(struct drive_spool *spool, int64_t seconds, uint32_t mode, uint32_t uid);
void drive_spool_parse(struct drive_spool *spool, uint32_t wants, int64_t now);
void drive_spool_done(struct drive_spool *spool);
struct drive_message *drive_find(struct drive_spool *spool, const char *id);
/* All messages, rendered. */
void drive_render(const struct drive_spool *spool, FILE *out);
/* The built-in format of that name; aborts if there is none. */
const struct spr_format *drive_format(const char *name);
/* The whole file at path, malloced, NUL added; NULL if it cannot be read. */
uint8_t *drive_load(const char *path, size_t *ret_size);
/* Renders and compares with the golden file; with the environment variable SPR_UPDATE set it is
 * rewritten instead. False and a message on stderr when they differ. */
bool drive_matches_golden(const struct drive_spool *spool, const char *golden_path);

#endif
