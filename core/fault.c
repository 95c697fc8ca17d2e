/*
 * Filling a struct spr_fault: bounded copies, long subjects shortened in the middle.
 */
#include "core/fault.h"

#include "formats/cursor.h"

#include <string.h>

static void copy_shortened(char *out, size_t size, struct spr_text text)
{
    if (text.length < size) {
        if (text.length > 0) {
            memcpy(out, text.bytes, text.length);
        }
        out[text.length] = '\0';
        return;
    }
    const size_t head = (size - 4) / 2;
    const size_t tail = size - 4 - head;
    memcpy(out, text.bytes, head);
    memcpy(out + head, "...", 3);
    memcpy(out + head + 3, text.bytes + text.length - tail, tail);
    out[size - 1] = '\0';
}

int spr_fault_text(struct spr_fault *fault, int code, struct spr_text subject, uint64_t offset,
                   const char *detail)
{
    if (fault == NULL) {
        return code;
    }
    fault->code = code;
    fault->offset = offset;
    copy_shortened(fault->subject, sizeof(fault->subject), subject);
    copy_shortened(fault->detail, sizeof(fault->detail), spr_text_of(detail));
    return code;
}

int spr_fault_set(struct spr_fault *fault, int code, const char *subject, uint64_t offset,
                  const char *detail)
{
    const char *text = subject != NULL ? subject : "";
    return spr_fault_text(fault, code, spr_text_of(text), offset, detail);
}
