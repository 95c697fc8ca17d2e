/*
 * What is shown before a change is confirmed may come from a plan file that anybody wrote.
 */
#include "tools/cli.h"
#include "tools/outcome.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#define STEER "\x1b[2K\x9b\xe2\x80\xae\x07\r"

static void expect_nothing_steers(bool as_json)
{
    const struct spr_cli cli = { .json = as_json };
    const struct spr_plan_report plan = {
        .action = SPR_DELETE,
        .messages = 3,
        .unchangeable = 1,
        .spool_root = "/spool" STEER,
        .format = "postfix" STEER,
        .refusal = "why" STEER,
    };
    char text[4096];
    FILE *file = tmpfile();
    (void)fflush(stdout);
    const int saved = dup(STDOUT_FILENO);
    cr_assert_geq(dup2(fileno(file), STDOUT_FILENO), 0);

    const int r = spr_preview_print(&cli, &plan, "delete" STEER, NULL);

    (void)fflush(stdout);
    (void)dup2(saved, STDOUT_FILENO);
    (void)close(saved);
    rewind(file);
    const size_t length = fread(text, 1, sizeof(text) - 1, file);
    (void)fclose(file);
    text[length] = '\0';
    cr_expect_eq(r, 0);
    cr_expect_gt(length, 40);
    for (size_t i = 0; i < length; i++) {
        cr_expect(text[i] == '\n' || (text[i] >= ' ' && text[i] < 0x7f), "byte %zu: %02x", i,
                  (unsigned char)text[i]);
    }
}

Test(preview, shows_no_byte_that_steers_a_terminal)
{
    expect_nothing_steers(false);
    expect_nothing_steers(true);
}
