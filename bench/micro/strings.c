/*
 * The dictionary: hashing addresses, and interning them, alone and several together. Addresses come
 * as they do in a spool: the logarithm of their rank is uniform.
 *
 * usage: strings [ADDRESSES]
 */
#include "core/index/strings.h"

#include "bench/measure.h"
#include "core/index/hash.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SEED     42
#define TEXT_MAX 40
#define TOGETHER 8 /* recipients of one message */

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* count addresses in one block of memory. */
static struct spr_text *make_addresses(uint64_t count)
{
    struct spr_text *texts = malloc(count * sizeof(*texts));
    char *bytes = malloc(count * TEXT_MAX);
    if (texts == NULL || bytes == NULL) {
        spr_measure_fail("strings", -12, NULL);
    }
    for (uint64_t i = 0; i < count; i++) {
        const double unit = (double)(mix(i + 1) >> 11) / 9007199254740992.0;
        const uint64_t rank = (uint64_t)exp(unit * log((double)count));
        char *at = bytes + i * TEXT_MAX;
        const int length = snprintf(at, TEXT_MAX, "user%llx@host%u.example.org",
                                    (unsigned long long)mix(rank), (unsigned)(mix(rank) % 400));
        texts[i] = (struct spr_text){ (const uint8_t *)at, (size_t)length };
    }
    return texts;
}

static void hash_all(const struct spr_text *texts, uint64_t count)
{
    uint64_t sum = 0;
    const double start = spr_measure_now();
    for (uint64_t i = 0; i < count; i++) {
        sum += spr_hash64(texts[i].bytes, texts[i].length, SEED);
    }
    spr_measure_row("hash", sum == 0 ? "zero" : "xxh3", spr_measure_now() - start, count);
}

static int intern_together(struct spr_strings *strings, const struct spr_text *texts,
                           uint32_t count)
{
    struct spr_string_search searches[TOGETHER];
    for (uint32_t i = 0; i < count; i++) {
        spr_strings_search(strings, texts[i], &searches[i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        spr_strings_search_on(strings, &searches[i]);
    }
    int r = 0;
    for (uint32_t i = 0; r == 0 && i < count; i++) {
        uint32_t id;
        r = spr_strings_settle(strings, &searches[i], &id);
    }
    return r;
}

static void intern_all(const struct spr_text *texts, uint64_t count, uint32_t together,
                       uint16_t tag_mask, const char *variant)
{
    struct spr_strings strings;
    spr_strings_init(&strings, SEED, tag_mask);
    const double start = spr_measure_now();
    for (uint64_t i = 0; i + together <= count; i += together) {
        const int r = intern_together(&strings, texts + i, together);
        if (r < 0) {
            spr_measure_fail("intern", r, NULL);
        }
    }
    spr_measure_row("intern", variant, spr_measure_now() - start, count);
    spr_strings_free(&strings);
}

int main(int argc, char **argv)
{
    const uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    struct spr_text *texts = make_addresses(count);
    hash_all(texts, count);
    intern_all(texts, count, 1, 0, "alone");
    intern_all(texts, count, TOGETHER, 0, "together");
    intern_all(texts, count, TOGETHER, 0xfff, "together and tagged");
    free((void *)(uintptr_t)texts[0].bytes);
    free(texts);
    return 0;
}
