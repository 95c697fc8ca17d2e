/*
 * The table of built-in formats, alphabetical by name.
 */
#include "formats/format.h"

extern const struct spr_format spr_format_imail;
extern const struct spr_format spr_format_postfix;

const struct spr_format *const spr_formats[] = {
    &spr_format_imail,
    &spr_format_postfix,
    NULL,
};
