/*
 * A table of system calls that fails on demand.
 *
 * The rules are written before the table is installed and not changed until it is removed; the
 * counters are relaxed atomics: each passing gets its own number, and nothing else hangs on them.
 */
#include "tests/support/faulty_io.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SITES_MAX = 64, TEXT_MAX = 512, BAD_TEXT_STATUS = 125 };

struct site_count {
    _Atomic(const char *) site;
    _Atomic uint64_t passed;
};

static struct {
    struct spr_fault_rule rules[SPR_FAULT_RULES_MAX];
    _Atomic uint64_t rule_passed[SPR_FAULT_RULES_MAX];
    uint32_t count;
    bool list;
    _Atomic uint64_t passed, hits;
    struct site_count sites[SITES_MAX]; /* for the list */
} faulty;

static const struct spr_calls *real(void)
{
    return spr_calls_plain();
}

static uint64_t count_site(const char *site)
{
    for (int i = 0; i < SITES_MAX; i++) {
        const char *none = NULL;
        if (atomic_compare_exchange_strong(&faulty.sites[i].site, &none, site) ||
            strcmp(none, site) == 0) {
            return atomic_fetch_add(&faulty.sites[i].passed, 1) + 1;
        }
    }
    return 0;
}

static bool is_struck(uint32_t i, const char *site)
{
    const struct spr_fault_rule *rule = &faulty.rules[i];
    if (rule->site != NULL && strcmp(rule->site, site) != 0) {
        return false;
    }
    const uint64_t passed = atomic_fetch_add(&faulty.rule_passed[i], 1) + 1;
    return rule->nth != 0 && (passed == rule->nth || (rule->onwards && passed > rule->nth));
}

/* 0 to make the call, or the negative errno of it; limit is lowered by a short rule, where the
 * site has one. */
static int pass(const char *site, const char *detail, size_t *limit)
{
    const uint64_t number = atomic_fetch_add(&faulty.passed, 1) + 1;
    if (faulty.list) {
        (void)dprintf(STDERR_FILENO, "%" PRIu64 " %s %" PRIu64 " %s\n", number, site,
                      count_site(site), detail != NULL ? detail : "");
    }
    int r = 0;
    for (uint32_t i = 0; i < faulty.count; i++) {
        if (!is_struck(i, site)) {
            continue;
        }
        const struct spr_fault_rule *rule = &faulty.rules[i];
        atomic_fetch_add(&faulty.hits, 1);
        if (rule->kill) {
            (void)raise(SIGKILL);
        }
        if (rule->error != 0) {
            r = -rule->error;
        }
        if (rule->short_bytes != 0 && limit != NULL && *limit > rule->short_bytes) {
            *limit = (size_t)rule->short_bytes;
        }
    }
    return r;
}

static int faulty_openat(int dir_fd, const char *path, int flags, uint32_t mode)
{
    const int r = pass("openat", path, NULL);
    return r < 0 ? r : real()->openat(dir_fd, path, flags, mode);
}

static int faulty_openat2(int dir_fd, const char *path, const struct open_how *how)
{
    const int r = pass("openat2", path, NULL);
    return r < 0 ? r : real()->openat2(dir_fd, path, how);
}

static int faulty_close(int fd)
{
    const int r = pass("close", NULL, NULL);
    const int closed = real()->close(fd); /* Linux frees the number whatever it answers */
    return r < 0 ? r : closed;
}

static int64_t faulty_read(int fd, void *bytes, size_t length)
{
    const int r = pass("read", NULL, &length);
    return r < 0 ? r : real()->read(fd, bytes, length);
}

static int64_t faulty_pread(int fd, void *bytes, size_t length, uint64_t offset)
{
    const int r = pass("pread", NULL, &length);
    return r < 0 ? r : real()->pread(fd, bytes, length, offset);
}

static int64_t faulty_pread2(int fd, void *bytes, size_t length, uint64_t offset, int flags)
{
    (void)flags; /* what no rule says is missing is cached, whoever empties the real cache */
    const int r = pass("pread2", NULL, &length);
    return r < 0 ? r : real()->pread(fd, bytes, length, offset);
}

static int64_t faulty_write(int fd, const void *bytes, size_t length)
{
    const int r = pass("write", NULL, &length);
    return r < 0 ? r : real()->write(fd, bytes, length);
}

static int64_t faulty_pwrite(int fd, const void *bytes, size_t length, uint64_t offset)
{
    const int r = pass("pwrite", NULL, &length);
    return r < 0 ? r : real()->pwrite(fd, bytes, length, offset);
}

static int faulty_lseek(int fd, uint64_t offset)
{
    const int r = pass("lseek", NULL, NULL);
    return r < 0 ? r : real()->lseek(fd, offset);
}

static int faulty_fstat(int fd, struct stat *meta)
{
    const int r = pass("fstat", NULL, NULL);
    return r < 0 ? r : real()->fstat(fd, meta);
}

static int faulty_fstatat(int dir_fd, const char *name, struct stat *meta, int flags)
{
    const int r = pass("fstatat", name, NULL);
    return r < 0 ? r : real()->fstatat(dir_fd, name, meta, flags);
}

static int faulty_statx(int dir_fd, const char *name, int flags, uint32_t mask, struct statx *meta)
{
    const int r = pass("statx", name, NULL);
    return r < 0 ? r : real()->statx(dir_fd, name, flags, mask, meta);
}

static int faulty_fstatfs(int fd, struct statfs *meta)
{
    const int r = pass("fstatfs", NULL, NULL);
    return r < 0 ? r : real()->fstatfs(fd, meta);
}

static int faulty_name_to_handle_at(int dir_fd, const char *name, struct file_handle *file,
                                    int *mount, int flags)
{
    const int r = pass("name_to_handle_at", name, NULL);
    return r < 0 ? r : real()->name_to_handle_at(dir_fd, name, file, mount, flags);
}

static int faulty_ioctl(int fd, unsigned long request, void *argument)
{
    const int r = pass("ioctl", NULL, NULL);
    return r < 0 ? r : real()->ioctl(fd, request, argument);
}

static int faulty_setfl(int fd, int flags)
{
    const int r = pass("setfl", NULL, NULL);
    return r < 0 ? r : real()->setfl(fd, flags);
}

static int faulty_fadvise(int fd, uint64_t offset, uint64_t length, int advice)
{
    const int r = pass("fadvise", NULL, NULL);
    return r < 0 ? r : real()->fadvise(fd, offset, length, advice);
}

static int64_t faulty_getdents64(int fd, void *bytes, size_t length)
{
    const int r = pass("getdents64", NULL, NULL);
    return r < 0 ? r : real()->getdents64(fd, bytes, length);
}

static int faulty_renameat2(int from_fd, const char *from, int to_fd, const char *to,
                            uint32_t flags)
{
    const int r = pass("renameat2", to, NULL);
    return r < 0 ? r : real()->renameat2(from_fd, from, to_fd, to, flags);
}

static int faulty_unlinkat(int dir_fd, const char *name, int flags)
{
    const int r = pass("unlinkat", name, NULL);
    return r < 0 ? r : real()->unlinkat(dir_fd, name, flags);
}

static int faulty_mkdirat(int dir_fd, const char *name, uint32_t mode)
{
    const int r = pass("mkdirat", name, NULL);
    return r < 0 ? r : real()->mkdirat(dir_fd, name, mode);
}

static int faulty_fchown(int fd, uint32_t uid, uint32_t gid)
{
    const int r = pass("fchown", NULL, NULL);
    return r < 0 ? r : real()->fchown(fd, uid, gid);
}

static int faulty_fchmod(int fd, uint32_t mode)
{
    const int r = pass("fchmod", NULL, NULL);
    return r < 0 ? r : real()->fchmod(fd, mode);
}

static int faulty_fsync(int fd)
{
    const int r = pass("fsync", NULL, NULL);
    return r < 0 ? r : real()->fsync(fd);
}

static int faulty_fdatasync(int fd)
{
    const int r = pass("fdatasync", NULL, NULL);
    return r < 0 ? r : real()->fdatasync(fd);
}

static int faulty_fallocate(int fd, int mode, uint64_t offset, uint64_t length)
{
    const int r = pass("fallocate", NULL, NULL);
    return r < 0 ? r : real()->fallocate(fd, mode, offset, length);
}

static int faulty_ftruncate(int fd, uint64_t length)
{
    const int r = pass("ftruncate", NULL, NULL);
    return r < 0 ? r : real()->ftruncate(fd, length);
}

static int faulty_utimensat(int dir_fd, const char *name, const struct timespec times[2], int flags)
{
    const int r = pass("utimensat", name, NULL);
    return r < 0 ? r : real()->utimensat(dir_fd, name, times, flags);
}

static int faulty_flock(int fd, int operation)
{
    const int r = pass("flock", NULL, NULL);
    return r < 0 ? r : real()->flock(fd, operation);
}

static int faulty_getlk(int fd, int command, struct flock *lock)
{
    const int r = pass("getlk", NULL, NULL);
    return r < 0 ? r : real()->getlk(fd, command, lock);
}

static int faulty_pidfd_open(int pid)
{
    const int r = pass("pidfd_open", NULL, NULL);
    return r < 0 ? r : real()->pidfd_open(pid);
}

static int faulty_pidfd_send_signal(int pid_fd, int signal)
{
    const int r = pass("pidfd_send_signal", NULL, NULL);
    return r < 0 ? r : real()->pidfd_send_signal(pid_fd, signal);
}

static int faulty_stream_connect(const char *path)
{
    const int r = pass("stream_connect", path, NULL);
    return r < 0 ? r : real()->stream_connect(path);
}

static int64_t faulty_send(int fd, const void *bytes, size_t length)
{
    const int r = pass("send", NULL, &length);
    return r < 0 ? r : real()->send(fd, bytes, length);
}

static int faulty_ring_setup(void)
{
    return pass("ring_setup", NULL, NULL);
}

static int faulty_ring_submit(uint32_t count)
{
    (void)count;
    return pass("ring_submit", NULL, NULL);
}

static int faulty_ring_wait(void)
{
    return pass("ring_wait", NULL, NULL);
}

static int faulty_ring_complete(int result)
{
    size_t limit = result > 0 ? (size_t)result : 0;
    const int r = pass("ring_complete", NULL, &limit);
    if (r < 0) {
        return r;
    }
    return result > 0 ? (int)limit : result;
}

static const struct spr_calls FAULTY = {
    .openat = faulty_openat,
    .openat2 = faulty_openat2,
    .close = faulty_close,
    .read = faulty_read,
    .pread = faulty_pread,
    .pread2 = faulty_pread2,
    .write = faulty_write,
    .pwrite = faulty_pwrite,
    .lseek = faulty_lseek,
    .fstat = faulty_fstat,
    .fstatat = faulty_fstatat,
    .statx = faulty_statx,
    .fstatfs = faulty_fstatfs,
    .name_to_handle_at = faulty_name_to_handle_at,
    .ioctl = faulty_ioctl,
    .setfl = faulty_setfl,
    .fadvise = faulty_fadvise,
    .getdents64 = faulty_getdents64,
    .renameat2 = faulty_renameat2,
    .unlinkat = faulty_unlinkat,
    .mkdirat = faulty_mkdirat,
    .fchown = faulty_fchown,
    .fchmod = faulty_fchmod,
    .fsync = faulty_fsync,
    .fdatasync = faulty_fdatasync,
    .fallocate = faulty_fallocate,
    .ftruncate = faulty_ftruncate,
    .utimensat = faulty_utimensat,
    .flock = faulty_flock,
    .getlk = faulty_getlk,
    .pidfd_open = faulty_pidfd_open,
    .pidfd_send_signal = faulty_pidfd_send_signal,
    .stream_connect = faulty_stream_connect,
    .send = faulty_send,
    .ring_setup = faulty_ring_setup,
    .ring_submit = faulty_ring_submit,
    .ring_wait = faulty_ring_wait,
    .ring_complete = faulty_ring_complete,
};

static void set_rules(const struct spr_fault_rule *rules, uint32_t count, bool list)
{
    faulty.count = count < SPR_FAULT_RULES_MAX ? count : SPR_FAULT_RULES_MAX;
    faulty.list = list;
    faulty.passed = 0;
    faulty.hits = 0;
    for (uint32_t i = 0; i < faulty.count; i++) {
        faulty.rules[i] = rules[i];
        faulty.rule_passed[i] = 0;
    }
}

void spr_faulty_start(const struct spr_fault_rule *rules, uint32_t count)
{
    set_rules(rules, count, false);
    spr_calls_set(&FAULTY);
}

void spr_faulty_stop(void)
{
    spr_calls_set(real());
}

uint64_t spr_faulty_passed(void)
{
    return faulty.passed;
}

uint64_t spr_faulty_hits(void)
{
    return faulty.hits;
}

#ifdef SPR_FAILPOINTS

static int errno_by_name(const char *name)
{
    for (int i = 1; i < 256; i++) {
        const char *known = strerrorname_np(i);
        if (known != NULL && strcmp(known, name) == 0) {
            return i;
        }
    }
    char *end;
    const long number = strtol(name, &end, 10);
    return *end == '\0' && number > 0 && number < 4096 ? (int)number : 0;
}

static bool parse_action(const char *action, struct spr_fault_rule *rule)
{
    if (strcmp(action, "kill") == 0) {
        rule->kill = true;
        return true;
    }
    if (strncmp(action, "short:", 6) == 0) {
        rule->short_bytes = strtoull(action + 6, NULL, 10);
        return rule->short_bytes > 0;
    }
    rule->error = strcmp(action, "cancel") == 0 ? ECANCELED : errno_by_name(action);
    return rule->error != 0;
}

/* Cuts the text at its colons; the site's name stays in it. */
static bool parse_rule(char *text, struct spr_fault_rule *rule)
{
    char *nth = strchr(text, ':');
    char *action = nth != NULL ? strchr(nth + 1, ':') : NULL;
    if (action == NULL) {
        return false;
    }
    *nth++ = '\0';
    *action++ = '\0';
    char *end;
    *rule = (struct spr_fault_rule){ .site = strcmp(text, "any") == 0 ? NULL : text };
    rule->nth = strtoull(nth, &end, 10);
    rule->onwards = *end == '+';
    return rule->nth > 0 && (*end == '\0' || (rule->onwards && end[1] == '\0')) &&
           parse_action(action, rule);
}

static void read_environment(void)
{
    static char text[TEXT_MAX]; /* rules point into it */
    struct spr_fault_rule rules[SPR_FAULT_RULES_MAX];
    uint32_t count = 0;
    const char *given = secure_getenv("SPFAIL");
    if (given == NULL || given[0] == '\0') {
        return;
    }
    bool good = snprintf(text, sizeof(text), "%s", given) < TEXT_MAX;
    const bool list = strcmp(text, "list") == 0;
    char *rest = text;
    while (good && !list && rest != NULL) {
        char *rule = strsep(&rest, ",");
        good = count < SPR_FAULT_RULES_MAX && parse_rule(rule, &rules[count]);
        count++;
    }
    if (!good) {
        (void)dprintf(STDERR_FILENO, "SPFAIL: not understood: %s\n", given);
        _exit(BAD_TEXT_STATUS);
    }
    set_rules(rules, count, list);
}

const struct spr_calls *spr_calls_of_tests(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, read_environment); /* cannot fail with a static control */
    return faulty.count > 0 || faulty.list ? &FAULTY : real();
}

#endif
