/*
 * Replays a corpus without a fuzzer: each file below the given folder, also cut at a few lengths
 * and with single bytes changed, always in the same way. What a target once found lies in its
 * corpus.
 */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INPUT_MAX (1u << 20)
#define CHANGES   64

/* A copy of exactly this length, so that a sanitizer sees a read beyond it. */
static void run_exactly(const uint8_t *bytes, size_t length)
{
    uint8_t *copy = malloc(length > 0 ? length : 1);
    if (copy == NULL) {
        abort();
    }
    memcpy(copy, bytes, length);
    LLVMFuzzerTestOneInput(copy, length);
    free(copy);
}

static void run_around(uint8_t *bytes, size_t length)
{
    run_exactly(bytes, length);
    uint32_t chance = 1;
    for (unsigned i = 0; i < CHANGES && length > 0; i++) {
        chance = chance * 1664525u + 1013904223u;
        size_t at = chance % length;
        uint8_t kept = bytes[at];
        bytes[at] = (uint8_t)(chance >> 24);
        run_exactly(bytes, length);
        bytes[at] = kept;
        run_exactly(bytes, at);
    }
}

static int run_file(int dir_fd, const char *name)
{
    int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        perror(name);
        return -1;
    }
    uint8_t *bytes = malloc(INPUT_MAX);
    size_t length = 0;
    ssize_t r = bytes != NULL ? 0 : -1;
    while (bytes != NULL && length < INPUT_MAX) {
        r = read(fd, bytes + length, INPUT_MAX - length);
        if (r <= 0) {
            break;
        }
        length += (size_t)r;
    }
    close(fd);
    if (r >= 0) {
        run_around(bytes, length);
    }
    free(bytes);
    return r < 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
    unsigned count = 0;
    for (int i = 1; i < argc; i++) {
        DIR *dir = opendir(argv[i]);
        if (dir == NULL) {
            perror(argv[i]);
            return 1;
        }
        for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
            if (entry->d_name[0] == '.') {
                continue;
            }
            if (run_file(dirfd(dir), entry->d_name) < 0) {
                closedir(dir);
                return 1;
            }
            count++;
        }
        closedir(dir);
    }
    printf("%u inputs replayed\n", count);
    return count > 0 ? 0 : 1;
}
