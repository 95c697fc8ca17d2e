#include "io/backend.h"
#include "io/calls.h"
#include "tests/support/window.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/stat.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

TestSuite(gather, .init = open_window, .fini = close_window, .timeout = 60);

/* Of window_content, byte 0 is 31 times the file's number; 31 * 223 is 1 modulo 256. */
static uint32_t number_of(int fd)
{
    static _Alignas(4096) uint8_t head[4096]; /* also for one that reads past the page cache */
    cr_assert_gt(spr_calls_plain()->pread(fd, head, sizeof(head), 0), 0);
    return (uint8_t)(head[0] * 223);
}

/* What the page cache holds, told by the file, since others may empty the real one meanwhile. */
static int cached_share; /* of each four files; no stride of a sample meets the same ones only */

static int64_t pread2_some_cached(int fd, void *bytes, size_t length, uint64_t offset, int flags)
{
    (void)flags; /* what is not to wait for the disk */
    const uint32_t number = number_of(fd);
    if ((int)((number ^ number / 4 ^ number / 16) % 4) >= cached_share) {
        return -EAGAIN;
    }
    return spr_calls_plain()->pread(fd, bytes, length, offset);
}

struct share {
    int cached;           /* of four */
    uint64_t least, most; /* reads through the ring, of 600 in three windows */
};

ParameterizedTestParameters(gather, reads_past_the_page_cache_only_what_is_not_in_it)
{
    static struct share shares[] = { { 4, 0, 0 }, { 3, 0, 0 }, { 2, 0, 0 }, { 0, 590, 600 } };
    return cr_make_param_array(struct share, shares, sizeof(shares) / sizeof(shares[0]));
}

ParameterizedTest(struct share *share, gather, reads_past_the_page_cache_only_what_is_not_in_it)
{
    const struct way ring = { .engine = SPR_IO_URING };
    if (!can_run(&ring)) {
        return;
    }
    for (uint32_t i = 0; i < 200; i++) {
        make_file(i, 5000);
    }
    ask_heads(200, 4096);
    struct spr_calls calls = *spr_calls_plain();
    calls.pread2 = pread2_some_cached;
    cached_share = share->cached;
    spr_calls_set(&calls);
    struct spr_io_shared *shared = new_shared(&ring, 2);
    struct spr_io *io = new_io(shared);

    for (unsigned round = 0; round < 3; round++) {
        cr_assert_eq(spr_io_window(io, window.requests, 200), 0);
        cr_expect_eq(drain(io), 0);
    }

    const uint64_t through_ring = spr_io_shared_ring_reads(shared);
    cr_expect_geq(through_ring, share->least);
    cr_expect_leq(through_ring, share->most);
    cr_expect_eq(io->window_is_cold, share->cached < 4);
    spr_io_free(io);
    spr_io_shared_free(shared);
    spr_calls_set(NULL);
}

static uint64_t size_of(int fd)
{
    struct stat stat;
    cr_assert_eq(fstat(fd, &stat), 0);
    return (uint64_t)stat.st_size;
}

/* A file system that keeps what is below 2,000 bytes beside the inode, and files so close in inode
 * order that what others make in between does not part them. */
static int tell_inline(int fd, unsigned long request, void *argument)
{
    cr_assert_eq(request, FS_IOC_FIEMAP);
    struct fiemap *map = argument;
    struct stat stat;
    cr_assert_eq(fstat(fd, &stat), 0);
    map->fm_mapped_extents = 1;
    map->fm_extents[0] = (struct fiemap_extent){
        .fe_physical = stat.st_ino * 64,
        .fe_flags = stat.st_size < 2000 ? FIEMAP_EXTENT_DATA_INLINE : 0,
    };
    return 0;
}

static int64_t pread2_inline_only(int fd, void *bytes, size_t length, uint64_t offset, int flags)
{
    (void)flags; /* as above */
    return size_of(fd) < 2000 ? spr_calls_plain()->pread(fd, bytes, length, offset) : -EAGAIN;
}

Test(gather, takes_what_came_with_the_inode_for_no_sign_of_a_cached_spool)
{
    const struct way ring = { .engine = SPR_IO_URING };
    if (!can_run(&ring)) {
        return;
    }
    for (uint32_t i = 0; i < 200; i++) {
        make_file(i, i % 4 == 0 ? 1000 : 5000);
    }
    ask_heads(200, 4096);
    struct spr_calls calls = *spr_calls_plain();
    calls.ioctl = tell_inline;
    calls.pread2 = pread2_inline_only;
    spr_calls_set(&calls);
    struct spr_io_shared *shared = new_shared(&ring, 2);
    struct spr_io *io = new_io(shared);

    const unsigned rounds = 12; /* the last ones without asking where each lies */
    for (unsigned round = 0; round < rounds; round++) {
        cr_assert_eq(spr_io_window(io, window.requests, 200), 0);
        cr_expect_eq(drain(io), 0);
    }

    cr_expect(spr_pace_knows_order(&shared->pace));
    const uint64_t through_ring = spr_io_shared_ring_reads(shared);
    cr_expect_geq(through_ring, rounds * 125);
    cr_expect_leq(through_ring, rounds * 150);
    spr_io_free(io);
    spr_io_shared_free(shared);
    spr_calls_set(NULL);
}

static unsigned dropped;

static int count_drops(int fd, uint64_t offset, uint64_t length, int advice)
{
    dropped += advice == POSIX_FADV_DONTNEED;
    return spr_calls_plain()->fadvise(fd, offset, length, advice);
}

/* All of a window's first reads are tried by the threads engine, so that each file tells. */
Test(gather, leaves_the_page_cache_as_it_was_when_it_is_nice)
{
    const struct way threads = { .engine = SPR_IO_THREADS };
    for (uint32_t i = 0; i < 200; i++) {
        make_file(i, 5000);
    }
    ask_heads(200, 4096);
    struct spr_calls calls = *spr_calls_plain();
    calls.pread2 = pread2_some_cached;
    calls.fadvise = count_drops;
    cached_share = 1;
    spr_calls_set(&calls);
    struct spr_io_shared *shared = new_shared(&threads, 2);
    spr_io_shared_be_nice(shared);
    struct spr_io *io = new_io(shared);

    cr_assert_eq(spr_io_window(io, window.requests, 200), 0);
    cr_expect_eq(drain(io), 0);

    cr_expect_eq(dropped, 150);
    spr_io_free(io);
    spr_io_shared_free(shared);
    spr_calls_set(NULL);
}

static unsigned opened_direct, switched;
static bool refuses_direct;

static int openat_counting(int dir_fd, const char *path, int flags, uint32_t mode)
{
    if ((flags & O_DIRECT) != 0 && refuses_direct) {
        return -EINVAL;
    }
    opened_direct += (flags & O_DIRECT) != 0;
    return spr_calls_plain()->openat(dir_fd, path, flags, mode);
}

static int setfl_counting(int fd, int flags)
{
    switched++;
    return spr_calls_plain()->setfl(fd, flags);
}

/* Three windows of 200, of which nothing is cached. */
static void read_cold_windows(void)
{
    const struct way ring = { .engine = SPR_IO_URING };
    for (uint32_t i = 0; i < 200; i++) {
        make_file(i, 5000);
    }
    ask_heads(200, 4096);
    struct spr_calls calls = *spr_calls_plain();
    calls.pread2 = pread2_some_cached;
    calls.openat = openat_counting;
    calls.setfl = setfl_counting;
    cached_share = 0;
    spr_calls_set(&calls);
    struct spr_io_shared *shared = new_shared(&ring, 1);
    struct spr_io *io = new_io(shared);
    for (unsigned round = 0; round < 3; round++) {
        cr_assert_eq(spr_io_window(io, window.requests, 200), 0);
        cr_expect_eq(drain(io), 0);
    }
    cr_expect_geq(spr_io_shared_ring_reads(shared), 590);
    spr_io_free(io);
    spr_io_shared_free(shared);
    spr_calls_set(NULL);
}

Test(gather, opens_cold_files_for_reads_past_the_page_cache_at_once)
{
    const struct way ring = { .engine = SPR_IO_URING };
    if (!can_run(&ring)) {
        return;
    }
    read_cold_windows();

    cr_expect_geq(opened_direct, 590);
    cr_expect_leq(switched, 2 * 3 * 17, "only samples change to and fro");
}

Test(gather, reads_through_the_page_cache_where_no_other_open_is_taken)
{
    const struct way ring = { .engine = SPR_IO_URING };
    if (!can_run(&ring)) {
        return;
    }
    refuses_direct = true;
    read_cold_windows();

    cr_expect_eq(opened_direct, 0);
    cr_expect_eq(switched, 0, "a refusal is remembered");
}
