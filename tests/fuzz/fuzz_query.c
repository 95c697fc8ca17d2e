/* Any text as a query: compiled, or refused with a column inside the text and a reason. */
#include "core/spoolray.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    char *text = malloc(length + 1);
    if (text == NULL) {
        return 0;
    }
    memcpy(text, bytes, length);
    text[length] = '\0';

    struct spr_query *query = NULL;
    struct spr_fault fault = { 0 };
    int r = spr_query_compile(text, 0, &query, &fault);
    if (r == 0) {
        (void)spr_query_is_everything(query); /* must only not crash */
        spr_query_free(query);
    } else if (query != NULL ||
               (r == SPR_E_SYNTAX && (fault.offset > strlen(text) || fault.detail[0] == '\0'))) {
        abort();
    }
    free(text);
    return 0;
}
