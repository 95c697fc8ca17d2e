/* Classify, parse, read the content, read log lines: with bytes as a sender would choose them. */
#include "tests/fuzz/format_target.h"

#include "tests/support/drive.h"

#include <stdlib.h>
#include <string.h>

#define ROUNDS_MAX 4096

static bool count_bytes(struct spr_text bytes, void *user)
{
    size_t *count = user;
    *count += bytes.length;
    return true;
}

static void read_content(const struct drive_message *message)
{
    const struct spr_format *format = message->format;
    if (format->content == NULL) {
        return;
    }
    struct spr_extent extents[SPR_ROLES_MAX];
    struct spr_file_view views[SPR_ROLES_MAX] = { 0 };
    for (unsigned role = 0; role < format->role_count; role++) {
        const struct drive_file *file = &message->files[role];
        extents[role] = (struct spr_extent){ .bytes = { file->bytes, file->size } };
        views[role] = (struct spr_file_view){ .present = file->present,
                                              .sought = true,
                                              .size = file->size,
                                              .mode = file->mode,
                                              .extents = &extents[role],
                                              .extent_count = file->present ? 1 : 0 };
    }
    const struct spr_view view = {
        .layout = message->layout, .dir = message->dir, .key = message->key, .files = views
    };
    struct spr_position position = { 0 };
    struct spr_need need = { 0 };
    size_t count = 0;
    for (unsigned round = 0; round < ROUNDS_MAX; round++) {
        if (format->content(&view, &position, count_bytes, &count, &need) != SPR_MORE) {
            return;
        }
        uint64_t size = need.role < format->role_count ? message->files[need.role].size : 0;
        if (need.offset >= size) {
            return; /* wants what lies behind the end: core would say so */
        }
    }
    abort(); /* everything is in the view: it must come to an end */
}

static void read_lines(const struct spr_format *format, const uint8_t *bytes, size_t length)
{
    size_t start = 0;
    for (size_t i = 0; i <= length && format->log_line != NULL; i++) {
        if (i == length || bytes[i] == '\n') {
            struct spr_log_event event = { 0 };
            (void)format->log_line((struct spr_text){ bytes + start, i - start }, &event);
            start = i + 1;
        }
    }
}

static void classify_name(const struct spr_format *format, const struct spr_layout *layout,
                          const uint8_t *bytes, size_t length)
{
    struct spr_text name = { bytes, length < SPR_NAME_MAX ? length : SPR_NAME_MAX };
    for (unsigned dir = 0; dir < format->dir_count; dir++) {
        struct spr_key key = { 0 };
        if (format->classify(layout, dir, name, &key) != SPR_KIND_PART) {
            continue;
        }
        struct spr_path path;
        for (unsigned role = 0; role < format->role_count; role++) {
            for (unsigned attempt = 0; attempt < 64; attempt++) {
                if (!format->locate(layout, &key, role, attempt, &path)) {
                    break;
                }
                if (path.length > SPR_PATH_MAX || path.text[path.length] != '\0') {
                    abort();
                }
            }
        }
    }
    (void)format->id_valid(name);
}

static void split_into_roles(struct drive_message *message, const uint8_t *bytes, size_t length)
{
    static const uint8_t separator[4];
    for (unsigned role = 0; role < message->format->role_count && bytes != NULL; role++) {
        const uint8_t *end = memmem(bytes, length, separator, sizeof(separator));
        size_t part = end != NULL ? (size_t)(end - bytes) : length;
        struct drive_file *file = &message->files[role];
        file->present = part > 0; /* an empty part: no such file */
        memcpy(file->name, "0123456789AB", 13);
        file->bytes = malloc(part > 0 ? part : 1);
        if (file->bytes == NULL) {
            abort();
        }
        memcpy(file->bytes, bytes, part);
        file->size = part;
        file->mode = 0100700;
        bytes = end != NULL ? end + sizeof(separator) : NULL;
        length -= end != NULL ? part + sizeof(separator) : part;
    }
}

void fuzz_format(const char *format_name, const uint8_t *bytes, size_t length)
{
    static const struct spr_layout layout = { .hash_depth = 1, .hashed_dirs = 0xffff };
    struct drive_message message = { .format = drive_format(format_name), .layout = &layout };
    collector_init(&message.found);
    message.dir = (unsigned)(length % message.format->dir_count); /* folders in turn */
    if ((message.format->dirs[message.dir].flags & SPR_DIR_NO_WALK) != 0) {
        message.dir = 0;
    }
    memcpy(message.key_name, "0123456789AB", 13);
    message.key.id = (struct spr_text){ (const uint8_t *)message.key_name, 12 };
    message.key.stem = message.key.id;

    split_into_roles(&message, bytes, length);
    drive_parse(&message, SPR_WANT_SUBJECTS | SPR_WANT_ERRORS, 1795500000);
    read_content(&message);
    read_lines(message.format, bytes, length);
    classify_name(message.format, &layout, bytes, length);

    for (unsigned role = 0; role < message.format->role_count; role++) {
        free(message.files[role].bytes);
    }
    collector_done(&message.found);
}
