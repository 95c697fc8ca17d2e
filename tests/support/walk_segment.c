/*
 * Walking over a whole segment.
 */
#include "tests/support/walk_segment.h"

#include "core/index/address.h"
#include "core/index/hash.h"

#include <errno.h>
#include <stdlib.h>

struct walk {
    const struct spr_segment *segment;
    struct spr_segment_reader *reader;
    struct spr_fault *fault;
    uint64_t digest;
};

static void mix(struct walk *walk, const void *bytes, size_t length)
{
    walk->digest = spr_hash64(bytes, length, walk->digest);
}

static void mix_text(struct walk *walk, struct spr_text text)
{
    mix(walk, &text.length, sizeof(text.length));
    mix(walk, text.bytes, text.length);
}

static void mix_number(struct walk *walk, uint64_t number)
{
    mix(walk, &number, sizeof(number));
}

static int mix_string(uint32_t id, struct spr_text text, void *user)
{
    struct walk *walk = user;
    mix_number(walk, id);
    mix_text(walk, text);
    return 0;
}

static int look_up(struct walk *walk, enum spr_lookup lookup, struct spr_text text)
{
    if (text.bytes == NULL) {
        return 0;
    }
    const size_t words = spr_segment_count(walk->segment) / 64 + 1;
    uint64_t *rows = calloc(words, sizeof(*rows));
    if (rows == NULL) {
        return -ENOMEM;
    }
    const int r = spr_segment_lookup(walk->reader, lookup, text, rows, walk->fault);
    if (r == 0) {
        mix(walk, rows, words * sizeof(*rows));
    }
    free(rows);
    return r;
}

/* The record's texts are copied, since a look-up may end their life. */
static int look_up_form(struct walk *walk, enum spr_lookup lookup, struct spr_text text)
{
    uint8_t form[SPR_ADDRESS_MAX];
    if (text.bytes == NULL) {
        return 0;
    }
    return look_up(walk, lookup, (struct spr_text){ form, spr_address_normalise(text, form) });
}

static int walk_spot(struct walk *walk, uint32_t row)
{
    struct spr_segment_spot spot;
    const int r = spr_segment_spots(walk->reader, row, 1, &spot, walk->fault);
    if (r == 0) {
        mix_number(walk, spot.folder);
        mix_text(walk, (struct spr_text){ spot.name, spot.name_length });
    }
    return r;
}

static int walk_row(struct walk *walk, uint32_t row)
{
    struct spr_record record;
    int r = spr_segment_record(walk->reader, row, &record, walk->fault);
    if (r < 0) {
        return r;
    }
    mix_number(walk, record.dir);
    mix_number(walk, record.inode);
    mix_number(walk, record.file_size);
    mix_number(walk, record.stat_digest);
    mix_number(walk, record.set_digest);
    mix_number(walk, record.identity_digest);
    mix_number(walk, (uint64_t)record.state);
    mix_number(walk, (uint64_t)record.auth_source);
    mix_number(walk, record.flags);
    mix_text(walk, record.folder);
    mix_text(walk, record.queue_id);
    for (unsigned i = 0; i < record.file_count; i++) {
        mix_number(walk, record.files[i].role);
        mix_text(walk, record.files[i].name);
    }
    for (unsigned i = 0; i < SPR_COLUMN_COUNT; i++) {
        mix_text(walk, record.text[i]);
    }
    for (unsigned i = 0; i < SPR_NUMBER_COUNT; i++) {
        mix_number(walk, (uint64_t)record.number[i]);
    }
    for (uint32_t i = 0; i < record.recipient_count; i++) {
        mix_text(walk, record.recipients[i].address);
        mix_text(walk, record.recipients[i].original);
        mix_text(walk, record.recipients[i].error);
        mix_number(walk, (uint64_t)record.recipients[i].state);
    }
    r = look_up(walk, SPR_LOOKUP_QUEUE_ID, record.queue_id);
    if (r == 0) {
        r = look_up_form(walk, SPR_LOOKUP_ACCOUNT, record.text[SPR_COLUMN_ACCOUNT]);
    }
    if (r == 0) {
        r = look_up_form(walk, SPR_LOOKUP_SENDER, record.text[SPR_COLUMN_SENDER]);
    }
    for (uint32_t i = 0; r == 0 && i < record.recipient_count; i++) {
        r = look_up_form(walk, SPR_LOOKUP_RCPT, record.recipients[i].address);
    }
    struct spr_segment_place place;
    if (r == 0) {
        r = spr_segment_place(walk->reader, row, &place, walk->fault);
    }
    return r < 0 ? r : walk_spot(walk, row);
}

int walk_open_segment(const struct spr_segment *segment, uint32_t rows_max, uint64_t *ret_digest,
                      struct spr_fault *fault)
{
    struct walk walk = { .segment = segment, .fault = fault };
    int r = spr_segment_reader_new(segment, &walk.reader);
    if (r == 0) {
        r = spr_segment_strings(walk.reader, spr_segment_ids_of(segment, SPR_COLUMN_COUNT),
                                mix_string, &walk, fault);
    }
    if (r == 0) {
        r = spr_segment_strings_with(walk.reader, spr_segment_ids_of(segment, SPR_COLUMN_COUNT),
                                     (struct spr_text){ (const uint8_t *)"example", 7 }, mix_string,
                                     &walk, fault);
    }
    const uint32_t count = spr_segment_count(segment);
    const uint32_t rows = count < rows_max ? count : rows_max;
    for (uint32_t row = 0; r == 0 && row < rows; row++) {
        r = walk_row(&walk, row);
    }
    spr_segment_reader_free(walk.reader);
    if (r == 0) {
        *ret_digest = walk.digest;
    }
    return r;
}

int walk_segment(int dir_fd, const char *name, const struct spr_index_secret *secret,
                 uint32_t rows_max, uint64_t *ret_digest, struct spr_fault *fault)
{
    struct spr_segment *segment = NULL;
    int r = spr_segment_open(dir_fd, name, secret, &segment, fault);
    if (r == 0) {
        r = walk_open_segment(segment, rows_max, ret_digest, fault);
        spr_segment_close(segment);
    }
    return r;
}
