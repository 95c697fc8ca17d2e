/*
 * Finding a planned message again.
 */
#include "core/batch/find.h"

#include "core/batch/confirm.h"
#include "core/index/identity.h"
#include "core/library.h"
#include "formats/cursor.h"
#include "io/dirents.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define ATTEMPTS_MAX 64 /* of locate; no format names half as many places */

static int folder_fd(const struct spr_finder *f, uint32_t dir)
{
    if (f->batch->dirs[dir].missing) {
        return -ENOENT; /* many places are tried for each message; most are never made */
    }
    return spr_batch_dir_fd(f->batch, dir, f->change->place->root_fd, f->change->place->fd);
}

int spr_find_split(struct spr_batch *batch, const struct spr_path *path, uint32_t *ret_dir,
                   const char **ret_name)
{
    const struct spr_text whole = { (const uint8_t *)path->text, path->length };
    if (!spr_relative_path_valid(whole) || whole.length == 0) {
        return -EINVAL;
    }
    const char *slash = strrchr(path->text, '/');
    const size_t folder = slash != NULL ? (size_t)(slash - path->text) : 0;
    const size_t name = slash != NULL ? folder + 1 : 0;
    const int r =
        spr_batch_add_dir(batch, SPR_BASE_SPOOL, (struct spr_text){ whole.bytes, folder }, ret_dir);
    if (r < 0) {
        return r;
    }
    *ret_name = spr_batch_text(batch, (struct spr_text){ whole.bytes + name, path->length - name });
    return *ret_name != NULL ? 0 : -ENOMEM;
}

/* ---- Finding --------------------------------------------------------------------------------- */

static struct spr_io_meta meta_of(const struct spr_identity *identity)
{
    return (struct spr_io_meta){
        .device = identity->device,
        .inode = identity->inode,
        .size = identity->size,
        .mtime_ns = identity->mtime_ns,
        .ctime_ns = identity->ctime_ns,
        .mode = identity->mode,
        .uid = identity->uid,
        .gid = identity->gid,
        .links = identity->links,
    };
}

/* Is the indexed message what lies at this name? By its times, else by its head (SAFETY 4). Its
 * identity is read, or was seen before. */
static int confirm_at(const struct spr_finder *f, const struct spr_plan_entry *entry,
                      struct spr_found_message *found, const struct spr_sight *sight)
{
    const int fd = folder_fd(f, found->batch_dir);
    if (fd < 0) {
        return fd;
    }
    int r = 0;
    struct spr_identity *identity = &found->identities[found->primary];
    if (sight->seen == SPR_SEEN_FILE) {
        *identity = *sight->identity;
    } else {
        r = spr_identity_at(fd, found->names[found->primary], identity);
    }
    if (r < 0) {
        return r;
    }
    if (identity->inode != entry->inode) {
        return SPR_E_CHANGED;
    }
    struct spr_io_meta meta = meta_of(identity);
    if (spr_stat_digest(&meta) == entry->stat_digest) {
        return 0;
    }
    struct spr_confirm confirm = {
        .format = f->change->format,
        .layout = &f->change->layout,
        .dir = found->dir,
        .folder = spr_text_of(f->batch->dirs[found->batch_dir].path),
        .key = found->key,
        .dir_fd = fd,
        .primary = found->primary,
    };
    memcpy(confirm.names, found->names, sizeof(confirm.names));
    uint64_t digest = 0;
    r = spr_confirm_digest(&confirm, &digest, &meta);
    if (r < 0) {
        return r;
    }
    const bool is_read = meta.inode == identity->inode && meta.ctime_ns == identity->ctime_ns;
    return is_read && digest == entry->identity_digest ? 0 : SPR_E_CHANGED;
}

static int key_of(const struct spr_finder *f, struct spr_found_message *found)
{
    const char *name = found->names[found->primary];
    const enum spr_kind kind =
        f->change->format->classify(&f->change->layout, found->dir, spr_text_of(name), &found->key);
    return kind == SPR_KIND_PART ? 0 : SPR_E_CHANGED;
}

/* Where the index saw it. */
static int look_where_indexed(const struct spr_finder *f, const struct spr_plan_entry *entry,
                              const struct spr_plan_names *names, uint32_t dir,
                              struct spr_found_message *found)
{
    *found = (struct spr_found_message){ .dir = entry->dir,
                                         .batch_dir = dir,
                                         .primary = names->files[0].role };
    for (unsigned i = 0; i < names->count; i++) {
        const unsigned role = names->files[i].role;
        if (role >= f->change->format->role_count ||
            (f->change->format->roles[role].flags & SPR_ROLE_ON_DEMAND) != 0) {
            continue; /* looked for when all is known */
        }
        found->dirs[role] = dir;
        found->names[role] = spr_batch_text(f->batch, names->files[i].name);
        if (found->names[role] == NULL) {
            return -ENOMEM;
        }
    }
    if (found->names[found->primary] == NULL || found->dir >= f->change->format->dir_count) {
        return SPR_E_CHANGED;
    }
    const struct spr_sight sight = spr_look_sight(f->look, f->number, found->primary);
    const int r = key_of(f, found);
    return r < 0 ? r : confirm_at(f, entry, found, &sight);
}

/* Where the server may have put it meanwhile. */
static int look_elsewhere(const struct spr_finder *f, const struct spr_plan_entry *entry,
                          struct spr_found_message *found)
{
    const struct spr_format *format = f->change->format;
    const struct spr_key key = found->key;
    const unsigned primary = found->primary;
    const struct spr_sight unseen = { .seen = SPR_SEEN_NOTHING };
    int best = -ENOENT;
    for (unsigned attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        struct spr_path path = { 0 };
        struct spr_found_message other = { .primary = primary, .key = key };
        if (!format->locate(&f->change->layout, &key, primary, attempt, &path)) {
            break;
        }
        int r = spr_find_split(f->batch, &path, &other.batch_dir, &other.names[primary]);
        if (r == -ENOMEM) {
            return r;
        }
        if (r < 0 || !spr_format_dir_of(format, spr_text_of(f->batch->dirs[other.batch_dir].path),
                                        &other.dir)) {
            continue;
        }
        other.dirs[primary] = other.batch_dir;
        r = confirm_at(f, entry, &other, &unseen);
        if (r == 0) {
            r = key_of(f, &other);
        }
        if (r == 0) {
            *found = other;
            return 0;
        }
        best = r == -ENOENT || r == -ENOTDIR ? best : r;
    }
    return best;
}

static bool is_below(const struct spr_path *path, const char *folder)
{
    const size_t length = strlen(folder);
    return path->length > length && path->text[length] == '/' &&
           memcmp(path->text, folder, length) == 0;
}

int spr_find_role(const struct spr_finder *f, const struct spr_key *key, unsigned role,
                  struct spr_found_role *found)
{
    const struct spr_format *format = f->change->format;
    const char *absent = NULL; /* folder: most hash levels are never made, nor any below */
    for (unsigned attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        struct spr_path path = { 0 };
        if (!format->locate(&f->change->layout, key, role, attempt, &path)) {
            break;
        }
        if (absent != NULL && is_below(&path, absent)) {
            continue;
        }
        int r = spr_find_split(f->batch, &path, &found->dir, &found->name);
        if (r < 0) {
            return r;
        }
        const int fd = folder_fd(f, found->dir);
        absent = fd == -ENOENT ? f->batch->dirs[found->dir].path : absent;
        r = fd < 0 ? fd : spr_identity_at(fd, found->name, &found->identity);
        if (r < 0 && r != -ENOENT && r != -ENOTDIR && r != -EBADF) {
            return r; /* it may be there: a message does not go without it */
        }
        if (r == 0) {
            found->attempt = attempt;
            return 1;
        }
    }
    return 0;
}

/* The role where it was seen before. */
static int take_sight(const struct spr_finder *f, const struct spr_key *key, unsigned role,
                      const struct spr_sight *sight, struct spr_found_role *found)
{
    struct spr_path path = { 0 };
    if (!f->change->format->locate(&f->change->layout, key, role, sight->attempt, &path)) {
        return SPR_E_CHANGED;
    }
    found->identity = *sight->identity;
    const int r = spr_find_split(f->batch, &path, &found->dir, &found->name);
    return r < 0 ? r : 1;
}

/* Roles that are found by a path of their own: logs beside the queues. */
int spr_find_on_demand(const struct spr_finder *f, struct spr_found_message *found)
{
    const struct spr_format *format = f->change->format;
    for (unsigned role = 0; role < format->role_count; role++) {
        const struct spr_sight sight =
            spr_look_sight(found->is_elsewhere ? NULL : f->look, f->number, role);
        struct spr_found_role one = { 0 };
        if ((format->roles[role].flags & SPR_ROLE_ON_DEMAND) == 0 ||
            sight.seen == SPR_SEEN_ABSENT) {
            continue;
        }
        const int r = sight.seen == SPR_SEEN_FILE ? take_sight(f, &found->key, role, &sight, &one)
                                                  : spr_find_role(f, &found->key, role, &one);
        if (r < 0) {
            return r;
        }
        if (r == 1) {
            found->dirs[role] = one.dir;
            found->names[role] = one.name;
            found->identities[role] = one.identity;
        }
    }
    return 0;
}

int spr_find_identity(const struct spr_finder *f, struct spr_text folder, struct spr_text name,
                      struct spr_identity *ret_identity)
{
    uint32_t dir = 0;
    const int r = spr_batch_add_dir(f->batch, SPR_BASE_SPOOL, folder, &dir);
    const char *copy = spr_batch_text(f->batch, name);
    if (r < 0 || copy == NULL) {
        return r < 0 ? r : -ENOMEM;
    }
    const int fd = folder_fd(f, dir);
    return fd < 0 ? fd : spr_identity_at(fd, copy, ret_identity);
}

int spr_find_message(const struct spr_finder *f, const struct spr_plan_entry *entry,
                     const struct spr_plan_names *names, uint32_t dir,
                     struct spr_found_message *found)
{
    const int r = look_where_indexed(f, entry, names, dir, found);
    if ((r == -ENOENT || r == -ENOTDIR || r == SPR_E_CHANGED) && found->key.id.length > 0) {
        const int elsewhere = look_elsewhere(f, entry, found);
        found->is_elsewhere = elsewhere == 0;
        return elsewhere;
    }
    return r;
}
