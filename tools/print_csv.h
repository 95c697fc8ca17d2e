/*
 * Comma-separated values as RFC 4180 has them, with text from mail escaped.
 */
#ifndef SPR_TOOLS_PRINT_CSV_H
#define SPR_TOOLS_PRINT_CSV_H

#include "tools/out.h"

/* One value. Controls and bytes that are not UTF-8 are escaped as on a terminal; a value that a
 * spreadsheet would take for a formula gets an apostrophe in front. */
void spr_csv_text(struct spr_out *out, struct spr_text text);

#endif
