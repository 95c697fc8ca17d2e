/*
 * The naive program to compare with: walk the tree, open each file, read its first 4 KiB, close it.
 *
 * usage: walk FOLDER
 */
#include "bench/measure.h"

#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: walk FOLDER\n", stderr);
        return 2;
    }
    char *const roots[] = { argv[1], NULL };
    double start = spr_measure_now();
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOSTAT | FTS_NOCHDIR, NULL);
    if (tree == NULL) {
        perror(argv[1]);
        return 1;
    }

    uint64_t files = 0, matches = 0;
    static char bytes[4096];
    for (FTSENT *entry = fts_read(tree); entry != NULL; entry = fts_read(tree)) {
        if (entry->fts_info != FTS_NSOK && entry->fts_info != FTS_F) {
            continue;
        }
        int fd = open(entry->fts_accpath, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0) {
            continue;
        }
        ssize_t length = read(fd, bytes, sizeof(bytes));
        if (length > 0 && memmem(bytes, (size_t)length, "mallory@customer.test", 21) != NULL) {
            matches++;
        }
        close(fd);
        files++;
    }
    fts_close(tree);
    spr_measure_row("walk", "naive", spr_measure_now() - start, files);
    fprintf(stderr, "walk: %llu matches\n", (unsigned long long)matches);
    return 0;
}
