/* A naive walk, see plain_walk.h. Only what the listing calls a regular file is opened: to open a
 * server's FIFO could take a wake-up from it. */
#include "tools/plain_walk.h"

#include "tools/signals.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 16 /* no server hashes deeper than 4 */

static bool is_kind(int dir_fd, const struct dirent *entry, unsigned char type, mode_t mode)
{
    if (entry->d_type != DT_UNKNOWN) {
        return entry->d_type == type;
    }
    struct stat status;
    return fstatat(dir_fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
           (status.st_mode & S_IFMT) == mode;
}

static void read_start(int dir_fd, const char *name, uint64_t *files)
{
    char bytes[4096];
    const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    int fd = openat(dir_fd, name, flags | O_NOATIME);
    if (fd < 0 && errno == EPERM) {
        fd = openat(dir_fd, name, flags);
    }
    if (fd >= 0) {
        (void)!read(fd, bytes, sizeof(bytes)); /* for the time it takes */
        (void)close(fd);                       /* read only: nothing can be lost */
        (*files)++;
    }
}

/* Takes fd over. Our own folder begins with a dot, like no folder of a server. */
static int walk_folder(int fd, unsigned depth, uint64_t *files)
{
    DIR *folder = fdopendir(fd);
    if (folder == NULL) {
        const int r = -errno;
        (void)close(fd); /* read only: nothing can be lost */
        return r;
    }
    int r = 0;
    const struct dirent *entry;
    while (r == 0 && !spr_signals_stopped() && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        if (is_kind(fd, entry, DT_REG, S_IFREG)) {
            read_start(fd, entry->d_name, files);
        } else if (depth < DEPTH_MAX && is_kind(fd, entry, DT_DIR, S_IFDIR)) {
            const int below =
                openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            r = below >= 0 ? walk_folder(below, depth + 1, files) : 0;
        }
    }
    (void)closedir(folder); /* read only: nothing can be lost */
    return r;
}

int spr_plain_walk(const char *root, uint64_t *ret_files)
{
    const int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    *ret_files = 0;
    return walk_folder(fd, 0, ret_files);
}
