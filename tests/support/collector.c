/*
 * The sink of tests: keeps copies of everything, so that a text that dies too early shows under
 * the address sanitizer.
 */
#include "tests/support/collector.h"

#include <stdlib.h>
#include <string.h>

static const char *const fact_words[COLLECTED_FACTS] = {
    [SPR_FACT_SENDER] = "sender",
    [SPR_FACT_ACCOUNT] = "account",
    [SPR_FACT_AUTH_METHOD] = "method",
    [SPR_FACT_LOCAL_USER] = "local-user",
    [SPR_FACT_CLIENT] = "client",
    [SPR_FACT_HELO] = "helo",
    [SPR_FACT_LOG_SESSION] = "log-session",
    [SPR_FACT_SUBJECT] = "subject",
    [SPR_FACT_HEADER_FROM] = "header-from",
    [SPR_FACT_MESSAGE_ID] = "message-id",
    [SPR_FACT_QUEUE_NAME] = "queue-name",
    [SPR_FACT_LAST_ERROR] = "last-error",
    [SPR_FACT_IDENTITY] = "identity",
    [SPR_FACT_ARRIVAL] = "arrival",
    [SPR_FACT_NEXT_RETRY] = "next-retry",
    [SPR_FACT_ATTEMPTS] = "attempts",
    [SPR_FACT_SIZE] = "size",
    [SPR_FACT_STATE] = "state",
    [SPR_FACT_UID] = "uid",
    [SPR_FACT_AUTH_SOURCE] = "auth-source",
    [SPR_FACT_FLAGS] = "flags",
};
static const char *const recipient_words[] = { "pending", "done", "cancelled", "failed" };

static void *must(void *memory)
{
    if (memory == NULL) {
        abort();
    }
    return memory;
}

/* Adds to what is there: identity may come in parts, with a bar between them. */
static void append_text(struct collected_text *text, struct spr_text value, bool with_bar)
{
    size_t bar = with_bar && text->bytes != NULL ? 1 : 0;
    text->bytes = must(realloc(text->bytes, text->length + bar + value.length + 1));
    if (bar > 0) {
        text->bytes[text->length++] = '|';
    }
    if (value.length > 0) {
        memcpy(text->bytes + text->length, value.bytes, value.length);
    }
    text->length += value.length;
    text->bytes[text->length] = '\0';
}

static void set_text(struct collected_text *text, struct spr_text value)
{
    free(text->bytes);
    *text = (struct collected_text){ 0 };
    if (value.bytes != NULL) {
        append_text(text, value, false);
    }
}

/* False from the emits_max-th emit on; notes a format that goes on all the same. */
static bool count_emit(struct collector *collector)
{
    collector->emits++;
    if (collector->emits_max == 0) {
        return true;
    }
    if (collector->emits > collector->emits_max) {
        collector->emitted_after_enough = true;
    }
    return collector->emits < collector->emits_max;
}

static bool on_text(struct spr_sink *sink, enum spr_fact fact, struct spr_text value)
{
    struct collector *collector = (struct collector *)(void *)sink;
    if (value.bytes == NULL || fact > SPR_FACT_IDENTITY) {
        abort(); /* an unknown fact is not emitted; a number is no text */
    }
    if (fact == SPR_FACT_IDENTITY) {
        append_text(&collector->texts[fact], value, true);
    } else {
        set_text(&collector->texts[fact], value);
    }
    return count_emit(collector);
}

static bool on_number(struct spr_sink *sink, enum spr_fact fact, int64_t value)
{
    struct collector *collector = (struct collector *)(void *)sink;
    if (fact < SPR_FACT_ARRIVAL || fact >= COLLECTED_FACTS) {
        abort();
    }
    if (fact == SPR_FACT_FLAGS) {
        value |= collector->numbers[fact];
    }
    collector->numbers[fact] = value;
    collector->numbered[fact] = true;
    return count_emit(collector);
}

static bool on_recipient(struct spr_sink *sink, const struct spr_recipient_fact *fact)
{
    struct collector *collector = (struct collector *)(void *)sink;
    if (collector->recipient_count == collector->recipient_room) {
        collector->recipient_room = collector->recipient_room * 2 + 8;
        collector->recipients = must(realloc(
            collector->recipients, collector->recipient_room * sizeof(*collector->recipients)));
    }
    struct collected_recipient *recipient = &collector->recipients[collector->recipient_count++];
    *recipient = (struct collected_recipient){ .state = fact->state, .offset = fact->offset };
    if (fact->address.bytes == NULL) {
        abort();
    }
    set_text(&recipient->address, fact->address);
    set_text(&recipient->original, fact->original);
    set_text(&recipient->error, fact->error);
    return count_emit(collector);
}

static bool on_error(struct spr_sink *sink, uint64_t offset, struct spr_text reason)
{
    struct collector *collector = (struct collector *)(void *)sink;
    bool joined = false;
    for (size_t i = 0; i < collector->recipient_count; i++) {
        if (collector->recipients[i].offset == offset) {
            set_text(&collector->recipients[i].error, reason);
            joined = true;
        }
    }
    collector->errors_unjoined += joined ? 0 : 1;
    return count_emit(collector);
}

void collector_init(struct collector *collector)
{
    *collector = (struct collector){
        .sink = { .text = on_text,
                  .number = on_number,
                  .recipient = on_recipient,
                  .error = on_error },
    };
}

void collector_done(struct collector *collector)
{
    for (size_t i = 0; i < COLLECTED_FACTS; i++) {
        free(collector->texts[i].bytes);
    }
    for (size_t i = 0; i < collector->recipient_count; i++) {
        free(collector->recipients[i].address.bytes);
        free(collector->recipients[i].original.bytes);
        free(collector->recipients[i].error.bytes);
    }
    free(collector->recipients);
}

void collector_reset(struct collector *collector)
{
    size_t emits_max = collector->emits_max;
    collector_done(collector);
    collector_init(collector);
    collector->emits_max = emits_max;
}

const char *collected(const struct collector *collector, enum spr_fact fact)
{
    return collector->texts[fact].bytes;
}

int64_t collected_number(const struct collector *collector, enum spr_fact fact)
{
    return collector->numbered[fact] ? collector->numbers[fact] : INT64_MIN;
}

const struct collected_recipient *collected_recipient(const struct collector *collector,
                                                      const char *address)
{
    for (size_t i = 0; i < collector->recipient_count; i++) {
        if (strcmp(collector->recipients[i].address.bytes, address) == 0) {
            return &collector->recipients[i];
        }
    }
    return NULL;
}

size_t collected_recipients_in(const struct collector *collector, enum spr_recipient_state state)
{
    size_t count = 0;
    for (size_t i = 0; i < collector->recipient_count; i++) {
        count += collector->recipients[i].state == state ? 1 : 0;
    }
    return count;
}

void render_text(const char *bytes, size_t length, FILE *out)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        if (byte >= 0x20 && byte < 0x7f && byte != '\\') {
            fputc(byte, out);
        } else {
            fprintf(out, "\\x%02x", byte);
        }
    }
}

static void render_recipient(const struct collected_recipient *recipient, FILE *out)
{
    fprintf(out, "  %s <", recipient_words[recipient->state]);
    render_text(recipient->address.bytes, recipient->address.length, out);
    fputc('>', out);
    if (recipient->original.bytes != NULL) {
        fputs(" original <", out);
        render_text(recipient->original.bytes, recipient->original.length, out);
        fputc('>', out);
    }
    if (recipient->offset != 0) {
        fprintf(out, " at %llu", (unsigned long long)recipient->offset);
    }
    if (recipient->error.bytes != NULL) {
        fputs(" error ", out);
        render_text(recipient->error.bytes, recipient->error.length, out);
    }
    fputc('\n', out);
}

void collector_render(const struct collector *collector, FILE *out)
{
    for (size_t i = 0; i < COLLECTED_FACTS; i++) {
        if (collector->texts[i].bytes != NULL) {
            fprintf(out, "  %s ", fact_words[i]);
            render_text(collector->texts[i].bytes, collector->texts[i].length, out);
            fputc('\n', out);
        }
        if (collector->numbered[i]) {
            fprintf(out, i == SPR_FACT_FLAGS ? "  %s 0x%llx\n" : "  %s %lld\n", fact_words[i],
                    (long long)collector->numbers[i]);
        }
    }
    for (size_t i = 0; i < collector->recipient_count; i++) {
        render_recipient(&collector->recipients[i], out);
    }
}
