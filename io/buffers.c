/*
 * A fixed pool of read buffers.
 *
 *  (1) taken[] has a bit for each unit: set from take to give.
 *  (2) units[u] is the length in units of the buffer that begins at u, 0 where none begins.
 *  (3) No unit below the word lowest is free.
 *  (4) Once something was abandoned the mapping is never unmapped: the kernel may write to it.
 */
#include "io/buffers.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* What is not taken is poisoned under the address sanitizer: a completion read after its release
 * shows. */
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(bytes, length)   ((void)(bytes), (void)(length))
#define ASAN_UNPOISON_MEMORY_REGION(bytes, length) ((void)(bytes), (void)(length))
#endif

enum { WORD_BITS = 64 };

struct spr_buffers {
    uint8_t *bytes;
    uint32_t unit_count;
    uint32_t lowest; /* (3) */
    bool has_abandoned;
    uint64_t *taken;
    uint16_t *units;
};

int spr_buffers_new(size_t bytes, struct spr_buffers **ret_buffers)
{
    const size_t unit_count = (bytes + SPR_BUFFER_UNIT - 1) / SPR_BUFFER_UNIT;
    if (unit_count == 0 || unit_count > UINT16_MAX) {
        return -EINVAL;
    }
    struct spr_buffers *buffers = calloc(1, sizeof(*buffers));
    if (buffers == NULL) {
        return -ENOMEM;
    }
    buffers->unit_count = (uint32_t)unit_count;
    buffers->taken = calloc(unit_count / WORD_BITS + 1, sizeof(buffers->taken[0]));
    buffers->units = calloc(unit_count, sizeof(buffers->units[0]));
    void *mapped = mmap(NULL, unit_count * SPR_BUFFER_UNIT, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    buffers->bytes = mapped != MAP_FAILED ? mapped : NULL;
    if (buffers->bytes != NULL) { /* a hint */
        (void)madvise(mapped, unit_count * SPR_BUFFER_UNIT, MADV_HUGEPAGE);
    }
    if (buffers->taken == NULL || buffers->units == NULL || buffers->bytes == NULL) {
        spr_buffers_free(buffers);
        return -ENOMEM;
    }
    ASAN_POISON_MEMORY_REGION(buffers->bytes, spr_buffers_size(buffers));
    *ret_buffers = buffers;
    return 0;
}

void spr_buffers_free(struct spr_buffers *buffers)
{
    if (buffers == NULL) {
        return;
    }
    if (buffers->bytes != NULL && !buffers->has_abandoned) { /* (4) */
        ASAN_UNPOISON_MEMORY_REGION(buffers->bytes, spr_buffers_size(buffers));
        (void)munmap(buffers->bytes, spr_buffers_size(buffers)); /* our own mapping */
    }
    free(buffers->taken);
    free(buffers->units);
    free(buffers);
}

static bool is_taken(const struct spr_buffers *buffers, uint32_t unit)
{
    return (buffers->taken[unit / WORD_BITS] >> (unit % WORD_BITS) & 1) != 0;
}

static void mark(struct spr_buffers *buffers, uint32_t first, uint32_t count, bool taken)
{
    for (uint32_t unit = first; unit < first + count; unit++) {
        const uint64_t bit = UINT64_C(1) << (unit % WORD_BITS);
        uint64_t *word = &buffers->taken[unit / WORD_BITS];
        *word = taken ? *word | bit : *word & ~bit;
    }
}

/* The first free unit, or unit_count. */
static uint32_t find_free_unit(const struct spr_buffers *buffers)
{
    for (uint32_t word = buffers->lowest; word <= buffers->unit_count / WORD_BITS; word++) {
        if (buffers->taken[word] != UINT64_MAX) {
            const uint32_t unit =
                word * WORD_BITS + (uint32_t)__builtin_ctzll(~buffers->taken[word]);
            return unit < buffers->unit_count ? unit : buffers->unit_count;
        }
    }
    return buffers->unit_count;
}

/* The first run of count free units, or unit_count. */
static uint32_t find_free(const struct spr_buffers *buffers, uint32_t count)
{
    uint32_t run = 0;
    for (uint32_t unit = buffers->lowest * WORD_BITS; unit < buffers->unit_count;) {
        if (unit % WORD_BITS == 0 && buffers->taken[unit / WORD_BITS] == UINT64_MAX) {
            run = 0;
            unit += WORD_BITS;
            continue;
        }
        run = is_taken(buffers, unit) ? 0 : run + 1;
        unit++;
        if (run == count) {
            return unit - count;
        }
    }
    return buffers->unit_count;
}

static void raise_lowest(struct spr_buffers *buffers)
{
    while (buffers->lowest < buffers->unit_count / WORD_BITS &&
           buffers->taken[buffers->lowest] == UINT64_MAX) {
        buffers->lowest++;
    }
}

uint8_t *spr_buffers_take(struct spr_buffers *buffers, uint32_t length)
{
    const uint32_t count = length == 0 ? 1 : (length - 1) / SPR_BUFFER_UNIT + 1;
    if (count > buffers->unit_count) {
        return NULL;
    }
    const uint32_t first = count == 1 ? find_free_unit(buffers) : find_free(buffers, count);
    if (first == buffers->unit_count) {
        return NULL;
    }
    mark(buffers, first, count, true);
    buffers->units[first] = (uint16_t)count;
    raise_lowest(buffers);
    uint8_t *bytes = buffers->bytes + (size_t)first * SPR_BUFFER_UNIT;
    ASAN_UNPOISON_MEMORY_REGION(bytes, (size_t)count * SPR_BUFFER_UNIT);
    return bytes;
}

uint8_t *spr_buffers_take_extra(struct spr_buffers *buffers, uint32_t length)
{
    (void)buffers;
    const size_t count = length == 0 ? 1 : (length - 1) / SPR_BUFFER_UNIT + 1;
    return aligned_alloc(SPR_BUFFER_UNIT, count * SPR_BUFFER_UNIT);
}

static bool is_pooled(const struct spr_buffers *buffers, const uint8_t *bytes)
{
    return (uintptr_t)bytes >= (uintptr_t)buffers->bytes &&
           (uintptr_t)bytes < (uintptr_t)buffers->bytes + spr_buffers_size(buffers);
}

void spr_buffers_give(struct spr_buffers *buffers, const uint8_t *bytes)
{
    if (bytes == NULL) {
        return;
    }
    if (!is_pooled(buffers, bytes)) {
        free((void *)(uintptr_t)bytes); /* ours to write: readers only see it as const */
        return;
    }
    const uint32_t first = (uint32_t)((size_t)(bytes - buffers->bytes) / SPR_BUFFER_UNIT);
    assert(buffers->units[first] > 0); /* (2): given back once, and at its start */
    ASAN_POISON_MEMORY_REGION(bytes, (size_t)buffers->units[first] * SPR_BUFFER_UNIT);
    mark(buffers, first, buffers->units[first], false);
    buffers->units[first] = 0;
    if (first / WORD_BITS < buffers->lowest) {
        buffers->lowest = first / WORD_BITS;
    }
}

void spr_buffers_abandon(struct spr_buffers *buffers, uint8_t *bytes)
{
    if (is_pooled(buffers, bytes)) {
        buffers->has_abandoned = true; /* (4); its units stay taken */
    }
}

size_t spr_buffers_size(const struct spr_buffers *buffers)
{
    return (size_t)buffers->unit_count * SPR_BUFFER_UNIT;
}
