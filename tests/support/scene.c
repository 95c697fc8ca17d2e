/*
 * The scene of crash tests.
 */
#include "tests/support/scene.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

struct scene scene;

/* ---- The two kinds of spool, with and without index ------------------------------------------ */

void scene_begin(const struct way *way)
{
    if (way->pairs) {
        make_pair_spool(&scene.spool, SCENE_MESSAGES);
    } else {
        make_postfix_spool(&scene.spool, SCENE_MESSAGES);
    }
    take_whole(&scene.spool, &scene.whole);
    scene.at_first = look_at_spool(&scene.spool);
}

void scene_end(void)
{
    free(scene.at_first);
    remove_spool(&scene.spool);
}

void scene_go_through(void (*row)(const struct way *way), bool with_index)
{
    const struct way ways[] = { { "queue files", false, with_index },
                                { "pairs", true, with_index } };
    for (unsigned i = 0; i < 2; i++) {
        scene_begin(&ways[i]);
        row(&ways[i]);
        scene_end();
    }
}

/* ---- Operations ------------------------------------------------------------------------------ */

struct spr_options scene_options(void)
{
    struct spr_options options = SPR_OPTIONS_INIT;
    options.flags = strcmp(scene.spool.format->name, "imail") == 0 ? SPR_SERVER_STOPPED : 0;
    return options;
}

static int apply(enum spr_action action, const char *prefix)
{
    struct spr_job_report report;
    const struct spr_options options = scene_options();
    struct spr_plan *plan = plan_for(&scene.spool, action, prefix);
    const int r = spr_plan_apply(plan, scene.spool.index, &options, &report, NULL);
    spr_plan_free(plan);
    return r;
}

int scene_delete(void)
{
    return apply(SPR_DELETE, "");
}

int scene_hold(void)
{
    return apply(SPR_HOLD, "deferred");
}

int scene_release(void)
{
    return apply(SPR_RELEASE, "hold");
}

int scene_undo(void)
{
    struct spr_job_report report;
    const struct spr_options options = scene_options();
    return spr_job_undo(scene.spool.root, 1, &options, &report, NULL);
}

int scene_purge(void)
{
    struct spr_job_report report;
    return spr_job_purge(scene.spool.root, 1, NULL, &report, NULL);
}

int scene_recover(void)
{
    struct spr_fault fault = { 0 };
    const struct spr_options options = scene_options();
    const int r = spr_recover(scene.spool.root, &options, &scene.report, &fault);
    if (r < 0) {
        (void)fprintf(stderr, "recover: %d %s: %s\n", r, fault.subject, fault.detail);
    }
    return r;
}

/* ---- Looking --------------------------------------------------------------------------------- */

/* Pivots that lie where the server looks for them. */
unsigned scene_seen(void)
{
    char *now = look_at_spool(&scene.spool);
    unsigned count = 0;
    for (unsigned i = 0; i < scene.whole.count; i++) {
        char line[300];
        (void)snprintf(line, sizeof(line), "%s %lu ", scene.whole.files[i].path,
                       scene.whole.files[i].inode);
        count += scene.whole.files[i].is_pivot && strstr(now, line) != NULL ? 1 : 0;
    }
    free(now);
    return count;
}

/* Does a folder of this batch exist? */
bool scene_has_batch(unsigned number)
{
    char path[SCENE_PATH_BYTES];
    bool found = false;
    (void)snprintf(path, sizeof(path), "%s/.spoolray", scene.spool.root);
    DIR *dir = opendir(path);
    for (struct dirent *entry = dir != NULL ? readdir(dir) : NULL; entry != NULL && !found;
         entry = readdir(dir)) {
        (void)snprintf(path, sizeof(path), "%s/.spoolray/%.40s/1/%u", scene.spool.root,
                       entry->d_name, number);
        found = entry->d_name[0] != '.' && access(path, F_OK) == 0;
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    return found;
}

enum spr_job_state scene_job_state(void)
{
    struct spr_jobs *jobs = NULL;
    struct spr_job job = { 0 };
    cr_assert_eq(spr_jobs_open(scene.spool.root, &jobs, NULL), 0);
    cr_assert_eq(spr_jobs_next(jobs, &job, NULL), 1);
    spr_jobs_close(jobs);
    return job.state;
}

void scene_pivot_path(unsigned number, char path[SCENE_PATH_BYTES])
{
    unsigned found = 0;
    for (unsigned i = 0; i < scene.whole.count; i++) {
        if (scene.whole.files[i].is_pivot && found++ == number) {
            (void)snprintf(path, SCENE_PATH_BYTES, "%s%s", scene.spool.root,
                           scene.whole.files[i].path);
        }
    }
}

void scene_stranger(const char *path)
{
    FILE *stranger = fopen(path, "wx");
    cr_assert_not_null(stranger, "%s", path);
    (void)fputs("somebody else's", stranger);
    (void)fclose(stranger);
}

/* ---- Recovering ------------------------------------------------------------------------------ */

/* Recovers, checks that a second one changes nothing, and tells where the messages are. */
struct whole_counts scene_recover_twice(const struct way *way)
{
    if (!way->with_index) {
        remove_temporary(scene.spool.index);
    }
    check_seen_whole(&scene.spool, &scene.whole, way->name, 0);
    cr_assert_eq(scene_recover(), 0, "%s", way->name);
    const struct spr_job_report first = scene.report;
    char *spool_before = look_at_spool(&scene.spool);
    char *own_before = look_at_private(&scene.spool);
    cr_assert_eq(scene_recover(), 0, "%s", way->name);
    char *spool_after = look_at_spool(&scene.spool);
    char *own_after = look_at_private(&scene.spool);
    cr_expect_str_eq(spool_after, spool_before, "%s: a second recover", way->name);
    cr_expect_str_eq(own_after, own_before, "%s: a second recover", way->name);
    free(spool_before);
    free(own_before);
    free(spool_after);
    free(own_after);
    scene.report = first;
    return check_whole(&scene.spool, &scene.whole, way->name, 1);
}

void scene_expect_as_made(const struct way *way)
{
    char *now = look_at_spool(&scene.spool);
    cr_expect_str_eq(now, scene.at_first, "%s", way->name);
    free(now);
}
