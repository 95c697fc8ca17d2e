/*
 * Opening a journal: its file to bytes, and the tail behind its valid part cleaned for what
 * follows.
 */
#include "core/batch/journal.h"
#include "core/fault.h"
#include "io/own.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int read_whole(int fd, const char *where, uint8_t **ret_bytes, size_t *ret_length,
                      struct spr_fault *fault)
{
    uint64_t size = 0;
    int r = spr_own_size(fd, &size);
    if (r < 0) {
        return r;
    }
    if (size > SPR_JOURNAL_BYTES_MAX) {
        return spr_fault_set(fault, SPR_E_CORRUPT, where, 0, "a journal of at most 128 MiB");
    }
    uint8_t *bytes = malloc(size + 1);
    if (bytes == NULL) {
        return -ENOMEM;
    }
    r = spr_read_exact(fd, bytes, (size_t)size, 0);
    if (r < 0) {
        free(bytes);
        return r;
    }
    *ret_bytes = bytes;
    *ret_length = (size_t)size;
    return 0;
}

/* What was torn must not come to life behind frames appended later. */
static int zero_tail(int fd, const uint8_t *bytes, size_t length, uint64_t offset)
{
    static const uint8_t zeros[4096];
    bool dirty = false;
    for (uint64_t at = offset; at < length; at += sizeof(zeros)) {
        const size_t part = length - at < sizeof(zeros) ? (size_t)(length - at) : sizeof(zeros);
        if (memcmp(bytes + at, zeros, part) != 0) {
            const int r = spr_write_at(fd, zeros, part, at);
            if (r < 0) {
                return r;
            }
            dirty = true;
        }
    }
    return dirty ? spr_sync_data(fd) : 0;
}

int spr_journal_open(int batch_fd, const char *where, struct spr_batch **ret_batch,
                     enum spr_journal_state *ret_state, struct spr_journal **ret_journal,
                     struct spr_fault *fault)
{
    uint8_t *bytes = NULL;
    size_t length = 0;
    struct spr_batch *batch = NULL;
    struct spr_journal_position position = { 0 };

    const int fd = spr_own_open(batch_fd, SPR_JOURNAL_NAME, ret_journal != NULL);
    if (fd < 0) {
        return fd;
    }
    int r = read_whole(fd, where, &bytes, &length, fault);
    if (r < 0) {
        goto fail;
    }
    r = spr_journal_parse((struct spr_text){ bytes, length }, where, &batch, &position, fault);
    if (r < 0) {
        goto fail;
    }
    if (ret_journal != NULL) {
        r = zero_tail(fd, bytes, length, position.offset);
        if (r == 0) {
            r = spr_journal_continue(fd, batch->id, &position, ret_journal);
        }
        if (r < 0) {
            goto fail;
        }
    } else {
        (void)close(fd); /* read only: nothing can be lost */
    }
    free(bytes);
    *ret_batch = batch;
    *ret_state = position.state;
    return 0;

fail:
    free(bytes);
    spr_batch_free(batch);
    (void)close(fd); /* nothing was written that is not synced */
    return r;
}
