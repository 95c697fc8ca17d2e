/*
 * Measures one loop: the format's parse with core's sink behind it, over messages of a real spool
 * that lie in memory.
 *
 * usage: parse SPOOL postfix|imail [MESSAGES [ROUNDS]]      (256, 200)
 *
 * Takes so many messages spread evenly over the spool; few enough that their envelopes stay in the
 * core's own cache, as in a scan, where the kernel has just copied them. One row for each round:
 * "parse" by messages, "parse recipient" the same time by recipients; then "normalise", the normal
 * form of every recipient's address.
 */
#include "bench/measure.h"
#include "core/index/address.h"
#include "core/index/identity.h"
#include "core/library.h"
#include "core/scan/extract.h"
#include "core/scan/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PASSES 10 /* over all messages in one round, so that the clock does not count */

struct message {
    struct spr_fetched fetched;
    struct spr_file_view files[SPR_ROLES_MAX];
    struct spr_extent extents[SPR_ROLES_MAX];
};

struct sample {
    struct message *messages;
    size_t count;
    uint64_t recipients;
    struct spr_text *addresses;
};

static _Noreturn void fail(const char *what, int code)
{
    spr_measure_fail(what, code, NULL);
}

/* Up to length bytes of a file into memory that is never given back; the sizes come from stat. */
static void read_file(struct message *message, int root_fd, unsigned role, const char *path,
                      size_t length)
{
    struct stat stat;
    int fd = openat(root_fd, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &stat) < 0) {
        fail(path, -errno);
    }
    uint8_t *bytes = malloc(length);
    ssize_t got = bytes == NULL ? -1 : pread(fd, bytes, length, 0);
    if (got < 0) {
        fail(path, bytes == NULL ? -ENOMEM : -errno);
    }
    (void)close(fd); /* read only */
    message->extents[role] = (struct spr_extent){ 0, { bytes, (size_t)got } };
    message->files[role] = (struct spr_file_view){
        .present = true,
        .sought = true,
        .size = (uint64_t)stat.st_size,
        .mtime_ns = (int64_t)stat.st_mtim.tv_sec * 1000000000 + stat.st_mtim.tv_nsec,
        .mode = stat.st_mode,
        .uid = stat.st_uid,
        .inode = stat.st_ino,
        .extents = &message->extents[role],
        .extent_count = 1,
    };
    struct spr_io_meta *meta = &message->fetched.meta;
    *meta = (struct spr_io_meta){ .device = stat.st_dev,
                                  .inode = stat.st_ino,
                                  .size = (uint64_t)stat.st_size,
                                  .mtime_ns = message->files[role].mtime_ns,
                                  .mode = stat.st_mode };
}

/* head: of each file; SIZE_MAX is too much for malloc, so whole means 16 MiB. */
static void load(struct message *message, const struct spr_walk *walk,
                 struct spr_candidate *candidate, size_t head)
{
    const struct spr_format *format = walk->setup.format;
    const struct spr_walk_folder *folder = &walk->folders[candidate->folder];
    struct spr_candidate_file file;
    for (unsigned i = 0; i < candidate->file_count; i++) {
        char path[SPR_PATH_MAX + SPR_NAME_MAX + 2];
        if (i == 0) {
            spr_candidate_first(candidate, &file);
            (void)format->classify(walk->setup.layout, folder->dir, file.name,
                                   &message->fetched.view.key);
            message->fetched.primary = file.role;
        } else {
            spr_candidate_next(&file);
        }
        (void)snprintf(path, sizeof(path), "%s%s%s", folder->path, folder->path[0] ? "/" : "",
                       (const char *)file.name.bytes);
        read_file(message, walk->setup.root_fd, file.role, path, head);
        message->files[file.role].name = file.name;
        message->fetched.roles_present |= 1u << file.role;
    }
    message->fetched.candidate = candidate;
    message->fetched.folder = folder;
    message->fetched.view.layout = walk->setup.layout;
    message->fetched.view.dir = folder->dir;
    message->fetched.view.folder =
        (struct spr_text){ (const uint8_t *)folder->path, strlen(folder->path) };
    message->fetched.view.now = 1795500000;
    message->fetched.view.files = message->files;
}

static enum spr_verdict parse(struct spr_extract *extract, const struct message *message)
{
    enum spr_verdict verdict;
    struct spr_need need;
    int r = spr_extract_parse(extract, &message->fetched, &verdict, &need);
    if (r < 0) {
        fail("parse", r);
    }
    return verdict;
}

static struct spr_text keep(struct spr_text text)
{
    uint8_t *copy = malloc(text.length + 1);
    if (copy == NULL) {
        fail("addresses", -ENOMEM);
    }
    memcpy(copy, text.bytes, text.length);
    return (struct spr_text){ copy, text.length };
}

static void note(struct sample *sample, const struct spr_record *record)
{
    sample->addresses = realloc(sample->addresses, (sample->recipients + record->recipient_count) *
                                                       sizeof(*sample->addresses));
    if (sample->addresses == NULL) {
        fail("addresses", -ENOMEM);
    }
    for (uint32_t i = 0; i < record->recipient_count; i++) {
        sample->addresses[sample->recipients++] = keep(record->recipients[i].address);
    }
}

/* Those that parse from their heads, or whole where the heads do not suffice. */
static void take_sample(struct sample *sample, const struct spr_walk *walk,
                        struct spr_extract *extract, size_t wanted)
{
    const size_t step = walk->candidate_count > wanted ? walk->candidate_count / wanted : 1;
    sample->messages = calloc(walk->candidate_count / step + 1, sizeof(*sample->messages));
    if (sample->messages == NULL) {
        fail("sample", -ENOMEM);
    }
    for (size_t i = 0; i < walk->candidate_count; i += step) {
        struct message *message = &sample->messages[sample->count];
        load(message, walk, &walk->candidates[i], walk->setup.format->head_bytes);
        enum spr_verdict verdict = parse(extract, message);
        if (verdict == SPR_MORE) {
            load(message, walk, &walk->candidates[i], (size_t)16 << 20);
            verdict = parse(extract, message);
        }
        if (verdict == SPR_PARSED) {
            note(sample, spr_extract_record(extract));
            sample->count++;
        }
    }
}

static void measure_round(const struct sample *sample, struct spr_extract *extract,
                          const char *format)
{
    double start = spr_measure_now();
    for (unsigned pass = 0; pass < PASSES; pass++) {
        for (size_t i = 0; i < sample->count; i++) {
            (void)parse(extract, &sample->messages[i]);
        }
    }
    double seconds = spr_measure_now() - start;
    spr_measure_row("parse", format, seconds, PASSES * sample->count);
    spr_measure_row("parse recipient", format, seconds, PASSES * sample->recipients);

    size_t bytes = 0;
    start = spr_measure_now();
    for (uint64_t i = 0; i < sample->recipients; i++) {
        uint8_t out[SPR_ADDRESS_MAX];
        bytes += spr_address_normalise(sample->addresses[i], out);
    }
    seconds = spr_measure_now() - start;
    if (bytes == 0) {
        fail("normalise", -EINVAL);
    }
    spr_measure_row("normalise", format, seconds, sample->recipients);
}

int main(int argc, char **argv)
{
    struct spr_options options = SPR_OPTIONS_INIT;
    const struct spr_format *format = argc < 3 ? NULL : spr_format_named(&options, argv[2]);
    if (format == NULL || argc > 5) {
        fputs("usage: parse SPOOL postfix|imail [MESSAGES [ROUNDS]]\n", stderr);
        return 2;
    }
    const size_t wanted = argc > 3 ? strtoul(argv[3], NULL, 10) : 256;
    const unsigned long rounds = argc > 4 ? strtoul(argv[4], NULL, 10) : 200;
    const struct spr_layout layout = { 0 };
    struct spr_tally tally;
    struct spr_walk walk;
    struct spr_extract *extract = NULL;
    const int root_fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = root_fd < 0 ? -errno : spr_tally_init(&tally);
    if (r < 0) {
        fail(argv[1], r);
    }
    spr_walk_init(&walk, &(struct spr_walk_setup){ .root_fd = root_fd,
                                                   .format = format,
                                                   .layout = &layout,
                                                   .tally = &tally,
                                                   .workers = 1 });
    r = spr_walk_all(&walk);
    if (r == 0) {
        r = spr_extract_new(format, &extract);
    }
    if (r < 0 || walk.candidate_count == 0 || wanted == 0) {
        fail(argv[1], r < 0 ? r : -ENOENT);
    }

    struct sample sample = { 0 };
    take_sample(&sample, &walk, extract, wanted);
    for (unsigned long i = 0; i < rounds; i++) {
        measure_round(&sample, extract, format->name);
    }
    return 0; /* all memory goes with the process */
}
