/*
 * Interning: open addressing, keyed by the index's secret, so that mail content cannot choose its
 * slots. A slot tells hash and length, so that a text is touched only where it is most likely the
 * one; of several texts the slots, then the texts are fetched before any is compared.
 */
#include "core/index/strings.h"

#include "core/index/address.h"
#include "core/index/hash.h"
#include "core/index/layout.h"

#include <errno.h>
#include <stdlib.h>

#define SLOTS_MIN 256

void spr_strings_init(struct spr_strings *strings, uint64_t seed, uint16_t tag_mask)
{
    *strings = (struct spr_strings){ .seed = seed, .tag_mask = tag_mask };
}

static uint32_t slot_hash(uint64_t hash)
{
    return (uint32_t)(hash >> 32);
}

static int grow_slots(struct spr_strings *strings)
{
    const uint32_t slot_count = strings->slot_count == 0 ? SLOTS_MIN : strings->slot_count * 2;
    struct spr_string_slot *slots = calloc(slot_count, sizeof(*slots));
    if (slots == NULL) {
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < strings->slot_count; i++) {
        if (strings->slots[i].next == 0) {
            continue;
        }
        uint32_t at = strings->slots[i].hash & (slot_count - 1);
        while (slots[at].next != 0) {
            at = (at + 1) & (slot_count - 1);
        }
        slots[at] = strings->slots[i];
    }
    free(strings->slots);
    strings->slots = slots;
    strings->slot_count = slot_count;
    return 0;
}

static int make_room(struct spr_strings *strings, size_t length)
{
    if (strings->count >= SPR_SEGMENT_STRINGS_MAX ||
        strings->texts.length + length + SPR_VARINT_MAX > UINT32_MAX) {
        return -E2BIG;
    }
    int r = spr_bytes_reserve(&strings->texts, length + SPR_VARINT_MAX);
    if (r == 0 && strings->tag_mask != 0) {
        r = spr_bytes_reserve(&strings->tags, 2);
    }
    if (r == 0 && strings->count >= strings->slot_count / 4 * 3) {
        r = grow_slots(strings);
    }
    return r;
}

/* The slot that holds the text, or the free one where it belongs. */
static struct spr_string_slot *find_slot(const struct spr_strings *strings, struct spr_text text,
                                         uint32_t hash)
{
    const uint32_t mask = strings->slot_count - 1;
    uint32_t at = hash & mask;
    for (;; at = (at + 1) & mask) {
        struct spr_string_slot *slot = &strings->slots[at];
        if (slot->next == 0 || (slot->hash == hash && slot->length == text.length &&
                                (text.length == 0 || memcmp(strings->texts.at + slot->offset,
                                                            text.bytes, text.length) == 0))) {
            return slot;
        }
    }
}

static uint16_t tag_of(const struct spr_strings *strings, struct spr_text text, uint64_t hash)
{
    if (!spr_address_is_normal(text)) {
        uint8_t form[SPR_ADDRESS_MAX];
        hash = spr_hash64(form, spr_address_normalise(text, form), strings->seed);
    }
    return (uint16_t)(hash & strings->tag_mask);
}

void spr_strings_search(const struct spr_strings *strings, struct spr_text text,
                        struct spr_string_search *ret_search)
{
    const uint64_t hash = spr_hash64(text.bytes, text.length, strings->seed);
    if (strings->slot_count > 0) {
        __builtin_prefetch(&strings->slots[slot_hash(hash) & (strings->slot_count - 1)]);
    }
    *ret_search = (struct spr_string_search){ text, hash };
}

void spr_strings_search_on(const struct spr_strings *strings,
                           const struct spr_string_search *search)
{
    if (strings->slot_count == 0) {
        return;
    }
    const uint32_t hash = slot_hash(search->hash);
    const struct spr_string_slot *slot = &strings->slots[hash & (strings->slot_count - 1)];
    if (slot->hash == hash) {
        __builtin_prefetch(strings->texts.at + slot->offset);
    }
}

int spr_strings_settle(struct spr_strings *strings, const struct spr_string_search *search,
                       uint32_t *ret_id)
{
    const struct spr_text text = search->text;
    const uint64_t hash = search->hash;
    const uint32_t slot_count = strings->slot_count;
    struct spr_string_slot *slot =
        slot_count == 0 ? NULL : find_slot(strings, text, slot_hash(hash));
    if (slot != NULL && slot->next != 0) {
        *ret_id = slot->next - 1;
        return 0;
    }
    int r = make_room(strings, text.length);
    if (r < 0) {
        return r;
    }
    if (strings->slot_count != slot_count) {
        slot = find_slot(strings, text, slot_hash(hash));
    }
    spr_bytes_put_text(&strings->texts, text);
    *slot = (struct spr_string_slot){
        .hash = slot_hash(hash),
        .next = ++strings->count,
        .offset = (uint32_t)(strings->texts.length - text.length),
        .length = (uint32_t)text.length,
    };
    if (strings->tag_mask != 0) {
        const uint16_t tag = tag_of(strings, text, hash);
        spr_bytes_put_u8(&strings->tags, (uint8_t)tag);
        spr_bytes_put_u8(&strings->tags, (uint8_t)(tag >> 8));
    }
    *ret_id = slot->next - 1;
    return 0;
}

int spr_strings_intern(struct spr_strings *strings, struct spr_text text, uint32_t *ret_id)
{
    struct spr_string_search search;
    spr_strings_search(strings, text, &search);
    return spr_strings_settle(strings, &search, ret_id);
}

struct spr_text spr_strings_text(const struct spr_strings *strings, uint64_t *offset)
{
    const uint8_t *at = strings->texts.at + *offset;
    struct spr_text text = { NULL, 0 };
    (void)spr_pack_text(&at, strings->texts.at + strings->texts.length, &text); /* put by us */
    *offset = (uint64_t)(at - strings->texts.at);
    return text;
}

void spr_strings_clear(struct spr_strings *strings)
{
    strings->texts.length = 0;
    strings->tags.length = 0;
    strings->count = 0;
    free(strings->slots); /* the next segment may need fewer */
    strings->slots = NULL;
    strings->slot_count = 0;
}

void spr_strings_free(struct spr_strings *strings)
{
    spr_bytes_free(&strings->texts);
    spr_bytes_free(&strings->tags);
    free(strings->slots);
    *strings = (struct spr_strings){ 0 };
}

size_t spr_strings_memory(const struct spr_strings *strings)
{
    return strings->texts.length + strings->tags.length +
           strings->slot_count * sizeof(*strings->slots);
}
