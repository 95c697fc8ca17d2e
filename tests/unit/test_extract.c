#include "core/scan/extract.h"
#include "formats/cursor.h"

#include <string.h>

#include <criterion/criterion.h>

#define READ "ann@example.org\0bob@example.org\0carl"

/* Says sender, account and two recipients from what was read, the method from its own stack. */
static enum spr_verdict parse_once(const struct spr_view *view, struct spr_sink *sink,
                                   struct spr_need *ret_need)
{
    (void)ret_need;
    const struct spr_text read = view->files[0].extents[0].bytes;
    const uint8_t own[] = { 'P', 'L', 'A', 'I', 'N' };
    const struct spr_recipient_fact bob = { .address = { read.bytes + 16, 15 }, .offset = 16 };
    const struct spr_recipient_fact stacked = { .address = { own, sizeof(own) },
                                                .original = { read.bytes + 32, 4 } };
    (void)(spr_emit_text(sink, SPR_FACT_SENDER, (struct spr_text){ read.bytes, 15 }) &&
           spr_emit_text(sink, SPR_FACT_AUTH_METHOD, (struct spr_text){ own, sizeof(own) }) &&
           spr_emit_number(sink, SPR_FACT_FLAGS, SPR_MESSAGE_BOUNCE) &&
           spr_emit_recipient(sink, &bob) && spr_emit_recipient(sink, &stacked));
    if (view->wants == SPR_WANT_SUBJECTS) {
        (void)spr_emit_text(sink, SPR_FACT_ACCOUNT, (struct spr_text){ read.bytes + 32, 4 });
    }
    return SPR_PARSED;
}

static const struct spr_dir dirs[] = { { .path = "", .word = "q", .state = SPR_STATE_DEFERRED } };
static const struct spr_role roles[] = { { .word = "message", .flags = SPR_ROLE_PRIMARY } };
static const struct spr_format format = {
    .contract = SPR_FORMAT_CONTRACT,
    .name = "once",
    .dirs = dirs,
    .dir_count = 1,
    .roles = roles,
    .role_count = 1,
    .parse = parse_once,
};

struct message {
    struct spr_walk_folder folder;
    struct spr_candidate candidate;
    struct spr_extent extent;
    struct spr_file_view file;
    struct spr_fetched fetched;
};

static void message_init(struct message *message, uint32_t wants)
{
    static char path[] = "";
    static const uint8_t names[] = { 0, 1, 'm', 0 };
    *message = (struct message){
        .folder = { .path = path },
        .candidate = { .names = names, .file_count = 1 },
        .extent = { 0, { (const uint8_t *)READ, sizeof(READ) } },
    };
    message->file = (struct spr_file_view){
        .present = true, .size = sizeof(READ), .extents = &message->extent, .extent_count = 1
    };
    message->fetched = (struct spr_fetched){
        .candidate = &message->candidate,
        .folder = &message->folder,
        .view = { .wants = wants, .files = &message->file },
        .roles_present = 1,
    };
}

static const struct spr_record *parse(struct spr_extract *extract, const struct message *message)
{
    enum spr_verdict verdict;
    struct spr_need need;
    cr_assert_eq(spr_extract_parse(extract, &message->fetched, &verdict, &need), 0);
    cr_assert_eq(verdict, SPR_PARSED);
    return spr_extract_record(extract);
}

Test(extract, leaves_a_text_where_it_was_read)
{
    struct spr_extract *extract = NULL;
    struct message message;
    message_init(&message, 0);
    cr_assert_eq(spr_extract_new(&format, &extract), 0);

    const struct spr_record *record = parse(extract, &message);

    const uint8_t *read = message.extent.bytes.bytes;
    cr_expect_eq(record->text[SPR_COLUMN_SENDER].bytes, read);
    cr_expect_eq(record->recipients[0].address.bytes, read + 16);
    cr_expect_eq(record->recipients[1].original.bytes, read + 32);
    spr_extract_free(extract);
}

Test(extract, copies_a_text_that_the_format_made)
{
    struct spr_extract *extract = NULL;
    struct message message;
    message_init(&message, 0);
    cr_assert_eq(spr_extract_new(&format, &extract), 0);

    const struct spr_record *record = parse(extract, &message);

    cr_expect(spr_text_equal(record->text[SPR_COLUMN_AUTH_METHOD], "PLAIN"));
    cr_expect(spr_text_equal(record->recipients[1].address, "PLAIN"));
    cr_expect_neq(record->recipients[1].address.bytes, record->text[SPR_COLUMN_AUTH_METHOD].bytes);
    spr_extract_free(extract);
}

Test(extract, forgets_the_message_before)
{
    struct spr_extract *extract = NULL;
    struct message message;
    message_init(&message, SPR_WANT_SUBJECTS);
    cr_assert_eq(spr_extract_new(&format, &extract), 0);
    const struct spr_record *record = parse(extract, &message);
    cr_assert(spr_text_equal(record->text[SPR_COLUMN_ACCOUNT], "carl"));
    cr_assert_eq(record->auth_source, SPR_AUTH_ENVELOPE);
    message_init(&message, 0);

    record = parse(extract, &message);

    cr_expect_null(record->text[SPR_COLUMN_ACCOUNT].bytes);
    cr_expect_eq(record->auth_source, SPR_AUTH_NONE);
    cr_expect_eq(record->flags, SPR_MESSAGE_BOUNCE);
    cr_expect_eq(record->recipient_count, 2);
    cr_expect_null(record->recipients[0].original.bytes);
    cr_expect_eq(record->file_count, 1);
    cr_expect_eq(record->number[SPR_NUMBER_SIZE], INT64_MIN);
    spr_extract_free(extract);
}
