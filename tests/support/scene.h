/*
 * The scene of crash tests: one small spool, what it was when it was made, and the operations on it
 * as functions without arguments, so that a child can be killed in them.
 */
#ifndef SPR_TESTS_SUPPORT_SCENE_H
#define SPR_TESTS_SUPPORT_SCENE_H

#include "core/batch/job.h"
#include "tests/support/whole.h"

#define SCENE_MESSAGES   4
#define SCENE_PATH_BYTES (TEMPORARY_PATH_MAX + 300)

struct way {
    const char *name;
    bool pairs, with_index;
};

struct scene {
    struct change_spool spool;
    struct whole whole;
    char *at_first;               /* the spool as it was made */
    struct spr_job_report report; /* of the last recover */
};
extern struct scene scene;

void scene_begin(const struct way *way);
void scene_end(void);
/* The row with queue files, then with pairs. */
void scene_go_through(void (*row)(const struct way *way), bool with_index);

/* A row of the table and its two tests. */
#define ROW(name)                                                                                  \
    static void name(const struct way *way);                                                       \
    Test(recovery, name##__with_index)                                                             \
    {                                                                                              \
        scene_go_through(name, true);                                                              \
    }                                                                                              \
    Test(recovery, name##__index_removed)                                                          \
    {                                                                                              \
        scene_go_through(name, false);                                                             \
    }                                                                                              \
    static void name(const struct way *way)

struct spr_options scene_options(void);
int scene_delete(void);
int scene_hold(void); /* hold and release: queue files only */
int scene_release(void);
int scene_undo(void); /* of job 1, as purge */
int scene_purge(void);
int scene_recover(void);

/* Pivots that lie where the server looks for them. */
unsigned scene_seen(void);
/* Does a folder of this batch of job 1 exist? */
bool scene_has_batch(unsigned number);
enum spr_job_state scene_job_state(void);
void scene_pivot_path(unsigned number, char path[SCENE_PATH_BYTES]);
/* Somebody else's file, where there is none. */
void scene_stranger(const char *path);

/* Without index: its folder is removed first. Recovers, checks that a second recover changes
 * nothing, and tells where the messages are. */
struct whole_counts scene_recover_twice(const struct way *way);
void scene_expect_as_made(const struct way *way);

#endif
