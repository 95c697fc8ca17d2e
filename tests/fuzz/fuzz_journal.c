/* A batch's journal, as it stands and with its frames' numbers and checksums set right: read, or
 * refused as damaged or newer; what was read keeps to its own bounds. */
#include "core/batch/journal.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/seal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static struct spr_text text_of(const char *text)
{
    return (struct spr_text){ (const uint8_t *)text, strlen(text) };
}

/* What recover relies on without asking again. */
static void check_batch(const struct spr_batch *batch)
{
    for (uint32_t i = 0; i < batch->dir_count; i++) {
        must(spr_relative_path_valid(text_of(batch->dirs[i].path)));
    }
    for (uint32_t i = 0; i < batch->file_count; i++) {
        const struct spr_batch_file *file = &batch->files[i];
        must(file->message < batch->message_count && file->from_dir < batch->dir_count);
        must(file->way == SPR_WAY_LEAVE || file->to_dir < batch->dir_count);
        must(spr_name_valid(text_of(file->from)));
        must(file->way != SPR_WAY_TAKE || spr_slot_name_valid(text_of(file->to)));
        must(file->way != SPR_WAY_PUT || spr_name_valid(text_of(file->to)));
    }
    for (uint32_t i = 0; i < batch->message_count; i++) {
        const struct spr_batch_message *message = &batch->messages[i];
        must(message->first_file <= batch->file_count &&
             message->file_count <= batch->file_count - message->first_file);
    }
}

static void parse(const uint8_t *bytes, size_t length)
{
    struct spr_batch *batch = NULL;
    struct spr_journal_position position;
    struct spr_fault fault = { 0 };
    const int r =
        spr_journal_parse((struct spr_text){ bytes, length }, "fuzz", &batch, &position, &fault);
    if (r == 0) {
        must(position.offset <= length);
        if (position.state != SPR_JOURNAL_TORN) {
            check_batch(batch);
        }
        spr_batch_free(batch);
    } else {
        must(r == SPR_E_CORRUPT || r == SPR_E_NEWER || r == -ENOMEM);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    uint8_t *copy = malloc(length > 0 ? length : 1);
    if (copy == NULL) {
        return 0;
    }
    if (length > 0) {
        memcpy(copy, bytes, length);
    }
    parse(copy, length);
    seal_journal(copy, length);
    parse(copy, length);
    free(copy);
    return 0;
}
