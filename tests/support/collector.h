/*
 * Collects what a format's parse emits, copying every text, and renders it as lines for golden
 * files.
 */
#ifndef SPR_TESTS_SUPPORT_COLLECTOR_H
#define SPR_TESTS_SUPPORT_COLLECTOR_H

#include "formats/format.h"

#include <stdio.h>

#define COLLECTED_FACTS (SPR_FACT_FLAGS + 1)

struct collected_text {
    char *bytes; /* NUL added; NULL: not emitted */
    size_t length;
};

struct collected_recipient {
    struct collected_text address, original, error;
    enum spr_recipient_state state;
    uint64_t offset;
};

struct collector {
    struct spr_sink sink; /* first: the sink is the collector */
    struct collected_text texts[COLLECTED_FACTS];
    int64_t numbers[COLLECTED_FACTS];
    bool numbered[COLLECTED_FACTS];
    struct collected_recipient *recipients;
    size_t recipient_count, recipient_room;
    size_t emits, emits_max; /* after emits_max the answer is "enough"; 0: never */
    size_t errors_unjoined;
    bool emitted_after_enough;
};

void collector_init(struct collector *collector);
/* Forgets everything; keeps emits_max. */
void collector_reset(struct collector *collector);
void collector_done(struct collector *collector);
/* The text of a fact, or NULL. */
const char *collected(const struct collector *collector, enum spr_fact fact);
/* The number of a fact, or INT64_MIN. */
int64_t collected_number(const struct collector *collector, enum spr_fact fact);
/* The recipient with this address, or NULL. */
const struct collected_recipient *collected_recipient(const struct collector *collector,
                                                      const char *address);
size_t collected_recipients_in(const struct collector *collector, enum spr_recipient_state state);
/* One "  name value" line a fact, in the order of enum spr_fact, then the recipients. */
void collector_render(const struct collector *collector, FILE *out);
/* Printable ASCII stays, all else becomes \xNN. */
void render_text(const char *bytes, size_t length, FILE *out);

#endif
