/*
 * Messages as rows of a table, as CSV, NUL-separated, and as JSON.
 */
#include "tools/columns.h"
#include "tools/escape.h"
#include "tools/print_csv.h"
#include "tools/print_text.h"

/* The recipients as one text: all, or the first and how many more. */
static void join_recipients(struct spr_out *out, const struct spr_message *message, bool all)
{
    for (uint32_t i = 0; i < message->recipient_count && (all || i < 1); i++) {
        const struct spr_text address = message->recipients[i].address;
        spr_out_bytes(out, " ", i > 0 ? 1 : 0);
        spr_out_bytes(out, address.bytes, address.bytes != NULL ? address.length : 0);
    }
    if (!all && message->recipient_count > 1) {
        spr_out_string(out, " +");
        spr_out_number(out, message->recipient_count - 1);
    }
}

enum reader { FOR_PEOPLE, FOR_PEOPLE_WHOLE, FOR_PROGRAMS };

typedef void (*text_fn)(struct spr_text text, void *user);

static void with_recipients(const struct spr_message *message, enum reader reader, text_fn on_text,
                            void *user)
{
    struct spr_out joined;
    spr_out_begin(&joined, NULL);
    join_recipients(&joined, message, reader != FOR_PEOPLE);
    on_text(spr_out_text(&joined), user);
    spr_out_end(&joined);
}

static struct spr_text shown_text(struct spr_text text, enum reader reader)
{
    if (reader == FOR_PROGRAMS || text.length > 0) {
        return text;
    }
    return spr_text_string(text.bytes == NULL ? "-" : "<>");
}

static struct spr_text shown_time(int64_t time, enum reader reader, char room[SPR_SHORT_MAX])
{
    if (reader != FOR_PROGRAMS) {
        return spr_text_string(spr_text_minute(time, room));
    }
    return spr_text_string(time == SPR_TIME_UNKNOWN ? "" : spr_text_stamp(time, room));
}

static void with_count(int64_t count, enum reader reader, text_fn on_text, void *user)
{
    struct spr_out digits;
    if (count == SPR_COUNT_UNKNOWN) {
        on_text(spr_text_string(reader == FOR_PROGRAMS ? "" : "-"), user);
        return;
    }
    spr_out_begin(&digits, NULL);
    spr_out_number(&digits, count);
    on_text(spr_out_text(&digits), user);
}

/* Calls on_text with the raw text of one value. */
static void with_text(const struct spr_column *column, const struct spr_row *row,
                      enum reader reader, text_fn on_text, void *user)
{
    const struct spr_value value = column->take(row);
    char room[SPR_SHORT_MAX];
    switch (value.kind) {
    case SPR_VALUE_TEXT:
        on_text(shown_text(value.text, reader), user);
        return;
    case SPR_VALUE_TIME:
        on_text(shown_time(value.number, reader, room), user);
        return;
    case SPR_VALUE_COUNT:
        with_count(value.number, reader, on_text, user);
        return;
    case SPR_VALUE_RECIPIENTS:
        with_recipients(row->message, reader, on_text, user);
        return;
    }
}

struct cell {
    struct spr_out *out;
    unsigned width; /* 0: as wide as it is */
    bool right, cut;
};

static void write_cell(struct spr_text text, void *user)
{
    const struct cell *cell = user;
    if (cell->cut || spr_escape_width(text) < cell->width) {
        spr_escape_cell(cell->out, text, cell->width, cell->right);
    } else {
        spr_escape_text(cell->out, text);
    }
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
        with_text(columns->column[i], row, FOR_PEOPLE, measure_cell, &widths[i]);
    }
}

static void write_csv(struct spr_text text, void *user)
{
    spr_csv_text(user, text);
}

static void write_raw(struct spr_text text, void *user)
{
    spr_out_bytes(user, text.bytes, text.bytes != NULL ? text.length : 0);
    spr_out_char(user, '\0');
}

void spr_columns_titles(struct spr_out *out, const struct spr_columns *columns,
                        const unsigned *widths)
{
    for (unsigned i = 0; i < columns->count; i++) {
        const struct spr_column *column = columns->column[i];
        spr_out_string(out, i > 0 ? "  " : "");
        if (i + 1 == columns->count && !column->right) {
            spr_out_string(out, column->title);
        } else {
            spr_escape_cell(out, spr_text_string(column->title), widths[i], column->right);
        }
    }
    spr_out_char(out, '\n');
}

/* Recipients whose count of further ones would be cut off? */
static bool is_too_long(const struct spr_column *column, const struct spr_row *row, unsigned width)
{
    unsigned need = 0;
    if (row->message->recipient_count < 2 || column->take(row).kind != SPR_VALUE_RECIPIENTS) {
        return false;
    }
    with_text(column, row, FOR_PEOPLE, measure_cell, &need);
    return need > width;
}

/* The first recipient, shortened, and the count of the others, which is not. */
static void write_first(struct spr_out *out, const struct spr_message *message, unsigned width)
{
    char more[24];
    const int length = snprintf(more, sizeof(more), " +%u", message->recipient_count - 1);
    const unsigned left = width > (unsigned)length ? width - (unsigned)length : 0;
    spr_escape_cell(out, message->recipients[0].address, left, false);
    spr_out_string(out, more);
}

void spr_columns_row(struct spr_out *out, const struct spr_columns *columns, const unsigned *widths,
                     const struct spr_row *row, enum spr_row_style style)
{
    const bool cut = style == SPR_ROW_CUT;
    for (unsigned i = 0; i < columns->count; i++) {
        const struct spr_column *column = columns->column[i];
        const bool last = i + 1 == columns->count && !column->right && !cut;
        struct cell cell = { out, last ? 0 : widths[i], column->right, cut };
        spr_out_bytes(out, "  ", i > 0 ? 2 : 0);
        if (cut && is_too_long(column, row, widths[i])) {
            write_first(out, row->message, widths[i]);
            continue;
        }
        with_text(column, row, style == SPR_ROW_WHOLE ? FOR_PEOPLE_WHOLE : FOR_PEOPLE, write_cell,
                  &cell);
    }
    spr_out_char(out, '\n');
}

void spr_columns_csv_names(struct spr_out *out, const struct spr_columns *columns)
{
    for (unsigned i = 0; i < columns->count; i++) {
        spr_out_string(out, i > 0 ? "," : "");
        spr_out_string(out, columns->column[i]->name);
    }
    spr_out_string(out, "\r\n");
}

void spr_columns_csv(struct spr_out *out, const struct spr_columns *columns,
                     const struct spr_row *row)
{
    for (unsigned i = 0; i < columns->count; i++) {
        spr_out_bytes(out, ",", i > 0 ? 1 : 0);
        with_text(columns->column[i], row, FOR_PROGRAMS, write_csv, out);
    }
    spr_out_bytes(out, "\r\n", 2);
}

void spr_columns_raw(struct spr_out *out, const struct spr_columns *columns,
                     const struct spr_row *row)
{
    for (unsigned i = 0; i < columns->count; i++) {
        with_text(columns->column[i], row, FOR_PROGRAMS, write_raw, out);
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
    struct spr_columns all;
    if (columns == NULL) {
        spr_columns_all(&all);
    }
    const struct spr_columns *chosen = columns != NULL ? columns : &all;
    for (unsigned i = 0; i < chosen->count; i++) {
        add_column(json, chosen->column[i], row);
    }
    if (columns == NULL) {
        add_flags(json, row->message);
    }
}

void spr_columns_json(struct spr_out *out, const struct spr_columns *columns,
                      const struct spr_row *row)
{
    struct spr_json json;
    spr_json_begin(&json, out, "spoolray.message/1");
    spr_columns_add(&json, columns, row);
    spr_json_end(&json);
}
