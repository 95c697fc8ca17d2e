/*
 * spoolray triage: the verdict, in lines that fit a ticket. It names the account (else the local
 * user, else the client) that fills the queue, how sure that is and why, what would be hit, and the
 * next command; or says that nobody stands out.
 */
#include "tools/cli.h"
#include "tools/errors.h"
#include "tools/escape.h"
#include "tools/print_json.h"
#include "tools/print_text.h"
#include "tools/session.h"
#include "tools/verdict.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LABEL         "  %-9s "
#define DATE_LENGTH   11 /* "2026-11-24 " */
#define SUBJECT_WIDTH 70

static void print_verdict_line(const struct spr_cli *cli, const struct spr_verdict_facts *facts)
{
    char a[SPR_SHORT_MAX];
    char b[SPR_SHORT_MAX];
    char line[160];
    if (facts->total_messages == 0) {
        spr_print_bold(cli, "VERDICT: the queue is empty");
        (void)fputc('\n', stdout);
        return;
    }
    if (facts->culprit == SPR_CULPRIT_NONE) {
        spr_print_bold(cli, "VERDICT: nobody stands out; this looks like ordinary mail");
        (void)fputc('\n', stdout);
        return;
    }
    (void)snprintf(line, sizeof(line), "VERDICT: %s ", spr_culprit_words(facts->culprit)->who);
    spr_print_bold(cli, line);
    (void)fputs(cli->colour ? "\033[1m" : "", stdout);
    spr_escape_write(stdout, facts->name);
    (void)fputs(cli->colour ? "\033[0m" : "", stdout);
    (void)snprintf(line, sizeof(line), " fills this queue: %s of %s (%u %% sure)",
                   spr_text_share(facts->messages, facts->total_messages, a),
                   spr_text_messages(facts->total_messages, b), facts->confidence);
    spr_print_bold(cli, line);
    (void)fputc('\n', stdout);
}

static void print_spool_line(const struct spr_session *session)
{
    char text[SPR_SHORT_MAX];
    (void)printf(LABEL, "spool");
    spr_escape_string(stdout, session->site->root);
    (void)fputs(" (", stdout);
    spr_escape_string(stdout, session->report.format);
    (void)fputc(')', stdout);
    if (session->report.host != NULL) {
        (void)fputs(" on ", stdout);
        spr_escape_string(stdout, session->report.host);
    }
    (void)printf(", as of %s\n", spr_text_second(session->report.scanned_at, text));
}

static bool spans_days(const struct spr_verdict_facts *facts)
{
    char start[SPR_SHORT_MAX];
    char end[SPR_SHORT_MAX];
    return memcmp(spr_text_second(facts->burst_start, start),
                  spr_text_second(facts->burst_end, end), DATE_LENGTH) != 0;
}

static void print_shares(const struct spr_verdict_facts *facts)
{
    char a[SPR_SHORT_MAX];
    char b[SPR_SHORT_MAX];
    char c[SPR_SHORT_MAX];
    (void)printf(LABEL "%s of %s messages, ", "share", spr_text_count(facts->messages, a),
                 spr_text_count(facts->total_messages, b));
    (void)printf("%s of %s recipients, ", spr_text_count(facts->recipients, a),
                 spr_text_count(facts->total_recipients, b));
    (void)printf("%s of %s\n", spr_text_size(facts->bytes, a),
                 spr_text_size(facts->total_bytes, b));
    if (facts->burst_start != SPR_TIME_UNKNOWN && facts->burst_end != SPR_TIME_UNKNOWN) {
        const uint64_t span = facts->burst_end > facts->burst_start
                                  ? (uint64_t)(facts->burst_end - facts->burst_start)
                                  : 0;
        (void)printf(LABEL "90 %% within %s", "burst", spr_text_span(span > 0 ? span : 1, c));
        (void)printf(", %s to %s, ", spr_text_second(facts->burst_start, a),
                     spr_text_second(facts->burst_end, b) + (spans_days(facts) ? 0 : DATE_LENGTH));
        (void)printf("up to %s a minute\n", spr_text_messages(facts->burst_per_minute_max, c));
    }
    const double fanout =
        facts->messages > 0 ? (double)facts->recipients / (double)facts->messages : 0;
    (void)printf(LABEL
                 "%.1f recipients a message, %s different ones; everybody else %.1f (median)\n",
                 "fan-out", fanout, spr_text_count(facts->distinct_recipients, a),
                 facts->median_fanout_others);
}

static void print_sources(const struct spr_verdict_facts *facts)
{
    char a[SPR_SHORT_MAX];
    char b[SPR_SHORT_MAX];
    (void)printf(LABEL "%s client %s, %s envelope %s", "from",
                 spr_text_count(facts->distinct_clients, a),
                 facts->distinct_clients == 1 ? "address" : "addresses",
                 spr_text_count(facts->distinct_senders, b),
                 facts->distinct_senders == 1 ? "sender" : "senders");
    for (unsigned i = 0; i < facts->client_count; i++) {
        (void)fputs(i == 0 ? ": " : ", ", stdout);
        spr_escape_write(stdout, facts->clients[i]);
    }
    (void)printf("%s\n", facts->distinct_clients > facts->client_count && facts->client_count > 0
                             ? ", ..."
                             : "");
    if (facts->runner_up.bytes != NULL) {
        (void)printf(LABEL, "runner-up");
        spr_escape_write(stdout, facts->runner_up);
        (void)printf(" with %s\n", spr_text_messages(facts->runner_up_messages, a));
    }
}

static void print_states(const struct spr_verdict_facts *facts)
{
    char count[SPR_SHORT_MAX];
    bool first = true;
    (void)printf(LABEL, "states");
    for (unsigned state = SPR_STATE_INCOMING; state <= SPR_STATE_CORRUPT; state++) {
        if (facts->state_counts[state] > 0) {
            (void)printf("%s%s %s", first ? "" : ", ", spr_state_name((enum spr_state)state),
                         spr_text_count(facts->state_counts[state], count));
            first = false;
        }
    }
    (void)fputs(first ? "none\n" : "\n", stdout);
}

/* The query that selects the culprit's mail; NULL when it cannot be made. */
static struct spr_query *culprit_query(const struct spr_verdict_facts *facts)
{
    struct spr_query *query = NULL;
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    if (stream == NULL) {
        return NULL;
    }
    spr_write_term(stream, spr_culprit_words(facts->culprit)->field, facts->name);
    if (fclose(stream) != 0 || spr_query_compile(text, SPR_QUERY_TRUST_HEADERS, &query, NULL) < 0) {
        query = NULL; /* a line less in the verdict */
    }
    free(text);
    return query;
}

/* What would be hit, by state. */
static void print_hit(const struct spr_session *session, const struct spr_verdict_facts *facts)
{
    struct spr_query *query = culprit_query(facts);
    struct spr_top *states = NULL;
    struct spr_top_row row;
    char count[SPR_SHORT_MAX];
    (void)printf(LABEL "%s recipients still pending", "hit", spr_text_count(facts->pending, count));
    if (query != NULL && spr_top(session->index, query, SPR_FIELD_STATE, &states, NULL) == 0) {
        (void)fputs("; messages ", stdout);
        for (bool first = true; spr_top_next(states, &row) == 1; first = false) {
            (void)fputs(first ? "" : ", ", stdout);
            spr_escape_write(stdout, row.value);
            (void)printf(" %s", spr_text_count(row.messages, count));
        }
    }
    (void)fputc('\n', stdout);
    spr_top_free(states);
    spr_query_free(query);
}

static void print_domains(const struct spr_verdict_facts *facts)
{
    char count[SPR_SHORT_MAX];
    for (unsigned i = 0; i < facts->top_domain_count; i++) {
        if (i == 0) {
            (void)printf(LABEL, "to");
        }
        (void)fputs(i == 0 ? "" : ", ", stdout);
        spr_escape_write(stdout, facts->top_domains[i]);
        (void)printf(" %s", spr_text_count(facts->top_domain_counts[i], count));
    }
    (void)fputs(facts->top_domain_count > 0 ? "\n" : "", stdout);
}

static void print_subjects(const struct spr_session *session, const struct spr_verdict_facts *facts)
{
    if (!session->report.has_subjects) {
        (void)printf(LABEL "not indexed; spoolray triage --subjects shows samples\n", "subjects");
        return;
    }
    for (unsigned i = 0; i < facts->subject_count; i++) {
        (void)printf(LABEL, i == 0 ? "subjects" : "");
        const size_t width = spr_escape_width(facts->subjects[i]);
        struct spr_out out;
        spr_out_begin(&out, stdout);
        spr_escape_cell(&out, facts->subjects[i], width < SUBJECT_WIDTH ? width : SUBJECT_WIDTH,
                        false);
        spr_out_char(&out, '\n');
        spr_out_end(&out);
    }
}

static void print_bounces(const struct spr_verdict_facts *facts)
{
    char a[SPR_SHORT_MAX];
    char b[SPR_SHORT_MAX];
    (void)printf(LABEL "%s have the null sender (%s): %s\n", "bounces",
                 spr_text_messages(facts->bounces, a),
                 spr_text_share(facts->bounces, facts->total_messages, b),
                 facts->total_messages > 0 && facts->bounces * 10 >= facts->total_messages * 3
                     ? "backscatter; look at it with 'spoolray top rcpt-domain is:bounce'"
                     : "little backscatter");
}

/* The format's hint with the account in place of %s, quoted for the shell. */
static void print_lock_hint(const char *format, struct spr_text account)
{
    struct spr_format_report report;
    for (unsigned i = 0; spr_format_describe(i, &report); i++) {
        if (strcmp(report.name, format) != 0 || report.lock_account == NULL) {
            continue;
        }
        const char *place = strstr(report.lock_account, "%s");
        (void)printf(LABEL, "lock it");
        if (place == NULL) {
            (void)fputs(report.lock_account, stdout);
        } else {
            (void)fwrite(report.lock_account, 1, (size_t)(place - report.lock_account), stdout);
            spr_escape_shell(stdout, account);
            (void)fputs(place + 2, stdout);
        }
        (void)fputc('\n', stdout);
    }
}

static void print_command(const struct spr_session *session, const char *label, const char *verb,
                          const struct spr_verdict_facts *facts)
{
    (void)printf(LABEL "spoolray %s ", label, verb);
    spr_print_term(stdout, spr_culprit_words(facts->culprit)->field, facts->name);
    spr_print_spool(stdout, session->site->root);
    (void)fputc('\n', stdout);
}

static void print_healthy(const struct spr_session *session, const struct spr_verdict_facts *facts)
{
    char a[SPR_SHORT_MAX];
    char b[SPR_SHORT_MAX];
    char c[SPR_SHORT_MAX];
    (void)printf(LABEL "%s, %s recipients, %s\n", "queue",
                 spr_text_messages(facts->total_messages, a),
                 spr_text_count(facts->total_recipients, b), spr_text_size(facts->total_bytes, c));
    if (facts->total_messages == 0) {
        return;
    }
    print_states(facts);
    if (facts->runner_up.bytes != NULL) {
        (void)printf(LABEL, "busiest");
        spr_escape_write(stdout, facts->runner_up);
        (void)printf(" with %s (%s)\n", spr_text_messages(facts->runner_up_messages, a),
                     spr_text_share(facts->runner_up_messages, facts->total_messages, b));
    }
    print_domains(facts);
    print_bounces(facts);
    (void)printf(LABEL "spoolray top account", "look");
    spr_print_spool(stdout, session->site->root);
    (void)fputc('\n', stdout);
}

static void print_triage(const struct spr_session *session, const struct spr_verdict_facts *facts)
{
    print_verdict_line(session->cli, facts);
    print_spool_line(session);
    if (facts->culprit == SPR_CULPRIT_NONE) {
        print_healthy(session, facts);
        return;
    }
    print_shares(facts);
    print_hit(session, facts);
    print_sources(facts);
    print_domains(facts);
    print_subjects(session, facts);
    print_bounces(facts);
    if (facts->culprit == SPR_CULPRIT_ACCOUNT) {
        print_lock_hint(session->report.format, facts->name);
    }
    print_command(session, "look", "query", facts);
    print_command(session, "take out", "delete", facts);
}

static void add_texts(struct spr_json *json, const char *key, const struct spr_text *texts,
                      unsigned count)
{
    spr_json_list(json, key);
    for (unsigned i = 0; i < count; i++) {
        spr_json_item(json);
        spr_json_text(json, "value", texts[i]);
        spr_json_close(json);
    }
    spr_json_close(json);
}

static void write_triage(const struct spr_session *session, const struct spr_verdict_facts *facts)
{
    struct spr_out out;
    struct spr_json json;
    spr_out_begin(&out, stdout);
    spr_json_begin(&json, &out, "spoolray.triage/1");
    spr_json_string(&json, "spool", session->site->root);
    spr_json_string(&json, "format", session->report.format);
    spr_json_string(&json, "host", session->report.host);
    spr_json_known(&json, "scanned_at", session->report.scanned_at);
    spr_json_string(&json, "culprit", spr_culprit_words(facts->culprit)->json);
    spr_json_text(&json, "name",
                  facts->culprit != SPR_CULPRIT_NONE ? facts->name : (struct spr_text){ NULL, 0 });
    spr_json_number(&json, "confidence", facts->confidence);
    spr_json_number(&json, "messages", facts->messages);
    spr_json_number(&json, "recipients", facts->recipients);
    spr_json_number(&json, "pending", facts->pending);
    spr_json_number(&json, "distinct_recipients", facts->distinct_recipients);
    spr_json_number(&json, "distinct_senders", facts->distinct_senders);
    spr_json_number(&json, "distinct_clients", facts->distinct_clients);
    spr_json_number(&json, "bytes", facts->bytes);
    spr_json_number(&json, "total_messages", facts->total_messages);
    spr_json_number(&json, "total_recipients", facts->total_recipients);
    spr_json_number(&json, "total_bytes", facts->total_bytes);
    spr_json_number(&json, "bounces", facts->bounces);
    spr_json_known(&json, "burst_start", facts->burst_start);
    spr_json_known(&json, "burst_end", facts->burst_end);
    spr_json_number(&json, "burst_per_minute_max", facts->burst_per_minute_max);
    spr_json_real(&json, "median_fanout_others", facts->median_fanout_others);
    spr_json_object(&json, "states");
    for (unsigned state = SPR_STATE_INCOMING; state <= SPR_STATE_CORRUPT; state++) {
        spr_json_number(&json, spr_state_name((enum spr_state)state), facts->state_counts[state]);
    }
    spr_json_close(&json);
    spr_json_list(&json, "top_domains");
    for (unsigned i = 0; i < facts->top_domain_count; i++) {
        spr_json_item(&json);
        spr_json_text(&json, "value", facts->top_domains[i]);
        spr_json_number(&json, "recipients", facts->top_domain_counts[i]);
        spr_json_close(&json);
    }
    spr_json_close(&json);
    add_texts(&json, "subjects", facts->subjects, facts->subject_count);
    add_texts(&json, "clients", facts->clients, facts->client_count);
    spr_json_text(&json, "runner_up", facts->runner_up);
    spr_json_number(&json, "runner_up_messages", facts->runner_up_messages);
    spr_json_end(&json);
    spr_out_end(&out);
}

static int triage_spool(const struct spr_cli *cli, const struct spr_site *site, bool brief)
{
    struct spr_session session;
    struct spr_fault fault = { .code = 0 };
    struct spr_verdict_report *report;
    int r = spr_session_open(&session, cli, site, SPR_REFRESH_STALE, 0);
    if (r != 0) {
        return r;
    }
    r = spr_verdict(session.index, &report, &fault);
    if (r < 0) {
        (void)spr_session_error(&session, r, &fault);
    } else {
        const struct spr_verdict_facts *facts = spr_verdict_facts(report);
        if (cli->json) {
            write_triage(&session, facts);
        } else if (brief) {
            print_verdict_line(cli, facts);
            print_spool_line(&session);
            (void)printf(LABEL "spoolray triage ", "more");
            spr_escape_shell(stdout, spr_text_string(site->root));
            (void)fputc('\n', stdout);
        } else {
            print_triage(&session, facts);
        }
        spr_verdict_free(report);
    }
    spr_session_close(&session);
    return r;
}

int spr_cmd_triage(struct spr_cli *cli)
{
    struct spr_sites sites = { .count = 0 };
    int r = spr_sites_find(cli, cli->args->words, cli->args->word_count, &sites);
    for (unsigned i = 0; r == 0 && i < sites.count; i++) {
        r = triage_spool(cli, &sites.site[i], sites.count > 1);
    }
    if (r == 0 && sites.count > 1 && !cli->json) {
        spr_note(cli, NULL, "several spools are here; changes need --spool PATH");
    }
    spr_sites_free(&sites);
    return r;
}
