/*
 * The library itself: version, error texts.
 */
#include "core/spoolray.h"

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
