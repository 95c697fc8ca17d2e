/*
 * spoolray scan: build or refresh the index of each spool, and report what was read and what was
 * not.
 */
#include "tools/cli.h"
#include "tools/errors.h"
#include "tools/escape.h"
#include "tools/print_json.h"
#include "tools/print_text.h"
#include "tools/session.h"

#include <strings.h>

#define REJECTS_SHOWN 10

static void print_rejects(const struct spr_scan_report *scan)
{
    char count[SPR_SHORT_MAX];
    for (unsigned i = 0; i < SPR_REJECT_CLASSES_MAX && scan->classes[i].name != NULL; i++) {
        (void)printf("  %9s  %s\n", spr_text_count(scan->classes[i].count, count),
                     scan->classes[i].name);
    }
    const uint32_t shown = scan->first_count < REJECTS_SHOWN ? scan->first_count : REJECTS_SHOWN;
    for (uint32_t i = 0; i < shown; i++) {
        const struct spr_reject *reject = &scan->first[i];
        (void)fputs("  ", stdout);
        spr_escape_string(stdout, reject->path);
        (void)printf(": %s", reject->class_name);
        if (reject->reason != NULL) {
            (void)printf(": %s at offset %llu", reject->reason, (unsigned long long)reject->offset);
        }
        const char *error = reject->code != 0 ? spr_strerror(reject->code) : reject->class_name;
        const bool is_news = strcasecmp(error, reject->class_name) != 0;
        (void)printf("%s%s\n", is_news ? ": " : "", is_news ? error : "");
    }
    if (scan->rejects > shown) {
        (void)printf("  and %s more\n", spr_text_count(scan->rejects - shown, count));
    }
}

/* The site was detected before the scan, which was told the format. */
static const char *format_reason(const struct spr_session *session)
{
    return session->site->reason != NULL ? session->site->reason : session->scan->format_reason;
}

static void print_report(const struct spr_session *session)
{
    const struct spr_scan_report *scan = session->scan;
    char a[SPR_SHORT_MAX];
    char b[SPR_SHORT_MAX];
    char c[SPR_SHORT_MAX];
    const double seconds = (double)scan->wall_ns / 1e9;
    spr_escape_string(stdout, session->site->root);
    (void)printf(": %s (%s)\n", scan->format, format_reason(session));
    (void)printf("  %s with %s recipients in %.2f s\n", spr_text_messages(scan->messages, a),
                 spr_text_count(scan->recipients, b), seconds);
    (void)printf("  read %s (%s), unchanged %s", spr_text_count(scan->read, a),
                 spr_text_size(scan->bytes_read, b), spr_text_count(scan->carried_over, c));
    (void)printf(", gone %s, arriving %s\n", spr_text_count(scan->dropped, a),
                 spr_text_count(scan->arriving, b));
    (void)printf("  engine %s: %s", scan->engine, scan->engine_reason);
    if (scan->ring_reads > 0) {
        (void)printf("; %s cold reads through the ring", spr_text_count(scan->ring_reads, a));
    }
    (void)fputs(scan->is_gentle ? "; gave way to other work\n" : "\n", stdout);
    (void)fputs("  index ", stdout);
    spr_escape_string(stdout, session->index_dir);
    (void)printf(", %s\n", spr_text_size(session->report.bytes_on_disk, a));
    if (scan->rejects > 0) {
        (void)printf("  not indexed: %s\n", spr_text_count(scan->rejects, a));
        print_rejects(scan);
    }
}

static void write_report(const struct spr_session *session)
{
    const struct spr_scan_report *scan = session->scan;
    struct spr_out out;
    struct spr_json json;
    spr_out_begin(&out, stdout);
    spr_json_begin(&json, &out, "spoolray.scan/1");
    spr_json_string(&json, "spool", session->site->root);
    spr_json_string(&json, "format", scan->format);
    spr_json_string(&json, "format_reason", format_reason(session));
    spr_json_string(&json, "index", session->index_dir);
    spr_json_number(&json, "messages", scan->messages);
    spr_json_number(&json, "recipients", scan->recipients);
    spr_json_number(&json, "entries", scan->entries);
    spr_json_number(&json, "read", scan->read);
    spr_json_number(&json, "carried_over", scan->carried_over);
    spr_json_number(&json, "dropped", scan->dropped);
    spr_json_number(&json, "arriving", scan->arriving);
    spr_json_number(&json, "bytes_read", scan->bytes_read);
    spr_json_number(&json, "index_bytes", session->report.bytes_on_disk);
    spr_json_string(&json, "engine", scan->engine);
    spr_json_string(&json, "engine_reason", scan->engine_reason);
    spr_json_number(&json, "ring_reads", scan->ring_reads);
    spr_json_bool(&json, "gentle", scan->is_gentle);
    spr_json_real(&json, "seconds", (double)scan->wall_ns / 1e9);
    spr_json_number(&json, "rejects", scan->rejects);
    spr_json_list(&json, "reject_classes");
    for (unsigned i = 0; i < SPR_REJECT_CLASSES_MAX && scan->classes[i].name != NULL; i++) {
        spr_json_item(&json);
        spr_json_string(&json, "name", scan->classes[i].name);
        spr_json_number(&json, "count", scan->classes[i].count);
        spr_json_close(&json);
    }
    spr_json_close(&json);
    spr_json_list(&json, "first_rejects");
    for (uint32_t i = 0; i < scan->first_count; i++) {
        const struct spr_reject *reject = &scan->first[i];
        spr_json_item(&json);
        spr_json_string(&json, "path", reject->path);
        spr_json_string(&json, "class", reject->class_name);
        spr_json_string(&json, "reason", reject->reason);
        spr_json_number(&json, "offset", reject->offset);
        spr_json_string(&json, "error", reject->code != 0 ? spr_strerror(reject->code) : NULL);
        spr_json_close(&json);
    }
    spr_json_close(&json);
    spr_json_end(&json);
    spr_out_end(&out);
}

int spr_cmd_scan(struct spr_cli *cli)
{
    struct spr_sites sites = { .count = 0 };
    bool complete = true;
    int r = spr_sites_find(cli, cli->args->words, cli->args->word_count, &sites);
    for (unsigned i = 0; r == 0 && i < sites.count; i++) {
        struct spr_session session;
        r = spr_session_open(&session, cli, &sites.site[i], SPR_REFRESH_ALWAYS, 0);
        if (r != 0) {
            break;
        }
        if (cli->json) {
            write_report(&session);
        } else if (!cli->quiet) {
            print_report(&session);
        }
        complete = complete && spr_session_complete(&session);
        spr_session_close(&session);
    }
    spr_sites_free(&sites);
    return r == 0 && !complete ? SPR_EXIT_PARTIAL : r;
}
