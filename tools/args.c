/*
 * The command line, read by the table of options into a struct spr_args.
 */
#include "tools/args.h"

#include "tools/cli.h"
#include "tools/escape.h"

#include <stdlib.h>
#include <string.h>

int spr_args_complain(const struct spr_origin *origin, const char *name, const char *text,
                      const char *reason)
{
    FILE *err = origin->err;
    (void)fputs("spoolray: ", err);
    if (origin->path != NULL) {
        spr_escape_string(err, origin->path);
        (void)fprintf(err, ":%u: ", origin->line);
    }
    (void)fprintf(err, "%s%s", origin->path == NULL ? "--" : "", name);
    if (text != NULL) {
        (void)fputs(" ", err);
        spr_escape_string(err, text);
    }
    (void)fprintf(err, ": %s\n", reason);
    return SPR_EXIT_USAGE;
}

int spr_args_unknown(const struct spr_origin *origin, const char *name, size_t length)
{
    const struct spr_text text = { (const uint8_t *)name, length };
    const char *nearest = spr_option_nearest(name, length);
    const char *dashes = origin->path == NULL ? "--" : "";
    (void)fputs("spoolray: ", origin->err);
    if (origin->path != NULL) {
        spr_escape_string(origin->err, origin->path);
        (void)fprintf(origin->err, ":%u: ", origin->line);
    }
    (void)fputs(dashes, origin->err);
    spr_escape_write(origin->err, text);
    if (nearest != NULL) {
        (void)fprintf(origin->err, ": unknown option (did you mean %s%s?)\n", dashes, nearest);
    } else {
        (void)fputs(": unknown option (spoolray --help lists them)\n", origin->err);
    }
    return SPR_EXIT_USAGE;
}

int spr_args_store(struct spr_args *args, const struct spr_option *option, const char *text,
                   const struct spr_origin *origin)
{
    const char *refusal =
        option->kind != SPR_OPTION_SWITCH ? spr_option_refuses(option, text) : NULL;
    if (refusal != NULL) {
        return spr_args_complain(origin, option->name, text, refusal);
    }
    if (option->id == SPR_OPT_SPOOL) {
        if (args->spool_count == SPR_SPOOLS_MAX) {
            return spr_args_complain(origin, option->name, text, "more than 64 spools");
        }
        args->spools[args->spool_count++] = text;
    }
    args->values[option->id] = option->kind == SPR_OPTION_SWITCH ? "yes" : text;
    return 0;
}

/* One "--name", "--name=value" or "--name value"; *index is moved on over a value. */
static int read_long(struct spr_args *args, int argc, char *const *argv, int *index,
                     const struct spr_origin *origin)
{
    const char *name = argv[*index] + 2;
    const char *equals = strchr(name, '=');
    const size_t length = equals != NULL ? (size_t)(equals - name) : strlen(name);
    const struct spr_option *option = spr_option_find(name, length);
    if (option == NULL) {
        return spr_args_unknown(origin, name, length);
    }
    if (option->kind == SPR_OPTION_SWITCH) {
        return equals != NULL ? spr_args_complain(origin, option->name, NULL, "takes no value")
                              : spr_args_store(args, option, NULL, origin);
    }
    if (equals != NULL) {
        return spr_args_store(args, option, equals + 1, origin);
    }
    if (*index + 1 >= argc) {
        return spr_args_complain(origin, option->name, NULL, "needs a value");
    }
    *index += 1;
    return spr_args_store(args, option, argv[*index], origin);
}

/* A cluster of one-letter options; the last may take a value. */
static int read_letters(struct spr_args *args, int argc, char *const *argv, int *index,
                        const struct spr_origin *origin)
{
    for (const char *letter = argv[*index] + 1; *letter != '\0'; letter++) {
        const struct spr_option *option = spr_option_letter(*letter);
        if (option == NULL) {
            (void)fputs("spoolray: -", origin->err);
            spr_escape_write(origin->err, (struct spr_text){ (const uint8_t *)letter, 1 });
            (void)fputs(": unknown option (spoolray --help lists them)\n", origin->err);
            return SPR_EXIT_USAGE;
        }
        int r;
        if (option->kind == SPR_OPTION_SWITCH) {
            r = spr_args_store(args, option, NULL, origin);
        } else if (letter[1] != '\0') {
            return spr_args_store(args, option, letter + 1, origin);
        } else if (*index + 1 < argc) {
            *index += 1;
            return spr_args_store(args, option, argv[*index], origin);
        } else {
            r = spr_args_complain(origin, option->name, NULL, "needs a value");
        }
        if (r != 0) {
            return r;
        }
    }
    return 0;
}

/* A word that is not an option: the verb, or what follows it. */
static void read_word(struct spr_args *args, const char *word, const struct spr_verb *verbs,
                      bool *named)
{
    if (!*named) {
        *named = true;
        for (const struct spr_verb *verb = verbs; verb->name != NULL; verb++) {
            if (strcmp(verb->name, word) == 0) {
                args->verb = verb;
                return;
            }
        }
    }
    args->words[args->word_count++] = word;
}

int spr_args_check(const struct spr_args *args, FILE *err)
{
    const struct spr_option *option;
    for (unsigned i = 0; (option = spr_option_at(i)) != NULL; i++) {
        if (args->values[option->id] == NULL || (option->verbs & args->verb->bit) != 0) {
            continue;
        }
        (void)fprintf(err,
                      "spoolray: --%s: not an option of '%s' (spoolray %s --help lists its own)\n",
                      option->name, args->verb->name, args->verb->name);
        return SPR_EXIT_USAGE;
    }
    return 0;
}

static char *quote_command(int argc, char *const *argv)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    if (stream == NULL) {
        return NULL;
    }
    (void)fputs("spoolray", stream);
    for (int i = 1; i < argc; i++) {
        (void)fputc(' ', stream);
        spr_escape_shell(stream, spr_text_string(argv[i]));
    }
    if (fclose(stream) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

int spr_args_parse(int argc, char *const *argv, const struct spr_verb *verbs, FILE *err,
                   struct spr_args *ret_args)
{
    const struct spr_origin origin = { .err = err };
    *ret_args = (struct spr_args){ .verb = NULL };
    ret_args->words = calloc((size_t)argc + 1, sizeof(*ret_args->words));
    ret_args->command = quote_command(argc, argv);
    if (ret_args->words == NULL || ret_args->command == NULL) {
        (void)fputs("spoolray: out of memory\n", err);
        return SPR_EXIT_IO;
    }
    bool named = false;
    bool options_ended = false;
    for (int i = 1; i < argc; i++) {
        int r = 0;
        if (!options_ended && strcmp(argv[i], "--") == 0) {
            options_ended = true;
        } else if (!options_ended && strncmp(argv[i], "--", 2) == 0) {
            r = read_long(ret_args, argc, argv, &i, &origin);
        } else if (!options_ended && argv[i][0] == '-' && argv[i][1] != '\0') {
            r = read_letters(ret_args, argc, argv, &i, &origin);
        } else {
            read_word(ret_args, argv[i], verbs, &named);
        }
        if (r != 0) {
            return r;
        }
    }
    return 0;
}

void spr_args_free(struct spr_args *args)
{
    free(args->words);
    free(args->config);
    free(args->command);
    *args = (struct spr_args){ .verb = NULL };
}

bool spr_args_on(const struct spr_args *args, enum spr_option_id option)
{
    return args->values[option] != NULL;
}

const char *spr_args_text(const struct spr_args *args, enum spr_option_id option)
{
    return args->values[option];
}

uint64_t spr_args_number(const struct spr_args *args, enum spr_option_id option, uint64_t absent)
{
    return args->values[option] != NULL ? strtoull(args->values[option], NULL, 10) : absent;
}

char *spr_args_join(const struct spr_args *args, unsigned first)
{
    size_t length = 1;
    for (unsigned i = first; i < args->word_count; i++) {
        length += strlen(args->words[i]) + 1;
    }
    char *text = malloc(length);
    if (text == NULL) {
        return NULL;
    }
    char *end = text;
    for (unsigned i = first; i < args->word_count; i++) {
        end = stpcpy(stpcpy(end, i > first ? " " : ""), args->words[i]);
    }
    *end = '\0';
    return text;
}
