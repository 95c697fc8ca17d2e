/*
 * Error lines. Subjects and details may quote names from a spool: all are escaped here.
 */
#include "tools/errors.h"

#include "tools/escape.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* What to try next where the caller knows nothing better. */
static const struct {
    int code;
    const char *hint;
} HINTS[] = {
    { -EACCES, "run as root" },
    { -EPERM, "run as root" },
    { SPR_E_UNKNOWN, "spoolray formats lists what is known; --format F decides" },
    { SPR_E_BUSY, "nothing was changed; try again when the other has finished" },
    { SPR_E_CORRUPT, "the spool is untouched; spoolray scan --full sets the index aside and makes "
                     "a new one" },
    { SPR_E_NEWER, "use the newer spoolray; spoolray scan --full sets the index aside and makes a "
                   "new one" },
};

static const char *hint_for(int code)
{
    if ((code == -EACCES || code == -EPERM) && geteuid() == 0) {
        return NULL;
    }
    for (size_t i = 0; i < sizeof(HINTS) / sizeof(HINTS[0]); i++) {
        if (HINTS[i].code == code) {
            return HINTS[i].hint;
        }
    }
    return NULL;
}

static void write_line(const char *subject, const char *what, const char *detail, uint64_t offset,
                       const char *hint)
{
    (void)fputs("spoolray: ", stderr);
    if (subject != NULL && subject[0] != '\0') {
        spr_escape_string(stderr, subject);
        (void)fputs(": ", stderr);
    }
    spr_escape_string(stderr, what);
    if (offset != 0) {
        (void)fprintf(stderr, " at offset %llu", (unsigned long long)offset);
    }
    if (detail != NULL && detail[0] != '\0') {
        (void)fputs(": ", stderr);
        spr_escape_string(stderr, detail);
    }
    if (hint != NULL) {
        (void)fputs(" (", stderr);
        spr_escape_string(stderr, hint);
        (void)fputs(")", stderr);
    }
    (void)fputc('\n', stderr);
}

int spr_error_fault(int code, const struct spr_fault *fault, const char *hint)
{
    const bool told = fault != NULL && fault->code != 0;
    (void)fflush(stdout); /* main looks at its errors */
    write_line(told ? fault->subject : NULL, spr_strerror(code), told ? fault->detail : NULL,
               told && (code == SPR_E_CORRUPT || code == SPR_E_NEWER) ? fault->offset : 0,
               hint != NULL ? hint : hint_for(code));
    return code;
}

int spr_error_say(enum spr_exit exit_code, const char *subject, const char *what, const char *hint)
{
    (void)fflush(stdout); /* main looks at its errors */
    write_line(subject, what, NULL, 0, hint);
    return (int)exit_code;
}

int spr_error_query(int code, const struct spr_fault *fault, const char *query)
{
    if (code != SPR_E_SYNTAX) {
        return spr_error_fault(code, fault, NULL);
    }
    write_line(NULL, spr_strerror(code), fault->detail, 0, "spoolray query --help shows the terms");
    const struct spr_text whole = spr_text_string(query);
    const size_t column = fault->offset < whole.length ? (size_t)fault->offset : whole.length;
    (void)fputs("  ", stderr);
    spr_escape_write(stderr, whole);
    (void)fprintf(stderr, "\n%*s^\n",
                  (int)spr_escape_width((struct spr_text){ whole.bytes, column }) + 2, "");
    return code;
}

void spr_note(const struct spr_cli *cli, const char *subject, const char *what)
{
    if (!cli->quiet) {
        (void)fflush(stdout); /* main looks at its errors */
        write_line(subject, what, NULL, 0, NULL);
    }
}
