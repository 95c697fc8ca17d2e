/*
 * A plan as a file: a text head for reviewers, then a binary body with a checksum over both.
 *
 *   spoolray plan 1                       first line
 *   KEY: VALUE ...                        for people; not read back
 *   body BYTES CHECKSUM                   last line of the head, 16 hex digits
 *   BYTES bytes                           little endian, see write_body
 *
 * The checksum is of the head without its last line, then the body.
 */
#include "core/batch/batch.h"
#include "core/batch/plan.h"
#include "core/fault.h"
#include "core/index/hash.h"
#include "formats/cursor.h"
#include "io/durable.h"
#include "io/own.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FIRST_LINE     "spoolray plan 1\n"
#define HEAD_BYTES_MAX (1u << 20)
#define FILE_BYTES_MAX (UINT64_C(8) << 30)
#define ENTRY_BYTES    50

static const char *const ACTIONS[] = { "delete", "hold", "release", "requeue",
                                       "move",   "copy", "restore" };

/* ---- Saving ---------------------------------------------------------------------------------- */

static void put(FILE *out, uint64_t value, unsigned length)
{
    for (unsigned i = 0; i < length; i++) {
        (void)fputc((int)(value >> (8 * i) & 0xff), out); /* memory streams fail at fclose */
    }
}

static void put_bytes(FILE *out, const void *bytes, size_t length)
{
    put(out, length, 8);
    if (length > 0) {
        (void)fwrite(bytes, 1, length, out); /* as above */
    }
}

/* An absent text is told from an empty one. */
static void put_text(FILE *out, const char *text)
{
    put(out, text != NULL ? 1 : 0, 1);
    put_bytes(out, text, text != NULL ? strlen(text) : 0);
}

static void put_entry(FILE *out, const struct spr_plan_entry *entry)
{
    put(out, entry->inode, 8);
    put(out, entry->file_size, 8);
    put(out, entry->identity_digest, 8);
    put(out, entry->text, 8);
    put(out, entry->stat_digest, 4);
    put(out, entry->set_digest, 4);
    put(out, entry->folder, 4);
    put(out, entry->flags, 4);
    put(out, entry->dir, 1);
    put(out, entry->file_count, 1);
}

static void write_body(FILE *out, const struct spr_plan *plan)
{
    const uint64_t numbers[] = { plan->root_inode,   (uint64_t)plan->created,
                                 plan->recipients,   plan->pending,
                                 plan->bytes,        plan->from_active,
                                 plan->unchangeable, plan->header_only,
                                 plan->purge_at_most };
    put(out, plan->action, 4);
    put(out, (plan->server_runs ? 1u : 0u) | (plan->server_known ? 2u : 0u), 4);
    put(out, plan->layout.hash_depth, 4);
    put(out, plan->layout.hashed_dirs, 4);
    put(out, plan->layout.flags, 4);
    (void)fwrite(plan->id, 1, sizeof(plan->id), out); /* as above */
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        put(out, numbers[i], 8);
    }
    put_text(out, plan->spool_root);
    put_text(out, plan->format);
    put_text(out, plan->command);
    put_text(out, plan->reason);
    put_text(out, plan->samples);
    put_text(out, plan->refusal);
    put(out, plan->folder_count, 4);
    for (uint32_t i = 0; i < plan->folder_count; i++) {
        put_bytes(out, plan->folders[i], strlen(plan->folders[i]));
    }
    put_bytes(out, plan->texts, (size_t)plan->text_length);
    put(out, plan->count, 8);
    for (uint64_t i = 0; i < plan->count; i++) {
        put_entry(out, &plan->entries[i]);
    }
}

static void print_line(FILE *out, const char *key, const char *value)
{
    (void)fprintf(out, "%s: ", key); /* as above */
    for (const char *c = value; *c != '\0'; c++) {
        if (*c >= ' ' && *c < 0x7f) {
            (void)fputc(*c, out); /* as above */
        } else {
            (void)fprintf(out, "\\x%02X", (unsigned)(unsigned char)*c); /* as above */
        }
    }
    (void)fputc('\n', out); /* as above */
}

static void write_head(FILE *out, const struct spr_plan *plan)
{
    char when[32] = "";
    struct tm utc;
    const time_t created = (time_t)plan->created;
    if (gmtime_r(&created, &utc) != NULL) {
        (void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &utc); /* "" when too long */
    }
    (void)fputs(FIRST_LINE, out); /* as above */
    print_line(out, "action", ACTIONS[plan->action]);
    print_line(out, "spool", plan->spool_root);
    print_line(out, "format", plan->format);
    print_line(out, "made", when);
    if (plan->command != NULL) {
        print_line(out, "command", plan->command);
    }
    if (plan->reason != NULL) {
        print_line(out, "reason", plan->reason);
    }
    (void)fprintf(out,
                  "messages: %" PRIu64 "\nrecipients: %" PRIu64 " (%" PRIu64
                  " pending)\nbytes: %" PRIu64 "\nleft out: %" PRIu64 "\n",
                  plan->count, plan->recipients, plan->pending, plan->bytes,
                  plan->unchangeable + plan->header_only); /* as above */
    if (plan->samples != NULL) {
        (void)fputs(plan->samples, out); /* as above */
    }
}

static int print_to_memory(void (*write)(FILE *out, const struct spr_plan *plan),
                           const struct spr_plan *plan, char **ret_bytes, size_t *ret_length)
{
    char *bytes = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&bytes, &length);
    if (out == NULL) {
        return -ENOMEM;
    }
    write(out, plan);
    if (fclose(out) != 0) {
        free(bytes);
        return -ENOMEM;
    }
    *ret_bytes = bytes;
    *ret_length = length;
    return 0;
}

static uint64_t checksum(const void *head, size_t head_length, const void *body, size_t body_length)
{
    return spr_hash64(body, body_length, spr_hash64(head, head_length, 0));
}

int spr_plan_save(const struct spr_plan *plan, int fd, struct spr_fault *fault)
{
    char *head = NULL;
    char *body = NULL;
    size_t head_length = 0;
    size_t body_length = 0;
    char last[64];
    int r = print_to_memory(write_head, plan, &head, &head_length);
    if (r == 0) {
        r = print_to_memory(write_body, plan, &body, &body_length);
    }
    if (r == 0) {
        r = spr_write_all(fd, head, head_length);
    }
    if (r == 0) {
        const int length = snprintf(last, sizeof(last), "body %zu %016" PRIx64 "\n", body_length,
                                    checksum(head, head_length, body, body_length));
        r = spr_write_all(fd, last, (size_t)length);
    }
    if (r == 0) {
        r = spr_write_all(fd, body, body_length);
    }
    free(head);
    free(body);
    return r < 0 ? spr_fault_set(fault, r, "plan", 0, "the plan cannot be written") : 0;
}

/* ---- Loading --------------------------------------------------------------------------------- */

static char *take_text(struct spr_cursor *c, bool *failed)
{
    const bool present = spr_take_u8(c) != 0;
    const uint64_t length = spr_take_u64le(c);
    if (length > HEAD_BYTES_MAX) {
        spr_cursor_fail(c, "a text of at most a megabyte");
    }
    const struct spr_text text = spr_take_bytes(c, spr_cursor_failed(c) ? 0 : (size_t)length);
    if (!present || spr_cursor_failed(c)) {
        return NULL;
    }
    char *copy = malloc(text.length + 1);
    if (copy == NULL) {
        *failed = true;
        return NULL;
    }
    if (text.length > 0) {
        memcpy(copy, text.bytes, text.length);
    }
    copy[text.length] = '\0';
    return copy;
}

static int take_folders(struct spr_cursor *c, struct spr_plan *plan)
{
    const uint32_t count = spr_take_u32le(c);
    for (uint32_t i = 0; i < count && !spr_cursor_failed(c); i++) {
        const uint64_t length = spr_take_u64le(c);
        const struct spr_text path =
            spr_take_bytes(c, length <= SPR_PATH_MAX ? (size_t)length : SIZE_MAX);
        if (spr_cursor_failed(c)) {
            break;
        }
        if (!spr_relative_path_valid(path)) {
            spr_cursor_fail(c, "a folder below the spool");
            break;
        }
        uint32_t folder = 0;
        const int r = spr_plan_add_folder(plan, path, &folder);
        if (r < 0) {
            return r;
        }
        if (folder != i) {
            spr_cursor_fail(c, "each folder once");
        }
    }
    return 0;
}

static int take_texts(struct spr_cursor *c, struct spr_plan *plan)
{
    const uint64_t length = spr_take_u64le(c);
    if (length > spr_cursor_left(c)) {
        spr_cursor_fail(c, "as many bytes of names as announced");
        return 0;
    }
    const struct spr_text texts = spr_take_bytes(c, (size_t)length);
    plan->texts = malloc((size_t)length + 1);
    if (plan->texts == NULL) {
        return -ENOMEM;
    }
    if (length > 0) {
        memcpy(plan->texts, texts.bytes, (size_t)length);
    }
    plan->text_length = length;
    plan->text_capacity = length;
    return 0;
}

static int take_entries(struct spr_cursor *c, struct spr_plan *plan)
{
    const uint64_t count = spr_take_u64le(c);
    if (count > SPR_PLAN_ENTRIES_MAX || count > spr_cursor_left(c) / ENTRY_BYTES) {
        spr_cursor_fail(c, "as many messages as announced");
        return 0;
    }
    plan->entries = calloc((size_t)count + 1, sizeof(*plan->entries));
    if (plan->entries == NULL) {
        return -ENOMEM;
    }
    plan->capacity = count;
    for (; plan->count < count; plan->count++) {
        struct spr_plan_entry *entry = &plan->entries[plan->count];
        entry->inode = spr_take_u64le(c);
        entry->file_size = spr_take_u64le(c);
        entry->identity_digest = spr_take_u64le(c);
        entry->text = spr_take_u64le(c);
        entry->stat_digest = spr_take_u32le(c);
        entry->set_digest = spr_take_u32le(c);
        entry->folder = spr_take_u32le(c);
        entry->flags = spr_take_u32le(c);
        entry->dir = spr_take_u8(c);
        entry->file_count = spr_take_u8(c);
        if (!spr_plan_entry_sound(plan, entry)) {
            spr_cursor_fail(c, "a message with sound names");
            break;
        }
    }
    return 0;
}

static void take_numbers(struct spr_cursor *c, struct spr_plan *plan)
{
    uint64_t created = 0;
    uint64_t *const numbers[] = { &plan->root_inode,   &created,           &plan->recipients,
                                  &plan->pending,      &plan->bytes,       &plan->from_active,
                                  &plan->unchangeable, &plan->header_only, &plan->purge_at_most };
    const uint32_t action = spr_take_u32le(c);
    const uint32_t flags = spr_take_u32le(c);
    plan->layout.hash_depth = spr_take_u32le(c);
    plan->layout.hashed_dirs = spr_take_u32le(c);
    plan->layout.flags = spr_take_u32le(c);
    const struct spr_text id = spr_take_bytes(c, sizeof(plan->id));
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        *numbers[i] = spr_take_u64le(c);
    }
    if (action > SPR_COPY) {
        spr_cursor_fail(c, "an action that is known");
    }
    if (spr_cursor_failed(c)) {
        return;
    }
    memcpy(plan->id, id.bytes, sizeof(plan->id));
    plan->action = (enum spr_action)action;
    plan->server_runs = (flags & 1) != 0;
    plan->server_known = (flags & 2) != 0;
    plan->created = (int64_t)created;
}

static int take_body(struct spr_cursor *c, struct spr_plan *plan)
{
    bool failed = false;
    take_numbers(c, plan);
    plan->spool_root = take_text(c, &failed);
    plan->format = take_text(c, &failed);
    plan->command = take_text(c, &failed);
    plan->reason = take_text(c, &failed);
    plan->samples = take_text(c, &failed);
    plan->refusal = take_text(c, &failed);
    int r = failed ? -ENOMEM : take_folders(c, plan);
    if (r == 0) {
        r = take_texts(c, plan);
    }
    if (r == 0) {
        r = take_entries(c, plan);
    }
    if (r == 0 && (plan->spool_root == NULL || plan->format == NULL)) {
        spr_cursor_fail(c, "the spool and its format");
    }
    if (r == 0 && spr_cursor_left(c) > 0) {
        spr_cursor_fail(c, "nothing behind the last message");
    }
    return r;
}

/* Splits a file into head and body by its "body" line, and checks them. */
static bool split_file(struct spr_text file, struct spr_text *ret_body, uint64_t *ret_offset)
{
    static const char MARK[] = "\nbody ";
    const size_t first = sizeof(FIRST_LINE) - 1;
    if (file.length < first || memcmp(file.bytes, FIRST_LINE, first) != 0) {
        return false;
    }
    const size_t limit = file.length < HEAD_BYTES_MAX ? file.length : HEAD_BYTES_MAX;
    const uint8_t *mark = memmem(file.bytes, limit, MARK, sizeof(MARK) - 1);
    if (mark == NULL) {
        return false;
    }
    const size_t head = (size_t)(mark - file.bytes) + 1;
    *ret_offset = head;
    const uint8_t *newline = memchr(mark + 1, '\n', file.length - head);
    if (newline == NULL) {
        return false;
    }
    const size_t start = (size_t)(newline - file.bytes) + 1;
    *ret_body = (struct spr_text){ file.bytes + start, file.length - start };
    char expected[64];
    const int length =
        snprintf(expected, sizeof(expected), "body %zu %016" PRIx64 "\n", ret_body->length,
                 checksum(file.bytes, head, ret_body->bytes, ret_body->length));
    return (size_t)length == start - head && memcmp(file.bytes + head, expected, start - head) == 0;
}

int spr_plan_parse(struct spr_text file, struct spr_plan **ret_plan, struct spr_fault *fault)
{
    struct spr_text body;
    uint64_t offset = 0;
    struct spr_plan *plan = NULL;
    if (!split_file(file, &body, &offset)) {
        return spr_fault_set(fault, SPR_E_CORRUPT, "plan", offset,
                             "expected a plan of version 1 with its checksum");
    }
    int r = spr_plan_new(&plan);
    if (r < 0) {
        return r;
    }
    struct spr_cursor c;
    spr_cursor_init(&c, body);
    r = take_body(&c, plan);
    if (r == 0 && spr_cursor_failed(&c)) {
        r = spr_fault_set(fault, SPR_E_CORRUPT, "plan",
                          (uint64_t)(body.bytes - file.bytes) + c.offset, c.reason);
    }
    if (r < 0) {
        spr_plan_free(plan);
        return r;
    }
    *ret_plan = plan;
    return 0;
}

int spr_plan_load(int fd, struct spr_plan **ret_plan, struct spr_fault *fault)
{
    uint64_t size = 0;
    int r = spr_own_size(fd, &size);
    if (r < 0) {
        return r;
    }
    if (size > FILE_BYTES_MAX) {
        return spr_fault_set(fault, SPR_E_CORRUPT, "plan", 0, "a plan of at most 8 GiB");
    }
    uint8_t *bytes = malloc((size_t)size + 1);
    if (bytes == NULL) {
        return -ENOMEM;
    }
    r = spr_read_exact(fd, bytes, (size_t)size, 0);
    if (r == 0) {
        r = spr_plan_parse((struct spr_text){ bytes, (size_t)size }, ret_plan, fault);
    } else {
        r = spr_fault_set(fault, r, "plan", 0, "the plan cannot be read");
    }
    free(bytes);
    return r;
}
