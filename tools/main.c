/*
 * The command spoolray: the table of verbs, the one table of exit codes, and what every verb shares
 * before it starts.
 */
#include "tools/cli.h"
#include "tools/errors.h"
#include "tools/escape.h"
#include "tools/nearest.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define CONFIG_PATH     "/etc/spoolray.conf"
#define MMAP_THRESHOLD  (1 << 20)
#define COLUMNS_DEFAULT 132 /* off a terminal, where nothing is cut */

#define ANY 1000

static const char QUERY_TERMS[] =
    "\nterms, joined by and (default), or, not, parentheses:\n"
    "  account: from: to: done: rcpt: local-user: client: helo: subject: header-from: id: state:\n"
    "  error: age:>2h arrived:2026-11-20.. size:>100k rcpts:>20 pending:0 attempts:>3 format:\n"
    "  spool: host: is:bounce is:auth is:incomplete\n"
    "  from:@example.com is the domain, from:.example.com with sub-domains, from:'<>' the null\n"
    "  sender. * and ? are globs, /.../ is a regular expression, a bare word looks at account,\n"
    "  sender and recipients. '*' is every message.";

static const char CHANGE_RULES[] =
    "\nA preview comes first. On a terminal the count is typed to confirm; elsewhere --yes is\n"
    "needed together with --expect N or --everything. Exit code 3: some were skipped.";

static const struct spr_verb VERBS[] = {
    { "triage", SPR_VERB_TRIAGE, "[SPOOL]", "the verdict: who fills the queue, and what to do",
      "Without a verb this is what runs. It changes nothing.", 0, 1, spr_cmd_triage },
    { "scan", SPR_VERB_SCAN, "[SPOOL...]", "build or refresh the index", NULL, 0, ANY,
      spr_cmd_scan },
    { "top", SPR_VERB_TOP, "FIELD [EXPR]", "ranked table of one field",
      "\nfields: account, sender, sender-domain, rcpt, rcpt-domain, client, subject, state, "
      "error,\n"
      "  local-user",
      1, ANY, spr_cmd_top },
    { "query", SPR_VERB_QUERY, "EXPR", "matching messages", QUERY_TERMS, 0, ANY, spr_cmd_query },
    { "show", SPR_VERB_SHOW, "ID", "one message: envelope, recipients, headers", NULL, 1, 1,
      spr_cmd_show },
    { "plan", SPR_VERB_PLAN, "ACTION EXPR -o FILE", "freeze a selection into a file for review",
      "\nactions: delete, hold, release", 1, ANY, spr_cmd_plan },
    { "apply", SPR_VERB_APPLY, "FILE", "run a plan; every message is checked again", CHANGE_RULES,
      1, 1, spr_cmd_apply },
    { "delete", SPR_VERB_DELETE, "EXPR", "take messages out, into the job's trash", CHANGE_RULES, 0,
      ANY, spr_cmd_change },
    { "hold", SPR_VERB_HOLD, "EXPR", "put messages on hold", CHANGE_RULES, 0, ANY, spr_cmd_change },
    { "release", SPR_VERB_RELEASE, "EXPR", "let held messages go", CHANGE_RULES, 0, ANY,
      spr_cmd_change },
    { "jobs", SPR_VERB_JOBS, "[JOB]", "what was done: who, when, why, undo until", NULL, 0, 1,
      spr_cmd_jobs },
    { "undo", SPR_VERB_UNDO, "JOB", "put back what a job took out", NULL, 1, 1, spr_cmd_undo },
    { "resume", SPR_VERB_RESUME, "[JOB]", "settle what a crash left; with JOB also go on with it",
      NULL, 0, 1, spr_cmd_resume },
    { "purge", SPR_VERB_PURGE, "JOB | --older-than AGE", "free the space of a job; no way back",
      NULL, 0, 1, spr_cmd_purge },
    { "formats", SPR_VERB_FORMATS, "", "the mail servers that are known", NULL, 0, 0,
      spr_cmd_formats },
    { "bench", SPR_VERB_BENCH, "[SPOOL]", "measure each way of reading on this spool",
      "Changes nothing: each run makes an index of its own in the state directory, which is\n"
      "removed. Without --cold no cache is dropped.",
      0, 1, spr_cmd_bench },
    { "version", SPR_VERB_VERSION, "", "version, and which I/O engine is in use", NULL, 0, 0,
      spr_cmd_version },
    { .name = NULL },
};

/* Results of the library to exit codes; every errno is SPR_EXIT_IO. */
static const struct {
    int result;
    enum spr_exit exit_code;
} EXIT_CODES[] = {
    { SPR_E_SYNTAX, SPR_EXIT_USAGE },    { SPR_E_UNKNOWN, SPR_EXIT_USAGE },
    { SPR_E_BUSY, SPR_EXIT_REFUSED },    { SPR_E_UNABLE, SPR_EXIT_REFUSED },
    { SPR_E_CHANGED, SPR_EXIT_CHANGED }, { SPR_E_CORRUPT, SPR_EXIT_CORRUPT },
    { SPR_E_NEWER, SPR_EXIT_CORRUPT },   { SPR_E_STOPPED, SPR_EXIT_INTERRUPTED },
};

static int exit_code_of(int result)
{
    if (result >= 0) {
        return result;
    }
    for (size_t i = 0; i < sizeof(EXIT_CODES) / sizeof(EXIT_CODES[0]); i++) {
        if (EXIT_CODES[i].result == result) {
            return (int)EXIT_CODES[i].exit_code;
        }
    }
    return SPR_EXIT_IO;
}

static const struct spr_verb *find_verb(const char *name)
{
    for (const struct spr_verb *verb = VERBS; verb->name != NULL; verb++) {
        if (strcmp(verb->name, name) == 0) {
            return verb;
        }
    }
    return NULL;
}

static int complain_verb(const char *word)
{
    const char *names[sizeof(VERBS) / sizeof(VERBS[0])];
    size_t count = 0;
    for (const struct spr_verb *verb = VERBS; verb->name != NULL; verb++) {
        names[count++] = verb->name;
    }
    const char *nearest = spr_nearest(spr_text_string(word), names, count);
    char hint[80] = "spoolray --help lists the verbs";
    if (nearest != NULL) {
        (void)snprintf(hint, sizeof(hint), "did you mean %s?", nearest);
    }
    return spr_error_say(SPR_EXIT_USAGE, word, "unknown verb", hint);
}

/* name NULL: the front page. */
static int show_help(const char *name)
{
    const struct spr_verb *verb = name != NULL ? find_verb(name) : NULL;
    if (name != NULL && verb == NULL) {
        return complain_verb(name);
    }
    if (verb != NULL) {
        spr_help_verb(stdout, verb);
    } else {
        spr_help_front(stdout, VERBS);
    }
    return SPR_EXIT_DONE;
}

/* No verb was named: triage, of the path named if the first word is one; else help or a hint. */
static int choose_verb(struct spr_args *args)
{
    const char *word = args->word_count > 0 ? args->words[0] : NULL;
    if (word == NULL || word[0] == '/' || word[0] == '.') {
        args->verb = &VERBS[0];
        return 0;
    }
    return complain_verb(word);
}

static int check_words(const struct spr_args *args)
{
    const struct spr_verb *verb = args->verb;
    if (args->word_count >= verb->words_min && args->word_count <= verb->words_max) {
        return 0;
    }
    char usage[160];
    (void)snprintf(usage, sizeof(usage), "usage: spoolray %s%s%s", verb->name,
                   verb->usage[0] != '\0' ? " " : "", verb->usage);
    return args->word_count < verb->words_min
               ? spr_error_say(SPR_EXIT_USAGE, verb->name, "something is missing", usage)
               : spr_error_say(SPR_EXIT_USAGE, args->words[verb->words_max], "unexpected word",
                               usage);
}

static int check_values(const struct spr_args *args)
{
    static const char *const engines[] = { "auto", "uring", "threads" };
    static const char *const meters[] = { "auto", "json", "none" };
    const char *engine = spr_args_text(args, SPR_OPT_ENGINE);
    const char *meter = spr_args_text(args, SPR_OPT_PROGRESS);
    bool engine_known = engine == NULL;
    bool meter_known = meter == NULL;
    for (size_t i = 0; i < 3; i++) {
        engine_known = engine_known || strcmp(engine, engines[i]) == 0;
        meter_known = meter_known || strcmp(meter, meters[i]) == 0;
    }
    if (!engine_known) {
        return spr_error_say(SPR_EXIT_USAGE, engine, "no such engine", "auto, uring or threads");
    }
    if (!meter_known) {
        return spr_error_say(SPR_EXIT_USAGE, meter, "no such kind of progress",
                             "auto, json or none");
    }
    return 0;
}

static void look_at_terminals(struct spr_cli *cli)
{
    const char *no_colour = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    struct winsize size = { .ws_col = 0 };
    cli->out_is_terminal = isatty(STDOUT_FILENO) == 1;
    cli->err_is_terminal = isatty(STDERR_FILENO) == 1;
    cli->in_is_terminal = isatty(STDIN_FILENO) == 1;
    cli->colour = cli->out_is_terminal && (no_colour == NULL || no_colour[0] == '\0') &&
                  terminal != NULL && strcmp(terminal, "dumb") != 0;
    cli->columns = COLUMNS_DEFAULT;
    if (cli->out_is_terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        cli->columns = size.ws_col;
    }
}

static int run_verb(struct spr_args *args)
{
    struct spr_cli cli = { .args = args, .json = spr_args_on(args, SPR_OPT_JSON) };
    if (spr_args_on(args, SPR_OPT_HELP) && (args->verb != NULL || args->word_count == 0)) {
        return show_help(args->verb != NULL ? args->verb->name : NULL);
    }
    if (spr_args_on(args, SPR_OPT_VERSION)) {
        return spr_cmd_version(&cli);
    }
    if (args->verb == NULL && args->word_count > 0 && strcmp(args->words[0], "help") == 0) {
        return show_help(args->word_count > 1 ? args->words[1] : NULL);
    }
    int r = args->verb == NULL ? choose_verb(args) : 0;
    if (r == 0) {
        r = spr_args_check(args, stderr);
    }
    if (r == 0) {
        r = spr_args_configure(args, CONFIG_PATH, stderr);
    }
    if (r == 0) {
        r = check_words(args);
    }
    if (r == 0) {
        r = check_values(args);
    }
    if (r != 0) {
        return r;
    }
    look_at_terminals(&cli);
    cli.json = spr_args_on(args, SPR_OPT_JSON);
    cli.quiet = spr_args_on(args, SPR_OPT_QUIET);
    return args->verb->run(&cli);
}

/* Left alone, malloc raises the size from which blocks are mappings of their own with each one that
 * is freed, up to 32 MiB: then what a scan's listing gives back stays with threads that ended, and
 * what grows is copied. A scan of a million messages takes 320 MB so, and 208 MB as set here. */
static void keep_memory_small(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD); /* refused, it only takes more memory */
}

int main(int argc, char **argv)
{
    keep_memory_small();
    struct spr_args args;
    int r = spr_args_parse(argc, argv, VERBS, stderr, &args);
    if (r == 0) {
        r = run_verb(&args);
    }
    const int code = exit_code_of(r);
    spr_args_free(&args);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        return spr_error_say(SPR_EXIT_IO, "standard output", spr_strerror(-errno),
                             "the answer is incomplete");
    }
    return code;
}
