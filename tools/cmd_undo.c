/*
 * The ways on from a job: undo puts back, resume settles what a crash left and goes on, purge frees
 * the space. All of it works from the spool alone, when the index is gone; only going on with a job
 * needs its plan, which lies beside the index.
 */
#include "tools/cli.h"
#include "tools/confirm.h"
#include "tools/errors.h"
#include "tools/escape.h"
#include "tools/job_number.h"
#include "tools/outcome.h"
#include "tools/print_text.h"
#include "tools/session.h"
#include "tools/signals.h"
#include "tools/state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char ONE_SPOOL[] = "several spools are here, and job numbers count per spool";

/* What is kept of a struct spr_job, whose texts are borrowed. */
struct job_facts {
    uint64_t job, messages, skipped, bytes;
    enum spr_action action;
    enum spr_job_state state;
    int64_t created;
};

typedef bool (*job_wanted_fn)(const struct spr_job *job, const void *user);

/* The jobs wanted, in the spool's order; to be freed. */
static int collect_jobs(const char *spool_root, job_wanted_fn is_wanted, const void *user,
                        struct job_facts **ret_facts, size_t *ret_count)
{
    struct spr_fault fault = { .code = 0 };
    struct spr_jobs *jobs;
    struct spr_job job;
    struct job_facts *facts = NULL;
    size_t count = 0;
    int r = spr_jobs_open(spool_root, &jobs, &fault);
    if (r < 0) {
        return spr_error_fault(r, &fault, NULL);
    }
    while ((r = spr_jobs_next(jobs, &job, &fault)) == 1) {
        if (!is_wanted(&job, user)) {
            continue;
        }
        struct job_facts *grown = reallocarray(facts, count + 1, sizeof(*facts));
        if (grown == NULL) {
            r = -ENOMEM;
            break;
        }
        facts = grown;
        facts[count++] = (struct job_facts){ job.job,    job.messages, job.skipped, job.bytes,
                                             job.action, job.state,    job.created };
    }
    spr_jobs_close(jobs);
    if (r < 0) {
        free(facts);
        return spr_error_fault(r, &fault, NULL);
    }
    *ret_facts = facts;
    *ret_count = count;
    return 0;
}

static bool is_number(const struct spr_job *job, const void *user)
{
    const uint64_t *number = user;
    return job->job == *number;
}

/* The one job named on the command line. */
static int find_job(const struct spr_cli *cli, const char *spool_root, struct job_facts *ret_job)
{
    struct job_facts *facts = NULL;
    size_t count = 0;
    uint64_t number;
    int r = spr_args_job(cli->args->words[0], &number);
    if (r == 0) {
        r = collect_jobs(spool_root, is_number, &number, &facts, &count);
    }
    if (r == 0 && count == 0) {
        r = spr_error_say(SPR_EXIT_NOTHING, cli->args->words[0], "no such job on this spool",
                          "spoolray jobs lists them");
    }
    if (r == 0) {
        *ret_job = facts[0];
    }
    free(facts);
    return r;
}

static void describe_job(const struct spr_cli *cli, const struct job_facts *job)
{
    char a[SPR_SHORT_MAX];
    char b[SPR_SHORT_MAX];
    char c[SPR_SHORT_MAX];
    if (!cli->quiet && !cli->json) {
        (void)printf("job %" PRIu64 ": %s of %s, %s, %s, %s\n", job->job,
                     spr_action_name(job->action), spr_text_minute(job->created, a),
                     spr_text_messages(job->messages, b), spr_text_size(job->bytes, c),
                     spr_job_state_name(job->state));
    }
}

/* Options with a meter, for a call that changes the spool. */
static void begin_change(const struct spr_cli *cli, struct spr_meter *meter,
                         struct spr_options *options)
{
    spr_session_options(cli, options);
    spr_meter_init(meter, cli, cli->args->verb->name);
    options->on_progress = spr_meter_tick;
    options->user = meter;
    spr_signals_catch(true);
}

static void complain(int code, const struct spr_fault *fault, uint64_t job)
{
    char hint[160];
    struct spr_fault told = { .code = code };
    (void)snprintf(hint, sizeof(hint), "%sspoolray jobs %" PRIu64 " shows how it stands",
                   code == -ENOSPC ? "nothing is lost, but the disk has no room to work in; " : "",
                   job);
    if (fault->code == 0) {
        (void)snprintf(told.subject, sizeof(told.subject), "job %" PRIu64, job);
        fault = &told;
    }
    (void)spr_error_fault(code, fault, code == SPR_E_UNABLE || code == SPR_E_BUSY ? NULL : hint);
}

/* A call that found nothing to do says why, for people; true when it did. */
static bool say_idle(const struct spr_cli *cli, int result, const struct job_facts *job,
                     const struct spr_job_report *report, const char *what)
{
    const uint64_t all = report->done + report->skipped + report->back + report->stuck +
                         report->lost + report->purged;
    if (result != 0 || all != 0 || cli->json) {
        return false;
    }
    if (!cli->quiet) {
        (void)printf("job %" PRIu64 ": %s (the job is %s)\n", job->job, what,
                     spr_job_state_name(job->state));
    }
    return true;
}

/* Refuses to take back what is back, or gone. */
static int check_undo(const struct job_facts *job)
{
    char subject[40];
    (void)snprintf(subject, sizeof(subject), "job %" PRIu64, job->job);
    if (job->state == SPR_JOB_UNDONE) {
        return spr_error_say(SPR_EXIT_REFUSED, subject, "it is undone already",
                             "nothing was changed");
    }
    if (job->state == SPR_JOB_PURGED) {
        return spr_error_say(SPR_EXIT_REFUSED, subject, "it is purged, nothing can be brought back",
                             "nothing was changed");
    }
    return 0;
}

static int undo_job(const struct spr_cli *cli, const char *spool_root, const struct job_facts *job)
{
    struct spr_options options;
    struct spr_meter meter;
    struct spr_fault fault = { .code = 0 };
    struct spr_job_report report = { .job = 0 };
    begin_change(cli, &meter, &options);
    const int r = spr_job_undo(spool_root, job->job, &options, &report, &fault);
    spr_meter_end(&meter);
    if (r < 0) {
        complain(r, &fault, job->job);
    }
    const struct spr_outcome outcome = {
        .schema = "spoolray.undo/1",
        .past = "put back",
        .spool_root = spool_root,
        .action = job->action,
        .job = job->job,
        .detail = fault.detail,
    };
    return spr_outcome_print(cli, &outcome, &report, r);
}

int spr_cmd_undo(struct spr_cli *cli)
{
    struct spr_sites sites = { .count = 0 };
    struct job_facts job = { .job = 0 };
    char question[96];
    uint64_t number;
    int r = spr_args_job(cli->args->words[0], &number);
    if (r == 0) {
        r = spr_sites_one(cli, ONE_SPOOL, &sites);
    }
    if (r == 0) {
        r = find_job(cli, sites.site[0].root, &job);
    }
    if (r == 0) {
        r = check_undo(&job);
    }
    if (r == 0) {
        describe_job(cli, &job);
        (void)snprintf(question, sizeof(question), "Type yes to undo job %" PRIu64 ": ", job.job);
    }
    if (r == 0 && spr_args_on(cli->args, SPR_OPT_DRY_RUN)) {
        spr_note(cli, NULL, "dry run: nothing was changed");
    } else if (r == 0) {
        r = spr_confirm_job(cli, question, "yes");
        if (r == 0) {
            r = undo_job(cli, sites.site[0].root, &job);
        }
    }
    spr_sites_free(&sites);
    return r;
}

static bool is_open(const struct spr_job *job, const void *user)
{
    (void)user;
    return job->state == SPR_JOB_INTERRUPTED;
}

/* After recovery: which jobs can still go on. */
static int list_interrupted(const struct spr_cli *cli, const char *spool_root)
{
    struct job_facts *facts = NULL;
    size_t count = 0;
    const int r = collect_jobs(spool_root, is_open, NULL, &facts, &count);
    for (size_t i = 0; r == 0 && i < count && !cli->json && !cli->quiet; i++) {
        (void)printf("job %" PRIu64 " stopped before its end: spoolray resume %" PRIu64
                     " goes on, spoolray undo %" PRIu64 " takes it back\n",
                     facts[i].job, facts[i].job, facts[i].job);
    }
    free(facts);
    return r;
}

static int settle_spool(const struct spr_cli *cli, const char *spool_root)
{
    struct spr_options options;
    struct spr_meter meter;
    struct spr_fault fault = { .code = 0 };
    struct spr_job_report report = { .job = 0 };
    begin_change(cli, &meter, &options);
    int r = spr_recover(spool_root, &options, &report, &fault);
    spr_meter_end(&meter);
    if (r < 0) {
        return spr_error_fault(r, &fault, NULL);
    }
    const bool settled =
        report.batches + report.done + report.back + report.stuck + report.lost + report.purged > 0;
    if (!settled && !cli->json) {
        spr_note(cli, spool_root, "nothing was left half done");
    }
    if (settled || cli->json) {
        const struct spr_outcome outcome = {
            .schema = "spoolray.resume/1",
            .past = "settled",
            .spool_root = spool_root,
            .action = SPR_RESTORE,
        };
        const uint64_t bad = report.stuck + report.lost;
        r = spr_outcome_print(cli, &outcome, &report, 0);
        r = r < 0 ? r : bad > 0 ? SPR_EXIT_PARTIAL : SPR_EXIT_DONE;
    }
    const int listed = list_interrupted(cli, spool_root);
    return r != 0 ? r : listed;
}

static int resume_job(const struct spr_cli *cli, const char *spool_root)
{
    struct spr_options options;
    struct spr_meter meter;
    struct spr_fault fault = { .code = 0 };
    struct spr_job_report report = { .job = 0 };
    struct job_facts job = { .job = 0 };
    char *index_dir = NULL;
    int r = find_job(cli, spool_root, &job);
    if (r == 0) {
        r = spr_state_choose(cli, spool_root, false, &index_dir);
    }
    if (r != 0) {
        return r;
    }
    begin_change(cli, &meter, &options);
    r = spr_job_resume(spool_root, job.job, index_dir, &options, &report, &fault);
    spr_meter_end(&meter);
    if (r < 0) {
        complain(r, &fault, job.job);
    }
    const struct spr_outcome outcome = {
        .schema = "spoolray.resume/1",
        .past = spr_action_past(job.action),
        .spool_root = spool_root,
        .action = job.action,
        .job = job.job,
        .detail = fault.detail,
        .undoable = true,
    };
    free(index_dir);
    if (say_idle(cli, r, &job, &report, "nothing was left to do")) {
        return 0;
    }
    return spr_outcome_print(cli, &outcome, &report, r);
}

int spr_cmd_resume(struct spr_cli *cli)
{
    struct spr_sites sites = { .count = 0 };
    int r = cli->args->word_count > 0 ? spr_sites_one(cli, ONE_SPOOL, &sites)
                                      : spr_sites_find(cli, NULL, 0, &sites);
    for (unsigned i = 0; r == 0 && i < sites.count; i++) {
        r = cli->args->word_count > 0 ? resume_job(cli, sites.site[i].root)
                                      : settle_spool(cli, sites.site[i].root);
    }
    spr_sites_free(&sites);
    return r;
}

static bool is_purgeable(const struct spr_job *job, const void *user)
{
    const int64_t *before = user;
    return job->created <= *before && (job->state == SPR_JOB_DONE || job->state == SPR_JOB_STUCK) &&
           (job->action == SPR_DELETE || job->action == SPR_MOVE);
}

static int purge_job(const struct spr_cli *cli, const char *spool_root, const struct job_facts *job)
{
    struct spr_options options;
    struct spr_meter meter;
    struct spr_fault fault = { .code = 0 };
    struct spr_job_report report = { .job = 0 };
    begin_change(cli, &meter, &options);
    const int r = spr_job_purge(spool_root, job->job, &options, &report, &fault);
    spr_meter_end(&meter);
    if (r < 0) {
        complain(r, &fault, job->job);
    }
    const struct spr_outcome outcome = {
        .schema = "spoolray.purge/1",
        .past = "purged",
        .spool_root = spool_root,
        .action = job->action,
        .job = job->job,
        .detail = fault.detail,
    };
    if (say_idle(cli, r, job, &report, "nothing was left to free")) {
        return 0;
    }
    return spr_outcome_print(cli, &outcome, &report, r);
}

/* The job named, or those older than the age given; to be freed. */
static int choose_purge(const struct spr_cli *cli, const char *spool_root,
                        struct job_facts **ret_facts, size_t *ret_count)
{
    const char *age = spr_args_text(cli->args, SPR_OPT_OLDER_THAN);
    uint64_t seconds = 0;
    if (age == NULL) {
        struct job_facts *one = calloc(1, sizeof(*one));
        const int r =
            one != NULL ? find_job(cli, spool_root, one) : spr_error_fault(-ENOMEM, NULL, NULL);
        if (r != 0) {
            free(one);
            return r;
        }
        *ret_facts = one;
        *ret_count = 1;
        return 0;
    }
    (void)spr_duration_parse(age, &seconds); /* checked when the option was read */
    const int64_t now = (int64_t)time(NULL);
    const int64_t before = seconds < (uint64_t)now ? now - (int64_t)seconds : 0;
    const int r = collect_jobs(spool_root, is_purgeable, &before, ret_facts, ret_count);
    if (r == 0 && *ret_count == 0) {
        free(*ret_facts);
        return spr_error_say(SPR_EXIT_NOTHING, age, "no finished job is older", NULL);
    }
    return r;
}

/* A finished hold or release has its messages in the queue: all that a purge would free is the way
 * back. */
static bool keeps_nothing(const struct job_facts *job)
{
    return job->state == SPR_JOB_DONE && job->action != SPR_DELETE;
}

static int purge_chosen(const struct spr_cli *cli, const char *spool_root,
                        const struct job_facts *facts, size_t count)
{
    uint64_t messages = 0;
    char word[32];
    char question[96];
    if (count == 1 && keeps_nothing(&facts[0])) {
        spr_note(cli, NULL,
                 "nothing to free: the messages of this job are in the queue (it can still be "
                 "undone; nothing was changed)");
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        describe_job(cli, &facts[i]);
        messages += facts[i].messages;
    }
    if (spr_args_on(cli->args, SPR_OPT_DRY_RUN)) {
        spr_note(cli, NULL, "dry run: nothing was changed");
        return 0;
    }
    (void)snprintf(word, sizeof(word), "%" PRIu64, messages);
    (void)snprintf(question, sizeof(question), "Type %s to purge for good: ", word);
    int r = spr_confirm_job(cli, question, word);
    for (size_t i = 0; i < count && r == 0; i++) {
        r = purge_job(cli, spool_root, &facts[i]);
    }
    return r;
}

int spr_cmd_purge(struct spr_cli *cli)
{
    struct spr_sites sites = { .count = 0 };
    struct job_facts *facts = NULL;
    size_t count = 0;
    const bool by_age = spr_args_on(cli->args, SPR_OPT_OLDER_THAN);
    if (by_age == (cli->args->word_count == 1)) {
        return spr_error_say(SPR_EXIT_USAGE, "purge", "which job?",
                             "usage: spoolray purge JOB | --older-than AGE");
    }
    int r = spr_sites_one(cli, ONE_SPOOL, &sites);
    if (r == 0) {
        r = choose_purge(cli, sites.site[0].root, &facts, &count);
    }
    if (r == 0) {
        r = purge_chosen(cli, sites.site[0].root, facts, count);
        free(facts);
    }
    spr_sites_free(&sites);
    return r;
}
