/*
 * The table of options, look-ups in it, and the lines of help made from it.
 */
#include "tools/options.h"

#include "tools/nearest.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define QUERYING (SPR_VERB_QUERY | SPR_VERB_TOP | SPR_VERB_PLAN | SPR_VERBS_CHANGE)
#define READING  (QUERYING | SPR_VERB_TRIAGE | SPR_VERB_SHOW)
#define APPLYING (SPR_VERB_APPLY | SPR_VERBS_CHANGE)
#define JOBBING  (SPR_VERB_UNDO | SPR_VERB_PURGE)

/* clang-format off: one row an option reads as a table */
static const struct spr_option OPTIONS[] = {
    { SPR_OPT_SPOOL, "spool", 's', SPR_OPTION_TEXT, SPR_VERBS_ALL, true, "PATH",
      "the spool, or a folder just above it; repeatable (else: detected)" },
    { SPR_OPT_FORMAT, "format", 0, SPR_OPTION_TEXT, SPR_VERBS_ALL, true, "F",
      "take it for this server's spool (see: spoolray formats)" },
    { SPR_OPT_INDEX, "index", 0, SPR_OPTION_TEXT, SPR_VERBS_ALL, true, "DIR",
      "where the index lies (else: the state directory)" },
    { SPR_OPT_JSON, "json", 0, SPR_OPTION_SWITCH, SPR_VERBS_ALL, true, NULL,
      "one JSON object a line, for programs" },
    { SPR_OPT_QUIET, "quiet", 'q', SPR_OPTION_SWITCH, SPR_VERBS_ALL, true, NULL,
      "only answers and errors" },
    { SPR_OPT_CONFIG, "config", 0, SPR_OPTION_TEXT, SPR_VERBS_ALL, false, "FILE",
      "read options from FILE instead of /etc/spoolray.conf" },
    { SPR_OPT_SERVER_STOPPED, "server-stopped", 0, SPR_OPTION_SWITCH, SPR_VERBS_ALL, false, NULL,
      "your word that the mail server is stopped" },
    { SPR_OPT_ENGINE, "engine", 0, SPR_OPTION_TEXT, SPR_VERBS_ALL, true, "auto|uring|threads",
      "how files are read" },
    { SPR_OPT_WORKERS, "workers", 0, SPR_OPTION_NUMBER, SPR_VERBS_ALL, true, "N",
      "threads at work (else: chosen by measured pace)" },
    { SPR_OPT_PROGRESS, "progress", 0, SPR_OPTION_TEXT, SPR_VERBS_ALL, true, "auto|json|none",
      "progress on stderr: on terminals, as JSON lines, or not" },
    { SPR_OPT_HELP, "help", 'h', SPR_OPTION_SWITCH, SPR_VERBS_ALL, false, NULL, "this page" },
    { SPR_OPT_VERSION, "version", 'V', SPR_OPTION_SWITCH, SPR_VERBS_ALL, false, NULL,
      "the same as the verb version" },
    { SPR_OPT_NO_REFRESH, "no-refresh", 0, SPR_OPTION_SWITCH, READING, true, NULL,
      "answer from the index as it is, and say how old that is" },
    { SPR_OPT_SUBJECTS, "subjects", 0, SPR_OPTION_SWITCH, SPR_VERB_SCAN | READING, true, NULL,
      "also index Subject, From and Message-ID" },
    { SPR_OPT_ERRORS, "errors", 0, SPR_OPTION_SWITCH, SPR_VERB_SCAN | READING, true, NULL,
      "also read last errors that lie in files of their own" },
    { SPR_OPT_FULL, "full", 0, SPR_OPTION_SWITCH, SPR_VERB_SCAN, false, NULL,
      "read everything again; a damaged index is set aside" },
    { SPR_OPT_QUICK, "quick", 0, SPR_OPTION_SWITCH, SPR_VERB_SCAN, true, NULL,
      "tell unchanged messages by name and inode alone" },
    { SPR_OPT_NICE, "nice", 0, SPR_OPTION_SWITCH, SPR_VERB_SCAN | READING, true, NULL,
      "give way to other work on this machine" },
    { SPR_OPT_SHARD, "shard", 0, SPR_OPTION_TEXT, SPR_VERB_SCAN, false, "R/N",
      "only part R of N (R from 0), for several hosts on one disk" },
    { SPR_OPT_COLD, "cold", 0, SPR_OPTION_SWITCH, SPR_VERB_BENCH, false, NULL,
      "also with caches dropped before each run; root, slows all others" },
    { SPR_OPT_CASE, "case", 0, SPR_OPTION_SWITCH, QUERYING, true, NULL,
      "local parts compare with upper and lower case" },
    { SPR_OPT_TRUST_HEADERS, "trust-headers", 0, SPR_OPTION_SWITCH, QUERYING, false, NULL,
      "also believe accounts named in headers, which a sender can forge" },
    { SPR_OPT_COUNT, "count", 'c', SPR_OPTION_SWITCH, SPR_VERB_QUERY, false, NULL,
      "print the number of messages only" },
    { SPR_OPT_FIELDS, "fields", 0, SPR_OPTION_TEXT, SPR_VERB_QUERY, true, "LIST",
      "columns, by comma; 'help' lists them" },
    { SPR_OPT_SORT, "sort", 0, SPR_OPTION_TEXT, SPR_VERB_QUERY, true, "KEY",
      "arrival, size, sender, id or recipients; -KEY: falling" },
    { SPR_OPT_LIMIT, "limit", 'n', SPR_OPTION_NUMBER, SPR_VERB_QUERY | SPR_VERB_TOP, true, "N",
      "at most N rows; 0: all (else: 50 on a terminal)" },
    { SPR_OPT_CSV, "csv", 0, SPR_OPTION_SWITCH, SPR_VERB_QUERY | SPR_VERB_TOP, false, NULL,
      "comma-separated, with a line of names" },
    { SPR_OPT_NUL, "null", '0', SPR_OPTION_SWITCH, SPR_VERB_QUERY, false, NULL,
      "raw values ended by NUL (ids, or --fields); not to a terminal" },
    { SPR_OPT_EXPLAIN, "explain", 0, SPR_OPTION_SWITCH, SPR_VERB_QUERY, false, NULL,
      "say how the question is answered, then stop" },
    { SPR_OPT_EMIT, "emit", 0, SPR_OPTION_TEXT, SPR_VERB_QUERY, false, "TOOL",
      "ids for the server's own tool, one a line (see: formats)" },
    { SPR_OPT_BODY, "body", 0, SPR_OPTION_SWITCH, SPR_VERB_SHOW, false, NULL,
      "the message's text too" },
    { SPR_OPT_OUTPUT, "output", 'o', SPR_OPTION_TEXT, SPR_VERB_PLAN, false, "FILE",
      "where the plan is written" },
    { SPR_OPT_REASON, "reason", 0, SPR_OPTION_TEXT, SPR_VERB_PLAN | SPR_VERBS_CHANGE, false, "TEXT",
      "why; kept with the job" },
    { SPR_OPT_DRY_RUN, "dry-run", 0, SPR_OPTION_SWITCH, APPLYING | JOBBING, false, NULL,
      "show what would be done, change nothing" },
    { SPR_OPT_YES, "yes", 'y', SPR_OPTION_SWITCH, APPLYING | JOBBING, false, NULL,
      "do not ask; changes also need --expect, --everything or a plan" },
    { SPR_OPT_EXPECT, "expect", 0, SPR_OPTION_NUMBER, APPLYING, false, "N",
      "refuse unless exactly N messages match" },
    { SPR_OPT_EVERYTHING, "everything", 0, SPR_OPTION_SWITCH, SPR_VERB_PLAN | SPR_VERBS_CHANGE,
      false, NULL, "allow an expression that matches every message" },
    { SPR_OPT_NO_RELOAD, "no-reload", 0, SPR_OPTION_SWITCH, APPLYING, true, NULL,
      "leave alone what would need a reload of the server" },
    { SPR_OPT_KEEP_UNDO, "keep-undo", 0, SPR_OPTION_SWITCH, SPR_VERB_APPLY | SPR_VERB_DELETE, true,
      NULL, "full disk: refuse rather than purge some to make room" },
    { SPR_OPT_PURGE_NOW, "purge-now", 0, SPR_OPTION_SWITCH, SPR_VERB_APPLY | SPR_VERB_DELETE, false,
      NULL, "free the space at once; no undo" },
    { SPR_OPT_OLDER_THAN, "older-than", 0, SPR_OPTION_DURATION, SPR_VERB_PURGE, false, "AGE",
      "every finished job older than this: 7d, 36h, 90m" },
};
/* clang-format on */

#define OPTION_COUNT (sizeof(OPTIONS) / sizeof(OPTIONS[0]))

bool spr_duration_parse(const char *text, uint64_t *ret_seconds)
{
    static const struct {
        char letter;
        uint64_t seconds;
    } units[] = {
        { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 7 * 86400 }, { '\0', 1 },
    };
    if (!isdigit((unsigned char)text[0])) {
        return false;
    }
    char *end;
    errno = 0;
    const uint64_t number = strtoull(text, &end, 10);
    if (errno != 0 || (*end != '\0' && end[1] != '\0')) {
        return false;
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (units[i].letter == *end) {
            return !__builtin_mul_overflow(number, units[i].seconds, ret_seconds);
        }
    }
    return false;
}

static bool is_number(const char *text)
{
    char *end;
    errno = 0;
    (void)strtoull(text, &end, 10);
    return isdigit((unsigned char)text[0]) && *end == '\0' && errno == 0;
}

const struct spr_option *spr_option_at(unsigned number)
{
    return number < OPTION_COUNT ? &OPTIONS[number] : NULL;
}

const struct spr_option *spr_option_find(const char *name, size_t length)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (strlen(OPTIONS[i].name) == length && memcmp(OPTIONS[i].name, name, length) == 0) {
            return &OPTIONS[i];
        }
    }
    return NULL;
}

const struct spr_option *spr_option_letter(char letter)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (letter != 0 && OPTIONS[i].letter == letter) {
            return &OPTIONS[i];
        }
    }
    return NULL;
}

const char *spr_option_nearest(const char *name, size_t length)
{
    const char *names[OPTION_COUNT];
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        names[i] = OPTIONS[i].name;
    }
    return spr_nearest((struct spr_text){ (const uint8_t *)name, length }, names, OPTION_COUNT);
}

const char *spr_option_refuses(const struct spr_option *option, const char *text)
{
    uint64_t seconds;
    if (option->kind == SPR_OPTION_NUMBER && !is_number(text)) {
        return "not a number";
    }
    if (option->kind == SPR_OPTION_DURATION && !spr_duration_parse(text, &seconds)) {
        return "not a span of time such as 7d, 36h or 90m";
    }
    return NULL;
}

void spr_options_help(FILE *out, uint32_t verb_bit, bool global)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct spr_option *option = &OPTIONS[i];
        if ((option->verbs & verb_bit) == 0 || (option->verbs == SPR_VERBS_ALL) != global) {
            continue;
        }
        char left[64];
        (void)snprintf(left, sizeof(left), "%c%c%s --%s%s%s", option->letter != 0 ? '-' : ' ',
                       option->letter != 0 ? option->letter : ' ', option->letter != 0 ? "," : " ",
                       option->name, option->argument != NULL ? " " : "",
                       option->argument != NULL ? option->argument : "");
        (void)fprintf(out, "  %-32s %s\n", left, option->help);
    }
}
