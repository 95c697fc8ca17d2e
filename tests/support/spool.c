/*
 * Small spools in temporary folders.
 */
#include "tests/support/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#define QUEUE_FILE_MAX (1u << 20)

static void make_spool(struct spool *spool, const char *below)
{
    *spool = (struct spool){ .options = SPR_OPTIONS_INIT };
    spool->options.flags = SPR_NO_EXEC;
    make_temporary(spool->folder);
    (void)snprintf(spool->root, sizeof(spool->root), "%s/%s", spool->folder, below);
    (void)snprintf(spool->state, sizeof(spool->state), "%s/state", spool->folder);
}

void spool_make_postfix(struct spool *spool)
{
    static const char *const folders[] = { "active",   "bounce",  "corrupt",  "defer",
                                           "deferred", "hold",    "incoming", "maildrop",
                                           "pid",      "private", "public" };
    make_spool(spool, "spool");
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        spool_make_folder(spool, folders[i]);
    }
}

void spool_make_flat(struct spool *spool)
{
    make_spool(spool, "spool");
    cr_assert_eq(mkdir(spool->root, 0700), 0);
}

void spool_make_sample(struct spool *spool, const char *fixtures)
{
    char command[4 * TEMPORARY_PATH_MAX];
    make_spool(spool, "var/spool/postfix");
    (void)snprintf(command, sizeof(command),
                   "tar --zstd --no-same-owner -xpf '%s/postfix/sample.tar.zst' -C '%s'", fixtures,
                   spool->folder);
    cr_assert_eq(system(command), 0);
}

void spool_done(struct spool *spool)
{
    spr_index_close(spool->index);
    remove_temporary(spool->folder);
}

static void join(const struct spool *spool, const char *path, char out[1024])
{
    const int length = snprintf(out, 1024, "%s/%s", spool->root, path);
    cr_assert(length > 0 && length < 1024);
}

/* All folders of a path but its last component. */
static void make_parents(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        cr_assert(mkdir(path, 0700) == 0 || errno == EEXIST, "%s", path);
        *slash = '/';
    }
}

void spool_make_folder(const struct spool *spool, const char *path)
{
    char full[1024];
    join(spool, path, full);
    make_parents(full);
    cr_assert(mkdir(full, 0700) == 0 || errno == EEXIST, "%s", full);
}

void spool_write(const struct spool *spool, const char *path, const void *bytes, size_t length)
{
    char full[1024];
    join(spool, path, full);
    make_parents(full);
    const int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
    cr_assert_geq(fd, 0, "%s", full);
    cr_assert_eq(write(fd, bytes, length), (ssize_t)length);
    cr_assert_eq(close(fd), 0);
}

void spool_write_text(const struct spool *spool, const char *path, const char *text)
{
    spool_write(spool, path, text, strlen(text));
}

void spool_remove(const struct spool *spool, const char *path)
{
    char full[1024];
    join(spool, path, full);
    cr_assert_eq(remove(full), 0, "%s", full);
}

void spool_rename(const struct spool *spool, const char *from, const char *to)
{
    char a[1024];
    char b[1024];
    join(spool, from, a);
    join(spool, to, b);
    make_parents(b);
    cr_assert_eq(rename(a, b), 0, "%s", a);
}

/* ---- Queue files ----------------------------------------------------------------------------- */

struct queue_file {
    uint8_t *bytes;
    size_t length;
};

static void put_record(struct queue_file *file, char type, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void put_record(struct queue_file *file, char type, const char *format, ...)
{
    char payload[512];
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(payload, sizeof(payload), format, arguments);
    va_end(arguments);
    cr_assert(length >= 0 && (size_t)length < sizeof(payload));
    cr_assert_lt(file->length + (size_t)length + 4, QUEUE_FILE_MAX);

    file->bytes[file->length++] = (uint8_t)type;
    size_t left = (size_t)length;
    do {
        file->bytes[file->length++] = (uint8_t)((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
        left >>= 7;
    } while (left > 0);
    memcpy(file->bytes + file->length, payload, (size_t)length);
    file->length += (size_t)length;
}

void spool_write_postfix(const struct spool *spool, const char *path, const char *sender,
                         const char *account, unsigned recipients)
{
    struct queue_file file = { malloc(QUEUE_FILE_MAX), 0 };
    cr_assert_not_null(file.bytes);
    put_record(&file, 'C', "%15d %15d %15u %15d %15d %15d", 0, 0, recipients, 0, 0, 0);
    put_record(&file, 'T', "1795321006 482000");
    put_record(&file, 'A', "create_time=1795321006");
    if (account != NULL) {
        put_record(&file, 'A', "sasl_method=PLAIN");
        put_record(&file, 'A', "sasl_username=%s", account);
    }
    put_record(&file, 'S', "%s", sender);
    put_record(&file, 'A', "client_address=192.0.2.7");
    for (unsigned i = 0; i < recipients; i++) {
        put_record(&file, 'R', "r%u@to.test", i);
    }
    put_record(&file, 'M', "%s", "");
    const size_t content = file.length;
    put_record(&file, 'N', "Subject: a test of %s", sender);
    put_record(&file, 'N', "%s", "");
    put_record(&file, 'N', "body");
    const size_t extracted = file.length;
    put_record(&file, 'X', "%s", "");
    put_record(&file, 'E', "%s", "");
    const size_t total = file.length;
    file.length = 0;
    put_record(&file, 'C', "%15zu %15zu %15u %15d %15zu %15d", extracted - content, content,
               recipients, 0, extracted - content, 0);
    spool_write(spool, path, file.bytes, total);
    free(file.bytes);
}

/* ---- Scans ----------------------------------------------------------------------------------- */

int spool_scan(struct spool *spool, uint32_t flags)
{
    struct spr_scan_request request = SPR_SCAN_REQUEST_INIT;
    request.spool_root = spool->root;
    request.flags = flags;
    spool->fault = (struct spr_fault){ 0 };
    if (spool->index == NULL) {
        const int r = spr_index_open(spool->state, &spool->options, &spool->index, &spool->fault);
        cr_assert_eq(r, 0, "%s: %s", spool->fault.subject, spool->fault.detail);
    }
    return spr_scan(spool->index, &request, &spool->report, &spool->fault);
}

uint64_t spool_count(struct spool *spool, const char *text)
{
    struct spr_query *query;
    struct spr_result *result;
    cr_assert_eq(spr_query_compile(text, 0, &query, &spool->fault), 0);
    const int r =
        spr_result_open(spool->index, query, SPR_SORT_NONE, false, &result, &spool->fault);
    cr_assert_eq(r, 0, "%s: %s", spool->fault.subject, spool->fault.detail);
    const uint64_t count = spr_result_count(result);
    spr_result_close(result);
    spr_query_free(query);
    return count;
}

uint64_t spool_rejects(const struct spool *spool, const char *class_name)
{
    for (unsigned i = 0; i < SPR_REJECT_CLASSES_MAX; i++) {
        const struct spr_reject_class *class = &spool->report.classes[i];
        if (class->name == NULL) {
            break;
        }
        if (strcmp(class->name, class_name) == 0) {
            return class->count;
        }
    }
    return 0;
}
