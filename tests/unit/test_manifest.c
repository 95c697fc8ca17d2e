#include "core/index/hash.h"
#include "core/index/layout.h"
#include "core/index/manifest.h"
#include "core/index/pack.h"
#include "formats/cursor.h"
#include "tests/support/sample_records.h"
#include "tests/support/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

static struct spr_text text(const char *word)
{
    return spr_text_of(word);
}

/* With all that a manifest can hold. */
static struct spr_manifest *make_manifest(void)
{
    struct spr_manifest *manifest;
    cr_assert_eq(spr_manifest_new(&manifest), 0);
    manifest->spool_root = strdup("/var/spool/postfix");
    manifest->format = strdup("postfix");
    manifest->host = strdup("mx1");
    manifest->layout = (struct spr_layout){ 2, 5, 1 };
    manifest->root_device = 77;
    manifest->root_inode = UINT64_MAX;
    manifest->scanned_at = 1795300000;
    manifest->has_errors = true;
    static const uint32_t ROWS[] = { 0, 1, 64, 65, 1000 };
    for (unsigned i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        char name[SPR_SEGMENT_NAME_MAX + 1];
        spr_manifest_next_name(manifest, name);
        cr_assert_eq(spr_manifest_add_segment(manifest, name, ROWS[i], 3 * (uint64_t)ROWS[i]), 0);
        for (uint32_t row = i; row < ROWS[i]; row += 3) {
            cr_assert_eq(spr_manifest_kill_row(&manifest->segments[i], row, 3), 0);
        }
    }
    cr_assert_eq(spr_manifest_add_folder(manifest, text(""), 2, -1), 0);
    cr_assert_eq(spr_manifest_add_folder(manifest, text("deferred/A"), 12, INT64_MAX), 0);
    return manifest;
}

static void assert_string_eq(const char *a, const char *b)
{
    cr_assert_eq(a == NULL, b == NULL);
    cr_assert(a == NULL || strcmp(a, b) == 0);
}

static void assert_manifest_eq(const struct spr_manifest *a, const struct spr_manifest *b)
{
    cr_assert_eq(a->secret.seed, b->secret.seed);
    assert_string_eq(a->spool_root, b->spool_root);
    assert_string_eq(a->format, b->format);
    assert_string_eq(a->host, b->host);
    cr_assert_eq(memcmp(&a->layout, &b->layout, sizeof(a->layout)), 0);
    cr_assert_eq(a->root_device, b->root_device);
    cr_assert_eq(a->root_inode, b->root_inode);
    cr_assert_eq(a->scanned_at, b->scanned_at);
    cr_assert_eq(a->has_subjects, b->has_subjects);
    cr_assert_eq(a->has_errors, b->has_errors);
    cr_assert_eq(a->next_segment, b->next_segment);
    cr_assert_eq(a->segment_count, b->segment_count);
    for (uint32_t i = 0; i < a->segment_count; i++) {
        cr_assert_str_eq(a->segments[i].name, b->segments[i].name);
        cr_assert_eq(a->segments[i].rows, b->segments[i].rows);
        cr_assert_eq(a->segments[i].live_rows, b->segments[i].live_rows);
        cr_assert_eq(a->segments[i].recipients, b->segments[i].recipients);
        for (uint32_t row = 0; row < a->segments[i].rows; row++) {
            cr_assert_eq(spr_manifest_row_live(&a->segments[i], row),
                         spr_manifest_row_live(&b->segments[i], row));
        }
    }
    cr_assert_eq(a->folder_count, b->folder_count);
    for (uint32_t i = 0; i < a->folder_count; i++) {
        cr_assert_str_eq(a->folders[i].path, b->folders[i].path);
        cr_assert_eq(a->folders[i].inode, b->folders[i].inode);
        cr_assert_eq(a->folders[i].mtime_ns, b->folders[i].mtime_ns);
    }
}

static int open_place(char path[TEMPORARY_PATH_MAX])
{
    make_temporary(path);
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_geq(fd, 0);
    return fd;
}

Test(manifest, comes_back_from_disk_as_it_was)
{
    char path[TEMPORARY_PATH_MAX];
    const int dir_fd = open_place(path);
    struct spr_manifest *written = make_manifest();
    struct spr_manifest *read = NULL;

    cr_assert_eq(spr_manifest_publish(written, dir_fd, NULL), 0);
    cr_assert_eq(spr_manifest_read(dir_fd, &read, NULL), 0);

    assert_manifest_eq(read, written);
    struct stat meta;
    cr_assert_eq(fstatat(dir_fd, "MANIFEST", &meta, 0), 0);
    cr_expect_eq(meta.st_mode & 07777, 0600);
    spr_manifest_free(written);
    spr_manifest_free(read);
    (void)close(dir_fd);
    remove_temporary(path);
}

Test(manifest, copies_deeply)
{
    struct spr_manifest *original = make_manifest();
    struct spr_manifest *reference = make_manifest();
    reference->secret = original->secret;
    struct spr_manifest *copy = NULL;

    cr_assert_eq(spr_manifest_copy(original, &copy), 0);
    assert_manifest_eq(copy, original);
    cr_assert_eq(spr_manifest_kill_row(&copy->segments[4], 0, 1), 0);
    copy->folders[1].path[0] = 'x';

    assert_manifest_eq(original, reference);
    spr_manifest_free(copy);
    spr_manifest_free(original);
    spr_manifest_free(reference);
}

Test(manifest, is_absent_in_an_empty_folder)
{
    char path[TEMPORARY_PATH_MAX];
    const int dir_fd = open_place(path);
    struct spr_manifest *manifest = NULL;

    cr_expect_eq(spr_manifest_read(dir_fd, &manifest, NULL), -ENOENT);

    cr_expect_null(manifest);
    (void)close(dir_fd);
    remove_temporary(path);
}

Test(manifest, follows_no_link)
{
    char path[TEMPORARY_PATH_MAX];
    const int dir_fd = open_place(path);
    struct spr_manifest *manifest = make_manifest();
    cr_assert_eq(spr_manifest_publish(manifest, dir_fd, NULL), 0);
    cr_assert_eq(renameat(dir_fd, "MANIFEST", dir_fd, "elsewhere"), 0);
    cr_assert_eq(symlinkat("elsewhere", dir_fd, "MANIFEST"), 0);
    struct spr_manifest *read = NULL;
    struct spr_fault fault = { 0 };

    cr_expect_eq(spr_manifest_read(dir_fd, &read, &fault), -ELOOP);

    cr_expect_str_eq(fault.subject, "MANIFEST");
    spr_manifest_free(manifest);
    (void)close(dir_fd);
    remove_temporary(path);
}

Test(manifest, has_a_secret_of_its_own)
{
    struct spr_manifest *a;
    struct spr_manifest *b;

    cr_assert_eq(spr_manifest_new(&a), 0);
    cr_assert_eq(spr_manifest_new(&b), 0);

    cr_expect_neq(a->secret.seed, b->secret.seed);
    spr_manifest_free(a);
    spr_manifest_free(b);
}

static void expect_refusal(const struct spr_bytes *bytes, size_t length, const char *label)
{
    struct spr_manifest *manifest = NULL;
    struct spr_fault fault = { 0 };
    uint8_t *exact = malloc(length + 1); /* the sanitizer sees a read behind the end */
    cr_assert_not_null(exact);
    uint8_t *copy = realloc(exact, length > 0 ? length : 1);
    cr_assert_not_null(copy);
    memcpy(copy, bytes->at, length);
    int r = spr_manifest_decode((struct spr_text){ copy, length }, &manifest, &fault);
    cr_assert(r == SPR_E_CORRUPT || r == SPR_E_NEWER, "%s: %d", label, r);
    cr_assert_str_eq(fault.subject, "MANIFEST");
    cr_assert_gt(strlen(fault.detail), 0);
    cr_assert_null(manifest);
    free(copy);
}

Test(manifest, refuses_every_flipped_bit_and_every_truncation)
{
    struct spr_manifest *manifest = make_manifest();
    struct spr_bytes bytes = { 0 };
    cr_assert_eq(spr_manifest_encode(manifest, &bytes), 0);
    char label[64];

    for (size_t length = 0; length < bytes.length; length++) {
        (void)snprintf(label, sizeof(label), "cut to %zu", length);
        expect_refusal(&bytes, length, label);
    }
    for (size_t at = 0; at < bytes.length; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            (void)snprintf(label, sizeof(label), "bit %u of byte %zu", bit, at);
            bytes.at[at] ^= (uint8_t)(1u << bit);
            expect_refusal(&bytes, bytes.length, label);
            bytes.at[at] ^= (uint8_t)(1u << bit);
        }
    }

    spr_bytes_free(&bytes);
    spr_manifest_free(manifest);
}

static void seal(struct spr_bytes *bytes)
{
    spr_store_u64(bytes->at + SPR_MANIFEST_AT_BYTES, bytes->length);
    const uint64_t body = spr_hash64(bytes->at + SPR_MANIFEST_HEADER_BYTES,
                                     bytes->length - SPR_MANIFEST_HEADER_BYTES, 0);
    spr_store_u64(bytes->at + SPR_MANIFEST_AT_CHECKSUM,
                  spr_hash64(bytes->at, SPR_MANIFEST_AT_CHECKSUM, body));
}

/* As an enemy would write it: changed, with right checksums. */
Test(manifest, survives_every_sealed_change)
{
    struct spr_manifest *manifest = make_manifest();
    struct spr_bytes bytes = { 0 };
    cr_assert_eq(spr_manifest_encode(manifest, &bytes), 0);
    uint64_t random = 5;

    for (size_t at = SPR_MANIFEST_HEADER_BYTES; at < bytes.length; at++) {
        const uint8_t before = bytes.at[at];
        bytes.at[at] = (uint8_t)sample_random(&random);
        seal(&bytes);
        struct spr_manifest *read = NULL;
        int r = spr_manifest_decode((struct spr_text){ bytes.at, bytes.length }, &read, NULL);
        cr_assert(r == 0 || r == SPR_E_CORRUPT, "byte %zu: %d", at, r);
        spr_manifest_free(read);
        bytes.at[at] = before;
    }

    spr_bytes_free(&bytes);
    spr_manifest_free(manifest);
}

Test(manifest, of_a_newer_version_says_so)
{
    struct spr_manifest *manifest = make_manifest();
    struct spr_bytes bytes = { 0 };
    cr_assert_eq(spr_manifest_encode(manifest, &bytes), 0);
    struct spr_manifest *read = NULL;

    bytes.at[SPR_MANIFEST_AT_MUST] = 4;
    seal(&bytes);
    cr_expect_eq(spr_manifest_decode((struct spr_text){ bytes.at, bytes.length }, &read, NULL),
                 SPR_E_NEWER);
    bytes.at[SPR_MANIFEST_AT_MUST] = 0;
    bytes.at[SPR_MANIFEST_AT_MAY] = 4;
    seal(&bytes);
    cr_expect_eq(spr_manifest_decode((struct spr_text){ bytes.at, bytes.length }, &read, NULL), 0);

    spr_manifest_free(read);
    spr_bytes_free(&bytes);
    spr_manifest_free(manifest);
}
