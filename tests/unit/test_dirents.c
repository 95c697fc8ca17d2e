#include "io/dirents.h"
#include "tests/support/faulty_io.h"
#include "tests/support/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

static char root[TEMPORARY_PATH_MAX];
static int root_fd = -1;

static void open_root(void)
{
    make_temporary(root);
    root_fd = spr_root_open(root);
    cr_assert(root_fd >= 0);
    cr_assert_eq(mkdirat(root_fd, "a", 0700), 0);
    cr_assert_eq(mkdirat(root_fd, "a/b", 0700), 0);
    cr_assert_eq(mkdirat(root_fd, "a/b/c", 0700), 0);
    cr_assert_eq(symlinkat("a", root_fd, "link"), 0);
    cr_assert_eq(symlinkat("b", root_fd, "a/inner"), 0);
    close(openat(root_fd, "file", O_WRONLY | O_CREAT, 0600));
}

static void close_root(void)
{
    spr_faulty_stop();
    close(root_fd);
    remove_temporary(root);
}

TestSuite(dirents, .init = open_root, .fini = close_root, .timeout = 60);

static uint64_t inode_of(int fd)
{
    struct spr_io_meta meta;
    cr_assert_eq(spr_meta_of(fd, &meta), 0);
    return meta.inode;
}

static uint64_t inode_at(const char *path)
{
    struct spr_io_meta meta;
    cr_assert_eq(spr_meta_at(root_fd, path, &meta), 0, "%s", path);
    return meta.inode;
}

/* With openat2, where a sandbox hides it, and where the kernel lacks it. */
static int openat2_errors[] = { 0, EPERM, ENOSYS };

static void fail_openat2(int error)
{
    if (error != 0) {
        spr_faulty_start(
            &(struct spr_fault_rule){
                .site = "openat2", .nth = 1, .onwards = true, .error = error },
            1);
    }
}

ParameterizedTestParameters(dirents, opens_folders_beneath_the_root)
{
    return cr_make_param_array(int, openat2_errors, 3);
}

ParameterizedTest(int *error, dirents, opens_folders_beneath_the_root)
{
    static const char *const paths[] = { "a", "a/", "a/b", "a//b/c", "./a/./b" };
    fail_openat2(*error);

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        const int fd = spr_dir_open(root_fd, paths[i]);
        cr_assert(fd >= 0, "%s: %d", paths[i], fd);
        cr_expect_eq(inode_of(fd), inode_at(paths[i]), "%s", paths[i]);
        close(fd);
    }
    for (int i = 0; i < 2; i++) {
        const int fd = spr_dir_open(root_fd, i == 0 ? "" : ".");
        cr_assert(fd >= 0);
        cr_expect_eq(inode_of(fd), inode_of(root_fd));
        close(fd);
    }
}

ParameterizedTestParameters(dirents, leaves_the_root_by_no_path)
{
    return cr_make_param_array(int, openat2_errors, 3);
}

ParameterizedTest(int *error, dirents, leaves_the_root_by_no_path)
{
    static const char *const paths[] = { "..",     "a/../..", "/",    "/tmp",    "link",
                                         "link/b", "a/inner", "file", "a/absent" };
    fail_openat2(*error);

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        cr_expect(spr_dir_open(root_fd, paths[i]) < 0, "%s", paths[i]);
    }
}

Test(dirents, walks_no_component_longer_than_a_name)
{
    char path[600];
    memset(path, 'x', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    fail_openat2(ENOSYS);

    cr_expect_eq(spr_dir_open(root_fd, path), -ENAMETOOLONG);
}

Test(dirents, tries_again_when_a_rename_crosses_the_open)
{
    spr_faulty_start(&(struct spr_fault_rule){ .site = "openat2", .nth = 1, .error = EAGAIN }, 1);

    const int fd = spr_dir_open(root_fd, "a/b");

    cr_assert(fd >= 0);
    close(fd);
}

Test(dirents, follows_a_link_that_the_operator_names)
{
    char path[TEMPORARY_PATH_MAX + 8];
    snprintf(path, sizeof(path), "%s/link", root);

    const int fd = spr_root_open(path);

    cr_assert(fd >= 0);
    cr_expect_eq(inode_of(fd), inode_at("a"));
    close(fd);
}

Test(dirents, tells_the_meta_of_a_link_itself)
{
    struct spr_io_meta meta;

    cr_assert_eq(spr_meta_at(root_fd, "link", &meta), 0);

    cr_expect(S_ISLNK(meta.mode));
}

struct seen {
    uint32_t count, limit;
    char kinds[256];
    uint64_t inode_of_file;
};

static int note_entry(const struct spr_dirent *entry, void *user)
{
    struct seen *seen = user;
    cr_assert_eq(strlen(entry->name), entry->length);
    cr_assert_neq(entry->name[0], '.');
    seen->kinds[(uint8_t)entry->name[0]] = entry->kind;
    if (entry->kind == 'f') {
        seen->inode_of_file = entry->inode;
    }
    seen->count++;
    return seen->count == seen->limit ? 77 : 0;
}

Test(dirents, lists_every_entry_with_its_kind)
{
    struct seen seen = { 0 };
    cr_assert_eq(mkfifoat(root_fd, "pipe", 0600), 0);

    cr_assert_eq(spr_dir_list(root_fd, 100, note_entry, &seen), 0);

    cr_expect_eq(seen.count, 4);
    cr_expect_eq(seen.kinds['a'], 'd');
    cr_expect_eq(seen.kinds['l'], 'l');
    cr_expect_eq(seen.kinds['f'], 'f');
    cr_expect_eq(seen.kinds['p'], 'p');
    cr_expect_eq(seen.inode_of_file, inode_at("file"));
}

Test(dirents, lists_again_from_the_start)
{
    struct seen first = { 0 };
    struct seen second = { 0 };

    cr_assert_eq(spr_dir_list(root_fd, 100, note_entry, &first), 0);
    cr_assert_eq(spr_dir_list(root_fd, 100, note_entry, &second), 0);

    cr_expect_eq(first.count, second.count);
}

Test(dirents, ends_at_the_limit_and_at_the_callers_word)
{
    struct seen all = { 0 };
    struct seen some = { .limit = 2 };

    cr_expect_eq(spr_dir_list(root_fd, 2, note_entry, &all), -E2BIG);
    cr_expect_eq(all.count, 2);
    cr_expect_eq(spr_dir_list(root_fd, 100, note_entry, &some), 77);
    cr_expect_eq(some.count, 2);
}

Test(dirents, lists_more_than_one_buffer_holds)
{
    struct seen seen = { 0 };
    for (int i = 0; i < 5000; i++) {
        char name[32];
        snprintf(name, sizeof(name), "a/b/entry-number-%05d", i);
        close(openat(root_fd, name, O_WRONLY | O_CREAT, 0600));
    }
    const int fd = spr_dir_open(root_fd, "a/b");

    cr_expect_eq(spr_dir_list(fd, 10000, note_entry, &seen), 0);

    cr_expect_eq(seen.count, 5001);
    close(fd);
}

/* getdents64 of a hostile file system. */
static uint8_t hostile[64];
static int64_t hostile_length;

static int64_t give_hostile(int fd, void *bytes, size_t length)
{
    (void)fd;
    cr_assert(length >= sizeof(hostile));
    memcpy(bytes, hostile, sizeof(hostile));
    const int64_t given = hostile_length;
    hostile_length = 0;
    return given;
}

/* Parameters are copied into the test's process: no pointers in them. */
struct hostile_entry {
    char what[24];
    uint16_t length;
    int64_t given;
    char name[16]; /* at most 13 bytes count */
};

static struct hostile_entry hostile_entries[] = {
    { "whole", 32, 32, "fine" },
    { "shorter than its head", 18, 32, "x" },
    { "no name", 32, 32, "" },
    { "longer than the buffer", 40, 32, "x" },
    { "length zero", 0, 32, "x" },
    { "cut head", 32, 10, "x" },
    { "slash in the name", 32, 32, "a/b" },
    { "no end", 32, 32, "0123456789abc" },
};

ParameterizedTestParameters(dirents, believes_no_entry_that_cannot_be)
{
    return cr_make_param_array(struct hostile_entry, hostile_entries,
                               sizeof(hostile_entries) / sizeof(hostile_entries[0]));
}

ParameterizedTest(struct hostile_entry *entry, dirents, believes_no_entry_that_cannot_be)
{
    struct spr_calls calls = *spr_calls_plain();
    calls.getdents64 = give_hostile;
    memcpy(hostile + 16, &entry->length, sizeof(entry->length));
    memset(hostile + 19, 'z', sizeof(hostile) - 19);
    const size_t name_length = strlen(entry->name);
    memcpy(hostile + 19, entry->name, name_length < 13 ? name_length + 1 : 13);
    hostile_length = entry->given;
    struct seen seen = { 0 };
    spr_calls_set(&calls);

    const int r = spr_dir_list(root_fd, 10, note_entry, &seen);

    const bool whole = strcmp(entry->what, "whole") == 0;
    cr_expect_eq(r, whole ? 0 : -EIO, "%s: %d", entry->what, r);
    cr_expect_eq(seen.count, whole ? 1 : 0, "%s", entry->what);
    spr_calls_set(NULL);
}

Test(dirents, passes_on_a_fault_at_every_call)
{
    for (uint64_t nth = 1; nth < 50; nth++) {
        struct seen seen = { 0 };
        spr_faulty_start(&(struct spr_fault_rule){ .nth = nth, .error = EIO }, 1);
        const int fd = spr_dir_open(root_fd, "a");
        const int r = fd < 0 ? fd : spr_dir_list(fd, 10, note_entry, &seen);
        const bool hit = spr_faulty_hits() > 0;
        spr_faulty_stop();
        if (fd >= 0) {
            close(fd);
        }
        cr_expect_eq(r, hit ? -EIO : 0, "%lu", nth);
        if (!hit) {
            return;
        }
    }
    cr_assert_fail("the sweep has no end");
}
