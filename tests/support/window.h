/*
 * A folder of files with known contents, requests for their heads, and the ways to read them.
 */
#ifndef SPR_TESTS_SUPPORT_WINDOW_H
#define SPR_TESTS_SUPPORT_WINDOW_H

#include "io/io.h"
#include "tests/support/faulty_io.h"

#include <stdbool.h>
#include <stdint.h>

#define WINDOW_FILES_MAX  1200
#define WINDOW_NAME_BYTES 32

/* An engine, and whether windows are made to be cold. A parameter is copied to the test's process:
 * no pointers in it. */
struct way {
    char name[16];
    enum spr_io_engine engine;
    bool cold;
};
#define WAY_COUNT 4
extern struct way ways[WAY_COUNT];

/* One test is one process, so one window of each. */
struct window {
    char root[256];
    int dir_fd;
    uint64_t device;
    char names[WINDOW_FILES_MAX][WINDOW_NAME_BYTES];
    struct spr_io_request requests[WINDOW_FILES_MAX];
    uint32_t completed[WINDOW_FILES_MAX]; /* how often */
};
extern struct window window;

void open_window(void);
void close_window(void);
uint8_t window_content(uint32_t number, uint64_t offset);
/* Named fN, with window_content. */
void make_file(uint32_t number, uint32_t size);
/* Requests for the first count files. */
void ask_heads(uint32_t count, uint32_t length);
int count_open(void);
/* False, with a warning that says why, where the engine cannot be had. */
bool can_run(const struct way *way);
/* Installs the failing table: the way's own rule (no file is ever cached), and rule, if any. */
void start_way(const struct way *way, const struct spr_fault_rule *rule);
struct spr_io_shared *new_shared(const struct way *way, uint32_t workers);
struct spr_io *new_io(struct spr_io_shared *shared);
void note_completion(const struct spr_io_done *done);
void check_bytes(const struct spr_io_done *done);
/* Fetches, checks and releases all completions; how many failed. */
uint32_t drain(struct spr_io *io);
void expect_each_once(uint32_t count, const char *name);

#endif
