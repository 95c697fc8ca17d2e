/*
 * A set of 64-bit numbers. The hash is a fixed mixer: what is kept here are inode numbers and
 * hashes that are keyed by their maker.
 */
#include "core/scan/numbers.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

int spr_numbers_init(struct spr_numbers *numbers, size_t count)
{
    size_t slots = 16;
    while (slots / 3 * 2 <= count) {
        slots *= 2;
    }
    *numbers = (struct spr_numbers){ .mask = slots - 1 };
    numbers->slots = calloc(slots, sizeof(*numbers->slots));
    return numbers->slots != NULL ? 0 : -ENOMEM;
}

void spr_numbers_done(struct spr_numbers *numbers)
{
    free(numbers->slots);
    *numbers = (struct spr_numbers){ 0 };
}

static size_t find_slot(const struct spr_numbers *numbers, uint64_t number)
{
    uint64_t mixed = number * 0x9e3779b97f4a7c15u; /* 2^64 by the golden ratio */
    size_t at = (size_t)(mixed ^ (mixed >> 32)) & numbers->mask;
    while (numbers->slots[at] != 0 && numbers->slots[at] != number) {
        at = (at + 1) & numbers->mask;
    }
    return at;
}

void spr_numbers_add(struct spr_numbers *numbers, uint64_t number)
{
    if (number == 0) {
        numbers->has_zero = true;
        return;
    }
    const size_t at = find_slot(numbers, number);
    if (numbers->slots[at] == 0) {
        assert(numbers->count < numbers->mask);
        numbers->slots[at] = number;
        numbers->count++;
    }
}

bool spr_numbers_contain(const struct spr_numbers *numbers, uint64_t number)
{
    return number == 0 ? numbers->has_zero : numbers->slots[find_slot(numbers, number)] == number;
}
