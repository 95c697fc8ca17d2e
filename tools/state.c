/*
 * Where our own state lies.
 *
 * The sub-directory of a spool is named after the last component of its path, for people, and a
 * hash of the whole path, against clashes.
 */
#include "tools/state.h"

#include "tools/errors.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define ROOM_MIN_BYTES (2u << 20) /* below this an index of a small spool may not fit */
#define NAME_SHOWN_MAX 40

static uint64_t hash_path(const char *path)
{
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a, 64 bits */
    for (const char *c = path; *c != '\0'; c++) {
        hash = (hash ^ (uint8_t)*c) * 0x100000001b3u;
    }
    return hash;
}

/* base + "/" + name of the spool's sub-directory, to be freed. */
static char *join_name(const char *base, const char *spool_root)
{
    const char *slash = strrchr(spool_root, '/');
    const char *last = slash != NULL ? slash + 1 : spool_root;
    char shown[NAME_SHOWN_MAX + 1];
    size_t length = 0;
    for (; last[length] != '\0' && length < NAME_SHOWN_MAX; length++) {
        const bool plain = isalnum((unsigned char)last[length]) != 0;
        shown[length] = plain ? last[length] : '_';
    }
    shown[length] = '\0';
    char *path;
    const int r = asprintf(&path, "%s/%s-%016" PRIx64, base, length > 0 ? shown : "root",
                           hash_path(spool_root));
    return r < 0 ? NULL : path;
}

/* The first or the second base directory, to be freed; -ENOENT when the environment names none. */
static int find_base(bool fallback, char **ret_base)
{
    const char *variable = getenv(fallback ? "XDG_RUNTIME_DIR" : "XDG_STATE_HOME");
    const char *home = getenv("HOME");
    char *base = NULL;
    int r = 0;
    if (geteuid() == 0) {
        base = strdup(fallback ? "/run/spoolray" : "/var/lib/spoolray");
        r = base == NULL ? -1 : 0;
    } else if (variable != NULL && variable[0] == '/') {
        r = asprintf(&base, "%s/spoolray", variable);
    } else if (!fallback && home != NULL && home[0] == '/') {
        r = asprintf(&base, "%s/.local/state/spoolray", home);
    } else {
        return -ENOENT;
    }
    if (r < 0) {
        return -ENOMEM;
    }
    *ret_base = base;
    return 0;
}

/* mkdir -p with mode 0700 for what is missing. */
static int make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash != NULL) {
            *slash = '\0';
        }
        const int r = mkdir(path, 0700) != 0 && errno != EEXIST ? -errno : 0;
        if (slash == NULL || r < 0) {
            return r;
        }
        *slash = '/';
    }
}

/* 0 when base exists, is ours to write, and has room. */
static int try_base(char *base)
{
    int r = make_folders(base);
    if (r == -EROFS || r == -EEXIST || r == 0) {
        struct stat meta;
        if (stat(base, &meta) != 0) {
            return r < 0 ? r : -errno;
        }
        r = S_ISDIR(meta.st_mode) ? 0 : -ENOTDIR;
    }
    struct statvfs room;
    if (r == 0 && statvfs(base, &room) != 0) {
        r = -errno;
    }
    if (r < 0) {
        return r;
    }
    if ((room.f_flag & ST_RDONLY) != 0) {
        return -EROFS;
    }
    if (access(base, W_OK | X_OK) != 0) {
        return -errno;
    }
    const uint64_t blocks = geteuid() == 0 ? room.f_bfree : room.f_bavail;
    uint64_t bytes;
    const bool huge = __builtin_mul_overflow(blocks, (uint64_t)room.f_frsize, &bytes);
    return !huge && (bytes < ROOM_MIN_BYTES || (room.f_files > 0 && room.f_ffree < 8)) ? -ENOSPC
                                                                                       : 0;
}

bool spr_state_is_full(int code)
{
    return code == -ENOSPC || code == -EDQUOT || code == -EROFS;
}

bool spr_state_has_fallback(const struct spr_cli *cli)
{
    char *base = NULL;
    const bool has = !spr_args_on(cli->args, SPR_OPT_INDEX) && find_base(true, &base) == 0;
    free(base);
    return has;
}

char *spr_state_usual(const struct spr_cli *cli, const char *spool_root)
{
    const char *given = spr_args_text(cli->args, SPR_OPT_INDEX);
    char *base = NULL;
    if (given != NULL) {
        return strdup(given);
    }
    char *dir = find_base(false, &base) == 0 ? join_name(base, spool_root) : NULL;
    free(base);
    return dir;
}

/* The second place, after the first one failed with code. */
static int fall_back(const struct spr_cli *cli, const char *first, int code, char **ret_base)
{
    char *base;
    int r = find_base(true, &base);
    if (r == 0) {
        r = try_base(base);
        if (r == 0) {
            char *what;
            if (asprintf(&what, "%s; the index goes to %s until the next reboot",
                         spr_strerror(code), base) >= 0) {
                spr_note(cli, first, what);
                free(what);
            }
            *ret_base = base;
            return 0;
        }
        free(base);
    }
    return spr_error_say(SPR_EXIT_IO, first, spr_strerror(code),
                         "no place for the index; --index DIR names one");
}

int spr_state_choose(const struct spr_cli *cli, const char *spool_root, bool fallback,
                     char **ret_dir)
{
    const char *given = spr_args_text(cli->args, SPR_OPT_INDEX);
    if (given != NULL) {
        *ret_dir = strdup(given);
        return *ret_dir != NULL ? 0 : spr_error_fault(-ENOMEM, NULL, NULL);
    }
    char *base = NULL;
    int r = find_base(false, &base);
    if (r == 0) {
        r = fallback ? -ENOSPC : try_base(base);
    }
    if (spr_state_is_full(r) || r == -ENOENT) {
        char *second = NULL;
        r = fall_back(cli, base != NULL ? base : "state directory", r, &second);
        free(base);
        base = second;
    } else if (r < 0) {
        r = spr_error_say(SPR_EXIT_IO, base, spr_strerror(r),
                          "no place for the index; --index DIR names one");
    }
    if (r == 0) {
        *ret_dir = join_name(base, spool_root);
        r = *ret_dir != NULL ? 0 : spr_error_fault(-ENOMEM, NULL, NULL);
    }
    free(base);
    return r;
}
