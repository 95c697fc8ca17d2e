/* What a fuzz target offers: the entry point that libFuzzer and the replay call. */
#ifndef SPR_TESTS_FUZZ_H
#define SPR_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

#endif
