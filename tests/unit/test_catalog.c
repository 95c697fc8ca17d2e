#include "core/catalog.h"
#include "formats/format.h"
#include "tests/support/faulty_io.h"
#include "tests/support/sample_records.h"
#include "tests/support/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <criterion/criterion.h>

struct place {
    char path[TEMPORARY_PATH_MAX];
    char dir[TEMPORARY_PATH_MAX + 16];
    struct spr_fault fault;
};

/* A server that edits files in place: folder times do not tell. */
static const struct spr_format EDITING = { .contract = SPR_FORMAT_CONTRACT,
                                           .name = "editing",
                                           .edits_in_place = true };
static const struct spr_format *const FORMATS[] = { &EDITING, NULL };

static void make_place(struct place *place)
{
    make_temporary(place->path);
    (void)snprintf(place->dir, sizeof(place->dir), "%s/state/index", place->path);
}

static struct spr_index *open_index(struct place *place, uint32_t flags)
{
    struct spr_options options = SPR_OPTIONS_INIT;
    options.flags = flags;
    options.extra_formats = FORMATS;
    struct spr_index *index = NULL;
    cr_assert_eq(spr_index_open(place->dir, &options, &index, &place->fault), 0, "%s",
                 place->fault.detail);
    return index;
}

/* A manifest like the current one with one more segment of `rows` sample rows. */
static struct spr_manifest *grow(struct spr_index *index, uint32_t rows)
{
    struct spr_snapshot *snapshot;
    struct spr_manifest *manifest;
    cr_assert_eq(spr_catalog_snapshot(index, &snapshot, NULL), 0);
    cr_assert_eq(spr_manifest_copy(snapshot->manifest, &manifest), 0);
    spr_snapshot_release(snapshot);
    struct spr_segment_builder *builder;
    cr_assert_eq(spr_segment_builder_new(&manifest->secret, &builder), 0);
    static struct sample_record sample;
    for (uint32_t i = 0; i < rows; i++) {
        sample_message(&sample, 1, i);
        cr_assert_eq(spr_segment_builder_add(builder, &sample.record), 0);
    }
    char name[SPR_SEGMENT_NAME_MAX + 1];
    spr_manifest_next_name(manifest, name);
    cr_assert_eq(spr_segment_builder_write(builder, index->dir_fd, name, NULL), 0);
    cr_assert_eq(spr_manifest_add_segment(manifest, name, rows, 7), 0);
    spr_segment_builder_free(builder);
    return manifest;
}

static uint64_t count_messages(struct spr_index *index)
{
    struct spr_index_report report;
    cr_assert_eq(spr_index_describe(index, &report), 0);
    return report.messages;
}

Test(catalog, makes_its_folder_for_the_owner_alone)
{
    struct place place = { 0 };
    make_place(&place);

    struct spr_index *index = open_index(&place, 0);

    struct stat meta;
    cr_assert_eq(stat(place.dir, &meta), 0);
    cr_expect_eq(meta.st_mode & 07777, 0700);
    spr_index_close(index);
    remove_temporary(place.path);
}

Test(catalog, refuses_a_folder_that_others_may_write)
{
    struct place place = { 0 };
    make_place(&place);
    cr_assert_eq(chmod(place.path, 0777), 0);

    struct spr_index *index;
    int r = spr_index_open(place.path, NULL, &index, &place.fault);

    cr_expect_eq(r, -EPERM);
    remove_temporary(place.path);
}

Test(catalog, makes_nothing_when_read_only)
{
    struct place place = { 0 };
    make_place(&place);
    struct spr_options options = SPR_OPTIONS_INIT;
    options.flags = SPR_READ_ONLY;

    struct spr_index *index;
    int r = spr_index_open(place.dir, &options, &index, &place.fault);

    cr_expect_eq(r, -ENOENT);
    cr_expect_neq(access(place.dir, F_OK), 0);
    remove_temporary(place.path);
}

Test(catalog, keeps_an_old_snapshot_while_a_new_one_is_published)
{
    struct place place = { 0 };
    make_place(&place);
    struct spr_index *index = open_index(&place, 0);
    cr_assert_eq(spr_catalog_publish(index, grow(index, 100), &place.fault), 0);
    struct spr_snapshot *old;
    cr_assert_eq(spr_catalog_snapshot(index, &old, NULL), 0);
    struct spr_manifest *next = grow(index, 50);
    next->segments[0] = next->segments[1]; /* the first one is gone, its file is removed */
    next->segment_count = 1;

    cr_assert_eq(spr_catalog_publish(index, next, &place.fault), 0);

    cr_expect_eq(count_messages(index), 50);
    struct spr_segment_reader *reader;
    struct spr_record record;
    cr_assert_eq(spr_segment_reader_new(old->segments[0], &reader), 0);
    cr_expect_eq(spr_segment_record(reader, 99, &record, NULL), 0);
    spr_segment_reader_free(reader);
    spr_snapshot_release(old);
    spr_index_close(index);
    remove_temporary(place.path);
}

Test(catalog, sees_what_another_index_object_published)
{
    struct place place = { 0 };
    make_place(&place);
    struct spr_index *writer = open_index(&place, 0);
    struct spr_index *other = open_index(&place, SPR_READ_ONLY);
    cr_expect_eq(count_messages(other), 0);

    cr_assert_eq(spr_catalog_publish(writer, grow(writer, 30), &place.fault), 0);

    cr_expect_eq(count_messages(other), 30);
    spr_index_close(writer);
    spr_index_close(other);
    remove_temporary(place.path);
}

Test(catalog, gives_its_lock_to_one_holder)
{
    struct place place = { 0 };
    make_place(&place);
    struct spr_index *index = open_index(&place, 0);
    int lock;
    int second;

    cr_assert_eq(spr_catalog_lock(index, &lock, &place.fault), 0);

    cr_expect_eq(spr_catalog_lock(index, &second, &place.fault), SPR_E_BUSY);
    (void)close(lock);
    cr_expect_eq(spr_catalog_lock(index, &second, &place.fault), 0);
    (void)close(second);
    spr_index_close(index);
    remove_temporary(place.path);
}

Test(catalog, sweeps_segments_that_no_manifest_names)
{
    struct place place = { 0 };
    make_place(&place);
    struct spr_index *index = open_index(&place, 0);
    cr_assert_eq(spr_catalog_publish(index, grow(index, 10), &place.fault), 0);
    spr_manifest_free(grow(index, 20)); /* its file is left as by a crash */
    static const char *const OTHERS[] = { "notes.seg", "00000000000000ff.seg.new" };
    for (unsigned i = 0; i < 2; i++) {
        const int fd = openat(index->dir_fd, OTHERS[i], O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        cr_assert_geq(fd, 0);
        (void)close(fd);
    }

    int lock;
    cr_assert_eq(spr_catalog_lock(index, &lock, &place.fault), 0);

    cr_expect_eq(faccessat(index->dir_fd, "0000000000000001.seg", F_OK, 0), 0);
    cr_expect_neq(faccessat(index->dir_fd, "0000000000000002.seg", F_OK, 0), 0);
    cr_expect_eq(faccessat(index->dir_fd, OTHERS[0], F_OK, 0), 0, "not a name of ours");
    cr_expect_neq(faccessat(index->dir_fd, OTHERS[1], F_OK, 0), 0);
    (void)close(lock);
    spr_index_close(index);
    remove_temporary(place.path);
}

Test(catalog, says_which_segment_is_missing)
{
    struct place place = { 0 };
    make_place(&place);
    struct spr_index *index = open_index(&place, 0);
    cr_assert_eq(spr_catalog_publish(index, grow(index, 10), &place.fault), 0);
    cr_assert_eq(unlinkat(index->dir_fd, "0000000000000001.seg", 0), 0);
    spr_index_close(index);

    int r = spr_index_open(place.dir, NULL, &index, &place.fault);

    cr_expect_eq(r, SPR_E_CORRUPT);
    cr_expect_str_eq(place.fault.subject, "0000000000000001.seg");
    remove_temporary(place.path);
}

struct reading {
    struct place *place;
    int failed;
};

static void *read_again_and_again(void *user)
{
    struct reading *reading = user;
    for (unsigned i = 0; i < 200 && reading->failed == 0; i++) {
        struct spr_index *index = NULL;
        struct spr_index_report report;
        int r = spr_index_open(reading->place->dir, NULL, &index, NULL);
        if (r == 0) {
            r = spr_index_describe(index, &report);
        }
        spr_index_close(index);
        reading->failed = r;
    }
    return NULL;
}

Test(catalog, is_readable_while_segments_come_and_go)
{
    struct place place = { 0 };
    make_place(&place);
    struct spr_index *index = open_index(&place, 0);
    cr_assert_eq(spr_catalog_publish(index, grow(index, 5), &place.fault), 0);
    struct reading reading = { .place = &place };
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, read_again_and_again, &reading), 0);

    for (unsigned i = 0; i < 60; i++) {
        struct spr_manifest *next = grow(index, 5);
        next->segments[0] = next->segments[1];
        next->segment_count = 1;
        cr_assert_eq(spr_catalog_publish(index, next, &place.fault), 0, "%s", place.fault.detail);
    }

    cr_assert_eq(pthread_join(thread, NULL), 0);
    cr_expect_eq(reading.failed, 0);
    spr_index_close(index);
    remove_temporary(place.path);
}

/* An index of an empty spool at place->path, scanned so many seconds ago. */
static struct spr_index *index_spool(struct place *place, const char *format, int64_t age)
{
    struct spr_index *index = open_index(place, 0);
    struct spr_manifest *manifest = grow(index, 1);
    char spool[TEMPORARY_PATH_MAX + 16];
    (void)snprintf(spool, sizeof(spool), "%s/spool", place->path);
    cr_assert_eq(mkdir(spool, 0700), 0);
    struct stat meta;
    cr_assert_eq(stat(spool, &meta), 0);
    manifest->spool_root = strdup(spool);
    manifest->format = strdup(format);
    manifest->root_device = meta.st_dev;
    manifest->root_inode = meta.st_ino;
    manifest->scanned_at = (int64_t)time(NULL) - age;
    const int64_t mtime_ns = (int64_t)meta.st_mtim.tv_sec * 1000000000 + meta.st_mtim.tv_nsec;
    cr_assert_eq(spr_manifest_add_folder(manifest, (struct spr_text){ (const uint8_t *)"", 0 },
                                         meta.st_ino, mtime_ns),
                 0);
    cr_assert_eq(spr_catalog_publish(index, manifest, &place->fault), 0);
    return index;
}

Test(catalog, is_stale_before_the_first_scan)
{
    struct place place = { 0 };
    make_place(&place);
    struct spr_index *index = open_index(&place, 0);

    cr_expect_eq(spr_index_stale(index, NULL), 1);

    spr_index_close(index);
    remove_temporary(place.path);
}

Test(catalog, is_stale_when_a_folder_changed)
{
    struct place place = { 0 };
    make_place(&place);
    struct spr_index *index = index_spool(&place, "postfix", 3600);
    char added[TEMPORARY_PATH_MAX + 32];
    (void)snprintf(added, sizeof(added), "%s/spool/added", place.path);
    cr_expect_eq(spr_index_stale(index, NULL), 0);

    cr_assert_eq(mkdir(added, 0700), 0);

    cr_expect_eq(spr_index_stale(index, NULL), 1);
    spr_index_close(index);
    remove_temporary(place.path);
}

Test(catalog, is_stale_by_age_where_the_server_edits_in_place)
{
    struct place place = { 0 };
    make_place(&place);

    struct spr_index *index = index_spool(&place, "editing", 3600);

    cr_expect_eq(spr_index_stale(index, NULL), 1);
    spr_index_close(index);
    remove_temporary(place.path);
}

Test(catalog, is_usable_after_a_publication_found_no_room)
{
    struct place place = { 0 };
    make_place(&place);
    struct spr_index *index = open_index(&place, 0);
    cr_assert_eq(spr_catalog_publish(index, grow(index, 10), &place.fault), 0);
    struct spr_manifest *next = grow(index, 20);

    spr_faulty_start(&(struct spr_fault_rule){ .site = "write", .nth = 1, .error = ENOSPC }, 1);
    int r = spr_catalog_publish(index, next, &place.fault);
    spr_faulty_stop();

    cr_expect_eq(r, -ENOSPC);
    cr_expect_str_eq(place.fault.subject, "MANIFEST");
    cr_expect_eq(count_messages(index), 10);
    cr_assert_eq(spr_catalog_publish(index, grow(index, 5), &place.fault), 0);
    cr_expect_eq(count_messages(index), 15);
    spr_index_close(index);
    remove_temporary(place.path);
}

Test(catalog, tells_what_the_manifest_says)
{
    struct place place = { 0 };
    make_place(&place);
    struct spr_index *index = index_spool(&place, "postfix", 3600);
    struct spr_index_report report;

    cr_assert_eq(spr_index_describe(index, &report), 0);

    cr_expect_eq(report.messages, 1);
    cr_expect_eq(report.recipients, 7);
    cr_expect_eq(report.segments, 1);
    cr_expect_str_eq(report.format, "postfix");
    cr_expect_gt(report.bytes_on_disk, 0);
    spr_index_close(index);
    remove_temporary(place.path);
}
