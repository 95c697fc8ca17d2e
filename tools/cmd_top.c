/*
 * spoolray top FIELD: a ranked table of one field.
 */
#include "tools/cli.h"
#include "tools/errors.h"
#include "tools/escape.h"
#include "tools/nearest.h"
#include "tools/print_csv.h"
#include "tools/print_json.h"
#include "tools/print_text.h"
#include "tools/selection.h"
#include "tools/session.h"

#include <stdlib.h>
#include <string.h>

#define ROWS_ON_TERMINAL 50
#define BAR_WIDTH        20

static const struct {
    const char *name;
    enum spr_field field;
} FIELDS[] = {
    { "account", SPR_FIELD_ACCOUNT },
    { "sender", SPR_FIELD_SENDER },
    { "sender-domain", SPR_FIELD_SENDER_DOMAIN },
    { "rcpt", SPR_FIELD_RCPT },
    { "rcpt-domain", SPR_FIELD_RCPT_DOMAIN },
    { "client", SPR_FIELD_CLIENT },
    { "subject", SPR_FIELD_SUBJECT },
    { "state", SPR_FIELD_STATE },
    { "error", SPR_FIELD_ERROR },
    { "local-user", SPR_FIELD_LOCAL_USER },
};
#define FIELD_COUNT (sizeof(FIELDS) / sizeof(FIELDS[0]))

static int find_field(const char *name, enum spr_field *ret_field)
{
    const char *names[FIELD_COUNT];
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        names[i] = FIELDS[i].name;
        if (strcmp(name, FIELDS[i].name) == 0) {
            *ret_field = FIELDS[i].field;
            return 0;
        }
    }
    const char *nearest = spr_nearest(spr_text_string(name), names, FIELD_COUNT);
    char hint[80] = "spoolray top --help lists them";
    if (nearest != NULL) {
        (void)snprintf(hint, sizeof(hint), "did you mean %s?", nearest);
    }
    return spr_error_say(SPR_EXIT_USAGE, name, "no such field", hint);
}

static struct spr_text shown_value(enum spr_field field, struct spr_text value)
{
    if (value.bytes == NULL) {
        return spr_text_string("(none)");
    }
    const bool is_null_sender = value.length == 0 && field == SPR_FIELD_SENDER;
    return is_null_sender ? spr_text_string("<>") : value;
}

static void print_row(const struct spr_cli *cli, struct spr_out *out, enum spr_field field,
                      const struct spr_top_row *row, uint64_t most)
{
    char a[SPR_SHORT_MAX];
    char b[SPR_SHORT_MAX];
    char c[SPR_SHORT_MAX];
    char line[4 * SPR_SHORT_MAX];
    (void)snprintf(line, sizeof(line), "%11s %12s %9s  ", spr_text_count(row->messages, a),
                   spr_text_count(row->recipients, b), spr_text_size(row->bytes, c));
    spr_out_string(out, line);
    (void)snprintf(line, sizeof(line), "%-16s  %-16s  ", spr_text_minute(row->first, a),
                   spr_text_minute(row->last, b));
    spr_out_string(out, line);
    if (cli->out_is_terminal && cli->columns > 110 && most > 0) {
        const size_t width = (size_t)(row->messages * BAR_WIDTH / most);
        for (size_t i = 0; i < width; i++) {
            spr_out_char(out, '#');
        }
        spr_out_spaces(out, BAR_WIDTH + 1 - width);
    }
    spr_escape_text(out, shown_value(field, row->value));
    spr_out_char(out, '\n');
}

static void write_json(const struct spr_session *session, struct spr_out *out, const char *name,
                       const struct spr_top_row *row)
{
    struct spr_json json;
    spr_json_begin(&json, out, "spoolray.top/1");
    spr_json_string(&json, "spool", session->site->root);
    spr_json_string(&json, "field", name);
    spr_json_text(&json, "value", row->value);
    spr_json_number(&json, "messages", row->messages);
    spr_json_number(&json, "recipients", row->recipients);
    spr_json_number(&json, "bytes", row->bytes);
    spr_json_known(&json, "first", row->first);
    spr_json_known(&json, "last", row->last);
    spr_json_end(&json);
}

static void write_csv(struct spr_out *out, const struct spr_top_row *row)
{
    const uint64_t numbers[] = { row->messages, row->recipients, row->bytes };
    const int64_t times[] = { row->first, row->last };
    char text[SPR_SHORT_MAX];
    spr_csv_text(out, row->value);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        spr_out_char(out, ',');
        spr_out_number(out, (int64_t)numbers[i]);
    }
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        spr_out_char(out, ',');
        spr_out_string(out, times[i] == SPR_TIME_UNKNOWN ? "" : spr_text_stamp(times[i], text));
    }
    spr_out_string(out, "\r\n");
}

static void print_head(const struct spr_cli *cli, struct spr_out *out, bool csv)
{
    const char *name = cli->args->words[0];
    char line[160];
    if (csv) {
        (void)snprintf(line, sizeof(line), "%s,messages,recipients,bytes,first,last\r\n", name);
    } else {
        (void)snprintf(line, sizeof(line), "%11s %12s %9s  %-16s  %-16s  %s\n", "messages",
                       "recipients", "size", "first", "last", name);
    }
    spr_out_string(out, line);
}

/* All rows up to the limit. */
static void print_table(const struct spr_session *session, enum spr_field field,
                        struct spr_top *top, bool *ret_any)
{
    const struct spr_cli *cli = session->cli;
    const bool csv = spr_args_on(cli->args, SPR_OPT_CSV);
    uint64_t limit =
        spr_args_number(cli->args, SPR_OPT_LIMIT,
                        cli->out_is_terminal && !csv && !cli->json ? ROWS_ON_TERMINAL : 0);
    uint64_t rows = 0;
    uint64_t most = 0;
    struct spr_top_row row;
    struct spr_out out;
    bool more;
    spr_out_begin(&out, stdout);
    while ((more = spr_top_next(top, &row) == 1) && (limit == 0 || rows < limit)) {
        most = rows == 0 ? row.messages : most;
        if (rows == 0 && !cli->json) {
            print_head(cli, &out, csv);
        }
        if (cli->json) {
            write_json(session, &out, cli->args->words[0], &row);
        } else if (csv) {
            write_csv(&out, &row);
        } else {
            print_row(cli, &out, field, &row, most);
        }
        rows++;
    }
    spr_out_end(&out);
    if (more && cli->out_is_terminal && !cli->json && !csv) {
        (void)printf("the first %llu rows; --limit 0 shows all\n", (unsigned long long)rows);
    }
    *ret_any = *ret_any || rows > 0;
}

static int rank_spool(const struct spr_cli *cli, const struct spr_site *site, enum spr_field field,
                      const struct spr_query *query, bool *ret_any)
{
    struct spr_session session;
    struct spr_fault fault = { .code = 0 };
    struct spr_top *top;
    const uint32_t needs = (query != NULL ? spr_query_needs(query) : 0) |
                           (field == SPR_FIELD_SUBJECT ? SPR_SCAN_SUBJECTS : 0u) |
                           (field == SPR_FIELD_ERROR ? SPR_SCAN_ERRORS : 0u);
    int r = spr_session_open(&session, cli, site, SPR_REFRESH_STALE, needs);
    if (r != 0) {
        return r;
    }
    r = spr_top(session.index, query, field, &top, &fault);
    if (r < 0) {
        (void)spr_session_error(&session, r, &fault);
    } else {
        print_table(&session, field, top, ret_any);
        spr_top_free(top);
    }
    spr_session_close(&session);
    return r;
}

int spr_cmd_top(struct spr_cli *cli)
{
    struct spr_sites sites = { .count = 0 };
    struct spr_query *query = NULL;
    char *text = NULL;
    enum spr_field field = SPR_FIELD_ACCOUNT;
    bool any = false;
    int r = find_field(cli->args->words[0], &field);
    if (r == 0) {
        r = spr_selection_compile(cli, 1, &text, &query);
    }
    if (r == 0) {
        r = spr_sites_find(cli, NULL, 0, &sites);
    }
    for (unsigned i = 0; r == 0 && i < sites.count; i++) {
        if (sites.count > 1 && !cli->json && !spr_args_on(cli->args, SPR_OPT_CSV)) {
            spr_escape_string(stdout, sites.site[i].root);
            (void)fputs(":\n", stdout);
        }
        r = rank_spool(cli, &sites.site[i], field, query, &any);
    }
    if (r == 0 && !any && !cli->json && !spr_args_on(cli->args, SPR_OPT_CSV)) {
        spr_note(cli, text[0] != '\0' ? text : NULL, "nothing matched");
    }
    spr_sites_free(&sites);
    spr_query_free(query);
    free(text);
    return r != 0 ? r : any ? SPR_EXIT_DONE : SPR_EXIT_NOTHING;
}
