/*
 * A directory tree as a spool: walks the format's dirs, pairs parts by key, loads whole files.
 */
#include "tests/support/drive.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define TREE_DEPTH_MAX 4

static char *join(const char *root, const char *path, char out[2 * DRIVE_PATH_MAX])
{
    (void)snprintf(out, 2 * DRIVE_PATH_MAX, "%s%s%s", root, path[0] != '\0' ? "/" : "", path);
    return out;
}

static char tree_kind(const struct spr_tree *tree, const char *path)
{
    char full[2 * DRIVE_PATH_MAX];
    struct stat meta;
    if (lstat(join(tree->user, path, full), &meta) != 0) {
        return 0;
    }
    return S_ISDIR(meta.st_mode)    ? 'd'
           : S_ISREG(meta.st_mode)  ? 'f'
           : S_ISFIFO(meta.st_mode) ? 'p'
           : S_ISSOCK(meta.st_mode) ? 's'
                                    : 'o';
}

static size_t tree_peek(const struct spr_tree *tree, const char *path, uint8_t *bytes,
                        size_t length)
{
    char full[2 * DRIVE_PATH_MAX];
    size_t size = 0;
    uint8_t *whole =
        tree_kind(tree, path) == 'f' ? drive_load(join(tree->user, path, full), &size) : NULL;
    size_t got = size < length ? size : length;
    if (whole != NULL) {
        memcpy(bytes, whole, got);
    }
    free(whole);
    return got;
}

static void tree_list(const struct spr_tree *tree, const char *path, unsigned max,
                      bool (*on_name)(struct spr_text name, void *user), void *user)
{
    char full[2 * DRIVE_PATH_MAX];
    DIR *dir = opendir(join(tree->user, path, full));
    if (dir == NULL) {
        return;
    }
    const struct dirent *entry;
    while (max > 0 && (entry = readdir(dir)) != NULL) {
        size_t length = strlen(entry->d_name);
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        max--;
        if (!on_name((struct spr_text){ (const uint8_t *)entry->d_name, length }, user)) {
            break;
        }
    }
    (void)closedir(dir); /* read only */
}

struct spr_tree drive_tree(const char *root)
{
    return (struct spr_tree){
        .kind = tree_kind,
        .peek = tree_peek,
        .list = tree_list,
        .user = (void *)(uintptr_t)root,
    };
}

static bool same_nocase(struct spr_text a, struct spr_text b)
{
    return a.length == b.length &&
           strncasecmp((const char *)a.bytes, (const char *)b.bytes, a.length) == 0;
}

static void load_part(struct drive_file *file, const char *path, const char *name)
{
    struct stat meta;
    if (lstat(path, &meta) != 0) {
        abort();
    }
    file->bytes = drive_load(path, &file->size);
    file->present = file->bytes != NULL;
    (void)snprintf(file->name, sizeof(file->name), "%s", name);
    file->mtime_ns = (int64_t)meta.st_mtim.tv_sec * 1000000000 + meta.st_mtim.tv_nsec;
    file->mode = meta.st_mode;
    file->uid = meta.st_uid;
    file->inode = meta.st_ino;
}

/* Lets every key point into its own message again, after the array has moved. */
static void settle_keys(struct drive_spool *spool)
{
    for (size_t i = 0; i < spool->message_count; i++) {
        struct drive_message *message = &spool->messages[i];
        struct spr_text own = { (const uint8_t *)message->key_name, strlen(message->key_name) };
        (void)spool->format->classify(&spool->probe.layout, message->dir, own, &message->key);
    }
}

static struct drive_message *new_message(struct drive_spool *spool, unsigned dir,
                                         const char *folder, const char *name)
{
    if (spool->message_count == spool->message_room) {
        spool->message_room = spool->message_room * 2 + 64;
        spool->messages = realloc(spool->messages, spool->message_room * sizeof(*spool->messages));
        if (spool->messages == NULL) {
            abort();
        }
        settle_keys(spool);
    }
    struct drive_message *message = &spool->messages[spool->message_count++];
    *message = (struct drive_message){ .format = spool->format, .dir = dir };
    (void)snprintf(message->folder, sizeof(message->folder), "%s", folder);
    (void)snprintf(message->key_name, sizeof(message->key_name), "%s", name);
    struct spr_text own = { (const uint8_t *)message->key_name, strlen(message->key_name) };
    (void)spool->format->classify(&spool->probe.layout, dir, own, &message->key);
    return message;
}

/* A part joins the message of its stem and variant, or founds it; locks come in a second pass. */
static void add_part(struct drive_spool *spool, unsigned dir, const char *folder, const char *name,
                     const struct spr_key *key, size_t first)
{
    char path[2 * DRIVE_PATH_MAX + SPR_NAME_MAX + 2];
    (void)snprintf(path, sizeof(path), "%s/%s%s%s", spool->root, folder,
                   folder[0] != '\0' ? "/" : "", name);
    bool lock = (spool->format->roles[key->role].flags & SPR_ROLE_LOCK) != 0;
    bool joined = false;
    for (size_t i = first; i < spool->message_count; i++) {
        struct drive_message *message = &spool->messages[i];
        if (same_nocase(message->key.stem, key->stem) &&
            (lock || same_nocase(message->key.variant, key->variant)) &&
            !message->files[key->role].present) {
            load_part(&message->files[key->role], path, name);
            joined = true;
        }
    }
    if (!joined && !lock) {
        struct drive_message *message = new_message(spool, dir, folder, name);
        load_part(&message->files[key->role], path, name);
    }
}

static void walk_folder(struct drive_spool *spool, unsigned dir, const char *folder, unsigned depth)
{
    uint32_t flags = spool->format->dirs[dir].flags;
    char full[2 * DRIVE_PATH_MAX];
    struct dirent **entries = NULL;
    int count = scandir(join(spool->root, folder, full), &entries, NULL, alphasort);
    size_t first = spool->message_count;
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < count; i++) {
            const char *name = entries[i]->d_name;
            struct spr_text text = { (const uint8_t *)name, strlen(name) };
            struct spr_key key = { 0 };
            if (entries[i]->d_type != DT_REG) {
                continue;
            }
            enum spr_kind kind = spool->format->classify(&spool->probe.layout, dir, text, &key);
            bool lock = kind == SPR_KIND_PART &&
                        (spool->format->roles[key.role].flags & SPR_ROLE_LOCK) != 0;
            if (kind == SPR_KIND_PART && lock == (pass == 1)) {
                add_part(spool, dir, folder, name, &key, first);
            }
            spool->temporary += pass == 0 && kind == SPR_KIND_TEMPORARY ? 1 : 0;
            spool->logs += pass == 0 && kind == SPR_KIND_LOG ? 1 : 0;
            spool->foreign += pass == 0 && kind == SPR_KIND_FOREIGN ? 1 : 0;
        }
    }
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        bool below = (flags & SPR_DIR_TREE) != 0 && name[0] != '.' && depth < TREE_DEPTH_MAX;
        bool hashed = (flags & SPR_DIR_HASHED) != 0 && strlen(name) == 1 && name[0] != '.';
        if (entries[i]->d_type == DT_DIR && (below || hashed)) {
            char child[DRIVE_PATH_MAX];
            int length = snprintf(child, sizeof(child), "%s%s%s", folder,
                                  folder[0] != '\0' ? "/" : "", name);
            if (length < 0 || (size_t)length >= sizeof(child)) {
                abort();
            }
            walk_folder(spool, dir, child, depth + 1);
        }
        free(entries[i]);
    }
    free(entries);
}

void drive_spool_read(struct drive_spool *spool, const struct spr_format *format, const char *root)
{
    *spool = (struct drive_spool){ .format = format };
    (void)snprintf(spool->root, sizeof(spool->root), "%s", root);
    struct spr_tree tree = drive_tree(spool->root);
    format->probe(&tree, &spool->probe);
    for (unsigned dir = 0; dir < format->dir_count; dir++) {
        if ((format->dirs[dir].flags & SPR_DIR_NO_WALK) == 0) {
            walk_folder(spool, dir, format->dirs[dir].path, 0);
        }
    }
    settle_keys(spool);
    for (size_t i = 0; i < spool->message_count; i++) {
        spool->messages[i].layout = &spool->probe.layout;
        collector_init(&spool->messages[i].found);
    }
}

/* Roles found on demand, at the first place where they lie. */
static void locate_roles(struct drive_spool *spool, struct drive_message *message)
{
    const struct spr_format *format = spool->format;
    struct spr_tree tree = drive_tree(spool->root);
    for (unsigned role = 0; role < format->role_count; role++) {
        struct spr_path path = { .length = 0 };
        unsigned attempt = 0;
        if ((format->roles[role].flags & SPR_ROLE_ON_DEMAND) == 0) {
            continue;
        }
        while (!message->files[role].present &&
               format->locate(message->layout, &message->key, role, attempt++, &path)) {
            char full[2 * DRIVE_PATH_MAX];
            if (tree_kind(&tree, path.text) == 'f') {
                load_part(&message->files[role], join(spool->root, path.text, full),
                          message->key_name);
            }
        }
    }
}

void drive_spool_freeze(struct drive_spool *spool, int64_t seconds, uint32_t mode, uint32_t uid)
{
    for (size_t i = 0; i < spool->message_count; i++) {
        for (size_t role = 0; role < SPR_ROLES_MAX; role++) {
            struct drive_file *file = &spool->messages[i].files[role];
            file->mtime_ns = seconds * 1000000000;
            file->mode = S_IFREG | mode;
            file->uid = uid;
        }
    }
}

void drive_spool_parse(struct drive_spool *spool, uint32_t wants, int64_t now)
{
    for (size_t i = 0; i < spool->message_count; i++) {
        if ((wants & SPR_WANT_ERRORS) != 0) {
            locate_roles(spool, &spool->messages[i]);
        }
        drive_parse(&spool->messages[i], wants, now);
    }
}

void drive_spool_done(struct drive_spool *spool)
{
    for (size_t i = 0; i < spool->message_count; i++) {
        for (size_t role = 0; role < SPR_ROLES_MAX; role++) {
            free(spool->messages[i].files[role].bytes);
        }
        collector_done(&spool->messages[i].found);
    }
    free(spool->messages);
}

struct drive_message *drive_find(struct drive_spool *spool, const char *id)
{
    for (size_t i = 0; i < spool->message_count; i++) {
        struct spr_text own = spool->messages[i].key.id;
        if (own.length == strlen(id) && memcmp(own.bytes, id, own.length) == 0) {
            return &spool->messages[i];
        }
    }
    return NULL;
}

static void render_message(const struct drive_message *message, FILE *out)
{
    static const char *const words[] = { "parsed", "more", "malformed", "unfinished" };
    fprintf(out, "message %.*s in %s%s%s\n", (int)message->key.id.length,
            (const char *)message->key.id.bytes, message->format->dirs[message->dir].word,
            message->folder[0] != '\0' ? " folder " : "", message->folder);
    for (unsigned role = 0; role < message->format->role_count; role++) {
        if (message->files[role].present) {
            fprintf(out, "  %s %s\n", message->format->roles[role].word, message->files[role].name);
        }
    }
    if (message->verdict == SPR_MALFORMED) {
        fprintf(out, "  malformed at %llu: %s\n", (unsigned long long)message->need.offset,
                message->need.reason);
    } else {
        fprintf(out, "  %s\n", words[message->verdict]);
        collector_render(&message->found, out);
    }
}

void drive_render(const struct drive_spool *spool, FILE *out)
{
    fprintf(out, "%s %u: %s\n", spool->format->name, spool->probe.score, spool->probe.reason);
    fprintf(out, "temporary %zu, logs %zu, foreign %zu\n", spool->temporary, spool->logs,
            spool->foreign);
    for (size_t i = 0; i < spool->message_count; i++) {
        render_message(&spool->messages[i], out);
    }
}

bool drive_matches_golden(const struct drive_spool *spool, const char *golden_path)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (out == NULL) {
        abort();
    }
    drive_render(spool, out);
    (void)fclose(out); /* memory only */
    if (getenv("SPR_UPDATE") != NULL) {
        FILE *golden = fopen(golden_path, "wb");
        bool written = golden != NULL && fwrite(text, 1, length, golden) == length;
        written = golden != NULL && fclose(golden) == 0 && written;
        free(text);
        return written;
    }
    size_t golden_length = 0;
    uint8_t *golden = drive_load(golden_path, &golden_length);
    bool same = golden != NULL && golden_length == length && memcmp(golden, text, length) == 0;
    if (!same) {
        fprintf(stderr, "differs from %s:\n%s", golden_path, text);
    }
    free(golden);
    free(text);
    return same;
}
