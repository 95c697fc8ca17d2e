/*
 * The header block, line piece by line piece. Of a field that occurs twice the first one counts.
 * A line that is neither a field nor a continuation is skipped.
 */
#include "formats/headers.h"

#include "formats/cursor.h"

#include <string.h>

static const struct {
    const char *name;
    enum spr_fact fact;
} fields[SPR_HEADER_FIELD_COUNT] = {
    { "subject", SPR_FACT_SUBJECT },
    { "from", SPR_FACT_HEADER_FROM },
    { "message-id", SPR_FACT_MESSAGE_ID },
};

void spr_headers_init(struct spr_headers *headers)
{
    for (unsigned i = 0; i < SPR_HEADER_FIELD_COUNT; i++) {
        headers->values[i].length = 0;
        headers->values[i].found = false;
    }
    headers->name_length = 0;
    headers->field = SPR_HEADER_FIELD_COUNT;
    headers->in_line = false;
    headers->in_name = false;
    headers->name_too_long = false;
    headers->ended = false;
}

/* The field that the collected name means and that was not found before. */
static unsigned find_field(const struct spr_headers *headers)
{
    struct spr_text name = { .bytes = headers->name, .length = headers->name_length };
    name = spr_text_trim(name);
    for (unsigned i = 0; i < SPR_HEADER_FIELD_COUNT; i++) {
        if (!headers->name_too_long && !headers->values[i].found &&
            spr_text_equal_nocase(name, fields[i].name)) {
            return i;
        }
    }
    return SPR_HEADER_FIELD_COUNT;
}

static void append_value(struct spr_headers *headers, struct spr_text piece)
{
    if (headers->field >= SPR_HEADER_FIELD_COUNT) {
        return;
    }
    struct spr_header_value *value = &headers->values[headers->field];
    size_t room = SPR_HEADER_VALUE_MAX - value->length;
    size_t length = piece.length < room ? piece.length : room;
    if (length > 0) {
        memcpy(value->bytes + value->length, piece.bytes, length);
        value->length += length;
    }
}

/* Takes the name up to its colon; true when the rest of the piece belongs to the value. */
static bool take_name(struct spr_headers *headers, struct spr_text *piece)
{
    while (piece->length > 0) {
        uint8_t byte = piece->bytes[0];
        piece->bytes++;
        piece->length--;
        if (byte == ':') {
            headers->in_name = false;
            headers->field = find_field(headers);
            if (headers->field < SPR_HEADER_FIELD_COUNT) {
                headers->values[headers->field].found = true;
            }
            return true;
        }
        if (headers->name_length < SPR_HEADER_NAME_MAX) {
            headers->name[headers->name_length++] = byte;
        } else if (byte != ' ' && byte != '\t') {
            headers->name_too_long = true;
        }
    }
    return false;
}

void spr_headers_feed(struct spr_headers *headers, struct spr_text piece, bool last)
{
    if (headers->ended) {
        return;
    }
    if (!headers->in_line && piece.length == 0 && last) {
        headers->ended = true;
        return;
    }
    if (!headers->in_line && piece.length > 0) {
        headers->in_line = true;
        headers->in_name = piece.bytes[0] != ' ' && piece.bytes[0] != '\t';
        if (headers->in_name) {
            headers->name_length = 0;
            headers->name_too_long = false;
            headers->field = SPR_HEADER_FIELD_COUNT;
        }
    }
    if (!headers->in_name || take_name(headers, &piece)) {
        append_value(headers, piece);
    }
    if (last) {
        headers->in_line = false;
        headers->in_name = false;
    }
}

bool spr_headers_complete(const struct spr_headers *headers)
{
    if (headers->ended) {
        return true;
    }
    for (unsigned i = 0; i < SPR_HEADER_FIELD_COUNT; i++) {
        if (!headers->values[i].found) {
            return false;
        }
    }
    /* The field filled last may still be continued. */
    return !headers->in_line && headers->field == SPR_HEADER_FIELD_COUNT;
}

bool spr_headers_emit(const struct spr_headers *headers, struct spr_sink *sink)
{
    for (unsigned i = 0; i < SPR_HEADER_FIELD_COUNT; i++) {
        const struct spr_header_value *value = &headers->values[i];
        struct spr_text text = { .bytes = value->bytes, .length = value->length };
        if (value->found && !spr_emit_text(sink, fields[i].fact, spr_text_trim(text))) {
            return false;
        }
    }
    return true;
}
