/*
 * Asking the server's own program for its settings.
 */
#ifndef SPR_CORE_SCAN_SETTINGS_H
#define SPR_CORE_SCAN_SETTINGS_H

#include "formats/format.h"

/* Runs format->hints->settings_command and refines *layout with its lines, but only when it speaks
 * of the spool at root. True when it did. Every failure of the program means: not asked. */
bool spr_settings_ask(const struct spr_format *format, const char *root, struct spr_layout *layout);

#endif
