/*
 * Small spools to change. The files are what the format's page says, no more than parse needs; real
 * servers' spools are tested elsewhere.
 */
#include "tests/support/change_spool.h"

#include "core/batch/batch.h"
#include "core/batch/confirm.h"
#include "core/batch/server.h"
#include "core/index/identity.h"
#include "formats/cursor.h"
#include "io/dirents.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define LONG_AGO 1700000000

static void must(bool fine, const char *what)
{
    if (!fine) {
        perror(what);
        abort();
    }
}

static const struct spr_format *format_named(const char *name)
{
    for (const struct spr_format *const *at = spr_formats; *at != NULL; at++) {
        if (strcmp((*at)->name, name) == 0) {
            return *at;
        }
    }
    return NULL;
}

static void make_folder(const struct change_spool *spool, const char *path)
{
    char whole[TEMPORARY_PATH_MAX + 64];
    (void)snprintf(whole, sizeof(whole), "%s/%s", spool->root, path);
    must(mkdir(whole, 0700) == 0 || errno == EEXIST, whole);
}

static void make_outside(struct change_spool *spool, const char *format)
{
    /* Memory, where there is any: these tests are about order, not about a disk. */
    if (getenv("TMPDIR") == NULL && access("/dev/shm", W_OK) == 0) {
        (void)setenv("TMPDIR", "/dev/shm", 0);
    }
    make_temporary(spool->outside);
    (void)snprintf(spool->root, sizeof(spool->root), "%s/spool", spool->outside);
    (void)snprintf(spool->index, sizeof(spool->index), "%s/index", spool->outside);
    must(mkdir(spool->root, 0755) == 0 && mkdir(spool->index, 0700) == 0, "mkdir");
    spool->format = format_named(format);
    must(spool->format != NULL, format);
}

static void write_file(const char *path, const char *text, size_t length, mode_t mode)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    const struct timespec times[2] = { { .tv_sec = LONG_AGO }, { .tv_sec = LONG_AGO } };
    must(fd >= 0 && write(fd, text, length) == (ssize_t)length && fchmod(fd, mode) == 0 &&
             futimens(fd, times) == 0,
         path);
    (void)close(fd);
}

/* ---- Postfix --------------------------------------------------------------------------------- */

static void put_record(FILE *out, char type, const char *payload)
{
    (void)fputc(type, out);
    (void)fputc((int)strlen(payload), out); /* all are shorter than 128 */
    (void)fputs(payload, out);
}

static void print_size(FILE *out, long size, long start)
{
    char text[128];
    (void)snprintf(text, sizeof(text), "%15ld %15ld %15u %15u %15ld %15u", size, start, 1u, 0u,
                   size, 0u);
    put_record(out, 'C', text);
}

static void print_message(FILE *out, unsigned number)
{
    char text[128];
    print_size(out, 0, 0);
    (void)snprintf(text, sizeof(text), "%u %u", LONG_AGO + number, number);
    put_record(out, 'T', text);
    put_record(out, 'A', "sasl_username=ann@example.org");
    put_record(out, 'S', "ann@example.org");
    (void)snprintf(text, sizeof(text), "victim%u@example.net", number);
    put_record(out, 'R', text);
    put_record(out, 'M', "");
    const long start = ftell(out);
    put_record(out, 'N', "Subject: x");
    put_record(out, 'N', "");
    put_record(out, 'N', "body");
    const long size = ftell(out) - start;
    put_record(out, 'X', "");
    put_record(out, 'E', "");
    const long end = ftell(out);
    (void)fseek(out, 0, SEEK_SET);
    print_size(out, size, start);
    (void)fseek(out, end, SEEK_SET);
}

static unsigned next_number(const struct change_spool *spool)
{
    char path[TEMPORARY_PATH_MAX + 32];
    unsigned number = 0;
    (void)snprintf(path, sizeof(path), "%s/number", spool->outside);
    FILE *file = fopen(path, "r+");
    if (file == NULL) {
        file = fopen(path, "w+");
    }
    must(file != NULL, path);
    if (fscanf(file, "%u", &number) != 1) {
        number = 0;
    }
    rewind(file);
    (void)fprintf(file, "%u\n", number + 1);
    (void)fclose(file);
    return number;
}

static void add_log(const struct change_spool *spool, const char *queue, const char *id,
                    const char *text)
{
    char path[TEMPORARY_PATH_MAX + 128];
    (void)snprintf(path, sizeof(path), "%s/%s/%c", spool->root, queue, id[0]);
    if (strcmp(queue, "defer") != 0) {
        path[strlen(path) - 2] = '\0';
    } else {
        must(mkdir(path, 0700) == 0 || errno == EEXIST, path);
    }
    const size_t used = strlen(path);
    (void)snprintf(path + used, sizeof(path) - used, "/%s", id);
    write_file(path, text, strlen(text), 0600);
}

void add_postfix_message(struct change_spool *spool, const char *queue, char path[256])
{
    char whole[TEMPORARY_PATH_MAX + 300];
    char beside[TEMPORARY_PATH_MAX + 32];
    char id[64];
    char *text = NULL;
    size_t length = 0;
    struct stat meta;
    const unsigned number = next_number(spool);
    FILE *out = open_memstream(&text, &length);
    print_message(out, number);
    (void)fclose(out);
    (void)snprintf(beside, sizeof(beside), "%s/beside", spool->root);
    write_file(beside, text, length, 0700);
    free(text);
    must(stat(beside, &meta) == 0, beside);
    (void)snprintf(id, sizeof(id), "%05X%lX", (number * 0x11111u) & 0xfffffu,
                   (unsigned long)meta.st_ino);
    if (strcmp(queue, "deferred") == 0) {
        (void)snprintf(path, 256, "deferred/%c", id[0]);
        make_folder(spool, path);
        (void)snprintf(path, 256, "deferred/%c/%s", id[0], id);
    } else {
        (void)snprintf(path, 256, "%s/%s", queue, id);
    }
    (void)snprintf(whole, sizeof(whole), "%s/%s", spool->root, path);
    must(rename(beside, whole) == 0, whole);
    add_log(spool, "defer", id, "<victim@example.net>: host said: 450\n");
    if (number % 3 == 0) {
        add_log(spool, "bounce", id, "<victim@example.net>: host said: 550\n");
    }
}

void make_postfix_spool(struct change_spool *spool, unsigned messages)
{
    static const char *const FOLDERS[] = { "maildrop", "incoming", "active", "deferred",
                                           "hold",     "corrupt",  "defer",  "bounce",
                                           "trace",    "pid",      "public" };
    char path[256];
    make_outside(spool, "postfix");
    for (size_t i = 0; i < sizeof(FOLDERS) / sizeof(FOLDERS[0]); i++) {
        make_folder(spool, FOLDERS[i]);
    }
    for (unsigned i = 0; i < messages; i++) {
        add_postfix_message(spool, "deferred", path);
    }
}

/* ---- Pairs ----------------------------------------------------------------------------------- */

void make_pair_spool(struct change_spool *spool, unsigned messages)
{
    make_outside(spool, "imail");
    for (unsigned i = 0; i < messages; i++) {
        char path[TEMPORARY_PATH_MAX + 64];
        char text[256];
        (void)snprintf(path, sizeof(path), "%s/%s%04x00180250%04x.%s", spool->root,
                       i % 2 == 0 ? "Q" : "q", 0x28de + i, i, i % 3 == 0 ? "SMD" : "smd");
        int length = snprintf(text, sizeof(text),
                              "QC:\\IMail\\spool\\D%04x00180250%04x.SMD\r\nHmail.example.org\r\n"
                              "S<ann@example.org>\r\nN<v%u@example.net>\r\nR<v%u@example.net>\r\n"
                              "Aann@example.org\r\n",
                              0x28de + i, i, i, i);
        write_file(path, text, (size_t)length, 0644);
        (void)snprintf(path, sizeof(path), "%s/%s%04X00180250%04x.%s", spool->root,
                       i % 2 == 0 ? "d" : "D", 0x28de + i, i, i % 3 == 0 ? "smd" : "SMD");
        length = snprintf(text, sizeof(text), "Subject: x\r\n\r\nbody %u\r\n", i);
        write_file(path, text, (size_t)length, 0644);
    }
    const struct timespec times[2] = { { .tv_sec = LONG_AGO }, { .tv_sec = LONG_AGO } };
    must(utimensat(AT_FDCWD, spool->root, times, 0) == 0, spool->root);
}

void remove_spool(struct change_spool *spool)
{
    remove_temporary(spool->outside);
}

/* ---- Planning without an index --------------------------------------------------------------- */

struct planner {
    const struct change_spool *spool;
    struct spr_plan *plan;
    unsigned dir;
    char folder[SPR_PATH_MAX + SPR_NAME_MAX + 2];
    int folder_fd;
};

struct part_search {
    const struct planner *planner;
    const struct spr_key *key;
    struct spr_record *record;
    char (*names)[SPR_NAME_MAX + 1];
};

static bool is_same_nocase(struct spr_text a, struct spr_text b)
{
    return a.length == b.length &&
           strncasecmp((const char *)a.bytes, (const char *)b.bytes, a.length) == 0;
}

static int find_part(const struct spr_dirent *entry, void *user)
{
    struct part_search *search = user;
    struct spr_key key = { 0 };
    if (search->planner->spool->format->classify(&search->planner->plan->layout,
                                                 search->planner->dir, spr_text_of(entry->name),
                                                 &key) != SPR_KIND_PART ||
        !is_same_nocase(key.stem, search->key->stem) ||
        !is_same_nocase(key.variant, search->key->variant) || key.role == search->key->role) {
        return 0;
    }
    const unsigned number = search->record->file_count++;
    (void)snprintf(search->names[number], SPR_NAME_MAX + 1, "%s", entry->name);
    search->record->files[number] =
        (struct spr_record_file){ key.role, spr_text_of(search->names[number]) };
    return 0;
}

static void add_record(struct planner *p, const char *name, const struct spr_key *key)
{
    char names[SPR_ROLES_MAX][SPR_NAME_MAX + 1];
    struct spr_io_meta meta;
    struct spr_record record = {
        .dir = p->dir,
        .folder = spr_text_of(p->folder),
        .queue_id = key->id,
        .files = { { key->role, spr_text_of(name) } },
        .file_count = 1,
    };
    struct part_search search = { p, key, &record, names };
    const int listing = openat(p->folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    must(spr_dir_list(listing, 1000000, find_part, &search) == 0, "list");
    (void)close(listing);
    must(spr_meta_at(p->folder_fd, name, &meta) == 0, name);
    struct spr_confirm confirm = {
        .format = p->spool->format,
        .layout = &p->plan->layout,
        .dir = p->dir,
        .folder = record.folder,
        .key = *key,
        .dir_fd = p->folder_fd,
        .primary = key->role,
    };
    for (unsigned i = 0; i < record.file_count; i++) {
        confirm.names[record.files[i].role] = (const char *)record.files[i].name.bytes;
    }
    must(spr_confirm_digest(&confirm, &record.identity_digest, &meta) == 0, name);
    record.inode = meta.inode;
    record.file_size = meta.size;
    record.stat_digest = spr_stat_digest(&meta);
    record.set_digest = spr_set_digest(record.files, record.file_count);
    must(spr_plan_add(p->plan, &record) == 0, "plan");
}

static int plan_entry(const struct spr_dirent *entry, void *user)
{
    struct planner *p = user;
    struct spr_key key = { 0 };
    const struct spr_dir *dir = &p->spool->format->dirs[p->dir];
    if (entry->kind == 'd') {
        if ((dir->flags & SPR_DIR_HASHED) != 0 && entry->length == 1) {
            struct planner below = *p;
            const size_t used = strlen(below.folder);
            below.folder[used] = '/';
            below.folder[used + 1] = entry->name[0]; /* room: see the struct */
            below.folder[used + 2] = '\0';
            below.folder_fd = openat(p->folder_fd, entry->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
            must(spr_dir_list(below.folder_fd, 1000000, plan_entry, &below) == 0, "list");
            (void)close(below.folder_fd);
        }
        return 0;
    }
    if (p->spool->format->classify(&p->plan->layout, p->dir, spr_text_of(entry->name), &key) ==
            SPR_KIND_PART &&
        (p->spool->format->roles[key.role].flags & SPR_ROLE_PRIMARY) != 0 && key.role == 0) {
        add_record(p, entry->name, &key);
    }
    return 0;
}

static struct spr_layout layout_of(const struct change_spool *spool)
{
    struct spr_layout layout = { 0 };
    if (strcmp(spool->format->name, "postfix") == 0) {
        layout.hash_depth = 1;
        for (unsigned i = 0; i < spool->format->dir_count; i++) {
            if (strcmp(spool->format->dirs[i].path, "deferred") == 0 ||
                strcmp(spool->format->dirs[i].path, "defer") == 0) {
                layout.hashed_dirs |= 1u << i;
            }
        }
    }
    return layout;
}

struct spr_plan *plan_for(const struct change_spool *spool, enum spr_action action,
                          const char *prefix)
{
    struct planner p = { .spool = spool };
    struct spr_identity identity;
    const int root = spr_root_open(spool->root);
    must(root >= 0 && spr_identity_of(root, &identity) == 0 && spr_plan_new(&p.plan) == 0,
         spool->root);
    p.plan->action = action;
    p.plan->spool_root = strdup(spool->root);
    p.plan->format = strdup(spool->format->name);
    p.plan->command = strdup("delete account:ann@example.org");
    p.plan->root_inode = identity.inode;
    p.plan->layout = layout_of(spool);
    for (p.dir = 0; p.dir < spool->format->dir_count; p.dir++) {
        const struct spr_dir *dir = &spool->format->dirs[p.dir];
        if ((dir->flags & SPR_DIR_NO_WALK) != 0 ||
            strncmp(dir->path, prefix, strlen(prefix)) != 0) {
            continue;
        }
        p.folder_fd = spr_dir_open(root, dir->path);
        if (p.folder_fd >= 0) {
            (void)snprintf(p.folder, sizeof(p.folder), "%s", dir->path);
            must(spr_dir_list(p.folder_fd, 1000000, plan_entry, &p) == 0, "list");
            (void)close(p.folder_fd);
        }
    }
    (void)close(root);
    return p.plan;
}

/* ---- Looking --------------------------------------------------------------------------------- */

struct look {
    FILE *out;
    bool slots_only;
};

static void look_below(const struct look *look, int dir_fd, const char *path);

struct look_entry {
    const struct look *look;
    const char *path;
    int dir_fd;
};

static bool is_own_bookkeeping(const char *name)
{
    return strcmp(name, "lock") == 0 || strcmp(name, "reserve") == 0 || strcmp(name, "quiet") == 0;
}

static int look_entry(const struct spr_dirent *entry, void *user)
{
    const struct look_entry *at = user;
    char path[1024];
    struct stat meta;
    (void)snprintf(path, sizeof(path), "%s/%s", at->path, entry->name);
    if (entry->kind == 'd') {
        const int below = openat(at->dir_fd, entry->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (strcmp(entry->name, ".spoolray") != 0 && below >= 0) {
            look_below(at->look, below, path);
        }
        if (below >= 0) {
            (void)close(below);
        }
        return 0;
    }
    must(fstatat(at->dir_fd, entry->name, &meta, AT_SYMLINK_NOFOLLOW) == 0, entry->name);
    if (at->look->slots_only && is_own_bookkeeping(entry->name)) {
        return 0;
    }
    (void)fprintf(at->look->out, "%s %lu %lld %lld %o\n", path, (unsigned long)meta.st_ino,
                  (long long)meta.st_size,
                  (long long)(meta.st_mtim.tv_sec * 1000000000 + meta.st_mtim.tv_nsec),
                  meta.st_mode);
    return 0;
}

static void look_below(const struct look *look, int dir_fd, const char *path)
{
    struct look_entry at = { look, path, dir_fd };
    must(spr_dir_list(dir_fd, 1000000, look_entry, &at) == 0, path);
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *sort_lines(char *text)
{
    size_t count = 0;
    for (const char *c = text; *c != '\0'; c++) {
        count += *c == '\n' ? 1 : 0;
    }
    char **lines = calloc(count + 1, sizeof(*lines));
    size_t number = 0;
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        lines[number++] = line;
    }
    qsort(lines, number, sizeof(*lines), compare_lines);
    char *sorted = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&sorted, &length);
    for (size_t i = 0; i < number; i++) {
        (void)fprintf(out, "%s\n", lines[i]);
    }
    (void)fclose(out);
    free(lines);
    free(text);
    return sorted;
}

static char *look(const char *path, bool slots_only)
{
    char *text = NULL;
    size_t length = 0;
    struct look all = { .out = open_memstream(&text, &length), .slots_only = slots_only };
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        look_below(&all, fd, "");
        (void)close(fd);
    }
    (void)fclose(all.out);
    return sort_lines(text);
}

char *look_at_spool(const struct change_spool *spool)
{
    return look(spool->root, false);
}

char *look_at_private(const struct change_spool *spool)
{
    char path[TEMPORARY_PATH_MAX + 32];
    (void)snprintf(path, sizeof(path), "%s/.spoolray", spool->root);
    return look(path, true);
}

unsigned count_slots(const struct change_spool *spool)
{
    char *lines = look_at_private(spool);
    unsigned count = 0;
    for (char *line = strtok(lines, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        char *space = strchr(line, ' ');
        *space = '\0';
        const char *name = strrchr(line, '/') + 1;
        count += spr_slot_name_valid(spr_text_of(name)) ? 1 : 0;
    }
    free(lines);
    return count;
}
