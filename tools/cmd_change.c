/*
 * The verbs that change a spool: delete, hold, release; and plan and apply, which do the
 * same in two goes. A plan is prepared, previewed, confirmed, applied, reported.
 */
#include "tools/cli.h"
#include "tools/confirm.h"
#include "tools/errors.h"
#include "tools/escape.h"
#include "tools/nearest.h"
#include "tools/outcome.h"
#include "tools/print_text.h"
#include "tools/selection.h"
#include "tools/session.h"
#include "tools/signals.h"
#include "tools/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ACTION_COUNT (SPR_RELEASE + 1)

static const char ONE_SPOOL[] = "several spools are here, and a change is for one of them";

/* A change on its way from the command line to its job. */
struct change {
    const struct spr_cli *cli;
    struct spr_sites sites;
    struct spr_session session;
    bool session_open;
    char *text;
    struct spr_query *query;
    struct spr_plan *plan;
    struct spr_plan_report report;
};

static int find_action(const char *name, enum spr_action *ret_action)
{
    const char *names[ACTION_COUNT];
    for (unsigned i = 0; i < ACTION_COUNT; i++) {
        names[i] = spr_action_name((enum spr_action)i);
        if (strcmp(name, names[i]) == 0) {
            *ret_action = (enum spr_action)i;
            return 0;
        }
    }
    const char *nearest = spr_nearest(spr_text_string(name), names, ACTION_COUNT);
    char hint[80] = "delete, hold or release";
    if (nearest != NULL) {
        (void)snprintf(hint, sizeof(hint), "did you mean %s?", nearest);
    }
    return spr_error_say(SPR_EXIT_USAGE, name, "no such action", hint);
}

static void free_change(struct change *change)
{
    spr_plan_free(change->plan);
    if (change->session_open) {
        spr_session_close(&change->session);
    }
    spr_query_free(change->query);
    spr_sites_free(&change->sites);
    free(change->text);
}

/* From the words to a prepared plan with its report. first: the word where the query begins. */
static int prepare_change(struct change *change, enum spr_action action, unsigned first)
{
    const struct spr_cli *cli = change->cli;
    struct spr_fault fault = { .code = 0 };
    struct spr_plan_request request = SPR_PLAN_REQUEST_INIT;
    int r = spr_selection_compile(cli, first, &change->text, &change->query);
    if (r == 0 && spr_query_is_everything(change->query) &&
        !spr_args_on(cli->args, SPR_OPT_EVERYTHING)) {
        r = spr_error_say(SPR_EXIT_REFUSED, spr_action_name(action),
                          "this would be every message of the spool",
                          "nothing was changed; --everything if that is meant");
    }
    if (r == 0) {
        r = spr_sites_one(cli, ONE_SPOOL, &change->sites);
    }
    if (r == 0) {
        r = spr_session_open(&change->session, cli, &change->sites.site[0], SPR_REFRESH_STALE,
                             spr_query_needs(change->query));
        change->session_open = r == 0;
    }
    if (r != 0) {
        return r;
    }
    request.action = action;
    request.query = change->query;
    request.reason = spr_args_text(cli->args, SPR_OPT_REASON);
    request.command = cli->args->command;
    r = spr_plan_prepare(change->session.index, &request, &change->session.options, &change->plan,
                         &fault);
    if (r < 0) {
        return spr_session_error(&change->session, r, &fault);
    }
    spr_plan_describe(change->plan, &change->report);
    return 0;
}

static int preview_change(struct change *change)
{
    const struct spr_plan_report *report = &change->report;
    struct spr_top *states = NULL;
    if (report->messages + report->unchangeable + report->header_only == 0) {
        return spr_error_say(SPR_EXIT_NOTHING, change->text[0] != '\0' ? change->text : NULL,
                             "nothing matched", "nothing was changed");
    }
    if (spr_top(change->session.index, change->query, SPR_FIELD_STATE, &states, NULL) < 0) {
        states = NULL; /* a line less in the preview */
    }
    const int r = spr_preview_print(change->cli, report, change->text, states);
    spr_top_free(states);
    if (r < 0) {
        return spr_error_fault(r, NULL, NULL);
    }
    if (report->messages == 0) {
        return spr_error_say(SPR_EXIT_REFUSED, NULL, "none of these can be changed",
                             "nothing was changed");
    }
    return 0;
}

/* The newest job of the spool and how many messages it changed; 0: none. */
static uint64_t newest_job(const char *spool_root, uint64_t *ret_messages)
{
    struct spr_jobs *jobs;
    struct spr_job job;
    uint64_t newest = 0;
    if (spr_jobs_open(spool_root, &jobs, NULL) < 0) {
        return 0;
    }
    while (spr_jobs_next(jobs, &job, NULL) == 1) {
        if (job.job > newest) {
            newest = job.job;
            *ret_messages = job.messages;
        }
    }
    spr_jobs_close(jobs);
    return newest;
}

/* last: the newest job before. A new one is the one that failed, unless another process held us
 * off. */
static void complain_apply(int code, const struct spr_fault *fault,
                           const struct spr_plan_report *report, uint64_t last)
{
    uint64_t done = 0;
    const uint64_t job = newest_job(report->spool_root, &done);
    char hint[200];
    char a[SPR_SHORT_MAX];
    char b[SPR_SHORT_MAX];
    if (code == SPR_E_BUSY) {
        (void)spr_error_fault(code, fault, NULL);
        return;
    }
    if (job <= last) {
        (void)spr_error_fault(code, fault, "nothing was changed");
        return;
    }
    (void)snprintf(hint, sizeof(hint),
                   "job %llu has begun, %s of %s %s: spoolray resume %llu goes on, spoolray undo "
                   "%llu takes it back",
                   (unsigned long long)job, spr_text_count(done, a),
                   spr_text_messages(report->messages, b), spr_action_past(report->action),
                   (unsigned long long)job, (unsigned long long)job);
    (void)spr_error_fault(code, fault, hint);
}

/* Runs a plan that is confirmed; index_dir keeps it until its job has ended. */
static int apply_plan(const struct spr_cli *cli, struct spr_plan *plan,
                      const struct spr_plan_report *report, const char *index_dir)
{
    struct spr_options options;
    struct spr_meter meter;
    struct spr_fault fault = { .code = 0 };
    struct spr_job_report job = { .job = 0 };
    spr_session_options(cli, &options);
    spr_meter_init(&meter, cli, spr_action_name(report->action));
    options.on_progress = spr_meter_tick;
    options.user = &meter;
    spr_signals_catch(true);
    uint64_t before = 0;
    const uint64_t last = newest_job(report->spool_root, &before);
    const int r = spr_plan_apply(plan, index_dir, &options, &job, &fault);
    spr_meter_end(&meter);
    if (r < 0) {
        complain_apply(r, &fault, report, last);
    }
    const struct spr_outcome outcome = {
        .schema = "spoolray.apply/1",
        .past = spr_action_past(report->action),
        .spool_root = report->spool_root,
        .action = report->action,
        .detail = fault.detail,
        .undoable = true,
    };
    return spr_outcome_print(cli, &outcome, &job, r);
}

int spr_cmd_change(struct spr_cli *cli)
{
    struct change change = { .cli = cli };
    enum spr_action action = SPR_DELETE;
    int r = find_action(cli->args->verb->name, &action);
    if (r == 0) {
        r = prepare_change(&change, action, 0);
    }
    if (r == 0) {
        r = preview_change(&change);
    }
    if (r == 0) {
        r = spr_confirm_expect(cli, change.report.messages,
                               change.report.unchangeable + change.report.header_only);
    }
    if (r == 0 && spr_args_on(cli->args, SPR_OPT_DRY_RUN)) {
        spr_note(cli, NULL, "dry run: nothing was changed");
    } else if (r == 0) {
        r = spr_confirm_change(cli, cli->args->verb->name, change.report.messages, false);
        if (r == 0) {
            r = apply_plan(cli, change.plan, &change.report, change.session.index_dir);
        }
    }
    free_change(&change);
    return r;
}

/* Written beside, synced, renamed: a plan is there whole or not at all. */
static int save_plan(const struct spr_plan *plan, const char *path)
{
    char *beside;
    if (asprintf(&beside, "%s.XXXXXX", path) < 0) {
        return spr_error_fault(-ENOMEM, NULL, NULL);
    }
    const int fd = mkostemp(beside, O_CLOEXEC); /* mode 0600 */
    if (fd < 0) {
        const int code = -errno;
        free(beside);
        return spr_error_say(SPR_EXIT_IO, path, spr_strerror(code), "the plan was not written");
    }
    int r = spr_plan_save(plan, fd, NULL);
    if (r == 0 && fsync(fd) != 0) {
        r = -errno;
    }
    if (close(fd) != 0 && r == 0) {
        r = -errno;
    }
    if (r == 0 && rename(beside, path) != 0) {
        r = -errno;
    }
    if (r < 0) {
        (void)unlink(beside); /* best effort: the name is ours */
        (void)spr_error_say(SPR_EXIT_IO, path, spr_strerror(r), "the plan was not written");
    }
    free(beside);
    return r;
}

int spr_cmd_plan(struct spr_cli *cli)
{
    struct change change = { .cli = cli };
    const char *path = spr_args_text(cli->args, SPR_OPT_OUTPUT);
    enum spr_action action = SPR_DELETE;
    int r = find_action(cli->args->words[0], &action);
    if (r == 0 && path == NULL) {
        r = spr_error_say(SPR_EXIT_USAGE, "plan", "where to?", "-o FILE names the plan");
    }
    if (r == 0) {
        r = prepare_change(&change, action, 1);
    }
    if (r == 0) {
        r = preview_change(&change);
    }
    if (r == 0) {
        r = save_plan(change.plan, path);
    }
    if (r == 0 && !cli->json && !cli->quiet) {
        (void)fputs("  run it: spoolray apply ", stdout);
        spr_escape_shell(stdout, spr_text_string(path));
        (void)fputc('\n', stdout);
    }
    free_change(&change);
    return r;
}

static int load_plan(const char *path, struct spr_plan **ret_plan)
{
    struct spr_fault fault = { .code = 0 };
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        return spr_error_say(SPR_EXIT_IO, path, spr_strerror(-errno), "nothing was changed");
    }
    const int r = spr_plan_load(fd, ret_plan, &fault);
    (void)close(fd); /* read only: nothing can be lost */
    if (r < 0) {
        fault.code = r;
        (void)snprintf(fault.subject, sizeof(fault.subject), "%.255s", path);
        return spr_error_fault(r, &fault, "nothing was changed; make the plan anew");
    }
    return 0;
}

int spr_cmd_apply(struct spr_cli *cli)
{
    struct spr_plan *plan = NULL;
    struct spr_plan_report report;
    char *index_dir = NULL;
    const char *path = cli->args->words[0];
    int r = load_plan(path, &plan);
    if (r != 0) {
        return r;
    }
    spr_plan_describe(plan, &report);
    char shown[256];
    (void)snprintf(shown, sizeof(shown), "by plan %.240s", path);
    r = spr_preview_print(cli, &report, shown, NULL);
    if (r == 0) {
        r = spr_confirm_expect(cli, report.messages, report.unchangeable + report.header_only);
    }
    if (r == 0 && spr_args_on(cli->args, SPR_OPT_DRY_RUN)) {
        spr_note(cli, NULL, "dry run: nothing was changed");
    } else if (r == 0) {
        r = spr_confirm_change(cli, cli->args->verb->name, report.messages, true);
        if (r == 0) {
            r = spr_state_choose(cli, report.spool_root, false, &index_dir);
        }
        if (r == 0) {
            r = apply_plan(cli, plan, &report, index_dir);
        }
    }
    free(index_dir);
    spr_plan_free(plan);
    return r;
}
