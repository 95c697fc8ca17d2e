/*
 * Sample records.
 */
#include "tests/support/sample_records.h"

#include "core/index/identity.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

static const struct spr_text UNKNOWN = { NULL, 0 };

uint64_t sample_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint32_t below(struct sample_record *sample, uint32_t limit)
{
    return (uint32_t)(sample_random(&sample->random) % limit);
}

static struct spr_text keep(struct sample_record *sample, const void *bytes, size_t length)
{
    uint8_t *at = sample->texts + sample->used;
    if (length > SAMPLE_TEXT_BYTES - sample->used) {
        abort();
    }
    if (length > 0) {
        memcpy(at, bytes, length);
    }
    sample->used += length;
    return (struct spr_text){ at, length };
}

__attribute__((format(printf, 2, 3))) static struct spr_text format_text(
    struct sample_record *sample, const char *format, ...)
{
    char text[512];
    va_list list;
    va_start(list, format);
    const int length = vsnprintf(text, sizeof(text), format, list);
    va_end(list);
    return keep(sample, text, (size_t)length);
}

static void begin(struct sample_record *sample, uint64_t seed, uint32_t number)
{
    *sample = (struct sample_record){ .random = seed * 1000003 + number };
    sample->record.recipients = sample->recipients;
    for (unsigned i = 0; i < SPR_NUMBER_COUNT; i++) {
        sample->record.number[i] = INT64_MIN;
    }
}

/* Small numbers are much likelier than large ones. */
static uint32_t skewed(struct sample_record *sample, uint32_t limit)
{
    const uint32_t bound = 1 + below(sample, limit);
    return below(sample, bound);
}

void sample_message(struct sample_record *sample, uint64_t seed, uint32_t number)
{
    begin(sample, seed, number);
    struct spr_record *record = &sample->record;
    const int64_t arrival = 1795300000 + number / 20;
    const uint64_t inode = 1000000 + number + below(sample, 3);
    record->dir = 2;
    record->folder = format_text(sample, "deferred/%X", below(sample, 16));
    record->queue_id =
        format_text(sample, "%05X%06lX", below(sample, 0xfffff), (unsigned long)inode);
    record->files[0] = (struct spr_record_file){ 0, record->queue_id };
    record->file_count = 1;
    record->inode = inode;
    record->file_size = 500 + below(sample, 20000);
    record->stat_digest = (uint32_t)sample_random(&sample->random);
    record->identity_digest = sample_random(&sample->random);
    record->set_digest = spr_set_digest(record->files, 1);
    record->state = SPR_STATE_DEFERRED;
    record->number[SPR_NUMBER_ARRIVAL] = arrival;
    record->number[SPR_NUMBER_NEXT_RETRY] = arrival + 900;
    record->number[SPR_NUMBER_SIZE] = (int64_t)record->file_size - 200;
    record->text[SPR_COLUMN_HELO] = format_text(sample, "host%u.example.net", skewed(sample, 500));

    const bool hacked = below(sample, 3) == 0;
    const uint32_t user = skewed(sample, 2000);
    if (hacked) {
        record->text[SPR_COLUMN_ACCOUNT] = format_text(sample, "mallory@example.org");
        record->text[SPR_COLUMN_CLIENT] = format_text(sample, "198.51.100.%u", below(sample, 40));
        record->text[SPR_COLUMN_SENDER] = format_text(sample, "offer%u@bulk.example", number % 97);
    } else {
        record->text[SPR_COLUMN_ACCOUNT] = format_text(sample, "user%u@example.org", user);
        record->text[SPR_COLUMN_CLIENT] = format_text(sample, "192.0.2.%u", user % 250);
        record->text[SPR_COLUMN_SENDER] = format_text(sample, "user%u@example.org", user);
    }
    record->text[SPR_COLUMN_AUTH_METHOD] = format_text(sample, "PLAIN");
    record->auth_source = SPR_AUTH_ENVELOPE;
    record->recipient_count = hacked ? 10 + below(sample, 10) : 1 + below(sample, 3);
    for (uint32_t i = 0; i < record->recipient_count; i++) {
        sample->recipients[i] = (struct spr_recipient){
            .address = format_text(sample, "victim%u@d%u.test", below(sample, 1000000),
                                   skewed(sample, 3000)),
            .state = below(sample, 8) == 0 ? SPR_RECIPIENT_DONE : SPR_RECIPIENT_PENDING,
        };
    }
}

static struct spr_text hostile_text(struct sample_record *sample)
{
    static const char *const ODD[] = { "<>",
                                       "\"a b\"@C.Example",
                                       "<@r1,@r2:Bob@Example.ORG>",
                                       "bob",
                                       "BOB",
                                       "b\xc3\xbc"
                                       "cher@B\xc3\x9c"
                                       "CHER.example",
                                       "x@xn--bcher-kva.example",
                                       "@",
                                       "a@b@c",
                                       "\xff\xfe@\x80.test",
                                       "..@..",
                                       "x@xn--.example" };
    uint8_t bytes[40];
    switch (below(sample, 6)) {
    case 0:
        return UNKNOWN;
    case 1:
        return keep(sample, "", 0);
    case 2: /* any bytes, NUL among them */
        for (size_t i = 0; i < sizeof(bytes); i++) {
            bytes[i] = (uint8_t)below(sample, 256);
        }
        return keep(sample, bytes, below(sample, sizeof(bytes)));
    case 3: {
        const char *odd = ODD[below(sample, sizeof(ODD) / sizeof(ODD[0]))];
        return keep(sample, odd, strlen(odd));
    }
    default:
        return format_text(sample, "U%u@D%u.Test", below(sample, 30), below(sample, 5));
    }
}

static int64_t hostile_number(struct sample_record *sample)
{
    static const int64_t ODD[] = { INT64_MIN, INT64_MIN + 1, -1, 0, 1, INT64_MAX };
    return below(sample, 2) == 0 ? ODD[below(sample, 6)] : (int64_t)sample_random(&sample->random);
}

static struct spr_text known_text(struct sample_record *sample)
{
    const struct spr_text text = hostile_text(sample);
    return text.bytes != NULL ? text : keep(sample, "", 0);
}

void sample_hostile(struct sample_record *sample, uint64_t seed, uint32_t number)
{
    begin(sample, seed, number);
    struct spr_record *record = &sample->record;
    record->dir = below(sample, SPR_DIRS_MAX);
    record->folder = known_text(sample);
    record->queue_id = known_text(sample);
    record->file_count = below(sample, SPR_ROLES_MAX + 1);
    for (unsigned i = 0; i < record->file_count; i++) {
        const int length = (int)record->queue_id.length;
        char name[128];
        const int used =
            snprintf(name, sizeof(name), "Q%.*s.SMD", length, (const char *)record->queue_id.bytes);
        record->files[i].role = below(sample, SPR_ROLES_MAX);
        record->files[i].name = below(sample, 3) == 0   ? record->queue_id
                                : below(sample, 2) == 0 ? keep(sample, name, (size_t)used)
                                                        : known_text(sample);
    }
    record->inode = sample_random(&sample->random) >> below(sample, 64);
    record->file_size = sample_random(&sample->random) >> below(sample, 64);
    record->stat_digest = (uint32_t)sample_random(&sample->random);
    record->set_digest = (uint32_t)sample_random(&sample->random);
    record->identity_digest = sample_random(&sample->random);
    record->state = (enum spr_state)below(sample, SPR_STATE_CORRUPT + 1);
    record->auth_source = (enum spr_auth_source)below(sample, SPR_AUTH_LOG + 1);
    record->flags = (uint32_t)sample_random(&sample->random);
    for (unsigned i = 0; i < SPR_COLUMN_COUNT; i++) {
        record->text[i] = hostile_text(sample);
    }
    for (unsigned i = 0; i < SPR_NUMBER_COUNT; i++) {
        record->number[i] = hostile_number(sample);
    }
    record->recipient_count = below(sample, 12);
    for (uint32_t i = 0; i < record->recipient_count; i++) {
        sample->recipients[i] = (struct spr_recipient){
            .address = hostile_text(sample),
            .original = hostile_text(sample),
            .error = hostile_text(sample),
            .state = (enum spr_recipient_state)below(sample, SPR_RECIPIENT_FAILED + 1),
        };
    }
}

void sample_mixed(struct sample_record *sample, uint64_t seed, uint32_t number)
{
    if (number % 2 == 0) {
        sample_message(sample, seed, number);
    } else {
        sample_hostile(sample, seed, number);
    }
}

static void assert_text_eq(struct spr_text actual, struct spr_text expected, const char *field,
                           const char *label)
{
    cr_assert_eq(actual.bytes == NULL, expected.bytes == NULL, "%s: %s known or not", label, field);
    cr_assert_eq(actual.length, expected.length, "%s: length of %s", label, field);
    cr_assert(actual.length == 0 || memcmp(actual.bytes, expected.bytes, actual.length) == 0,
              "%s: bytes of %s", label, field);
}

void assert_record_eq(const struct spr_record *actual, const struct spr_record *expected,
                      const char *label)
{
    cr_assert_eq(actual->dir, expected->dir, "%s", label);
    assert_text_eq(actual->folder, expected->folder, "folder", label);
    assert_text_eq(actual->queue_id, expected->queue_id, "queue id", label);
    cr_assert_eq(actual->file_count, expected->file_count, "%s", label);
    for (unsigned i = 0; i < expected->file_count; i++) {
        cr_assert_eq(actual->files[i].role, expected->files[i].role, "%s", label);
        assert_text_eq(actual->files[i].name, expected->files[i].name, "file name", label);
    }
    cr_assert_eq(actual->inode, expected->inode, "%s", label);
    cr_assert_eq(actual->file_size, expected->file_size, "%s", label);
    cr_assert_eq(actual->stat_digest, expected->stat_digest, "%s", label);
    cr_assert_eq(actual->set_digest, expected->set_digest, "%s", label);
    cr_assert_eq(actual->identity_digest, expected->identity_digest, "%s", label);
    cr_assert_eq(actual->state, expected->state, "%s", label);
    cr_assert_eq(actual->auth_source, expected->auth_source, "%s", label);
    cr_assert_eq(actual->flags, expected->flags, "%s", label);
    for (unsigned i = 0; i < SPR_COLUMN_COUNT; i++) {
        char field[32];
        (void)snprintf(field, sizeof(field), "text %u", i);
        assert_text_eq(actual->text[i], expected->text[i], field, label);
    }
    for (unsigned i = 0; i < SPR_NUMBER_COUNT; i++) {
        cr_assert_eq(actual->number[i], expected->number[i], "%s: number %u", label, i);
    }
    cr_assert_eq(actual->recipient_count, expected->recipient_count, "%s", label);
    for (uint32_t i = 0; i < expected->recipient_count; i++) {
        const struct spr_recipient *a = &actual->recipients[i];
        const struct spr_recipient *e = &expected->recipients[i];
        assert_text_eq(a->address, e->address, "recipient", label);
        assert_text_eq(a->original, e->original, "original", label);
        assert_text_eq(a->error, e->error, "error", label);
        cr_assert_eq(a->state, e->state, "%s: recipient state", label);
    }
}
