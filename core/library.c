/*
 * The library itself: version, error texts, options, which engine runs, which formats there are.
 */
#include "core/library.h"

#include "formats/format.h"
#include "io/io.h"

#include <string.h>

struct code_text {
    int code;
    const char *text;
};

static const struct code_text CODE_TEXTS[] = {
    { SPR_E_CORRUPT, "file is damaged" },           { SPR_E_NEWER, "written by a newer version" },
    { SPR_E_UNKNOWN, "not a spool that is known" }, { SPR_E_BUSY, "busy" },
    { SPR_E_CHANGED, "the spool has changed" },     { SPR_E_SYNTAX, "syntax error" },
    { SPR_E_STOPPED, "stopped on request" },        { SPR_E_UNABLE, "refused" },
};

const char *spr_strerror(int code)
{
    if (code >= 0) {
        return "success";
    }
    for (size_t i = 0; i < sizeof(CODE_TEXTS) / sizeof(CODE_TEXTS[0]); i++) {
        if (CODE_TEXTS[i].code == code) {
            return CODE_TEXTS[i].text;
        }
    }
    const char *text = strerrordesc_np(-code);
    return text != NULL ? text : "unknown error";
}

const char *spr_version(void)
{
    return SPR_VERSION;
}

struct spr_options spr_options_take(const struct spr_options *options)
{
    struct spr_options taken = SPR_OPTIONS_INIT;
    if (options != NULL && options->size > 0) {
        const size_t size = options->size < sizeof(taken) ? options->size : sizeof(taken);
        memcpy(&taken, options, size);
        taken.size = sizeof(taken);
    }
    return taken;
}

static bool is_usable(const struct spr_format *format)
{
    return format->contract == SPR_FORMAT_CONTRACT && format->role_count <= SPR_ROLES_MAX &&
           format->dir_count <= SPR_DIRS_MAX;
}

const struct spr_format *spr_format_at(const struct spr_options *options, unsigned number)
{
    const struct spr_format *const *lists[] = {
        options != NULL ? options->extra_formats : NULL,
        spr_formats,
    };
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        for (const struct spr_format *const *at = lists[i]; at != NULL && *at != NULL; at++) {
            if (is_usable(*at) && number-- == 0) {
                return *at;
            }
        }
    }
    return NULL;
}

const struct spr_format *spr_format_named(const struct spr_options *options, const char *name)
{
    const struct spr_format *format;
    for (unsigned i = 0; name != NULL && (format = spr_format_at(options, i)) != NULL; i++) {
        if (strcmp(format->name, name) == 0) {
            return format;
        }
    }
    return NULL;
}

bool spr_format_dir_of(const struct spr_format *format, struct spr_text path, unsigned *ret_dir)
{
    bool found = false;
    size_t best = 0;
    for (unsigned i = 0; i < format->dir_count; i++) {
        const struct spr_dir *dir = &format->dirs[i];
        const size_t length = strlen(dir->path);
        const bool is_whole = path.length == length && memcmp(path.bytes, dir->path, length) == 0;
        const bool is_below = (dir->flags & (SPR_DIR_HASHED | SPR_DIR_TREE)) != 0 &&
                              path.length > length && memcmp(path.bytes, dir->path, length) == 0 &&
                              (length == 0 || path.bytes[length] == '/');
        if ((is_whole || is_below) && (!found || length > best)) {
            found = true;
            best = length;
            *ret_dir = i;
        }
    }
    return found;
}

void spr_engine_probe(uint32_t engine, struct spr_engine_report *ret_report)
{
    const enum spr_io_engine wish = engine == SPR_ENGINE_URING     ? SPR_IO_URING
                                    : engine == SPR_ENGINE_THREADS ? SPR_IO_THREADS
                                                                   : SPR_IO_AUTO;
    enum spr_io_engine chosen;
    const char *reason;
    spr_io_probe(wish, &chosen, &reason);
    ret_report->engine = chosen == SPR_IO_URING ? "io_uring" : "threads";
    ret_report->reason = reason;
}

bool spr_format_describe(unsigned number, struct spr_format_report *ret_report)
{
    const struct spr_format *format = spr_format_at(NULL, number);
    if (format == NULL) {
        return false;
    }
    /* What plans are made of; a format may know how to do more. */
    const uint32_t planned = 1u << SPR_DELETE | 1u << SPR_HOLD | 1u << SPR_RELEASE;
    const struct spr_hints *hints = format->hints;
    *ret_report = (struct spr_format_report){
        .name = format->name,
        .title = hints->title,
        .emit = hints->emit,
        .emit_how = hints->emit_how,
        .stop = hints->stop,
        .lock_account = hints->lock_account,
        .undo_limits = hints->undo_limits,
        .live = hints->live,
        .actions_live = format->actions_live & planned,
        .actions_stopped = format->actions_stopped & planned,
    };
    return true;
}
