/*
 * The message record as the index keeps it: what scan fills, segments store, queries and plans
 * read. All texts are borrowed: from the sink's arena while building, from the record buffer when
 * read back. bytes == NULL means unknown.
 */
#ifndef SPR_CORE_INDEX_RECORD_H
#define SPR_CORE_INDEX_RECORD_H

#include "core/spoolray.h"
#include "formats/format.h"

/* One file of a message; all paired files lie in the folder of the primary. */
struct spr_record_file {
    unsigned role;
    struct spr_text name;
};

/* Text columns: one string each a message. */
enum spr_column {
    SPR_COLUMN_SENDER,
    SPR_COLUMN_ACCOUNT,
    SPR_COLUMN_AUTH_METHOD,
    SPR_COLUMN_LOCAL_USER,
    SPR_COLUMN_CLIENT,
    SPR_COLUMN_HELO,
    SPR_COLUMN_QUEUE_NAME,
    SPR_COLUMN_SUBJECT,
    SPR_COLUMN_HEADER_FROM,
    SPR_COLUMN_MESSAGE_ID,
    SPR_COLUMN_LAST_ERROR,
    SPR_COLUMN_LOG_SESSION,
    SPR_COLUMN_COUNT,
};

/* Number columns: one int64 each a message, INT64_MIN unknown. */
enum spr_number {
    SPR_NUMBER_ARRIVAL,
    SPR_NUMBER_NEXT_RETRY,
    SPR_NUMBER_ATTEMPTS,
    SPR_NUMBER_SIZE,
    SPR_NUMBER_UID,
    SPR_NUMBER_COUNT,
};

struct spr_record {
    unsigned dir;           /* index into the format's dirs */
    struct spr_text folder; /* path of its folder below the spool root */
    struct spr_text queue_id;
    struct spr_record_file files[SPR_ROLES_MAX]; /* [0] is the primary */
    unsigned file_count;

    /* Identity of the primary (SAFETY 4). */
    uint64_t inode;
    uint64_t file_size;       /* st_size */
    uint32_t stat_digest;     /* of size, mtime, ctime, mode, links: one fstat */
    uint32_t set_digest;      /* of the names of all its files */
    uint64_t identity_digest; /* of device, inode and the bytes the format names */

    enum spr_state state;
    enum spr_auth_source auth_source;
    uint32_t flags; /* spr_message_flag */
    struct spr_text text[SPR_COLUMN_COUNT];
    int64_t number[SPR_NUMBER_COUNT];
    const struct spr_recipient *recipients;
    uint32_t recipient_count;
};

#endif
