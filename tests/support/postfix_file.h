/*
 * Builds Postfix queue files record by record, as parse drives them.
 */
#ifndef SPR_TESTS_SUPPORT_POSTFIX_FILE_H
#define SPR_TESTS_SUPPORT_POSTFIX_FILE_H

#include "tests/support/drive.h"

struct postfix_file {
    uint8_t *bytes;
    size_t size, room;
};

/* One record; the offset it begins at. */
size_t postfix_record(struct postfix_file *file, char type, const char *payload);
size_t postfix_record_of(struct postfix_file *file, char type, const void *payload, size_t length);
/* A pointer record to an absolute offset. */
size_t postfix_pointer(struct postfix_file *file, uint64_t target);
/* Overwrites the size record at the file's start (made with postfix_sizes_begin). */
void postfix_sizes_begin(struct postfix_file *file);
void postfix_sizes_patch(struct postfix_file *file, size_t content_at, size_t extracted_at,
                         unsigned recipients);
/* C, T, create_time: what every file begins with. */
void postfix_begin(struct postfix_file *file);
/* M, content lines, X, E and the size record filled in; the offset of X. */
size_t postfix_end(struct postfix_file *file, const char *const *lines, unsigned recipients);
void postfix_file_done(struct postfix_file *file);
/* A message of the format in dir, with mode 0700; takes over file's bytes. */
struct drive_message postfix_message(struct postfix_file *file, unsigned dir);
void postfix_log(struct drive_message *message, unsigned role, const char *text);
void postfix_message_done(struct drive_message *message);

#endif
