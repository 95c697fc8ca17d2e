/*
 * Looking ahead. Rules: look.h.
 *
 * Shared by the workers: the next place in the order to look at, counted up with relaxed order
 * because nothing hangs on it but who takes which. Each place is written by the worker that took
 * it; joining orders that before any reading.
 */
#include "core/batch/look.h"

#include "core/batch/find.h"
#include "formats/cursor.h"
#include "io/workers.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define LOOKERS    8    /* cold inodes come faster until there are so many (PERF 3) */
#define COUNT_MIN  1024 /* below it threads do not pay */
#define DEAL_COUNT 32

struct seen {
    uint8_t kind, attempt;
};

struct spr_look {
    const struct spr_change *change;
    struct spr_selection selection;
    struct spr_workers *workers; /* NULL: joined */
    uint32_t *order;             /* of numbers, by inode: cold inodes lie side by side */
    struct seen *seen;           /* role * count + number; here and below */
    struct spr_identity *identities;
    _Atomic uint32_t next;
};

static const struct spr_plan_entry *entry_of(const struct spr_look *look, uint32_t number)
{
    return &look->selection.plan->entries[look->selection.entries[number]];
}

static bool is_on_demand(const struct spr_format *format, unsigned role)
{
    return (format->roles[role].flags & SPR_ROLE_ON_DEMAND) != 0;
}

/* ---- One message ----------------------------------------------------------------------------- */

static void note(struct spr_look *look, uint32_t number, unsigned role, enum spr_seen kind,
                 const struct spr_found_role *found)
{
    const size_t at = (size_t)role * look->selection.count + number;
    look->seen[at] = (struct seen){ (uint8_t)kind, (uint8_t)found->attempt };
    if (kind == SPR_SEEN_FILE) {
        look->identities[at] = found->identity;
    }
}

static void look_on_demand(struct spr_look *look, const struct spr_finder *finder, uint32_t number,
                           const struct spr_key *key)
{
    for (unsigned role = 0; role < look->change->format->role_count; role++) {
        struct spr_found_role found = { 0 };
        const int r = is_on_demand(look->change->format, role)
                          ? spr_find_role(finder, key, role, &found)
                          : -1;
        if (r >= 0 && found.attempt <= UINT8_MAX) {
            note(look, number, role, r == 1 ? SPR_SEEN_FILE : SPR_SEEN_ABSENT, &found);
        }
    }
}

/* Where the index saw it. */
static void look_at_message(struct spr_look *look, const struct spr_finder *finder, uint32_t number)
{
    const struct spr_format *format = look->change->format;
    const struct spr_plan *plan = look->selection.plan;
    const struct spr_plan_entry *entry = entry_of(look, number);
    struct spr_plan_names names;
    struct spr_key key;
    struct spr_found_role found = { 0 };
    spr_plan_names(plan, entry, &names);
    const struct spr_record_file *primary = &names.files[0];
    if (entry->dir >= format->dir_count || (format->dirs[entry->dir].flags & SPR_DIR_MEMORY) != 0 ||
        primary->role >= format->role_count || is_on_demand(format, primary->role) ||
        format->classify(&look->change->layout, entry->dir, primary->name, &key) != SPR_KIND_PART) {
        return; /* (S3) (S4) */
    }
    const struct spr_text folder = spr_text_of(plan->folders[entry->folder]);
    if (spr_find_identity(finder, folder, primary->name, &found.identity) == 0) {
        note(look, number, primary->role, SPR_SEEN_FILE, &found);
        look_on_demand(look, finder, number, &key);
    }
}

static int run_worker(uint32_t number, void *user)
{
    struct spr_look *look = user;
    struct spr_batch *folders = NULL;
    (void)number;
    if (spr_batch_new(&folders) < 0) {
        return 0; /* (S4) */
    }
    const struct spr_finder finder = { .change = look->change, .batch = folders };
    const uint32_t count = look->selection.count;
    for (;;) {
        const uint32_t from =
            atomic_fetch_add_explicit(&look->next, DEAL_COUNT, memory_order_relaxed);
        if (from >= count) {
            break;
        }
        const uint32_t to = count - from < DEAL_COUNT ? count : from + DEAL_COUNT;
        spr_batch_look_again(folders); /* (S3) */
        for (uint32_t i = from; i < to; i++) {
            look_at_message(look, &finder, look->order[i]);
        }
    }
    spr_batch_free(folders);
    return 0;
}

/* ---- All of them ----------------------------------------------------------------------------- */

static int compare_inodes(const void *a, const void *b, void *user)
{
    const struct spr_look *look = user;
    const uint64_t x = entry_of(look, *(const uint32_t *)a)->inode;
    const uint64_t y = entry_of(look, *(const uint32_t *)b)->inode;
    return (x > y) - (x < y);
}

static bool allocate(struct spr_look *look)
{
    const size_t count = look->selection.count;
    const size_t sights = count * look->change->format->role_count;
    look->order = malloc(count * sizeof(*look->order));
    look->seen = calloc(sights, sizeof(*look->seen));
    look->identities = calloc(sights, sizeof(*look->identities)); /* most pages are never used */
    return look->order != NULL && look->seen != NULL && look->identities != NULL;
}

static uint32_t worker_count(const struct spr_change *change, uint32_t count)
{
    if (change->options.workers > 0) {
        return change->options.workers < LOOKERS ? change->options.workers : LOOKERS;
    }
    return count >= COUNT_MIN ? LOOKERS : 1;
}

struct spr_look *spr_look_begin(const struct spr_change *change,
                                const struct spr_selection *selection)
{
    const uint32_t workers = worker_count(change, selection->count);
    struct spr_look *look = workers > 1 && selection->count > 0 ? calloc(1, sizeof(*look)) : NULL;
    if (look == NULL) {
        return NULL;
    }
    look->change = change;
    look->selection = *selection;
    if (!allocate(look)) {
        spr_look_free(look);
        return NULL;
    }
    for (uint32_t i = 0; i < selection->count; i++) {
        look->order[i] = i;
    }
    qsort_r(look->order, selection->count, sizeof(*look->order), compare_inodes, look);
    /* Tables of their own: with a shared one every call would count the folder's users. */
    if (spr_workers_start(workers, true, run_worker, look, &look->workers) < 0) {
        spr_look_free(look);
        return NULL;
    }
    return look;
}

void spr_look_wait(struct spr_look *look)
{
    if (look != NULL) {
        (void)spr_workers_join(look->workers); /* (S4) */
        look->workers = NULL;
    }
}

void spr_look_free(struct spr_look *look)
{
    if (look == NULL) {
        return;
    }
    atomic_store_explicit(&look->next, look->selection.count, memory_order_relaxed);
    spr_look_wait(look);
    free(look->order);
    free(look->seen);
    free(look->identities);
    free(look);
}

bool spr_look_covers(const struct spr_look *look, const struct spr_selection *selection)
{
    return look != NULL && look->selection.plan == selection->plan &&
           look->selection.entries == selection->entries &&
           look->selection.count >= selection->count;
}

struct spr_sight spr_look_sight(const struct spr_look *look, uint32_t number, unsigned role)
{
    if (look == NULL) {
        return (struct spr_sight){ .seen = SPR_SEEN_NOTHING };
    }
    const size_t at = (size_t)role * look->selection.count + number;
    return (struct spr_sight){
        .seen = (enum spr_seen)look->seen[at].kind,
        .attempt = look->seen[at].attempt,
        .identity = &look->identities[at],
    };
}
