/*
 * One walk over columns, a block of rows at a time; times and hashes are sorted to tell spans and
 * distinct values.
 */
#include "core/query/profile.h"

#include "core/index/address.h"
#include "core/index/hash.h"
#include "core/query/bitmap.h"
#include "core/query/integers.h"
#include "core/query/recipients.h"

#include <errno.h>
#include <string.h>

#define BURST_PART   90 /* per cent */
#define PEAK_SECONDS 60

/* Times are kept as unsigned numbers in the same order. */
static uint64_t from_time(int64_t time)
{
    return (uint64_t)time ^ (UINT64_C(1) << 63);
}

static int64_t to_time(uint64_t number)
{
    return (int64_t)(number ^ (UINT64_C(1) << 63));
}

static int measure_times(struct spr_profile *profile, struct spr_integers *times)
{
    const int r = times->count > 0 ? spr_integers_sort(times) : 0;
    if (r < 0 || times->count == 0) {
        return r;
    }
    const uint64_t *t = times->items;
    profile->first = to_time(t[0]);
    profile->last = to_time(t[times->count - 1]);
    const size_t wanted = (times->count * BURST_PART + 99) / 100;
    size_t best = 0;
    for (size_t i = 0; i + wanted <= times->count; i++) {
        if (t[i + wanted - 1] - t[i] < t[best + wanted - 1] - t[best]) {
            best = i;
        }
    }
    profile->burst_start = to_time(t[best]);
    profile->burst_end = to_time(t[best + wanted - 1]);
    size_t from = 0;
    for (size_t i = 0; i < times->count; i++) {
        while (t[i] - t[from] >= PEAK_SECONDS) {
            from++;
        }
        if (i - from + 1 > profile->peak) {
            profile->peak = i - from + 1;
        }
    }
    return 0;
}

/* What is asked of every row, for a block of them. */
struct block {
    uint32_t facts[SPR_ROW_RECIPIENTS + 1][SPR_SEGMENT_BLOCK];
    int64_t arrival[SPR_SEGMENT_BLOCK], size[SPR_SEGMENT_BLOCK];
    uint64_t first_recipient;
};

struct walk {
    const struct spr_segment *segment;
    const uint64_t *rows;
    struct spr_segment_reader *reader;
    struct spr_recipients recipients;
    struct block block;
    struct spr_profile profile;
    struct spr_integers times;
    struct spr_fault *fault;
};

static int load_block(struct walk *walk, uint32_t first, uint32_t count)
{
    struct block *block = &walk->block;
    int r = spr_segment_first_recipient(walk->reader, first, &block->first_recipient, walk->fault);
    for (unsigned fact = 0; r == 0 && fact <= SPR_ROW_RECIPIENTS; fact++) {
        r = spr_segment_fact_values(walk->reader, (enum spr_segment_fact)fact, first, count,
                                    block->facts[fact], walk->fault);
    }
    if (r == 0) {
        r = spr_segment_numbers(walk->reader, SPR_NUMBER_ARRIVAL, first, count, block->arrival,
                                walk->fault);
    }
    if (r == 0) {
        r = spr_segment_numbers(walk->reader, SPR_NUMBER_SIZE, first, count, block->size,
                                walk->fault);
    }
    return r;
}

static int take_recipients(struct walk *walk, uint64_t first, uint32_t count)
{
    struct spr_profile *profile = &walk->profile;
    profile->recipients += count;
    profile->fanout[count < SPR_FANOUT_STEPS ? count : SPR_FANOUT_STEPS - 1]++;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t state = 0;
        const int r = spr_recipients_at(&walk->recipients, first + i, &state, walk->fault);
        if (r < 0) {
            return r;
        }
        profile->pending += state == SPR_RECIPIENT_PENDING ? 1 : 0;
    }
    return 0;
}

static int take_row(struct walk *walk, uint32_t index, uint64_t first_recipient)
{
    const struct block *block = &walk->block;
    struct spr_profile *profile = &walk->profile;
    const int64_t arrival = block->arrival[index];
    profile->messages++;
    profile->bytes += block->size[index] > 0 ? (uint64_t)block->size[index] : 0;
    profile->bounces += (block->facts[SPR_ROW_FLAGS][index] & SPR_MESSAGE_BOUNCE) != 0 ? 1 : 0;
    profile->header_only += block->facts[SPR_ROW_AUTH_SOURCE][index] == SPR_AUTH_HEADER ? 1 : 0;
    profile->states[block->facts[SPR_ROW_STATE][index]]++; /* checked where it is read */
    const int r = take_recipients(walk, first_recipient, block->facts[SPR_ROW_RECIPIENTS][index]);
    return r < 0 || arrival == SPR_TIME_UNKNOWN
               ? r
               : spr_integers_add(&walk->times, from_time(arrival));
}

static int take_block(struct walk *walk, uint32_t first, uint32_t count)
{
    if (spr_bitmap_next(walk->rows, first + count, first) == first + count) {
        return 0;
    }
    int r = load_block(walk, first, count);
    uint64_t recipient = walk->block.first_recipient;
    for (uint32_t i = 0; r == 0 && i < count; i++) {
        if (spr_bitmap_has(walk->rows, first + i)) {
            r = take_row(walk, i, recipient);
        }
        recipient += walk->block.facts[SPR_ROW_RECIPIENTS][i];
    }
    return r;
}

static int take_segment(struct walk *walk)
{
    const uint32_t rows = spr_segment_count(walk->segment);
    if (spr_bitmap_empty(walk->rows, rows)) {
        return 0;
    }
    int r = spr_segment_reader_new(walk->segment, &walk->reader);
    if (r < 0) {
        return r;
    }
    spr_recipients_init(&walk->recipients, walk->segment, walk->reader, SPR_RCPT_STATE_NUMBER);
    for (uint32_t first = 0; r == 0 && first < rows; first += SPR_SEGMENT_BLOCK) {
        r = take_block(walk, first,
                       rows - first < SPR_SEGMENT_BLOCK ? rows - first : SPR_SEGMENT_BLOCK);
    }
    spr_segment_reader_free(walk->reader);
    return r;
}

int spr_profile_take(const struct spr_snapshot *snapshot, uint64_t *const *rows,
                     struct spr_profile *ret_profile, struct spr_fault *fault)
{
    struct walk *walk = calloc(1, sizeof(*walk));
    if (walk == NULL) {
        return -ENOMEM;
    }
    walk->fault = fault;
    walk->profile.first = SPR_TIME_UNKNOWN;
    walk->profile.last = SPR_TIME_UNKNOWN;
    walk->profile.burst_start = SPR_TIME_UNKNOWN;
    walk->profile.burst_end = SPR_TIME_UNKNOWN;
    int r = 0;
    for (uint32_t i = 0; i < snapshot->manifest->segment_count && r == 0; i++) {
        walk->segment = snapshot->segments[i];
        walk->rows = rows[i];
        r = take_segment(walk);
    }
    if (r == 0) {
        r = measure_times(&walk->profile, &walk->times);
    }
    if (r == 0) {
        *ret_profile = walk->profile;
    }
    spr_integers_free(&walk->times);
    free(walk);
    return r;
}

/* ---- Distinct recipients --------------------------------------------------------------------- */

/* The addresses of one segment that occur, hashed in normal form. */
struct occurring {
    const struct spr_segment *segment;
    const uint64_t *rows;
    uint64_t *ids; /* bitmap */
    uint64_t seed;
    struct spr_integers *hashes;
    struct spr_recipients recipients;
    int error;
    struct spr_fault *fault;
};

static int on_string(uint32_t id, struct spr_text text, void *user)
{
    struct occurring *occurring = user;
    if (spr_bitmap_has(occurring->ids, id)) {
        uint8_t form[SPR_ADDRESS_MAX];
        const size_t length = spr_address_normalise(text, form);
        occurring->error =
            spr_integers_add(occurring->hashes, spr_hash64(form, length, occurring->seed));
    }
    return occurring->error < 0 ? 1 : 0;
}

static int mark_addresses(struct occurring *occurring, uint64_t first, uint32_t count)
{
    const uint32_t strings = spr_segment_string_count(occurring->segment);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t id = SPR_STRING_NONE;
        const int r = spr_recipients_at(&occurring->recipients, first + i, &id, occurring->fault);
        if (r < 0) {
            return r;
        }
        if (id < strings) {
            spr_bitmap_set(occurring->ids, id);
        }
    }
    return 0;
}

static int mark_rows(struct occurring *occurring, struct spr_segment_reader *reader)
{
    const uint32_t rows = spr_segment_count(occurring->segment);
    uint32_t counts[SPR_SEGMENT_BLOCK];
    int r = 0;
    for (uint32_t first = 0; r == 0 && first < rows; first += SPR_SEGMENT_BLOCK) {
        const uint32_t count = rows - first < SPR_SEGMENT_BLOCK ? rows - first : SPR_SEGMENT_BLOCK;
        uint64_t recipient = 0;
        if (spr_bitmap_next(occurring->rows, first + count, first) == first + count) {
            continue;
        }
        r = spr_segment_first_recipient(reader, first, &recipient, occurring->fault);
        if (r == 0) {
            r = spr_segment_fact_values(reader, SPR_ROW_RECIPIENTS, first, count, counts,
                                        occurring->fault);
        }
        for (uint32_t i = 0; r == 0 && i < count; i++) {
            if (spr_bitmap_has(occurring->rows, first + i)) {
                r = mark_addresses(occurring, recipient, counts[i]);
            }
            recipient += counts[i];
        }
    }
    return r;
}

static int hash_segment(struct occurring *occurring)
{
    const struct spr_segment *segment = occurring->segment;
    struct spr_segment_reader *reader = NULL;
    if (spr_bitmap_empty(occurring->rows, spr_segment_count(segment))) {
        return 0;
    }
    int r = -ENOMEM;
    occurring->ids = spr_bitmap_new(spr_segment_string_count(segment));
    if (occurring->ids == NULL) {
        goto done;
    }
    r = spr_segment_reader_new(segment, &reader);
    if (r < 0) {
        goto done;
    }
    spr_recipients_init(&occurring->recipients, segment, reader, SPR_RCPT_ADDRESS_ID);
    r = mark_rows(occurring, reader);
    if (r < 0) {
        goto done;
    }
    r = spr_segment_strings(reader, spr_segment_ids_of_recipients(segment), on_string, occurring,
                            occurring->fault);
    if (occurring->error < 0) {
        r = occurring->error;
    }

done:
    spr_segment_reader_free(reader);
    free(occurring->ids);
    occurring->ids = NULL;
    return r < 0 ? r : 0;
}

int spr_profile_distinct(const struct spr_snapshot *snapshot, uint64_t *const *rows,
                         uint64_t *ret_count, struct spr_fault *fault)
{
    struct spr_integers hashes = { NULL, 0, 0 };
    struct occurring *occurring = calloc(1, sizeof(*occurring));
    if (occurring == NULL) {
        return -ENOMEM;
    }
    occurring->seed = snapshot->manifest->secret.seed;
    occurring->hashes = &hashes;
    occurring->fault = fault;
    int r = 0;
    for (uint32_t i = 0; i < snapshot->manifest->segment_count && r == 0; i++) {
        occurring->segment = snapshot->segments[i];
        occurring->rows = rows[i];
        r = hash_segment(occurring);
    }
    if (r == 0) {
        r = spr_integers_distinct(&hashes, ret_count);
    }
    spr_integers_free(&hashes);
    free(occurring);
    return r;
}
