/*
 * Postfix queue files for tests, built from the grammar.
 */
#include "tests/support/postfix_file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SIZE_PAYLOAD 95 /* six fields of 15, a blank between them */

static void append(struct postfix_file *file, const void *bytes, size_t length)
{
    if (file->room - file->size < length) {
        file->room = file->room * 2 + length + 256;
        file->bytes = realloc(file->bytes, file->room);
        if (file->bytes == NULL) {
            abort();
        }
    }
    if (length > 0) {
        memcpy(file->bytes + file->size, bytes, length);
        file->size += length;
    }
}

size_t postfix_record_of(struct postfix_file *file, char type, const void *payload, size_t length)
{
    size_t at = file->size;
    uint8_t head[6] = { (uint8_t)type };
    size_t used = 1;
    size_t rest = length;
    do {
        head[used++] = (uint8_t)((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
        rest >>= 7;
    } while (rest > 0);
    append(file, head, used);
    append(file, payload, length);
    return at;
}

size_t postfix_record(struct postfix_file *file, char type, const char *payload)
{
    return postfix_record_of(file, type, payload, strlen(payload));
}

size_t postfix_pointer(struct postfix_file *file, uint64_t target)
{
    char text[32];
    (void)snprintf(text, sizeof(text), "%15llu", (unsigned long long)target);
    return postfix_record(file, 'p', text);
}

void postfix_sizes_begin(struct postfix_file *file)
{
    char text[SIZE_PAYLOAD + 1];
    (void)snprintf(text, sizeof(text), "%15d %15d %15d %15d %15d %15d", 0, 0, 0, 0, 0, 0);
    (void)postfix_record(file, 'C', text);
}

void postfix_sizes_patch(struct postfix_file *file, size_t content_at, size_t extracted_at,
                         unsigned recipients)
{
    char text[SIZE_PAYLOAD + 1];
    (void)snprintf(text, sizeof(text), "%15zu %15zu %15u %15d %15zu %15d",
                   extracted_at - content_at, content_at, recipients, 0, extracted_at - content_at,
                   0);
    memcpy(file->bytes + 2, text, SIZE_PAYLOAD);
}

void postfix_begin(struct postfix_file *file)
{
    postfix_sizes_begin(file);
    (void)postfix_record(file, 'T', "1795321008 316363");
    (void)postfix_record(file, 'A', "create_time=1795321008");
}

size_t postfix_end(struct postfix_file *file, const char *const *lines, unsigned recipients)
{
    (void)postfix_record(file, 'M', "");
    size_t content_at = file->size;
    for (; lines != NULL && *lines != NULL; lines++) {
        (void)postfix_record(file, 'N', *lines);
    }
    if (lines == NULL) {
        (void)postfix_record(file, 'N', "Subject: x");
    }
    size_t extracted_at = postfix_record(file, 'X', "");
    (void)postfix_record(file, 'E', "");
    postfix_sizes_patch(file, content_at, extracted_at, recipients);
    return extracted_at;
}

void postfix_file_done(struct postfix_file *file)
{
    free(file->bytes);
    *file = (struct postfix_file){ 0 };
}

struct drive_message postfix_message(struct postfix_file *file, unsigned dir)
{
    static const struct spr_layout layout = { .hash_depth = 1 };
    static const char id[] = "01110160C7A";
    struct drive_message message = {
        .format = drive_format("postfix"),
        .layout = &layout,
        .dir = dir,
    };
    struct spr_text name = { (const uint8_t *)id, strlen(id) };
    if (message.format->classify(&layout, dir, name, &message.key) != SPR_KIND_PART) {
        abort();
    }
    (void)snprintf(message.key_name, sizeof(message.key_name), "%s", id);
    message.files[0] = (struct drive_file){
        .present = true,
        .bytes = file->bytes,
        .size = file->size,
        .mtime_ns = INT64_C(1795324008000000000),
        .mode = S_IFREG | 0700,
        .uid = 100,
    };
    *file = (struct postfix_file){ 0 };
    collector_init(&message.found);
    return message;
}

void postfix_log(struct drive_message *message, unsigned role, const char *text)
{
    message->files[role] = (struct drive_file){
        .present = true,
        .bytes = (uint8_t *)strdup(text),
        .size = strlen(text),
        .mode = S_IFREG | 0600,
    };
}

void postfix_message_done(struct drive_message *message)
{
    for (size_t role = 0; role < SPR_ROLES_MAX; role++) {
        free(message->files[role].bytes);
    }
    collector_done(&message->found);
}
