/*
 * What all stages ask of the library: the caller's options, and which formats there are.
 */
#ifndef SPR_CORE_LIBRARY_H
#define SPR_CORE_LIBRARY_H

#include "core/spoolray.h"

/* Copies as much of the caller's options as both know; NULL: the defaults. */
struct spr_options spr_options_take(const struct spr_options *options);
/* The number-th format, extra ones before built-in ones; NULL at the end. Those that were made for
 * another contract are passed over. options may be NULL. */
const struct spr_format *spr_format_at(const struct spr_options *options, unsigned number);
/* NULL: not known. name may be NULL. */
const struct spr_format *spr_format_named(const struct spr_options *options, const char *name);
/* Which of the format's folders the folder at path is or lies in; false: none. */
bool spr_format_dir_of(const struct spr_format *format, struct spr_text path, unsigned *ret_dir);

#endif
