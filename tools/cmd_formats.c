/*
 * spoolray formats: the mail servers that are known, what may be done to each, and the hints.
 */
#include "tools/cli.h"
#include "tools/print_json.h"
#include "tools/print_text.h"
#include "tools/session.h"

#include <string.h>

static void print_actions(const char *label, uint32_t actions)
{
    (void)printf("  %-13s", label);
    bool any = false;
    for (unsigned action = SPR_DELETE; action <= SPR_COPY; action++) {
        if ((actions & 1u << action) != 0) {
            (void)printf(" %s", spr_action_name((enum spr_action)action));
            any = true;
        }
    }
    (void)printf("%s\n", any ? "" : " nothing");
}

static void print_hint(const char *label, const char *hint)
{
    if (hint != NULL) {
        (void)printf("  %-13s %s\n", label, hint);
    }
}

static void print_format(const struct spr_format_report *report)
{
    (void)printf("%s: %s\n", report->name, report->title);
    print_actions("live", report->actions_live);
    print_actions("stopped", report->actions_stopped);
    print_hint("how, live", report->live);
    print_hint("stop it", report->stop);
    print_hint("lock account", report->lock_account);
    if (report->emit != NULL) {
        (void)printf("  %-13s query EXPR --emit %s%s%s\n", "ids", report->emit,
                     report->emit_how != NULL ? " | " : "",
                     report->emit_how != NULL ? report->emit_how : "");
    }
    print_hint("undo", report->undo_limits != NULL ? report->undo_limits : "to the letter");
}

static void add_actions(struct spr_json *json, const char *key, uint32_t actions)
{
    spr_json_list(json, key);
    for (unsigned action = SPR_DELETE; action <= SPR_COPY; action++) {
        if ((actions & 1u << action) != 0) {
            spr_json_string(json, NULL, spr_action_name((enum spr_action)action));
        }
    }
    spr_json_close(json);
}

static void write_format(const struct spr_format_report *report)
{
    struct spr_out out;
    struct spr_json json;
    spr_out_begin(&out, stdout);
    spr_json_begin(&json, &out, "spoolray.format/1");
    spr_json_string(&json, "name", report->name);
    spr_json_string(&json, "title", report->title);
    add_actions(&json, "actions_live", report->actions_live);
    add_actions(&json, "actions_stopped", report->actions_stopped);
    spr_json_string(&json, "live", report->live);
    spr_json_string(&json, "stop", report->stop);
    spr_json_string(&json, "lock_account", report->lock_account);
    spr_json_string(&json, "emit", report->emit);
    spr_json_string(&json, "emit_how", report->emit_how);
    spr_json_string(&json, "undo_limits", report->undo_limits);
    spr_json_end(&json);
    spr_out_end(&out);
}

int spr_cmd_formats(struct spr_cli *cli)
{
    struct spr_format_report report;
    const char *only = spr_args_text(cli->args, SPR_OPT_FORMAT);
    int r = spr_session_check_format(only);
    for (unsigned number = 0; r == 0 && spr_format_describe(number, &report); number++) {
        if (only != NULL && strcmp(only, report.name) != 0) {
            continue;
        }
        if (cli->json) {
            write_format(&report);
        } else {
            print_format(&report);
        }
    }
    return r;
}
