/*
 * A table of system calls that tells what an operation does to a spool, call by call and in the
 * words of the batch protocol, before each call is made; the watcher may end the process there.
 * For operations of one thread.
 */
#ifndef SPR_TESTS_SUPPORT_WATCH_CALLS_H
#define SPR_TESTS_SUPPORT_WATCH_CALLS_H

#include <stdbool.h>
#include <stdint.h>

enum watch_kind {
    WATCH_MAKE,   /* a file or folder of ours, in folder */
    WATCH_FRAMES, /* of a journal: inode, and the last frame's type in frame */
    WATCH_LINE,   /* of the ledger: inode, and how it begins in name */
    WATCH_SYNC,   /* of the file or folder inode */
    WATCH_MOVE,   /* of a message's file: name in folder to to_name in to_folder */
    WATCH_UNLINK, /* of name in folder */
};

struct watched {
    enum watch_kind kind;
    uint64_t inode, folder, to_folder;
    int frame;
    char name[64], to_name[64];
};

enum watch_answer {
    WATCH_GO,
    WATCH_KILL, /* SIGKILL before the call */
    WATCH_TEAR, /* half of what is to be written, then SIGKILL */
};
typedef enum watch_answer (*watch_fn)(const struct watched *call, void *user);

void watch_start(watch_fn on_call, void *user);
void watch_stop(void);

/* Does the file lie in a slot, before or after; and is it the first of its message, the pivot? */
bool watched_is_slot(const char *name);
bool watched_is_pivot(const struct watched *move);

#endif
