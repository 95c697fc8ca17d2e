/*
 * Accounts from the server's log files that lie in the spool, joined to messages that name none.
 */
#ifndef SPR_CORE_SCAN_ACCOUNTS_H
#define SPR_CORE_SCAN_ACCOUNTS_H

#include "core/index/record.h"
#include "core/scan/walk.h"
#include "io/io.h"

#define SPR_ACCOUNTS_SPAN_SECONDS 86400 /* sessions repeat: file and log must be that close */

/* Read by many threads once it is sorted. */
struct spr_accounts;
int spr_accounts_new(struct spr_accounts **ret_accounts);
void spr_accounts_free(struct spr_accounts *accounts);
/* Bytes of one log, in pieces of any size. mtime: of the file, Unix seconds. */
int spr_accounts_take(struct spr_accounts *accounts, const struct spr_format *format,
                      struct spr_text bytes, int64_t mtime);
/* The log's end: its last line may lack its LF. */
int spr_accounts_end_log(struct spr_accounts *accounts, const struct spr_format *format,
                         int64_t mtime);
void spr_accounts_sort(struct spr_accounts *accounts);
/* Completes a record that has a session and no account, when exactly one account logged in in that
 * session within a day of its arrival (or else of mtime). */
void spr_accounts_join(const struct spr_accounts *accounts, struct spr_record *record,
                       int64_t mtime);

/* Reads all logs of the walk and sorts. */
int spr_accounts_read(struct spr_accounts *accounts, const struct spr_walk *walk,
                      struct spr_io_shared *shared);

#endif
