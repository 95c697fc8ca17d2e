/*
 * Asking the server's own program: fixed places, fixed arguments, fixed environment, no shell,
 * bounded time and output.
 */
#include "core/scan/settings.h"

#include "core/scan/progress.h"
#include "formats/cursor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUTPUT_MAX    (64u << 10)
#define TIME_LIMIT_NS 5000000000u
#define END_LIMIT_MS  1000
#define ARGUMENTS_MAX 16
#define PROGRAM_MAX   128

static const char *const PLACES[] = { "/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/" };

/* posix_spawn wants writable strings and writes none. */
static char *unconst(const char *text)
{
    union {
        const char *from;
        char *to;
    } both = { .from = text };
    return both.to;
}

static int prepare_actions(posix_spawn_file_actions_t *actions, int out)
{
    int r = posix_spawn_file_actions_init(actions);
    if (r != 0) {
        return r;
    }
    r = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
    if (r == 0) {
        r = posix_spawn_file_actions_adddup2(actions, out, 1);
    }
    if (r == 0) {
        r = posix_spawn_file_actions_addopen(actions, 2, "/dev/null", O_WRONLY, 0);
    }
    if (r != 0) {
        (void)posix_spawn_file_actions_destroy(actions);
    }
    return r;
}

static int start_program(const struct spr_hints *hints, int out, pid_t *ret_pid)
{
    char *arguments[ARGUMENTS_MAX + 2] = { unconst(hints->settings_command) };
    for (unsigned i = 0; i < ARGUMENTS_MAX && hints->settings[i] != NULL; i++) {
        arguments[i + 1] = unconst(hints->settings[i]);
    }
    char *environment[] = { unconst("PATH=/usr/sbin:/usr/bin:/sbin:/bin"), unconst("LC_ALL=C"),
                            NULL };
    posix_spawn_file_actions_t actions;
    int r = prepare_actions(&actions, out);
    if (r != 0) {
        return -r;
    }
    r = ENOENT;
    for (unsigned i = 0; i < sizeof(PLACES) / sizeof(PLACES[0]) && r == ENOENT; i++) {
        char program[PROGRAM_MAX];
        const int length =
            snprintf(program, sizeof(program), "%s%s", PLACES[i], hints->settings_command);
        if (length < 0 || (size_t)length >= sizeof(program) || access(program, X_OK) < 0) {
            continue;
        }
        r = posix_spawn(ret_pid, program, &actions, NULL, arguments, environment);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return -r;
}

/* The output up to its end; 0 when the program is late, says too much or nothing. */
static size_t read_output(int in, char *output)
{
    const uint64_t until = spr_clock_ns() + TIME_LIMIT_NS;
    size_t used = 0;
    while (used < OUTPUT_MAX) {
        const uint64_t now = spr_clock_ns();
        if (now >= until) {
            return 0;
        }
        struct pollfd wait = { .fd = in, .events = POLLIN };
        if (poll(&wait, 1, (int)((until - now) / 1000000u) + 1) < 0 && errno != EINTR) {
            return 0;
        }
        if (wait.revents == 0) {
            continue;
        }
        const ssize_t got = read(in, output + used, OUTPUT_MAX - used);
        if (got == 0) {
            return used;
        }
        if (got < 0 && errno != EINTR) {
            return 0;
        }
        used += got > 0 ? (size_t)got : 0;
    }
    return 0;
}

/* A program that closed its output has a moment to end by itself. */
static bool ends_soon(pid_t pid)
{
    const int fd = pidfd_open(pid, 0);
    if (fd < 0) {
        return false;
    }
    struct pollfd wait = { .fd = fd, .events = POLLIN };
    const int r = poll(&wait, 1, END_LIMIT_MS);
    (void)close(fd); /* nothing can be lost */
    return r > 0;
}

/* True when it ended well by itself. */
static bool finish_program(pid_t pid, bool has_spoken)
{
    if (!has_spoken || !ends_soon(pid)) {
        (void)kill(pid, SIGKILL); /* our own child, not yet waited for */
    }
    int status = 0;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            return false; /* somebody else waited for it */
        }
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static size_t run_program(const struct spr_hints *hints, char *output)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) {
        return 0;
    }
    pid_t pid;
    const int r = start_program(hints, ends[1], &pid);
    (void)close(ends[1]); /* the child has its own */
    size_t length = 0;
    if (r == 0) {
        length = read_output(ends[0], output);
        if (!finish_program(pid, length > 0)) {
            length = 0;
        }
    }
    (void)close(ends[0]); /* a pipe: nothing can be lost */
    return length;
}

/* Does "name = value" say that the spool is at root? */
static bool names_root(struct spr_text line, const char *setting, const char *root)
{
    const uint8_t *equals = line.length > 0 ? memchr(line.bytes, '=', line.length) : NULL;
    if (equals == NULL) {
        return false;
    }
    const size_t before = (size_t)(equals - line.bytes);
    const struct spr_text name = spr_text_trim((struct spr_text){ line.bytes, before });
    const struct spr_text value =
        spr_text_trim((struct spr_text){ equals + 1, line.length - before - 1 });
    char path[SPR_PATH_MAX + 1];
    if (!spr_text_equal(name, setting) || value.length == 0 || value.length > SPR_PATH_MAX ||
        memchr(value.bytes, '\0', value.length) != NULL) {
        return false;
    }
    memcpy(path, value.bytes, value.length);
    path[value.length] = '\0';
    char *resolved = realpath(path, NULL);
    const bool equal = resolved != NULL && strcmp(resolved, root) == 0;
    free(resolved);
    return equal;
}

bool spr_settings_ask(const struct spr_format *format, const char *root, struct spr_layout *layout)
{
    const struct spr_hints *hints = format->hints;
    if (hints == NULL || hints->settings_command == NULL || hints->settings == NULL ||
        hints->settings[0] == NULL || format->configure == NULL) {
        return false;
    }
    char *output = malloc(OUTPUT_MAX);
    if (output == NULL) {
        return false;
    }
    const struct spr_text text = { (const uint8_t *)output, run_program(hints, output) };
    struct spr_cursor cursor;
    bool is_ours = false;
    spr_cursor_init(&cursor, text);
    while (spr_cursor_left(&cursor) > 0 && !is_ours) {
        is_ours = names_root(spr_take_line(&cursor), hints->settings[0], root);
    }
    spr_cursor_init(&cursor, text);
    while (spr_cursor_left(&cursor) > 0 && is_ours) {
        format->configure(spr_take_line(&cursor), layout);
    }
    free(output);
    return is_ours;
}
