/*
 * One walk over columns; times and hashes are sorted to tell spans and distinct values.
 */
#include "core/query/profile.h"

#include "core/index/address.h"
#include "core/index/hash.h"
#include "core/query/bitmap.h"

#include <errno.h>
#include <string.h>

#define BURST_PART   90 /* per cent */
#define PEAK_SECONDS 60

/* A growing list of 64-bit numbers. */
struct numbers {
    uint64_t *items;
    size_t count, capacity;
};

static int add_number(struct numbers *numbers, uint64_t value)
{
    if (numbers->count == numbers->capacity) {
        const size_t capacity = numbers->capacity == 0 ? 1024 : numbers->capacity * 2;
        uint64_t *items = reallocarray(numbers->items, capacity, sizeof(*items));
        if (items == NULL) {
            return -ENOMEM;
        }
        numbers->items = items;
        numbers->capacity = capacity;
    }
    numbers->items[numbers->count++] = value;
    return 0;
}

static int compare_numbers(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left;
    const uint64_t b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static void sort_numbers(struct numbers *numbers)
{
    if (numbers->count > 0) {
        qsort(numbers->items, numbers->count, sizeof(*numbers->items), compare_numbers);
    }
}

/* Times are kept as unsigned numbers in the same order. */
static uint64_t from_time(int64_t time)
{
    return (uint64_t)time ^ (UINT64_C(1) << 63);
}

static int64_t to_time(uint64_t number)
{
    return (int64_t)(number ^ (UINT64_C(1) << 63));
}

static void measure_times(struct spr_profile *profile, struct numbers *times)
{
    sort_numbers(times);
    if (times->count == 0) {
        return;
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
}

static int take_recipients(struct spr_segment_reader *reader, uint32_t row,
                           struct spr_profile *profile, struct spr_fault *fault)
{
    const struct spr_segment_recipient *recipients = NULL;
    uint32_t count = 0;
    const int r = spr_segment_recipients(reader, row, &recipients, &count, fault);
    if (r < 0) {
        return r;
    }
    profile->recipients += count;
    profile->fanout[count < SPR_FANOUT_STEPS ? count : SPR_FANOUT_STEPS - 1]++;
    for (uint32_t i = 0; i < count; i++) {
        profile->pending += recipients[i].state == SPR_RECIPIENT_PENDING ? 1 : 0;
    }
    return 0;
}

static int take_row(struct spr_segment_reader *reader, uint32_t row, struct spr_profile *profile,
                    struct numbers *times, struct spr_fault *fault)
{
    struct spr_segment_facts facts;
    int64_t arrival = 0;
    int64_t size = 0;
    int r = spr_segment_facts(reader, row, &facts, fault);
    if (r < 0) {
        return r;
    }
    r = spr_segment_number(reader, row, SPR_NUMBER_ARRIVAL, &arrival, fault);
    if (r < 0) {
        return r;
    }
    r = spr_segment_number(reader, row, SPR_NUMBER_SIZE, &size, fault);
    if (r < 0) {
        return r;
    }
    r = take_recipients(reader, row, profile, fault);
    if (r < 0) {
        return r;
    }
    profile->messages++;
    profile->bytes += size > 0 ? (uint64_t)size : 0;
    profile->bounces += (facts.flags & SPR_MESSAGE_BOUNCE) != 0 ? 1 : 0;
    profile->header_only += facts.auth_source == SPR_AUTH_HEADER ? 1 : 0;
    if ((unsigned)facts.state <= SPR_STATE_CORRUPT) {
        profile->states[facts.state]++;
    }
    return arrival != SPR_TIME_UNKNOWN ? add_number(times, from_time(arrival)) : 0;
}

int spr_profile_take(const struct spr_snapshot *snapshot, uint64_t *const *rows,
                     struct spr_profile *ret_profile, struct spr_fault *fault)
{
    struct numbers times = { NULL, 0, 0 };
    struct spr_profile profile = {
        .first = SPR_TIME_UNKNOWN,
        .last = SPR_TIME_UNKNOWN,
        .burst_start = SPR_TIME_UNKNOWN,
        .burst_end = SPR_TIME_UNKNOWN,
    };
    int r = 0;
    for (uint32_t i = 0; i < snapshot->manifest->segment_count && r == 0; i++) {
        const uint32_t count = spr_segment_count(snapshot->segments[i]);
        struct spr_segment_reader *reader = NULL;
        if (spr_bitmap_empty(rows[i], count)) {
            continue;
        }
        r = spr_segment_reader_new(snapshot->segments[i], &reader);
        for (uint32_t row = spr_bitmap_next(rows[i], count, 0); row < count && r == 0;
             row = spr_bitmap_next(rows[i], count, row + 1)) {
            r = take_row(reader, row, &profile, &times, fault);
        }
        spr_segment_reader_free(reader);
    }
    if (r == 0) {
        measure_times(&profile, &times);
        *ret_profile = profile;
    }
    free(times.items);
    return r;
}

/* The addresses of one segment that occur, hashed in normal form. */
struct occurring {
    uint64_t *ids; /* bitmap */
    uint32_t string_count;
    uint64_t seed;
    struct numbers *hashes;
    int error;
};

static int on_string(uint32_t id, struct spr_text text, void *user)
{
    struct occurring *occurring = user;
    if (id < occurring->string_count && spr_bitmap_has(occurring->ids, id)) {
        uint8_t form[SPR_ADDRESS_MAX];
        const size_t length = spr_address_normalise(text, form);
        occurring->error = add_number(occurring->hashes, spr_hash64(form, length, occurring->seed));
    }
    return occurring->error < 0 ? 1 : 0;
}

static int mark_addresses(struct spr_segment_reader *reader, const uint64_t *rows, uint32_t count,
                          struct occurring *occurring, struct spr_fault *fault)
{
    for (uint32_t row = spr_bitmap_next(rows, count, 0); row < count;
         row = spr_bitmap_next(rows, count, row + 1)) {
        const struct spr_segment_recipient *recipients = NULL;
        uint32_t recipient_count = 0;
        const int r = spr_segment_recipients(reader, row, &recipients, &recipient_count, fault);
        if (r < 0) {
            return r;
        }
        for (uint32_t i = 0; i < recipient_count; i++) {
            if (recipients[i].address < occurring->string_count) {
                spr_bitmap_set(occurring->ids, recipients[i].address);
            }
        }
    }
    return 0;
}

static int hash_segment(const struct spr_segment *segment, const uint64_t *rows, uint64_t seed,
                        struct numbers *hashes, struct spr_fault *fault)
{
    const uint32_t count = spr_segment_count(segment);
    struct occurring occurring = { NULL, spr_segment_string_count(segment), seed, hashes, 0 };
    struct spr_segment_reader *reader = NULL;
    if (spr_bitmap_empty(rows, count)) {
        return 0;
    }
    int r = -ENOMEM;
    occurring.ids = spr_bitmap_new(occurring.string_count);
    if (occurring.ids == NULL) {
        goto done;
    }
    r = spr_segment_reader_new(segment, &reader);
    if (r < 0) {
        goto done;
    }
    r = mark_addresses(reader, rows, count, &occurring, fault);
    if (r < 0) {
        goto done;
    }
    r = spr_segment_strings(reader, spr_segment_ids_of_recipients(segment), on_string, &occurring,
                            fault);
    if (occurring.error < 0) {
        r = occurring.error;
    }

done:
    spr_segment_reader_free(reader);
    free(occurring.ids);
    return r < 0 ? r : 0;
}

int spr_profile_distinct(const struct spr_snapshot *snapshot, uint64_t *const *rows,
                         uint64_t *ret_count, struct spr_fault *fault)
{
    struct numbers hashes = { NULL, 0, 0 };
    int r = 0;
    for (uint32_t i = 0; i < snapshot->manifest->segment_count && r == 0; i++) {
        r = hash_segment(snapshot->segments[i], rows[i], snapshot->manifest->secret.seed, &hashes,
                         fault);
    }
    if (r == 0) {
        sort_numbers(&hashes);
        uint64_t distinct = hashes.count > 0 ? 1 : 0;
        for (size_t i = 1; i < hashes.count; i++) {
            distinct += hashes.items[i] != hashes.items[i - 1] ? 1 : 0;
        }
        *ret_count = distinct;
    }
    free(hashes.items);
    return r;
}
