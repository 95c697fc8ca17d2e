/*
 * Serving one message to parse, and loading files.
 */
#include "tests/support/drive.h"

#include <stdlib.h>
#include <string.h>

struct range {
    uint64_t from, to;
};

#define RANGES_MAX (2 * DRIVE_ROUNDS_MAX)

/* What was read of one file. */
struct served {
    struct range ranges[RANGES_MAX];
    unsigned count;
    struct spr_extent extents[RANGES_MAX];
};

static void *must(void *memory)
{
    if (memory == NULL) {
        abort();
    }
    return memory;
}

static _Noreturn void broken(const struct drive_message *message, const char *why)
{
    fprintf(stderr, "%s %s: %s (role %u, offset %llu, length %llu)\n", message->format->name,
            message->key_name, why, message->need.role, (unsigned long long)message->need.offset,
            (unsigned long long)message->need.length);
    abort();
}

static int compare_ranges(const void *a, const void *b)
{
    const struct range *left = a;
    const struct range *right = b;
    return (left->from > right->from) - (left->from < right->from);
}

/* Adds a range and merges what touches; true if that brought new bytes. */
static bool add_range(struct served *served, uint64_t from, uint64_t to)
{
    for (unsigned i = 0; i < served->count; i++) {
        if (from >= served->ranges[i].from && to <= served->ranges[i].to) {
            return false;
        }
    }
    served->ranges[served->count++] = (struct range){ from, to };
    qsort(served->ranges, served->count, sizeof(served->ranges[0]), compare_ranges);
    unsigned kept = 0;
    for (unsigned i = 1; i < served->count; i++) {
        if (served->ranges[i].from <= served->ranges[kept].to) {
            if (served->ranges[i].to > served->ranges[kept].to) {
                served->ranges[kept].to = served->ranges[i].to;
            }
        } else {
            served->ranges[++kept] = served->ranges[i];
        }
    }
    served->count = served->count == 0 ? 0 : kept + 1;
    return from < to;
}

static void free_extents(struct served *served, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        free((void *)(uintptr_t)served->extents[i].bytes.bytes);
    }
}

/* Fresh blocks each round, so that nothing kept from the last one stays valid. */
static void make_extents(struct served *served, const struct drive_file *file)
{
    for (unsigned i = 0; i < served->count; i++) {
        size_t length = (size_t)(served->ranges[i].to - served->ranges[i].from);
        uint8_t *block = must(malloc(length > 0 ? length : 1));
        memcpy(block, file->bytes + served->ranges[i].from, length);
        served->extents[i] = (struct spr_extent){
            .offset = served->ranges[i].from,
            .bytes = { block, length },
        };
    }
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static enum spr_verdict parse_round(struct drive_message *message, struct served *served,
                                    const bool *sought, uint32_t wants, int64_t now)
{
    struct spr_file_view views[SPR_ROLES_MAX] = { 0 };
    unsigned counts[SPR_ROLES_MAX] = { 0 };
    for (unsigned role = 0; role < message->format->role_count; role++) {
        const struct drive_file *file = &message->files[role];
        bool shown = file->present && sought[role];
        views[role].sought = sought[role];
        if (!shown) {
            continue;
        }
        make_extents(&served[role], file);
        counts[role] = served[role].count;
        views[role] = (struct spr_file_view){
            .present = true,
            .sought = true,
            .name = { (const uint8_t *)file->name, strlen(file->name) },
            .size = file->size,
            .mtime_ns = file->mtime_ns,
            .mode = file->mode,
            .uid = file->uid,
            .inode = file->inode,
            .extents = served[role].extents,
            .extent_count = served[role].count,
        };
    }
    const struct spr_view view = {
        .layout = message->layout,
        .dir = message->dir,
        .folder = { (const uint8_t *)message->folder, strlen(message->folder) },
        .key = message->key,
        .wants = wants,
        .now = now,
        .files = views,
    };
    collector_reset(&message->found);
    message->need = (struct spr_need){ 0 };
    enum spr_verdict verdict = message->format->parse(&view, &message->found.sink, &message->need);
    for (unsigned role = 0; role < message->format->role_count; role++) {
        free_extents(&served[role], counts[role]);
    }
    return verdict;
}

void drive_parse(struct drive_message *message, uint32_t wants, int64_t now)
{
    static const struct served nothing;
    struct served *served = must(malloc(SPR_ROLES_MAX * sizeof(*served)));
    bool sought[SPR_ROLES_MAX] = { false };
    const struct spr_format *format = message->format;
    message->bytes_read = 0;
    for (unsigned role = 0; role < format->role_count; role++) {
        served[role] = nothing;
        sought[role] = (format->roles[role].flags & SPR_ROLE_ON_DEMAND) == 0;
        if ((format->roles[role].flags & SPR_ROLE_READ) != 0 && message->files[role].present) {
            uint64_t head = min_u64(format->head_bytes, message->files[role].size);
            (void)add_range(&served[role], 0, head);
            message->bytes_read += head;
        }
    }
    for (message->rounds = 1;; message->rounds++) {
        message->verdict = parse_round(message, served, sought, wants, now);
        if (message->verdict != SPR_MORE) {
            break;
        }
        struct spr_need *need = &message->need;
        if (message->rounds >= DRIVE_ROUNDS_MAX) {
            broken(message, "asks without end");
        }
        if (need->role >= format->role_count || need->length == 0) {
            broken(message, "asks for nothing");
        }
        bool first = !sought[need->role];
        sought[need->role] = true;
        uint64_t size = message->files[need->role].present ? message->files[need->role].size : 0;
        uint64_t to =
            need->offset > size ? size : need->offset + min_u64(need->length, size - need->offset);
        bool more = need->offset < to && add_range(&served[need->role], need->offset, to);
        message->bytes_read += more ? to - need->offset : 0;
        if (!more && !first) {
            broken(message, "asks for what it has");
        }
    }
    free(served);
}

static bool append_bytes(struct spr_text bytes, void *user)
{
    struct collected_text *content = user;
    content->bytes = must(realloc(content->bytes, content->length + bytes.length + 1));
    memcpy(content->bytes + content->length, bytes.bytes, bytes.length);
    content->length += bytes.length;
    content->bytes[content->length] = '\0';
    return true;
}

char *drive_content(const struct drive_message *message)
{
    const uint64_t piece_max = 3000; /* more than one Postfix record */
    struct collected_text content = { .bytes = must(calloc(1, 1)) };
    struct spr_position position = { 0 };
    struct spr_need need = { 0 };
    enum spr_verdict verdict = SPR_MORE;
    while (verdict == SPR_MORE) {
        const struct drive_file *file = &message->files[need.role];
        uint64_t from = min_u64(need.offset, file->size);
        uint64_t length = min_u64(min_u64(need.length, piece_max), file->size - from);
        uint8_t *block = must(malloc(length > 0 ? length : 1));
        if (length > 0) {
            memcpy(block, file->bytes + from, length);
        }
        struct spr_extent extent = { .offset = from, .bytes = { block, length } };
        struct spr_file_view views[SPR_ROLES_MAX] = { 0 };
        for (unsigned role = 0; role < message->format->role_count; role++) {
            views[role].present = message->files[role].present;
            views[role].sought = true;
            views[role].size = message->files[role].size;
            views[role].mode = message->files[role].mode;
        }
        views[need.role].extents = &extent;
        views[need.role].extent_count = length > 0 ? 1 : 0;
        const struct spr_view view = {
            .layout = message->layout,
            .dir = message->dir,
            .key = message->key,
            .files = views,
        };
        need = (struct spr_need){ 0 };
        verdict = message->format->content(&view, &position, append_bytes, &content, &need);
        free(block);
    }
    return content.bytes;
}

uint8_t *drive_load(const char *path, size_t *ret_size)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return NULL;
    }
    size_t size = 0;
    size_t room = 8192;
    uint8_t *bytes = must(malloc(room));
    for (;;) {
        size_t got = fread(bytes + size, 1, room - size - 1, file);
        if (got == 0) {
            break;
        }
        size += got;
        if (room - size < 2) {
            room *= 2;
            bytes = must(realloc(bytes, room));
        }
    }
    (void)fclose(file); /* read only: nothing can be lost */
    bytes[size] = '\0';
    *ret_size = size;
    return bytes;
}

const struct spr_format *drive_format(const char *name)
{
    for (size_t i = 0; spr_formats[i] != NULL; i++) {
        if (strcmp(spr_formats[i]->name, name) == 0) {
            return spr_formats[i];
        }
    }
    abort();
}
