/*
 * The lock kinds of mail servers and of our own folders; and who runs.
 */
#ifndef SPR_IO_LOCKS_H
#define SPR_IO_LOCKS_H

#include <stdbool.h>
#include <stdint.h>

/* Exclusive flock. wait false: -EWOULDBLOCK when held. A signal ends the wait with -EINTR. */
int spr_flock(int fd, bool wait);
int spr_funlock(int fd);
/* 1 when somebody holds a flock, record lock or OFD lock on the open file, 0 free. Never blocks and
 * leaves nothing locked; so this descriptor must hold no flock of its own, and a classic record
 * lock of our own process counts as somebody's. */
int spr_locked_by_other(int fd);
/* The process that holds a flock or record lock on this inode by /proc/locks: 1 and its pid, or 0
 * and pid 0 when none is visible. */
int spr_lock_holder(uint64_t device, uint64_t inode, int *ret_pid);

/* One life of a process: pids are reused, pid and start time are not. */
struct spr_run {
    int pid;             /* 0: none */
    uint64_t start_time; /* clock ticks since boot, /proc/PID/stat field 22 */
};
/* Of a living pid; -ESRCH when there is none. */
int spr_run_of(int pid, struct spr_run *ret_run);
/* The child of parent whose comm is one of names (NULL-terminated). 1 found, 0 none. */
int spr_run_of_child(int parent, const char *const *names, struct spr_run *ret_run);
bool spr_run_lives(const struct spr_run *run);
/* 1 when it has ended, 0 when it still lives after wait_ms. */
int spr_run_wait(const struct spr_run *run, uint32_t wait_ms);
/* Sends a signal to pid by a pidfd, only while it still holds its lock on that inode;
 * -ESRCH when nobody does. */
int spr_signal_holder(uint64_t device, uint64_t inode, int signal);

#endif
