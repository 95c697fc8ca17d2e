/*
 * Journals of some batches, opened together.
 */
#include "core/batch/opened.h"

#include "core/batch/apply.h"
#include "io/workers.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#define THREADS_MIN 1024 /* messages; below it a thread does not pay */

static void open_one(const struct spr_opened_group *group, struct spr_opened *one)
{
    char name[SPR_BATCH_NAME_MAX];
    const int batch_fd = spr_batch_open_folder(group->change, group->job, one->number, name);
    if (batch_fd < 0) {
        one->code = batch_fd;
        return;
    }
    one->code =
        spr_journal_open(batch_fd, name, &one->batch, &one->state, &one->journal, &one->fault);
    (void)close(batch_fd); /* a folder: nothing can be lost */
}

static int run_worker(uint32_t worker, void *user)
{
    struct spr_opened_group *group = user;
    (void)worker;
    for (;;) {
        const uint32_t number = atomic_fetch_add_explicit(&group->next, 1, memory_order_relaxed);
        if (number >= group->count) {
            return 0;
        }
        open_one(group, &group->batches[number]);
    }
}

void spr_opened_begin(struct spr_opened_group *group)
{
    if (group->messages < THREADS_MIN ||
        spr_workers_start(group->count, false, run_worker, group, &group->workers) < 0) {
        (void)run_worker(0, group); /* what it answers is in the group */
    }
}

void spr_opened_wait(struct spr_opened_group *group)
{
    (void)spr_workers_join(group->workers); /* as above */
    group->workers = NULL;
}

void spr_opened_free(struct spr_opened_group *group)
{
    if (group == NULL) {
        return;
    }
    spr_opened_wait(group);
    for (uint32_t i = 0; i < group->count; i++) {
        spr_journal_close(group->batches[i].journal);
        spr_batch_free(group->batches[i].batch);
    }
    free(group);
}
