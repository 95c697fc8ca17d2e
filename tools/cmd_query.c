/*
 * spoolray query EXPR: matching messages, as a table, CSV, JSON Lines, NUL-separated values, ids
 * for the server's own tool, a count, or the plan of the answer.
 */
#include "tools/cli.h"
#include "tools/columns.h"
#include "tools/errors.h"
#include "tools/escape.h"
#include "tools/nearest.h"
#include "tools/print_text.h"
#include "tools/selection.h"
#include "tools/session.h"

#include <stdlib.h>
#include <string.h>

#define ROWS_ON_TERMINAL 50
#define ROWS_MEASURED    1000

enum output { OUTPUT_TABLE, OUTPUT_CSV, OUTPUT_JSON, OUTPUT_RAW, OUTPUT_EMIT };

/* What was asked for, read once from the options. */
struct wish {
    enum output output;
    bool count, explain;
    uint64_t limit; /* 0: none */
    enum spr_sort sort;
    bool descending;
    struct spr_columns columns;
    bool columns_given;
    enum spr_row_style style;
    unsigned widths[SPR_COLUMNS_MAX];
};

static int read_sort(const char *text, struct wish *wish)
{
    static const char *const names[] = { "none", "arrival", "size", "sender", "id", "recipients" };
    static const enum spr_sort sorts[] = { SPR_SORT_NONE,   SPR_SORT_ARRIVAL, SPR_SORT_SIZE,
                                           SPR_SORT_SENDER, SPR_SORT_ID,      SPR_SORT_RECIPIENTS };
    const size_t count = sizeof(names) / sizeof(names[0]);
    if (text == NULL) {
        return 0;
    }
    wish->descending = text[0] == '-';
    const char *name = text + (wish->descending ? 1 : 0);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(name, names[i]) == 0) {
            wish->sort = sorts[i];
            return 0;
        }
    }
    const char *nearest = spr_nearest(spr_text_string(name), names, count);
    char hint[80] = "arrival, size, sender, id or recipients";
    if (nearest != NULL) {
        (void)snprintf(hint, sizeof(hint), "did you mean %s?", nearest);
    }
    return spr_error_say(SPR_EXIT_USAGE, name, "cannot sort by that", hint);
}

static int read_wish(const struct spr_cli *cli, struct wish *ret_wish)
{
    const struct spr_args *args = cli->args;
    const char *fields = spr_args_text(args, SPR_OPT_FIELDS);
    struct wish wish = { .output = OUTPUT_TABLE };
    const unsigned kinds = (unsigned)cli->json + (unsigned)spr_args_on(args, SPR_OPT_CSV) +
                           (unsigned)spr_args_on(args, SPR_OPT_NUL) +
                           (unsigned)spr_args_on(args, SPR_OPT_EMIT);
    if (kinds > 1) {
        return spr_error_say(SPR_EXIT_USAGE, NULL,
                             "--json, --csv, -0 and --emit exclude each other", NULL);
    }
    wish.output = cli->json                         ? OUTPUT_JSON
                  : spr_args_on(args, SPR_OPT_CSV)  ? OUTPUT_CSV
                  : spr_args_on(args, SPR_OPT_NUL)  ? OUTPUT_RAW
                  : spr_args_on(args, SPR_OPT_EMIT) ? OUTPUT_EMIT
                                                    : OUTPUT_TABLE;
    if (wish.output == OUTPUT_RAW && cli->out_is_terminal) {
        return spr_error_say(SPR_EXIT_USAGE, "-0", "raw output is not for a terminal",
                             "pipe it: ... -0 | xargs -0 ...");
    }
    wish.count = spr_args_on(args, SPR_OPT_COUNT);
    wish.explain = spr_args_on(args, SPR_OPT_EXPLAIN);
    wish.columns_given = fields != NULL;
    wish.style = cli->out_is_terminal ? SPR_ROW_CUT
                 : fields != NULL     ? SPR_ROW_WHOLE
                                      : SPR_ROW_SHORT;
    wish.limit =
        spr_args_number(args, SPR_OPT_LIMIT,
                        wish.output == OUTPUT_TABLE && cli->out_is_terminal ? ROWS_ON_TERMINAL : 0);
    int r = read_sort(spr_args_text(args, SPR_OPT_SORT), &wish);
    if (r == 0) {
        r = spr_columns_choose(fields == NULL && wish.output == OUTPUT_RAW ? "queue_id" : fields,
                               &wish.columns);
    }
    if (r != 0) {
        return r;
    }
    spr_columns_widths(&wish.columns, cli->columns, wish.widths);
    *ret_wish = wish;
    return 0;
}

/* --emit names the server's own tool: it must be the one of this spool. */
static int check_emit(const struct spr_cli *cli, const char *format)
{
    const char *tool = spr_args_text(cli->args, SPR_OPT_EMIT);
    struct spr_format_report report;
    for (unsigned i = 0; spr_format_describe(i, &report); i++) {
        if (strcmp(report.name, format) != 0) {
            continue;
        }
        char hint[160];
        if (report.emit == NULL) {
            return spr_error_say(SPR_EXIT_USAGE, tool, "this server has no tool that reads ids",
                                 NULL);
        }
        if (strcmp(tool, report.emit) != 0) {
            (void)snprintf(hint, sizeof(hint), "this spool is %s: --emit %s", format, report.emit);
            return spr_error_say(SPR_EXIT_USAGE, tool, "not this server's tool", hint);
        }
        (void)snprintf(hint, sizeof(hint),
                       "for '%s'; the server may use an id again for other mail: hand them over at "
                       "once, or use spoolray delete, which checks each message",
                       report.emit_how != NULL ? report.emit_how : report.emit);
        spr_note(cli, NULL, hint);
        return 0;
    }
    return spr_error_say(SPR_EXIT_USAGE, format, "no such format", NULL);
}

/* What each message must tell. */
static void want_members(const struct wish *wish, struct spr_result *result)
{
    if (wish->output == OUTPUT_EMIT) {
        spr_result_want(result, SPR_MEMBER_QUEUE_ID);
    } else if (wish->output != OUTPUT_JSON || wish->columns_given) {
        spr_result_want(result, spr_columns_members(&wish->columns));
    }
}

/* Looks at the rows that a terminal will show first, and makes the columns fit it. */
static int fit_terminal(const struct spr_session *session, const struct spr_query *query,
                        struct wish *wish)
{
    struct spr_message message;
    struct spr_fault fault = { .code = 0 };
    struct spr_result *result;
    const struct spr_row row = { &message, session->site->root, session->report.format,
                                 session->report.host };
    int r = spr_result_open(session->index, query, wish->sort, wish->descending, &result, &fault);
    if (r < 0) {
        return spr_session_error(session, r, &fault);
    }
    want_members(wish, result);
    memset(wish->widths, 0, sizeof(wish->widths));
    for (unsigned rows = 0; rows < ROWS_MEASURED && (wish->limit == 0 || rows < wish->limit) &&
                            (r = spr_result_next(result, &message, &fault)) == 1;
         rows++) {
        spr_columns_measure(&wish->columns, &row, wish->widths);
    }
    spr_columns_fit(&wish->columns, !wish->columns_given, session->cli->columns, wish->widths);
    spr_result_close(result);
    return r < 0 ? spr_session_error(session, r, &fault) : 0;
}

static void print_head(struct spr_out *out, const struct wish *wish)
{
    if (wish->output == OUTPUT_TABLE) {
        spr_columns_titles(out, &wish->columns, wish->widths);
    } else if (wish->output == OUTPUT_CSV) {
        spr_columns_csv_names(out, &wish->columns);
    }
}

static void print_message(struct spr_out *out, const struct wish *wish, const struct spr_row *row)
{
    switch (wish->output) {
    case OUTPUT_TABLE:
        spr_columns_row(out, &wish->columns, wish->widths, row, wish->style);
        return;
    case OUTPUT_CSV:
        spr_columns_csv(out, &wish->columns, row);
        return;
    case OUTPUT_JSON:
        spr_columns_json(out, wish->columns_given ? &wish->columns : NULL, row);
        return;
    case OUTPUT_RAW:
        spr_columns_raw(out, &wish->columns, row);
        return;
    case OUTPUT_EMIT:
        spr_escape_text(out, row->message->queue_id);
        spr_out_char(out, '\n');
        return;
    }
}

static int print_messages(const struct spr_session *session, const struct wish *wish,
                          struct spr_result *result)
{
    struct spr_message message;
    struct spr_fault fault = { .code = 0 };
    const struct spr_row row = { &message, session->site->root, session->report.format,
                                 session->report.host };
    const uint64_t total = spr_result_count(result);
    uint64_t rows = 0;
    struct spr_out out;
    int r = 0;
    want_members(wish, result);
    spr_out_begin(&out, stdout);
    if (total > 0) {
        print_head(&out, wish);
    }
    while ((wish->limit == 0 || rows < wish->limit) && !ferror(stdout) &&
           (r = spr_result_next(result, &message, &fault)) == 1) {
        print_message(&out, wish, &row);
        rows++;
    }
    spr_out_end(&out);
    if (r < 0) {
        return spr_session_error(session, r, &fault);
    }
    if (wish->output == OUTPUT_TABLE && session->cli->out_is_terminal && total > 0) {
        char shown[SPR_SHORT_MAX];
        char all[SPR_SHORT_MAX];
        (void)printf("%s of %s%s\n", spr_text_count(rows, shown), spr_text_messages(total, all),
                     rows < total ? " (--limit 0 shows all)" : "");
    }
    return 0;
}

static int answer(const struct spr_session *session, const struct wish *wish,
                  const struct spr_query *query, uint64_t *matched)
{
    struct spr_fault fault = { .code = 0 };
    struct spr_result *result;
    struct wish fitted = *wish;
    const bool table = wish->output == OUTPUT_TABLE && !wish->count && !wish->explain;
    int r = table && session->cli->out_is_terminal ? fit_terminal(session, query, &fitted) : 0;
    if (r != 0) {
        return r;
    }
    r = spr_result_open(session->index, query, wish->sort, wish->descending, &result, &fault);
    if (r < 0) {
        return spr_session_error(session, r, &fault);
    }
    *matched += spr_result_count(result);
    if (wish->explain) {
        (void)fputs(spr_result_explain(result), stdout);
    } else if (!wish->count) {
        r = print_messages(session, &fitted, result);
    }
    spr_result_close(result);
    return r;
}

static int query_spool(const struct spr_cli *cli, const struct spr_site *site,
                       const struct wish *wish, const struct spr_query *query, uint64_t *matched)
{
    struct spr_session session;
    int r = spr_session_open(&session, cli, site, SPR_REFRESH_STALE, spr_query_needs(query));
    if (r != 0) {
        return r;
    }
    if (wish->output == OUTPUT_EMIT) {
        r = check_emit(cli, session.report.format);
    }
    if (r == 0) {
        r = answer(&session, wish, query, matched);
    }
    spr_session_close(&session);
    return r;
}

int spr_cmd_query(struct spr_cli *cli)
{
    struct spr_sites sites = { .count = 0 };
    struct spr_query *query = NULL;
    char *text = NULL;
    struct wish wish;
    uint64_t matched = 0;
    const char *fields = spr_args_text(cli->args, SPR_OPT_FIELDS);
    if (fields != NULL && strcmp(fields, "help") == 0) {
        spr_columns_list(stdout);
        return SPR_EXIT_DONE;
    }
    int r = read_wish(cli, &wish);
    if (r == 0) {
        r = spr_selection_compile(cli, 0, &text, &query);
    }
    if (r == 0) {
        r = spr_sites_find(cli, NULL, 0, &sites);
    }
    for (unsigned i = 0; r == 0 && i < sites.count; i++) {
        if (sites.count > 1 && wish.output == OUTPUT_TABLE && !wish.count) {
            spr_escape_string(stdout, sites.site[i].root);
            (void)fputs(":\n", stdout);
        }
        r = query_spool(cli, &sites.site[i], &wish, query, &matched);
    }
    if (r == 0 && wish.count && !wish.explain) {
        (void)printf("%llu\n", (unsigned long long)matched);
    }
    if (r == 0 && matched == 0 && wish.output == OUTPUT_TABLE && !wish.count && !wish.explain) {
        spr_note(cli, text[0] != '\0' ? text : NULL,
                 "nothing matched (words are whole addresses: *bob* looks within)");
    }
    spr_sites_free(&sites);
    spr_query_free(query);
    free(text);
    return r != 0 ? r : matched > 0 || wish.explain ? SPR_EXIT_DONE : SPR_EXIT_NOTHING;
}
