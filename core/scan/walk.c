/*
 * Folders to candidates, several folders at once.
 *
 * Shared, under the mutex: the folder table (it grows while folders are listed), the list of
 * folders to list and its cursor. A worker takes a folder, lists it without the mutex into its own
 * listing, and puts the sub-folders it met back under the mutex. When all is listed, whoever sees
 * it first makes room for all candidates, and each worker moves its own there.
 */
#include "core/scan/walk.h"

#include "core/scan/listing.h"
#include "core/scan/numbers.h"
#include "io/dirents.h"
#include "io/workers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WALK_WORKERS_MAX 8 /* PERF 5: more do not list faster */

struct crew {
    struct spr_walk *walk;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    uint32_t *tasks; /* indices of folders */
    size_t task_count, task_room, task_next;
    uint32_t active;
    int error;
    uint64_t listed;
    int first_refusal;               /* of a folder that could not be opened */
    const struct spr_numbers *known; /* inodes of folders in the table already; NULL: none */
    struct spr_listing *listings;    /* one per worker */
    size_t *places;                  /* where the candidates of each go */
    uint32_t workers;
    bool is_placed;
};

/* ---- The folder table ------------------------------------------------------------------------ */

/* Takes path over. */
static int add_folder(struct spr_walk *walk, char *path, unsigned dir, unsigned depth,
                      uint32_t *ret_folder)
{
    size_t room = walk->folder_room;
    int r = spr_grow((void **)&walk->folders, &room, walk->folder_count, sizeof(*walk->folders));
    if (r < 0) {
        free(path);
        return r;
    }
    walk->folder_room = (uint32_t)room;
    *ret_folder = walk->folder_count++;
    walk->folders[*ret_folder] =
        (struct spr_walk_folder){ .path = path, .dir = dir, .depth = depth };
    return 0;
}

static int add_task(struct crew *crew, uint32_t folder)
{
    int r =
        spr_grow((void **)&crew->tasks, &crew->task_room, crew->task_count, sizeof(*crew->tasks));
    if (r == 0) {
        crew->tasks[crew->task_count++] = folder;
    }
    return r;
}

static char *join_path(const char *folder, const char *name)
{
    const size_t folder_length = strlen(folder);
    const size_t name_length = strlen(name);
    char *path = malloc(folder_length + 1 + name_length + 1);
    if (path == NULL) {
        return NULL;
    }
    size_t used = 0;
    if (folder_length > 0) {
        memcpy(path, folder, folder_length);
        path[folder_length] = '/';
        used = folder_length + 1;
    }
    memcpy(path + used, name, name_length + 1);
    return path;
}

static bool may_be_absent(const struct spr_listing_task *task)
{
    const struct spr_dir *dir = &task->listing->setup->format->dirs[task->dir];
    return task->depth > 0 || (dir->flags & SPR_DIR_OPTIONAL) != 0;
}

/* Under the mutex. */
static int add_subfolders(struct crew *crew, const struct spr_listing_task *task)
{
    int r = 0;
    for (size_t i = 0; i < task->subfolder_count && r == 0; i++) {
        if (crew->known != NULL && spr_numbers_contain(crew->known, task->subfolder_inodes[i])) {
            continue;
        }
        char *path = join_path(task->path, task->subfolders[i]);
        uint32_t folder;
        r = path == NULL ? -ENOMEM
                         : add_folder(crew->walk, path, task->dir, task->depth + 1, &folder);
        if (r == 0) {
            r = add_task(crew, folder);
        }
    }
    return r;
}

/* Under the mutex: what the listing of a folder came to. */
static int note_result(struct crew *crew, const struct spr_listing_task *task, int result,
                       const struct spr_io_meta *meta)
{
    if (result == 0) {
        struct spr_walk_folder *folder = &crew->walk->folders[task->folder];
        folder->inode = meta->inode;
        folder->mtime_ns = meta->mtime_ns;
        crew->listed++;
        return add_subfolders(crew, task);
    }
    if (result == -ENOMEM || result == SPR_E_STOPPED) {
        return result;
    }
    if (result == -ENOENT && may_be_absent(task)) {
        return 0;
    }
    if (crew->first_refusal == 0) {
        crew->first_refusal = result;
    }
    const struct spr_reject_detail detail = { .code = result };
    spr_tally_reject(crew->walk->setup.tally, SPR_REJECT_FOLDER, task->path, (struct spr_text){ 0 },
                     &detail);
    return 0;
}

/* Under the mutex, which it drops while it lists. */
static int work_off(struct crew *crew, uint32_t number)
{
    const uint32_t folder = crew->tasks[crew->task_next++];
    const struct spr_walk_folder *known = &crew->walk->folders[folder];
    struct spr_listing_task task = {
        .listing = &crew->listings[number],
        .folder = folder,
        .path = known->path,
        .dir = known->dir,
        .depth = known->depth,
    };
    crew->active++;
    (void)pthread_mutex_unlock(&crew->mutex);

    struct spr_io_meta meta = { 0 };
    int r = spr_listing_folder(&task, &meta);
    spr_tally_add(&crew->walk->setup.tally->entries, task.entries);

    (void)pthread_mutex_lock(&crew->mutex);
    crew->active--;
    r = note_result(crew, &task, r, &meta);
    spr_listing_task_done(&task);
    (void)pthread_cond_broadcast(&crew->changed);
    return r;
}

/* Under the mutex, when all is listed. */
static int place_listings(struct crew *crew)
{
    struct spr_walk *walk = crew->walk;
    size_t count = walk->candidate_count;
    for (uint32_t i = 0; i < crew->workers; i++) {
        crew->places[i] = count;
        count += crew->listings[i].candidate_count;
    }
    if (count > walk->candidate_room) {
        void *grown = realloc(walk->candidates, count * sizeof(*walk->candidates));
        if (grown == NULL) {
            return -ENOMEM;
        }
        walk->candidates = grown;
        walk->candidate_room = count;
    }
    walk->candidate_count = count;
    return 0;
}

/* Frees them, too: all listings together are as large as the walk. */
static void move_candidates(const struct crew *crew, uint32_t number)
{
    struct spr_listing *listing = &crew->listings[number];
    if (listing->candidate_count > 0) {
        memcpy(crew->walk->candidates + crew->places[number], listing->candidates,
               listing->candidate_count * sizeof(*listing->candidates));
    }
    free(listing->candidates);
    listing->candidates = NULL;
    listing->candidate_count = 0;
}

static int run_lister(uint32_t number, void *user)
{
    struct crew *crew = user;
    (void)pthread_mutex_lock(&crew->mutex); /* a plain mutex: cannot fail */
    while (crew->error == 0) {
        if (crew->task_next < crew->task_count) {
            const int r = work_off(crew, number);
            if (r < 0 && crew->error == 0) {
                crew->error = r;
            }
        } else if (crew->active > 0) {
            (void)pthread_cond_wait(&crew->changed, &crew->mutex);
        } else {
            break;
        }
    }
    if (crew->error == 0 && !crew->is_placed) {
        crew->error = place_listings(crew);
        crew->is_placed = true;
    }
    const int r = crew->error;
    (void)pthread_cond_broadcast(&crew->changed);
    (void)pthread_mutex_unlock(&crew->mutex);
    if (r == 0) {
        move_candidates(crew, number);
    }
    return r;
}

/* ---- A round of listings --------------------------------------------------------------------- */

/* The logs and the names; its candidates were moved. */
static int join_listing(struct spr_walk *walk, struct spr_listing *listing)
{
    for (size_t i = 0; i < listing->log_count; i++) {
        int r =
            spr_grow((void **)&walk->logs, &walk->log_room, walk->log_count, sizeof(*walk->logs));
        if (r < 0) {
            return r;
        }
        walk->logs[walk->log_count++] = listing->logs[i];
    }
    spr_pool_adopt(&walk->arena, &listing->arena);
    return 0;
}

int spr_walk_share(struct spr_walk *walk, uint32_t workers, bool private_files,
                   int (*run)(uint32_t number, void *user), void *user)
{
    struct spr_workers *pool;
    int r = spr_workers_start(workers, private_files, run, user, &pool);
    if (r < 0) {
        return r;
    }
    while (spr_workers_wait(pool, SPR_TICK_MS) == 0) {
        if (walk->setup.on_wait != NULL && !walk->setup.on_wait(walk->setup.user)) {
            atomic_store_explicit(&walk->setup.tally->stop, true, memory_order_relaxed);
        }
    }
    return spr_workers_join(pool);
}

static int list_tasks(struct crew *crew)
{
    struct spr_walk *walk = crew->walk;
    for (uint32_t i = 0; i < crew->workers; i++) {
        spr_listing_init(&crew->listings[i], &walk->setup);
    }
    crew->is_placed = false;
    int r = spr_walk_share(walk, crew->workers, false, run_lister, crew);
    for (uint32_t i = 0; i < crew->workers; i++) {
        if (r == 0) {
            r = join_listing(walk, &crew->listings[i]);
        }
        spr_listing_done(&crew->listings[i]);
    }
    return r;
}

/* Lists the crew's tasks and what lies below; then joins all listings. */
static int run_round(struct crew *crew)
{
    const uint32_t wanted = crew->walk->setup.workers;
    crew->workers = wanted == 0 || wanted > WALK_WORKERS_MAX ? WALK_WORKERS_MAX : wanted;
    crew->listings = calloc(crew->workers, sizeof(*crew->listings));
    crew->places = calloc(crew->workers, sizeof(*crew->places));
    const int r = crew->listings == NULL || crew->places == NULL ? -ENOMEM : list_tasks(crew);
    free(crew->listings);
    free(crew->places);
    crew->listings = NULL;
    crew->places = NULL;
    return r;
}

static int crew_init(struct crew *crew, struct spr_walk *walk)
{
    *crew = (struct crew){ .walk = walk };
    int r = pthread_mutex_init(&crew->mutex, NULL);
    if (r != 0) {
        return -r;
    }
    r = pthread_cond_init(&crew->changed, NULL);
    if (r != 0) {
        (void)pthread_mutex_destroy(&crew->mutex);
    }
    return -r;
}

static void crew_done(struct crew *crew)
{
    (void)pthread_cond_destroy(&crew->changed); /* nobody waits any more */
    (void)pthread_mutex_destroy(&crew->mutex);
    free(crew->tasks);
}

/* ---- The walk -------------------------------------------------------------------------------- */

void spr_walk_init(struct spr_walk *walk, const struct spr_walk_setup *setup)
{
    *walk = (struct spr_walk){ .setup = *setup };
}

void spr_walk_done(struct spr_walk *walk)
{
    for (uint32_t i = 0; i < walk->folder_count; i++) {
        free(walk->folders[i].path);
    }
    free(walk->folders);
    free(walk->candidates);
    free(walk->logs);
    spr_pool_done(&walk->arena);
    *walk = (struct spr_walk){ 0 };
}

/* The order in which a live server's messages are met again rather than missed: where they rest
 * first, then along their way. */
static unsigned phase_of(enum spr_state state)
{
    switch (state) {
    case SPR_STATE_DEFERRED:
    case SPR_STATE_HELD:
    case SPR_STATE_CORRUPT:
        return 0;
    case SPR_STATE_INCOMING:
        return 1;
    case SPR_STATE_ACTIVE:
        return 2;
    }
    return 2;
}

static int start_phase(struct crew *crew, unsigned phase)
{
    const struct spr_format *format = crew->walk->setup.format;
    int r = 0;
    for (unsigned dir = 0; dir < format->dir_count && r == 0; dir++) {
        if ((format->dirs[dir].flags & SPR_DIR_NO_WALK) != 0 ||
            phase_of(format->dirs[dir].state) != phase) {
            continue;
        }
        char *path = strdup(format->dirs[dir].path);
        uint32_t folder;
        r = path == NULL ? -ENOMEM : add_folder(crew->walk, path, dir, 0, &folder);
        if (r == 0) {
            r = add_task(crew, folder);
        }
    }
    return r;
}

int spr_walk_all(struct spr_walk *walk)
{
    struct crew crew;
    int r = crew_init(&crew, walk);
    if (r < 0) {
        return r;
    }
    for (unsigned phase = 0; phase <= 2 && r == 0; phase++) {
        r = start_phase(&crew, phase);
        if (r == 0 && crew.task_next < crew.task_count) {
            r = run_round(&crew);
        }
    }
    if (r == 0 && crew.listed == 0) {
        r = crew.first_refusal; /* nothing at all could be seen */
    }
    crew_done(&crew);
    return r;
}

/* ---- What moved meanwhile -------------------------------------------------------------------- */

static int start_moved(struct crew *crew)
{
    struct spr_walk *walk = crew->walk;
    for (uint32_t i = 0; i < walk->folder_count; i++) {
        const struct spr_walk_folder *folder = &walk->folders[i];
        const int fd = spr_dir_open(walk->setup.root_fd, folder->path);
        if (fd < 0) {
            continue; /* gone, or refused and reported before */
        }
        struct spr_io_meta meta;
        int r = spr_meta_of(fd, &meta);
        (void)close(fd); /* read only: nothing can be lost */
        if (r == 0 && (meta.mtime_ns != folder->mtime_ns || meta.inode != folder->inode)) {
            r = add_task(crew, i);
        }
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int note_folders(const struct spr_walk *walk, struct spr_numbers *numbers)
{
    int r = spr_numbers_init(numbers, walk->folder_count);
    for (uint32_t i = 0; i < walk->folder_count && r == 0; i++) {
        spr_numbers_add(numbers, walk->folders[i].inode);
    }
    return r;
}

int spr_walk_again(struct spr_walk *walk, size_t *ret_first)
{
    struct crew crew;
    struct spr_numbers known = { 0 };
    struct spr_tally unseen; /* what a second listing would count twice */
    int r = spr_tally_init(&unseen);
    if (r < 0) {
        return r;
    }
    r = crew_init(&crew, walk);
    if (r < 0) {
        spr_tally_done(&unseen);
        return r;
    }
    struct spr_tally *tally = walk->setup.tally;
    const size_t first = walk->candidate_count;
    const size_t logs = walk->log_count;
    walk->setup.tally = &unseen;
    r = start_moved(&crew);
    const bool moved = crew.task_count > 0;
    if (r == 0 && moved) {
        r = note_folders(walk, &known);
        crew.known = &known;
    }
    if (r == 0 && moved) {
        r = run_round(&crew);
    }
    if (r == 0) {
        r = spr_walk_keep_unseen(walk, first);
    }
    walk->setup.tally = tally;
    walk->log_count = logs;
    spr_numbers_done(&known);
    crew_done(&crew);
    spr_tally_done(&unseen);
    if (r < 0) {
        return r;
    }
    *ret_first = first;
    return moved ? 1 : 0;
}
