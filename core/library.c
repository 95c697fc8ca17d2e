/*
 * The library itself: version, error texts, which engine runs, which formats are built in.
 */
#include "core/spoolray.h"
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
    for (unsigned i = 0; i < number; i++) {
        if (spr_formats[i] == NULL) {
            return false;
        }
    }
    const struct spr_format *format = spr_formats[number];
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
