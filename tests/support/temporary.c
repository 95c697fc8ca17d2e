/*
 * Temporary folders for tests: made under TMPDIR, removed by the test's end.
 */
#include "tests/support/temporary.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int remove_entry(const char *path, const struct stat *meta, int type, struct FTW *walk)
{
    (void)meta;
    (void)type;
    (void)walk;
    return remove(path);
}

void make_temporary(char path[TEMPORARY_PATH_MAX])
{
    const char *base = getenv("TMPDIR");
    (void)snprintf(path, TEMPORARY_PATH_MAX, "%s/spoolray-test-XXXXXX",
                   base != NULL ? base : "/tmp");
    if (mkdtemp(path) == NULL) {
        perror("mkdtemp");
        abort();
    }
}

void remove_temporary(const char *path)
{
    (void)nftw(path, remove_entry, 16,
               FTW_DEPTH | FTW_PHYS); /* best effort: a leftover in TMPDIR */
}
