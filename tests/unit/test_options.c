/*
 * The command line and the configuration file as an operator types them.
 */
#include "tests/support/temporary.h"
#include "tools/args.h"
#include "tools/cli.h"
#include "tools/nearest.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

static const struct spr_verb VERBS[] = {
    { .name = "query", .bit = SPR_VERB_QUERY, .words_max = 9 },
    { .name = "delete", .bit = SPR_VERB_DELETE, .words_max = 9 },
    { .name = NULL },
};

struct reading {
    struct spr_args args;
    int result;
    char *said;
};

/* Reads up to seven words after the program's name. */
static struct reading read_words(const char *const *words)
{
    static char program[] = "spoolray";
    char *argv[9] = { program };
    int argc = 1;
    while (argc < 8 && words[argc - 1] != NULL) {
        argv[argc] = strdup(words[argc - 1]);
        argc++;
    }
    struct reading reading;
    size_t size = 0;
    FILE *err = open_memstream(&reading.said, &size);
    cr_assert_not_null(err);
    reading.result = spr_args_parse(argc, argv, VERBS, err, &reading.args);
    if (reading.result == 0 && reading.args.verb != NULL) {
        reading.result = spr_args_check(&reading.args, err);
    }
    cr_assert_eq(fclose(err), 0);
    return reading; /* the words leak: each test is a process of its own */
}
#define READ(...) read_words((const char *const[]){ __VA_ARGS__, NULL })

Test(options, are_taken_before_and_after_the_verb)
{
    struct reading r = READ("--spool", "/a", "query", "account:x", "--limit=5", "-s/b", "-c");

    cr_assert_eq(r.result, 0, "%s", r.said);
    cr_assert_str_eq(r.args.verb->name, "query");
    cr_assert_eq(r.args.spool_count, 2);
    cr_assert_str_eq(r.args.spools[1], "/b");
    cr_assert_eq(spr_args_number(&r.args, SPR_OPT_LIMIT, 0), 5);
    cr_assert(spr_args_on(&r.args, SPR_OPT_COUNT));
    cr_assert_eq(r.args.word_count, 1);
}

Test(options, end_at_two_dashes)
{
    struct reading r = READ("query", "--", "--limit");

    cr_assert_eq(r.result, 0);
    cr_assert_eq(r.args.word_count, 1);
    cr_assert_str_eq(r.args.words[0], "--limit");
}

Test(options, suggest_the_nearest_when_unknown)
{
    struct reading r = READ("delete", "--evrything");

    cr_assert_eq(r.result, SPR_EXIT_USAGE);
    cr_assert_str_eq(r.said,
                     "spoolray: --evrything: unknown option (did you mean --everything?)\n");
}

Test(options, escape_what_was_typed)
{
    struct reading r = READ("query", "--\x1b[2J");

    cr_assert_eq(r.result, SPR_EXIT_USAGE);
    cr_assert_null(strchr(r.said, '\x1b'));
}

Test(options, of_another_verb_are_refused)
{
    struct reading r = READ("query", "x", "--purge-now");

    cr_assert_eq(r.result, SPR_EXIT_USAGE);
    cr_assert_not_null(strstr(r.said, "not an option of 'query'"));
}

Test(options, need_numbers_where_numbers_are_meant)
{
    static const char *const wrong[] = { "", "-1", "5x", " 5", "0x10", "99999999999999999999" };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct reading r = READ("delete", "x", "--expect", wrong[i]);

        cr_assert_eq(r.result, SPR_EXIT_USAGE, "'%s'", wrong[i]);
    }
}

Test(options, that_need_a_value_say_so)
{
    struct reading r = READ("query", "--limit");

    cr_assert_eq(r.result, SPR_EXIT_USAGE);
    cr_assert_not_null(strstr(r.said, "needs a value"));
}

Test(options, switches_take_no_value)
{
    struct reading r = READ("query", "--json=yes");

    cr_assert_eq(r.result, SPR_EXIT_USAGE);
}

Test(options, join_the_words_of_an_expression)
{
    struct reading r = READ("query", "account:x", "or", "to:y");
    char *joined = spr_args_join(&r.args, 0);

    cr_assert_str_eq(joined, "account:x or to:y");
    free(joined);
    spr_args_free(&r.args);
}

Test(options, keep_the_command_as_a_shell_would_read_it)
{
    struct reading r = READ("query", "subject:\"free money\"");

    cr_assert_str_eq(r.args.command, "spoolray query 'subject:\"free money\"'");
}

Test(duration, reads_units)
{
    static const struct {
        const char *text;
        uint64_t seconds;
    } good[] = {
        { "30", 30 },      { "30s", 30 },    { "90m", 5400 },
        { "36h", 129600 }, { "7d", 604800 }, { "2w", 1209600 },
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        uint64_t seconds = 0;
        cr_assert(spr_duration_parse(good[i].text, &seconds), "%s", good[i].text);
        cr_assert_eq(seconds, good[i].seconds, "%s", good[i].text);
    }
    static const char *const bad[] = {
        "", "d", "-7d", "7dd", "7 d", "7y", "99999999999999999999w", "18446744073709551615w"
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint64_t seconds;
        cr_assert_not(spr_duration_parse(bad[i], &seconds), "%s", bad[i]);
    }
}

Test(nearest, finds_what_was_meant_and_nothing_far)
{
    static const char *const words[] = { "query", "release", "resume" };

    cr_assert_str_eq(spr_nearest((struct spr_text){ (const uint8_t *)"qurey", 5 }, words, 3),
                     "query");
    cr_assert_str_eq(spr_nearest((struct spr_text){ (const uint8_t *)"relase", 6 }, words, 3),
                     "release");
    cr_assert_null(spr_nearest((struct spr_text){ (const uint8_t *)"bananas", 7 }, words, 3));
    cr_assert_null(spr_nearest((struct spr_text){ (const uint8_t *)"", 0 }, words, 3));
}

/* Configures `query x` from a file with this text. */
static struct reading configured(const char *text, const char *option)
{
    char folder[TEMPORARY_PATH_MAX];
    char path[TEMPORARY_PATH_MAX + 16];
    make_temporary(folder);
    (void)snprintf(path, sizeof(path), "%s/conf", folder);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    (void)fputs(text, file);
    cr_assert_eq(fclose(file), 0);
    struct reading r = READ("query", "x", option);
    cr_assert_eq(r.result, 0, "%s", r.said);
    free(r.said);
    size_t size = 0;
    FILE *err = open_memstream(&r.said, &size);
    r.result = spr_args_configure(&r.args, path, err);
    cr_assert_eq(fclose(err), 0);
    remove_temporary(folder);
    return r;
}

Test(config, fills_what_the_command_line_left_open)
{
    struct reading r =
        configured("# comment\n\n  limit = 7 \nspool=/a\nspool = /b c\njson = no\n", "--case");

    cr_assert_eq(r.result, 0, "%s", r.said);
    cr_assert_eq(spr_args_number(&r.args, SPR_OPT_LIMIT, 0), 7);
    cr_assert_eq(r.args.spool_count, 2);
    cr_assert_str_eq(r.args.spools[1], "/b c");
    cr_assert_not(spr_args_on(&r.args, SPR_OPT_JSON));
}

Test(config, yields_to_the_command_line)
{
    struct reading r = configured("limit = 7\nspool = /a\n", "--spool=/c");

    cr_assert_eq(r.args.spool_count, 1);
    cr_assert_str_eq(r.args.spools[0], "/c");
}

Test(config, says_where_it_is_wrong)
{
    struct reading r = configured("json = yes\nlimt = 7\n", "--case");

    cr_assert_eq(r.result, SPR_EXIT_USAGE);
    cr_assert_not_null(strstr(r.said, "conf:2: limt: unknown option (did you mean limit?)"));
}

Test(config, cannot_confirm)
{
    static const char *const lines[] = { "yes = yes\n", "everything = yes\n", "expect = 5\n",
                                         "purge-now = yes\n", "server-stopped = yes\n" };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct reading r = configured(lines[i], "--case");

        cr_assert_eq(r.result, SPR_EXIT_USAGE, "%s", lines[i]);
        cr_assert_not_null(strstr(r.said, "only allowed on the command line"));
    }
}
