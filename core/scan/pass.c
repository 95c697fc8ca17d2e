/*
 * A pass: workers take windows of candidates from one list, each with its own reader. What parses
 * and indexes is lent to them (builders.h).
 *
 * The cursor is one atomic word with relaxed order: it only hands out disjoint parts of a list that
 * was complete before the workers started. A worker that the pace does not want waits on the
 * condition, which the caller's thread signals at each tick and every worker at its end.
 */
#include "core/fault.h"
#include "core/scan/fetch.h"
#include "core/scan/pair.h"
#include "core/scan/run.h"
#include "io/workers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WINDOW_MAX 4096

struct pass {
    struct spr_run *run;
    const uint32_t *indices;
    size_t count;
    atomic_size_t next;
    pthread_mutex_t mutex; /* guards what follows; for the condition */
    pthread_cond_t changed;
    uint32_t reading; /* workers that have a window */
    bool is_pausing;  /* nobody begins one */
    int error;        /* the first one */
    struct spr_fault fault;
};

/* One worker in one pass. */
struct passer {
    struct pass *pass;
    struct spr_run *run;
    struct spr_run_builder *builder; /* NULL: given back */
    struct spr_run_builder *last;    /* the one it had before */
    struct spr_fetch *fetch;
    uint32_t number;
    bool is_reading;                     /* counted in pass->reading */
    uint64_t messages, recipients, read; /* not yet in the tally, which all share */
    struct spr_fault fault; /* of this worker, whose code tells whether it was filled */
};

/* ---- Builders -------------------------------------------------------------------------------- */

static int take_builder(struct passer *passer)
{
    if (passer->builder != NULL) {
        return 0;
    }
    int r = spr_builders_take(passer->run, passer->last, &passer->builder);
    passer->last = r == 0 ? passer->builder : NULL;
    return r;
}

static void tell_tally(struct passer *passer)
{
    struct spr_tally *tally = &passer->run->tally;
    spr_tally_add(&tally->messages, passer->messages);
    spr_tally_add(&tally->recipients, passer->recipients);
    spr_tally_add(&tally->read, passer->read);
    passer->messages = 0;
    passer->recipients = 0;
    passer->read = 0;
}

/* Before it waits for more to read. */
static int give_builder(void *user)
{
    struct passer *passer = user;
    if (passer->read > 0) {
        tell_tally(passer);
    }
    if (passer->builder == NULL) {
        return 0;
    }
    int r = 0;
    if (spr_builder_is_due(passer->run, passer->builder)) {
        r = spr_builder_flush(passer->run, passer->builder, &passer->fault);
    }
    spr_builders_give(passer->run, passer->builder);
    passer->builder = NULL;
    return r;
}

/* ---- Messages -------------------------------------------------------------------------------- */

static void reject(struct spr_run *run, struct spr_candidate *candidate, enum spr_reject_kind kind,
                   const struct spr_reject_detail *detail)
{
    struct spr_candidate_file primary;
    spr_candidate_first(candidate, &primary);
    candidate->state = SPR_CANDIDATE_REJECTED;
    spr_tally_reject(&run->tally, kind, run->walk.folders[candidate->folder].path, primary.name,
                     detail);
}

static int index_message(struct passer *passer, const struct spr_fetched *fetched)
{
    struct spr_run *run = passer->run;
    struct spr_run_builder *own = passer->builder;
    struct spr_record *record = spr_extract_record(own->extract);
    if (run->accounts != NULL) {
        spr_accounts_join(run->accounts, record, fetched->meta.mtime_ns / 1000000000);
    }
    if (spr_extract_was_cut(own->extract)) {
        reject(run, fetched->candidate, SPR_REJECT_RECIPIENTS, NULL);
    }
    int r = spr_segment_builder_add(own->segment, record);
    if (r == -ENOMEM && spr_segment_builder_count(own->segment) > 0) {
        r = spr_builder_flush(run, own, &passer->fault);
        if (r == 0) {
            r = spr_segment_builder_add(own->segment, record);
        }
    }
    if (r < 0) {
        return r;
    }
    own->recipients += record->recipient_count;
    fetched->candidate->state = SPR_CANDIDATE_INDEXED;
    passer->messages++;
    passer->recipients += record->recipient_count;
    return 0;
}

static int on_message(const struct spr_fetched *fetched, enum spr_fetch_answer *ret_answer,
                      struct spr_need *ret_need, void *user)
{
    struct passer *passer = user;
    struct spr_run *run = passer->run;
    const struct spr_role *role = &run->detected.format->roles[fetched->primary];
    if (role->links != 0 && fetched->meta.links != role->links) {
        reject(run, fetched->candidate, SPR_REJECT_HARD_LINK, NULL);
        return 0;
    }
    enum spr_verdict verdict;
    int r = take_builder(passer);
    if (r == 0) {
        r = spr_extract_parse(passer->builder->extract, fetched, &verdict, ret_need);
    }
    if (r < 0) {
        return r;
    }
    switch (verdict) {
    case SPR_PARSED:
        r = index_message(passer, fetched);
        break;
    case SPR_MORE:
        *ret_answer = SPR_FETCH_MORE;
        return 0;
    case SPR_MALFORMED: {
        const struct spr_reject_detail detail = { .reason = ret_need->reason,
                                                  .offset = ret_need->offset };
        reject(run, fetched->candidate, SPR_REJECT_MALFORMED, &detail);
        break;
    }
    case SPR_UNFINISHED:
        fetched->candidate->state = SPR_CANDIDATE_REJECTED;
        spr_tally_add(&run->tally.arriving, 1);
        break;
    }
    passer->read++;
    return r;
}

static void on_failure(struct spr_candidate *candidate, int code, void *user)
{
    struct passer *passer = user;
    struct spr_reject_detail detail = { .code = code };
    if (code == -ENOENT || code == -ESTALE) {
        candidate->state = SPR_CANDIDATE_VANISHED; /* judged at the end: perhaps it moved */
        spr_tally_add(&passer->run->tally.vanished, 1);
        return;
    }
    enum spr_reject_kind kind = spr_reject_of_errno(code);
    if (code == -EFBIG) {
        kind = SPR_REJECT_TOO_LARGE;
        detail.code = 0;
        detail.reason = "more of one file is wanted than is ever read";
    } else if (code == -EPROTO) {
        kind = SPR_REJECT_MALFORMED;
        detail.code = 0;
        detail.reason = "names bytes that the file does not have";
    }
    reject(passer->run, candidate, kind, &detail);
}

static int on_large(struct spr_candidate *candidate, void *user)
{
    struct spr_run *run = ((struct passer *)user)->run;
    (void)pthread_mutex_lock(&run->mutex); /* a plain mutex: cannot fail */
    int r = spr_grow((void **)&run->large, &run->large_room, run->large_count,
                     sizeof(struct spr_candidate *));
    if (r == 0) {
        run->large[run->large_count++] = candidate;
    }
    (void)pthread_mutex_unlock(&run->mutex); /* held by this thread */
    return r;
}

/* ---- Workers --------------------------------------------------------------------------------- */

static bool has_failed(struct pass *pass)
{
    (void)pthread_mutex_lock(&pass->mutex); /* a plain mutex: cannot fail */
    const bool failed = pass->error < 0;
    (void)pthread_mutex_unlock(&pass->mutex); /* held by this thread */
    return failed;
}

static bool is_at_end(const struct pass *pass)
{
    return atomic_load_explicit(&pass->next, memory_order_relaxed) >= pass->count ||
           spr_tally_stopped(&pass->run->tally);
}

static bool goes_on(const struct pass *pass)
{
    return pass->error == 0 && !is_at_end(pass);
}

static void wait_ms(struct pass *pass, uint32_t ms)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until); /* a known clock: cannot fail */
    const uint64_t ns = (uint64_t)until.tv_nsec + (uint64_t)ms * 1000000;
    until.tv_sec += (time_t)(ns / 1000000000);
    until.tv_nsec = (long)(ns % 1000000000);
    (void)pthread_cond_timedwait(&pass->changed, &pass->mutex, &until); /* early: asked again */
}

/* Nobody reads while worker 0 looks whether others wait for this machine. Under the mutex,
 * since nobody else has anything to do meanwhile. */
static void pause_all(struct pass *pass)
{
    struct spr_manners *manners = &pass->run->manners;
    pass->is_pausing = true;
    while (pass->reading > 0 && goes_on(pass)) {
        (void)pthread_cond_wait(&pass->changed, &pass->mutex);
    }
    spr_manners_begin(manners, spr_clock_ns());
    while (goes_on(pass)) {
        const uint32_t ms = spr_manners_wait(manners, spr_clock_ns());
        if (ms == 0) {
            break;
        }
        wait_ms(pass, ms);
    }
    pass->is_pausing = false;
    (void)pthread_cond_broadcast(&pass->changed);
}

static bool is_wanted(const struct passer *passer)
{
    const struct spr_run *run = passer->run;
    return passer->number == 0 || (!passer->pass->is_pausing && !run->manners.is_alone &&
                                   passer->number < spr_io_workers_wanted(run->shared));
}

/* Under the mutex. */
static void end_reading(struct passer *passer)
{
    struct pass *pass = passer->pass;
    pass->reading -= passer->is_reading;
    passer->is_reading = false;
    if (pass->is_pausing) {
        (void)pthread_cond_broadcast(&pass->changed);
    }
}

/* Returns when the pace wants this worker; false when nothing is left to do. */
static bool wait_for_turn(struct passer *passer)
{
    struct pass *pass = passer->pass;
    (void)pthread_mutex_lock(&pass->mutex); /* a plain mutex: cannot fail */
    end_reading(passer);
    if (passer->number == 0 && spr_manners_is_due(&pass->run->manners, spr_clock_ns())) {
        pause_all(pass);
    }
    while (goes_on(pass) && !is_wanted(passer)) {
        (void)pthread_cond_wait(&pass->changed, &pass->mutex);
    }
    passer->is_reading = goes_on(pass);
    pass->reading += passer->is_reading;
    const bool has_turn = passer->is_reading;
    (void)pthread_mutex_unlock(&pass->mutex); /* held by this thread */
    return has_turn;
}

static int read_window(struct passer *passer, struct spr_candidate *const *window, uint32_t count)
{
    int r = spr_fetch_window(passer->fetch, window, count);
    const int given = give_builder(passer);
    return r == 0 ? given : r;
}

static int take_window(struct passer *passer)
{
    struct pass *pass = passer->pass;
    struct spr_run *run = passer->run;
    struct spr_candidate *window[WINDOW_MAX];
    const struct spr_io_pace pace = spr_fetch_pace(passer->fetch);
    size_t wanted = pace.window == 0 ? 1 : pace.window < WINDOW_MAX ? pace.window : WINDOW_MAX;
    if (!pace.inode_order) {
        atomic_store_explicit(&run->creation_order, true, memory_order_relaxed);
    }
    const size_t from = atomic_fetch_add_explicit(&pass->next, wanted, memory_order_relaxed);
    if (from >= pass->count) {
        return 0;
    }
    if (wanted > pass->count - from) {
        wanted = pass->count - from;
    }
    for (size_t i = 0; i < wanted; i++) {
        window[i] = &run->walk.candidates[pass->indices[from + i]];
    }
    return read_window(passer, window, (uint32_t)wanted);
}

static int open_worker(struct passer *passer)
{
    struct spr_run *run = passer->run;
    const struct spr_fetch_setup setup = {
        .walk = &run->walk,
        .format = run->detected.format,
        .layout = &run->detected.layout,
        .shared = run->shared,
        .worker = passer->number,
        .queue_depth = run->queue_depth,
        .wants = run->wants,
        .now = run->now,
        .on_message = on_message,
        .on_failure = on_failure,
        .on_large = on_large,
        .on_wait = give_builder,
        .user = passer,
    };
    return spr_fetch_new(&setup, &passer->fetch);
}

static int work(struct passer *passer)
{
    int r = 0;
    while (r == 0 && wait_for_turn(passer)) {
        if (passer->fetch == NULL) {
            r = open_worker(passer);
        }
        if (r == 0) {
            r = take_window(passer);
        }
    }
    return r;
}

static int run_worker(uint32_t number, void *user)
{
    struct pass *pass = user;
    struct passer passer = {
        .pass = pass,
        .run = pass->run,
        .number = number,
    };
    int r = work(&passer);
    spr_fetch_free(passer.fetch);
    (void)pthread_mutex_lock(&pass->mutex); /* a plain mutex: cannot fail */
    end_reading(&passer);
    if (r < 0 && pass->error == 0) {
        pass->error = r;
        pass->fault = passer.fault;
    }
    (void)pthread_cond_broadcast(&pass->changed);
    (void)pthread_mutex_unlock(&pass->mutex); /* held by this thread */
    return r;
}

/* ---- The pass -------------------------------------------------------------------------------- */

static int run_workers(struct pass *pass, uint32_t count)
{
    struct spr_workers *workers;
    int r = spr_workers_start(count, true, run_worker, pass, &workers);
    if (r < 0) {
        return r;
    }
    while (spr_workers_wait(workers, SPR_TICK_MS) == 0) {
        const bool goes_on = has_failed(pass) || spr_run_tick(pass->run);
        if (!goes_on) {
            atomic_store_explicit(&pass->run->tally.stop, true, memory_order_relaxed);
        }
        (void)pthread_mutex_lock(&pass->mutex); /* a plain mutex: cannot fail */
        (void)pthread_cond_broadcast(&pass->changed);
        (void)pthread_mutex_unlock(&pass->mutex); /* held by this thread */
    }
    (void)spr_workers_join(workers); /* pass->error is the one whose fault was kept */
    r = pass->error;
    return r == 0 && spr_tally_stopped(&pass->run->tally) ? SPR_E_STOPPED : r;
}

static void keep_fault(const struct spr_run *run, int r, const struct spr_fault *fault)
{
    if (r < 0 && run->fault != NULL && fault->code == r) {
        *run->fault = *fault;
    }
}

/* Its waits with a time go by the monotonic clock. */
static int init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    int r = -pthread_condattr_init(&attributes);
    if (r < 0) {
        return r;
    }
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC); /* a known clock: cannot fail */
    r = -pthread_cond_init(condition, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    return r;
}

static int run_pass(struct spr_run *run, const uint32_t *indices, size_t count)
{
    if (count == 0) {
        return 0;
    }
    struct pass pass = { .run = run, .indices = indices, .count = count };
    int r = -pthread_mutex_init(&pass.mutex, NULL);
    if (r < 0) {
        return r;
    }
    r = init_condition(&pass.changed);
    if (r == 0) {
        r = run_workers(&pass, run->workers);
        (void)pthread_cond_destroy(&pass.changed); /* nobody waits any more */
    }
    (void)pthread_mutex_destroy(&pass.mutex); /* nobody holds it any more */
    keep_fault(run, r, &pass.fault);
    return r;
}

/* By one worker, one by one. */
static int read_large(struct spr_run *run)
{
    struct pass pass = { .run = run };
    struct passer passer = { .pass = &pass, .run = run };
    int r = run->large_count > 0 ? open_worker(&passer) : 0;
    for (size_t i = 0; i < run->large_count && r == 0; i++) {
        r = spr_run_tick(run) ? spr_fetch_alone(passer.fetch, run->large[i]) : SPR_E_STOPPED;
        const int given = give_builder(&passer);
        r = r == 0 ? given : r;
    }
    spr_fetch_free(passer.fetch);
    run->large_count = 0;
    keep_fault(run, r, &passer.fault);
    return r;
}

int spr_pass_read(struct spr_run *run, const uint32_t *indices, size_t count)
{
    int r = run_pass(run, indices, count);
    return r == 0 ? read_large(run) : r;
}
