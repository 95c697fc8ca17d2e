/*
 * The columns of a message: what each one is.
 */
#include "tools/columns.h"

#include "tools/errors.h"
#include "tools/escape.h"
#include "tools/nearest.h"
#include "tools/print_csv.h"
#include "tools/print_text.h"

#include <stdlib.h>
#include <string.h>

#define FLEXIBLE_MIN 10
#define GAP          2

static struct spr_value text_value(struct spr_text text)
{
    return (struct spr_value){ .kind = SPR_VALUE_TEXT, .text = text };
}

static struct spr_value string_value(const char *text)
{
    return text_value(spr_text_string(text));
}

static struct spr_value count_value(int64_t number)
{
    return (struct spr_value){ .kind = SPR_VALUE_COUNT, .number = number };
}

static struct spr_value time_value(int64_t number)
{
    return (struct spr_value){ .kind = SPR_VALUE_TIME, .number = number };
}

#define TEXT_COLUMN(member)                                                                        \
    static struct spr_value take_##member(const struct spr_row *row)                               \
    {                                                                                              \
        return text_value(row->message->member);                                                   \
    }
TEXT_COLUMN(path)
TEXT_COLUMN(queue_name)
TEXT_COLUMN(queue_id)
TEXT_COLUMN(sender)
TEXT_COLUMN(auth_account)
TEXT_COLUMN(auth_method)
TEXT_COLUMN(local_user)
TEXT_COLUMN(client_address)
TEXT_COLUMN(helo)
TEXT_COLUMN(subject)
TEXT_COLUMN(header_from)
TEXT_COLUMN(message_id)
TEXT_COLUMN(last_error)

static struct spr_value take_spool(const struct spr_row *row)
{
    return string_value(row->spool);
}

static struct spr_value take_format(const struct spr_row *row)
{
    return string_value(row->format);
}

static struct spr_value take_host(const struct spr_row *row)
{
    return string_value(row->host);
}

static struct spr_value take_state(const struct spr_row *row)
{
    return string_value(spr_state_name(row->message->state));
}

static struct spr_value take_auth_source(const struct spr_row *row)
{
    return string_value(spr_auth_source_name(row->message->auth_source));
}

static struct spr_value take_arrival_time(const struct spr_row *row)
{
    return time_value(row->message->arrival_time);
}

static struct spr_value take_next_retry(const struct spr_row *row)
{
    return time_value(row->message->next_retry);
}

static struct spr_value take_attempts(const struct spr_row *row)
{
    return count_value(row->message->attempts);
}

static struct spr_value take_message_size(const struct spr_row *row)
{
    return count_value(row->message->message_size);
}

static struct spr_value take_uid(const struct spr_row *row)
{
    return count_value(row->message->uid);
}

static struct spr_value take_recipient_count(const struct spr_row *row)
{
    return count_value(row->message->recipient_count);
}

static struct spr_value take_recipients(const struct spr_row *row)
{
    (void)row;
    return (struct spr_value){ .kind = SPR_VALUE_RECIPIENTS };
}

static const struct spr_column COLUMNS[] = {
    { "spool", "spool", 20, false, false, take_spool },
    { "format", "format", 10, false, false, take_format },
    { "host", "host", 12, false, false, take_host },
    { "queue_name", "queue", 8, false, false, take_queue_name },
    { "queue_id", "id", 12, false, false, take_queue_id },
    { "sender", "sender", 0, false, false, take_sender },
    { "auth_account", "account", 0, false, false, take_auth_account },
    { "auth_source", "known by", 8, false, false, take_auth_source },
    { "auth_method", "method", 8, false, false, take_auth_method },
    { "local_user", "user", 10, false, false, take_local_user },
    { "client_address", "client", 15, false, false, take_client_address },
    { "helo", "helo", 16, false, false, take_helo },
    { "arrival_time", "arrived", 16, false, false, take_arrival_time },
    { "next_retry", "next retry", 16, false, false, take_next_retry },
    { "attempts", "attempts", 8, true, false, take_attempts },
    { "message_size", "size", 8, true, false, take_message_size },
    { "recipients", "recipients", 0, false, false, take_recipients },
    { "subject", "subject", 0, false, true, take_subject },
    { "header_from", "from", 0, false, true, take_header_from },
    { "message_id", "message id", 0, false, true, take_message_id },
    { "state", "state", 8, false, false, take_state },
    { "path", "path", 0, false, false, take_path },
    { "uid", "uid", 6, true, false, take_uid },
    { "recipient_count", "rcpts", 6, true, false, take_recipient_count },
    { "error", "last error", 0, false, false, take_last_error },
};
#define COLUMN_COUNT (sizeof(COLUMNS) / sizeof(COLUMNS[0]))

static const char USUAL[] =
    "queue_id,arrival_time,queue_name,message_size,auth_account,sender,recipients";

static int choose_one(struct spr_text name, struct spr_columns *columns)
{
    const char *names[COLUMN_COUNT];
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        names[i] = COLUMNS[i].name;
        if (strlen(names[i]) == name.length && memcmp(names[i], name.bytes, name.length) == 0) {
            if (columns->count == SPR_COLUMNS_MAX) {
                return spr_error_say(SPR_EXIT_USAGE, "--fields", "too many fields", NULL);
            }
            columns->column[columns->count++] = &COLUMNS[i];
            return 0;
        }
    }
    char shown[64];
    char hint[80] = "--fields help lists them";
    const char *nearest = spr_nearest(name, names, COLUMN_COUNT);
    if (nearest != NULL) {
        (void)snprintf(hint, sizeof(hint), "did you mean %s?", nearest);
    }
    const size_t length = name.length < sizeof(shown) ? name.length : sizeof(shown) - 1;
    memcpy(shown, name.bytes, length);
    shown[length] = '\0';
    return spr_error_say(SPR_EXIT_USAGE, shown, "no such field", hint);
}

int spr_columns_choose(const char *fields, struct spr_columns *ret_columns)
{
    struct spr_columns columns = { .count = 0 };
    const char *rest = fields != NULL ? fields : USUAL;
    while (rest != NULL) {
        const char *comma = strchr(rest, ',');
        const size_t length = comma != NULL ? (size_t)(comma - rest) : strlen(rest);
        const int r = choose_one((struct spr_text){ (const uint8_t *)rest, length }, &columns);
        if (r != 0) {
            return r;
        }
        rest = comma != NULL ? comma + 1 : NULL;
    }
    *ret_columns = columns;
    return 0;
}

void spr_columns_list(FILE *out)
{
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        (void)fprintf(out, "%s\n", COLUMNS[i].name);
    }
}

void spr_columns_widths(const struct spr_columns *columns, unsigned total, unsigned *ret_widths)
{
    unsigned fixed = 0;
    unsigned flexible = 0;
    for (unsigned i = 0; i < columns->count; i++) {
        fixed += columns->column[i]->width + (i > 0 ? GAP : 0);
        flexible += columns->column[i]->width == 0;
    }
    const unsigned left = total > fixed ? total - fixed : 0;
    const unsigned each = flexible > 0 ? left / flexible : 0;
    for (unsigned i = 0; i < columns->count; i++) {
        const unsigned width = columns->column[i]->width;
        ret_widths[i] = width > 0 ? width : each > FLEXIBLE_MIN ? each : FLEXIBLE_MIN;
    }
}

/* The recipients as one text: all, or the first and how many more. */
static void write_recipients(FILE *out, const struct spr_message *message, bool all)
{
    for (uint32_t i = 0; i < message->recipient_count && (all || i < 1); i++) {
        const struct spr_text address = message->recipients[i].address;
        (void)fputs(i > 0 ? " " : "", out);
        (void)fwrite(address.bytes, 1, address.bytes != NULL ? address.length : 0, out);
    }
    if (!all && message->recipient_count > 1) {
        (void)fprintf(out, " +%u", message->recipient_count - 1);
    }
}

/* Calls on_text with the raw text of one value. */
static void with_text(const struct spr_column *column, const struct spr_row *row, bool for_people,
                      void (*on_text)(struct spr_text text, void *user), void *user)
{
    const struct spr_value value = column->take(row);
    char number[SPR_SHORT_MAX];
    char *whole = NULL;
    size_t size = 0;
    FILE *stream = NULL;
    switch (value.kind) {
    case SPR_VALUE_TEXT:
        on_text(value.text.bytes == NULL && for_people ? spr_text_string("-")
                : value.text.length == 0 && value.text.bytes != NULL && for_people
                    ? spr_text_string("<>")
                    : value.text,
                user);
        return;
    case SPR_VALUE_TIME:
        on_text(spr_text_string(value.number == SPR_TIME_UNKNOWN
                                    ? (for_people ? "-" : "")
                                    : (for_people ? spr_text_minute(value.number, number)
                                                  : spr_text_stamp(value.number, number))),
                user);
        return;
    case SPR_VALUE_COUNT:
        (void)snprintf(number, sizeof(number), "%lld", (long long)value.number);
        on_text(
            spr_text_string(value.number == SPR_COUNT_UNKNOWN ? (for_people ? "-" : "") : number),
            user);
        return;
    case SPR_VALUE_RECIPIENTS:
        stream = open_memstream(&whole, &size);
        if (stream == NULL) {
            return;
        }
        write_recipients(stream, row->message, !for_people);
        if (fclose(stream) == 0) {
            on_text((struct spr_text){ (const uint8_t *)whole, size }, user);
        }
        free(whole);
        return;
    }
}

struct cell {
    FILE *out;
    unsigned width;
    bool right, cut;
};

static void write_cell(struct spr_text text, void *user)
{
    const struct cell *cell = user;
    const size_t width = spr_escape_width(text);
    spr_escape_cell(cell->out, text, cell->cut || width < cell->width ? cell->width : width,
                    cell->right);
}

static void measure_cell(struct spr_text text, void *user)
{
    unsigned *width = user;
    const size_t need = spr_escape_width(text);
    *width = need > *width ? (unsigned)need : *width;
}

void spr_columns_measure(const struct spr_columns *columns, const struct spr_row *row,
                         unsigned *widths)
{
    for (unsigned i = 0; i < columns->count; i++) {
        measure_cell(spr_text_string(columns->column[i]->title), &widths[i]);
        with_text(columns->column[i], row, true, measure_cell, &widths[i]);
    }
}

static void write_csv(struct spr_text text, void *user)
{
    spr_csv_text(user, text);
}

static void write_raw(struct spr_text text, void *user)
{
    (void)fwrite(text.bytes, 1, text.bytes != NULL ? text.length : 0, user);
    (void)fputc('\0', user);
}

void spr_columns_titles(FILE *out, const struct spr_columns *columns, const unsigned *widths)
{
    for (unsigned i = 0; i < columns->count; i++) {
        const struct spr_column *column = columns->column[i];
        (void)fputs(i > 0 ? "  " : "", out);
        if (i + 1 == columns->count && !column->right) {
            (void)fputs(column->title, out);
        } else {
            spr_escape_cell(out, spr_text_string(column->title), widths[i], column->right);
        }
    }
    (void)fputc('\n', out);
}

/* Recipients whose count of further ones would be cut off? */
static bool is_too_long(const struct spr_column *column, const struct spr_row *row, unsigned width)
{
    unsigned need = 0;
    if (column->take != take_recipients || row->message->recipient_count < 2) {
        return false;
    }
    with_text(column, row, true, measure_cell, &need);
    return need > width;
}

/* The first recipient, shortened, and the count of the others, which is not. */
static void write_first(FILE *out, const struct spr_message *message, unsigned width)
{
    char more[24];
    const int length = snprintf(more, sizeof(more), " +%u", message->recipient_count - 1);
    const unsigned left = width > (unsigned)length ? width - (unsigned)length : 0;
    spr_escape_cell(out, message->recipients[0].address, left, false);
    (void)fputs(more, out);
}

void spr_columns_row(FILE *out, const struct spr_columns *columns, const unsigned *widths,
                     const struct spr_row *row, bool cut)
{
    for (unsigned i = 0; i < columns->count; i++) {
        const struct spr_column *column = columns->column[i];
        const bool last = i + 1 == columns->count && !column->right && !cut;
        struct cell cell = { out, last ? 0 : widths[i], column->right, cut };
        (void)fputs(i > 0 ? "  " : "", out);
        if (cut && is_too_long(column, row, widths[i])) {
            write_first(out, row->message, widths[i]);
            continue;
        }
        with_text(column, row, true, write_cell, &cell);
    }
    (void)fputc('\n', out);
}

void spr_columns_csv_names(FILE *out, const struct spr_columns *columns)
{
    for (unsigned i = 0; i < columns->count; i++) {
        (void)fprintf(out, "%s%s", i > 0 ? "," : "", columns->column[i]->name);
    }
    (void)fputs("\r\n", out);
}

void spr_columns_csv(FILE *out, const struct spr_columns *columns, const struct spr_row *row)
{
    for (unsigned i = 0; i < columns->count; i++) {
        (void)fputs(i > 0 ? "," : "", out);
        with_text(columns->column[i], row, false, write_csv, out);
    }
    (void)fputs("\r\n", out);
}

void spr_columns_raw(FILE *out, const struct spr_columns *columns, const struct spr_row *row)
{
    for (unsigned i = 0; i < columns->count; i++) {
        with_text(columns->column[i], row, false, write_raw, out);
    }
}

static void add_recipients(struct spr_json *json, const struct spr_message *message)
{
    spr_json_list(json, "recipients");
    for (uint32_t i = 0; i < message->recipient_count; i++) {
        const struct spr_recipient *recipient = &message->recipients[i];
        spr_json_item(json);
        spr_json_text(json, "address", recipient->address);
        spr_json_string(json, "state", spr_recipient_state_name(recipient->state));
        spr_json_text(json, "original", recipient->original);
        spr_json_text(json, "error", recipient->error);
        spr_json_close(json);
    }
    spr_json_close(json);
}

static void add_column(struct spr_json *json, const struct spr_column *column,
                       const struct spr_row *row)
{
    const struct spr_value value = column->take(row);
    switch (value.kind) {
    case SPR_VALUE_TEXT:
        if (!column->indexed_only || value.text.bytes != NULL) {
            spr_json_text(json, column->name, value.text);
        }
        return;
    case SPR_VALUE_TIME:
    case SPR_VALUE_COUNT:
        spr_json_known(json, column->name, value.number);
        return;
    case SPR_VALUE_RECIPIENTS:
        add_recipients(json, row->message);
        return;
    }
}

static void add_flags(struct spr_json *json, const struct spr_message *message)
{
    static const struct {
        uint32_t flag;
        const char *name;
    } flags[] = {
        { SPR_MESSAGE_BOUNCE, "bounce" },
        { SPR_MESSAGE_INCOMPLETE, "incomplete" },
        { SPR_MESSAGE_BUSY, "busy" },
        { SPR_MESSAGE_WARNED, "warned" },
        { SPR_MESSAGE_FORCE_EXPIRE, "forced_expire" },
        { SPR_MESSAGE_PENDING_DSN, "pending_dsn" },
        { SPR_MESSAGE_DOOMED, "doomed" },
        { SPR_MESSAGE_MISMATCH, "mismatch" },
    };
    spr_json_list(json, "flags");
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        if ((message->flags & flags[i].flag) != 0) {
            spr_json_string(json, NULL, flags[i].name);
        }
    }
    spr_json_close(json);
}

void spr_columns_add(struct spr_json *json, const struct spr_columns *columns,
                     const struct spr_row *row)
{
    if (columns != NULL) {
        for (unsigned i = 0; i < columns->count; i++) {
            add_column(json, columns->column[i], row);
        }
        return;
    }
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        add_column(json, &COLUMNS[i], row);
    }
    add_flags(json, row->message);
}

int spr_columns_json(FILE *out, const struct spr_columns *columns, const struct spr_row *row)
{
    struct spr_json *json = spr_json_new("spoolray.message/1");
    spr_columns_add(json, columns, row);
    return spr_json_write(json, out);
}
