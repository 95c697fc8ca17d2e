/*
 * Checks that the Postfix tests share.
 */
#ifndef SPR_TESTS_SUPPORT_POSTFIX_EXPECT_H
#define SPR_TESTS_SUPPORT_POSTFIX_EXPECT_H

#include "tests/support/postfix_file.h"

#include <string.h>

#include <criterion/criterion.h>

#define ALL_WANTS (SPR_WANT_SUBJECTS | SPR_WANT_ERRORS)

static inline void expect_fact(const struct drive_message *message, enum spr_fact fact,
                               const char *want)
{
    const char *found = collected(&message->found, fact);
    if (want == NULL || found == NULL) {
        cr_expect(want == NULL && found == NULL, "fact %d is %s", fact,
                  found != NULL ? found : "unknown");
        return;
    }
    cr_expect_str_eq(found, want);
}

static inline void expect_malformed(struct drive_message *message, uint64_t offset,
                                    const char *part)
{
    drive_parse(message, ALL_WANTS, 0);

    cr_assert_eq(message->verdict, SPR_MALFORMED, "verdict %d", message->verdict);
    cr_expect_not_null(strstr(message->need.reason, part), "%s", message->need.reason);
    cr_expect_eq(message->need.offset, offset, "offset %llu",
                 (unsigned long long)message->need.offset);
    postfix_message_done(message);
}

static inline int64_t flags_of(const struct drive_message *message)
{
    int64_t flags = collected_number(&message->found, SPR_FACT_FLAGS);
    return flags == INT64_MIN ? 0 : flags;
}

/* A plain message with one recipient. */
static inline struct drive_message plain_message(unsigned dir)
{
    struct postfix_file file = { 0 };
    postfix_begin(&file);
    (void)postfix_record(&file, 'S', "a@example.org");
    (void)postfix_record(&file, 'R', "b@example.invalid");
    (void)postfix_end(&file, NULL, 1);
    return postfix_message(&file, dir);
}

#endif
