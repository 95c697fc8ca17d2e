/*
 * The fields of the query language, what kind of value each takes, and the words of is: and state:.
 */
#ifndef SPR_CORE_QUERY_FIELDS_H
#define SPR_CORE_QUERY_FIELDS_H

#include "core/query/quantity.h"
#include "core/spoolray.h"

enum spr_filter_field {
    SPR_FILTER_ANY, /* a bare word: account, sender and recipients */
    SPR_FILTER_ACCOUNT,
    SPR_FILTER_FROM,
    SPR_FILTER_TO,   /* pending recipients */
    SPR_FILTER_DONE, /* recipients that are no longer pending */
    SPR_FILTER_RCPT, /* both */
    SPR_FILTER_LOCAL_USER,
    SPR_FILTER_CLIENT,
    SPR_FILTER_HELO,
    SPR_FILTER_SUBJECT,
    SPR_FILTER_HEADER_FROM,
    SPR_FILTER_ID,
    SPR_FILTER_STATE,
    SPR_FILTER_ERROR,
    SPR_FILTER_AGE,
    SPR_FILTER_ARRIVED,
    SPR_FILTER_SIZE,
    SPR_FILTER_RCPTS,
    SPR_FILTER_PENDING,
    SPR_FILTER_ATTEMPTS,
    SPR_FILTER_FORMAT,
    SPR_FILTER_SPOOL,
    SPR_FILTER_HOST,
    SPR_FILTER_IS,
};

enum spr_field_kind {
    SPR_FIELD_KIND_ADDRESS, /* addresses and accounts: @domain, .domain, <> */
    SPR_FIELD_KIND_CLIENT,  /* address, network, or text */
    SPR_FIELD_KIND_TEXT,    /* the whole text, ASCII case ignored */
    SPR_FIELD_KIND_FREE,    /* found anywhere in the text */
    SPR_FIELD_KIND_ID,      /* the whole text, with case */
    SPR_FIELD_KIND_STATE,
    SPR_FIELD_KIND_PATH, /* a slash is no regular expression here */
    SPR_FIELD_KIND_QUANTITY,
    SPR_FIELD_KIND_IS,
};

struct spr_field_rule {
    const char *name;
    enum spr_filter_field field;
    enum spr_field_kind kind;
    enum spr_quantity quantity; /* SPR_FIELD_KIND_QUANTITY */
};

enum spr_is_test {
    SPR_IS_FLAG,  /* a spr_message_flag */
    SPR_IS_STATE, /* an enum spr_state */
    SPR_IS_BOUNCE,
    SPR_IS_AUTH,
};

struct spr_is_word {
    const char *name;
    enum spr_is_test test;
    uint32_t value;
};

extern const struct spr_field_rule spr_field_any;

/* NULL if there is no such field or word; case is ignored. */
const struct spr_field_rule *spr_field_find(struct spr_text name);
const struct spr_is_word *spr_is_find(struct spr_text name);
/* One of the five common states as an is: word, or NULL. */
const struct spr_is_word *spr_state_find(struct spr_text name);
/* The name closest to a mistyped one, NULL if none is near. */
const char *spr_field_nearest(struct spr_text name);
const char *spr_is_nearest(struct spr_text name);

#endif
