/*
 * The expression of a command, compiled.
 */
#include "tools/selection.h"

#include "tools/errors.h"

#include <errno.h>
#include <stdlib.h>

int spr_selection_compile(const struct spr_cli *cli, unsigned first, char **ret_text,
                          struct spr_query **ret_query)
{
    const uint32_t flags =
        (spr_args_on(cli->args, SPR_OPT_CASE) ? SPR_QUERY_CASE : 0u) |
        (spr_args_on(cli->args, SPR_OPT_TRUST_HEADERS) ? SPR_QUERY_TRUST_HEADERS : 0u);
    struct spr_fault fault = { .code = 0 };
    char *text = spr_args_join(cli->args, first);
    if (text == NULL) {
        return spr_error_fault(-ENOMEM, NULL, NULL);
    }
    const int r = spr_query_compile(text, flags, ret_query, &fault);
    if (r < 0) {
        (void)spr_error_query(r, &fault, text);
        free(text);
        return r;
    }
    *ret_text = text;
    return 0;
}
