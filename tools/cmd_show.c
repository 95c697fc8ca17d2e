/*
 * spoolray show ID: one message with its envelope, each recipient's state and error, and its
 * headers; the body only with --body.
 */
#include "tools/cli.h"
#include "tools/columns.h"
#include "tools/errors.h"
#include "tools/escape.h"
#include "tools/print_text.h"
#include "tools/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RECIPIENTS_SHOWN 50

/* Content arrives in pieces; lines are escaped, their ends kept. */
struct content {
    FILE *out;
    bool line_open; /* something was printed since the last line end */
};

static int print_content(struct spr_text bytes, void *user)
{
    struct content *content = user;
    size_t from = 0;
    for (size_t i = 0; i < bytes.length; i++) {
        if (bytes.bytes[i] != '\n') {
            continue;
        }
        size_t end = i;
        if (end > from && bytes.bytes[end - 1] == '\r') {
            end--;
        }
        spr_escape_write(content->out, (struct spr_text){ bytes.bytes + from, end - from });
        (void)fputc('\n', content->out);
        content->line_open = false;
        from = i + 1;
    }
    if (from < bytes.length) {
        spr_escape_write(content->out,
                         (struct spr_text){ bytes.bytes + from, bytes.length - from });
        content->line_open = true;
    }
    return 0;
}

static int collect_content(struct spr_text bytes, void *user)
{
    return fwrite(bytes.bytes, 1, bytes.length, user) == bytes.length ? 0 : -ENOMEM;
}

static void print_text_line(const char *label, struct spr_text text)
{
    if (text.bytes == NULL) {
        return;
    }
    (void)printf("%-10s ", label);
    spr_escape_write(stdout, text.length == 0 ? spr_text_string("<>") : text);
    (void)fputc('\n', stdout);
}

static void print_account(const struct spr_message *message)
{
    if (message->auth_account.bytes == NULL) {
        return;
    }
    (void)printf("%-10s ", "account");
    spr_escape_write(stdout, message->auth_account);
    (void)printf(" (known by %s", spr_auth_source_name(message->auth_source));
    if (message->auth_method.length > 0) {
        (void)fputs(", ", stdout);
        spr_escape_write(stdout, message->auth_method);
    }
    (void)printf("%s)\n", message->auth_source == SPR_AUTH_HEADER ? "; a sender can forge it" : "");
}

static void print_recipients(const struct spr_message *message)
{
    for (uint32_t i = 0; i < message->recipient_count && i < RECIPIENTS_SHOWN; i++) {
        const struct spr_recipient *recipient = &message->recipients[i];
        (void)printf("%-10s ", i == 0 ? "to" : "");
        spr_escape_write(stdout, recipient->address);
        (void)printf(" (%s", spr_recipient_state_name(recipient->state));
        if (recipient->original.length > 0) {
            (void)fputs(", was ", stdout);
            spr_escape_write(stdout, recipient->original);
        }
        if (recipient->error.length > 0) {
            (void)fputs(": ", stdout);
            spr_escape_write(stdout, recipient->error);
        }
        (void)fputs(")\n", stdout);
    }
    if (message->recipient_count > RECIPIENTS_SHOWN) {
        (void)printf("%-10s and %u more (--json lists all)\n", "",
                     message->recipient_count - RECIPIENTS_SHOWN);
    }
}

static void print_error(struct spr_text address, struct spr_text error, void *user)
{
    bool *first = user;
    (void)printf("%-10s ", *first ? "errors" : "");
    spr_escape_write(stdout, address);
    (void)fputs(": ", stdout);
    spr_escape_write(stdout, error);
    (void)fputc('\n', stdout);
    *first = false;
}

static void print_envelope(const struct spr_session *session, const struct spr_message *message)
{
    char text[SPR_SHORT_MAX];
    print_text_line("id", message->queue_id);
    (void)printf("%-10s ", "file");
    spr_escape_string(stdout, session->site->root);
    (void)fputc('/', stdout);
    spr_escape_write(stdout, message->path);
    (void)fputc('\n', stdout);
    (void)printf("%-10s ", "state");
    spr_escape_write(stdout, message->queue_name);
    (void)printf(" (%s)\n", spr_state_name(message->state));
    print_text_line("sender", message->sender);
    print_account(message);
    print_text_line("user", message->local_user);
    print_text_line("client", message->client_address);
    print_text_line("helo", message->helo);
    (void)printf("%-10s %s\n", "arrived", spr_text_second(message->arrival_time, text));
    if (message->next_retry != SPR_TIME_UNKNOWN) {
        (void)printf("%-10s %s\n", "retry at", spr_text_second(message->next_retry, text));
    }
    if (message->attempts != SPR_COUNT_UNKNOWN) {
        (void)printf("%-10s %lld\n", "attempts", (long long)message->attempts);
    }
    if (message->message_size != SPR_COUNT_UNKNOWN) {
        (void)printf("%-10s %lld bytes\n", "size", (long long)message->message_size);
    }
    print_recipients(message);
    print_text_line("error", message->last_error);
}

static int show_text(const struct spr_session *session, const struct spr_message *message)
{
    struct spr_fault fault = { .code = 0 };
    struct content content = { .out = stdout };
    bool first = true;
    print_envelope(session, message);
    if (!session->report.has_errors) {
        const int r = spr_message_errors(session->index, message, print_error, &first, &fault);
        if (r < 0 && r != SPR_E_UNABLE) {
            (void)spr_error_fault(r, &fault, "the rest of the envelope is shown");
        }
    }
    (void)fputc('\n', stdout);
    const int r =
        spr_message_content(session->index, message, spr_args_on(session->cli->args, SPR_OPT_BODY),
                            print_content, &content, &fault);
    if (content.line_open) {
        (void)fputc('\n', stdout);
    }
    return r < 0 ? spr_error_fault(r, &fault, "the envelope is from the index") : 0;
}

/* The whole content as one text of the object. */
static int add_content(const struct spr_session *session, const struct spr_message *message,
                       struct spr_json *json)
{
    const bool body = spr_args_on(session->cli->args, SPR_OPT_BODY);
    struct spr_fault fault = { .code = 0 };
    char *bytes = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&bytes, &size);
    if (stream == NULL) {
        return spr_error_fault(-ENOMEM, NULL, NULL);
    }
    int r = spr_message_content(session->index, message, body, collect_content, stream, &fault);
    if (fclose(stream) != 0 && r == 0) {
        r = -ENOMEM;
    }
    if (r < 0) {
        (void)spr_error_fault(r, &fault, NULL);
    } else {
        spr_json_text(json, body ? "content" : "headers",
                      (struct spr_text){ (const uint8_t *)bytes, size });
    }
    free(bytes);
    return r < 0 ? r : 0;
}

static int show_json(const struct spr_session *session, const struct spr_message *message)
{
    const struct spr_row row = { message, session->site->root, session->report.format,
                                 session->report.host };
    struct spr_out out;
    struct spr_json json;
    spr_out_begin(&out, stdout);
    spr_json_begin(&json, &out, "spoolray.message/1");
    spr_columns_add(&json, NULL, &row);
    const int r = add_content(session, message, &json);
    spr_json_end(&json);
    spr_out_end(&out);
    return r;
}

/* Every message with that id; servers use ids again, so there may be more than one. */
static int show_all(const struct spr_session *session, const struct spr_query *query, bool *ret_any)
{
    struct spr_fault fault = { .code = 0 };
    struct spr_result *result;
    struct spr_message message;
    int r = spr_result_open(session->index, query, SPR_SORT_NONE, false, &result, &fault);
    if (r < 0) {
        return spr_session_error(session, r, &fault);
    }
    while ((r = spr_result_next(result, &message, &fault)) == 1) {
        if (*ret_any && !session->cli->json) {
            (void)fputs("\n----\n\n", stdout);
        }
        *ret_any = true;
        r = session->cli->json ? show_json(session, &message) : show_text(session, &message);
        if (r != 0) {
            spr_result_close(result);
            return r;
        }
    }
    spr_result_close(result);
    return r < 0 ? spr_session_error(session, r, &fault) : 0;
}

static int compile_id(const char *id, struct spr_query **ret_query)
{
    struct spr_fault fault = { .code = 0 };
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    if (stream == NULL) {
        return spr_error_fault(-ENOMEM, NULL, NULL);
    }
    (void)fputs("id:\"", stream);
    for (const char *c = id; *c != '\0'; c++) {
        (void)fprintf(stream, "%s%c", *c == '"' || *c == '\\' ? "\\" : "", *c);
    }
    (void)fputc('"', stream);
    int r = fclose(stream) != 0 ? -ENOMEM : 0;
    if (r == 0) {
        r = spr_query_compile(text, 0, ret_query, &fault);
    }
    if (r < 0) {
        (void)spr_error_query(r, &fault, text);
    }
    free(text);
    return r;
}

int spr_cmd_show(struct spr_cli *cli)
{
    struct spr_sites sites = { .count = 0 };
    struct spr_query *query = NULL;
    bool any = false;
    int r = compile_id(cli->args->words[0], &query);
    if (r == 0) {
        r = spr_sites_find(cli, NULL, 0, &sites);
    }
    for (unsigned i = 0; r == 0 && i < sites.count; i++) {
        struct spr_session session;
        r = spr_session_open(&session, cli, &sites.site[i], SPR_REFRESH_STALE, 0);
        if (r == 0) {
            r = show_all(&session, query, &any);
            spr_session_close(&session);
        }
    }
    if (r == 0 && !any) {
        r = spr_error_say(SPR_EXIT_NOTHING, cli->args->words[0], "no message with that id",
                          "it may have been delivered since");
    }
    spr_sites_free(&sites);
    spr_query_free(query);
    return r;
}
