/*
 * Comma-separated values.
 */
#include "tools/print_csv.h"

#include "tools/escape.h"

static bool needs_quotes(struct spr_text text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text.bytes[i] == '"' || text.bytes[i] == ',' || text.bytes[i] == ' ') {
            return true;
        }
    }
    return false;
}

void spr_csv_text(struct spr_out *out, struct spr_text text)
{
    if (text.length == 0) {
        return;
    }
    const bool quoted = needs_quotes(text);
    const bool formula = text.bytes[0] != '\0' && strchr("=+-@", text.bytes[0]) != NULL;
    spr_out_bytes(out, "\"", quoted ? 1 : 0);
    spr_out_bytes(out, "'", formula ? 1 : 0);
    size_t from = 0;
    const uint8_t *quote;
    while (quoted && (quote = memchr(text.bytes + from, '"', text.length - from)) != NULL) {
        const size_t at = (size_t)(quote - text.bytes);
        spr_escape_text(out, (struct spr_text){ text.bytes + from, at - from });
        spr_out_bytes(out, "\"\"", 2);
        from = at + 1;
    }
    spr_escape_text(out, (struct spr_text){ text.bytes + from, text.length - from });
    spr_out_bytes(out, "\"", quoted ? 1 : 0);
}
