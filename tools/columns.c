/*
 * The columns of a message: what each one is.
 */
#include "tools/columns.h"

#include "tools/errors.h"
#include "tools/escape.h"
#include "tools/nearest.h"
#include "tools/print_text.h"

#include <stdlib.h>
#include <string.h>

#define FLEXIBLE_MIN 10
#define GAP          2

static struct spr_value text_value(struct spr_text text)
{
    return (struct spr_value){ .kind = SPR_VALUE_TEXT, .text = text };
}

static struct spr_value string_value(const char *text)
{
    return text_value(spr_text_string(text));
}

static struct spr_value count_value(int64_t number)
{
    return (struct spr_value){ .kind = SPR_VALUE_COUNT, .number = number };
}

static struct spr_value time_value(int64_t number)
{
    return (struct spr_value){ .kind = SPR_VALUE_TIME, .number = number };
}

#define TEXT_COLUMN(member)                                                                        \
    static struct spr_value take_##member(const struct spr_row *row)                               \
    {                                                                                              \
        return text_value(row->message->member);                                                   \
    }
TEXT_COLUMN(path)
TEXT_COLUMN(queue_name)
TEXT_COLUMN(queue_id)
TEXT_COLUMN(sender)
TEXT_COLUMN(auth_account)
TEXT_COLUMN(auth_method)
TEXT_COLUMN(local_user)
TEXT_COLUMN(client_address)
TEXT_COLUMN(helo)
TEXT_COLUMN(subject)
TEXT_COLUMN(header_from)
TEXT_COLUMN(message_id)
TEXT_COLUMN(last_error)

static struct spr_value take_spool(const struct spr_row *row)
{
    return string_value(row->spool);
}

static struct spr_value take_format(const struct spr_row *row)
{
    return string_value(row->format);
}

static struct spr_value take_host(const struct spr_row *row)
{
    return string_value(row->host);
}

static struct spr_value take_state(const struct spr_row *row)
{
    return string_value(spr_state_name(row->message->state));
}

static struct spr_value take_auth_source(const struct spr_row *row)
{
    return string_value(spr_auth_source_name(row->message->auth_source));
}

static struct spr_value take_arrival_time(const struct spr_row *row)
{
    return time_value(row->message->arrival_time);
}

static struct spr_value take_next_retry(const struct spr_row *row)
{
    return time_value(row->message->next_retry);
}

static struct spr_value take_attempts(const struct spr_row *row)
{
    return count_value(row->message->attempts);
}

static struct spr_value take_message_size(const struct spr_row *row)
{
    return count_value(row->message->message_size);
}

static struct spr_value take_uid(const struct spr_row *row)
{
    return count_value(row->message->uid);
}

static struct spr_value take_recipient_count(const struct spr_row *row)
{
    return count_value(row->message->recipient_count);
}

static struct spr_value take_recipients(const struct spr_row *row)
{
    (void)row;
    return (struct spr_value){ .kind = SPR_VALUE_RECIPIENTS };
}

static const struct spr_column COLUMNS[] = {
    { "spool", "spool", 20, false, false, 0, take_spool },
    { "format", "format", 10, false, false, 0, take_format },
    { "host", "host", 12, false, false, 0, take_host },
    { "queue_name", "queue", 8, false, false, SPR_MEMBER_QUEUE_NAME, take_queue_name },
    { "queue_id", "id", 12, false, false, SPR_MEMBER_QUEUE_ID, take_queue_id },
    { "sender", "sender", 0, false, false, SPR_MEMBER_SENDER, take_sender },
    { "auth_account", "account", 0, false, false, SPR_MEMBER_AUTH_ACCOUNT, take_auth_account },
    { "auth_source", "known by", 8, false, false, SPR_MEMBER_FACTS, take_auth_source },
    { "auth_method", "method", 8, false, false, SPR_MEMBER_AUTH_METHOD, take_auth_method },
    { "local_user", "user", 10, false, false, SPR_MEMBER_LOCAL_USER, take_local_user },
    { "client_address", "client", 15, false, false, SPR_MEMBER_CLIENT_ADDRESS,
      take_client_address },
    { "helo", "helo", 16, false, false, SPR_MEMBER_HELO, take_helo },
    { "arrival_time", "arrived", 16, false, false, SPR_MEMBER_ARRIVAL_TIME, take_arrival_time },
    { "next_retry", "next retry", 16, false, false, SPR_MEMBER_NEXT_RETRY, take_next_retry },
    { "attempts", "attempts", 8, true, false, SPR_MEMBER_ATTEMPTS, take_attempts },
    { "message_size", "size", 8, true, false, SPR_MEMBER_MESSAGE_SIZE, take_message_size },
    { "recipients", "recipients", 0, false, false, SPR_MEMBER_RECIPIENTS, take_recipients },
    { "subject", "subject", 0, false, true, SPR_MEMBER_SUBJECT, take_subject },
    { "header_from", "from", 0, false, true, SPR_MEMBER_HEADER_FROM, take_header_from },
    { "message_id", "message id", 0, false, true, SPR_MEMBER_MESSAGE_ID, take_message_id },
    { "state", "state", 8, false, false, SPR_MEMBER_FACTS, take_state },
    { "path", "path", 0, false, false, SPR_MEMBER_PATH, take_path },
    { "uid", "uid", 6, true, false, SPR_MEMBER_UID, take_uid },
    { "recipient_count", "rcpts", 6, true, false, SPR_MEMBER_FACTS, take_recipient_count },
    { "error", "last error", 0, false, false, SPR_MEMBER_LAST_ERROR, take_last_error },
};
#define COLUMN_COUNT (sizeof(COLUMNS) / sizeof(COLUMNS[0]))

static const char USUAL[] =
    "queue_id,arrival_time,queue_name,message_size,auth_account,sender,recipients";

static int choose_one(struct spr_text name, struct spr_columns *columns)
{
    const char *names[COLUMN_COUNT];
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        names[i] = COLUMNS[i].name;
        if (strlen(names[i]) == name.length && memcmp(names[i], name.bytes, name.length) == 0) {
            if (columns->count == SPR_COLUMNS_MAX) {
                return spr_error_say(SPR_EXIT_USAGE, "--fields", "too many fields", NULL);
            }
            columns->column[columns->count++] = &COLUMNS[i];
            return 0;
        }
    }
    char shown[64];
    char hint[80] = "--fields help lists them";
    const char *nearest = spr_nearest(name, names, COLUMN_COUNT);
    if (nearest != NULL) {
        (void)snprintf(hint, sizeof(hint), "did you mean %s?", nearest);
    }
    const size_t length = name.length < sizeof(shown) ? name.length : sizeof(shown) - 1;
    memcpy(shown, name.bytes, length);
    shown[length] = '\0';
    return spr_error_say(SPR_EXIT_USAGE, shown, "no such field", hint);
}

int spr_columns_choose(const char *fields, struct spr_columns *ret_columns)
{
    struct spr_columns columns = { .count = 0 };
    const char *rest = fields != NULL ? fields : USUAL;
    while (rest != NULL) {
        const char *comma = strchr(rest, ',');
        const size_t length = comma != NULL ? (size_t)(comma - rest) : strlen(rest);
        const int r = choose_one((struct spr_text){ (const uint8_t *)rest, length }, &columns);
        if (r != 0) {
            return r;
        }
        rest = comma != NULL ? comma + 1 : NULL;
    }
    *ret_columns = columns;
    return 0;
}

void spr_columns_all(struct spr_columns *ret_columns)
{
    ret_columns->count = 0;
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        ret_columns->column[ret_columns->count++] = &COLUMNS[i];
    }
}

void spr_columns_list(FILE *out)
{
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        (void)fprintf(out, "%s\n", COLUMNS[i].name);
    }
}

uint32_t spr_columns_members(const struct spr_columns *columns)
{
    uint32_t members = 0;
    for (unsigned i = 0; i < columns->count; i++) {
        members |= columns->column[i]->members;
    }
    return members;
}

void spr_columns_widths(const struct spr_columns *columns, unsigned total, unsigned *ret_widths)
{
    unsigned fixed = 0;
    unsigned flexible = 0;
    for (unsigned i = 0; i < columns->count; i++) {
        fixed += columns->column[i]->width + (i > 0 ? GAP : 0);
        flexible += columns->column[i]->width == 0;
    }
    const unsigned left = total > fixed ? total - fixed : 0;
    const unsigned each = flexible > 0 ? left / flexible : 0;
    for (unsigned i = 0; i < columns->count; i++) {
        const unsigned width = columns->column[i]->width;
        ret_widths[i] = width > 0 ? width : each > FLEXIBLE_MIN ? each : FLEXIBLE_MIN;
    }
}
