#include "io/dirents.h"
#include "io/durable.h"
#include "tests/support/faulty_io.h"
#include "tests/support/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <criterion/criterion.h>

static char root[TEMPORARY_PATH_MAX];
static int root_fd = -1;

static void open_root(void)
{
    make_temporary(root);
    root_fd = spr_root_open(root);
    cr_assert(root_fd >= 0);
}

static void close_root(void)
{
    spr_faulty_stop();
    close(root_fd);
    remove_temporary(root);
}

TestSuite(durable, .init = open_root, .fini = close_root, .timeout = 60);

static void put_file(const char *name, const char *text)
{
    const int fd = openat(root_fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    cr_assert(fd >= 0);
    cr_assert_eq(spr_write_all(fd, text, strlen(text)), 0);
    close(fd);
}

static bool holds(const char *name, const char *text)
{
    char found[128] = { 0 };
    const int fd = openat(root_fd, name, O_RDONLY);
    if (fd < 0) {
        return false;
    }
    const ssize_t length = read(fd, found, sizeof(found) - 1);
    close(fd);
    return length == (ssize_t)strlen(text) && strcmp(found, text) == 0;
}

static bool exists(const char *name)
{
    return faccessat(root_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static struct spr_identity identity_at(const char *name)
{
    struct spr_identity identity;
    const int fd = openat(root_fd, name, O_RDONLY);
    cr_assert(fd >= 0);
    cr_assert_eq(spr_identity_of(fd, &identity), 0);
    close(fd);
    return identity;
}

Test(durable, renames_over_nothing)
{
    put_file("a", "one");
    put_file("b", "two");

    cr_expect_eq(spr_rename_new(root_fd, "a", root_fd, "b"), -EEXIST);
    cr_expect(holds("a", "one") && holds("b", "two"));
    cr_expect_eq(spr_rename_new(root_fd, "a", root_fd, "c"), 0);
    cr_expect(!exists("a") && holds("c", "one"));
    cr_expect_eq(spr_rename_new(root_fd, "absent", root_fd, "d"), -ENOENT);
}

Test(durable, says_where_a_file_system_cannot_promise)
{
    put_file("a", "one");
    spr_faulty_start(&(struct spr_fault_rule){ .site = "renameat2", .nth = 1, .error = EINVAL }, 1);

    cr_expect_eq(spr_rename_new(root_fd, "a", root_fd, "b"), -ENOTSUP);
}

Test(durable, takes_single_names_only)
{
    static const char *const bad[] = { "", ".", "..", "a/b", "/a" };
    const struct spr_identity none = { 0 };
    put_file("good", "x");

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct spr_replace *replace = NULL;
        struct spr_identity identity;
        cr_expect_eq(spr_identity_at(root_fd, bad[i], &identity), -EINVAL, "%s", bad[i]);
        cr_expect_eq(spr_identity_times_at(root_fd, bad[i], &identity), -EINVAL, "%s", bad[i]);
        cr_expect_eq(spr_identity_open(root_fd, bad[i], &identity), -EINVAL, "%s", bad[i]);
        cr_expect_eq(spr_identity_has_handle(root_fd, bad[i], &none), -EINVAL, "%s", bad[i]);
        cr_expect_eq(spr_rename_new(root_fd, bad[i], root_fd, "x"), -EINVAL, "%s", bad[i]);
        cr_expect_eq(spr_rename_new(root_fd, "good", root_fd, bad[i]), -EINVAL, "%s", bad[i]);
        cr_expect_eq(spr_unlink(root_fd, bad[i]), -EINVAL, "%s", bad[i]);
        cr_expect_eq(spr_rmdir_at(root_fd, bad[i]), -EINVAL, "%s", bad[i]);
        cr_expect_eq(spr_mkdir_at(root_fd, bad[i], 0700), -EINVAL, "%s", bad[i]);
        cr_expect_eq(spr_touch_now(root_fd, bad[i]), -EINVAL, "%s", bad[i]);
        cr_expect_eq(spr_replace_begin(root_fd, bad[i], &replace), -EINVAL, "%s", bad[i]);
        cr_expect_null(replace);
    }
}

Test(durable, identifies_regular_files_only)
{
    put_file("file", "x");
    cr_assert_eq(symlinkat("file", root_fd, "link"), 0);
    cr_assert_eq(mkfifoat(root_fd, "fifo", 0600), 0);
    cr_assert_eq(mkdirat(root_fd, "folder", 0700), 0);

    struct spr_identity identity;

    cr_expect_eq(spr_identity_at(root_fd, "file", &identity), 0);
    cr_expect_eq(spr_identity_at(root_fd, "link", &identity), -EBADF);
    cr_expect_eq(spr_identity_at(root_fd, "fifo", &identity), -EBADF);
    cr_expect_eq(spr_identity_at(root_fd, "folder", &identity), -EBADF);
    cr_expect_eq(spr_identity_at(root_fd, "absent", &identity), -ENOENT);
    cr_expect_eq(spr_identity_open(root_fd, "link", &identity), -ELOOP);
    cr_expect_eq(spr_identity_open(root_fd, "fifo", &identity), -EBADF);
    cr_expect_eq(spr_identity_open(root_fd, "folder", &identity), -EBADF);
    cr_expect_eq(spr_identity_open(root_fd, "absent", &identity), -ENOENT);
}

Test(durable, touches_the_file_and_not_where_it_links_to)
{
    put_file("file", "x");
    const struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
    cr_assert_eq(utimensat(root_fd, "file", old, 0), 0);
    cr_assert_eq(symlinkat("file", root_fd, "link"), 0);
    struct spr_io_meta meta;

    cr_assert_eq(spr_touch_now(root_fd, "link"), 0);
    cr_assert_eq(spr_meta_at(root_fd, "file", &meta), 0);
    cr_expect_eq(meta.mtime_ns, INT64_C(1000000000000));
    cr_assert_eq(spr_touch_now(root_fd, "file"), 0);
    cr_assert_eq(spr_meta_at(root_fd, "file", &meta), 0);
    cr_expect_gt(meta.mtime_ns, INT64_C(1000000000000));
}

Test(durable, knows_a_file_after_its_rename)
{
    put_file("a", "text");
    const struct spr_identity before = identity_at("a");
    cr_assert_eq(spr_rename_new(root_fd, "a", root_fd, "b"), 0);

    const struct spr_identity after = identity_at("b");

    cr_expect(spr_identity_equal(&before, &after, false));
    cr_expect_eq(before.inode, after.inode);
    cr_expect_gt(before.handle_length, 0, "every file system of the tests has handles");
    cr_expect_neq(before.mount, 0);
}

Test(durable, tells_files_apart)
{
    put_file("a", "text");
    const struct spr_identity is = identity_at("a");
    struct spr_identity other[10];
    for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
        other[i] = is;
    }
    other[0].inode++;
    other[1].size++;
    other[2].mtime_ns++;
    other[3].uid++;
    other[4].mode ^= 0111;
    other[5].device++;
    other[6].generation = is.generation + 1 != 0 ? is.generation + 1 : 1;
    other[7].birth_ns++;
    other[8].handle[0] ^= 1;
    other[9].gid++;
    struct spr_identity less = is;
    less.birth_ns = 0;
    less.handle_length = 0;
    less.mount = 0;
    less.device = 0;
    less.generation = 0;
    struct spr_identity changed = is;
    changed.ctime_ns++;
    struct spr_identity linked = is;
    linked.links++;

    for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
        const bool not_told = (i == 6 && is.generation == 0) || (i == 7 && is.birth_ns == 0);
        cr_expect_eq(spr_identity_equal(&is, &other[i], false), not_told, "%zu", i);
    }
    cr_expect(spr_identity_equal(&is, &less, true));
    cr_expect(spr_identity_equal(&is, &changed, false));
    cr_expect_not(spr_identity_equal(&is, &changed, true));
    cr_expect(spr_identity_equal(&is, &linked, false));
    cr_expect_not(spr_identity_equal(&is, &linked, true));
}

Test(durable, identifies_in_one_call_or_by_an_open_file)
{
    put_file("a", "text");
    const struct spr_identity is = identity_at("a");
    struct spr_identity times;
    struct spr_identity opened;

    cr_assert_eq(spr_identity_times_at(root_fd, "a", &times), 0);
    const int fd = spr_identity_open(root_fd, "a", &opened);
    cr_assert_geq(fd, 0);
    close(fd);

    cr_expect_eq(times.handle_length, 0);
    cr_expect_eq(times.birth_ns, is.birth_ns);
    cr_expect(spr_identity_equal(&is, &times, true));
    cr_expect_eq(opened.handle_length, is.handle_length);
    cr_expect(spr_identity_equal(&is, &opened, true));
}

Test(durable, knows_a_file_by_its_handle_whatever_is_written_in_it)
{
    put_file("a", "text");
    put_file("b", "text");
    struct spr_identity a;
    cr_assert_eq(spr_identity_at(root_fd, "a", &a), 0);
    struct spr_identity without = a;
    without.handle_length = 0;
    const int fd = openat(root_fd, "a", O_WRONLY | O_APPEND);
    cr_assert_eq(write(fd, "more", 4), 4);
    close(fd);

    cr_expect_eq(spr_identity_has_handle(root_fd, "a", &a), 1);
    cr_expect_eq(spr_identity_has_handle(root_fd, "b", &a), 0);
    cr_expect_eq(spr_identity_has_handle(root_fd, "c", &a), -ENOENT);
    cr_expect_eq(spr_identity_has_handle(root_fd, "a", &without), -ENOTSUP);
    spr_faulty_start(
        &(struct spr_fault_rule){ .site = "name_to_handle_at", .nth = 1, .error = EOPNOTSUPP }, 1);
    cr_expect_eq(spr_identity_has_handle(root_fd, "a", &a), -ENOTSUP);
}

Test(durable, identifies_by_the_name_and_without_statx)
{
    put_file("a", "text");
    const struct spr_identity open_file = identity_at("a");
    struct spr_identity named;
    struct spr_identity narrow;
    struct spr_identity gone;

    cr_assert_eq(spr_identity_at(root_fd, "a", &named), 0);
    spr_faulty_start(&(struct spr_fault_rule){ .site = "statx", .nth = 1, .error = ENOSYS }, 1);
    cr_assert_eq(spr_identity_at(root_fd, "a", &narrow), 0);
    spr_faulty_start(
        &(struct spr_fault_rule){ .site = "name_to_handle_at", .nth = 1, .error = ENOENT }, 1);
    cr_assert_eq(spr_identity_at(root_fd, "a", &gone), -ENOENT);

    cr_expect(spr_identity_equal(&open_file, &named, true));
    cr_expect_eq(named.handle_length, open_file.handle_length);
    cr_expect(spr_identity_equal(&open_file, &narrow, true));
    cr_expect_eq(narrow.birth_ns, 0);
}

Test(durable, writes_all_through_short_writes_and_interruptions)
{
    const int fd = openat(root_fd, "a", O_RDWR | O_CREAT, 0600);
    static const struct spr_fault_rule rules[] = {
        { .site = "write", .nth = 1, .onwards = true, .short_bytes = 3 },
        { .site = "write", .nth = 2, .error = EINTR },
        { .site = "pread", .nth = 1, .onwards = true, .short_bytes = 2 },
        { .site = "pread", .nth = 3, .error = EINTR },
    };
    char found[10];
    spr_faulty_start(rules, 4);

    cr_expect_eq(spr_write_all(fd, "0123456789", 10), 0);
    cr_expect_eq(spr_read_exact(fd, found, 10, 0), 0);

    cr_expect_arr_eq(found, "0123456789", 10);
    cr_expect_eq(spr_read_exact(fd, found, 10, 1), -ENODATA);
    close(fd);
}

Test(durable, reserves_real_room)
{
    static const int errors[] = { 0, EOPNOTSUPP };
    for (int i = 0; i < 2; i++) {
        struct stat meta;
        const int fd = openat(root_fd, "room", O_RDWR | O_CREAT | O_TRUNC, 0600);
        spr_faulty_start(&(struct spr_fault_rule){ .site = "fallocate",
                                                   .nth = errors[i] != 0,
                                                   .error = errors[i] },
                         1);

        cr_expect_eq(spr_reserve(fd, 300000), 0);

        cr_assert_eq(fstat(fd, &meta), 0);
        cr_expect_eq(meta.st_size, 300000);
        cr_expect_geq(meta.st_blocks * 512, 300000);
        close(fd);
    }
}

Test(durable, does_not_retry_a_sync)
{
    const int fd = openat(root_fd, "a", O_RDWR | O_CREAT, 0600);
    spr_faulty_start(&(struct spr_fault_rule){ .nth = 1, .error = EINTR }, 1);

    cr_expect_eq(spr_sync_data(fd), -EINTR);
    cr_expect_eq(spr_faulty_passed(), 1);
    spr_faulty_start(&(struct spr_fault_rule){ .nth = 1, .error = EIO }, 1);
    cr_expect_eq(spr_sync_dir(root_fd), -EIO);
    cr_expect_eq(spr_faulty_passed(), 1);
    close(fd);
}

static int replace_with(const char *text)
{
    struct spr_replace *replace;
    int r = spr_replace_begin(root_fd, "file", &replace);
    if (r < 0) {
        return r;
    }
    r = spr_write_all(spr_replace_fd(replace), text, strlen(text));
    if (r < 0) {
        spr_replace_abort(replace);
        return r;
    }
    return spr_replace_commit(replace);
}

Test(durable, replaces_a_file_as_a_whole)
{
    put_file("file", "old");
    put_file("file.new", "leftover of a crash");

    cr_expect_eq(replace_with("new"), 0);

    struct spr_io_meta meta;
    cr_expect(holds("file", "new"));
    cr_expect_not(exists("file.new"));
    cr_assert_eq(spr_meta_at(root_fd, "file", &meta), 0);
    cr_expect_eq(meta.mode & 07777, 0600);
}

Test(durable, keeps_the_old_file_through_a_fault_at_every_call)
{
    for (uint64_t nth = 1; nth < 50; nth++) {
        put_file("file", "old");
        spr_faulty_start(&(struct spr_fault_rule){ .nth = nth, .error = ENOSPC }, 1);
        const int r = replace_with("new");
        const bool hit = spr_faulty_hits() > 0;
        spr_faulty_stop();

        cr_expect_eq(r, hit ? -ENOSPC : 0, "%lu", nth);
        /* The folder's sync is the last call: by then the new file has its name. */
        cr_expect(holds("file", "old") || (holds("file", "new") && (!hit || nth == 6)), "%lu", nth);
        cr_expect_not(exists("file.new"), "%lu", nth);
        if (!hit) {
            cr_expect(holds("file", "new"));
            cr_expect_gt(nth, 5);
            return;
        }
    }
    cr_assert_fail("the sweep has no end");
}

Test(durable, aborts_without_a_trace)
{
    struct spr_replace *replace;
    put_file("file", "old");
    cr_assert_eq(spr_replace_begin(root_fd, "file", &replace), 0);

    spr_replace_abort(replace);
    spr_replace_abort(NULL);

    cr_expect(holds("file", "old"));
    cr_expect_not(exists("file.new"));
}

Test(durable, notifies_the_reader_of_a_fifo)
{
    char found[8] = { 0 };
    cr_assert_eq(mkdirat(root_fd, "public", 0700), 0);
    cr_assert_eq(mkfifoat(root_fd, "public/qmgr", 0600), 0);

    cr_expect_eq(spr_notify(root_fd, "public/qmgr", "W", 1), -ENXIO);
    const int fd = openat(root_fd, "public/qmgr", O_RDONLY | O_NONBLOCK);
    cr_expect_eq(spr_notify(root_fd, "public/qmgr", "W", 1), 0);

    cr_expect_eq(read(fd, found, sizeof(found)), 1);
    cr_expect_str_eq(found, "W");
    close(fd);
}

static int64_t break_pipe(int fd, const void *bytes, size_t length)
{
    (void)fd;
    (void)bytes;
    (void)length;
    (void)raise(SIGPIPE);
    return -EPIPE;
}

Test(durable, outlives_a_reader_that_goes_away)
{
    struct spr_calls calls = *spr_calls_plain();
    calls.write = break_pipe;
    cr_assert_eq(mkfifoat(root_fd, "fifo", 0600), 0);
    const int fd = openat(root_fd, "fifo", O_RDONLY | O_NONBLOCK);
    spr_calls_set(&calls);

    cr_expect_eq(spr_notify(root_fd, "fifo", "W", 1), -EPIPE);

    sigset_t pending;
    cr_assert_eq(sigpending(&pending), 0);
    cr_expect_eq(sigismember(&pending, SIGPIPE), 0);
    spr_calls_set(NULL);
    close(fd);
}

Test(durable, notifies_a_stream_socket)
{
    char found[8] = { 0 };
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    cr_assert(strlen(root) + sizeof("/sock") <= sizeof(address.sun_path));
    stpcpy(stpcpy(address.sun_path, root), "/sock");
    const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);

    cr_expect_eq(spr_notify(root_fd, "sock", "W", 1), -ECONNREFUSED);
    cr_assert_eq(listen(listener, 1), 0);
    cr_expect_eq(spr_notify(root_fd, "sock", "W", 1), 0);

    const int fd = accept(listener, NULL, NULL);
    cr_expect_eq(read(fd, found, sizeof(found)), 1);
    cr_expect_str_eq(found, "W");
    close(fd);
    close(listener);
}

Test(durable, notifies_nothing_else_and_nothing_outside)
{
    static const char *const bad[] = { "file", "link", "folder", "..", "", "/dev/null", "../x" };
    put_file("file", "x");
    cr_assert_eq(mkdirat(root_fd, "folder", 0700), 0);
    cr_assert_eq(mkfifoat(root_fd, "fifo", 0600), 0);
    cr_assert_eq(symlinkat("fifo", root_fd, "link"), 0);
    const int fd = openat(root_fd, "fifo", O_RDONLY | O_NONBLOCK);

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_expect(spr_notify(root_fd, bad[i], "W", 1) < 0, "%s", bad[i]);
    }
    cr_expect(holds("file", "x"));
    close(fd);
}
