/*
 * Posting lists and hash tables of a segment, made from the builder's columns when it is written.
 * One kind of posting after the other, each by a counting sort over string ids, so that the memory
 * needed is that of the largest kind.
 */
#include "core/index/address.h"
#include "core/index/hash.h"
#include "core/index/segment_build.h"

#include <errno.h>
#include <stdlib.h>

#define NO_ROW UINT32_MAX

/* Normal form and domain of every string that is looked up by them. */
struct forms {
    uint32_t *normal, *domain; /* string ids or SPR_STRING_NONE, per raw string id */
    uint32_t raw_count;
    uint8_t *listed; /* per string id: has a posting */
};

/* One counting sort. */
struct sort {
    uint32_t *ends; /* per string id: count, then the end of its rows */
    uint32_t *last; /* per string id: its last row, to take every row once */
    uint32_t *rows;
    uint32_t total;
    bool counting;
};

/* Where a kind of posting finds its texts. */
struct source {
    enum spr_segment_column columns[2];
    unsigned column_count;
    bool of_recipients, of_domains;
};

static const struct source SOURCES[SPR_POSTING_COUNT] = {
    [SPR_POSTING_ACCOUNT] = { { SPR_AT_TEXT + SPR_COLUMN_ACCOUNT }, 1, false, false },
    [SPR_POSTING_SENDER] = { { SPR_AT_TEXT + SPR_COLUMN_SENDER }, 1, false, false },
    [SPR_POSTING_SENDER_DOMAIN] = { { SPR_AT_TEXT + SPR_COLUMN_SENDER }, 1, false, true },
    [SPR_POSTING_RCPT] = { { SPR_AT_RCPT_ADDRESS, SPR_AT_RCPT_ORIGINAL }, 2, true, false },
    [SPR_POSTING_RCPT_DOMAIN] = { { SPR_AT_RCPT_ADDRESS, SPR_AT_RCPT_ORIGINAL }, 2, true, true },
    [SPR_POSTING_CLIENT] = { { SPR_AT_TEXT + SPR_COLUMN_CLIENT }, 1, false, false },
    [SPR_POSTING_LOCAL_USER] = { { SPR_AT_TEXT + SPR_COLUMN_LOCAL_USER }, 1, false, false },
};

static int fill_form(struct spr_segment_builder *builder, struct forms *forms, uint64_t key)
{
    if (key == 0 || forms->normal[key - 1] != SPR_STRING_NONE) {
        return 0;
    }
    uint8_t text[SPR_ADDRESS_MAX];
    const struct spr_text raw = spr_strings_text(&builder->strings, (uint32_t)(key - 1));
    const struct spr_text normal = { text, spr_address_normalise(raw, text) };
    int r = spr_strings_intern(&builder->strings, normal, &forms->normal[key - 1]);
    if (r < 0) {
        return r;
    }
    const struct spr_text domain = spr_address_domain(normal);
    return domain.bytes == NULL
               ? 0
               : spr_strings_intern(&builder->strings, domain, &forms->domain[key - 1]);
}

static int fill_forms(struct spr_segment_builder *builder, struct forms *forms)
{
    forms->raw_count = builder->strings.count;
    forms->normal = malloc((forms->raw_count + 1) * sizeof(*forms->normal));
    forms->domain = malloc((forms->raw_count + 1) * sizeof(*forms->domain));
    if (forms->normal == NULL || forms->domain == NULL) {
        return -ENOMEM;
    }
    for (uint32_t id = 0; id < forms->raw_count; id++) {
        forms->normal[id] = SPR_STRING_NONE;
        forms->domain[id] = SPR_STRING_NONE;
    }
    int r = 0;
    for (unsigned kind = 0; kind < SPR_POSTING_COUNT; kind++) {
        const struct source *source = &SOURCES[kind];
        for (unsigned c = 0; c < source->column_count && !source->of_domains; c++) {
            const struct spr_column_builder *column = &builder->columns[source->columns[c]];
            for (uint64_t i = 0; r == 0 && i < column->count; i++) {
                r = fill_form(builder, forms, spr_column_built(column, i));
            }
        }
    }
    forms->listed = calloc((size_t)builder->strings.count + 1, 1);
    return r == 0 && forms->listed == NULL ? -ENOMEM : r;
}

static void take_pair(struct sort *sort, uint32_t id, uint32_t row)
{
    if (id == SPR_STRING_NONE || sort->last[id] == row) {
        return;
    }
    sort->last[id] = row;
    if (sort->counting) {
        sort->ends[id]++;
        sort->total++;
        return;
    }
    sort->rows[sort->ends[id]++] = row;
}

/* All pairs of text and row of one kind, rows ascending. */
static void take_pairs(const struct spr_segment_builder *builder, const struct forms *forms,
                       const struct source *source, struct sort *sort)
{
    const uint32_t *form = source->of_domains ? forms->domain : forms->normal;
    const struct spr_column_builder *counts = &builder->columns[SPR_AT_RCPT_COUNT];
    uint64_t item = 0;
    for (uint32_t row = 0; row < builder->rows; row++) {
        const uint64_t items = source->of_recipients ? spr_column_built(counts, row) : 1;
        for (const uint64_t end = item + items; item < end; item++) {
            for (unsigned c = 0; c < source->column_count; c++) {
                const uint64_t key = spr_column_built(&builder->columns[source->columns[c]], item);
                take_pair(sort, key == 0 ? SPR_STRING_NONE : form[key - 1], row);
            }
        }
    }
}

static void forget_rows(struct sort *sort, uint32_t strings)
{
    for (uint32_t id = 0; id < strings; id++) {
        sort->last[id] = NO_ROW;
    }
}

/* Entries of one list: of at most SPR_POSTING_ROWS rows each. */
static int put_list(struct spr_block_builder *postings, uint32_t item, const uint32_t *rows,
                    uint32_t count)
{
    while (count > 0) {
        const uint32_t part = count < SPR_POSTING_ROWS ? count : SPR_POSTING_ROWS;
        if (postings->count == 0 || postings->raw.length >= SPR_BLOCK_AIM) {
            int r = spr_block_close(postings, item);
            if (r < 0) {
                return r;
            }
            postings->previous_item = item;
            postings->previous_row = 0;
        }
        int r = spr_bytes_reserve(&postings->raw, (part + 3) * (size_t)SPR_VARINT_MAX);
        if (r < 0) {
            return r;
        }
        spr_bytes_put_varint(&postings->raw, item - postings->previous_item);
        spr_bytes_put_varint(&postings->raw,
                             spr_zigzag((int64_t)rows[0] - (int64_t)postings->previous_row));
        spr_bytes_put_varint(&postings->raw, part - 1);
        for (uint32_t i = 1; i < part; i++) {
            spr_bytes_put_varint(&postings->raw, rows[i] - rows[i - 1] - 1);
        }
        postings->previous_item = item;
        postings->previous_row = rows[0];
        postings->count++;
        rows += part;
        count -= part;
    }
    return 0;
}

static int put_kind(struct spr_segment_builder *builder, struct forms *forms, unsigned kind,
                    struct sort *sort, struct spr_block_builder *postings)
{
    const uint32_t strings = builder->strings.count;
    for (uint32_t id = 0; id < strings; id++) {
        sort->ends[id] = 0;
    }
    sort->total = 0;
    sort->counting = true;
    forget_rows(sort, strings);
    take_pairs(builder, forms, &SOURCES[kind], sort);
    free(sort->rows);
    sort->rows = malloc(((size_t)sort->total + 1) * sizeof(*sort->rows));
    if (sort->rows == NULL) {
        return -ENOMEM;
    }
    uint32_t start = 0;
    for (uint32_t id = 0; id < strings; id++) {
        const uint32_t count = sort->ends[id];
        sort->ends[id] = start;
        start += count;
    }
    sort->counting = false;
    forget_rows(sort, strings);
    take_pairs(builder, forms, &SOURCES[kind], sort);

    int r = 0;
    start = 0;
    for (uint32_t id = 0; r == 0 && id < strings; id++) {
        const uint32_t end = sort->ends[id];
        if (end > start) {
            forms->listed[id] = 1;
            r = put_list(postings, kind * strings + id, sort->rows + start, end - start);
        }
        start = end;
    }
    return r;
}

static int put_postings(struct spr_segment_builder *builder, struct forms *forms,
                        struct spr_block_builder *postings)
{
    const size_t strings = (size_t)builder->strings.count + 1;
    struct sort sort = {
        .ends = malloc(strings * sizeof(*sort.ends)),
        .last = malloc(strings * sizeof(*sort.last)),
    };
    int r = sort.ends == NULL || sort.last == NULL ? -ENOMEM : 0;
    for (unsigned kind = 0; r == 0 && kind < SPR_POSTING_COUNT; kind++) {
        if (SOURCES[kind].column_count > 0) {
            r = put_kind(builder, forms, kind, &sort, postings);
        }
    }
    if (r == 0) {
        r = spr_block_close(postings, 0);
    }
    free(sort.ends);
    free(sort.last);
    free(sort.rows);
    return r;
}

static uint64_t hash_of_string(const struct spr_segment_builder *builder, uint32_t id)
{
    const struct spr_text text = spr_strings_text(&builder->strings, id);
    return spr_hash64(text.bytes, text.length, builder->seed);
}

static uint64_t hash_of_row(const struct spr_segment_builder *builder, uint32_t row)
{
    return spr_column_built(&builder->ids, row);
}

/* The hash table over those of `total` items that are listed (NULL: all). */
static int put_table(const struct spr_segment_builder *builder, uint32_t total,
                     const uint8_t *listed,
                     uint64_t (*hash_of)(const struct spr_segment_builder *, uint32_t),
                     struct spr_column_builder *start, struct spr_column_builder *slot)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < total; i++) {
        count += listed == NULL || listed[i];
    }
    const unsigned bits = spr_bucket_bits(count);
    const uint64_t buckets = UINT64_C(1) << bits;
    uint32_t *ends = calloc(buckets + 1, sizeof(*ends));
    uint32_t *items = malloc((count + 1) * sizeof(*items));
    int r = ends == NULL || items == NULL ? -ENOMEM : spr_column_reserve(start, buckets + 1);
    if (r == 0) {
        r = spr_column_reserve(slot, count);
    }
    if (r < 0) {
        goto end;
    }
    for (uint32_t i = 0; i < total; i++) {
        if (listed == NULL || listed[i]) {
            ends[spr_bucket_of(hash_of(builder, i), bits) + 1]++;
        }
    }
    for (uint64_t b = 1; b <= buckets; b++) {
        ends[b] += ends[b - 1];
    }
    for (uint64_t b = 0; b <= buckets; b++) {
        spr_column_push(start, ends[b]);
    }
    for (uint32_t i = 0; i < total; i++) {
        if (listed == NULL || listed[i]) {
            items[ends[spr_bucket_of(hash_of(builder, i), bits)]++] = i;
        }
    }
    for (uint64_t i = 0; i < count; i++) {
        spr_column_push(slot, spr_slot_of(items[i], hash_of(builder, items[i])));
    }
    spr_column_finish(start);
    spr_column_finish(slot);

end:
    free(ends);
    free(items);
    return r;
}

int spr_segment_lists_build(struct spr_segment_builder *builder, struct spr_segment_lists *lists)
{
    struct forms forms = { 0 };
    int r = spr_block_builder_init(&lists->postings);
    if (r == 0) {
        r = fill_forms(builder, &forms);
    }
    if (r == 0) {
        r = put_postings(builder, &forms, &lists->postings);
    }
    if (r == 0) {
        r = put_table(builder, builder->strings.count, forms.listed, hash_of_string,
                      &lists->key_start, &lists->key_slot);
    }
    if (r == 0) {
        r = put_table(builder, builder->rows, NULL, hash_of_row, &lists->id_start, &lists->id_slot);
    }
    free(forms.normal);
    free(forms.domain);
    free(forms.listed);
    return r;
}

void spr_segment_lists_free(struct spr_segment_lists *lists)
{
    if (lists == NULL) {
        return;
    }
    spr_block_builder_free(&lists->postings);
    spr_column_free(&lists->key_start);
    spr_column_free(&lists->key_slot);
    spr_column_free(&lists->id_start);
    spr_column_free(&lists->id_slot);
    free(lists);
}
