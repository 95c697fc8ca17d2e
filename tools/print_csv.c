/*
 * Comma-separated values.
 */
#include "tools/print_csv.h"

#include "tools/escape.h"

#include <stdbool.h>
#include <string.h>

void spr_csv_text(FILE *out, struct spr_text text)
{
    bool quoted = false;
    for (size_t i = 0; i < text.length && !quoted; i++) {
        quoted = text.bytes[i] == '"' || text.bytes[i] == ',' || text.bytes[i] == ' ';
    }
    const bool formula =
        text.length > 0 && text.bytes[0] != '\0' && strchr("=+-@", text.bytes[0]) != NULL;
    (void)fputs(quoted ? "\"" : "", out);
    (void)fputs(formula ? "'" : "", out);
    size_t from = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (text.bytes[i] == '"') {
            spr_escape_write(out, (struct spr_text){ text.bytes + from, i - from });
            (void)fputs("\"\"", out);
            from = i + 1;
        }
    }
    if (from < text.length) {
        spr_escape_write(out, (struct spr_text){ text.bytes + from, text.length - from });
    }
    (void)fputs(quoted ? "\"" : "", out);
}
