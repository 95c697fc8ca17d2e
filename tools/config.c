/*
 * The configuration file: "option = value" lines with the long options' names. What the command
 * line gave stays; what could confirm a change in advance is refused here.
 */
#include "tools/args.h"
#include "tools/cli.h"
#include "tools/escape.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static char *trim(char *text)
{
    while (isspace((unsigned char)*text)) {
        text++;
    }
    size_t length = strlen(text);
    while (length > 0 && isspace((unsigned char)text[length - 1])) {
        text[--length] = '\0';
    }
    return text;
}

static bool is_switched_on(const char *text, bool *ret_on)
{
    static const char *const on[] = { "yes", "true", "on", "1" };
    static const char *const off[] = { "no", "false", "off", "0" };
    for (size_t i = 0; i < sizeof(on) / sizeof(on[0]); i++) {
        if (strcmp(text, on[i]) == 0 || strcmp(text, off[i]) == 0) {
            *ret_on = strcmp(text, on[i]) == 0;
            return true;
        }
    }
    return false;
}

/* One "option = value" line. What the command line gave stays. */
static int configure_line(struct spr_args *args, char *line, const struct spr_args *given,
                          const struct spr_origin *origin)
{
    char *name = trim(line);
    if (name[0] == '\0' || name[0] == '#') {
        return 0;
    }
    char *equals = strchr(name, '=');
    if (equals == NULL) {
        return spr_args_complain(origin, name, NULL, "expected 'option = value'");
    }
    *equals = '\0';
    const char *value = trim(equals + 1);
    name = trim(name);
    const struct spr_option *option = spr_option_find(name, strlen(name));
    if (option == NULL) {
        return spr_args_unknown(origin, name, strlen(name));
    }
    if (!option->configurable) {
        return spr_args_complain(origin, option->name, NULL, "only allowed on the command line");
    }
    bool on = true;
    if (option->kind == SPR_OPTION_SWITCH && !is_switched_on(value, &on)) {
        return spr_args_complain(origin, option->name, value, "expected yes or no");
    }
    if (given->values[option->id] != NULL || !on || (option->verbs & args->verb->bit) == 0) {
        return 0;
    }
    return spr_args_store(args, option, value, origin);
}

static int read_config(const char *path, char **ret_text)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return -errno;
    }
    char *text = NULL;
    size_t size = 0;
    errno = 0;
    const ssize_t length = getdelim(&text, &size, '\0', file);
    const int r = length < 0 && ferror(file) ? -errno : 0;
    (void)fclose(file); /* read only: nothing can be lost */
    if (r < 0) {
        free(text);
        return r;
    }
    if (length < 0 && text != NULL) {
        text[0] = '\0';
    }
    *ret_text = text;
    return 0;
}

int spr_args_configure(struct spr_args *args, const char *default_path, FILE *err)
{
    const char *given_path = args->values[SPR_OPT_CONFIG];
    struct spr_origin origin = { err, given_path != NULL ? given_path : default_path, 0 };
    const int r = read_config(origin.path, &args->config);
    if (r == -ENOENT && given_path == NULL) {
        return 0;
    }
    if (r < 0) {
        (void)fputs("spoolray: ", err);
        spr_escape_string(err, origin.path);
        (void)fprintf(err, ": %s (--config FILE reads another one)\n", spr_strerror(r));
        return SPR_EXIT_IO;
    }
    const struct spr_args given = *args;
    char *rest = args->config;
    while (rest != NULL) {
        char *line = strsep(&rest, "\n");
        origin.line++;
        const int code = configure_line(args, line, &given, &origin);
        if (code != 0) {
            return code;
        }
    }
    return 0;
}
