/*
 * Who holds a lock and who runs, as /proc tells it.
 *
 * /proc is the kernel's, but names of processes in it are anybody's choice: a line is parsed by
 * bounded scans, and a process name may hold spaces and brackets.
 */
#include "io/calls.h"
#include "io/dirents.h"
#include "io/locks.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

enum {
    PROC_BYTES_MAX = 8 << 20,  /* of /proc/locks: some 100,000 locks */
    STAT_BYTES = 1024,         /* of /proc/PID/stat: 52 numbers and a name of 15 bytes */
    COMM_BYTES = 16,           /* TASK_COMM_LEN, with its NUL */
    PROC_PATH_BYTES = 48,      /* "/proc/PID/fd/FD" */
    PROCESSES_MAX = 4 << 20,   /* PID_MAX_LIMIT of 64-bit kernels */
    DESCRIPTORS_MAX = 1 << 20, /* looked at in one process */
};

static int open_proc(const char *path)
{
    return spr_calls()->openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0);
}

/* Reads until the end or limit bytes; NUL behind. Returns the length. */
static int64_t read_some(int fd, char *bytes, size_t limit)
{
    size_t length = 0;
    while (length < limit) {
        const int64_t got = spr_calls()->read(fd, bytes + length, limit - length);
        if (got == -EINTR) {
            continue;
        }
        if (got < 0) {
            return got;
        }
        if (got == 0) {
            break;
        }
        length += (size_t)got;
    }
    bytes[length] = '\0';
    return (int64_t)length;
}

/* /proc files have no size: doubles until all fits. */
static int read_proc(const char *path, char **ret_text)
{
    for (size_t size = 64 * 1024; size <= PROC_BYTES_MAX; size *= 2) {
        char *text = malloc(size + 1);
        if (text == NULL) {
            return -ENOMEM;
        }
        const int fd = open_proc(path);
        const int64_t length = fd < 0 ? fd : read_some(fd, text, size);
        if (fd >= 0) {
            (void)spr_calls()->close(fd); /* read only: nothing can be lost */
        }
        if (length >= 0 && (size_t)length < size) {
            *ret_text = text;
            return 0;
        }
        free(text);
        if (length < 0) {
            return (int)length;
        }
    }
    return -E2BIG;
}

struct process {
    int parent;
    char state;
    uint64_t start_time;
    char comm[COMM_BYTES];
};

/* "PID (comm) S PPID ..."; comm may hold anything, the last bracket ends it. */
static int parse_stat(char *text, struct process *ret_process)
{
    char *open = strchr(text, '(');
    char *close = strrchr(text, ')');
    if (open == NULL || close == NULL || close < open) {
        return -EIO;
    }
    *close = '\0';
    struct process process = { 0 };
    const int fields = sscanf(close + 1,
                              " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d"
                              " %*d %*d %" SCNu64,
                              &process.state, &process.parent, &process.start_time);
    if (fields != 3) {
        return -EIO;
    }
    (void)snprintf(process.comm, sizeof(process.comm), "%s", open + 1);
    *ret_process = process;
    return 0;
}

static int process_of(int pid, struct process *ret_process)
{
    char path[PROC_PATH_BYTES];
    char text[STAT_BYTES + 1];
    (void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    const int fd = open_proc(path);
    if (fd < 0) {
        return fd;
    }
    const int64_t length = read_some(fd, text, STAT_BYTES);
    (void)spr_calls()->close(fd); /* read only: nothing can be lost */
    return length < 0 ? (int)length : parse_stat(text, ret_process);
}

static int parse_pid(const char *name)
{
    char *end;
    const long pid = strtol(name, &end, 10);
    return *end == '\0' && end != name && pid > 0 && pid <= PROCESSES_MAX ? (int)pid : 0;
}

struct child_search {
    int parent;
    const char *const *names;
    struct spr_run found;
};

/* 1 ends the listing. */
static int match_child(const struct spr_dirent *entry, void *user)
{
    struct child_search *search = user;
    const int pid = parse_pid(entry->name);
    struct process process;
    if (pid == 0 || process_of(pid, &process) < 0 || process.parent != search->parent) {
        return 0; /* not a process, or it has just ended */
    }
    for (const char *const *name = search->names; *name != NULL; name++) {
        if (strcmp(*name, process.comm) == 0) {
            search->found = (struct spr_run){ .pid = pid, .start_time = process.start_time };
            return 1;
        }
    }
    return 0;
}

int spr_run_of_child(int parent, const char *const *names, struct spr_run *ret_run)
{
    struct child_search search = { .parent = parent, .names = names };
    const int fd = spr_root_open("/proc");
    if (fd < 0) {
        return fd;
    }
    const int r = spr_dir_list(fd, PROCESSES_MAX, match_child, &search);
    (void)spr_calls()->close(fd); /* a directory: nothing can be lost */
    if (r == 1) {
        *ret_run = search.found;
    }
    return r;
}

int spr_run_of(int pid, struct spr_run *ret_run)
{
    struct process process;
    const int r = process_of(pid, &process);
    if (r < 0) {
        return r == -ENOENT ? -ESRCH : r;
    }
    *ret_run = (struct spr_run){ .pid = pid, .start_time = process.start_time };
    return 0;
}

bool spr_run_lives(const struct spr_run *run)
{
    struct process process;
    return run->pid > 0 && process_of(run->pid, &process) == 0 &&
           process.start_time == run->start_time && process.state != 'Z' && process.state != 'X';
}

struct descriptor_search {
    int dir_fd;
    uint64_t device, inode;
};

static int match_descriptor(const struct spr_dirent *entry, void *user)
{
    const struct descriptor_search *search = user;
    struct stat meta;
    return spr_calls()->fstatat(search->dir_fd, entry->name, &meta, 0) == 0 &&
           meta.st_dev == search->device && meta.st_ino == search->inode;
}

/* 1 when the process has the file open, 0 when not, negative when we may not look. */
static int has_open(int pid, uint64_t device, uint64_t inode)
{
    char path[PROC_PATH_BYTES];
    (void)snprintf(path, sizeof(path), "/proc/%d/fd", pid);
    const int fd = spr_root_open(path);
    if (fd < 0) {
        return fd;
    }
    struct descriptor_search search = { .dir_fd = fd, .device = device, .inode = inode };
    const int r = spr_dir_list(fd, DESCRIPTORS_MAX, match_descriptor, &search);
    (void)spr_calls()->close(fd); /* a directory: nothing can be lost */
    return r;
}

struct lock_line {
    int pid;
    uint64_t device, inode;
};

/* "1: FLOCK  ADVISORY  WRITE 1234 08:02:777 0 EOF"; waiters have "->" and are no holders, leases
 * are no locks, OFD locks have pid -1. */
static bool parse_lock(const char *line, struct lock_line *ret_lock)
{
    char kind[8];
    int pid;
    unsigned major_number;
    unsigned minor_number;
    uint64_t inode;
    if (sscanf(line, "%*u: %7s %*s %*s %d %x:%x:%" SCNu64, kind, &pid, &major_number, &minor_number,
               &inode) != 5) {
        return false;
    }
    if (strcmp(kind, "FLOCK") != 0 && strcmp(kind, "POSIX") != 0) {
        return false;
    }
    *ret_lock = (struct lock_line){ .pid = pid,
                                    .device = makedev(major_number, minor_number),
                                    .inode = inode };
    return pid > 0;
}

/* /proc/locks names the device of the file system's super block. stat names another one on btrfs
 * (one per subvolume) and overlay; there the holder's own descriptors decide, and where we may not
 * look, the inode number alone does on devices without a block device (major 0). */
static bool is_lock_on(const struct lock_line *lock, uint64_t device, uint64_t inode)
{
    if (lock->inode != inode) {
        return false;
    }
    if (lock->device == device) {
        return true;
    }
    const int r = has_open(lock->pid, device, inode);
    return r == 1 || (r < 0 && r != -ENOENT && major(device) == 0);
}

int spr_lock_holder(uint64_t device, uint64_t inode, int *ret_pid)
{
    char *text = NULL;
    const int r = read_proc("/proc/locks", &text);
    if (r < 0) {
        return r;
    }
    int pid = 0;
    for (const char *line = text; line != NULL && *line != '\0' && pid == 0;) {
        struct lock_line lock;
        if (parse_lock(line, &lock) && is_lock_on(&lock, device, inode)) {
            pid = lock.pid;
        }
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
    free(text);
    *ret_pid = pid;
    return pid > 0;
}

int spr_signal_holder(uint64_t device, uint64_t inode, int signal)
{
    int pid;
    int r = spr_lock_holder(device, inode, &pid);
    if (r <= 0) {
        return r < 0 ? r : -ESRCH;
    }
    const int pid_fd = spr_calls()->pidfd_open(pid);
    if (pid_fd < 0) {
        return pid_fd;
    }
    /* The descriptor pins whoever has the number now; the lock tells that it is still the holder.
     */
    int again;
    r = spr_lock_holder(device, inode, &again);
    if (r >= 0) {
        r = r == 1 && again == pid ? spr_calls()->pidfd_send_signal(pid_fd, signal) : -ESRCH;
    }
    (void)spr_calls()->close(pid_fd); /* nothing can be lost */
    return r;
}

int spr_run_wait(const struct spr_run *run, uint32_t wait_ms)
{
    if (!spr_run_lives(run)) {
        return 1;
    }
    const int pid_fd = spr_calls()->pidfd_open(run->pid);
    if (pid_fd < 0) {
        return pid_fd == -ESRCH ? 1 : pid_fd;
    }
    /* The descriptor is of whoever has the number now: it counts only if that is still the run. */
    int r = 1;
    if (spr_run_lives(run)) {
        struct pollfd end = { .fd = pid_fd, .events = POLLIN };
        do {
            r = poll(&end, 1, (int)wait_ms);
        } while (r < 0 && errno == EINTR);
        r = r < 0 ? -errno : (spr_run_lives(run) ? 0 : 1);
    }
    (void)spr_calls()->close(pid_fd); /* nothing can be lost */
    return r;
}
