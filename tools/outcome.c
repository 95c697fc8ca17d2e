/*
 * What a change would do, and what it did.
 */
#include "tools/outcome.h"

#include "tools/escape.h"
#include "tools/print_json.h"
#include "tools/print_text.h"

#include <string.h>

static void print_states(struct spr_top *states)
{
    struct spr_top_row row;
    char count[SPR_SHORT_MAX];
    bool first = true;
    while (spr_top_next(states, &row) == 1) {
        (void)fputs(first ? "  matched by state: " : ", ", stdout);
        spr_escape_write(stdout, row.value);
        (void)printf(" %s", spr_text_count(row.messages, count));
        first = false;
    }
    (void)fputs(first ? "" : "\n", stdout);
}

static void print_left_out(const struct spr_plan_report *plan)
{
    char count[SPR_SHORT_MAX];
    if (plan->unchangeable > 0) {
        (void)printf("  left out: %s", spr_text_messages(plan->unchangeable, count));
        if (plan->refusal != NULL) {
            (void)fputs(": ", stdout);
            spr_escape_string(stdout, plan->refusal);
        }
        (void)fputc('\n', stdout);
    }
    if (plan->header_only > 0) {
        (void)printf("  left out: %s whose account is known from a header only, which a sender can "
                     "forge (--trust-headers takes them)\n",
                     spr_text_messages(plan->header_only, count));
    }
}

static void print_notes(const struct spr_plan_report *plan)
{
    char count[SPR_SHORT_MAX];
    if (plan->from_active > 0) {
        (void)printf("  %s held in the server's memory: it is reloaded once (--no-reload leaves "
                     "them alone)\n",
                     spr_text_messages(plan->from_active, count));
    }
    if (plan->purge_at_most > 0) {
        (void)printf("  the disk is full: up to %s of these may be purged for good to make room "
                     "(--keep-undo refuses instead)\n",
                     spr_text_count(plan->purge_at_most, count));
    }
    if (!plan->server_known) {
        (void)fputs("  cannot be told here whether the server runs (--server-stopped is your word "
                    "that it does not)\n",
                    stdout);
    } else {
        (void)printf("  the server %s\n", plan->server_runs ? "runs" : "is stopped");
    }
}

static void print_preview(const struct spr_plan_report *plan, const char *expression,
                          struct spr_top *states)
{
    char a[SPR_SHORT_MAX];
    char b[SPR_SHORT_MAX];
    char c[SPR_SHORT_MAX];
    (void)fputs(spr_action_name(plan->action), stdout);
    (void)fputc(' ', stdout);
    spr_escape_string(stdout, expression);
    (void)fputs(" in ", stdout);
    spr_escape_string(stdout, plan->spool_root);
    (void)fputs(" (", stdout);
    spr_escape_string(stdout, plan->format); /* a plan file may say anything */
    (void)printf(")\n  %s", spr_text_messages(plan->messages, a));
    (void)printf(", %s recipients (%s pending), ", spr_text_count(plan->recipients, a),
                 spr_text_count(plan->pending, b));
    (void)printf("%s\n", spr_text_size(plan->bytes, c));
    if (states != NULL) {
        print_states(states);
    }
    print_left_out(plan);
    print_notes(plan);
}

int spr_preview_print(const struct spr_cli *cli, const struct spr_plan_report *plan,
                      const char *expression, struct spr_top *states)
{
    if (!cli->json) {
        if (!cli->quiet || !spr_args_on(cli->args, SPR_OPT_YES)) {
            print_preview(plan, expression, states);
        }
        return 0;
    }
    struct spr_out out;
    struct spr_json json;
    spr_out_begin(&out, stdout);
    spr_json_begin(&json, &out, "spoolray.plan/1");
    struct spr_top_row row;
    spr_json_string(&json, "spool", plan->spool_root);
    spr_json_string(&json, "format", plan->format);
    spr_json_string(&json, "action", spr_action_name(plan->action));
    spr_json_string(&json, "expression", expression);
    spr_json_number(&json, "messages", plan->messages);
    spr_json_number(&json, "recipients", plan->recipients);
    spr_json_number(&json, "pending", plan->pending);
    spr_json_number(&json, "bytes", plan->bytes);
    spr_json_number(&json, "from_active", plan->from_active);
    spr_json_number(&json, "unchangeable", plan->unchangeable);
    spr_json_number(&json, "header_only", plan->header_only);
    spr_json_number(&json, "purge_at_most", plan->purge_at_most);
    spr_json_string(&json, "refusal", plan->refusal);
    if (plan->server_known) {
        spr_json_bool(&json, "server_runs", plan->server_runs);
    } else {
        spr_json_null(&json, "server_runs");
    }
    spr_json_object(&json, "states");
    while (states != NULL && spr_top_next(states, &row) == 1) {
        char name[32];
        const size_t length = row.value.length < sizeof(name) ? row.value.length : sizeof(name) - 1;
        memcpy(name, row.value.bytes, length);
        name[length] = '\0';
        spr_json_number(&json, name, row.messages);
    }
    spr_json_close(&json);
    spr_json_end(&json);
    spr_out_end(&out);
    return 0;
}

static void write_outcome(const struct spr_outcome *outcome, const struct spr_job_report *job,
                          int result)
{
    struct spr_out out;
    struct spr_json json;
    spr_out_begin(&out, stdout);
    spr_json_begin(&json, &out, outcome->schema);
    spr_json_string(&json, "spool", outcome->spool_root);
    spr_json_string(&json, "action", spr_action_name(outcome->action));
    spr_json_number(&json, "job", job->job != 0 ? job->job : outcome->job);
    spr_json_number(&json, "done", job->done);
    spr_json_number(&json, "skipped", job->skipped);
    spr_json_number(&json, "back", job->back);
    spr_json_number(&json, "stuck", job->stuck);
    spr_json_number(&json, "lost", job->lost);
    spr_json_number(&json, "purged", job->purged);
    spr_json_number(&json, "bytes", job->bytes);
    spr_json_number(&json, "batches", job->batches);
    spr_json_number(&json, "reloads", job->reloads);
    spr_json_string(&json, "first_path", job->first_path[0] != '\0' ? job->first_path : NULL);
    spr_json_string(&json, "first_reason", job->first_reason[0] != '\0' ? job->first_reason : NULL);
    spr_json_string(&json, "error", result < 0 ? spr_strerror(result) : NULL);
    spr_json_string(&json, "detail", result < 0 ? outcome->detail : NULL);
    spr_json_end(&json);
    spr_out_end(&out);
}

static void print_counts(const struct spr_outcome *outcome, const struct spr_job_report *job)
{
    static const char *const words[] = { "skipped", "put back", "stuck", "lost",
                                         "purged for good" };
    const bool only_purged = job->done == 0 && job->purged > 0;
    const uint64_t done = only_purged ? job->purged : job->done;
    const uint64_t counts[] = { job->skipped, job->back, job->stuck, job->lost,
                                job->purged == done ? 0 : job->purged };
    char text[SPR_SHORT_MAX];
    if (job->job != 0) {
        (void)printf("job %llu: ", (unsigned long long)job->job);
    }
    (void)printf("%s %s", spr_text_messages(done, text),
                 done > 0 && job->purged == done ? "purged for good" : outcome->past);
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        if (counts[i] > 0) {
            (void)printf(", %s %s", spr_text_count(counts[i], text), words[i]);
        }
    }
    (void)fputc('\n', stdout);
}

static void print_command(const char *label, const char *verb, uint64_t job, const char *root)
{
    (void)printf("  %s spoolray %s %llu", label, verb, (unsigned long long)job);
    spr_print_spool(stdout, root);
    (void)fputc('\n', stdout);
}

static void print_next(const struct spr_outcome *outcome, const struct spr_job_report *job)
{
    char size[SPR_SHORT_MAX];
    const bool takes_out = outcome->action == SPR_DELETE || outcome->action == SPR_MOVE;
    const bool all_purged = job->purged >= job->done && job->purged > 0;
    if (job->first_path[0] != '\0' || job->first_reason[0] != '\0') {
        (void)fputs("  first not changed: ", stdout);
        spr_escape_string(stdout, job->first_path);
        (void)fputs(job->first_path[0] != '\0' && job->first_reason[0] != '\0' ? ": " : "", stdout);
        spr_escape_string(stdout, job->first_reason);
        (void)printf(" (spoolray jobs %llu lists all)\n", (unsigned long long)job->job);
    }
    if (outcome->undoable && job->job != 0 && job->done > 0 && !all_purged) {
        print_command("changed your mind:", "undo", job->job, outcome->spool_root);
    }
    if (outcome->undoable && takes_out && job->done > 0 && !all_purged) {
        char label[64];
        (void)snprintf(label, sizeof(label),
                       "free the space (%s):", spr_text_size(job->bytes, size));
        print_command(label, "purge", job->job, outcome->spool_root);
    } else if (all_purged) {
        (void)printf("  %s freed\n", spr_text_size(job->bytes, size));
    }
}

int spr_outcome_print(const struct spr_cli *cli, const struct spr_outcome *outcome,
                      const struct spr_job_report *job, int result)
{
    if (cli->json) {
        write_outcome(outcome, job, result);
    } else if (!cli->quiet && (result == 0 || job->job != 0)) {
        print_counts(outcome, job);
        print_next(outcome, job);
    }
    if (result != 0) {
        return result;
    }
    const uint64_t failed = job->skipped + job->back + job->stuck + job->lost;
    if (failed == 0) {
        return SPR_EXIT_DONE;
    }
    return job->done == 0 && job->stuck + job->lost == 0 ? SPR_EXIT_CHANGED : SPR_EXIT_PARTIAL;
}
