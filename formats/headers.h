/*
 * Collects Subject, From and Message-ID from a header block that arrives in pieces of lines.
 */
#ifndef SPR_FORMATS_HEADERS_H
#define SPR_FORMATS_HEADERS_H

#include "formats/format.h"

#define SPR_HEADER_VALUE_MAX   2048 /* bytes kept of one value; the rest is dropped */
#define SPR_HEADER_NAME_MAX    10   /* "Message-ID" is the longest name looked for */
#define SPR_HEADER_FIELD_COUNT 3

struct spr_header_value {
    uint8_t bytes[SPR_HEADER_VALUE_MAX];
    size_t length;
    bool found;
};

struct spr_headers {
    struct spr_header_value values[SPR_HEADER_FIELD_COUNT];
    uint8_t name[SPR_HEADER_NAME_MAX];
    size_t name_length;
    unsigned field; /* being filled; SPR_HEADER_FIELD_COUNT: none */
    bool in_line;   /* some bytes of the line were seen */
    bool in_name;
    bool name_too_long;
    bool ended; /* the empty line was seen */
};

void spr_headers_init(struct spr_headers *headers);
/* A piece of a line without its line break; last: the line ends with it. */
void spr_headers_feed(struct spr_headers *headers, struct spr_text piece, bool last);
/* True once nothing that follows can change the result. */
bool spr_headers_complete(const struct spr_headers *headers);
/* Unfolded: a line break inside a value is dropped, the blank after it stays. */
bool spr_headers_emit(const struct spr_headers *headers, struct spr_sink *sink);

#endif
