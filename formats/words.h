/*
 * The words that formats, core and embedders share: borrowed text, states of a message and of a
 * recipient, actions, and where an account's name came from. No functions, no I/O.
 */
#ifndef SPR_FORMATS_WORDS_H
#define SPR_FORMATS_WORDS_H

#include <stddef.h>
#include <stdint.h>

/* Borrowed bytes, never NUL-terminated; any byte may occur. bytes is NULL only where a fact is
 * unknown; an empty but known text (the null sender) has length 0 and bytes not NULL. */
struct spr_text {
    const uint8_t *bytes;
    size_t length;
};

/* What may be done to a message. SPR_RESTORE is undo's own action. */
enum spr_action {
    SPR_DELETE,
    SPR_HOLD,
    SPR_RELEASE,
    SPR_REQUEUE,
    SPR_MOVE,
    SPR_COPY,
    SPR_RESTORE,
};

/* The states every server's own words are mapped to. */
enum spr_state {
    SPR_STATE_INCOMING,
    SPR_STATE_ACTIVE,
    SPR_STATE_DEFERRED,
    SPR_STATE_HELD,
    SPR_STATE_CORRUPT,
};

enum spr_recipient_state {
    SPR_RECIPIENT_PENDING,
    SPR_RECIPIENT_DONE,
    SPR_RECIPIENT_CANCELLED,
    SPR_RECIPIENT_FAILED,
};

/* How the authenticated account is known. A header can be forged by a sender. */
enum spr_auth_source {
    SPR_AUTH_NONE,
    SPR_AUTH_ENVELOPE,
    SPR_AUTH_HEADER,
    SPR_AUTH_LOG,
};

/* Yes-or-no facts of a message. */
enum spr_message_flag {
    SPR_MESSAGE_BOUNCE = 1u << 0,       /* a DSN or another message with the null sender */
    SPR_MESSAGE_INCOMPLETE = 1u << 1,   /* a part is missing or still arriving: never changed */
    SPR_MESSAGE_BUSY = 1u << 2,         /* a lock of the server lies beside it: never changed */
    SPR_MESSAGE_WARNED = 1u << 3,       /* the sender was already warned of the delay */
    SPR_MESSAGE_FORCE_EXPIRE = 1u << 4, /* the operator asked the server to expire it */
    SPR_MESSAGE_PENDING_DSN = 1u << 5,  /* a report for done recipients is not yet sent */
    SPR_MESSAGE_DOOMED = 1u << 6,       /* the server itself has marked it for deletion */
    SPR_MESSAGE_MISMATCH = 1u << 7,     /* its parts name each other wrongly */
};

#endif
