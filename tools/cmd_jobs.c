/*
 * spoolray jobs: who did what, when and why, how it stands, and until when it can be undone. Works
 * from the spool alone, when the index is gone.
 */
#include "tools/cli.h"
#include "tools/errors.h"
#include "tools/escape.h"
#include "tools/job_number.h"
#include "tools/print_json.h"
#include "tools/print_text.h"
#include "tools/sites.h"

#include <inttypes.h>
#include <string.h>

#define MESSAGES_ON_TERMINAL 50

static void print_undo_until(const struct spr_job *job)
{
    char text[SPR_SHORT_MAX];
    const char *until = job->state != SPR_JOB_DONE && job->state != SPR_JOB_STUCK &&
                                job->state != SPR_JOB_INTERRUPTED
                            ? "-"
                        : job->undo_until == 0 ? "no undo"
                        : job->undo_until == SPR_TIME_UNKNOWN
                            ? "purge"
                            : spr_text_minute(job->undo_until, text);
    (void)printf("%-16s  ", until);
}

static void print_job(const struct spr_job *job)
{
    char a[SPR_SHORT_MAX];
    char b[SPR_SHORT_MAX];
    char c[SPR_SHORT_MAX];
    (void)printf("%5" PRIu64 "  %-16s  %-8s %-11s ", job->job, spr_text_minute(job->created, a),
                 spr_action_name(job->action), spr_job_state_name(job->state));
    (void)printf("%10s %8s %9s  ", spr_text_count(job->messages, a),
                 spr_text_count(job->skipped, b), spr_text_size(job->bytes, c));
    print_undo_until(job);
    spr_escape_string(stdout, job->user != NULL ? job->user : "-");
    if (job->reason != NULL && job->reason[0] != '\0') {
        (void)fputs(": ", stdout);
        spr_escape_string(stdout, job->reason);
    }
    (void)fputc('\n', stdout);
}

static void write_job(const char *spool_root, const struct spr_job *job)
{
    struct spr_out out;
    struct spr_json json;
    spr_out_begin(&out, stdout);
    spr_json_begin(&json, &out, "spoolray.job/1");
    spr_json_string(&json, "spool", spool_root);
    spr_json_number(&json, "job", job->job);
    spr_json_string(&json, "action", spr_action_name(job->action));
    spr_json_string(&json, "state", spr_job_state_name(job->state));
    spr_json_number(&json, "messages", job->messages);
    spr_json_number(&json, "skipped", job->skipped);
    spr_json_number(&json, "stuck", job->stuck);
    spr_json_number(&json, "lost", job->lost);
    spr_json_number(&json, "purged", job->purged);
    spr_json_number(&json, "bytes", job->bytes);
    spr_json_known(&json, "created", job->created);
    spr_json_known(&json, "undo_until", job->undo_until);
    spr_json_string(&json, "user", job->user);
    spr_json_string(&json, "command", job->command);
    spr_json_string(&json, "reason", job->reason);
    spr_json_end(&json);
    spr_out_end(&out);
}

struct listing {
    const struct spr_cli *cli;
    uint64_t shown, hidden;
};

static int print_message(const struct spr_job_message *message, void *user)
{
    struct listing *listing = user;
    if (strcmp(message->outcome, "out") == 0 && listing->cli->out_is_terminal) {
        return 0; /* as planned; only the others are of interest to people */
    }
    if (listing->cli->out_is_terminal && listing->shown == MESSAGES_ON_TERMINAL) {
        listing->hidden++;
        return 0;
    }
    listing->shown++;
    (void)printf("  %-8s ", message->outcome);
    spr_escape_write(stdout, message->path);
    if (message->reason != NULL) {
        (void)printf(": %s", message->reason);
    }
    if (message->code != 0) {
        (void)printf(": %s", spr_strerror(message->code));
    }
    (void)fputc('\n', stdout);
    return 0;
}

static int print_details(const struct spr_cli *cli, const char *spool_root,
                         const struct spr_job *job)
{
    struct listing listing = { .cli = cli };
    struct spr_fault fault = { .code = 0 };
    if (job->command != NULL && job->command[0] != '\0') {
        (void)fputs("  typed: ", stdout);
        spr_escape_string(stdout, job->command);
        (void)fputc('\n', stdout);
    }
    const int r = spr_job_messages(spool_root, job->job, print_message, &listing, &fault);
    if (r < 0) {
        return spr_error_fault(r, &fault, NULL);
    }
    if (listing.hidden > 0) {
        char count[SPR_SHORT_MAX];
        (void)printf("  and %s more (all of them off a terminal)\n",
                     spr_text_count(listing.hidden, count));
    }
    return 0;
}

/* number 0: all jobs. */
static int list_jobs(const struct spr_cli *cli, const char *spool_root, uint64_t number,
                     bool *ret_any)
{
    struct spr_fault fault = { .code = 0 };
    struct spr_jobs *jobs;
    struct spr_job job;
    int r = spr_jobs_open(spool_root, &jobs, &fault);
    if (r < 0) {
        return spr_error_fault(r, &fault, NULL);
    }
    bool head = false;
    while ((r = spr_jobs_next(jobs, &job, &fault)) == 1) {
        if (number != 0 && job.job != number) {
            continue;
        }
        *ret_any = true;
        if (cli->json) {
            write_job(spool_root, &job);
            r = 0;
        } else {
            if (!head) {
                (void)printf("%5s  %-16s  %-8s %-11s %10s %8s %9s  %-16s  %s\n", "job", "created",
                             "action", "state", "messages", "skipped", "size", "undo until", "who");
            }
            head = true;
            print_job(&job);
            r = number != 0 ? print_details(cli, spool_root, &job) : 0;
        }
        if (r < 0) {
            spr_jobs_close(jobs);
            return r;
        }
    }
    spr_jobs_close(jobs);
    return r < 0 ? spr_error_fault(r, &fault, NULL) : 0;
}

int spr_cmd_jobs(struct spr_cli *cli)
{
    struct spr_sites sites = { .count = 0 };
    uint64_t number = 0;
    bool any = false;
    int r = cli->args->word_count > 0 ? spr_args_job(cli->args->words[0], &number) : 0;
    if (r == 0) {
        r = spr_sites_find(cli, NULL, 0, &sites);
    }
    for (unsigned i = 0; r == 0 && i < sites.count; i++) {
        if (sites.count > 1 && !cli->json) {
            spr_escape_string(stdout, sites.site[i].root);
            (void)fputs(":\n", stdout);
        }
        r = list_jobs(cli, sites.site[i].root, number, &any);
    }
    spr_sites_free(&sites);
    if (r != 0 || any) {
        return r;
    }
    if (number != 0) {
        return spr_error_say(SPR_EXIT_NOTHING, cli->args->words[0], "no such job",
                             "spoolray jobs lists them");
    }
    if (!cli->json) {
        spr_note(cli, NULL, "no jobs yet on this spool");
    }
    return SPR_EXIT_DONE;
}
