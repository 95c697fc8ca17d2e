/*
 * One call that changes a spool: beginning, ending, reporting.
 */
#include "core/batch/change.h"

#include "core/batch/recover.h"
#include "core/batch/reserve.h"
#include "core/fault.h"
#include "core/library.h"
#include "io/workers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROGRESS_EVERY 1024 /* messages between two calls of the callback */
#define UNLINKERS_MAX  16   /* pay where an unlink sleeps for a discard (PERF 6) */

int spr_change_open(const char *spool_root, const struct spr_options *options,
                    struct spr_change **ret_change, struct spr_fault *fault)
{
    struct spr_change *change = calloc(1, sizeof(*change));
    if (change == NULL) {
        return -ENOMEM;
    }
    change->options = spr_options_take(options);
    change->fault = fault;
    change->movers.fixed = change->options.workers;
    change->movers.most = 2 * spr_cores();
    change->unlinkers = change->movers;
    change->unlinkers.most = UNLINKERS_MAX;
    const int r = spr_private_open(spool_root, false, &change->place, fault);
    if (r < 0) {
        spr_change_end(change);
        return r;
    }
    *ret_change = change;
    return 0;
}

int spr_change_enter(struct spr_change *change)
{
    struct spr_private *place = change->place;
    int r = place->fd < 0 ? spr_private_make(place, change->fault) : 0;
    if (r == 0 && place->lock_fd < 0) {
        r = spr_private_lock(place, change->fault);
    }
    if (r == 0 && change->ledger == NULL) {
        (void)spr_reserve_make(place); /* a full disk is told where room is needed */
        r = spr_ledger_open(place, &change->ledger, change->fault);
    }
    if (r == 0 && !change->recovered) {
        /* What was seen of the server before messages made room holds: later our own traces would
         * be taken for its. */
        const struct spr_change seen = *change;
        r = spr_recover_all(change);
        change->format = seen.format;
        change->layout = seen.layout;
        change->server = seen.server;
        change->recovered = r == 0;
    }
    return r;
}

int spr_change_begin(const char *spool_root, const struct spr_options *options,
                     struct spr_change **ret_change, struct spr_fault *fault)
{
    struct spr_change *change = NULL;
    int r = spr_change_open(spool_root, options, &change, fault);
    if (r < 0) {
        return r;
    }
    if (change->place->fd < 0) {
        r = spr_fault_set(fault, -ENOENT, spool_root, 0, "no job was ever run on this spool");
    }
    if (r == 0) {
        r = spr_change_enter(change);
    }
    if (r < 0) {
        spr_change_end(change);
        return r;
    }
    *ret_change = change;
    return 0;
}

void spr_change_end(struct spr_change *change)
{
    if (change == NULL) {
        return;
    }
    if (change->place != NULL && change->place->lock_fd >= 0) {
        (void)spr_reserve_make(change->place); /* as far as there is room */
        if (change->format != NULL) {
            spr_server_remember_quiet(change->format, change->place);
        }
    }
    spr_ledger_close(change->ledger);
    spr_private_close(change->place);
    free(change);
}

int spr_change_use(struct spr_change *change, const char *format, const struct spr_layout *layout)
{
    const struct spr_format *found = spr_format_named(&change->options, format);
    if (found == NULL) {
        return spr_fault_set(change->fault, SPR_E_UNABLE, format, 0,
                             "this kind of spool is not known here");
    }
    change->layout = *layout;
    if (change->format == found) {
        return 0;
    }
    const int r = spr_server_look(found, change->place, change->options.flags, &change->server);
    if (r < 0) {
        return spr_fault_set(change->fault, r, change->place->spool_root, 0,
                             "whether the server runs cannot be told");
    }
    change->format = found;
    return 0;
}

static void call_back(struct spr_change *change)
{
    if (change->options.on_progress == NULL) {
        return;
    }
    const struct spr_progress progress = {
        .messages_done = change->steps_done,
        .steps_done = change->steps_done,
        .steps_total = change->steps_total,
    };
    if (change->options.on_progress(&progress, change->options.user) != 0) {
        change->stopped = true;
    }
}

void spr_change_progress(struct spr_change *change, uint64_t steps)
{
    const uint64_t before = change->steps_done;
    change->steps_done += steps;
    if (steps == 0 || before / PROGRESS_EVERY != change->steps_done / PROGRESS_EVERY) {
        call_back(change);
    }
}

const char *spr_reason_of(int code)
{
    switch (code) {
    case 0:
        return NULL;
    case SPR_E_BUSY:
        return "the server is delivering it";
    case SPR_E_CHANGED:
        return "it is no longer the message that was indexed";
    case SPR_E_UNABLE:
        return "its state does not allow this, or is as wanted already";
    case -ENOENT:
        return "it is no longer there";
    case -EEXIST:
        return "its name is taken by another file";
    case -EMLINK:
        return "it has another number of hard links than expected";
    case -EAGAIN:
        return "it is still arriving";
    case -EBADF:
        return "it is not a regular file";
    default:
        return spr_strerror(code);
    }
}

void spr_change_note(struct spr_change *change, int code, const char *folder, const char *name)
{
    struct spr_job_report *report = &change->report;
    if (report->first_error != 0) {
        return;
    }
    const char *reason = spr_reason_of(code);
    report->first_error = code;
    (void)snprintf(report->first_path, sizeof(report->first_path), "%s%s%s", folder,
                   *folder == '\0' ? "" : "/", name);
    (void)snprintf(report->first_reason, sizeof(report->first_reason), "%s",
                   reason != NULL ? reason : "");
}
