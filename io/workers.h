/*
 * A pool of threads for one phase: start them, join them, first error wins.
 */
#ifndef SPR_IO_WORKERS_H
#define SPR_IO_WORKERS_H

#include <stdbool.h>
#include <stdint.h>

struct spr_workers;
/* More threads than this are a mistake of the caller (-EINVAL). */
#define SPR_WORKERS_MAX 1024u

/* Starts count threads that call run(number, user) once. private_files: each gets a descriptor
 * table of its own (unshare CLONE_FILES): it sees what was open at its start, and what it opens
 * is its own; all of it is closed when it ends, so no lock outlives the join. Fewer threads than
 * asked may start; at least one, else a negative errno. */
int spr_workers_start(uint32_t count, bool private_files, int (*run)(uint32_t number, void *user),
                      void *user, struct spr_workers **ret_workers);
/* Waits up to wait_ms for all to end: 1 when all ended, 0 on time-out. */
int spr_workers_wait(struct spr_workers *workers, uint32_t wait_ms);
/* Joins all and frees; the first negative result, else 0. NULL is accepted. */
int spr_workers_join(struct spr_workers *workers);
/* Built with the thread sanitizer, which sees neither private descriptors nor what a ring writes.
 */
bool spr_thread_sanitized(void);
uint32_t spr_cores(void); /* online and allowed, at least 1 */

#endif
