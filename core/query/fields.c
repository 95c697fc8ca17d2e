/*
 * Tables of names, and the edit distance that finds the one that was meant.
 */
#include "core/query/fields.h"

#include <string.h>
#include <strings.h>

#define NAME_MAX_LENGTH 24 /* longer texts are near to no name */

const struct spr_field_rule spr_field_any = { "", SPR_FILTER_ANY, SPR_FIELD_KIND_ADDRESS, 0 };

static const struct spr_field_rule rules[] = {
    { "account", SPR_FILTER_ACCOUNT, SPR_FIELD_KIND_ADDRESS, 0 },
    { "from", SPR_FILTER_FROM, SPR_FIELD_KIND_ADDRESS, 0 },
    { "to", SPR_FILTER_TO, SPR_FIELD_KIND_ADDRESS, 0 },
    { "done", SPR_FILTER_DONE, SPR_FIELD_KIND_ADDRESS, 0 },
    { "rcpt", SPR_FILTER_RCPT, SPR_FIELD_KIND_ADDRESS, 0 },
    { "local-user", SPR_FILTER_LOCAL_USER, SPR_FIELD_KIND_TEXT, 0 },
    { "client", SPR_FILTER_CLIENT, SPR_FIELD_KIND_CLIENT, 0 },
    { "helo", SPR_FILTER_HELO, SPR_FIELD_KIND_TEXT, 0 },
    { "subject", SPR_FILTER_SUBJECT, SPR_FIELD_KIND_FREE, 0 },
    { "header-from", SPR_FILTER_HEADER_FROM, SPR_FIELD_KIND_FREE, 0 },
    { "id", SPR_FILTER_ID, SPR_FIELD_KIND_ID, 0 },
    { "state", SPR_FILTER_STATE, SPR_FIELD_KIND_STATE, 0 },
    { "error", SPR_FILTER_ERROR, SPR_FIELD_KIND_FREE, 0 },
    { "age", SPR_FILTER_AGE, SPR_FIELD_KIND_QUANTITY, SPR_QUANTITY_DURATION },
    { "arrived", SPR_FILTER_ARRIVED, SPR_FIELD_KIND_QUANTITY, SPR_QUANTITY_DATE },
    { "size", SPR_FILTER_SIZE, SPR_FIELD_KIND_QUANTITY, SPR_QUANTITY_SIZE },
    { "rcpts", SPR_FILTER_RCPTS, SPR_FIELD_KIND_QUANTITY, SPR_QUANTITY_NUMBER },
    { "pending", SPR_FILTER_PENDING, SPR_FIELD_KIND_QUANTITY, SPR_QUANTITY_NUMBER },
    { "attempts", SPR_FILTER_ATTEMPTS, SPR_FIELD_KIND_QUANTITY, SPR_QUANTITY_NUMBER },
    { "format", SPR_FILTER_FORMAT, SPR_FIELD_KIND_TEXT, 0 },
    { "spool", SPR_FILTER_SPOOL, SPR_FIELD_KIND_PATH, 0 },
    { "host", SPR_FILTER_HOST, SPR_FIELD_KIND_TEXT, 0 },
    { "is", SPR_FILTER_IS, SPR_FIELD_KIND_IS, 0 },
};
#define RULE_COUNT (sizeof(rules) / sizeof(rules[0]))

static const struct spr_is_word words[] = {
    { "incoming", SPR_IS_STATE, SPR_STATE_INCOMING },
    { "active", SPR_IS_STATE, SPR_STATE_ACTIVE },
    { "deferred", SPR_IS_STATE, SPR_STATE_DEFERRED },
    { "held", SPR_IS_STATE, SPR_STATE_HELD },
    { "corrupt", SPR_IS_STATE, SPR_STATE_CORRUPT },
    { "bounce", SPR_IS_BOUNCE, 0 },
    { "auth", SPR_IS_AUTH, 0 },
    { "incomplete", SPR_IS_FLAG, SPR_MESSAGE_INCOMPLETE },
    { "busy", SPR_IS_FLAG, SPR_MESSAGE_BUSY },
    { "warned", SPR_IS_FLAG, SPR_MESSAGE_WARNED },
    { "force-expire", SPR_IS_FLAG, SPR_MESSAGE_FORCE_EXPIRE },
    { "pending-dsn", SPR_IS_FLAG, SPR_MESSAGE_PENDING_DSN },
    { "doomed", SPR_IS_FLAG, SPR_MESSAGE_DOOMED },
    { "mismatch", SPR_IS_FLAG, SPR_MESSAGE_MISMATCH },
};
#define WORD_COUNT (sizeof(words) / sizeof(words[0]))

static bool same_name(struct spr_text text, const char *name)
{
    return text.length == strlen(name) &&
           strncasecmp((const char *)text.bytes, name, text.length) == 0;
}

const struct spr_field_rule *spr_field_find(struct spr_text name)
{
    for (size_t i = 0; i < RULE_COUNT; i++) {
        if (same_name(name, rules[i].name)) {
            return &rules[i];
        }
    }
    return NULL;
}

const struct spr_is_word *spr_is_find(struct spr_text name)
{
    for (size_t i = 0; i < WORD_COUNT; i++) {
        if (same_name(name, words[i].name)) {
            return &words[i];
        }
    }
    return NULL;
}

const struct spr_is_word *spr_state_find(struct spr_text name)
{
    const struct spr_is_word *word = spr_is_find(name);
    return word != NULL && word->test == SPR_IS_STATE ? word : NULL;
}

static unsigned lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? c + 32u : c;
}

static unsigned smaller(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Insertions, removals, replacements and swaps of neighbours that turn text into name. */
static unsigned edit_distance(struct spr_text text, const char *name)
{
    const size_t length = strlen(name);
    unsigned rows[3][NAME_MAX_LENGTH + 1];
    if (text.length > NAME_MAX_LENGTH || length > NAME_MAX_LENGTH) {
        return NAME_MAX_LENGTH;
    }
    for (size_t j = 0; j <= length; j++) {
        rows[0][j] = (unsigned)j;
    }
    for (size_t i = 1; i <= text.length; i++) {
        unsigned *now = rows[i % 3];
        const unsigned *before = rows[(i + 2) % 3];
        const unsigned *earlier = rows[(i + 1) % 3];
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= length; j++) {
            const unsigned a = lower(text.bytes[i - 1]);
            const unsigned b = (uint8_t)name[j - 1];
            now[j] =
                smaller(before[j - 1] + (a != b ? 1u : 0u), smaller(before[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a == (uint8_t)name[j - 2] && lower(text.bytes[i - 2]) == b) {
                now[j] = smaller(now[j], earlier[j - 2] + 1);
            }
        }
    }
    return rows[text.length % 3][length];
}

/* Near: a third of the letters may be wrong, one at least. */
static bool is_nearer(struct spr_text text, const char *name, unsigned *distance)
{
    const unsigned found = edit_distance(text, name);
    const unsigned allowed = text.length < 6 ? 1 : (unsigned)(text.length / 3);
    if (found > allowed || found >= *distance) {
        return false;
    }
    *distance = found;
    return true;
}

/* Words of other tools that mean a field here. */
static const struct {
    const char *word, *name;
} synonyms[] = {
    { "sender", "from" },
    { "recipient", "rcpt" },
    { "recipients", "rcpts" },
    { "user", "account" },
    { "auth", "account" },
    { "sasl_username", "account" },
    { "ip", "client" },
    { "queue", "state" },
    { "queue_name", "state" },
    { "queue_id", "id" },
    { "date", "arrived" },
    { "time", "arrived" },
    { "uid", "local-user" },
    { "message_size", "size" },
    { "auth_account", "account" },
    { "client_address", "client" },
    { "reason", "error" },
};

const char *spr_field_nearest(struct spr_text name)
{
    for (size_t i = 0; i < sizeof(synonyms) / sizeof(synonyms[0]); i++) {
        if (same_name(name, synonyms[i].word)) {
            return synonyms[i].name;
        }
    }
    const char *best = NULL;
    unsigned distance = NAME_MAX_LENGTH;
    for (size_t i = 0; i < RULE_COUNT; i++) {
        if (is_nearer(name, rules[i].name, &distance)) {
            best = rules[i].name;
        }
    }
    return best;
}

const char *spr_is_nearest(struct spr_text name)
{
    const char *best = NULL;
    unsigned distance = NAME_MAX_LENGTH;
    for (size_t i = 0; i < WORD_COUNT; i++) {
        if (is_nearer(name, words[i].name, &distance)) {
            best = words[i].name;
        }
    }
    return best;
}
