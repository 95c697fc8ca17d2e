/*
 * Reading many small files: requests in, completions out. No ring type and no system call name
 * passes this header.
 *
 * One struct spr_io belongs to one worker: all calls with it come from that worker's thread,
 * spr_io_new and spr_io_free too, since its descriptors may be that thread's alone
 * (io/workers.h) and its ring takes submissions from no other. Requests are what core wants, not
 * system calls, and come as a window that the backend may open, reorder and queue as a whole.
 * Completions come in any order. A request and its name are the kernel's and the backend's until
 * its completion arrives, also on error and cancel paths.
 */
#ifndef SPR_IO_IO_H
#define SPR_IO_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct spr_io;
struct spr_io_file;   /* an open regular file, until spr_io_release */
struct spr_io_shared; /* pace and counters, one per scan, shared by its workers */

enum spr_io_engine { SPR_IO_AUTO, SPR_IO_URING, SPR_IO_THREADS };

enum spr_io_op {
    SPR_IO_HEAD,  /* open name beneath dir_fd, fstat, read from the start */
    SPR_IO_RANGE, /* read from an open file */
    SPR_IO_STAT,  /* open with O_PATH or fstatat: meta only */
};

struct spr_io_request {
    enum spr_io_op op;
    int dir_fd;
    const char *name;         /* one component; borrowed until completion */
    struct spr_io_file *file; /* SPR_IO_RANGE: from an earlier completion, instead of a name */
    uint64_t offset;
    uint32_t length; /* at most SPR_IO_READ_MAX; HEAD and RANGE; 0: HEAD only opens */
    void *user;
};
#define SPR_IO_READ_MAX (1u << 20)

/* One fstat. */
struct spr_io_meta {
    uint64_t device, inode, size;
    int64_t mtime_ns, ctime_ns, atime_ns;
    uint32_t mode, uid, gid, links;
};

struct spr_io_done {
    const struct spr_io_request *request;
    int64_t result;       /* bytes read or 0; negative errno. -EFTYPE is spelled -EBADF here:
                             not a regular file, or on another device than its folder */
    const uint8_t *bytes; /* from the pool; valid until spr_io_release */
    struct spr_io_file
        *file;               /* HEAD: open until spr_io_release: a later RANGE sees the same file */
    struct spr_io_meta meta; /* HEAD and STAT, when the open succeeded */
};

/* What io asks of core for the next window. */
struct spr_io_pace {
    uint32_t window;  /* requests per spr_io_window */
    uint32_t workers; /* that should run now; a worker with a higher number pauses */
    bool inode_order; /* inode order is disk order here; else cut windows in creation order */
};

/* Which engine would run, and why: static texts ("io_uring"/"threads"; "ring set-up refused: …").
 */
void spr_io_probe(enum spr_io_engine wish, enum spr_io_engine *ret_engine, const char **ret_reason);

/* device: st_dev every file must have (SAFETY I1). SPR_IO_URING where no ring can be had is the
 * negative errno of its set-up; SPR_IO_AUTO then reads by plain calls. */
int spr_io_shared_new(enum spr_io_engine engine, uint64_t device, uint32_t workers_max,
                      struct spr_io_shared **ret_shared);
void spr_io_shared_free(struct spr_io_shared *shared);
/* Before workers start: small windows, and what they read leaves the page cache as it was. */
void spr_io_shared_be_nice(struct spr_io_shared *shared);
/* What ran in the end, for the report; static texts. */
const char *spr_io_shared_engine(const struct spr_io_shared *shared, const char **ret_reason);
uint64_t spr_io_shared_bytes(const struct spr_io_shared *shared);
/* Reads that went through a ring; the others were plain calls. */
uint64_t spr_io_shared_ring_reads(const struct spr_io_shared *shared);
uint32_t spr_io_workers_wanted(const struct spr_io_shared *shared);

int spr_io_new(struct spr_io_shared *shared, uint32_t worker, uint32_t queue_depth,
               struct spr_io **ret_io);
void spr_io_free(struct spr_io *io);

/* Accepts the whole window or none: 0, or a negative errno. queue_depth of spr_io_new: reads on
 * their way at once; 0: the pace's window. Windows may follow while others are outstanding. */
int spr_io_window(struct spr_io *io, const struct spr_io_request *requests, uint32_t count);
/* Up to max completions, at least one while any is outstanding; 0 when none is. */
int spr_io_wait(struct spr_io *io, struct spr_io_done *done, unsigned max);
/* Whether the next spr_io_wait has to wait for reads that are on their way. */
bool spr_io_must_wait(const struct spr_io *io);
/* Gives back bytes and file of one completion. A file that a RANGE used stays open until the
 * release of its HEAD completion. */
void spr_io_release(struct spr_io *io, struct spr_io_done *done);
struct spr_io_pace spr_io_pace(const struct spr_io *io);

#endif
