/*
 * One message of a format from fuzzed bytes: the files of its roles follow each other, with four
 * zero bytes between them. Everything the format does with foreign bytes is done.
 */
#ifndef SPR_TESTS_FUZZ_FORMAT_TARGET_H
#define SPR_TESTS_FUZZ_FORMAT_TARGET_H

#include <stddef.h>
#include <stdint.h>

void fuzz_format(const char *format_name, const uint8_t *bytes, size_t length);

#endif
