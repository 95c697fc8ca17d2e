/*
 * Where our own state lies: one sub-directory per spool in /var/lib/spoolray as root, else in
 * $XDG_STATE_HOME/spoolray; in /run/spoolray or $XDG_RUNTIME_DIR/spoolray where that is full or
 * read-only, and we say so.
 */
#ifndef SPR_TOOLS_STATE_H
#define SPR_TOOLS_STATE_H

#include "tools/cli.h"

/* The index directory for a spool; to be freed. fallback asks for the second place at once. 0, or
 * an exit code or negative result whose error line is printed. The parent exists when this returns.
 */
int spr_state_choose(const struct spr_cli *cli, const char *spool_root, bool fallback,
                     char **ret_dir);
/* The same without a look at the place or a word about it: NULL where there is none. */
char *spr_state_usual(const struct spr_cli *cli, const char *spool_root);
/* Is there a second place to go to when the first is full or read-only? */
bool spr_state_has_fallback(const struct spr_cli *cli);
/* Would another place help? */
bool spr_state_is_full(int code);

#endif
