/*
 * Asking the server's program for its settings. echo plays the server: it prints what it is given.
 */
#include "core/scan/settings.h"
#include "formats/cursor.h"
#include "tests/support/temporary.h"
#include "tests/support/toy_format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

static char root[TEMPORARY_PATH_MAX];

static void make(void)
{
    make_temporary(root);
}

static void clean_up(void)
{
    remove_temporary(root);
}

TestSuite(settings, .init = make, .fini = clean_up);

static void configure(struct spr_text line, struct spr_layout *layout)
{
    layout->flags++;
    layout->hash_depth = spr_text_starts(line, "depth = 3") ? 3 : layout->hash_depth;
}

/* True when the program spoke of root; *layout is what its lines made of it. */
static bool ask(const char *command, const char *const *arguments, struct spr_layout *layout)
{
    const struct spr_hints hints = { .settings_command = command, .settings = arguments };
    struct spr_format format = toy_format;
    format.hints = &hints;
    format.configure = configure;
    *layout = (struct spr_layout){ .hash_depth = 1 };
    return spr_settings_ask(&format, root, layout);
}

Test(settings, of_this_spool_are_taken_line_by_line)
{
    char lines[TEMPORARY_PATH_MAX + 32];
    struct spr_layout layout;
    (void)snprintf(lines, sizeof(lines), "%s/.\ndepth = 3", root);
    const char *const arguments[] = { "spool", "=", lines, NULL };

    cr_assert(ask("echo", arguments, &layout));

    cr_expect_eq(layout.hash_depth, 3);
    cr_expect_eq(layout.flags, 2);
}

/* Parameters cross to another process: no pointers. */
struct answer {
    char name[32];
    char command[24];
    char arguments[3][24];
};

ParameterizedTestParameters(settings, of_anything_else_change_nothing)
{
    static struct answer answers[] = {
        { "another spool", "echo", { "spool", "=", "/\ndepth = 3" } },
        { "no such folder", "echo", { "spool", "=", "/nonexistent" } },
        { "another setting", "echo", { "spool", "2 =", "/" } },
        { "no value", "echo", { "spool", "=", "\ndepth = 3" } },
        { "no output", "true", { "spool" } },
        { "failure", "false", { "spool" } },
        { "failure after output", "env", { "spool=/", "false" } },
        { "output without end", "yes", { "depth = 3" } },
        { "no such program", "no-such-program-here", { "spool" } },
        { "a program elsewhere", "../../bin/echo", { "spool", "=", "/" } },
    };
    return cr_make_param_array(struct answer, answers, sizeof(answers) / sizeof(answers[0]));
}

ParameterizedTest(struct answer *answer, settings, of_anything_else_change_nothing, .init = make,
                  .fini = clean_up)
{
    const char *arguments[4] = { NULL };
    struct spr_layout layout;
    for (size_t i = 0; i < 3 && answer->arguments[i][0] != '\0'; i++) {
        arguments[i] = answer->arguments[i];
    }

    cr_expect_not(ask(answer->command, arguments, &layout), "%s", answer->name);

    cr_expect_eq(layout.hash_depth, 1, "%s", answer->name);
    cr_expect_eq(layout.flags, 0, "%s", answer->name);
}

/* env prints its environment; a setting may have the name of one of its options. */
Test(settings, are_asked_without_the_environment_of_the_caller)
{
    const char *const arguments[] = { "-u", "PATH", NULL };
    struct spr_layout layout;
    cr_assert_eq(setenv("-u", root, 1), 0);

    cr_expect_not(ask("env", arguments, &layout));
}
