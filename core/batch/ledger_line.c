/*
 * One line of the ledger. Fields are a table, so that parsing and printing cannot disagree.
 */
#include "core/batch/ledger_line.h"

#include "core/index/hash.h"
#include "formats/cursor.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK_BYTES 18 /* " #" and 16 hex digits */

struct number_field {
    const char *key;
    uint64_t *value;
};
struct text_field {
    const char *key;
    char **value;
};
#define NUMBERS_MAX 16
#define TEXTS_MAX   4
struct fields {
    struct number_field numbers[NUMBERS_MAX];
    struct text_field texts[TEXTS_MAX];
    unsigned number_count, text_count;
    /* Narrower fields pass through these. */
    uint64_t operation, state, created, begun, counts[5];
};

static const char *const KINDS[] = { "job", "batch", "purge", "room", "end" };

static void add_number(struct fields *f, const char *key, uint64_t *value)
{
    f->numbers[f->number_count++] = (struct number_field){ key, value };
}

static void add_text(struct fields *f, const char *key, char **value)
{
    f->texts[f->text_count++] = (struct text_field){ key, value };
}

static void list_batch_fields(struct spr_ledger_batch *batch, struct fields *f)
{
    static const char *const COUNTS[] = { "out", "back", "skipped", "stuck", "lost" };
    add_number(f, "n", &batch->number);
    add_number(f, "operation", &f->operation);
    for (unsigned i = 0; i < 5; i++) {
        add_number(f, COUNTS[i], &f->counts[i]);
    }
    add_number(f, "again", &batch->again);
    add_number(f, "next", &batch->next);
    add_number(f, "bytes", &batch->bytes);
    add_number(f, "undoes", &batch->undoes);
}

static void list_fields(struct spr_ledger_line *line, struct fields *f)
{
    switch (line->kind) {
    case SPR_LEDGER_JOB:
        add_number(f, "action", &f->operation);
        add_number(f, "created", &f->created);
        add_number(f, "planned", &line->job.planned);
        add_number(f, "passed", &line->job.passed);
        add_text(f, "user", &line->job.user);
        add_text(f, "format", &line->job.format);
        add_text(f, "command", &line->job.command);
        add_text(f, "reason", &line->job.reason);
        break;
    case SPR_LEDGER_BATCH:
        list_batch_fields(&line->batch, f);
        break;
    case SPR_LEDGER_PURGE:
        add_number(f, "n", &line->batch.number);
        add_number(f, "messages", &line->batch.purged_messages);
        add_number(f, "begun", &f->begun);
        break;
    case SPR_LEDGER_ROOM:
        add_number(f, "messages", &line->batch.purged_messages);
        add_number(f, "next", &line->batch.next);
        add_text(f, "names", &line->job.room_names);
        break;
    case SPR_LEDGER_END:
        add_number(f, "state", &f->state);
        break;
    }
}

/* ---- Parsing --------------------------------------------------------------------------------- */

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int take_text(struct spr_text value, char **ret_text)
{
    if (*ret_text != NULL) {
        return SPR_E_CORRUPT;
    }
    char *text = malloc(value.length + 1);
    if (text == NULL) {
        return -ENOMEM;
    }
    size_t used = 0;
    for (size_t i = 0; i < value.length; i++) {
        if (value.bytes[i] == '%' && i + 2 < value.length && hex_digit(value.bytes[i + 1]) >= 0 &&
            hex_digit(value.bytes[i + 2]) >= 0) {
            text[used++] =
                (char)(hex_digit(value.bytes[i + 1]) * 16 + hex_digit(value.bytes[i + 2]));
            i += 2;
        } else {
            text[used++] = (char)value.bytes[i];
        }
    }
    text[used] = '\0';
    *ret_text = text;
    return 0;
}

/* Unknown keys are skipped: later versions may add some. */
static int take_field(struct fields *f, struct spr_text word)
{
    const uint8_t *equals = memchr(word.bytes, '=', word.length);
    if (equals == NULL) {
        return SPR_E_CORRUPT;
    }
    const struct spr_text key = { word.bytes, (size_t)(equals - word.bytes) };
    const struct spr_text value = { equals + 1, word.length - key.length - 1 };
    for (unsigned i = 0; i < f->number_count; i++) {
        if (spr_text_equal(key, f->numbers[i].key)) {
            return spr_text_decimal(value, f->numbers[i].value) ? 0 : SPR_E_CORRUPT;
        }
    }
    for (unsigned i = 0; i < f->text_count; i++) {
        if (spr_text_equal(key, f->texts[i].key)) {
            return take_text(value, f->texts[i].value);
        }
    }
    return 0;
}

static struct spr_text next_word(struct spr_text *rest)
{
    const uint8_t *space = memchr(rest->bytes, ' ', rest->length);
    const size_t length = space != NULL ? (size_t)(space - rest->bytes) : rest->length;
    const struct spr_text word = { rest->bytes, length };
    const size_t skip = space != NULL ? length + 1 : length;
    *rest = (struct spr_text){ rest->bytes + skip, rest->length - skip };
    return word;
}

static bool is_checked(struct spr_text text, struct spr_text *ret_body)
{
    if (text.length < CHECK_BYTES) {
        return false;
    }
    const size_t body = text.length - CHECK_BYTES;
    char expected[CHECK_BYTES + 1];
    (void)snprintf(expected, sizeof(expected), " #%016" PRIx64, spr_hash64(text.bytes, body, 0));
    *ret_body = (struct spr_text){ text.bytes, body };
    return memcmp(text.bytes + body, expected, CHECK_BYTES) == 0;
}

static int settle_fields(struct spr_ledger_line *line, const struct fields *f)
{
    if (f->operation > SPR_RESTORE || f->state > SPR_JOB_STUCK || f->created > INT64_MAX) {
        return SPR_E_CORRUPT;
    }
    for (unsigned i = 0; i < 5; i++) {
        if (f->counts[i] > SPR_BATCH_MESSAGES_MAX) {
            return SPR_E_CORRUPT;
        }
    }
    line->batch.purge_begun = f->begun != 0;
    line->job.action = (enum spr_action)f->operation;
    line->job.created = (int64_t)f->created;
    line->job.state = (enum spr_job_state)f->state;
    line->batch.operation = (enum spr_action)f->operation;
    line->batch.counts = (struct spr_batch_counts){
        .out = (uint32_t)f->counts[0],
        .back = (uint32_t)f->counts[1],
        .skipped = (uint32_t)f->counts[2],
        .stuck = (uint32_t)f->counts[3],
        .lost = (uint32_t)f->counts[4],
    };
    return 0;
}

int spr_ledger_line_parse(struct spr_text text, struct spr_ledger_line *line)
{
    struct spr_text rest;
    if (!is_checked(text, &rest)) {
        return SPR_E_CORRUPT;
    }
    const struct spr_text kind = next_word(&rest);
    unsigned number = 0;
    while (number < sizeof(KINDS) / sizeof(KINDS[0]) && !spr_text_equal(kind, KINDS[number])) {
        number++;
    }
    if (number == sizeof(KINDS) / sizeof(KINDS[0]) ||
        !spr_text_decimal(next_word(&rest), &line->job.job)) {
        return SPR_E_CORRUPT;
    }
    line->kind = (enum spr_ledger_kind)number;

    struct fields f = { 0 };
    list_fields(line, &f);
    while (rest.length > 0) {
        const int r = take_field(&f, next_word(&rest));
        if (r < 0) {
            return r;
        }
    }
    return settle_fields(line, &f);
}

/* ---- Printing -------------------------------------------------------------------------------- */

static void print_text(FILE *out, const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (*c > ' ' && *c < 0x7f && *c != '%') {
            (void)fputc(*c, out); /* memory streams fail at fclose */
        } else {
            (void)fprintf(out, "%%%02X", (unsigned)(unsigned char)*c); /* as above */
        }
    }
}

static void print_fields(FILE *out, struct spr_ledger_line *line)
{
    const struct spr_batch_counts *counts = &line->batch.counts;
    struct fields f = {
        .operation =
            (uint64_t)(line->kind == SPR_LEDGER_JOB ? line->job.action : line->batch.operation),
        .state = (uint64_t)line->job.state,
        .created = (uint64_t)line->job.created,
        .begun = line->batch.purge_begun ? 1 : 0,
        .counts = { counts->out, counts->back, counts->skipped, counts->stuck, counts->lost },
    };
    list_fields(line, &f);
    for (unsigned i = 0; i < f.number_count; i++) {
        (void)fprintf(out, " %s=%" PRIu64, f.numbers[i].key, *f.numbers[i].value); /* as above */
    }
    for (unsigned i = 0; i < f.text_count; i++) {
        if (*f.texts[i].value != NULL) {
            (void)fprintf(out, " %s=", f.texts[i].key); /* as above */
            print_text(out, *f.texts[i].value);
        }
    }
}

int spr_ledger_line_print(const struct spr_ledger_line *line, char **ret_text, size_t *ret_length)
{
    char *text = NULL;
    size_t length = 0;
    struct spr_ledger_line copy = *line; /* list_fields points into it; nothing is changed */
    FILE *out = open_memstream(&text, &length);
    if (out == NULL) {
        return -ENOMEM;
    }
    (void)fprintf(out, "%s %" PRIu64, KINDS[line->kind], line->job.job); /* fails at fclose */
    print_fields(out, &copy);
    if (fflush(out) == 0) {
        (void)fprintf(out, " #%016" PRIx64 "\n", spr_hash64(text, length, 0)); /* as above */
    }
    if (fclose(out) != 0) {
        free(text);
        return -ENOMEM;
    }
    *ret_text = text;
    *ret_length = length;
    return 0;
}
