/*
 * Confirmation.
 */
#include "tools/confirm.h"

#include "tools/errors.h"
#include "tools/print_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* One line of the terminal without blanks and commas; false at its end. */
static bool read_answer(char *answer, size_t size)
{
    char *line = NULL;
    size_t room = 0;
    const ssize_t length = getline(&line, &room, stdin);
    size_t used = 0;
    for (ssize_t i = 0; i < length && used + 1 < size; i++) {
        if (strchr(" ,\t\r\n", line[i]) == NULL) {
            answer[used++] = line[i];
        }
    }
    answer[used] = '\0';
    free(line);
    return length >= 0;
}

static int ask(const char *question, const char *word)
{
    char answer[64];
    (void)fflush(stdout); /* main looks at its errors */
    (void)fprintf(stderr, "%s", question);
    (void)fflush(stderr);
    if (!read_answer(answer, sizeof(answer))) {
        (void)fputc('\n', stderr);
    }
    if (strcmp(answer, word) == 0) {
        return 0;
    }
    return spr_error_say(SPR_EXIT_REFUSED, NULL, "not confirmed", "nothing was changed");
}

int spr_confirm_expect(const struct spr_cli *cli, uint64_t messages, uint64_t left_out)
{
    if (!spr_args_on(cli->args, SPR_OPT_EXPECT)) {
        return 0;
    }
    const uint64_t expected = spr_args_number(cli->args, SPR_OPT_EXPECT, 0);
    if (expected == messages || expected == messages + left_out) {
        return 0;
    }
    char what[96];
    char count[SPR_SHORT_MAX];
    (void)snprintf(what, sizeof(what), "%" PRIu64 " expected, but it is %s", expected,
                   spr_text_messages(messages + left_out, count));
    return spr_error_say(SPR_EXIT_REFUSED, "--expect", what,
                         "nothing was changed; look with spoolray query");
}

int spr_confirm_change(const struct spr_cli *cli, const char *verb, uint64_t messages,
                       bool has_plan_file)
{
    const struct spr_args *args = cli->args;
    const bool counted =
        has_plan_file || spr_args_on(args, SPR_OPT_EXPECT) || spr_args_on(args, SPR_OPT_EVERYTHING);
    char word[32];
    char text[96];
    (void)snprintf(word, sizeof(word), "%" PRIu64, messages);
    if (spr_args_on(args, SPR_OPT_YES) && counted) {
        return 0;
    }
    if (cli->in_is_terminal && cli->err_is_terminal) {
        (void)snprintf(text, sizeof(text), "Type %s to %s: ", word, verb);
        return ask(text, word);
    }
    (void)snprintf(text, sizeof(text), "nothing was changed; %s%s",
                   has_plan_file ? "--yes confirms" : "confirm with --yes --expect ",
                   has_plan_file ? "" : word);
    return spr_error_say(SPR_EXIT_REFUSED, verb, "not confirmed, and no terminal to ask on", text);
}

int spr_confirm_job(const struct spr_cli *cli, const char *question, const char *word)
{
    if (spr_args_on(cli->args, SPR_OPT_YES)) {
        return 0;
    }
    if (cli->in_is_terminal && cli->err_is_terminal) {
        return ask(question, word);
    }
    return spr_error_say(SPR_EXIT_REFUSED, cli->args->verb->name,
                         "not confirmed, and no terminal to ask on",
                         "nothing was changed; --yes confirms");
}
