/*
 * Words of a verdict; the early verdict.
 */
#include "tools/verdict.h"

#include "tools/escape.h"
#include "tools/print_json.h"
#include "tools/print_text.h"

const struct spr_culprit_words *spr_culprit_words(enum spr_culprit culprit)
{
    static const struct spr_culprit_words words[] = {
        [SPR_CULPRIT_NONE] = { NULL, NULL, "none" },
        [SPR_CULPRIT_ACCOUNT] = { "account", "account", "account" },
        [SPR_CULPRIT_LOCAL_USER] = { "local user (a script or program on this machine)",
                                     "local-user", "local_user" },
        [SPR_CULPRIT_CLIENT] = { "client", "client", "client" },
    };
    return &words[culprit];
}

static void show_line(const struct spr_meter *meter, const struct spr_verdict_facts *facts)
{
    char share[SPR_SHORT_MAX];
    char count[SPR_SHORT_MAX];
    (void)fprintf(stderr, "%sso far: %s ", meter->shown ? "\r\033[K" : "",
                  spr_culprit_words(facts->culprit)->who);
    spr_escape_write(stderr, facts->name);
    (void)fprintf(stderr, " fills this queue: %s of the first %s (%u %% sure)\n",
                  spr_text_share(facts->messages, facts->total_messages, share),
                  spr_text_messages(facts->total_messages, count), facts->confidence);
    (void)fflush(stderr);
}

static void write_json(const struct spr_meter *meter, const struct spr_verdict_facts *facts)
{
    struct spr_out out;
    struct spr_json json;
    spr_out_begin(&out, stderr);
    spr_json_begin(&json, &out, "spoolray.early/1");
    spr_json_number(&json, "milliseconds", spr_meter_passed_ms(meter));
    spr_json_string(&json, "culprit", spr_culprit_words(facts->culprit)->json);
    spr_json_text(&json, "name", facts->name);
    spr_json_number(&json, "confidence", facts->confidence);
    spr_json_number(&json, "messages", facts->messages);
    spr_json_number(&json, "total_messages", facts->total_messages);
    spr_json_end(&json);
    spr_out_end(&out); /* the verdict itself follows */
}

void spr_verdict_early(struct spr_session *session)
{
    struct spr_index_report report;
    struct spr_verdict_report *verdict;
    if (session->early_told || session->report.scanned_at != 0 ||
        session->meter.kind == SPR_METER_NONE || spr_index_describe(session->index, &report) < 0 ||
        report.messages == 0 || spr_verdict(session->index, &verdict, NULL) < 0) {
        return;
    }
    session->early_messages = report.messages;
    const struct spr_verdict_facts *facts = spr_verdict_facts(verdict);
    if (facts->culprit != SPR_CULPRIT_NONE) {
        if (session->meter.kind == SPR_METER_JSON) {
            write_json(&session->meter, facts);
        } else {
            show_line(&session->meter, facts);
        }
        session->early_told = true;
    }
    spr_verdict_free(verdict);
}
