/*
 * How a Postfix message is changed, as ordered steps.
 *
 * The message goes first and comes back last: logs without a message are harmless for a moment, a
 * message without its bounce log would lose a report. What was taken from active/ is still in the
 * queue manager's memory: put into another queue while that run lives, the server removes it as
 * delivered. So a reload ends that run before such a message is given back or held.
 */
#include "formats/cursor.h"
#include "formats/path.h"
#include "formats/postfix.h"

static bool refuse(struct spr_steps *steps, const char *why)
{
    steps->count = 0;
    steps->refusal = why;
    return false;
}

static struct spr_step *add_step(struct spr_steps *steps, enum spr_step_op op, unsigned role)
{
    struct spr_step *step = &steps->step[steps->count++]; /* at most 6 are ever added */
    *step = (struct spr_step){ .op = op, .role = role };
    return step;
}

/* PUT into the folder where the server looks for this id now. */
static bool add_put(struct spr_steps *steps, const struct spr_target *target, unsigned role,
                    unsigned dir)
{
    struct spr_step *step = add_step(steps, SPR_STEP_PUT, role);
    return spr_postfix_path(dir, spr_postfix_depth(target->layout, dir), target->key.id,
                            &step->path) ||
           refuse(steps, "not a queue id");
}

static bool add_notify(struct spr_steps *steps, const char *path, const char *bytes)
{
    struct spr_step *step = add_step(steps, SPR_STEP_NOTIFY, SPR_POSTFIX_MESSAGE);
    step->notify = spr_text_of(bytes);
    return spr_path_add(&step->path, spr_text_of(path));
}

static bool is_stopped_only(unsigned dir)
{
    return (spr_postfix_dirs[dir].flags & SPR_DIR_STOPPED) != 0;
}

static bool plan_delete(const struct spr_target *target, struct spr_steps *steps)
{
    if (is_stopped_only(target->dir) && target->server_runs) {
        return refuse(steps, "messages in this queue are deleted only with Postfix stopped");
    }
    (void)add_step(steps, SPR_STEP_TAKE, SPR_POSTFIX_MESSAGE);
    for (unsigned role = SPR_POSTFIX_DEFER_LOG; role < SPR_POSTFIX_ROLE_COUNT; role++) {
        if ((target->roles_present >> role & 1) != 0) {
            (void)add_step(steps, SPR_STEP_TAKE, role);
        }
    }
    return true;
}

static bool plan_hold(const struct spr_target *target, struct spr_steps *steps)
{
    switch (target->dir) {
    case SPR_POSTFIX_HOLD:
        return refuse(steps, "already on hold");
    case SPR_POSTFIX_MAILDROP:
        return refuse(steps, "still to be checked by pickup; hold it once it is queued");
    case SPR_POSTFIX_DEFERRED:
    case SPR_POSTFIX_INCOMING:
        break;
    case SPR_POSTFIX_ACTIVE:
        if (target->server_runs) {
            (void)add_step(steps, SPR_STEP_RELOAD, SPR_POSTFIX_MESSAGE);
        }
        break;
    default:
        return refuse(steps, "set aside by the server, it is not delivered anyway");
    }
    return add_put(steps, target, SPR_POSTFIX_MESSAGE, SPR_POSTFIX_HOLD);
}

static bool plan_release(const struct spr_target *target, struct spr_steps *steps)
{
    if (target->dir != SPR_POSTFIX_HOLD) {
        return refuse(steps, "not on hold");
    }
    /* A held file keeps its old time, so a scan of the deferred queue takes it at once. */
    return add_put(steps, target, SPR_POSTFIX_MESSAGE, SPR_POSTFIX_DEFERRED) &&
           add_notify(steps, "public/qmgr", "D");
}

/* An empty path: the very one it was taken from. */
static void add_put_back(struct spr_steps *steps, unsigned role)
{
    (void)add_step(steps, SPR_STEP_PUT, role);
}

/* The queue manager forgets nothing while it lives, and moves what lies in active/ only when it
 * starts: what was taken from there comes back in deferred/ while Postfix runs. Everything else
 * goes where it was, and so does everything once Postfix is stopped. */
static bool plan_restore(const struct spr_target *target, struct spr_steps *steps)
{
    for (unsigned role = SPR_POSTFIX_DEFER_LOG; role < SPR_POSTFIX_ROLE_COUNT; role++) {
        if ((target->roles_present >> role & 1) != 0) {
            add_put_back(steps, role);
        }
    }
    if (target->from_dir == SPR_POSTFIX_ACTIVE && target->server_runs) {
        if (target->run_lives) {
            (void)add_step(steps, SPR_STEP_RELOAD, SPR_POSTFIX_MESSAGE);
        }
        return add_put(steps, target, SPR_POSTFIX_MESSAGE, SPR_POSTFIX_DEFERRED);
    }
    add_put_back(steps, SPR_POSTFIX_MESSAGE);
    return target->from_dir != SPR_POSTFIX_INCOMING || add_notify(steps, "public/qmgr", "I");
}

bool spr_postfix_plan(const struct spr_target *target, enum spr_action action,
                      struct spr_steps *steps)
{
    *steps = (struct spr_steps){ 0 };
    if (target->dir >= SPR_POSTFIX_DEFER) {
        return refuse(steps, "not in a queue");
    }
    switch (action) {
    case SPR_DELETE:
        return plan_delete(target, steps);
    case SPR_HOLD:
        return plan_hold(target, steps);
    case SPR_RELEASE:
        return plan_release(target, steps);
    case SPR_RESTORE:
        return plan_restore(target, steps);
    case SPR_REQUEUE:
    case SPR_MOVE:
    case SPR_COPY:
        break;
    }
    return refuse(steps, "this action has no steps here");
}
