/*
 * A set of 64-bit numbers, open addressing; 12 to 24 bytes a number. Belongs to one thread while it
 * is filled, may be read by many after that.
 */
#ifndef SPR_CORE_SCAN_NUMBERS_H
#define SPR_CORE_SCAN_NUMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct spr_numbers {
    uint64_t *slots; /* 0: free */
    size_t mask;
    size_t count;
    bool has_zero;
};

/* Room for count numbers; 0 or -ENOMEM. */
int spr_numbers_init(struct spr_numbers *numbers, size_t count);
void spr_numbers_done(struct spr_numbers *numbers);
/* No more than count times. */
void spr_numbers_add(struct spr_numbers *numbers, uint64_t number);
bool spr_numbers_contain(const struct spr_numbers *numbers, uint64_t number);

#endif
