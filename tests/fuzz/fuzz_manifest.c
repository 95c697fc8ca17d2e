/* The manifest's stored form, as it stands and with its checksum set right: decoded, or refused as
 * damaged or newer. */
#include "core/index/manifest.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/seal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void decode_bytes(const uint8_t *bytes, size_t length)
{
    struct spr_manifest *manifest = NULL;
    struct spr_fault fault = { 0 };
    int r = spr_manifest_decode((struct spr_text){ bytes, length }, &manifest, &fault);
    if (r == 0) {
        spr_manifest_free(manifest);
    } else if (r != SPR_E_CORRUPT && r != SPR_E_NEWER && r != -ENOMEM) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    uint8_t *copy = malloc(length > 0 ? length : 1);
    if (copy == NULL) {
        return 0;
    }
    memcpy(copy, bytes, length);
    decode_bytes(copy, length);
    seal_manifest(copy, length);
    decode_bytes(copy, length);
    free(copy);
    return 0;
}
