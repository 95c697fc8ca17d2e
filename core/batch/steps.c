/*
 * Messages to steps: finding, confirming, asking the format.
 */
#include "core/batch/steps.h"

#include "core/batch/find.h"
#include "core/batch/pairing.h"
#include "core/library.h"
#include "formats/cursor.h"
#include "io/dirents.h"
#include "io/own.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct builder {
    struct spr_change *change;
    const struct spr_selection *selection;
    const struct spr_look *look; /* may be NULL */
    struct spr_batch *batch;
    struct spr_wake *wake;
};

static const struct spr_plan_entry *entry_of(const struct builder *b, uint32_t number)
{
    return &b->selection->plan->entries[b->selection->entries[number]];
}

/* ---- Steps ----------------------------------------------------------------------------------- */

static int check_links(const struct spr_batch_file *file)
{
    return file->links != 0 && file->identity.links != file->links ? -EMLINK : 0;
}

int spr_steps_prepare_file(struct spr_change *change, struct spr_batch *batch,
                           struct spr_batch_file *file)
{
    const int fd =
        spr_batch_dir_fd(batch, file->from_dir, change->place->root_fd, change->place->fd);
    if (fd < 0) {
        return fd;
    }
    const int r = spr_identity_at(fd, file->from, &file->identity);
    return r < 0 ? r : check_links(file);
}

/* Missing folders of a path, with owner and mode of the one above. */
static int make_folders(struct spr_change *change, const char *path)
{
    char prefix[SPR_PATH_MAX + 1];
    const size_t length = strlen(path);
    int above = spr_dir_open(change->place->root_fd, "");
    if (above < 0) {
        return above;
    }
    int r = 0;
    for (size_t start = 0; start < length && r == 0;) {
        const char *slash = strchr(path + start, '/');
        const size_t end = slash != NULL ? (size_t)(slash - path) : length;
        memcpy(prefix, path, end);
        prefix[end] = '\0';
        int below = spr_dir_open(change->place->root_fd, prefix);
        if (below == -ENOENT) {
            r = spr_foreign_folder(above, prefix + start);
            if (r == 0) {
                r = spr_sync_dir(above);
            }
            if (r == 0 || r == -EEXIST) {
                below = spr_dir_open(change->place->root_fd, prefix);
                r = 0;
            }
        }
        if (r == 0 && below < 0) {
            r = below;
        }
        (void)close(above); /* a folder: nothing can be lost */
        above = below;
        start = end + 1;
    }
    if (above >= 0) {
        (void)close(above); /* as above */
    }
    return r;
}

int spr_steps_target(struct spr_change *change, struct spr_batch *batch,
                     const struct spr_path *path, struct spr_batch_file *file)
{
    int r = spr_find_split(batch, path, &file->to_dir, &file->to);
    unsigned dir = 0;
    if (r == 0 &&
        !spr_format_dir_of(change->format, spr_text_of(batch->dirs[file->to_dir].path), &dir)) {
        r = SPR_E_UNABLE; /* a plan never leaves the format's own folders */
    }
    if (r < 0) {
        return r;
    }
    r = spr_batch_dir_fd(batch, file->to_dir, change->place->root_fd, change->place->fd);
    if (r == -ENOENT) {
        r = make_folders(change, batch->dirs[file->to_dir].path);
    }
    return r < 0 ? r : 0;
}

void spr_steps_wake(const struct spr_step *step, struct spr_wake *wake)
{
    memcpy(wake->path, step->path.text, sizeof(wake->path));
    wake->bytes = step->notify;
}

static enum spr_part part_of(const struct spr_format *format, unsigned role, unsigned primary)
{
    if (role == primary) {
        return SPR_PART_PIVOT;
    }
    return (format->roles[role].flags & SPR_ROLE_ON_DEMAND) != 0 ? SPR_PART_OPTIONAL
                                                                 : SPR_PART_SUPPORT;
}

static int add_step(const struct builder *b, const struct spr_found_message *found,
                    const struct spr_step *step)
{
    const struct spr_format *format = b->change->format;
    struct spr_batch *batch = b->batch;
    if (step->role >= format->role_count || found->names[step->role] == NULL || step->touch) {
        return SPR_E_UNABLE;
    }
    const uint32_t message = batch->message_count - 1;
    const uint32_t number = batch->messages[message].file_count;
    if (number >= SPR_ROLES_MAX) {
        return SPR_E_UNABLE;
    }
    struct spr_batch_file file = {
        .number = (uint8_t)number,
        .role = (uint8_t)step->role,
        .links = (uint8_t)format->roles[step->role].links,
        .part = part_of(format, step->role, found->primary),
        .way = step->op == SPR_STEP_TAKE ? SPR_WAY_TAKE : SPR_WAY_PUT,
        .from_dir = found->dirs[step->role],
        .from = found->names[step->role],
    };
    int r;
    if (file.way == SPR_WAY_TAKE) {
        file.to_dir = 0;
        file.to = spr_batch_slot(batch, message, file.number);
        r = file.to != NULL ? 0 : -ENOMEM;
    } else {
        r = spr_steps_target(b->change, batch, &step->path, &file);
    }
    if (r == 0 && found->identities[step->role].inode != 0) {
        file.identity = found->identities[step->role]; /* as it was confirmed or found */
        r = check_links(&file);
    } else if (r == 0) {
        r = spr_steps_prepare_file(b->change, batch, &file);
    }
    return r < 0 ? r : spr_batch_add_file(batch, &file);
}

/* What core itself refuses, before the format is asked. */
static int check_folder(const struct builder *b, const struct spr_found_message *found)
{
    const struct spr_change *change = b->change;
    const uint32_t flags = change->format->dirs[found->dir].flags;
    if ((flags & SPR_DIR_STOPPED) != 0 && change->server.runs) {
        return SPR_E_UNABLE;
    }
    if ((flags & SPR_DIR_MEMORY) != 0) {
        return spr_server_memory_seen(change->format, &change->server, change->options.flags)
                   ? 0
                   : SPR_E_UNABLE;
    }
    return 0;
}

static int ask_format(const struct builder *b, const struct spr_plan_entry *entry,
                      const struct spr_found_message *found)
{
    const struct spr_format *format = b->change->format;
    struct spr_steps steps = { 0 };
    struct spr_target target = {
        .layout = &b->change->layout,
        .dir = found->dir,
        .folder = spr_text_of(b->batch->dirs[found->batch_dir].path),
        .key = found->key,
        .flags = entry->flags,
        .server_runs = b->change->server.runs,
    };
    for (unsigned role = 0; role < format->role_count; role++) {
        target.roles_present |= found->names[role] != NULL ? 1u << role : 0;
    }
    if (!format->plan(&target, b->batch->operation, &steps)) {
        return SPR_E_UNABLE;
    }
    const bool is_memory = (format->dirs[found->dir].flags & SPR_DIR_MEMORY) != 0;
    unsigned puts = 0;
    for (unsigned i = 0; i < steps.count && i < SPR_STEPS_MAX; i++) {
        const struct spr_step *step = &steps.step[i];
        if (step->op == SPR_STEP_NOTIFY) {
            spr_steps_wake(step, b->wake);
        } else if (step->op != SPR_STEP_RELOAD) {
            puts += step->op == SPR_STEP_PUT ? 1 : 0;
            const int r = add_step(b, found, step);
            if (r < 0) {
                return r;
            }
        }
    }
    if (puts > 1) {
        return SPR_E_UNABLE; /* a set moves by its slots; no server here holds sets */
    }
    b->batch->needs_reload = b->batch->needs_reload || (is_memory && b->change->server.runs);
    return 0;
}

/* ---- Messages -------------------------------------------------------------------------------- */

/* A message that stays is told in the journal too. */
static int leave_message(const struct builder *b, const struct spr_plan_entry *entry,
                         const struct spr_plan_names *names, uint32_t dir, int code)
{
    struct spr_batch *batch = b->batch;
    uint32_t message = 0;
    const int r = spr_batch_add_message(batch, &message);
    if (r < 0) {
        return r;
    }
    struct spr_batch_file file = {
        .part = SPR_PART_PIVOT,
        .way = SPR_WAY_LEAVE,
        .from_dir = dir,
        .from = spr_batch_text(batch, names->files[0].name),
        .to = "",
        .identity = { .inode = entry->inode, .size = entry->file_size },
    };
    if (file.from == NULL) {
        return -ENOMEM;
    }
    batch->messages[message].fate = SPR_FATE_SKIPPED;
    batch->messages[message].code = code;
    if (!spr_fate_may_pass(&batch->messages[message])) {
        spr_change_note(b->change, code, batch->dirs[dir].path, file.from);
    }
    return spr_batch_add_file(batch, &file);
}

static int build_message(const struct builder *b, uint32_t number,
                         const struct spr_plan_names *names, uint32_t dir, int paired)
{
    const struct spr_plan_entry *entry = entry_of(b, number);
    struct spr_found_message found = { 0 };
    uint32_t message = 0;
    if (paired < 0) {
        return paired;
    }
    const struct spr_finder finder = { b->change, b->batch, b->look, number };
    int r = spr_find_message(&finder, entry, names, dir, &found);
    if (r == 0) {
        r = check_folder(b, &found);
    }
    if (r == 0) {
        r = spr_find_on_demand(&finder, &found);
    }
    if (r < 0) {
        return r;
    }
    r = spr_batch_add_message(b->batch, &message);
    if (r < 0) {
        return r;
    }
    r = ask_format(b, entry, &found);
    if (r == 0 && b->batch->messages[message].file_count == 0) {
        r = SPR_E_UNABLE;
    }
    if (r < 0) {
        spr_batch_drop_last(b->batch);
    }
    return r;
}

int spr_steps_head(struct spr_change *change, enum spr_action operation, struct spr_batch *batch)
{
    struct timespec now = { 0 };
    (void)clock_gettime(CLOCK_REALTIME, &now); /* never fails for this clock */
    batch->operation = operation;
    batch->format = change->format->name;
    batch->layout = change->layout;
    batch->created_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    batch->spool_root = change->place->spool_root;
    batch->root = change->place->root;
    batch->private_dir = change->place->self;
    batch->run = change->server.run;
    return spr_random(batch->id, sizeof(batch->id));
}

/* Failures of one message become its fate; others end the build. */
static bool is_about_message(int code)
{
    switch (code) {
    case -ENOENT:
    case -ENOTDIR:
    case -EBADF:
    case -EACCES:
    case -EPERM:
    case -ELOOP:
    case -EMLINK:
    case -EAGAIN:
    case -EINVAL:
    case -EXDEV:
    case -ENODATA:
    case SPR_E_CHANGED:
    case SPR_E_BUSY:
    case SPR_E_UNABLE:
        return true;
    default:
        return false;
    }
}

static int build_all(const struct builder *b, const uint32_t *dirs,
                     const struct spr_pairing *pairing)
{
    for (uint32_t i = 0; i < b->selection->count; i++) {
        struct spr_plan_names names;
        spr_plan_names(b->selection->plan, entry_of(b, i), &names);
        int r = build_message(b, i, &names, dirs[i], spr_pairing_check(pairing, i));
        if (r < 0 && is_about_message(r)) {
            r = leave_message(b, entry_of(b, i), &names, dirs[i], r);
        }
        if (r < 0) {
            return r;
        }
        b->batch->messages[b->batch->message_count - 1].entry = i;
    }
    return 0;
}

int spr_steps_build(struct spr_change *change, const struct spr_selection *selection,
                    const struct spr_look *look, struct spr_batch *batch, struct spr_wake *wake)
{
    const struct builder b = { change, selection, look, batch, wake };
    const struct spr_plan *plan = selection->plan;
    const uint32_t count = selection->count;
    struct spr_pairing *pairing = NULL;
    uint32_t *dirs = malloc(((size_t)count + 1) * sizeof(*dirs));
    int r = dirs != NULL ? spr_steps_head(change, plan->action, batch) : -ENOMEM;
    for (uint32_t i = 0; r == 0 && i < count; i++) {
        const char *folder = plan->folders[entry_of(&b, i)->folder];
        r = spr_batch_add_dir(batch, SPR_BASE_SPOOL, spr_text_of(folder), &dirs[i]);
    }
    if (r == 0) {
        r = spr_pairing_read(change, plan, selection->entries, dirs, count, batch, &pairing);
    }
    if (r == 0) {
        r = build_all(&b, dirs, pairing);
    }
    spr_pairing_free(pairing);
    free(dirs);
    return r;
}
