/*
 * What was typed, and how it was found.
 */
#include "core/query/explain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_WIDTH 34
#define LABEL_MAX   200 /* longer terms are cut */

/* 1204567 as 1,204,567. */
static const char *grouped(uint64_t value, char out[32])
{
    char digits[32];
    const int count = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value);
    size_t n = 0;
    for (int i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 3 == 0) {
            out[n++] = ',';
        }
        out[n++] = digits[i];
    }
    out[n] = '\0';
    return out;
}

static void print_ways(FILE *out, const struct spr_leaf_report *report)
{
    static const struct {
        uint32_t way;
        const char *text;
    } ways[] = {
        { SPR_WAY_LOOKUP, "hash look-up" }, { SPR_WAY_DICTIONARY, "dictionary" },
        { SPR_WAY_COLUMN, "column" },       { SPR_WAY_RECIPIENTS, "recipients" },
        { SPR_WAY_IDS, "queue ids" },
    };
    char number[32];
    const char *separator = "";
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        if ((report->ways & ways[i].way) == 0) {
            continue;
        }
        (void)fprintf(out, "%s%s", separator, ways[i].text);
        if (ways[i].way == SPR_WAY_DICTIONARY) {
            (void)fprintf(out, " of %s strings", grouped(report->strings, number));
        }
        separator = " + ";
    }
    if (report->ways == 0) {
        (void)fputs(report->segments > 0 ? "one fact of the spool" : "not needed", out);
    }
    if (report->tested > 0) {
        (void)fprintf(out, " of %s rows", grouped(report->tested, number));
    }
    if (report->segments > 0) {
        (void)fprintf(out, ", %s %s in %u %s", grouped(report->rows, number),
                      report->rows == 1 ? "row" : "rows", report->segments,
                      report->segments == 1 ? "segment" : "segments");
    }
}

static void print_term(FILE *out, const struct spr_query *query, const struct spr_filter_node *node,
                       int indent, const struct spr_leaf_report *report)
{
    const int length = node->length < LABEL_MAX ? (int)node->length : LABEL_MAX;
    const int pad = LABEL_WIDTH - indent - length;
    (void)fprintf(out, "%*s%.*s%*s", indent, "", length, query->filter->text + node->column,
                  pad > 2 ? pad : 2, "");
    print_ways(out, report);
    (void)fputc('\n', out);
}

/* Depth is bounded by the parser. */
static void print_node(FILE *out, const struct spr_query *query, uint32_t number, int indent,
                       const struct spr_leaf_report *reports)
{
    static const char *const words[] = { [SPR_FILTER_EVERYTHING] = "everything",
                                         [SPR_FILTER_AND] = "and",
                                         [SPR_FILTER_OR] = "or",
                                         [SPR_FILTER_NOT] = "not",
                                         [SPR_FILTER_TERM] = "" };
    const struct spr_filter_node *node = &query->filter->nodes[number];
    if (node->kind == SPR_FILTER_TERM) {
        print_term(out, query, node, indent, &reports[number]);
        return;
    }
    (void)fprintf(out, "%*s%s\n", indent, "", words[node->kind]);
    for (uint32_t child = node->first_child; child != SPR_FILTER_NO_NODE;
         child = query->filter->nodes[child].next_sibling) {
        print_node(out, query, child, indent + 2, reports);
    }
}

int spr_explain(const struct spr_query *query, const struct spr_leaf_report *reports,
                struct spr_explain_total total, char **ret_text)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL) {
        return -ENOMEM;
    }
    if (query == NULL) {
        (void)fputs("everything\n", out); /* errors show at fclose */
    } else {
        print_node(out, query, query->filter->root, 0, reports);
    }
    char selected[32];
    char live[32];
    (void)fprintf(out, "%s of %s messages in %u %s\n", grouped(total.selected, selected),
                  grouped(total.live, live), total.segments,
                  total.segments == 1 ? "segment" : "segments");
    if (fclose(out) != 0) {
        free(text);
        return -ENOMEM;
    }
    *ret_text = text;
    return 0;
}
