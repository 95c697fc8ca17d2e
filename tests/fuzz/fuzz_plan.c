/* A plan's file: read, or refused as damaged; behind its checksum too. */
#include "core/batch/plan.h"
#include "core/index/hash.h"
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void parse(const uint8_t *bytes, size_t length)
{
    struct spr_plan *plan = NULL;
    const int r = spr_plan_parse((struct spr_text){ bytes, length }, &plan, NULL);
    if (r == 0) {
        struct spr_plan_names names;
        for (uint64_t i = 0; i < plan->count; i++) {
            spr_plan_names(plan, &plan->entries[i], &names);
        }
        spr_plan_free(plan);
    } else if (r != SPR_E_CORRUPT && r != -ENOMEM && r != -E2BIG) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const char HEAD[] = "spoolray plan 1\naction: delete\n";
    char last[64];
    parse(bytes, length);

    const uint64_t seed = spr_hash64(HEAD, sizeof(HEAD) - 1, 0);
    const int line = snprintf(last, sizeof(last), "body %zu %016" PRIx64 "\n", length,
                              spr_hash64(bytes, length, seed));
    const size_t head = sizeof(HEAD) - 1 + (size_t)line;
    uint8_t *whole = malloc(head + length);
    if (whole == NULL) {
        return 0;
    }
    memcpy(whole, HEAD, sizeof(HEAD) - 1);
    memcpy(whole + sizeof(HEAD) - 1, last, (size_t)line);
    if (length > 0) {
        memcpy(whole + head, bytes, length);
    }
    parse(whole, head + length);
    free(whole);
    return 0;
}
