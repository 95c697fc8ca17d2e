/*
 * From the texts of a record to keys. All of a row are searched for before the first is waited for.
 */
#include "core/index/classes.h"
#include "core/index/segment_build.h"
#include "formats/cursor.h"

#include <string.h>

static struct spr_text cut_text(struct spr_text text)
{
    if (text.length > SPR_SEGMENT_TEXT_MAX) {
        text.length = SPR_SEGMENT_TEXT_MAX;
    }
    return text;
}

/* Key of a text: id in its class + 1, or 0 for unknown. */
static int text_key(struct spr_strings *strings, struct spr_text text, uint64_t *ret_key)
{
    if (text.bytes == NULL) {
        *ret_key = 0;
        return 0;
    }
    uint32_t id;
    int r = spr_strings_intern(strings, cut_text(text), &id);
    if (r < 0) {
        return r;
    }
    *ret_key = (uint64_t)id + 1;
    return 0;
}

static struct spr_strings *strings_of(struct spr_segment_builder *builder, unsigned text)
{
    return &builder->strings[text < SPR_COLUMN_COUNT ? spr_class_of((enum spr_column)text)
                                                     : SPR_CLASS_OTHER];
}

/* The key of a text that is unknown or that of the row before; else its search is opened. */
static uint64_t search_text(struct spr_segment_builder *builder, unsigned number,
                            struct spr_text text, struct spr_text_searches *searches)
{
    const struct spr_text_memo *memo = &builder->texts[number];
    if (text.bytes == NULL) {
        return 0;
    }
    if (memo->key > 0 && text.length == memo->length &&
        memcmp(text.bytes, memo->bytes, text.length) == 0) {
        return memo->key;
    }
    spr_strings_search(strings_of(builder, number), cut_text(text), &searches->of[number]);
    searches->open |= 1u << number;
    return 0;
}

static int settle_text(struct spr_segment_builder *builder, unsigned number,
                       const struct spr_string_search *search, uint64_t *ret_key)
{
    uint32_t id;
    int r = spr_strings_settle(strings_of(builder, number), search, &id);
    if (r < 0) {
        return r;
    }
    *ret_key = (uint64_t)id + 1;
    if (search->text.length <= SPR_MEMO_MAX) {
        struct spr_text_memo *memo = &builder->texts[number];
        memo->key = *ret_key;
        memo->length = search->text.length;
        memcpy(memo->bytes, search->text.bytes, search->text.length);
    }
    return 0;
}

static void search_addresses(const struct spr_strings *strings,
                             const struct spr_recipient *recipients, uint32_t count,
                             struct spr_address_searches *searches)
{
    searches->count = 0;
    for (uint32_t i = 0; i < count && i < SPR_TOGETHER; i++) {
        if (recipients[i].address.bytes != NULL) {
            searches->places[searches->count] = i;
            spr_strings_search(strings, cut_text(recipients[i].address),
                               &searches->of[searches->count++]);
        }
    }
}

static int settle_addresses(struct spr_strings *strings,
                            const struct spr_address_searches *searches, uint8_t *keys)
{
    for (uint32_t i = 0; i < searches->count; i++) {
        spr_strings_search_on(strings, &searches->of[i]);
    }
    int r = 0;
    for (uint32_t i = 0; r == 0 && i < searches->count; i++) {
        uint32_t id = 0;
        r = spr_strings_settle(strings, &searches->of[i], &id);
        spr_store_u32(keys + (size_t)searches->places[i] * SPR_RECIPIENT_KEYS_BYTES, id + 1);
    }
    return r;
}

static int intern_rest(struct spr_segment_builder *builder, const struct spr_recipient *recipient,
                       uint8_t *keys)
{
    uint64_t original = 0;
    uint64_t error = 0;
    int r = 0;
    if (recipient->original.bytes == NULL) {
        original = 0;
    } else if (recipient->address.bytes != NULL &&
               spr_texts_equal(recipient->original, recipient->address)) {
        original = SPR_KEY_SAME;
    } else {
        r = text_key(&builder->strings[SPR_CLASS_RECIPIENTS], recipient->original, &original);
        original++;
    }
    if (r == 0 && recipient->error.bytes != NULL) {
        r = text_key(&builder->strings[SPR_CLASS_OTHER], recipient->error, &error);
    }
    if (recipient->address.bytes == NULL) {
        spr_store_u32(keys, 0);
    }
    spr_store_u32(keys + 4, (uint32_t)original);
    spr_store_u32(keys + 8, (uint32_t)error);
    return r;
}

/* Keys of all recipients into builder->recipient_keys. searches: of the first of them. */
static int intern_recipients(struct spr_segment_builder *builder, const struct spr_record *record,
                             struct spr_address_searches *searches)
{
    struct spr_bytes *scratch = &builder->recipient_keys;
    struct spr_strings *strings = &builder->strings[SPR_CLASS_RECIPIENTS];
    const uint32_t count = record->recipient_count;
    int r = spr_bytes_reserve(scratch, (size_t)count * SPR_RECIPIENT_KEYS_BYTES);
    for (uint32_t i = 0; r == 0 && i < count; i += SPR_TOGETHER) {
        uint8_t *keys = scratch->at + (size_t)i * SPR_RECIPIENT_KEYS_BYTES;
        if (i > 0) {
            search_addresses(strings, record->recipients + i, count - i, searches);
        }
        r = settle_addresses(strings, searches, keys);
    }
    for (uint32_t i = 0; r == 0 && i < count; i++) {
        r = intern_rest(builder, &record->recipients[i],
                        scratch->at + (size_t)i * SPR_RECIPIENT_KEYS_BYTES);
    }
    return r;
}

static bool is_account_sender(const struct spr_record *record)
{
    const struct spr_text account = record->text[SPR_COLUMN_ACCOUNT];
    const struct spr_text sender = record->text[SPR_COLUMN_SENDER];
    return account.bytes != NULL && sender.bytes != NULL && spr_texts_equal(account, sender);
}

/* Keys of the row's texts, as far as they need no search. */
static void search_texts(struct spr_segment_builder *builder, const struct spr_record *record,
                         uint64_t keys[SPR_AT_ROW_COLUMNS], struct spr_text_searches *searches)
{
    searches->open = 0;
    for (unsigned i = 0; i < SPR_COLUMN_COUNT; i++) {
        if (i == SPR_COLUMN_ACCOUNT && is_account_sender(record)) {
            keys[SPR_AT_TEXT + i] = SPR_KEY_SAME;
            continue;
        }
        const uint64_t key = search_text(builder, i, record->text[i], searches);
        keys[SPR_AT_TEXT + i] = key + (i == SPR_COLUMN_ACCOUNT && key > 0);
    }
    keys[SPR_AT_FOLDER] =
        search_text(builder, SPR_COLUMN_COUNT, spr_text_known(record->folder), searches);
}

/* Those that were searched for. */
static int settle_texts(struct spr_segment_builder *builder,
                        const struct spr_text_searches *searches, uint64_t keys[SPR_AT_ROW_COLUMNS])
{
    for (uint32_t open = searches->open; open != 0; open &= open - 1) {
        const unsigned i = (unsigned)__builtin_ctz(open);
        spr_strings_search_on(strings_of(builder, i), &searches->of[i]);
    }
    int r = 0;
    for (uint32_t open = searches->open; r == 0 && open != 0; open &= open - 1) {
        const unsigned i = (unsigned)__builtin_ctz(open);
        uint64_t *key = &keys[i < SPR_COLUMN_COUNT ? SPR_AT_TEXT + i : SPR_AT_FOLDER];
        r = settle_text(builder, i, &searches->of[i], key);
        *key += i == SPR_COLUMN_ACCOUNT;
    }
    return r;
}

void spr_row_search(struct spr_segment_builder *builder, const struct spr_record *record,
                    uint64_t keys[SPR_AT_ROW_COLUMNS], struct spr_row_search *ret_search)
{
    search_texts(builder, record, keys, &ret_search->texts);
    search_addresses(&builder->strings[SPR_CLASS_RECIPIENTS], record->recipients,
                     record->recipient_count, &ret_search->addresses);
}

int spr_row_settle(struct spr_segment_builder *builder, const struct spr_record *record,
                   uint64_t keys[SPR_AT_ROW_COLUMNS], struct spr_row_search *search)
{
    int r = settle_texts(builder, &search->texts, keys);
    return r < 0 ? r : intern_recipients(builder, record, &search->addresses);
}
