/*
 * The spool generator's parts: a model that says what the n-th message of a seed is, one writer
 * a server, and the truth that both add up.
 *
 * The generator shares no code with the parsers it is used to test. A message depends on the seed
 * and its number alone, so any number of threads makes the same mail; only queue ids differ from
 * run to run, because the file system chooses the inode numbers in them.
 */
#ifndef SPR_BENCH_MKSPOOL_H
#define SPR_BENCH_MKSPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define SPR_MAIL_TEXT_MAX   160
#define SPR_MAIL_NO_ACCOUNT UINT32_MAX

enum spr_mail_server { SPR_MAIL_POSTFIX, SPR_MAIL_IMAIL };
enum spr_mail_queue {
    SPR_MAIL_DEFERRED,
    SPR_MAIL_HOLD,
    SPR_MAIL_INCOMING,
    SPR_MAIL_ACTIVE,
    SPR_MAIL_QUEUES
};

struct spr_mail_options {
    enum spr_mail_server server;
    const char *root;
    uint64_t seed, count;
    uint32_t file_mean_bytes;
    uint32_t hacked_percent, active_percent;
    uint32_t account_count;
    uint32_t depth;
    int64_t now;
    int64_t uid, gid; /* -1: as created */
    bool long_ids, with_logs, unique_recipients, in_place;
    FILE *lines; /* one JSON object a message; NULL: none */
};

/* What the n-th message is. The recipients are asked for one by one. */
struct spr_mail {
    uint64_t number, chance;
    int64_t seconds, next_retry;
    uint32_t microseconds;
    uint32_t account; /* 0: the hacked one; SPR_MAIL_NO_ACCOUNT */
    bool is_abuse;
    enum spr_mail_queue queue;
    uint32_t recipient_count, done_count, attempts;
    uint32_t file_bytes;                      /* the file is filled up to this with text */
    uint64_t recipient_base, people, domains; /* who there is to write to; base 0: whoever */
    char account_name[SPR_MAIL_TEXT_MAX];
    char sender[SPR_MAIL_TEXT_MAX]; /* empty: the null sender */
    char client_address[SPR_MAIL_TEXT_MAX], helo[SPR_MAIL_TEXT_MAX];
    char header_from[SPR_MAIL_TEXT_MAX], subject[SPR_MAIL_TEXT_MAX], token[SPR_MAIL_TEXT_MAX];
};

void spr_mail_make(const struct spr_mail_options *options, uint64_t number,
                   struct spr_mail *ret_mail);
void spr_mail_recipient(const struct spr_mail *mail, uint32_t index,
                        char ret_address[SPR_MAIL_TEXT_MAX]);
void spr_mail_account(uint32_t account, char ret_name[SPR_MAIL_TEXT_MAX]);
void spr_mail_body_line(const struct spr_mail *mail, uint32_t line,
                        char ret_line[SPR_MAIL_TEXT_MAX]);

/* A growing buffer; running out of memory ends the program. */
struct spr_mail_buffer {
    uint8_t *bytes;
    size_t length, capacity;
};
void spr_mail_append(struct spr_mail_buffer *buffer, const void *bytes, size_t length);
void spr_mail_append_text(struct spr_mail_buffer *buffer, const char *text);
void spr_mail_append_format(struct spr_mail_buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Counts of one worker, added up at the end. */
struct spr_mail_count {
    uint64_t messages, recipients, pending;
};
struct spr_mail_truth {
    struct spr_mail_count all, null_sender, no_account;
    struct spr_mail_count *accounts; /* by number */
    uint64_t bytes, queues[SPR_MAIL_QUEUES];
    uint32_t account_count;
};
void spr_mail_truth_add(struct spr_mail_truth *truth, const struct spr_mail *mail, uint64_t bytes);
void spr_mail_truth_merge(struct spr_mail_truth *truth, const struct spr_mail_truth *other);
void spr_mail_truth_print(const struct spr_mail_truth *truth,
                          const struct spr_mail_options *options, FILE *out);
void spr_mail_line_print(const struct spr_mail *mail, const char *id, uint64_t size, FILE *out);

/* A worker's writer: its buffers and its descriptor of the root. */
struct spr_mail_writer {
    const struct spr_mail_options *options;
    int root_fd;
    uint32_t worker;
    struct spr_mail_buffer file, log;
    uint32_t *offsets; /* of each recipient record in the file being written */
    uint32_t offsets_capacity;
    struct spr_mail_truth truth;
};
/* Makes the server's folders; 0 or a negative errno. */
int spr_mail_postfix_prepare(const struct spr_mail_options *options, int root_fd);
int spr_mail_postfix_write(struct spr_mail_writer *writer, const struct spr_mail *mail);
int spr_mail_imail_prepare(const struct spr_mail_options *options, int root_fd);
int spr_mail_imail_write(struct spr_mail_writer *writer, const struct spr_mail *mail);
/* The logs of a day lie in one file, so the workers' parts are joined at the end. */
int spr_mail_imail_finish(struct spr_mail_writer *writers, uint32_t count);

const char *spr_mail_queue_name(enum spr_mail_queue queue);
/* The time as a mail header prints it, in UTC. */
void spr_mail_date(int64_t seconds, char ret_date[64]);

#endif
