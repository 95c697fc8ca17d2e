/*
 * The columns of a message: one table that serves the terminal, CSV, NUL-separated and JSON output,
 * with the names that the manual lists.
 */
#ifndef SPR_TOOLS_COLUMNS_H
#define SPR_TOOLS_COLUMNS_H

#include "tools/cli.h"
#include "tools/print_json.h"

#define SPR_COLUMNS_MAX 40

/* One message of one spool. */
struct spr_row {
    const struct spr_message *message;
    const char *spool, *format, *host; /* host may be NULL */
};

enum spr_value_kind { SPR_VALUE_TEXT, SPR_VALUE_TIME, SPR_VALUE_COUNT, SPR_VALUE_RECIPIENTS };

struct spr_value {
    enum spr_value_kind kind;
    struct spr_text text;
    int64_t number;
};

struct spr_column {
    const char *name;
    const char *title;
    unsigned width; /* on a terminal; 0: shares what is left */
    bool right;
    bool indexed_only; /* absent from JSON where unknown: subject and the like */
    uint32_t members;  /* of the message that it needs: spr_member */
    struct spr_value (*take)(const struct spr_row *row);
};

struct spr_columns {
    const struct spr_column *column[SPR_COLUMNS_MAX];
    unsigned count;
};

/* fields: names by comma, NULL for the usual ones. 0, or an exit code with its error line. */
int spr_columns_choose(const char *fields, struct spr_columns *ret_columns);
void spr_columns_all(struct spr_columns *ret_columns);
void spr_columns_list(FILE *out);
/* What a message must have for them: spr_member. */
uint32_t spr_columns_members(const struct spr_columns *columns);
/* Widths for where nothing is cut; widths has SPR_COLUMNS_MAX entries, as below. */
void spr_columns_widths(const struct spr_columns *columns, unsigned total, unsigned *ret_widths);
/* For a terminal: widens widths (from 0) to what titles and one row need; then makes a table of
 * that fit in total. may_drop: the least useful columns may go. */
void spr_columns_measure(const struct spr_columns *columns, const struct spr_row *row,
                         unsigned *widths);
void spr_columns_fit(struct spr_columns *columns, bool may_drop, unsigned total, unsigned *widths);

enum spr_row_style {
    SPR_ROW_CUT,   /* fits its widths */
    SPR_ROW_SHORT, /* of several recipients only the first */
    SPR_ROW_WHOLE, /* all there is */
};
void spr_columns_titles(struct spr_out *out, const struct spr_columns *columns,
                        const unsigned *widths);
void spr_columns_row(struct spr_out *out, const struct spr_columns *columns, const unsigned *widths,
                     const struct spr_row *row, enum spr_row_style style);
void spr_columns_csv_names(struct spr_out *out, const struct spr_columns *columns);
void spr_columns_csv(struct spr_out *out, const struct spr_columns *columns,
                     const struct spr_row *row);
void spr_columns_raw(struct spr_out *out, const struct spr_columns *columns,
                     const struct spr_row *row);
/* All of them, or only the columns named (NULL: all). */
void spr_columns_json(struct spr_out *out, const struct spr_columns *columns,
                      const struct spr_row *row);
/* Adds the message's fields to an object. */
void spr_columns_add(struct spr_json *json, const struct spr_columns *columns,
                     const struct spr_row *row);

#endif
