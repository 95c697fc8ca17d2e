#include "core/batch/journal.h"
#include "core/index/hash.h"
#include "formats/cursor.h"
#include "io/dirents.h"
#include "io/own.h"
#include "tests/support/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

static char folder[TEMPORARY_PATH_MAX];
static int folder_fd;

static void set_up(void)
{
    make_temporary(folder);
    folder_fd = spr_root_open(folder);
    cr_assert_geq(folder_fd, 0);
}

static void tear_down(void)
{
    (void)close(folder_fd);
    remove_temporary(folder);
}

TestSuite(journal, .init = set_up, .fini = tear_down);

static struct spr_text text(const char *word)
{
    return spr_text_of(word);
}

static void add_file(struct spr_batch *batch, uint8_t number, const char *name)
{
    const uint32_t message = batch->message_count - 1;
    struct spr_batch_file file = {
        .number = number,
        .role = number,
        .part = number == 0 ? SPR_PART_PIVOT : SPR_PART_SUPPORT,
        .way = SPR_WAY_TAKE,
        .links = 1,
        .from_dir = 1,
        .to_dir = 0,
        .from = spr_batch_text(batch, text(name)),
        .to = spr_batch_slot(batch, message, number),
        .identity = { .device = 1,
                      .inode = 77 + message,
                      .size = 9,
                      .mtime_ns = -5,
                      .mode = 0700,
                      .handle_length = 4,
                      .handle = { 1, 2, 3, 4 } },
    };
    cr_assert_eq(spr_batch_add_file(batch, &file), 0);
}

/* Three messages of two files each. */
static struct spr_batch *make_batch(void)
{
    struct spr_batch *batch = NULL;
    uint32_t index = 0;
    cr_assert_eq(spr_batch_new(&batch), 0);
    memcpy(batch->id, "sixteen bytes id", 16);
    batch->job = 4;
    batch->number = 2;
    batch->operation = SPR_DELETE;
    batch->format = "postfix";
    batch->spool_root = "/var/spool/postfix";
    batch->next = 10;
    batch->run = (struct spr_run){ .pid = 12, .start_time = 99 };
    cr_assert_eq(spr_batch_add_dir(batch, SPR_BASE_PRIVATE, text("4/2"), &index), 0);
    cr_assert_eq(spr_batch_add_dir(batch, SPR_BASE_SPOOL, text("deferred/A"), &index), 0);
    for (unsigned i = 0; i < 3; i++) {
        cr_assert_eq(spr_batch_add_message(batch, &index), 0);
        add_file(batch, 0, "A1");
        add_file(batch, 1, "A1.log");
    }
    return batch;
}

static struct spr_journal *make_journal(struct spr_batch *batch)
{
    struct spr_journal *journal = NULL;
    cr_assert_eq(spr_journal_create(folder_fd, batch, &journal), 0);
    cr_assert_eq(spr_journal_seal(journal), 0);
    return journal;
}

static struct spr_text read_bytes(void)
{
    const int fd = openat(folder_fd, SPR_JOURNAL_NAME, O_RDONLY);
    uint64_t size = 0;
    cr_assert_eq(spr_own_size(fd, &size), 0);
    uint8_t *bytes = malloc(size);
    cr_assert_eq(spr_read_exact(fd, bytes, size, 0), 0);
    (void)close(fd);
    return (struct spr_text){ bytes, size };
}

static int parse_state(struct spr_text bytes)
{
    struct spr_batch *batch = NULL;
    struct spr_journal_position position = { 0 };
    const int r = spr_journal_parse(bytes, "journal", &batch, &position, NULL);
    if (r < 0) {
        return r;
    }
    spr_batch_free(batch);
    return (int)position.state;
}

Test(journal, brings_back_what_was_sealed)
{
    struct spr_batch *batch = make_batch();
    struct spr_journal *journal = make_journal(batch);
    spr_journal_close(journal);
    struct spr_batch *found = NULL;
    enum spr_journal_state state = SPR_JOURNAL_TORN;

    cr_assert_eq(spr_journal_open(folder_fd, "j", &found, &state, NULL, NULL), 0);

    cr_expect_eq(state, SPR_JOURNAL_SEALED);
    cr_expect_eq(found->job, 4);
    cr_expect_eq(found->operation, SPR_DELETE);
    cr_expect_eq(found->run.pid, 12);
    cr_expect_str_eq(found->format, "postfix");
    cr_expect_str_eq(found->dirs[1].path, "deferred/A");
    cr_assert_eq(found->message_count, 3);
    cr_assert_eq(found->file_count, 6);
    cr_expect_str_eq(found->files[3].from, "A1.log");
    cr_expect_str_eq(found->files[3].to, "1.1");
    cr_expect_eq(found->files[3].identity.mtime_ns, -5);
    cr_expect_eq(found->files[3].identity.handle[3], 4);
    spr_batch_free(found);
    spr_batch_free(batch);
}

Test(journal, walks_through_its_states_and_no_others)
{
    struct spr_batch *batch = make_batch();
    struct spr_journal *journal = make_journal(batch);
    batch->messages[1].fate = SPR_FATE_SKIPPED;
    batch->messages[1].code = SPR_E_BUSY;

    cr_expect_eq(spr_journal_purge(journal), -EINVAL, "(J5)");
    cr_expect_eq(spr_journal_decide(journal, batch), 0);
    cr_expect_eq(spr_journal_decide(journal, batch), -EINVAL);
    spr_journal_close(journal);

    struct spr_batch *found = NULL;
    enum spr_journal_state state = SPR_JOURNAL_TORN;
    cr_assert_eq(spr_journal_open(folder_fd, "j", &found, &state, &journal, NULL), 0);
    cr_expect_eq(state, SPR_JOURNAL_DECIDED);
    cr_expect_eq(found->messages[1].fate, SPR_FATE_SKIPPED);
    cr_expect_eq(found->messages[1].code, SPR_E_BUSY);
    cr_expect_eq(found->messages[2].fate, SPR_FATE_OUT);
    cr_expect_eq(spr_journal_end(journal), -EINVAL);
    cr_expect_eq(spr_journal_purge(journal), 0);
    cr_expect_eq(spr_journal_end(journal), 0);
    spr_journal_close(journal);
    spr_batch_free(found);
    const struct spr_text bytes = read_bytes();
    cr_expect_eq(parse_state(bytes), SPR_JOURNAL_ENDED);
    spr_batch_free(batch);
}

/* (J2) (J3): a cut at any byte never yields more than what was whole before it. */
Test(journal, cut_at_every_byte_is_a_prefix)
{
    struct spr_batch *batch = make_batch();
    struct spr_journal *journal = make_journal(batch);
    batch->messages[0].fate = SPR_FATE_BACK;
    cr_assert_eq(spr_journal_decide(journal, batch), 0);
    cr_assert_eq(spr_journal_purge(journal), 0);
    cr_assert_eq(spr_journal_end(journal), 0);
    spr_journal_close(journal);
    const struct spr_text bytes = read_bytes();

    int before = SPR_JOURNAL_TORN;
    for (size_t length = 0; length <= bytes.length; length++) {
        const int state = parse_state((struct spr_text){ bytes.bytes, length });
        cr_assert_geq(state, before, "at %zu", length);
        before = state;
    }
    cr_expect_eq(before, SPR_JOURNAL_ENDED);
    spr_batch_free(batch);
}

/* (J2): no single flipped bit is believed. */
Test(journal, flipped_bits_only_shorten_it)
{
    struct spr_batch *batch = make_batch();
    struct spr_journal *journal = make_journal(batch);
    cr_assert_eq(spr_journal_decide(journal, batch), 0);
    spr_journal_close(journal);
    const struct spr_text bytes = read_bytes();
    uint8_t *copy = malloc(bytes.length);
    memcpy(copy, bytes.bytes, bytes.length);
    size_t used = bytes.length;
    while (used > 0 && copy[used - 1] == 0) {
        used--;
    }

    for (size_t i = 0; i < used * 8; i++) {
        copy[i / 8] ^= (uint8_t)(1u << (i % 8));
        const int state = parse_state((struct spr_text){ copy, bytes.length });
        cr_assert_lt(state, SPR_JOURNAL_DECIDED, "bit %zu", i);
        copy[i / 8] ^= (uint8_t)(1u << (i % 8));
    }
    spr_batch_free(batch);
}

/* Verdicts whose decision was torn decide nothing, and do not come back behind later frames. */
Test(journal, torn_decision_is_zeroed_before_another)
{
    struct spr_batch *batch = make_batch();
    struct spr_journal *journal = make_journal(batch);
    batch->messages[2].fate = SPR_FATE_STUCK;
    cr_assert_eq(spr_journal_decide(journal, batch), 0);
    spr_journal_close(journal);
    const struct spr_text whole = read_bytes();
    size_t decide = whole.length;
    while (parse_state((struct spr_text){ whole.bytes, decide }) == SPR_JOURNAL_DECIDED) {
        decide--;
    }
    const int fd = openat(folder_fd, SPR_JOURNAL_NAME, O_RDWR);
    cr_assert_eq(spr_write_at(fd, "\xff", 1, decide), 0);
    (void)close(fd);

    struct spr_batch *found = NULL;
    enum spr_journal_state state = SPR_JOURNAL_TORN;
    cr_assert_eq(spr_journal_open(folder_fd, "j", &found, &state, &journal, NULL), 0);
    cr_expect_eq(state, SPR_JOURNAL_SEALED);
    cr_expect_eq(found->messages[2].fate, SPR_FATE_OUT);
    cr_expect_eq(spr_journal_decide(journal, found), 0);
    spr_journal_close(journal);
    spr_batch_free(found);

    cr_assert_eq(spr_journal_open(folder_fd, "j", &found, &state, NULL, NULL), 0);
    cr_expect_eq(state, SPR_JOURNAL_DECIDED);
    cr_expect_eq(spr_batch_count(found).out, 3);
    spr_batch_free(found);
    spr_batch_free(batch);
}

/* A frame with a right checksum in the wrong place is damage, not an end (J6). */
static void reseal(uint8_t *frame, const uint8_t id[16])
{
    uint32_t length = 0;
    uint16_t type = 0;
    uint64_t seq = 0;
    memcpy(&length, frame, 4);
    memcpy(&type, frame + 4, 2);
    memcpy(&seq, frame + 8, 8);
    const uint64_t hash =
        spr_hash64(frame, length - 8, spr_frame_seed((enum spr_frame_type)type, id, seq));
    memcpy(frame + length - 8, &hash, 8);
}

static size_t find_frame(const uint8_t *bytes, uint16_t wanted)
{
    size_t offset = 0;
    for (;;) {
        uint32_t length = 0;
        uint16_t type = 0;
        memcpy(&length, bytes + offset, 4);
        memcpy(&type, bytes + offset + 4, 2);
        cr_assert_gt(length, 0);
        if (type == wanted) {
            return offset;
        }
        offset += length;
    }
}

struct lie {
    const char *name;
    uint16_t frame;
    size_t at; /* behind the frame's head */
    uint8_t value;
};

ParameterizedTestParameters(journal, resealed_lies_are_damage)
{
    static struct lie lies[] = {
        { "type out of order", SPR_FRAME_DIR, (size_t)-12, SPR_FRAME_DECIDE },
        { "folder out of order", SPR_FRAME_DIR, 0, 7 },
        { "first folder in the spool", SPR_FRAME_DIR, 4, 0 },
        { "file of a later message", SPR_FRAME_FILE, 0, 2 },
        { "unknown part", SPR_FRAME_FILE, 5, 9 },
        { "put in a delete", SPR_FRAME_FILE, 6, SPR_WAY_PUT },
        { "folder beyond the table", SPR_FRAME_FILE, 10, 9 },
        { "name with a slash", SPR_FRAME_FILE, 16, '/' },
        { "slot that is none", SPR_FRAME_FILE, 24, 'x' },
        { "seal of fewer frames", SPR_FRAME_SEAL, 0, 1 },
        { "decision without its verdicts", SPR_FRAME_DECIDE, 4, 1 },
    };
    return cr_make_param_array(struct lie, lies, sizeof(lies) / sizeof(lies[0]));
}

ParameterizedTest(struct lie *lie, journal, resealed_lies_are_damage)
{
    set_up();
    struct spr_batch *batch = make_batch();
    struct spr_journal *journal = make_journal(batch);
    cr_assert_eq(spr_journal_decide(journal, batch), 0);
    spr_journal_close(journal);
    const struct spr_text whole = read_bytes();
    uint8_t *copy = malloc(whole.length);
    memcpy(copy, whole.bytes, whole.length);
    const size_t frame = find_frame(copy, lie->frame);

    copy[frame + SPR_FRAME_HEAD_BYTES + lie->at] = lie->value;
    reseal(copy + frame, batch->id);

    cr_expect_eq(parse_state((struct spr_text){ copy, whole.length }), SPR_E_CORRUPT, "%s",
                 lie->name);
    spr_batch_free(batch);
    tear_down();
}

Test(journal, names_that_leave_their_folder_are_not_valid)
{
    cr_expect_not(spr_name_valid(text("")));
    cr_expect_not(spr_name_valid(text(".")));
    cr_expect_not(spr_name_valid(text("..")));
    cr_expect_not(spr_name_valid(text("a/b")));
    cr_expect(spr_name_valid(text("..a")));
    cr_expect_not(spr_relative_path_valid(text("/etc")));
    cr_expect_not(spr_relative_path_valid(text("a/../b")));
    cr_expect_not(spr_relative_path_valid(text("a/")));
    cr_expect(spr_relative_path_valid(text("deferred/A/B")));
    cr_expect(spr_slot_name_valid(text("12.0")));
    cr_expect_not(spr_slot_name_valid(text("12")));
    cr_expect_not(spr_slot_name_valid(text("1.2.3")));
    cr_expect_not(spr_slot_name_valid(text("journal")));
}
