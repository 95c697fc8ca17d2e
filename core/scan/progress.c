/*
 * Counters, kept rejects, and the clock of the progress callback.
 */
#include "core/scan/progress.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const KIND_NAMES[SPR_REJECT_KINDS] = {
    [SPR_REJECT_MALFORMED] = "malformed",
    [SPR_REJECT_NOT_REGULAR] = "not a regular file",
    [SPR_REJECT_VANISHED] = "vanished",
    [SPR_REJECT_DENIED] = "permission denied",
    [SPR_REJECT_UNREADABLE] = "unreadable",
    [SPR_REJECT_TOO_LARGE] = "too large",
    [SPR_REJECT_NAME_LONG] = "name too long",
    [SPR_REJECT_PATH_LONG] = "path too long",
    [SPR_REJECT_FOREIGN] = "foreign name",
    [SPR_REJECT_HARD_LINK] = "hard link",
    [SPR_REJECT_LEASE] = "busy lease",
    [SPR_REJECT_AMBIGUOUS] = "ambiguous pair",
    [SPR_REJECT_STRAY] = "part without a message",
    [SPR_REJECT_RECIPIENTS] = "recipients cut",
    [SPR_REJECT_FOLDER] = "unreadable folder",
    [SPR_REJECT_FOLDER_LARGE] = "folder cut: too many entries",
    [SPR_REJECT_FOLDER_DEEP] = "folder too deep",
    [SPR_REJECT_LOG_LARGE] = "log cut: too large",
};

_Static_assert(SPR_REJECT_KINDS < SPR_REJECT_CLASSES_MAX, "every class must fit the report");

int spr_tally_init(struct spr_tally *tally)
{
    *tally = (struct spr_tally){ 0 };
    tally->first = calloc(SPR_REJECTS_KEPT, sizeof(*tally->first));
    if (tally->first == NULL) {
        return -ENOMEM;
    }
    int r = pthread_mutex_init(&tally->mutex, NULL);
    if (r != 0) {
        free(tally->first);
        tally->first = NULL;
    }
    return -r;
}

void spr_tally_done(struct spr_tally *tally)
{
    if (tally->first != NULL) {
        (void)pthread_mutex_destroy(&tally->mutex); /* nobody is left to hold it */
        free(tally->first);
        tally->first = NULL;
    }
}

/* folder/name, shortened in the middle to fit; a NUL cannot occur in a name. */
static void write_path(char out[SPR_REJECT_PATH_MAX + 1], const char *folder, struct spr_text name)
{
    const size_t folder_length = strlen(folder);
    const size_t slash = folder_length > 0 && name.length > 0 ? 1 : 0;
    const size_t total = folder_length + slash + name.length;
    const size_t head = total <= SPR_REJECT_PATH_MAX ? total : (SPR_REJECT_PATH_MAX - 3) / 2;
    const size_t tail_from = total <= SPR_REJECT_PATH_MAX ? total : total - head;
    size_t used = 0;

    for (size_t i = 0; i < total; i++) {
        if (i == head && tail_from > head) {
            memcpy(out + used, "...", 3);
            used += 3;
            i = tail_from;
        }
        if (i < folder_length) {
            out[used++] = folder[i];
        } else if (i < folder_length + slash) {
            out[used++] = '/';
        } else {
            out[used++] = (char)name.bytes[i - folder_length - slash];
        }
    }
    out[used] = '\0';
}

void spr_tally_reject(struct spr_tally *tally, enum spr_reject_kind kind, const char *folder,
                      struct spr_text name, const struct spr_reject_detail *detail)
{
    spr_tally_add(&tally->rejects[kind], 1);
    (void)pthread_mutex_lock(&tally->mutex); /* a plain mutex: cannot fail */
    if (tally->first_count < SPR_REJECTS_KEPT) {
        struct spr_reject *reject = &tally->first[tally->first_count++];
        write_path(reject->path, folder, name);
        reject->class_name = KIND_NAMES[kind];
        reject->reason = detail != NULL ? detail->reason : NULL;
        reject->offset = detail != NULL ? detail->offset : 0;
        reject->code = detail != NULL ? detail->code : 0;
    }
    (void)pthread_mutex_unlock(&tally->mutex); /* held by this thread */
}

enum spr_reject_kind spr_reject_of_errno(int code)
{
    switch (code) {
    case -EBADF: /* io's word for it */
    case -ELOOP:
    case -ENXIO:
    case -EISDIR:
    case -ENOTDIR:
        return SPR_REJECT_NOT_REGULAR;
    case -ENOENT:
    case -ESTALE:
        return SPR_REJECT_VANISHED;
    case -EACCES:
    case -EPERM:
        return SPR_REJECT_DENIED;
    case -EAGAIN:
        return SPR_REJECT_LEASE;
    default:
        return SPR_REJECT_UNREADABLE;
    }
}

void spr_tally_report(struct spr_tally *tally, struct spr_scan_report *report)
{
    unsigned used = 0;
    report->rejects = 0;
    for (unsigned kind = 0; kind < SPR_REJECT_KINDS; kind++) {
        const uint64_t count = spr_tally_get(&tally->rejects[kind]);
        if (count > 0) {
            report->classes[used++] = (struct spr_reject_class){ KIND_NAMES[kind], count };
            report->rejects += count;
        }
    }
    memcpy(report->first, tally->first, sizeof(report->first));
    report->first_count = tally->first_count;
}

uint64_t spr_clock_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with a known clock */
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void spr_ticker_tick(struct spr_ticker *ticker, struct spr_tally *tally, uint64_t bytes_read,
                     bool force)
{
    if (ticker->on_progress == NULL) {
        return;
    }
    const uint64_t now = spr_clock_ns();
    if (!force && now < ticker->next_ns) {
        return;
    }
    ticker->next_ns = now + SPR_TICK_MS * 1000000u;

    struct spr_progress progress = {
        .files_seen = spr_tally_get(&tally->entries),
        .messages_done = spr_tally_get(&tally->messages),
        .bytes_read = bytes_read,
    };
    for (unsigned kind = 0; kind < SPR_REJECT_KINDS; kind++) {
        progress.messages_rejected += spr_tally_get(&tally->rejects[kind]);
    }
    if (ticker->on_progress(&progress, ticker->user) != 0) {
        atomic_store_explicit(&tally->stop, true, memory_order_relaxed);
    }
}
