/* A segment, as it stands and with its checksums set right: every row, every string and every
 * look-up works, or is refused as damaged or newer. */
#include "core/index/segment_view.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/seal.h"
#include "tests/support/walk_segment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SEED     42 /* of the corpus */
#define ROWS_MAX 64

static void walk_bytes(const uint8_t *bytes, size_t length)
{
    const struct spr_index_secret secret = { .seed = SEED };
    struct spr_segment *segment = NULL;
    uint64_t digest;
    int r = spr_segment_over(bytes, length, &secret, &segment, NULL);
    if (r == 0) {
        r = walk_open_segment(segment, ROWS_MAX, &digest, NULL);
        spr_segment_close(segment);
    }
    if (r != 0 && r != SPR_E_CORRUPT && r != SPR_E_NEWER && r != -ENOMEM) {
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
    walk_bytes(copy, length);
    seal_segment(copy, length, SEED);
    walk_bytes(copy, length);
    free(copy);
    return 0;
}
