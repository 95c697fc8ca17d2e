/*
 * The table of built-in formats, alphabetical by name.
 */
#include "formats/format.h"

const struct spr_format *const spr_formats[] = {
    NULL,
};
