/*
 * Packing of names, and pairing by sorting a folder's entries by stem and variant.
 */
#include "core/scan/pair.h"

#include "core/index/identity.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A file of a folder with pairs. Offsets are into name, whose length fits a byte. */
struct spr_pair_entry {
    uint64_t inode;
    int64_t created;
    const uint8_t *name;
    uint64_t stem_hash; /* ASCII case folded */
    uint8_t length, role;
    uint8_t stem_at, stem_length, variant_at, variant_length;
};

int spr_grow(void **items, size_t *room, size_t count, size_t item_size)
{
    if (count < *room) {
        return 0;
    }
    const size_t wanted = *room == 0 ? 64 : *room + *room / 2;
    size_t size;
    if (__builtin_mul_overflow(wanted, item_size, &size)) {
        return -ENOMEM;
    }
    void *grown = realloc(*items, size);
    if (grown == NULL) {
        return -ENOMEM;
    }
    *items = grown;
    *room = wanted;
    return 0;
}

void spr_listing_init(struct spr_listing *listing, const struct spr_walk_setup *setup)
{
    *listing = (struct spr_listing){ .setup = setup, .pairs = spr_format_pairs(setup->format) };
}

void spr_listing_done(struct spr_listing *listing)
{
    free(listing->candidates);
    free(listing->logs);
    free(listing->entries);
    spr_pool_done(&listing->arena);
    spr_pool_done(&listing->entry_names);
}

bool spr_format_pairs(const struct spr_format *format)
{
    for (unsigned role = 0; role < format->role_count; role++) {
        if ((format->roles[role].flags & SPR_ROLE_PAIRED) != 0) {
            return true;
        }
    }
    return false;
}

/* ---- Packed names ---------------------------------------------------------------------------- */

static void unpack(const uint8_t *packed, struct spr_candidate_file *file)
{
    file->role = packed[0];
    file->name = (struct spr_text){ packed + 2, packed[1] };
}

void spr_candidate_first(const struct spr_candidate *candidate, struct spr_candidate_file *file)
{
    unpack(candidate->names, file);
}

void spr_candidate_next(struct spr_candidate_file *file)
{
    unpack(file->name.bytes + file->name.length + 1, file);
}

static int pack(struct spr_pool *arena, const struct spr_record_file *files, unsigned count,
                const uint8_t **ret_packed)
{
    size_t size = 0;
    for (unsigned i = 0; i < count; i++) {
        size += 2 + files[i].name.length + 1;
    }
    uint8_t *packed = spr_pool_bytes(arena, size);
    if (packed == NULL) {
        return -ENOMEM;
    }
    *ret_packed = packed;
    for (unsigned i = 0; i < count; i++) {
        packed[0] = (uint8_t)files[i].role;
        packed[1] = (uint8_t)files[i].name.length;
        memcpy(packed + 2, files[i].name.bytes, files[i].name.length);
        packed[2 + files[i].name.length] = '\0';
        packed += 2 + files[i].name.length + 1;
    }
    return 0;
}

/* FNV-1a: spreads names over shards and sorts stems; no key of any table. */
static uint64_t hash_folded(const uint8_t *bytes, size_t length)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < length; i++) {
        const uint8_t c = bytes[i];
        hash ^= c >= 'A' && c <= 'Z' ? c + 32u : c;
        hash *= 0x100000001b3u;
    }
    return hash ^ (hash >> 32);
}

static int add_candidate(struct spr_listing *listing, uint32_t folder,
                         const struct spr_record_file *files, unsigned count,
                         const struct spr_pair_entry *primary)
{
    const struct spr_walk_setup *setup = listing->setup;
    if (setup->shards > 1 &&
        hash_folded(files[0].name.bytes, files[0].name.length) % setup->shards != setup->shard) {
        return 0;
    }
    int r = spr_grow((void **)&listing->candidates, &listing->candidate_room,
                     listing->candidate_count, sizeof(*listing->candidates));
    if (r < 0) {
        return r;
    }
    struct spr_candidate *candidate = &listing->candidates[listing->candidate_count];
    *candidate = (struct spr_candidate){
        .inode = primary->inode,
        .created = primary->created,
        .folder = folder,
        .set_digest = spr_set_digest(files, count),
        .file_count = (uint8_t)count,
        .state = SPR_CANDIDATE_FOUND,
    };
    r = pack(&listing->arena, files, count, &candidate->names);
    listing->candidate_count += r == 0;
    return r;
}

/* ---- Pairing --------------------------------------------------------------------------------- */

static int compare_folded(const uint8_t *a, size_t a_length, const uint8_t *b, size_t b_length)
{
    const size_t shorter = a_length < b_length ? a_length : b_length;
    for (size_t i = 0; i < shorter; i++) {
        const int x = a[i] >= 'A' && a[i] <= 'Z' ? a[i] + 32 : a[i];
        const int y = b[i] >= 'A' && b[i] <= 'Z' ? b[i] + 32 : b[i];
        if (x != y) {
            return x < y ? -1 : 1;
        }
    }
    return a_length < b_length ? -1 : a_length > b_length;
}

static int compare_stems(const struct spr_pair_entry *a, const struct spr_pair_entry *b)
{
    if (a->stem_hash != b->stem_hash) {
        return a->stem_hash < b->stem_hash ? -1 : 1;
    }
    return compare_folded(a->name + a->stem_at, a->stem_length, b->name + b->stem_at,
                          b->stem_length);
}

static int compare_variants(const struct spr_pair_entry *a, const struct spr_pair_entry *b)
{
    return compare_folded(a->name + a->variant_at, a->variant_length, b->name + b->variant_at,
                          b->variant_length);
}

static int compare_entries(const void *left, const void *right)
{
    const struct spr_pair_entry *a = left;
    const struct spr_pair_entry *b = right;
    int order = compare_stems(a, b);
    if (order == 0) {
        order = compare_variants(a, b); /* the empty variant first */
    }
    if (order == 0) {
        order = a->role - b->role;
    }
    if (order == 0) {
        const size_t shorter = a->length < b->length ? a->length : b->length;
        order = memcmp(a->name, b->name, shorter);
    }
    return order != 0 ? order : a->length - b->length;
}

static struct spr_text name_of(const struct spr_pair_entry *entry)
{
    return (struct spr_text){ entry->name, entry->length };
}

static void reject_all(struct spr_listing *listing, const char *path, enum spr_reject_kind kind,
                       const struct spr_pair_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        spr_tally_reject(listing->setup->tally, kind, path, name_of(&entries[i]), NULL);
    }
}

/* One entry per role. false: two files claim a role that is not the lock's. */
static bool take_roles(const struct spr_format *format, const struct spr_pair_entry *entries,
                       size_t count, const struct spr_pair_entry *by_role[SPR_ROLES_MAX])
{
    for (size_t i = 0; i < count; i++) {
        const unsigned role = entries[i].role;
        if (by_role[role] == NULL) {
            by_role[role] = &entries[i];
        } else if ((format->roles[role].flags & SPR_ROLE_LOCK) == 0) {
            return false;
        }
    }
    return true;
}

static int pair_group(struct spr_listing *listing, uint32_t folder, const char *path,
                      const struct spr_pair_entry *common, size_t common_count,
                      const struct spr_pair_entry *entries, size_t count)
{
    const struct spr_format *format = listing->setup->format;
    const struct spr_pair_entry *by_role[SPR_ROLES_MAX] = { NULL };
    if (!take_roles(format, entries, count, by_role) ||
        !take_roles(format, common, common_count, by_role)) {
        reject_all(listing, path, SPR_REJECT_AMBIGUOUS, entries, count);
        return 0;
    }
    unsigned primary = 0;
    while (primary < format->role_count &&
           (by_role[primary] == NULL || (format->roles[primary].flags & SPR_ROLE_PRIMARY) == 0)) {
        primary++;
    }
    if (primary == format->role_count) {
        reject_all(listing, path, SPR_REJECT_STRAY, entries, count);
        return 0;
    }

    struct spr_record_file files[SPR_ROLES_MAX];
    unsigned used = 0;
    files[used++] = (struct spr_record_file){ primary, name_of(by_role[primary]) };
    for (unsigned role = 0; role < format->role_count; role++) {
        if (role != primary && by_role[role] != NULL) {
            files[used++] = (struct spr_record_file){ role, name_of(by_role[role]) };
        }
    }
    return add_candidate(listing, folder, files, used, by_role[primary]);
}

/* All entries of one stem: those with an empty variant, then each variant's. */
static int pair_stem(struct spr_listing *listing, uint32_t folder, const char *path,
                     const struct spr_pair_entry *entries, size_t count)
{
    size_t common = 0;
    while (common < count && entries[common].variant_length == 0) {
        common++;
    }
    if (common == count) {
        return pair_group(listing, folder, path, NULL, 0, entries, count);
    }
    for (size_t from = common; from < count;) {
        size_t to = from + 1;
        while (to < count && compare_variants(&entries[from], &entries[to]) == 0) {
            to++;
        }
        int r = pair_group(listing, folder, path, entries, common, entries + from, to - from);
        if (r < 0) {
            return r;
        }
        from = to;
    }
    return 0;
}

int spr_listing_pair(struct spr_listing *listing, uint32_t folder, const char *path)
{
    int r = 0;
    if (listing->entry_count > 1) {
        qsort(listing->entries, listing->entry_count, sizeof(*listing->entries), compare_entries);
    }
    for (size_t from = 0; from < listing->entry_count && r == 0;) {
        size_t to = from + 1;
        while (to < listing->entry_count &&
               compare_stems(&listing->entries[from], &listing->entries[to]) == 0) {
            to++;
        }
        r = pair_stem(listing, folder, path, listing->entries + from, to - from);
        from = to;
    }
    listing->entry_count = 0;
    spr_pool_reset(&listing->entry_names);
    return r;
}

/* ---- Adding ---------------------------------------------------------------------------------- */

/* Where part lies in name; false if it lies outside, which a format must not do. */
static bool locate_part(struct spr_text name, struct spr_text part, uint8_t *ret_at,
                        uint8_t *ret_length)
{
    if (part.length == 0) {
        *ret_at = 0;
        *ret_length = 0;
        return true;
    }
    if (part.bytes < name.bytes || part.bytes > name.bytes + name.length ||
        part.length > (size_t)(name.bytes + name.length - part.bytes)) {
        return false;
    }
    *ret_at = (uint8_t)(part.bytes - name.bytes);
    *ret_length = (uint8_t)part.length;
    return true;
}

static int add_entry(struct spr_listing *listing, struct spr_text name, const struct spr_key *key,
                     uint64_t inode)
{
    struct spr_pair_entry entry = {
        .inode = inode,
        .created = key->created,
        .length = (uint8_t)name.length,
        .role = (uint8_t)key->role,
    };
    if (!locate_part(name, key->stem, &entry.stem_at, &entry.stem_length) ||
        !locate_part(name, key->variant, &entry.variant_at, &entry.variant_length)) {
        return -EINVAL;
    }
    uint8_t *copy = spr_pool_bytes(&listing->entry_names, name.length);
    int r = copy == NULL ? -ENOMEM
                         : spr_grow((void **)&listing->entries, &listing->entry_room,
                                    listing->entry_count, sizeof(*listing->entries));
    if (r < 0) {
        return r;
    }
    memcpy(copy, name.bytes, name.length);
    entry.name = copy;
    entry.stem_hash = hash_folded(copy + entry.stem_at, entry.stem_length);
    listing->entries[listing->entry_count++] = entry;
    return 0;
}

int spr_listing_add(struct spr_listing *listing, uint32_t folder, const struct spr_key *key,
                    struct spr_text name, uint64_t inode)
{
    if (name.length == 0 || name.length > SPR_NAME_MAX || key->role >= SPR_ROLES_MAX) {
        return -EINVAL;
    }
    if (listing->pairs) {
        return add_entry(listing, name, key, inode);
    }
    const struct spr_record_file file = { key->role, name };
    const struct spr_pair_entry primary = { .inode = inode, .created = key->created };
    return add_candidate(listing, folder, &file, 1, &primary);
}

int spr_listing_add_log(struct spr_listing *listing, uint32_t folder, struct spr_text name)
{
    int r = spr_grow((void **)&listing->logs, &listing->log_room, listing->log_count,
                     sizeof(*listing->logs));
    if (r < 0) {
        return r;
    }
    char *copy = (char *)spr_pool_bytes(&listing->arena, name.length + 1);
    if (copy == NULL) {
        return -ENOMEM;
    }
    memcpy(copy, name.bytes, name.length);
    copy[name.length] = '\0';
    listing->logs[listing->log_count++] = (struct spr_walk_log){ folder, copy };
    return 0;
}
