/*
 * Writes IMail queue pairs: Q and D files with CRLF in one flat folder, with the names in any mix
 * of cases, as a copy from a Windows disk has them.
 *
 * With logs, every tenth authenticated message lacks its A line; the day's log file in the spool
 * has the authentication instead, under the session number that is also part of the file name.
 */
#include "bench/mkspool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct pair_names {
    char stem[32], extension[4];
    char control[64], content[64];
};

int spr_mail_imail_prepare(const struct spr_mail_options *options, int root_fd)
{
    (void)options;
    (void)root_fd; /* flat: the root is all there is */
    return 0;
}

/* Each bit of chance decides the case of one letter. */
static void mix_case(char *name, uint64_t chance)
{
    for (; *name != '\0'; name++, chance = (chance >> 1) | (chance << 63)) {
        bool is_letter = (*name >= 'A' && *name <= 'Z') || (*name >= 'a' && *name <= 'z');
        if (is_letter) {
            *name = (char)((chance & 1u) != 0 ? *name | 0x20 : *name & ~0x20);
        }
    }
}

static void make_names(const struct spr_mail *mail, struct pair_names *ret_names)
{
    /* the session number in the middle counts, so stems are unique without regard to case */
    snprintf(ret_names->stem, sizeof(ret_names->stem), "%04x%08x%04x",
             (unsigned)(mail->seconds & 0xffff), (unsigned)(mail->number + 0x00180250),
             (unsigned)(mail->chance & 0xffff));
    snprintf(ret_names->extension, sizeof(ret_names->extension), "%s",
             mail->sender[0] == '\0' && mail->account == SPR_MAIL_NO_ACCOUNT ? "GSE" : "SMD");
    snprintf(ret_names->control, sizeof(ret_names->control), "Q%s.%s", ret_names->stem,
             ret_names->extension);
    snprintf(ret_names->content, sizeof(ret_names->content), "D%s.%s", ret_names->stem,
             ret_names->extension);
    mix_case(ret_names->control, mail->chance >> 7);
    mix_case(ret_names->content, mail->chance >> 23);
}

static bool lacks_account_line(const struct spr_mail_options *options, const struct spr_mail *mail)
{
    return options->with_logs && mail->number % 10 == 3;
}

static void make_control(struct spr_mail_writer *writer, const struct spr_mail *mail,
                         const struct pair_names *names)
{
    struct spr_mail_buffer *file = &writer->file;
    file->length = 0;
    spr_mail_append_format(file, "QC:\\IMail\\spool\\D%s.%s\r\nHmail.customer.test\r\n",
                           names->stem, names->extension);
    if (mail->client_address[0] != '\0') {
        spr_mail_append_format(file, "U%s\r\nB%s\r\n", mail->helo, mail->client_address);
    }
    spr_mail_append_format(file, "S<%s>\r\n", mail->sender);
    for (uint32_t i = mail->done_count; i < mail->recipient_count; i++) {
        char address[SPR_MAIL_TEXT_MAX];
        spr_mail_recipient(mail, i, address);
        spr_mail_append_format(file, "N<%s>\r\nR<%s>\r\n", address, address);
    }
    if (mail->account != SPR_MAIL_NO_ACCOUNT && !lacks_account_line(writer->options, mail)) {
        spr_mail_append_format(file, "A%s\r\n", mail->account_name);
    }
    if (mail->attempts > 0) {
        spr_mail_append_format(file, "T%u\r\n", mail->attempts);
    }
    spr_mail_append_text(file, "X1\r\nan\r\n");
}

static void make_content(struct spr_mail_writer *writer, const struct spr_mail *mail,
                         const struct pair_names *names)
{
    struct spr_mail_buffer *file = &writer->file;
    char date[64], address[SPR_MAIL_TEXT_MAX], line[SPR_MAIL_TEXT_MAX];
    spr_mail_date(mail->seconds, date);
    spr_mail_recipient(mail, mail->done_count, address);
    file->length = 0;
    if (mail->client_address[0] != '\0') {
        spr_mail_append_format(file,
                               "Received: from %s [%s] by mail.customer.test with ESMTP\r\n"
                               "  (SMTPD-11.5) id %s; %s\r\n",
                               mail->helo, mail->client_address, names->stem, date);
    }
    spr_mail_append_format(file, "From: %s\r\nTo: %s\r\nSubject: %s\r\nDate: %s\r\n",
                           mail->header_from, address, mail->subject, date);
    spr_mail_append_format(file, "Message-ID: <%s@mkspool.test>\r\n\r\n", mail->token);
    for (uint32_t number = 0; number == 0 || file->length < mail->file_bytes; number++) {
        spr_mail_body_line(mail, number, line);
        spr_mail_append_text(file, line);
        spr_mail_append_text(file, "\r\n");
    }
}

static int write_file(struct spr_mail_writer *writer, const char *name, int64_t seconds)
{
    int fd = openat(writer->root_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0) {
        return -errno;
    }
    int r = 0;
    size_t done = 0;
    while (done < writer->file.length) {
        ssize_t written = write(fd, writer->file.bytes + done, writer->file.length - done);
        if (written < 0) {
            r = -errno;
            break;
        }
        done += (size_t)written;
    }
    const struct timespec times[2] = { { .tv_sec = seconds }, { .tv_sec = seconds } };
    if (r == 0 && futimens(fd, times) < 0) {
        r = -errno;
    }
    (void)close(fd); /* a sample: nobody depends on it after a crash */
    return r;
}

static void note_session(struct spr_mail_writer *writer, const struct spr_mail *mail)
{
    if (mail->account == SPR_MAIL_NO_ACCOUNT) {
        return;
    }
    time_t time = (time_t)mail->seconds;
    struct tm tm;
    localtime_r(&time, &tm);
    spr_mail_append_format(&writer->log,
                           "%02d:%02d %02d:%02d SMTPD(%08x) [192.0.2.1] Authenticated %s, session "
                           "treated as local\r\n",
                           tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
                           (unsigned)(mail->number + 0x00180250), mail->account_name);
}

int spr_mail_imail_write(struct spr_mail_writer *writer, const struct spr_mail *mail)
{
    struct pair_names names;
    make_names(mail, &names);

    make_content(writer, mail, &names);
    uint64_t size = writer->file.length;
    int r = write_file(writer, names.content, mail->seconds);
    if (r < 0) {
        return r;
    }
    make_control(writer, mail, &names);
    r = write_file(writer, names.control, mail->seconds);
    if (r < 0) {
        return r;
    }

    if (writer->options->with_logs) {
        note_session(writer, mail);
    }
    spr_mail_truth_add(&writer->truth, mail, size);
    if (writer->options->lines != NULL) {
        spr_mail_line_print(mail, names.stem, size, writer->options->lines);
    }
    return 0;
}

int spr_mail_imail_finish(struct spr_mail_writer *writers, uint32_t count)
{
    const struct spr_mail_options *options = writers[0].options;
    if (!options->with_logs) {
        return 0;
    }
    time_t time = (time_t)options->now;
    struct tm tm;
    char name[32];
    localtime_r(&time, &tm);
    strftime(name, sizeof(name), "sys%m%d.txt", &tm);
    struct spr_mail_writer all = { .options = options, .root_fd = writers[0].root_fd };
    for (uint32_t i = 0; i < count; i++) {
        spr_mail_append(&all.file, writers[i].log.bytes, writers[i].log.length);
    }
    int r = write_file(&all, name, options->now);
    free(all.file.bytes);
    return r;
}
