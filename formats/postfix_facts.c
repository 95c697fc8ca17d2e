/*
 * What becomes a fact of a Postfix message, and how far it is believed: a file that a user
 * submitted says nothing about an account or a client.
 */
#include "formats/cursor.h"
#include "formats/postfix_envelope.h"

static bool emit_known(struct spr_sink *sink, enum spr_fact fact, struct spr_text text)
{
    return text.length == 0 || spr_emit_text(sink, fact, text);
}

/* The original client where a filter gave the message back, else the peer. */
static struct spr_text choose_client(const struct spr_postfix_envelope *envelope)
{
    struct spr_text client = envelope->log_client;
    if (client.length == 0 || spr_text_equal(client, "unknown")) {
        client = envelope->client;
    }
    if (spr_text_equal(client, "unknown")) {
        return (struct spr_text){ 0 };
    }
    const size_t prefix = sizeof("IPv6:") - 1;
    if (client.length > prefix &&
        spr_text_equal_nocase((struct spr_text){ client.bytes, prefix }, "IPv6:")) {
        client.bytes += prefix;
        client.length -= prefix;
    }
    return client;
}

/* Did the server itself write this file? In maildrop only what was put back for another round. */
static bool is_trusted(const struct spr_postfix_envelope *envelope)
{
    return envelope->view->dir != SPR_POSTFIX_MAILDROP ||
           (envelope->walk.file->mode & SPR_POSTFIX_MODE_OTHERS) == 0;
}

static bool emit_session(const struct spr_postfix_envelope *envelope)
{
    struct spr_sink *sink = envelope->sink;
    struct spr_text helo = envelope->log_helo.length > 0 ? envelope->log_helo : envelope->helo;
    if (!is_trusted(envelope)) {
        return spr_emit_number(sink, SPR_FACT_UID, (int64_t)envelope->walk.file->uid);
    }
    if (envelope->account.length > 0 &&
        (!spr_emit_text(sink, SPR_FACT_ACCOUNT, envelope->account) ||
         !spr_emit_number(sink, SPR_FACT_AUTH_SOURCE, SPR_AUTH_ENVELOPE))) {
        return false;
    }
    return emit_known(sink, SPR_FACT_AUTH_METHOD, envelope->method) &&
           emit_known(sink, SPR_FACT_CLIENT, choose_client(envelope)) &&
           emit_known(sink, SPR_FACT_HELO, helo);
}

/* Whole seconds, rounded down also before 1970. */
static int64_t seconds_of(int64_t time_ns)
{
    const int64_t second = 1000000000;
    return time_ns / second - (time_ns % second < 0 ? 1 : 0);
}

static bool emit_times(const struct spr_postfix_envelope *envelope)
{
    const struct spr_file_view *file = envelope->walk.file;
    struct spr_text rest = envelope->arrival;
    uint64_t arrival = 0;
    bool known = spr_postfix_take_number(&rest, &arrival) && arrival <= INT64_MAX;
    unsigned dir = envelope->view->dir;
    bool waits = dir == SPR_POSTFIX_DEFERRED || dir == SPR_POSTFIX_INCOMING;
    return spr_emit_number(envelope->sink, SPR_FACT_ARRIVAL,
                           known ? (int64_t)arrival : seconds_of(file->mtime_ns)) &&
           (!waits ||
            spr_emit_number(envelope->sink, SPR_FACT_NEXT_RETRY, seconds_of(file->mtime_ns)));
}

static bool emit_identity(const struct spr_postfix_envelope *envelope)
{
    return spr_emit_text(envelope->sink, SPR_FACT_IDENTITY, envelope->view->key.id) &&
           emit_known(envelope->sink, SPR_FACT_IDENTITY, envelope->arrival) &&
           emit_known(envelope->sink, SPR_FACT_IDENTITY, envelope->size_record);
}

bool spr_postfix_emit_facts(const struct spr_postfix_envelope *envelope)
{
    const struct spr_file_view *file = envelope->walk.file;
    uint64_t size =
        envelope->size_count > 0 && envelope->sizes[0] > 0 ? envelope->sizes[0] : file->size;
    uint32_t flags = envelope->flags;
    flags |= envelope->sender.length == 0 ? SPR_MESSAGE_BOUNCE : 0;
    flags |= (file->mode & SPR_POSTFIX_MODE_FORCE_EXPIRE) != 0 &&
                     envelope->view->dir != SPR_POSTFIX_MAILDROP
                 ? SPR_MESSAGE_FORCE_EXPIRE
                 : 0;
    return spr_emit_text(envelope->sink, SPR_FACT_SENDER, envelope->sender) &&
           emit_session(envelope) && emit_times(envelope) &&
           spr_emit_number(envelope->sink, SPR_FACT_SIZE,
                           size <= INT64_MAX ? (int64_t)size : INT64_MAX) &&
           (flags == 0 || spr_emit_number(envelope->sink, SPR_FACT_FLAGS, flags)) &&
           emit_identity(envelope);
}
