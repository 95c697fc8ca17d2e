/* Postfix: queue file, then its logs. */
#include "tests/fuzz/format_target.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    fuzz_format("postfix", bytes, length);
    return 0;
}
