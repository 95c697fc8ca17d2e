#include "core/index/layout.h"
#include "core/index/segment.h"
#include "tests/support/sample_records.h"
#include "tests/support/seal.h"
#include "tests/support/temporary.h"
#include "tests/support/walk_segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#define ROWS 12

static const struct spr_index_secret SECRET = { .seed = 42 };

struct damage {
    char path[TEMPORARY_PATH_MAX];
    int dir_fd;
    uint8_t *bytes;
    size_t length;
    uint64_t digest; /* of the undamaged segment */
};

/* In place: a file that was truncated first would be flushed to disk when it is closed. */
static void write_bytes(const struct damage *damage)
{
    const int fd = openat(damage->dir_fd, "a.seg", O_WRONLY | O_CLOEXEC);
    cr_assert_geq(fd, 0);
    cr_assert_eq(pwrite(fd, damage->bytes, damage->length, 0), (ssize_t)damage->length);
    cr_assert_eq(close(fd), 0);
}

static void make_damage(struct damage *damage)
{
    make_temporary(damage->path);
    damage->dir_fd = open(damage->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct spr_segment_builder *builder;
    cr_assert_eq(spr_segment_builder_new(&SECRET, &builder), 0);
    static struct sample_record sample;
    for (uint32_t i = 0; i < ROWS; i++) {
        sample_hostile(&sample, 9, i);
        cr_assert_eq(spr_segment_builder_add(builder, &sample.record), 0);
    }
    cr_assert_eq(spr_segment_builder_write(builder, damage->dir_fd, "a.seg", NULL), 0);
    spr_segment_builder_free(builder);

    const int fd = openat(damage->dir_fd, "a.seg", O_RDONLY | O_CLOEXEC);
    struct stat meta;
    cr_assert_eq(fstat(fd, &meta), 0);
    cr_assert_eq(meta.st_mode & 07777, 0600);
    damage->length = (size_t)meta.st_size;
    damage->bytes = malloc(damage->length);
    cr_assert_not_null(damage->bytes);
    cr_assert_eq(read(fd, damage->bytes, damage->length), meta.st_size);
    (void)close(fd);
    cr_assert_eq(walk_segment(damage->dir_fd, "a.seg", &SECRET, ROWS, &damage->digest, NULL), 0);
}

static void drop_damage(struct damage *damage)
{
    free(damage->bytes);
    (void)close(damage->dir_fd);
    remove_temporary(damage->path);
}

/* Either all is as before, or a fault with file, place and expectation. */
static void expect_same_or_fault(const struct damage *damage, const char *label)
{
    struct spr_fault fault = { 0 };
    uint64_t digest = 0;
    int r = walk_segment(damage->dir_fd, "a.seg", &SECRET, ROWS, &digest, &fault);
    if (r == 0) {
        cr_assert_eq(digest, damage->digest, "%s: other content", label);
        return;
    }
    cr_assert(r == SPR_E_CORRUPT || r == SPR_E_NEWER, "%s: %d", label, r);
    cr_assert_eq(fault.code, r, "%s", label);
    cr_assert_str_eq(fault.subject, "a.seg", "%s", label);
    cr_assert_gt(strlen(fault.detail), 0, "%s", label);
    cr_assert_leq(fault.offset, damage->length, "%s", label);
}

Test(segment_damage, of_one_byte_is_found_or_harmless)
{
    struct damage damage;
    make_damage(&damage);
    char label[64];

    for (size_t at = 0; at < damage.length; at++) {
        damage.bytes[at] ^= (uint8_t)(1u << (at % 8));
        write_bytes(&damage);
        (void)snprintf(label, sizeof(label), "byte %zu", at);
        expect_same_or_fault(&damage, label);
        damage.bytes[at] ^= (uint8_t)(1u << (at % 8));
    }

    drop_damage(&damage);
}

Test(segment_damage, by_truncation_is_always_found)
{
    struct damage damage;
    make_damage(&damage);
    const int fd = openat(damage.dir_fd, "a.seg", O_WRONLY | O_CLOEXEC);
    cr_assert_geq(fd, 0);

    for (size_t length = damage.length; length-- > 0;) {
        cr_assert_eq(ftruncate(fd, (off_t)length), 0);
        struct spr_fault fault = { 0 };
        uint64_t digest;
        cr_assert_eq(walk_segment(damage.dir_fd, "a.seg", &SECRET, ROWS, &digest, &fault),
                     SPR_E_CORRUPT, "%zu bytes", length);
        cr_assert_str_eq(fault.subject, "a.seg");
    }

    (void)close(fd);
    drop_damage(&damage);
}

/* As an enemy would write it. What is read then may be anything, but nothing breaks. */
Test(segment_damage, with_right_checksums_breaks_nothing)
{
    struct damage damage;
    make_damage(&damage);
    uint8_t *original = malloc(damage.length);
    cr_assert_not_null(original);
    memcpy(original, damage.bytes, damage.length);
    uint64_t random = 1;

    for (size_t at = SPR_SEGMENT_AT_VERSION; at < damage.length; at++) {
        damage.bytes[at] = (uint8_t)sample_random(&random);
        seal_segment(damage.bytes, damage.length, SECRET.seed);
        write_bytes(&damage);
        uint64_t digest;
        struct spr_fault fault;
        int r = walk_segment(damage.dir_fd, "a.seg", &SECRET, ROWS, &digest, &fault);
        cr_assert(r == 0 || r == SPR_E_CORRUPT || r == SPR_E_NEWER, "byte %zu: %d", at, r);
        memcpy(damage.bytes, original, damage.length);
    }

    free(original);
    drop_damage(&damage);
}

Test(segment_damage, as_a_segment_of_another_index_is_refused)
{
    struct damage damage;
    make_damage(&damage);
    const struct spr_index_secret other = { .seed = SECRET.seed + 1 };
    struct spr_fault fault = { 0 };
    struct spr_segment *segment = NULL;

    int r = spr_segment_open(damage.dir_fd, "a.seg", &other, &segment, &fault);

    cr_expect_eq(r, SPR_E_CORRUPT);
    cr_expect_eq(fault.offset, SPR_SEGMENT_AT_SEED_CHECK);
    drop_damage(&damage);
}

Test(segment_damage, as_bits_of_a_newer_version_is_told_apart)
{
    struct damage damage;
    make_damage(&damage);
    uint64_t digest = 0;

    damage.bytes[SPR_SEGMENT_AT_MAY] = 1;
    seal_segment(damage.bytes, damage.length, SECRET.seed);
    write_bytes(&damage);
    cr_expect_eq(walk_segment(damage.dir_fd, "a.seg", &SECRET, ROWS, &digest, NULL), 0);
    cr_expect_eq(digest, damage.digest);

    damage.bytes[SPR_SEGMENT_AT_MUST] = 1;
    seal_segment(damage.bytes, damage.length, SECRET.seed);
    write_bytes(&damage);
    cr_expect_eq(walk_segment(damage.dir_fd, "a.seg", &SECRET, ROWS, &digest, NULL), SPR_E_NEWER);

    drop_damage(&damage);
}

Test(segment_damage, through_a_link_or_loose_modes_is_refused)
{
    struct damage damage;
    make_damage(&damage);
    struct spr_segment *segment = NULL;

    cr_assert_eq(symlinkat("a.seg", damage.dir_fd, "b.seg"), 0);
    cr_expect_eq(spr_segment_open(damage.dir_fd, "b.seg", &SECRET, &segment, NULL), -ELOOP);
    cr_assert_eq(fchmodat(damage.dir_fd, "a.seg", 0666, 0), 0);
    cr_expect_eq(spr_segment_open(damage.dir_fd, "a.seg", &SECRET, &segment, NULL), -EPERM);

    drop_damage(&damage);
}
