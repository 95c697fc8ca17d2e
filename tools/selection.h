/*
 * The expression of a command, compiled, and the query flags it runs under.
 */
#ifndef SPR_TOOLS_SELECTION_H
#define SPR_TOOLS_SELECTION_H

#include "tools/cli.h"

/* The words from first on as one query. 0, or a result whose error line is printed. *ret_text, to
 * be freed, is the expression as it was typed. */
int spr_selection_compile(const struct spr_cli *cli, unsigned first, char **ret_text,
                          struct spr_query **ret_query);

#endif
