/*
 * The batch that brings back what another one took. It reads the other's journal as it is: what
 * still lies where that batch put it is brought back, so a second undo finds what a first one left.
 */
#include "core/batch/move.h"
#include "core/batch/pairing.h"
#include "core/batch/steps.h"
#include "core/library.h"
#include "formats/cursor.h"
#include "io/dirents.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct restorer {
    struct spr_change *change;
    struct spr_batch *done, *batch;
    struct spr_wake *wake;
    const struct spr_pairing *taken;
    bool run_lives; /* still, after the reload that was asked for */
};

/* Which roles of this message are still where they were put: a bit each, or a negative errno. A
 * pivot whose supports are not all there stays where it is, and one that is another file now. */
static int roles_left(const struct restorer *r, const struct spr_batch_message *message)
{
    uint32_t roles = 0;
    bool has_pivot = false;
    bool is_whole = true;
    for (uint32_t i = 0; i < message->file_count; i++) {
        const struct spr_batch_file *file = &r->done->files[message->first_file + i];
        if (file->way == SPR_WAY_LEAVE) {
            continue;
        }
        const int place = spr_move_find(r->change, r->done, file);
        if (place < 0) {
            return place;
        }
        roles |= place == SPR_PLACE_TO ? 1u << file->role : 0;
        if (place == SPR_PLACE_STRANGER && file->part == SPR_PART_PIVOT) {
            return SPR_E_CHANGED;
        }
        has_pivot = has_pivot || (file->part == SPR_PART_PIVOT && place == SPR_PLACE_TO);
        is_whole = is_whole && (file->part != SPR_PART_SUPPORT || place == SPR_PLACE_TO);
    }
    return has_pivot && !is_whole ? SPR_E_CHANGED : (int)roles;
}

static const struct spr_batch_file *file_of_role(const struct restorer *r,
                                                 const struct spr_batch_message *message,
                                                 unsigned role)
{
    for (uint32_t i = 0; i < message->file_count; i++) {
        if (r->done->files[message->first_file + i].role == role) {
            return &r->done->files[message->first_file + i];
        }
    }
    return NULL;
}

static const struct spr_batch_file *pivot_of(const struct restorer *r,
                                             const struct spr_batch_message *message)
{
    for (uint32_t i = 0; i < message->file_count; i++) {
        if (r->done->files[message->first_file + i].part == SPR_PART_PIVOT) {
            return &r->done->files[message->first_file + i];
        }
    }
    return NULL;
}

/* A path of the done batch as a folder of this one. */
static int take_dir(const struct restorer *r, uint32_t dir, uint32_t *ret_dir)
{
    const struct spr_batch_dir *from = &r->done->dirs[dir];
    return spr_batch_add_dir(r->batch, from->base, spr_text_of(from->path), ret_dir);
}

static int add_put(const struct restorer *r, const struct spr_batch_file *old,
                   const struct spr_path *path)
{
    struct spr_batch *batch = r->batch;
    struct spr_batch_file file = {
        .number = (uint8_t)batch->messages[batch->message_count - 1].file_count,
        .role = old->role,
        .links = old->links,
        .part = old->part,
        .way = SPR_WAY_PUT,
        .from = spr_batch_text(batch, spr_text_of(old->to)),
    };
    int code = file.from != NULL ? take_dir(r, old->to_dir, &file.from_dir) : -ENOMEM;
    if (code == 0) {
        code = spr_steps_target(r->change, batch, path, &file);
    }
    if (code == 0) {
        code = spr_steps_prepare_file(r->change, batch, &file);
    }
    return code < 0 ? code : spr_batch_add_file(batch, &file);
}

/* An empty path in a plan to restore: the very one it was taken from. */
static int set_origin(const struct restorer *r, const struct spr_batch_file *old,
                      struct spr_path *path)
{
    const char *folder = r->done->dirs[old->from_dir].path;
    const int length = snprintf(path->text, sizeof(path->text), "%s%s%s", folder,
                                folder[0] != '\0' ? "/" : "", old->from);
    if (length < 0 || (size_t)length >= sizeof(path->text)) {
        return -ENAMETOOLONG;
    }
    path->length = (size_t)length;
    return 0;
}

/* Where the format wants it, else where it came from. */
static int ask_format(const struct restorer *r, const struct spr_batch_message *message,
                      const struct spr_batch_file *pivot, uint32_t roles)
{
    const struct spr_format *format = r->change->format;
    const struct spr_text folder = spr_text_of(r->done->dirs[pivot->from_dir].path);
    const struct spr_text there = spr_text_of(r->done->dirs[pivot->to_dir].path);
    struct spr_steps steps = { 0 };
    struct spr_target target = { .layout = &r->change->layout,
                                 .roles_present = roles,
                                 .server_runs = r->change->server.runs,
                                 .from_folder = folder };
    if (!spr_format_dir_of(format, folder, &target.from_dir) ||
        format->classify(&r->change->layout, target.from_dir, spr_text_of(pivot->from),
                         &target.key) != SPR_KIND_PART) {
        return SPR_E_UNABLE;
    }
    target.dir = target.from_dir;
    target.folder = folder;
    if (pivot->way == SPR_WAY_PUT) {
        (void)spr_format_dir_of(format, there, &target.dir); /* else: as if it lay where it was */
        target.folder = there;
    }
    target.run_lives = r->run_lives && (format->dirs[target.from_dir].flags & SPR_DIR_MEMORY) != 0;
    if (target.run_lives || !format->plan(&target, SPR_RESTORE, &steps)) {
        return SPR_E_UNABLE;
    }
    for (unsigned i = 0; i < steps.count && i < SPR_STEPS_MAX; i++) {
        struct spr_step *step = &steps.step[i];
        if (step->op == SPR_STEP_NOTIFY) {
            spr_steps_wake(step, r->wake);
        }
        if (step->op != SPR_STEP_PUT) {
            continue;
        }
        const struct spr_batch_file *old = file_of_role(r, message, step->role);
        int code = old == NULL ? SPR_E_UNABLE : 0;
        if (code == 0 && step->path.length == 0) {
            code = set_origin(r, old, &step->path);
        }
        if (code == 0) {
            code = add_put(r, old, &step->path);
        }
        if (code < 0) {
            return code;
        }
    }
    return 0;
}

/* Every required name it goes to must be free: nothing of it is put back otherwise. */
static int check_names_free(const struct restorer *r, uint32_t message)
{
    struct spr_batch *batch = r->batch;
    const struct spr_batch_message *m = &batch->messages[message];
    for (uint32_t i = 0; i < m->file_count; i++) {
        const struct spr_batch_file *file = &batch->files[m->first_file + i];
        if (file->part == SPR_PART_OPTIONAL) {
            continue;
        }
        const int fd =
            spr_batch_dir_fd(batch, file->to_dir, r->change->place->root_fd, r->change->place->fd);
        if (fd < 0) {
            return fd;
        }
        struct spr_io_meta meta;
        const int code = spr_meta_at(fd, file->to, &meta);
        if (code != -ENOENT) {
            return code == 0 ? -EEXIST : code;
        }
    }
    return 0;
}

/* The message stays where it is, and we say so; other failures end the undo. */
static int stay(const struct restorer *r, const struct spr_batch_file *pivot, int code)
{
    if (!spr_move_concerns_message(code)) {
        return code;
    }
    r->change->report.stuck++;
    spr_change_note(r->change, code, r->done->dirs[pivot->from_dir].path, pivot->from);
    return 0;
}

static int restore_message(const struct restorer *r, uint32_t number)
{
    const struct spr_batch_message *old = &r->done->messages[number];
    const struct spr_batch_file *pivot = pivot_of(r, old);
    uint32_t message = 0;
    if (pivot == NULL || pivot->way == SPR_WAY_LEAVE || old->fate == SPR_FATE_SKIPPED ||
        old->fate == SPR_FATE_LOST) {
        return 0;
    }
    const int roles = roles_left(r, old);
    if (roles < 0) {
        return stay(r, pivot, roles);
    }
    if (((uint32_t)roles >> pivot->role & 1) == 0) {
        return 0; /* back already, or gone */
    }
    int code = spr_pairing_check(r->taken, number);
    if (code < 0) {
        return stay(r, pivot, code);
    }
    code = spr_batch_add_message(r->batch, &message);
    if (code < 0) {
        return code;
    }
    code = ask_format(r, old, pivot, (uint32_t)roles);
    if (code == 0) {
        code = check_names_free(r, message);
    }
    if (code < 0) {
        spr_batch_drop_last(r->batch);
        return stay(r, pivot, code);
    }
    return code;
}

/* Messages taken from a folder that the server keeps in memory need its run to end first. */
static bool end_memory(struct spr_change *change, const struct spr_batch *done)
{
    if (!done->needs_reload || !change->server.runs || !spr_run_lives(&done->run)) {
        return true;
    }
    if ((change->options.flags & SPR_NO_RELOAD) != 0 ||
        spr_server_reload(change->format, &change->server, &done->run) < 0) {
        return false;
    }
    change->report.reloads++;
    change->server.run = (struct spr_run){ 0 };
    return true;
}

int spr_steps_undo(struct spr_change *change, struct spr_batch *done, struct spr_batch *batch,
                   struct spr_wake *wake)
{
    int code = spr_steps_head(change, SPR_RESTORE, batch);
    if (code < 0) {
        return code;
    }
    batch->undoes = done->number;
    struct spr_pairing *taken = NULL;
    code = spr_pairing_read_taken(change, done, &taken);
    if (code < 0) {
        return code;
    }
    const struct restorer r = {
        .change = change,
        .done = done,
        .batch = batch,
        .wake = wake,
        .taken = taken,
        .run_lives = !end_memory(change, done),
    };
    for (uint32_t i = 0; code == 0 && i < done->message_count; i++) {
        code = restore_message(&r, i);
    }
    spr_pairing_free(taken);
    return code;
}
