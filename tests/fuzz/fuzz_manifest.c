/* The manifest's stored form: decoded, or refused as damaged or newer. */
#include "core/index/manifest.h"
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct spr_manifest *manifest = NULL;
    struct spr_fault fault = { 0 };
    int r = spr_manifest_decode((struct spr_text){ bytes, length }, &manifest, &fault);
    if (r == 0) {
        spr_manifest_free(manifest);
    } else if (r != SPR_E_CORRUPT && r != SPR_E_NEWER && r != -ENOMEM) {
        abort();
    }
    return 0;
}
