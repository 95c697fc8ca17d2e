/*
 * Writes Postfix queue files record by record, in the order in which smtpd and cleanup write them.
 *
 * A file is born in incoming/ under a temporary name, gets its queue id from the time and its own
 * inode number, and is renamed into its queue when complete, as on a real server: so inode order
 * is the order of creation whatever the hash folder. In place, it is born in its hash folder
 * instead: file systems spread folders over the disk, so inode order is not disk order then.
 */
#include "bench/mkspool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE_RECORD_BYTES 97
#define QUEUE_ID_MAX      40

static const char *const folders[] = { "active", "bounce",   "corrupt",  "defer", "deferred",
                                       "flush",  "hold",     "incoming", "pid",   "private",
                                       "public", "maildrop", "saved",    "trace" };

static int make_folder(const struct spr_mail_options *options, int root_fd, const char *path,
                       mode_t mode)
{
    if (mkdirat(root_fd, path, mode) < 0 && errno != EEXIST) {
        return -errno;
    }
    if (fchmodat(root_fd, path, mode, 0) < 0) {
        return -errno;
    }
    if (options->uid >= 0 &&
        fchownat(root_fd, path, (uid_t)options->uid, (gid_t)options->gid, 0) < 0) {
        return -errno;
    }
    return 0;
}

/* Every hash folder below one queue; number counts through all of one level. */
static int make_hash_folders(const struct spr_mail_options *options, int root_fd, const char *queue)
{
    for (uint32_t level = 1; level <= options->depth; level++) {
        for (uint32_t number = 0; number < 1u << (4 * level); number++) {
            char path[64];
            int length = snprintf(path, sizeof(path), "%s", queue);
            for (uint32_t i = 0; i < level; i++) {
                uint32_t digit = (number >> (4 * (level - 1 - i))) & 15u;
                length += snprintf(path + length, sizeof(path) - (size_t)length, "/%X", digit);
            }
            int r = make_folder(options, root_fd, path, 0700);
            if (r < 0) {
                return r;
            }
        }
    }
    return 0;
}

int spr_mail_postfix_prepare(const struct spr_mail_options *options, int root_fd)
{
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        bool is_drop = strcmp(folders[i], "maildrop") == 0;
        bool is_pid = strcmp(folders[i], "pid") == 0;
        int r = make_folder(options, root_fd, folders[i], is_drop ? 01730 : is_pid ? 0755 : 0700);
        if (r < 0) {
            return r;
        }
    }
    int r = make_hash_folders(options, root_fd, "deferred");
    if (r == 0 && options->with_logs) {
        r = make_hash_folders(options, root_fd, "defer");
    }
    return r;
}

static void put_record(struct spr_mail_buffer *file, char type, const char *payload, size_t length)
{
    uint8_t head[8];
    size_t used = 0;
    head[used++] = (uint8_t)type;
    size_t rest = length;
    do {
        head[used++] = (uint8_t)((rest & 127u) | (rest > 127 ? 128u : 0u));
        rest >>= 7;
    } while (rest > 0);
    spr_mail_append(file, head, used);
    spr_mail_append(file, payload, length);
}

static void put_text(struct spr_mail_buffer *file, char type, const char *text)
{
    put_record(file, type, text, strlen(text));
}

static void put_attribute(struct spr_mail_buffer *file, const char *name, const char *value)
{
    char text[SPR_MAIL_TEXT_MAX * 2];
    int length = snprintf(text, sizeof(text), "%s=%s", name, value);
    put_record(file, 'A', text, (size_t)length);
}

static void put_client(struct spr_mail_buffer *file, const struct spr_mail *mail)
{
    if (mail->client_address[0] == '\0') {
        return;
    }
    bool is_v6 = strchr(mail->client_address, ':') != NULL;
    char text[SPR_MAIL_TEXT_MAX + 16], port[16];
    snprintf(port, sizeof(port), "%u", (unsigned)(20000 + mail->chance % 40000));
    put_attribute(file, "log_client_name", "unknown");
    snprintf(text, sizeof(text), "%s%s", is_v6 ? "IPv6:" : "", mail->client_address);
    put_attribute(file, "log_client_address", text);
    put_attribute(file, "log_client_port", port);
    snprintf(text, sizeof(text), "unknown[%s]", mail->client_address);
    put_attribute(file, "log_message_origin", text);
    put_attribute(file, "log_helo_name", mail->helo);
    put_attribute(file, "log_protocol_name", "ESMTP");
    put_attribute(file, "client_name", "unknown");
    put_attribute(file, "reverse_client_name", "unknown");
    put_attribute(file, "client_address", mail->client_address);
    put_attribute(file, "client_port", port);
    put_attribute(file, "server_address", "192.0.2.1");
    put_attribute(file, "server_port", "25");
    put_attribute(file, "helo_name", mail->helo);
    put_attribute(file, "protocol_name", "ESMTP");
    put_attribute(file, "client_address_type", is_v6 ? "10" : "2");
}

static void put_envelope(struct spr_mail_writer *writer, const struct spr_mail *mail,
                         const char *id)
{
    struct spr_mail_buffer *file = &writer->file;
    char text[SPR_MAIL_TEXT_MAX + 16];
    memset(text, 0, sizeof(text));
    file->length = 0;
    char blank[SIZE_RECORD_BYTES - 2];
    memset(blank, ' ', sizeof(blank));
    put_record(file, 'C', blank, sizeof(blank));
    snprintf(text, sizeof(text), "%lld %u", (long long)mail->seconds, mail->microseconds);
    put_text(file, 'T', text);
    snprintf(text, sizeof(text), "%lld", (long long)mail->seconds);
    put_attribute(file, "create_time", text);
    put_attribute(file, "log_ident", id);
    put_attribute(file, "rewrite_context", mail->client_address[0] != '\0' ? "remote" : "local");
    if (mail->account != SPR_MAIL_NO_ACCOUNT) {
        put_attribute(file, "sasl_method", mail->chance % 5 == 0 ? "LOGIN" : "PLAIN");
        put_attribute(file, "sasl_username", mail->account_name);
    }
    put_text(file, 'S', mail->sender);
    put_client(file, mail);

    for (uint32_t i = 0; i < mail->recipient_count; i++) {
        char address[SPR_MAIL_TEXT_MAX];
        spr_mail_recipient(mail, i, address);
        if (mail->client_address[0] != '\0') {
            snprintf(text, sizeof(text), "rfc822;%s", address);
            put_attribute(file, "dsn_orig_rcpt", text);
        }
        put_text(file, 'O', address);
        writer->offsets[i] = (uint32_t)file->length;
        put_text(file, i < mail->done_count ? 'D' : 'R', address);
    }
    put_record(file, 'M', "", 0);
}

static void put_content(struct spr_mail_buffer *file, const struct spr_mail *mail, const char *id)
{
    char date[64], address[SPR_MAIL_TEXT_MAX], text[SPR_MAIL_TEXT_MAX * 3];
    spr_mail_date(mail->seconds, date);
    spr_mail_recipient(mail, 0, address);
    if (mail->client_address[0] != '\0') {
        bool is_v6 = strchr(mail->client_address, ':') != NULL;
        snprintf(text, sizeof(text), "Received: from %s (unknown [%s%s])", mail->helo,
                 is_v6 ? "IPv6:" : "", mail->client_address);
        put_text(file, 'N', text);
        if (mail->account != SPR_MAIL_NO_ACCOUNT) {
            snprintf(text, sizeof(text), "\t(Authenticated sender: %s)", mail->account_name);
            put_text(file, 'N', text);
        }
        snprintf(text, sizeof(text), "\tby mx1.customer.test (Postfix) with ESMTP%s id %s",
                 mail->account != SPR_MAIL_NO_ACCOUNT ? "A" : "", id);
        put_text(file, 'N', text);
        snprintf(text, sizeof(text), "\tfor <%s>; %s", address, date);
        put_text(file, 'N', text);
    } else {
        put_text(file, 'N', "Received: by mx1.customer.test (Postfix)");
        snprintf(text, sizeof(text), "\tid %s; %s", id, date);
        put_text(file, 'N', text);
    }
    snprintf(text, sizeof(text), "From: %s", mail->header_from);
    put_text(file, 'N', text);
    snprintf(text, sizeof(text), "To: %s", address);
    put_text(file, 'N', text);
    snprintf(text, sizeof(text), "Subject: %s", mail->subject);
    put_text(file, 'N', text);
    snprintf(text, sizeof(text), "Date: %s", date);
    put_text(file, 'N', text);
    snprintf(text, sizeof(text), "Message-ID: <%s@mkspool.test>", mail->token);
    put_text(file, 'N', text);
    put_text(file, 'N', "");

    for (uint32_t line = 0; line == 0 || file->length < mail->file_bytes; line++) {
        spr_mail_body_line(mail, line, text);
        put_text(file, 'N', text);
    }
}

/* Returns the content's length, which is what the server's listing calls the size. */
static uint64_t make_file(struct spr_mail_writer *writer, const struct spr_mail *mail,
                          const char *id)
{
    struct spr_mail_buffer *file = &writer->file;
    put_envelope(writer, mail, id);
    size_t start = file->length;
    put_content(file, mail, id);
    size_t size = file->length - start;
    char text[SPR_MAIL_TEXT_MAX * 2];
    put_record(file, 'X', "", 0);
    snprintf(text, sizeof(text), "<%s@mkspool.test>", mail->token);
    put_attribute(file, "message_id", text);
    put_record(file, 'E', "", 0);

    snprintf(text, sizeof(text), "%15zu %15zu %15u %15u %15zu %15u", size, start,
             mail->recipient_count, 0u, size, 0u);
    memcpy(file->bytes + 2, text, SIZE_RECORD_BYTES - 2);
    return size;
}

static void print_base(uint64_t value, uint32_t base, unsigned width, char *ret_text)
{
    static const char digits[] = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";
    char reversed[32];
    unsigned used = 0;
    while (value > 0 || used < width) {
        reversed[used++] = digits[value % base];
        value /= base;
    }
    for (unsigned i = 0; i < used; i++) {
        ret_text[i] = reversed[used - 1 - i];
    }
    ret_text[used] = '\0';
}

static void make_id(const struct spr_mail_options *options, const struct spr_mail *mail,
                    uint64_t inode, char ret_id[QUEUE_ID_MAX])
{
    if (!options->long_ids) {
        snprintf(ret_id, QUEUE_ID_MAX, "%05X%llX", mail->microseconds, (unsigned long long)inode);
        return;
    }
    char seconds[32], microseconds[32], number[32];
    print_base((uint64_t)mail->seconds, 52, 6, seconds);
    print_base(mail->microseconds, 52, 4, microseconds);
    print_base(inode, 51, 1, number);
    snprintf(ret_id, QUEUE_ID_MAX, "%.10s%.6sz%.16s", seconds, microseconds, number);
}

/* queue/A/B/ID; both kinds of id are hashed by the digits of the microseconds. */
static void make_path(const struct spr_mail_options *options, const char *queue, bool is_hashed,
                      const struct spr_mail *mail, const char *id, char ret_path[96])
{
    char digits[16];
    snprintf(digits, sizeof(digits), "%05X", mail->microseconds);
    int length = snprintf(ret_path, 96, "%s", queue);
    for (uint32_t i = 0; is_hashed && i < options->depth; i++) {
        length += snprintf(ret_path + length, 96 - (size_t)length, "/%c", digits[i]);
    }
    snprintf(ret_path + length, 96 - (size_t)length, "/%.40s", id);
}

static int write_all(int fd, const uint8_t *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, bytes, length);
        if (written < 0) {
            return -errno;
        }
        bytes += written;
        length -= (size_t)written;
    }
    return 0;
}

static int give_away(const struct spr_mail_options *options, int fd)
{
    if (options->uid >= 0 && fchown(fd, (uid_t)options->uid, (gid_t)options->gid) < 0) {
        return -errno;
    }
    return 0;
}

static int write_log(struct spr_mail_writer *writer, const struct spr_mail *mail, const char *id)
{
    struct spr_mail_buffer *log = &writer->log;
    const char *reason = mail->chance % 3 == 0
                             ? "connect to mail.example.invalid[203.0.113.99]:25: timed out"
                             : "host mail.example.invalid said: 450 4.7.1 rate limit exceeded";
    log->length = 0;
    for (uint32_t i = mail->done_count; i < mail->recipient_count; i++) {
        char address[SPR_MAIL_TEXT_MAX];
        spr_mail_recipient(mail, i, address);
        spr_mail_append_format(log,
                               "\n<%s>: %s\nrecipient=%s\noffset=%u\ndsn_orig_rcpt=rfc822;%s\n"
                               "status=4.7.1\naction=delayed\nreason=%s\n\n",
                               address, reason, address, writer->offsets[i], address, reason);
    }
    char path[96];
    make_path(writer->options, "defer", true, mail, id, path);
    int fd = openat(writer->root_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return -errno;
    }
    int r = write_all(fd, log->bytes, log->length);
    if (r == 0) {
        r = give_away(writer->options, fd);
    }
    (void)close(fd); /* a sample: nobody depends on it after a crash */
    return r;
}

int spr_mail_postfix_write(struct spr_mail_writer *writer, const struct spr_mail *mail)
{
    if (writer->offsets_capacity < mail->recipient_count) {
        uint32_t *offsets = realloc(writer->offsets, mail->recipient_count * sizeof(*offsets));
        if (offsets == NULL) {
            return -ENOMEM;
        }
        writer->offsets = offsets;
        writer->offsets_capacity = mail->recipient_count;
    }

    char temporary[96], path[96], id[QUEUE_ID_MAX];
    const char *queue = spr_mail_queue_name(mail->queue);
    bool is_hashed = mail->queue == SPR_MAIL_DEFERRED;
    snprintf(id, sizeof(id), "%u.%u", mail->microseconds, 1000000 + writer->worker);
    if (writer->options->in_place) {
        make_path(writer->options, queue, is_hashed, mail, id, temporary);
    } else {
        make_path(writer->options, "incoming", false, mail, id, temporary);
    }
    int fd = openat(writer->root_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
    if (fd < 0) {
        return -errno;
    }
    int r;
    struct stat status;
    if (fstat(fd, &status) < 0) {
        r = -errno;
        goto done;
    }
    make_id(writer->options, mail, (uint64_t)status.st_ino, id);
    uint64_t size = make_file(writer, mail, id);
    r = write_all(fd, writer->file.bytes, writer->file.length);
    if (r == 0) {
        r = give_away(writer->options, fd);
    }
    if (r < 0) {
        goto done;
    }
    const struct timespec times[2] = { { .tv_sec = mail->next_retry },
                                       { .tv_sec = mail->next_retry } };
    make_path(writer->options, queue, is_hashed, mail, id, path);
    if (futimens(fd, times) < 0 ||
        renameat(writer->root_fd, temporary, writer->root_fd, path) < 0) {
        r = -errno;
        goto done;
    }
    spr_mail_truth_add(&writer->truth, mail, size);
    if (writer->options->lines != NULL) {
        spr_mail_line_print(mail, id, size, writer->options->lines);
    }
    if (writer->options->with_logs && mail->queue == SPR_MAIL_DEFERRED) {
        r = write_log(writer, mail, id);
    }

done:
    (void)close(fd); /* a sample: nobody depends on it after a crash */
    return r;
}
