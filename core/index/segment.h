/*
 * A segment: an immutable, checksummed file of message records, as columns over interned strings.
 * Layout and byte order: docs/INDEX-FORMAT.md, constants: layout.h.
 *
 *  (1) A segment is written beside, synced, renamed; its folder is synced. It never changes after.
 *  (2) Opening checks every bound; reading checks every block's checksum before its first use.
 *      No flipped bit or truncation does more than SPR_E_CORRUPT with file, offset, expectation.
 *  (3) A reader keeps no pointer into zstd output beyond its own buffers.
 *
 * Builders belong to one thread. An open segment may be read by many threads at once, each with
 * its own struct spr_segment_reader.
 */
#ifndef SPR_CORE_INDEX_SEGMENT_H
#define SPR_CORE_INDEX_SEGMENT_H

#include "core/index/record.h"

/* The secret that keys all hashes of one index (SAFETY I5); made once, kept in the manifest. */
struct spr_index_secret {
    uint64_t seed;
};

/* What can be looked up. The looked-up text is what spr_address_normalise makes of the field, also
 * for accounts, clients and local users. */
enum spr_lookup {
    SPR_LOOKUP_ACCOUNT,
    SPR_LOOKUP_SENDER,
    SPR_LOOKUP_RCPT, /* recipients of every state, and their originals */
    SPR_LOOKUP_CLIENT,
    SPR_LOOKUP_QUEUE_ID, /* case kept */
    SPR_LOOKUP_LOCAL_USER,
    SPR_LOOKUP_COUNT,
};

#define SPR_STRING_NONE UINT32_MAX /* unknown; the empty string is a string */

/* ---- Building -------------------------------------------------------------------------------- */

struct spr_segment_builder;
int spr_segment_builder_new(const struct spr_index_secret *secret,
                            struct spr_segment_builder **ret_builder);
/* Copies the record; texts above 64 KiB are cut. -ENOMEM leaves the builder as it was. -EINVAL:
 * dir, role or a name's length out of range, or a failed write before. */
int spr_segment_builder_add(struct spr_segment_builder *builder, const struct spr_record *record);
uint32_t spr_segment_builder_count(const struct spr_segment_builder *builder);
size_t spr_segment_builder_memory(struct spr_segment_builder *builder); /* bytes in use */
/* Writes, syncs and renames to name in dir_fd, then empties the builder for reuse. After a failure
 * it may be written again, elsewhere, but not added to. */
int spr_segment_builder_write(struct spr_segment_builder *builder, int dir_fd, const char *name,
                              struct spr_fault *fault);
void spr_segment_builder_free(struct spr_segment_builder *builder);

/* ---- Reading --------------------------------------------------------------------------------- */

struct spr_segment;
int spr_segment_open(int dir_fd, const char *name, const struct spr_index_secret *secret,
                     struct spr_segment **ret_segment, struct spr_fault *fault);
void spr_segment_close(struct spr_segment *segment);
uint32_t spr_segment_count(const struct spr_segment *segment); /* rows */
uint64_t spr_segment_recipient_count(const struct spr_segment *segment);
uint32_t spr_segment_string_count(const struct spr_segment *segment);
uint64_t spr_segment_bytes(const struct spr_segment *segment); /* file size */

/* Buffers for decoded blocks; one a thread and segment. */
struct spr_segment_reader;
/* Rows, or recipients, that are decoded together: who walks over many asks for so many at once. */
#define SPR_SEGMENT_BLOCK 4096
int spr_segment_reader_new(const struct spr_segment *segment,
                           struct spr_segment_reader **ret_reader);
void spr_segment_reader_free(struct spr_segment_reader *reader);
/* Makes it one of another segment, with the buffers it has. */
void spr_segment_reader_turn(struct spr_segment_reader *reader, const struct spr_segment *segment);

/* The whole record; texts live until the next call on this reader. */
int spr_segment_record(struct spr_segment_reader *reader, uint32_t row,
                       struct spr_record *ret_record, struct spr_fault *fault);

/* Parts of a record; what is not wanted is left unknown. Identity needs names. */
enum spr_record_part {
    SPR_PART_QUEUE_ID = 1u << 0,
    SPR_PART_NAMES = 1u << 1,    /* of queue id, files and folder */
    SPR_PART_IDENTITY = 1u << 2, /* inode to identity_digest */
    SPR_PART_DIR = 1u << 3,
    SPR_PART_FACTS = 1u << 4, /* state, auth_source, flags */
    SPR_PART_RECIPIENTS = 1u << 5,
};
struct spr_record_wish {
    uint32_t parts;   /* spr_record_part */
    uint32_t texts;   /* bit c: of enum spr_column */
    uint32_t numbers; /* bit n: of enum spr_number */
};
/* The same, but only what is wanted; recipient_count is told with facts, too. */
int spr_segment_record_part(struct spr_segment_reader *reader, uint32_t row,
                            struct spr_record_wish wish, struct spr_record *ret_record,
                            struct spr_fault *fault);

/* Where a message lay and how its file looked. Texts live until the next call on this reader. */
struct spr_segment_place {
    unsigned dir;
    struct spr_text folder, name;
    uint64_t inode, file_size, identity_digest;
    uint32_t stat_digest, set_digest;
};
int spr_segment_place(struct spr_segment_reader *reader, uint32_t row,
                      struct spr_segment_place *ret_place, struct spr_fault *fault);

/* The same as a refresh compares it, of rows first ... first + count - 1: many times faster than
 * one by one. */
struct spr_segment_spot {
    uint64_t inode;
    uint32_t folder; /* string id or SPR_STRING_NONE */
    uint32_t stat_digest, set_digest;
    size_t name_length; /* 0: none that a file may have */
    uint8_t name[SPR_NAME_MAX];
};
int spr_segment_spots(struct spr_segment_reader *reader, uint32_t first, uint32_t count,
                      struct spr_segment_spot *ret_spots, struct spr_fault *fault);

/* The row's queue id alone; the text lives until the next call on this reader. */
int spr_segment_queue_id(struct spr_segment_reader *reader, uint32_t row, struct spr_text *ret_text,
                         struct spr_fault *fault);

/* One string of the dictionary; the text lives until the next call on this reader. */
int spr_segment_string(struct spr_segment_reader *reader, uint32_t id, struct spr_text *ret_text,
                       struct spr_fault *fault);
/* Strings of a range in id order, block by block; a non-zero answer of on_string ends it. */
struct spr_segment_ids {
    uint32_t first, end;
};
int spr_segment_strings(struct spr_segment_reader *reader, struct spr_segment_ids ids,
                        int (*on_string)(uint32_t id, struct spr_text text, void *user), void *user,
                        struct spr_fault *fault);
/* The same, but only those that have the literal, in either case, in their spelling or in any form
 * that address.h makes of them; and some others. The literal is in lower case. Text of a block that
 * has it nowhere is not even looked at. */
int spr_segment_strings_with(struct spr_segment_reader *reader, struct spr_segment_ids ids,
                             struct spr_text literal,
                             int (*on_string)(uint32_t id, struct spr_text text, void *user),
                             void *user, struct spr_fault *fault);
/* The ids that a column may have; SPR_COLUMN_COUNT: all there are. */
struct spr_segment_ids spr_segment_ids_of(const struct spr_segment *segment,
                                          enum spr_column column);
struct spr_segment_ids spr_segment_ids_of_recipients(const struct spr_segment *segment);

/* Columns, without decoding a row. */
int spr_segment_text_id(struct spr_segment_reader *reader, uint32_t row, enum spr_column column,
                        uint32_t *ret_id, struct spr_fault *fault);
int spr_segment_number(struct spr_segment_reader *reader, uint32_t row, enum spr_number number,
                       int64_t *ret_value, struct spr_fault *fault);
struct spr_segment_facts {
    enum spr_state state;
    enum spr_auth_source auth_source;
    uint32_t flags;
    uint32_t recipient_count;
};
int spr_segment_facts(struct spr_segment_reader *reader, uint32_t row,
                      struct spr_segment_facts *ret_facts, struct spr_fault *fault);

/* Recipients of one row as string ids, without their texts. */
struct spr_segment_recipient {
    uint32_t address, original, error; /* string ids or SPR_STRING_NONE */
    enum spr_recipient_state state;
};
/* *ret_recipients lives until the next call on this reader. */
int spr_segment_recipients(struct spr_segment_reader *reader, uint32_t row,
                           const struct spr_segment_recipient **ret_recipients, uint32_t *ret_count,
                           struct spr_fault *fault);

/* Columns in bulk: of rows (recipients) first ... first + count - 1, which must exist. Many times
 * faster than one by one where whole ranges are asked for. */
int spr_segment_text_ids(struct spr_segment_reader *reader, enum spr_column column, uint32_t first,
                         uint32_t count, uint32_t *out, struct spr_fault *fault);
int spr_segment_numbers(struct spr_segment_reader *reader, enum spr_number number, uint32_t first,
                        uint32_t count, int64_t *out, struct spr_fault *fault);
enum spr_segment_fact {
    SPR_ROW_STATE,
    SPR_ROW_AUTH_SOURCE,
    SPR_ROW_FLAGS,
    SPR_ROW_RECIPIENTS,
};
int spr_segment_fact_values(struct spr_segment_reader *reader, enum spr_segment_fact fact,
                            uint32_t first, uint32_t count, uint32_t *out, struct spr_fault *fault);
/* Recipients of all rows lie one behind the other: those of a row begin here. */
int spr_segment_first_recipient(struct spr_segment_reader *reader, uint32_t row,
                                uint64_t *ret_first, struct spr_fault *fault);
/* String ids, or the state as a number. */
enum spr_segment_rcpt_value { SPR_RCPT_ADDRESS_ID, SPR_RCPT_ERROR_ID, SPR_RCPT_STATE_NUMBER };
int spr_segment_recipient_values(struct spr_segment_reader *reader,
                                 enum spr_segment_rcpt_value value, uint64_t first, uint32_t count,
                                 uint32_t *out, struct spr_fault *fault);

/* Some strings of the dictionary: a bit for each id, and between which ids they lie. */
struct spr_string_set {
    uint64_t *bits;
    uint32_t first, last; /* first > last: there is none */
};
/* Adds the strings of a class that have this normal form, exact (they are compared, not hashes
 * alone). ids: of people, recipients or clients. */
int spr_segment_find_strings(struct spr_segment_reader *reader, struct spr_segment_ids ids,
                             struct spr_text normal_form, struct spr_string_set *set,
                             struct spr_fault *fault);
/* Sets in rows, a bitmap, the rows that have one of the strings in a column. */
int spr_segment_rows_with(struct spr_segment_reader *reader, enum spr_column column,
                          const struct spr_string_set *set, uint64_t *rows,
                          struct spr_fault *fault);
/* The same for strings of recipients: of those whose state is wanted, address or original; or the
 * error. */
enum spr_segment_rcpt_text { SPR_RCPT_ADDRESSES, SPR_RCPT_ERRORS };
enum spr_segment_rcpt_state { SPR_RCPT_ANY, SPR_RCPT_PENDING, SPR_RCPT_FINISHED };
struct spr_segment_rcpt_field {
    enum spr_segment_rcpt_text text;
    enum spr_segment_rcpt_state state;
};
int spr_segment_rows_with_recipient(struct spr_segment_reader *reader,
                                    struct spr_segment_rcpt_field field,
                                    const struct spr_string_set *set, uint64_t *rows,
                                    struct spr_fault *fault);

/* Sets in rows those whose field has this normal form, exact. */
int spr_segment_lookup(struct spr_segment_reader *reader, enum spr_lookup lookup,
                       struct spr_text normal_form, uint64_t *rows, struct spr_fault *fault);

#endif
