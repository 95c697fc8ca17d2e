/*
 * One spool with its index open, refreshed as the verb needs it.
 */
#include "tools/session.h"

#include "tools/errors.h"
#include "tools/escape.h"
#include "tools/nearest.h"
#include "tools/print_text.h"
#include "tools/signals.h"
#include "tools/state.h"
#include "tools/verdict.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FORMATS_MAX 64

void spr_session_options(const struct spr_cli *cli, struct spr_options *ret_options)
{
    static const struct {
        enum spr_option_id option;
        uint32_t flag;
    } flags[] = {
        { SPR_OPT_SERVER_STOPPED, SPR_SERVER_STOPPED },
        { SPR_OPT_NO_RELOAD, SPR_NO_RELOAD },
        { SPR_OPT_PURGE_NOW, SPR_PURGE_NOW },
        { SPR_OPT_KEEP_UNDO, SPR_KEEP_UNDO },
    };
    *ret_options = (struct spr_options)SPR_OPTIONS_INIT;
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        ret_options->flags |= spr_args_on(cli->args, flags[i].option) ? flags[i].flag : 0;
    }
    const uint64_t workers = spr_args_number(cli->args, SPR_OPT_WORKERS, 0);
    ret_options->workers = workers > UINT32_MAX ? UINT32_MAX : (uint32_t)workers;
    const char *engine = spr_args_text(cli->args, SPR_OPT_ENGINE);
    ret_options->engine = engine == NULL || strcmp(engine, "auto") == 0 ? SPR_ENGINE_AUTO
                          : strcmp(engine, "uring") == 0                ? SPR_ENGINE_URING
                                                                        : SPR_ENGINE_THREADS;
}

int spr_session_check_format(const char *format)
{
    const char *names[FORMATS_MAX];
    size_t count = 0;
    struct spr_format_report report;
    while (count < FORMATS_MAX && spr_format_describe((unsigned)count, &report)) {
        if (format == NULL || strcmp(report.name, format) == 0) {
            return 0;
        }
        names[count++] = report.name;
    }
    if (format == NULL) {
        return 0;
    }
    const char *nearest = spr_nearest(spr_text_string(format), names, count);
    char hint[80] = "spoolray formats lists them";
    if (nearest != NULL) {
        (void)snprintf(hint, sizeof(hint), "did you mean %s?", nearest);
    }
    return spr_error_say(SPR_EXIT_USAGE, format, "no such format", hint);
}

static bool has_jobs(const char *root)
{
    struct spr_jobs *jobs;
    if (spr_jobs_open(root, &jobs, NULL) < 0) {
        return false;
    }
    struct spr_job job;
    const bool has = spr_jobs_next(jobs, &job, NULL) == 1;
    spr_jobs_close(jobs);
    return has;
}

bool spr_session_knows(const struct spr_cli *cli, const char *root, char **ret_format)
{
    char *dir = NULL;
    struct spr_index *index = NULL;
    struct spr_options options;
    struct spr_index_report report;
    spr_session_options(cli, &options);
    options.flags |= SPR_READ_ONLY;
    bool knows = false;
    if (spr_state_choose(cli, root, false, &dir) == 0 && access(dir, X_OK) == 0 &&
        spr_index_open(dir, &options, &index, NULL) == 0 &&
        spr_index_describe(index, &report) == 0 && report.spool_root != NULL &&
        strcmp(report.spool_root, root) == 0) {
        *ret_format = report.format != NULL ? strdup(report.format) : NULL;
        knows = *ret_format != NULL;
    }
    spr_index_close(index);
    free(dir);
    return knows || has_jobs(root);
}

bool spr_session_find_fresh(const struct spr_cli *cli, const char *root, struct spr_site *ret_site)
{
    struct spr_options options;
    struct spr_index_report report;
    struct spr_site site = { .index_dir = spr_state_usual(cli, root) };
    spr_session_options(cli, &options);
    options.flags |= SPR_READ_ONLY;
    bool is_fresh = site.index_dir != NULL && access(site.index_dir, X_OK) == 0 &&
                    spr_index_open(site.index_dir, &options, &site.index, NULL) == 0 &&
                    spr_index_describe(site.index, &report) == 0 && report.spool_root != NULL &&
                    report.format != NULL && strcmp(report.spool_root, root) == 0;
    is_fresh = is_fresh && (spr_args_on(cli->args, SPR_OPT_NO_REFRESH) ||
                            spr_index_stale(site.index, NULL) == 0);
    if (is_fresh) {
        site.root = strdup(root);
        site.format = strdup(report.format);
        site.reason = strdup("known from its scan");
    }
    if (site.root == NULL || site.format == NULL || site.reason == NULL) {
        spr_site_done(&site);
        return false;
    }
    *ret_site = site;
    return true;
}

/* A damaged or newer index is moved beside itself; only scan --full asks for that. */
static int set_aside(struct spr_session *session)
{
    char *aside;
    if (asprintf(&aside, "%s.damaged.%lld", session->index_dir, (long long)time(NULL)) < 0) {
        return -ENOMEM;
    }
    int r = rename(session->index_dir, aside) != 0 ? -errno : 0;
    if (r < 0) {
        (void)spr_error_say(SPR_EXIT_IO, session->index_dir, spr_strerror(r),
                            "the damaged index could not be set aside");
    } else {
        char *what;
        if (asprintf(&what, "the index was damaged or newer and now lies in %s; it is made anew",
                     aside) >= 0) {
            spr_note(session->cli, session->index_dir, what);
            free(what);
        }
    }
    free(aside);
    return r;
}

int spr_session_error(const struct spr_session *session, int code, const struct spr_fault *fault)
{
    const bool ours = code == SPR_E_CORRUPT || code == SPR_E_NEWER;
    if (!ours || fault->subject[0] == '\0' || strchr(fault->subject, '/') != NULL) {
        return spr_error_fault(code, fault, NULL);
    }
    struct spr_fault whole = *fault;
    (void)snprintf(whole.subject, sizeof(whole.subject), "%.150s/%.100s", session->index_dir,
                   fault->subject);
    return spr_error_fault(code, &whole, NULL);
}

static int open_own(struct spr_session *session)
{
    const bool full = spr_args_on(session->cli->args, SPR_OPT_FULL);
    struct spr_fault fault = { .code = 0 };
    session->is_borrowed = false;
    int r = spr_index_open(session->index_dir, &session->options, &session->index, &fault);
    if ((r == SPR_E_CORRUPT || r == SPR_E_NEWER) && full) {
        r = set_aside(session);
        if (r < 0) {
            return r;
        }
        r = spr_index_open(session->index_dir, &session->options, &session->index, &fault);
    }
    if (r < 0) {
        session->index = NULL;
        return spr_state_is_full(r) ? r : spr_session_error(session, r, &fault);
    }
    return 0;
}

static int open_index(struct spr_session *session)
{
    const struct spr_site *site = session->site;
    session->is_borrowed = site->index != NULL && strcmp(site->index_dir, session->index_dir) == 0;
    session->index = session->is_borrowed ? site->index : NULL;
    int r = session->is_borrowed ? 0 : open_own(session);
    if (r != 0) {
        return r;
    }
    r = spr_index_describe(session->index, &session->report);
    if (r < 0) {
        return spr_error_fault(r, NULL, NULL);
    }
    if (session->report.spool_root != NULL &&
        strcmp(session->report.spool_root, session->site->root) != 0) {
        return spr_error_say(SPR_EXIT_USAGE, session->index_dir,
                             "this is the index of another spool",
                             "--index names a folder of its "
                             "own for each spool");
    }
    return 0;
}

static uint32_t scan_flags(const struct spr_session *session)
{
    static const struct {
        enum spr_option_id option;
        uint32_t flag;
    } flags[] = {
        { SPR_OPT_FULL, SPR_SCAN_FULL },     { SPR_OPT_QUICK, SPR_SCAN_QUICK },
        { SPR_OPT_NICE, SPR_SCAN_NICE },     { SPR_OPT_SUBJECTS, SPR_SCAN_SUBJECTS },
        { SPR_OPT_ERRORS, SPR_SCAN_ERRORS },
    };
    /* What an index has, a refresh keeps. */
    uint32_t scan = session->needs | (session->report.has_subjects ? SPR_SCAN_SUBJECTS : 0u) |
                    (session->report.has_errors ? SPR_SCAN_ERRORS : 0u);
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        scan |= spr_args_on(session->cli->args, flags[i].option) ? flags[i].flag : 0;
    }
    return scan;
}

static int read_shard(const struct spr_cli *cli, struct spr_scan_request *request)
{
    const char *text = spr_args_text(cli->args, SPR_OPT_SHARD);
    if (text == NULL) {
        return 0;
    }
    char *end;
    const unsigned long part = strtoul(text, &end, 10);
    const unsigned long parts = *end == '/' ? strtoul(end + 1, &end, 10) : 0;
    if (*end != '\0' || parts == 0 || parts > 65536 || part >= parts) {
        return spr_error_say(SPR_EXIT_USAGE, text, "not a part such as 0/4", "R from 0 to N-1");
    }
    request->shard = (uint32_t)part;
    request->shards = (uint32_t)parts;
    return 0;
}

/* What we were not let to read; NULL when the scan saw all. */
static const struct spr_reject *first_unread(const struct spr_scan_report *scan)
{
    for (uint32_t i = 0; i < scan->first_count; i++) {
        const int code = scan->first[i].code;
        if (code == -EACCES || code == -EPERM || code == -EIO) {
            return &scan->first[i];
        }
    }
    return NULL;
}

bool spr_session_complete(const struct spr_session *session)
{
    return session->scan == NULL || first_unread(session->scan) == NULL;
}

static void say_unread(const struct spr_session *session)
{
    const struct spr_reject *unread = first_unread(session->scan);
    char what[SPR_REJECT_PATH_MAX + 160];
    if (unread == NULL) {
        return;
    }
    (void)snprintf(what, sizeof(what),
                   "not all of it could be read, so answers may lack messages; first %s: %s (%s)",
                   unread->path, spr_strerror(unread->code),
                   unread->code != -EIO && geteuid() != 0 ? "run as root"
                                                          : "spoolray scan lists them");
    spr_note(session->cli, session->site->root, what);
}

static void say_age(const struct spr_session *session, const char *why)
{
    char what[160];
    char age[SPR_SHORT_MAX];
    const int64_t now = (int64_t)time(NULL);
    const uint64_t seconds =
        now > session->report.scanned_at ? (uint64_t)(now - session->report.scanned_at) : 0;
    (void)snprintf(what, sizeof(what), "%sanswered from the index as it was %s ago", why,
                   spr_text_span(seconds, age));
    spr_note(session->cli, session->site->root, what);
}

static int scan_spool(struct spr_session *session, enum spr_refresh refresh)
{
    struct spr_scan_request request = SPR_SCAN_REQUEST_INIT;
    struct spr_fault fault = { .code = 0 };
    request.spool_root = session->site->root;
    request.format = session->site->format;
    request.flags = scan_flags(session);
    int r = read_shard(session->cli, &request);
    if (r != 0) {
        return r;
    }
    if (session->is_borrowed) {
        r = open_own(session);
        if (r != 0) {
            return r;
        }
    }
    if (session->scan == NULL) {
        session->scan = calloc(1, sizeof(*session->scan));
    }
    if (session->scan == NULL) {
        return spr_error_fault(-ENOMEM, NULL, NULL);
    }
    spr_meter_init(&session->meter, session->cli, "scan");
    r = spr_scan(session->index, &request, session->scan, &fault);
    spr_meter_end(&session->meter);
    if (r == SPR_E_STOPPED) {
        return spr_error_say(SPR_EXIT_INTERRUPTED, session->site->root, "scan interrupted",
                             "the index keeps what it had; the next scan goes on");
    }
    if (r == SPR_E_BUSY && refresh == SPR_REFRESH_STALE && session->report.scanned_at != 0 &&
        (session->cli->args->verb->bit & (SPR_VERBS_CHANGE | SPR_VERB_PLAN)) == 0) {
        say_age(session, "another spoolray scans it now; ");
        return 0;
    }
    if (r < 0) {
        return spr_state_is_full(r) ? r : spr_session_error(session, r, &fault);
    }
    say_unread(session);
    return spr_index_describe(session->index, &session->report);
}

static bool wants_more(const struct spr_session *session)
{
    const uint32_t wanted = scan_flags(session);
    return ((wanted & SPR_SCAN_SUBJECTS) != 0 && !session->report.has_subjects) ||
           ((wanted & SPR_SCAN_ERRORS) != 0 && !session->report.has_errors);
}

static int refresh_index(struct spr_session *session, enum spr_refresh refresh)
{
    const bool scanned = session->report.scanned_at != 0;
    if (refresh == SPR_REFRESH_STALE && spr_args_on(session->cli->args, SPR_OPT_NO_REFRESH)) {
        if (!scanned) {
            return spr_error_say(SPR_EXIT_REFUSED, session->site->root, "no index yet",
                                 "without --no-refresh it is made first");
        }
        say_age(session, "");
        return 0;
    }
    bool stale = refresh == SPR_REFRESH_ALWAYS || !scanned || wants_more(session);
    if (!stale && !session->is_borrowed) {
        struct spr_fault fault = { .code = 0 };
        const int r = spr_index_stale(session->index, &fault);
        if (r < 0) {
            return spr_session_error(session, r, &fault);
        }
        stale = r == 1;
    }
    return stale ? scan_spool(session, refresh) : 0;
}

/* One attempt in the first or the second place for the index. */
static int open_at(struct spr_session *session, enum spr_refresh refresh, bool fallback)
{
    int r = spr_state_choose(session->cli, session->site->root, fallback, &session->index_dir);
    if (r == 0) {
        r = open_index(session);
    }
    if (r == 0) {
        r = refresh_index(session, refresh);
    }
    return r;
}

static int tick(const struct spr_progress *progress, void *user)
{
    struct spr_session *session = user;
    if (session->cli->args->verb->bit == SPR_VERB_TRIAGE) {
        spr_verdict_early(session);
    }
    return spr_meter_tick(progress, &session->meter);
}

int spr_session_open(struct spr_session *session, const struct spr_cli *cli,
                     const struct spr_site *site, enum spr_refresh refresh, uint32_t needs)
{
    *session = (struct spr_session){ .cli = cli, .site = site, .needs = needs };
    spr_session_options(cli, &session->options);
    spr_meter_init(&session->meter, cli, "scan");
    session->options.on_progress = tick;
    session->options.user = session;
    spr_signals_catch(false);
    int r = open_at(session, refresh, false);
    if (spr_state_is_full(r) && spr_state_has_fallback(cli)) {
        spr_session_close(session);
        r = open_at(session, refresh, true);
    }
    if (spr_state_is_full(r)) {
        (void)spr_error_say(SPR_EXIT_IO, session->index_dir, spr_strerror(r),
                            "no room for the index; --index DIR names another place");
    }
    if (r != 0) {
        spr_session_close(session);
    }
    return r;
}

void spr_session_close(struct spr_session *session)
{
    if (!session->is_borrowed) {
        spr_index_close(session->index);
    }
    free(session->index_dir);
    free(session->scan);
    session->index = NULL;
    session->index_dir = NULL;
    session->scan = NULL;
}
