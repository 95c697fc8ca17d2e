/*
 * A format for tests: pairs of files in one folder and its sub-folders, locks, logs.
 *
 * Q<stem>.<ext> control, D<stem>.<ext> data (required), L<stem>.lck lock of all of that stem, *.log
 * logs, *.tmp being written, everything else foreign; case does not count. Control lines: S sender,
 * R recipient, A account, G log session, W (asks for the data file), ! (malformed), ? (unfinished),
 * * (asks without end). Log lines: session SP account SP Unix seconds.
 */
#ifndef SPR_TESTS_SUPPORT_TOY_FORMAT_H
#define SPR_TESTS_SUPPORT_TOY_FORMAT_H

#include "formats/format.h"

extern const struct spr_format toy_format;
/* Says it is as sure as Postfix of the same folder. */
extern const struct spr_format toy_rival;

#endif
