/*
 * One phase of a batch.
 *
 * Files are moved in rounds (team.h). A worker calls the kernel for one file at a time and writes
 * that file, its answer and the touched marks of its two folders; the folders were opened before
 * the round, and what else a move may need, the reserve and the report, belongs to the calling
 * thread, which goes through the answers in the files' order when the round has ended. Within a
 * phase no file waits for another: only phases have an order (A2).
 */
#include "core/batch/phase.h"

#include "core/batch/apply.h"
#include "core/batch/move.h"
#include "core/batch/reserve.h"

#include <errno.h>
#include <stdlib.h>

struct phase {
    struct spr_change *change;
    struct spr_batch *batch;
    bool pivots;
    uint32_t count;
    uint32_t files[SPR_TEAM_ROUND];
    int answers[SPR_TEAM_ROUND];
};

static bool has_moved(const struct spr_batch *batch, const struct spr_batch_message *message)
{
    for (uint32_t i = 0; i < message->file_count; i++) {
        if (batch->files[message->first_file + i].moved) {
            return true;
        }
    }
    return false;
}

void spr_phase_fail(struct spr_change *change, struct spr_batch *batch,
                    const struct spr_batch_file *file, int code)
{
    struct spr_batch_message *message = &batch->messages[file->message];
    message->fate = has_moved(batch, message) ? SPR_FATE_BACK : SPR_FATE_SKIPPED;
    message->code = code;
    message->fate_file = file->number;
    if (!spr_fate_may_pass(message)) {
        spr_change_note(change, code, batch->dirs[file->from_dir].path, file->from);
    }
}

/* A log that the server made or removed meanwhile does not stop its message. */
static bool is_optional_loss(const struct spr_batch_file *file, int code)
{
    return file->part == SPR_PART_OPTIONAL && (code == -ENOENT || code == -EEXIST);
}

static struct spr_move_rule rule_of(const struct phase *phase, const struct spr_batch_file *file)
{
    /* Slots were compared when the batch was built and nobody else can enter them; restoring
     * changed their change times. */
    const struct spr_lock_rule *lock = &phase->change->format->lock;
    const bool arrives = spr_operation_arrives(phase->batch->operation);
    return (struct spr_move_rule){
        .strict = phase->batch->operation != SPR_RESTORE,
        .seen = arrives && file->part == SPR_PART_PIVOT,
        .prove = !arrives && lock->kind == SPR_LOCK_CLAIM_FLOCK && lock->role == file->role,
    };
}

/* On any thread. */
static int move_item(uint32_t item, void *user)
{
    struct phase *phase = user;
    struct spr_batch_file *file = &phase->batch->files[phase->files[item]];
    const int r = spr_move_there(phase->change, phase->batch, file, rule_of(phase, file));
    phase->answers[item] = r;
    return r < 0 && !spr_move_concerns_message(r) ? r : 0; /* (A4) */
}

static int settle_item(const struct phase *phase, uint32_t item)
{
    struct spr_batch_file *file = &phase->batch->files[phase->files[item]];
    int r = phase->answers[item];
    if (spr_is_disk_full(r)) {
        r = spr_move_with_room(phase->change, phase->batch, file, rule_of(phase, file));
    } else if (r < 0 && file->moved) {
        (void)spr_move_back(phase->change, phase->batch,
                            file); /* else the end of the phase tries */
    }
    if (r == 0 || is_optional_loss(file, r)) {
        return 0;
    }
    if (!spr_move_concerns_message(r)) {
        return r; /* (A4) */
    }
    spr_phase_fail(phase->change, phase->batch, file, r);
    return 0;
}

static int open_folder(const struct phase *phase, uint32_t dir)
{
    const struct spr_private *place = phase->change->place;
    const int r = phase->batch->dirs[dir].fd >= 0
                      ? 0
                      : spr_batch_dir_fd(phase->batch, dir, place->root_fd, place->fd);
    /* A full disk is told by a sync of what was closed for it. */
    return r < 0 && (!spr_move_concerns_message(r) || spr_is_disk_full(r)) ? r : 0;
}

/* Both folders of all its files. 0: some cannot be open together, or at all. */
static int open_folders(const struct phase *phase)
{
    const struct spr_batch *batch = phase->batch;
    int r = 0;
    for (uint32_t i = 0; i < phase->count && r == 0; i++) {
        const struct spr_batch_file *file = &batch->files[phase->files[i]];
        r = open_folder(phase, file->from_dir);
        r = r == 0 ? open_folder(phase, file->to_dir) : r;
    }
    if (r < 0) {
        return r;
    }
    bool is_open = true;
    for (uint32_t i = 0; i < phase->count && is_open; i++) {
        const struct spr_batch_file *file = &batch->files[phase->files[i]];
        is_open = batch->dirs[file->from_dir].fd >= 0 && batch->dirs[file->to_dir].fd >= 0;
    }
    return is_open;
}

static int run_round(struct phase *phase)
{
    struct spr_team *movers = &phase->change->movers;
    int r = spr_team_size(movers, phase->count) > 1 ? open_folders(phase) : 1;
    if (r >= 0) {
        r = r == 1 ? spr_team_round(movers, phase->count, move_item, phase)
                   : spr_team_alone(phase->count, move_item, phase);
    }
    for (uint32_t i = 0; i < phase->count && r == 0; i++) {
        r = settle_item(phase, i);
    }
    if (r == 0 && phase->pivots) {
        spr_change_progress(phase->change, phase->count);
    }
    phase->count = 0;
    return r;
}

int spr_phase_move(struct spr_change *change, struct spr_batch *batch, bool pivots)
{
    struct phase *phase = malloc(sizeof(*phase));
    if (phase == NULL) {
        return -ENOMEM;
    }
    phase->change = change;
    phase->batch = batch;
    phase->pivots = pivots;
    phase->count = 0;
    int r = 0;
    for (uint32_t i = 0; i < batch->file_count && r == 0; i++) {
        const struct spr_batch_file *file = &batch->files[i];
        if ((file->part == SPR_PART_PIVOT) != pivots || file->way == SPR_WAY_LEAVE || file->moved ||
            batch->messages[file->message].fate != SPR_FATE_OUT) {
            continue;
        }
        phase->files[phase->count++] = i;
        if (phase->count == SPR_TEAM_ROUND) {
            r = run_round(phase);
        }
    }
    if (r == 0 && phase->count > 0) {
        r = run_round(phase);
    }
    free(phase);
    return r;
}

int spr_phase_put_back(struct spr_change *change, struct spr_batch *batch, bool pivots)
{
    for (uint32_t i = 0; i < batch->file_count; i++) {
        struct spr_batch_file *file = &batch->files[i];
        struct spr_batch_message *message = &batch->messages[file->message];
        if ((file->part == SPR_PART_PIVOT) != pivots || !file->moved ||
            message->fate == SPR_FATE_OUT || message->fate == SPR_FATE_STUCK) {
            continue; /* a stuck support keeps its pivot where it is */
        }
        const int r = spr_move_back(change, batch, file);
        if (r < 0 && !spr_move_concerns_message(r)) {
            return r;
        }
        if (r < 0) {
            message->fate = SPR_FATE_STUCK;
            message->code = r;
            message->fate_file = file->number;
            spr_change_note(change, r, batch->dirs[file->from_dir].path, file->from);
        }
    }
    return 0;
}

int spr_phase_take_again(struct spr_change *change, struct spr_batch *batch)
{
    const struct spr_move_rule rule = { .strict = false, .seen = false };
    for (uint32_t i = 0; i < batch->file_count; i++) {
        struct spr_batch_file *file = &batch->files[i];
        const struct spr_batch_message *message = &batch->messages[file->message];
        if (message->fate != SPR_FATE_STUCK || file->moved || file->way != SPR_WAY_TAKE) {
            continue;
        }
        const int r = spr_move_with_room(change, batch, file, rule);
        if (r < 0 && !spr_move_concerns_message(r)) {
            return r;
        }
    }
    return 0;
}
