/*
 * What was generated, for tests to compare with: totals as one JSON object, and on request one
 * line a message. The texts printed are generated ones, plain ASCII without quotes or backslashes,
 * so they need no escaping.
 */
#include "bench/mkspool.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void spr_mail_append(struct spr_mail_buffer *buffer, const void *bytes, size_t length)
{
    if (buffer->capacity - buffer->length < length) {
        size_t capacity = (buffer->length + length) * 2 + 4096;
        uint8_t *bigger = realloc(buffer->bytes, capacity);
        if (bigger == NULL) {
            fputs("mkspool: out of memory\n", stderr);
            exit(1);
        }
        buffer->bytes = bigger;
        buffer->capacity = capacity;
    }
    memcpy(buffer->bytes + buffer->length, bytes, length);
    buffer->length += length;
}

void spr_mail_append_text(struct spr_mail_buffer *buffer, const char *text)
{
    spr_mail_append(buffer, text, strlen(text));
}

void spr_mail_append_format(struct spr_mail_buffer *buffer, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (length > 0) {
        size_t used = (size_t)length < sizeof(text) ? (size_t)length : sizeof(text) - 1;
        spr_mail_append(buffer, text, used);
    }
}

static void add_counts(struct spr_mail_count *count, const struct spr_mail_count *other)
{
    count->messages += other->messages;
    count->recipients += other->recipients;
    count->pending += other->pending;
}

void spr_mail_truth_add(struct spr_mail_truth *truth, const struct spr_mail *mail, uint64_t bytes)
{
    struct spr_mail_count one = { .messages = 1,
                                  .recipients = mail->recipient_count,
                                  .pending = mail->recipient_count - mail->done_count };
    add_counts(&truth->all, &one);
    if (mail->sender[0] == '\0') {
        add_counts(&truth->null_sender, &one);
    }
    if (mail->account == SPR_MAIL_NO_ACCOUNT) {
        add_counts(&truth->no_account, &one);
    } else {
        add_counts(&truth->accounts[mail->account], &one);
    }
    truth->queues[mail->queue]++;
    truth->bytes += bytes;
}

void spr_mail_truth_merge(struct spr_mail_truth *truth, const struct spr_mail_truth *other)
{
    add_counts(&truth->all, &other->all);
    add_counts(&truth->null_sender, &other->null_sender);
    add_counts(&truth->no_account, &other->no_account);
    for (uint32_t i = 0; i < truth->account_count; i++) {
        add_counts(&truth->accounts[i], &other->accounts[i]);
    }
    for (unsigned i = 0; i < SPR_MAIL_QUEUES; i++) {
        truth->queues[i] += other->queues[i];
    }
    truth->bytes += other->bytes;
}

static void print_count(FILE *out, const char *name, const struct spr_mail_count *count)
{
    fprintf(out, "\"%s\":{\"messages\":%llu,\"recipients\":%llu,\"pending\":%llu}", name,
            (unsigned long long)count->messages, (unsigned long long)count->recipients,
            (unsigned long long)count->pending);
}

void spr_mail_truth_print(const struct spr_mail_truth *truth,
                          const struct spr_mail_options *options, FILE *out)
{
    fprintf(out,
            "{\"schema\":\"spoolray.mkspool/1\",\"server\":\"%s\",\"seed\":%llu,"
            "\"messages\":%llu,\"recipients\":%llu,\"pending\":%llu,\"bytes\":%llu,",
            options->server == SPR_MAIL_POSTFIX ? "postfix" : "imail",
            (unsigned long long)options->seed, (unsigned long long)truth->all.messages,
            (unsigned long long)truth->all.recipients, (unsigned long long)truth->all.pending,
            (unsigned long long)truth->bytes);
    print_count(out, "null_sender", &truth->null_sender);
    fputc(',', out);
    print_count(out, "no_account", &truth->no_account);
    fputs(",\"states\":{", out);
    for (unsigned i = 0; i < SPR_MAIL_QUEUES; i++) {
        fprintf(out, "%s\"%s\":%llu", i > 0 ? "," : "", spr_mail_queue_name(i),
                (unsigned long long)truth->queues[i]);
    }
    fputs("},\"hacked\":\"mallory@customer.test\",\"accounts\":{", out);
    const char *separator = "";
    for (uint32_t i = 0; i < truth->account_count; i++) {
        if (truth->accounts[i].messages > 0) {
            char name[SPR_MAIL_TEXT_MAX];
            spr_mail_account(i, name);
            fputs(separator, out);
            print_count(out, name, &truth->accounts[i]);
            separator = ",";
        }
    }
    fputs("}}\n", out);
}

void spr_mail_line_print(const struct spr_mail *mail, const char *id, uint64_t size, FILE *out)
{
    flockfile(out);
    fprintf(out, "{\"id\":\"%s\",\"queue\":\"%s\",\"sender\":\"%s\",\"account\":", id,
            spr_mail_queue_name(mail->queue), mail->sender);
    if (mail->account == SPR_MAIL_NO_ACCOUNT) {
        fputs("null", out);
    } else {
        fprintf(out, "\"%s\"", mail->account_name);
    }
    fprintf(out, ",\"client\":\"%s\",\"arrival\":%lld,\"size\":%llu,\"token\":\"%s\",\"done\":%u",
            mail->client_address, (long long)mail->seconds, (unsigned long long)size, mail->token,
            mail->done_count);
    fputs(",\"recipients\":[", out);
    for (uint32_t i = 0; i < mail->recipient_count; i++) {
        char address[SPR_MAIL_TEXT_MAX];
        spr_mail_recipient(mail, i, address);
        fprintf(out, "%s\"%s\"", i > 0 ? "," : "", address);
    }
    fputs("]}\n", out);
    funlockfile(out);
}
