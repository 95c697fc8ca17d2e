/*
 * Pairing by listing: a hash table of the batch's messages by folder and stem, filled with what the
 * folders hold. Keyed with the batch's random id, so that names cannot be chosen to collide.
 */
#include "core/batch/pairing.h"

#include "core/index/hash.h"
#include "core/library.h"
#include "formats/cursor.h"
#include "io/dirents.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LIST_MAX (1u << 26) /* entries of one folder */
#define NONE     UINT32_MAX

struct expected {
    struct spr_plan_names names;
    struct spr_key key; /* points into the plan */
    uint32_t dir, next, seen;
    int code;
};

struct spr_pairing {
    const struct spr_format *format;
    const struct spr_layout *layout;
    struct expected *expected; /* NULL: nothing is paired */
    uint32_t count;
    uint32_t *buckets, mask;
    uint64_t seed;
    bool any_kind;   /* every name with a stem of ours counts */
    uint32_t dir;    /* being listed: folder of the batch */
    unsigned in_dir; /* and of the format */
};

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 'a' - 'A') : c;
}

static bool is_same_nocase(struct spr_text a, struct spr_text b)
{
    if (a.length != b.length) {
        return false;
    }
    for (size_t i = 0; i < a.length; i++) {
        if (lower(a.bytes[i]) != lower(b.bytes[i])) {
            return false;
        }
    }
    return true;
}

static uint32_t bucket_of(const struct spr_pairing *pairing, uint32_t dir, struct spr_text stem)
{
    uint8_t folded[SPR_NAME_MAX];
    const size_t length = stem.length < sizeof(folded) ? stem.length : sizeof(folded);
    for (size_t i = 0; i < length; i++) {
        folded[i] = lower(stem.bytes[i]);
    }
    return (uint32_t)spr_hash64(folded, length, pairing->seed + dir) & pairing->mask;
}

static bool has_paired_roles(const struct spr_format *format)
{
    for (unsigned i = 0; i < format->role_count; i++) {
        if ((format->roles[i].flags & SPR_ROLE_PAIRED) != 0) {
            return true;
        }
    }
    return false;
}

/* One more file with the stem of a message: is it the one the plan knows? */
static void note_file(const struct spr_pairing *pairing, struct expected *expected,
                      const struct spr_key *key, struct spr_text name)
{
    if ((pairing->format->roles[key->role].flags & SPR_ROLE_LOCK) != 0) {
        expected->code = SPR_E_BUSY;
        return;
    }
    for (unsigned i = 0; i < expected->names.count; i++) {
        if (expected->names.files[i].role == key->role) {
            if (spr_texts_equal(expected->names.files[i].name, name)) {
                expected->seen |= 1u << key->role;
                return;
            }
        }
    }
    if (expected->code == 0) {
        expected->code = SPR_E_CHANGED;
    }
}

static int take_entry(const struct spr_dirent *entry, void *user)
{
    struct spr_pairing *pairing = user;
    const struct spr_text name = { (const uint8_t *)entry->name, entry->length };
    struct spr_key key = { 0 };
    const enum spr_kind kind =
        pairing->format->classify(pairing->layout, pairing->in_dir, name, &key);
    if (key.stem.length == 0 || (!pairing->any_kind && (kind != SPR_KIND_PART ||
                                                        key.role >= pairing->format->role_count))) {
        return 0;
    }
    for (uint32_t i = pairing->buckets[bucket_of(pairing, pairing->dir, key.stem)]; i != NONE;
         i = pairing->expected[i].next) {
        struct expected *expected = &pairing->expected[i];
        if (expected->dir != pairing->dir || !is_same_nocase(expected->key.stem, key.stem)) {
            continue;
        }
        if (pairing->any_kind) {
            expected->code = -EEXIST;
        } else if (key.variant.length == 0 || is_same_nocase(expected->key.variant, key.variant)) {
            note_file(pairing, expected, &key, name);
        }
    }
    return 0;
}

/* Every folder once. */
static int list_folders(struct spr_change *change, struct spr_pairing *pairing,
                        struct spr_batch *batch)
{
    bool *listed = calloc(batch->dir_count, sizeof(*listed));
    if (listed == NULL) {
        return -ENOMEM;
    }
    int r = 0;
    for (uint32_t i = 0; i < pairing->count && r == 0; i++) {
        const uint32_t dir = pairing->expected[i].dir;
        const char *path = batch->dirs[dir].path;
        if (listed[dir] || batch->dirs[dir].base != SPR_BASE_SPOOL ||
            !spr_format_dir_of(pairing->format, spr_text_of(path), &pairing->in_dir)) {
            continue;
        }
        listed[dir] = true;
        pairing->dir = dir;
        const int fd = spr_batch_dir_fd(batch, dir, change->place->root_fd, change->place->fd);
        if (fd >= 0) {
            r = spr_dir_list(fd, LIST_MAX, take_entry, pairing);
        } else if (fd != -ENOENT) {
            r = fd;
        }
    }
    free(listed);
    return r;
}

/* name: of the primary, where the format's folder number format_dir says. */
static void expect(struct spr_pairing *pairing, uint32_t number, uint32_t dir, unsigned format_dir,
                   struct spr_text name)
{
    struct expected *expected = &pairing->expected[number];
    expected->dir = dir;
    expected->next = NONE;
    if (pairing->format->classify(pairing->layout, format_dir, name, &expected->key) !=
        SPR_KIND_PART) {
        expected->code = SPR_E_CHANGED;
        return;
    }
    uint32_t *bucket = &pairing->buckets[bucket_of(pairing, dir, expected->key.stem)];
    expected->next = *bucket;
    *bucket = number;
}

/* An empty table for so many messages; without one where nothing is paired. */
static int new_pairing(struct spr_change *change, const struct spr_batch *batch, uint32_t count,
                       struct spr_pairing **ret_pairing)
{
    struct spr_pairing *pairing = calloc(1, sizeof(*pairing));
    if (pairing == NULL) {
        return -ENOMEM;
    }
    pairing->format = change->format;
    pairing->layout = &change->layout;
    if (!has_paired_roles(change->format) || count == 0) {
        *ret_pairing = pairing;
        return 0;
    }
    memcpy(&pairing->seed, batch->id, sizeof(pairing->seed));
    pairing->mask = 63;
    while (pairing->mask < count) {
        pairing->mask = pairing->mask * 2 + 1;
    }
    pairing->count = count;
    pairing->expected = calloc(count, sizeof(*pairing->expected));
    pairing->buckets = malloc(((size_t)pairing->mask + 1) * sizeof(*pairing->buckets));
    if (pairing->expected == NULL || pairing->buckets == NULL) {
        spr_pairing_free(pairing);
        return -ENOMEM;
    }
    memset(pairing->buckets, 0xff, ((size_t)pairing->mask + 1) * sizeof(*pairing->buckets));
    *ret_pairing = pairing;
    return 0;
}

/* Frees the table when its folders cannot be listed. */
static int fill_pairing(struct spr_change *change, struct spr_pairing *pairing,
                        struct spr_batch *batch, struct spr_pairing **ret_pairing)
{
    const int r = pairing->expected != NULL ? list_folders(change, pairing, batch) : 0;
    if (r < 0) {
        spr_pairing_free(pairing);
        return r;
    }
    *ret_pairing = pairing;
    return 0;
}

int spr_pairing_read(struct spr_change *change, const struct spr_plan *plan,
                     const uint64_t *entries, const uint32_t *dirs, uint32_t count,
                     struct spr_batch *batch, struct spr_pairing **ret_pairing)
{
    struct spr_pairing *pairing = NULL;
    const int r = new_pairing(change, batch, count, &pairing);
    if (r < 0) {
        return r;
    }
    for (uint32_t i = 0; i < pairing->count; i++) {
        const struct spr_plan_entry *entry = &plan->entries[entries[i]];
        struct spr_plan_names *names = &pairing->expected[i].names;
        spr_plan_names(plan, entry, names);
        expect(pairing, i, dirs[i], entry->dir, names->files[0].name);
    }
    return fill_pairing(change, pairing, batch, ret_pairing);
}

static const struct spr_batch_file *pivot_of(const struct spr_batch *batch, uint32_t message)
{
    const struct spr_batch_message *m = &batch->messages[message];
    for (uint32_t i = 0; i < m->file_count; i++) {
        if (batch->files[m->first_file + i].part == SPR_PART_PIVOT) {
            return &batch->files[m->first_file + i];
        }
    }
    return NULL;
}

int spr_pairing_read_taken(struct spr_change *change, struct spr_batch *done,
                           struct spr_pairing **ret_pairing)
{
    struct spr_pairing *pairing = NULL;
    const int r = new_pairing(change, done, done->message_count, &pairing);
    if (r < 0) {
        return r;
    }
    pairing->any_kind = true;
    for (uint32_t i = 0; i < pairing->count; i++) {
        const struct spr_batch_file *pivot = pivot_of(done, i);
        unsigned dir = 0;
        if (pivot != NULL && done->dirs[pivot->from_dir].base == SPR_BASE_SPOOL &&
            spr_format_dir_of(change->format, spr_text_of(done->dirs[pivot->from_dir].path),
                              &dir)) {
            expect(pairing, i, pivot->from_dir, dir, spr_text_of(pivot->from));
        }
    }
    return fill_pairing(change, pairing, done, ret_pairing);
}

int spr_pairing_check(const struct spr_pairing *pairing, uint32_t number)
{
    if (pairing->expected == NULL) {
        return 0;
    }
    const struct expected *expected = &pairing->expected[number];
    if (expected->code != 0) {
        return expected->code;
    }
    for (unsigned i = 0; i < expected->names.count; i++) {
        if ((expected->seen >> expected->names.files[i].role & 1) == 0) {
            return i == 0 ? -ENOENT : SPR_E_CHANGED;
        }
    }
    return 0;
}

void spr_pairing_free(struct spr_pairing *pairing)
{
    if (pairing == NULL) {
        return;
    }
    free(pairing->expected);
    free(pairing->buckets);
    free(pairing);
}
