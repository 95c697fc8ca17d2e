/*
 * Deterministic message records: the same seed and number always give the same record. Texts live
 * in static storage or in the struct itself; one struct holds one record at a time.
 */
#ifndef SPR_TESTS_SUPPORT_SAMPLE_RECORDS_H
#define SPR_TESTS_SUPPORT_SAMPLE_RECORDS_H

#include "core/index/record.h"

#define SAMPLE_RECIPIENTS_MAX 64
#define SAMPLE_TEXT_BYTES     32768

struct sample_record {
    struct spr_record record;
    struct spr_recipient recipients[SAMPLE_RECIPIENTS_MAX];
    uint8_t texts[SAMPLE_TEXT_BYTES];
    size_t used;
    uint64_t random;
};

/* A record as a Postfix queue would give it: one file named by the id, one hacked account
 * (mallory@example.org) with about a third of all mail, many small others. */
void sample_message(struct sample_record *sample, uint64_t seed, uint32_t number);
/* A record meant to break things: every field unknown, empty, with NUL and other bytes, extreme
 * numbers, several files, duplicates among recipients. */
void sample_hostile(struct sample_record *sample, uint64_t seed, uint32_t number);

/* Every second one of each. */
void sample_mixed(struct sample_record *sample, uint64_t seed, uint32_t number);

/* Next of a small deterministic generator; *state is any number. */
uint64_t sample_random(uint64_t *state);

/* Fails the running test with the field's name where the two differ; unknown and empty differ. */
void assert_record_eq(const struct spr_record *actual, const struct spr_record *expected,
                      const char *label);

#endif
