/* A batch's journal: read, or refused as damaged or newer. */
#include "core/batch/journal.h"
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct spr_batch *batch = NULL;
    struct spr_journal_position position;
    struct spr_fault fault = { 0 };
    int r =
        spr_journal_parse((struct spr_text){ bytes, length }, "fuzz", &batch, &position, &fault);
    if (r == 0) {
        spr_batch_free(batch);
    } else if (r != SPR_E_CORRUPT && r != SPR_E_NEWER && r != -ENOMEM) {
        abort();
    }
    return 0;
}
