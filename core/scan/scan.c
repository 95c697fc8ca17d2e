/*
 * One scan from start to end: detect, list, compare with what is known, read, publish.
 */
#include "core/fault.h"
#include "core/scan/extract.h"
#include "core/scan/run.h"
#include "core/scan/sequence.h"
#include "io/dirents.h"
#include "io/workers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WORKERS_COLD   8 /* PERF 3b */
#define WORKERS_MAX    64
#define MEMORY_DEFAULT (32u << 20) /* the other half of 64 MiB is io's buffers, and writing */
#define MEMORY_MESSAGE 32          /* more for each: the number of segments stays that of dozens */
#define SAMPLE_MAX     65536
#define DEPTH_NICE     8          /* reads of a worker on their way: a disk's own queue is deeper */
#define DEPTH_LIVE     32         /* most of a disk's rate, and soon paused */
#define ROUNDS_MAX     3          /* listings again of what moved meanwhile */
#define FIRST_FLUSH_NS 500000000u /* after the start: a verdict within a second */
#define EARLY_MESSAGES 2000       /* enough for a verdict */
#define EARLY_FACTOR   8
#define WORTH_NS       1000000000u /* a scan that ends sooner needs no early verdict */
#define HOST_MAX       255

/* ---- The clock ------------------------------------------------------------------------------- */

/* Is it time for the first segments of a long first scan? Each round of them waits for eight times
 * the messages of the one before, until builders are full by themselves. */
static bool wants_early_flush(struct spr_run *run)
{
    const uint64_t now = spr_clock_ns();
    const uint64_t done = spr_tally_get(&run->tally.messages);
    if (!run->is_first || !run->is_reading || now - run->started_ns < FIRST_FLUSH_NS ||
        done < run->early_at) {
        return false;
    }
    const uint64_t left = run->walk.candidate_count > done ? run->walk.candidate_count - done : 0;
    if (left <= WORTH_NS / ((now - run->reading_ns) / done + 1)) {
        return false;
    }
    run->early_at = done * EARLY_FACTOR;
    return true;
}

/* Publishes before it asks: the callback may look at what there is. */
bool spr_run_tick(struct spr_run *run)
{
    if (wants_early_flush(run)) {
        atomic_fetch_add_explicit(&run->early_flush, 1, memory_order_relaxed);
    }
    if (run->is_reading && run->publish_error == 0) {
        run->publish_error = spr_publish_early(run);
    }
    spr_ticker_tick(&run->ticker, &run->tally,
                    run->shared != NULL ? spr_io_shared_bytes(run->shared) : 0, false);
    return run->publish_error == 0 && !spr_tally_stopped(&run->tally);
}

static bool tick(void *user)
{
    return spr_run_tick(user);
}

/* ---- Beginning ------------------------------------------------------------------------------- */

static int replace_text(char **text, const char *with)
{
    char *copy = strdup(with);
    if (copy == NULL) {
        return -ENOMEM;
    }
    free(*text);
    *text = copy;
    return 0;
}

static int describe_spool(struct spr_run *run, const struct spr_io_meta *root)
{
    struct spr_manifest *manifest = run->manifest;
    char host[HOST_MAX + 1] = "";
    (void)gethostname(host, sizeof(host) - 1); /* unnamed is good enough */
    int r = replace_text(&manifest->spool_root, run->detected.root);
    if (r == 0) {
        r = replace_text(&manifest->format, run->detected.format->name);
    }
    if (r == 0) {
        r = replace_text(&manifest->host, host);
    }
    manifest->layout = run->detected.layout;
    manifest->root_device = root->device;
    manifest->root_inode = root->inode;
    manifest->scanned_at = run->now;
    manifest->has_subjects = (run->wants & SPR_WANT_SUBJECTS) != 0;
    manifest->has_errors = (run->wants & SPR_WANT_ERRORS) != 0;
    return r;
}

/* What is asked for, and what the index has already: it is kept up. */
static void choose_wants(struct spr_run *run, uint32_t flags)
{
    const struct spr_manifest *known = run->manifest;
    const bool full = (flags & SPR_SCAN_FULL) != 0;
    const bool subjects = (flags & SPR_SCAN_SUBJECTS) != 0;
    const bool errors = (flags & SPR_SCAN_ERRORS) != 0;
    if (subjects || (known->has_subjects && !full)) {
        run->wants |= SPR_WANT_SUBJECTS;
    }
    if (errors || (known->has_errors && !full)) {
        run->wants |= SPR_WANT_ERRORS;
    }
    run->is_first = known->segment_count == 0;
    run->is_fresh = run->is_first || full || (subjects && !known->has_subjects) ||
                    (errors && !known->has_errors);
}

static int check_index(struct spr_run *run, const struct spr_io_meta *root)
{
    const struct spr_manifest *known = run->manifest;
    if (known->spool_root == NULL) {
        return 0;
    }
    if (strcmp(known->spool_root, run->detected.root) != 0) {
        return spr_fault_set(run->fault, SPR_E_UNABLE, known->spool_root, 0,
                             "the index is of this other spool: give each one its own");
    }
    if (strcmp(known->format, run->detected.format->name) != 0 ||
        known->root_device != root->device) {
        run->is_fresh = true;
    }
    return 0;
}

static int open_index(struct spr_run *run, const struct spr_scan_request *request)
{
    struct spr_io_meta root;
    int r = spr_meta_of(run->detected.root_fd, &root);
    if (r < 0) {
        return spr_fault_set(run->fault, r, run->detected.root, 0, "cannot be examined");
    }
    r = spr_catalog_snapshot(run->index, &run->snapshot, run->fault);
    if (r == 0) {
        r = spr_manifest_copy(run->snapshot->manifest, &run->manifest);
    }
    if (r < 0) {
        return r;
    }
    choose_wants(run, request->flags);
    r = check_index(run, &root);
    if (r == 0) {
        r = describe_spool(run, &root);
    }
    if (r == 0) {
        spr_manifest_clear_folders(run->manifest);
        r = spr_io_shared_new((enum spr_io_engine)run->options->engine, root.device, run->workers,
                              &run->shared);
    }
    return r;
}

static int make_workers(struct spr_run *run, uint32_t flags)
{
    uint32_t count = run->options->workers;
    const uint32_t cores = spr_cores();
    if (count == 0) {
        count = cores > WORKERS_COLD ? cores : WORKERS_COLD;
    }
    if ((flags & SPR_SCAN_NICE) != 0) {
        count = 1;
    }
    run->workers = count < WORKERS_MAX ? count : WORKERS_MAX;
    return spr_builders_init(&run->builders, run->workers < cores ? run->workers : cores);
}

/* Asked for it is gentle from the start; by itself, where the server runs, as far as others wait.
 */
static void choose_manners(struct spr_run *run, uint32_t flags)
{
    const bool is_asked = (flags & SPR_SCAN_NICE) != 0;
    run->queue_depth = run->options->queue_depth;
    run->manners.is_on =
        is_asked || spr_manners_is_live(run->detected.format, run->detected.root_fd);
    if (!run->manners.is_on) {
        return;
    }
    spr_io_shared_be_nice(run->shared);
    const uint32_t depth = is_asked ? DEPTH_NICE : DEPTH_LIVE;
    if (run->queue_depth == 0 || run->queue_depth > depth) {
        run->queue_depth = depth;
    }
}

/* ---- Listing and comparing ------------------------------------------------------------------- */

static int list_spool(struct spr_run *run, const struct spr_scan_request *request)
{
    const struct spr_walk_setup setup = {
        .root_fd = run->detected.root_fd,
        .format = run->detected.format,
        .layout = &run->detected.layout,
        .tally = &run->tally,
        .workers = run->workers,
        .shard = request->shard,
        .shards = request->shards,
        .on_wait = tick,
        .user = run,
    };
    spr_walk_init(&run->walk, &setup);
    int r = spr_walk_all(&run->walk);
    if (r < 0 && r != SPR_E_STOPPED && r != -ENOMEM) {
        return spr_fault_set(run->fault, r, run->detected.root, 0,
                             "none of its queue folders can be listed");
    }
    if (r == 0 && run->options->memory_limit == 0) {
        run->memory_limit += run->walk.candidate_count * MEMORY_MESSAGE;
    }
    if (r == 0) {
        r = spr_inodes_make(&run->walk, 0, &run->inodes);
    }
    if (r == 0) {
        run->doubles = spr_inodes_drop_doubles(&run->inodes, &run->walk);
    }
    return r;
}

static int read_logs(struct spr_run *run)
{
    if (run->detected.format->log_line == NULL || run->walk.log_count == 0) {
        return 0;
    }
    int r = spr_accounts_new(&run->accounts);
    return r == 0 ? spr_accounts_read(run->accounts, &run->walk, run->shared) : r;
}

/* Decides what is carried over; the rest stays FOUND. */
static int compare_known(struct spr_run *run, bool quick)
{
    if (run->is_fresh) {
        spr_manifest_clear_segments(run->manifest);
        return 0;
    }
    struct spr_refresh *refresh = &run->refresh;
    refresh->snapshot = run->snapshot;
    refresh->manifest = run->manifest;
    refresh->walk = &run->walk;
    refresh->workers = run->workers;
    refresh->quick = quick;
    int r = spr_refresh_match(refresh, &run->inodes, run->fault);
    if (r == 0) {
        r = spr_refresh_look(refresh);
    }
    if (r == 0) {
        r = spr_refresh_settle(refresh, run->fault);
    }
    if (r == 0) {
        spr_refresh_forget_dead(run->manifest);
    }
    return r;
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* Of run->inodes, which are forgotten. */
static int read_found(struct spr_run *run)
{
    struct spr_sequence order = { 0 };
    int r = spr_sequence_make(&run->walk, &run->inodes, &order);
    spr_inodes_done(&run->inodes);
    if (r == 0 && order.count > SAMPLE_MAX) {
        r = spr_sequence_spread(&order, SAMPLE_MAX);
    }
    run->is_reading = true;
    run->reading_ns = spr_clock_ns();
    if (r == 0) {
        r = spr_pass_read(run, order.indices, order.sample_count);
    }
    if (r == 0 && atomic_load_explicit(&run->creation_order, memory_order_relaxed)) {
        r = spr_sequence_by_creation(&order, &run->walk);
    }
    if (r == 0) {
        r = spr_pass_read(run, order.indices + order.sample_count,
                          order.count - order.sample_count);
    }
    run->is_reading = false;
    spr_sequence_done(&order);
    return r == SPR_E_STOPPED && run->publish_error < 0 ? run->publish_error : r;
}

/* What moved while it was read is looked for where it went. */
static int read_moved(struct spr_run *run)
{
    for (unsigned round = 0; round < ROUNDS_MAX; round++) {
        size_t first;
        int r = spr_walk_again(&run->walk, &first);
        if (r <= 0) {
            return r;
        }
        r = spr_inodes_make(&run->walk, first, &run->inodes);
        if (r == 0) {
            r = read_found(run);
        }
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* ---- The end --------------------------------------------------------------------------------- */

static int run_scan(struct spr_run *run, const struct spr_scan_request *request)
{
    int r = list_spool(run, request);
    if (r == 0) {
        r = read_logs(run);
    }
    if (r == 0) {
        r = compare_known(run, (request->flags & SPR_SCAN_QUICK) != 0);
    }
    if (r == 0 && run->refresh.carried + run->doubles < run->walk.candidate_count) {
        r = read_found(run);
    }
    spr_inodes_done(&run->inodes);
    if (r == 0) {
        r = read_moved(run);
    }
    if (r == 0 && spr_tally_get(&run->tally.vanished) > 0) {
        r = spr_walk_count_vanished(&run->walk);
    }
    return r == 0 ? spr_publish_all(run) : r;
}

static void fill_report(struct spr_run *run, struct spr_scan_report *report)
{
    spr_tally_report(&run->tally, report);
    report->entries = spr_tally_get(&run->tally.entries);
    report->read = spr_tally_get(&run->tally.read);
    report->arriving = spr_tally_get(&run->tally.arriving);
    report->carried_over = run->refresh.carried;
    report->dropped = atomic_load_explicit(&run->refresh.dropped, memory_order_relaxed);
    for (uint32_t i = 0; i < run->manifest->segment_count; i++) {
        report->messages += run->manifest->segments[i].live_rows;
        report->recipients += run->manifest->segments[i].recipients;
    }
    report->bytes_read = spr_io_shared_bytes(run->shared);
    report->is_gentle = run->manners.is_on;
    report->ring_reads = spr_io_shared_ring_reads(run->shared);
    report->engine = spr_io_shared_engine(run->shared, &report->engine_reason);
    report->format = run->detected.format->name;
    report->format_reason = run->detected.reason;
    report->wall_ns = spr_clock_ns() - run->started_ns;
}

static void run_done(struct spr_run *run)
{
    spr_builders_done(&run->builders);
    free(run->segments);
    free(run->large);
    spr_inodes_done(&run->inodes);
    spr_refresh_done(&run->refresh);
    spr_accounts_free(run->accounts);
    spr_walk_done(&run->walk);
    spr_io_shared_free(run->shared);
    spr_manifest_free(run->manifest);
    spr_snapshot_release(run->snapshot);
    spr_detected_done(&run->detected);
    spr_tally_done(&run->tally);
    (void)pthread_mutex_destroy(&run->mutex); /* nobody holds it any more */
    free(run);
}

static int run_new(struct spr_index *index, struct spr_fault *fault, struct spr_run **ret_run)
{
    struct spr_run *run = calloc(1, sizeof(*run));
    if (run == NULL) {
        return -ENOMEM;
    }
    int r = -pthread_mutex_init(&run->mutex, NULL);
    if (r < 0) {
        free(run);
        return r;
    }
    run->index = index;
    run->options = &index->options;
    run->fault = fault;
    run->detected.root_fd = -1;
    run->memory_limit =
        run->options->memory_limit > 0 ? run->options->memory_limit : MEMORY_DEFAULT;
    run->now = (int64_t)time(NULL);
    run->started_ns = spr_clock_ns();
    run->published_ns = 0;
    run->early_at = EARLY_MESSAGES;
    run->ticker =
        (struct spr_ticker){ .on_progress = run->options->on_progress, .user = run->options->user };
    r = spr_tally_init(&run->tally);
    if (r < 0) {
        run_done(run);
        return r;
    }
    *ret_run = run;
    return 0;
}

static int check_request(const struct spr_index *index, const struct spr_scan_request *request,
                         struct spr_fault *fault)
{
    if (request->spool_root == NULL || request->size < sizeof(*request)) {
        return spr_fault_set(fault, -EINVAL, "spool_root", 0, "a scan needs a spool");
    }
    if (request->shards > 1 && request->shard >= request->shards) {
        return spr_fault_set(fault, -EINVAL, "shard", 0, "its number is below the count of shards");
    }
    if ((index->options.flags & SPR_READ_ONLY) != 0) {
        return spr_fault_set(fault, -EROFS, index->dir, 0, "the index was opened for reading only");
    }
    return 0;
}

/* A failure without details of its own gets the spool's name. */
static void explain(int r, const char *root, struct spr_fault *why)
{
    if (why->code == r) {
        return;
    }
    const char *detail = r == -ENOMEM         ? "not enough memory"
                         : r == SPR_E_STOPPED ? "stopped on request"
                                              : "the scan cannot go on";
    (void)spr_fault_set(why, r, root, 0, detail);
}

static int scan(struct spr_run *run, const struct spr_scan_request *request,
                struct spr_scan_report *ret_report)
{
    int lock = -1;
    int r = make_workers(run, request->flags);
    if (r == 0) {
        r = spr_detect_one(request->spool_root, request->format, run->options, &run->detected,
                           run->fault);
    }
    if (r == 0) {
        r = spr_catalog_lock(run->index, &lock, run->fault);
    }
    if (r == 0) {
        r = open_index(run, request);
    }
    if (r == 0) {
        choose_manners(run, request->flags);
    }
    if (r == 0) {
        r = run_scan(run, request);
    }
    spr_ticker_tick(&run->ticker, &run->tally,
                    run->shared != NULL ? spr_io_shared_bytes(run->shared) : 0, true);
    if (r == 0 && ret_report != NULL) {
        *ret_report = (struct spr_scan_report){ 0 };
        fill_report(run, ret_report);
    }
    if (lock >= 0) {
        (void)close(lock); /* frees the lock; nothing was written to it */
    }
    return r;
}

int spr_scan(struct spr_index *index, const struct spr_scan_request *request,
             struct spr_scan_report *ret_report, struct spr_fault *fault)
{
    struct spr_fault why = { 0 };
    struct spr_run *run = NULL;
    int r = check_request(index, request, &why);
    if (r == 0) {
        r = run_new(index, &why, &run);
    }
    if (r == 0) {
        r = scan(run, request, ret_report);
        run_done(run);
    }
    if (r < 0) {
        explain(r, request->spool_root, &why);
        if (fault != NULL) {
            *fault = why;
        }
    }
    return r;
}
