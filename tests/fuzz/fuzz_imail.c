/* IMail: control file, arriving control file, data, data under filtering, lock. */
#include "tests/fuzz/format_target.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    fuzz_format("imail", bytes, length);
    return 0;
}
