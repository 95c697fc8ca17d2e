/*
 * spoolray: read, index, query and safely change mail spools.
 *
 * What the caller must not do:
 *  - use one struct spr_result, spr_top, spr_plan or spr_jobs from two threads at once (one index
 *    may serve many threads, each with its own results, also during a scan);
 *  - keep a struct spr_text beyond the next call on the object that gave it;
 *  - call back into the library on the same object from a progress callback.
 *
 * Life-cycle: spr_index_open, spr_scan, then queries, plans and their application; close in any
 * order. Jobs belong to the spool, not to the index: spr_jobs_open, spr_job_undo, _resume, _purge
 * and spr_recover work when the index is gone.
 *
 * Results are 0 (or a count) on success, a negative errno, or an enum spr_code. ret_… is written on
 * success only and belongs to the caller. A struct spr_fault, where given, is filled on failure.
 * The library has no global state, sets no signal handler, never prints or exits.
 */
#ifndef SPR_SPOOLRAY_H
#define SPR_SPOOLRAY_H

#include "formats/words.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPR_REJECT_PATH_MAX    255
#define SPR_REJECT_CLASSES_MAX 32
#define SPR_REJECTS_KEPT       64

/* An options struct with its size set and all else zero, without warnings in either language. */
#ifdef __cplusplus
template <typename T> T spr_sized()
{
    T value = T();
    value.size = sizeof(T);
    return value;
}
#define SPR_SIZED(name) spr_sized<name>()
extern "C" {
#else
#define SPR_SIZED(name)                                                                            \
    {                                                                                              \
        .size = sizeof(struct name)                                                                \
    }
#endif
#pragma GCC visibility push(default)

/* Opaque. Created by the library, freed by the matching _close/_free, which accept NULL. */
struct spr_index;
struct spr_query;
struct spr_result;
struct spr_top;
struct spr_plan;
struct spr_jobs;
struct spr_format;

/* Result codes: 0 success; negative errno; or one of these, below every errno. */
enum spr_code {
    SPR_E_CORRUPT = -5001, /* a checksum or bound of our own files failed */
    SPR_E_NEWER = -5002,   /* written by a newer version, feature not understood */
    SPR_E_UNKNOWN = -5003, /* no format recognises this spool, or two do equally */
    SPR_E_BUSY = -5004,    /* the server or another process holds the lock */
    SPR_E_CHANGED = -5005, /* the messages are no longer the ones that were indexed */
    SPR_E_SYNTAX = -5006,  /* bad query text */
    SPR_E_STOPPED = -5007, /* the progress callback asked to stop */
    SPR_E_UNABLE = -5008,  /* the format cannot do this action, or a guard refuses it */
};

/* Details of a failure. Caller-owned, filled only on failure, may be NULL everywhere. */
struct spr_fault {
    int code;
    uint64_t offset;   /* in the file, or the column (from 0) in the query text */
    char subject[256]; /* path or text concerned, shortened in the middle */
    char detail[128];  /* one clause, no newline, no repetition of the code */
};

/* Called on the thread that made the API call, never concurrently, about 10 times a second and
 * once at the end. Non-zero stops the operation, which then returns SPR_E_STOPPED. It may query the
 * index that is scanned: a first scan publishes what it has read within a second, then each second.
 */
struct spr_progress {
    uint64_t files_seen, messages_done, messages_rejected, bytes_read;
    uint64_t steps_done, steps_total; /* jobs only: messages */
};
typedef int (*spr_progress_fn)(const struct spr_progress *progress, void *user);

enum spr_option_flag {
    SPR_READ_ONLY = 1u << 0,      /* write neither index nor lock */
    SPR_NO_EXEC = 1u << 1,        /* start no program of the server */
    SPR_SERVER_STOPPED = 1u << 2, /* the operator's word that the server is stopped */
    SPR_NO_RELOAD = 1u << 3,      /* leave alone what would need a reload of the server */
    SPR_PURGE_NOW = 1u << 4,      /* delete: purge each batch when decided; no undo */
    SPR_KEEP_UNDO = 1u << 5,      /* refuse rather than make room by purging */
};

enum spr_engine { SPR_ENGINE_AUTO, SPR_ENGINE_URING, SPR_ENGINE_THREADS };

/* Every options struct starts with its size; set it with the _INIT macro. New fields are appended.
 */
struct spr_options {
    uint32_t size;
    uint32_t workers;      /* threads; 0: chosen by measured pace, for queries by their size */
    uint32_t queue_depth;  /* 0: default per worker */
    uint32_t flags;        /* spr_option_flag */
    uint32_t engine;       /* spr_engine */
    uint32_t batch_max;    /* messages a batch; 0: 10,000 */
    uint64_t memory_limit; /* bytes for segment builders; 0: default */
    spr_progress_fn on_progress;
    void *user;
    const struct spr_format *const *extra_formats; /* NULL-terminated; see format.h */
};
#define SPR_OPTIONS_INIT SPR_SIZED(spr_options)

/* ---- Library --------------------------------------------------------------------------------- */

const char *spr_strerror(int code); /* static text, any thread */
const char *spr_version(void);

/* Which engine options->engine would run, and why: "io_uring", "threads". Static texts. */
struct spr_engine_report {
    const char *engine;
    const char *reason;
};
void spr_engine_probe(uint32_t engine, struct spr_engine_report *ret_report);

/* One built-in format, for people; index from 0; false when there is no such one. Static texts. */
struct spr_format_report {
    const char *name, *title, *emit, *emit_how, *stop, *lock_account, *undo_limits, *live;
    uint32_t actions_live, actions_stopped; /* 1u << enum spr_action */
};
bool spr_format_describe(unsigned number, struct spr_format_report *ret_report);

/* ---- Detection ------------------------------------------------------------------------------- */

struct spr_found {
    const char *spool_root; /* absolute, symlinks resolved */
    const char *format;
    const char *reason; /* why it is taken for one */
    unsigned score;     /* 1 ... 100 */
};
/* Non-zero ends the search. */
typedef int (*spr_found_fn)(const struct spr_found *found, void *user);
/* root NULL: the places where servers keep their spools. With a root, also its direct children are
 * tried, so that a folder just above a spool serves. Returns the number found. */
int spr_detect(const char *root_or_null, const struct spr_options *options, spr_found_fn on_found,
               void *user, struct spr_fault *fault);

/* ---- Index and scan -------------------------------------------------------------------------- */

/* An index lives in a directory of its own (0700, made if missing) and serves one spool. */
int spr_index_open(const char *dir, const struct spr_options *options, struct spr_index **ret_index,
                   struct spr_fault *fault);
void spr_index_close(struct spr_index *index);

struct spr_index_report {
    uint64_t messages, recipients, bytes_on_disk;
    uint32_t segments;
    int64_t scanned_at;                     /* Unix seconds when the last scan began; 0: never */
    const char *spool_root, *format, *host; /* borrowed until close; NULL before the first scan */
    bool has_subjects, has_errors;
};
int spr_index_describe(struct spr_index *index, struct spr_index_report *ret_report);
/* 1 stale, 0 fresh: a folder's time moved, or 60 s passed where the server edits in place. */
int spr_index_stale(struct spr_index *index, struct spr_fault *fault);

enum spr_scan_flag {
    SPR_SCAN_FULL = 1u << 0,  /* read everything again */
    SPR_SCAN_QUICK = 1u << 1, /* unchanged is told by name and inode alone */
    SPR_SCAN_SUBJECTS = 1u << 2,
    SPR_SCAN_ERRORS = 1u << 3,
    SPR_SCAN_NICE = 1u << 4, /* one worker, short queues, pauses while others wait; the pauses come
                                by themselves where the spool's server runs */
};
struct spr_scan_request {
    uint32_t size;
    const char *spool_root, *format; /* format NULL: detect */
    uint32_t flags;                  /* spr_scan_flag */
    uint32_t shard, shards;          /* 0, 0 or 0, 1: everything */
};
#define SPR_SCAN_REQUEST_INIT SPR_SIZED(spr_scan_request)

/* One message or entry that could not be indexed; the first 64 are kept, all are counted. */
struct spr_reject {
    char path[SPR_REJECT_PATH_MAX + 1]; /* below the spool root, shortened in the middle */
    const char *class_name;             /* static: "malformed", "not a regular file", … */
    const char *reason;                 /* static clause: what was expected; may be NULL */
    uint64_t offset;
    int code; /* negative errno for I/O errors, else 0 */
};
struct spr_reject_class {
    const char *name; /* static */
    uint64_t count;
};
struct spr_scan_report {
    uint64_t entries, messages, recipients, read, carried_over, dropped, arriving, bytes_read;
    uint64_t rejects;
    struct spr_reject_class classes[SPR_REJECT_CLASSES_MAX]; /* name NULL ends */
    struct spr_reject first[SPR_REJECTS_KEPT];
    uint32_t first_count;
    const char *engine, *engine_reason, *format, *format_reason; /* static */
    uint64_t wall_ns;
    bool is_gentle;      /* gave way to others: asked to, or because the server runs */
    uint64_t ring_reads; /* that went through io_uring, cold ones; the others were plain calls */
};
int spr_scan(struct spr_index *index, const struct spr_scan_request *request,
             struct spr_scan_report *ret_report, struct spr_fault *fault);

/* ---- Query ----------------------------------------------------------------------------------- */

enum spr_query_flag {
    SPR_QUERY_CASE = 1u << 0,          /* local parts compare with case */
    SPR_QUERY_TRUST_HEADERS = 1u << 1, /* accounts taken from headers count as accounts */
};
int spr_query_compile(const char *text, uint32_t flags, struct spr_query **ret_query,
                      struct spr_fault *fault);
void spr_query_free(struct spr_query *query);
/* True for '*' and the empty expression: everything. */
bool spr_query_is_everything(const struct spr_query *query);
/* spr_scan_flag bits of what it asks for that a plain scan leaves out: SPR_SCAN_SUBJECTS,
 * SPR_SCAN_ERRORS. An index without that refuses the query with SPR_E_UNABLE. */
uint32_t spr_query_needs(const struct spr_query *query);

#define SPR_TIME_UNKNOWN  INT64_MIN
#define SPR_COUNT_UNKNOWN INT64_MIN

struct spr_recipient {
    struct spr_text address, original, error; /* bytes NULL: unknown */
    enum spr_recipient_state state;
};

/* One message. Texts live until the next call on the result that gave it. bytes NULL: unknown. */
struct spr_message {
    struct spr_text path; /* of its primary file, below the spool root */
    struct spr_text queue_name, queue_id;
    struct spr_text sender; /* length 0, bytes not NULL: the null sender */
    struct spr_text auth_account, auth_method, local_user, client_address, helo;
    struct spr_text subject, header_from, message_id, last_error;
    enum spr_state state;
    enum spr_auth_source auth_source;
    uint32_t flags;       /* spr_message_flag */
    int64_t arrival_time; /* Unix seconds, SPR_TIME_UNKNOWN */
    int64_t next_retry;   /* Unix seconds, SPR_TIME_UNKNOWN */
    int64_t attempts;     /* SPR_COUNT_UNKNOWN */
    int64_t message_size; /* bytes as the server's listing prints it, SPR_COUNT_UNKNOWN */
    int64_t uid;          /* of a local submitter, SPR_COUNT_UNKNOWN */
    const struct spr_recipient *recipients;
    uint32_t recipient_count;
};

enum spr_sort {
    SPR_SORT_NONE,
    SPR_SORT_ARRIVAL,
    SPR_SORT_SIZE,
    SPR_SORT_SENDER,
    SPR_SORT_ID,
    SPR_SORT_RECIPIENTS
};
/* A result sees the index as it was when opened. query NULL: everything. */
int spr_result_open(struct spr_index *index, const struct spr_query *query, enum spr_sort sort,
                    bool descending, struct spr_result **ret_result, struct spr_fault *fault);
/* 1 a message, 0 at the end. */
int spr_result_next(struct spr_result *result, struct spr_message *ret_message,
                    struct spr_fault *fault);
/* Members of struct spr_message that may be left out. */
enum spr_member {
    SPR_MEMBER_PATH = 1u << 0,
    SPR_MEMBER_QUEUE_NAME = 1u << 1,
    SPR_MEMBER_QUEUE_ID = 1u << 2,
    SPR_MEMBER_SENDER = 1u << 3,
    SPR_MEMBER_AUTH_ACCOUNT = 1u << 4,
    SPR_MEMBER_AUTH_METHOD = 1u << 5,
    SPR_MEMBER_LOCAL_USER = 1u << 6,
    SPR_MEMBER_CLIENT_ADDRESS = 1u << 7,
    SPR_MEMBER_HELO = 1u << 8,
    SPR_MEMBER_SUBJECT = 1u << 9,
    SPR_MEMBER_HEADER_FROM = 1u << 10,
    SPR_MEMBER_MESSAGE_ID = 1u << 11,
    SPR_MEMBER_LAST_ERROR = 1u << 12,
    SPR_MEMBER_ARRIVAL_TIME = 1u << 13,
    SPR_MEMBER_NEXT_RETRY = 1u << 14,
    SPR_MEMBER_ATTEMPTS = 1u << 15,
    SPR_MEMBER_MESSAGE_SIZE = 1u << 16,
    SPR_MEMBER_UID = 1u << 17,
    SPR_MEMBER_FACTS = 1u << 18, /* state, auth_source, flags, recipient_count */
    SPR_MEMBER_RECIPIENTS = 1u << 19,
};
/* From the next message on only these members (spr_member) are read; others are as where they are
 * unknown. What is not read costs nothing. Before it all are. With FACTS but without RECIPIENTS the
 * count is told, and the recipients are NULL. */
void spr_result_want(struct spr_result *result, uint32_t members);
uint64_t spr_result_count(const struct spr_result *result);
void spr_result_close(struct spr_result *result);
/* The plan chosen, as lines of text for people; borrowed until close. */
const char *spr_result_explain(const struct spr_result *result);

/* Content of one message, read from the spool on request: calls on_bytes with the header block, and
 * with body also the rest. The message is found by id; SPR_E_CHANGED if it is no longer there. */
typedef int (*spr_bytes_fn)(struct spr_text bytes, void *user);
int spr_message_content(struct spr_index *index, const struct spr_message *message, bool body,
                        spr_bytes_fn on_bytes, void *user, struct spr_fault *fault);
/* Last error of each recipient of one message, read from the spool on request. */
int spr_message_errors(struct spr_index *index, const struct spr_message *message,
                       void (*on_error)(struct spr_text address, struct spr_text error, void *user),
                       void *user, struct spr_fault *fault);

/* ---- Ranked tables and the verdict ----------------------------------------------------------- */

enum spr_field {
    SPR_FIELD_ACCOUNT,
    SPR_FIELD_SENDER,
    SPR_FIELD_SENDER_DOMAIN,
    SPR_FIELD_RCPT,
    SPR_FIELD_RCPT_DOMAIN,
    SPR_FIELD_CLIENT,
    SPR_FIELD_SUBJECT,
    SPR_FIELD_STATE,
    SPR_FIELD_ERROR,
    SPR_FIELD_LOCAL_USER,
};
struct spr_top_row {
    struct spr_text value; /* bytes NULL: the messages that have none */
    uint64_t messages, recipients, bytes;
    int64_t first, last; /* arrival, Unix seconds */
};
int spr_top(struct spr_index *index, const struct spr_query *query, enum spr_field field,
            struct spr_top **ret_top, struct spr_fault *fault);
/* Rows by falling message count; 1 a row, 0 at the end. Texts live until _free. */
int spr_top_next(struct spr_top *top, struct spr_top_row *ret_row);
void spr_top_free(struct spr_top *top);

/* The facts behind the triage verdict; texts live until spr_verdict_free. */
enum spr_culprit {
    SPR_CULPRIT_NONE,
    SPR_CULPRIT_ACCOUNT,
    SPR_CULPRIT_LOCAL_USER,
    SPR_CULPRIT_CLIENT
};
struct spr_verdict_facts {
    enum spr_culprit culprit;
    struct spr_text name;
    unsigned confidence; /* per cent */
    uint64_t messages, recipients, pending, distinct_recipients, distinct_senders, distinct_clients,
        bytes;
    uint64_t total_messages, total_recipients, total_bytes;
    uint64_t state_counts[SPR_STATE_CORRUPT + 1];
    uint64_t bounces;               /* messages with the null sender */
    int64_t burst_start, burst_end; /* the shortest span that holds 90 % of the culprit's mail */
    uint64_t burst_per_minute_max;
    double median_fanout_others; /* recipients a message of everybody else */
    struct spr_text top_domains[5];
    uint64_t top_domain_counts[5];
    unsigned top_domain_count;
    struct spr_text subjects[3]; /* only when indexed */
    unsigned subject_count;
    struct spr_text clients[3];
    unsigned client_count;
    struct spr_text runner_up; /* the next account, for comparison; bytes NULL: none */
    uint64_t runner_up_messages;
};
struct spr_verdict_report;
int spr_verdict(struct spr_index *index, struct spr_verdict_report **ret_report,
                struct spr_fault *fault);
const struct spr_verdict_facts *spr_verdict_facts(const struct spr_verdict_report *report);
void spr_verdict_free(struct spr_verdict_report *report);

/* ---- Plans ----------------------------------------------------------------------------------- */

struct spr_plan_request {
    uint32_t size;
    enum spr_action action;
    const struct spr_query *query;
    const char *target;  /* SPR_MOVE, SPR_COPY: a directory outside the spool */
    const char *reason;  /* kept with the job; may be NULL */
    const char *command; /* what the operator typed, kept with the job; may be NULL */
};
#define SPR_PLAN_REQUEST_INIT SPR_SIZED(spr_plan_request)

struct spr_plan_report {
    enum spr_action action;
    uint64_t messages, recipients, pending, bytes;
    uint64_t from_active;   /* messages that need one reload of the server */
    uint64_t unchangeable;  /* matched, but left out: arriving, busy, incomplete, state forbids */
    uint64_t header_only;   /* matched, but left out: account known from a header only */
    uint64_t purge_at_most; /* messages that may go for good to make room on a full disk */
    bool server_runs, server_known;
    const char *spool_root, *format, *refusal; /* refusal: why some were left out; may be NULL */
};
int spr_plan_prepare(struct spr_index *index, const struct spr_plan_request *request,
                     const struct spr_options *options, struct spr_plan **ret_plan,
                     struct spr_fault *fault);
void spr_plan_describe(const struct spr_plan *plan, struct spr_plan_report *ret_report);
/* Text head for reviewers, then a checksummed binary body; written at fd's position. */
int spr_plan_save(const struct spr_plan *plan, int fd, struct spr_fault *fault);
int spr_plan_load(int fd, struct spr_plan **ret_plan, struct spr_fault *fault);
void spr_plan_free(struct spr_plan *plan);

struct spr_job_report {
    uint64_t job; /* its number in this spool; 0: nothing was started */
    uint64_t done, skipped, back, stuck, lost, purged;
    uint64_t bytes; /* of the files that were taken out or freed */
    uint32_t batches, reloads;
    int first_error; /* negative errno of the first failed message, 0 */
    char first_path[SPR_REJECT_PATH_MAX + 1];
    char first_reason[128];
};
/* index_dir: where the plan is kept until the job has ended; NULL: resume cannot go on with it. */
int spr_plan_apply(struct spr_plan *plan, const char *index_dir, const struct spr_options *options,
                   struct spr_job_report *ret_report, struct spr_fault *fault);

/* ---- Jobs ------------------------------------------------------------------------------------ */

enum spr_job_state {
    SPR_JOB_RUNNING,
    SPR_JOB_INTERRUPTED,
    SPR_JOB_DONE,
    SPR_JOB_UNDONE,
    SPR_JOB_PURGED,
    SPR_JOB_ABORTED,
    SPR_JOB_STUCK,
};
/* Texts live until the next call on the list. */
struct spr_job {
    uint64_t job;
    enum spr_action action;
    enum spr_job_state state;
    uint64_t messages, skipped, stuck, lost, purged;
    int64_t created;    /* Unix seconds */
    int64_t undo_until; /* Unix seconds; 0: no undo; SPR_TIME_UNKNOWN: until purged */
    uint64_t bytes;
    const char *user, *command, *reason;
};
int spr_jobs_open(const char *spool_root, struct spr_jobs **ret_jobs, struct spr_fault *fault);
int spr_jobs_next(struct spr_jobs *jobs, struct spr_job *ret_job, struct spr_fault *fault);
void spr_jobs_close(struct spr_jobs *jobs);

/* What became of each message of one job. */
struct spr_job_message {
    struct spr_text path; /* where it lay, below the spool root */
    const char *outcome;  /* static: "out", "back", "skipped", "stuck", "lost", "purged" */
    const char *reason;   /* static or NULL */
    int code;
};
typedef int (*spr_job_message_fn)(const struct spr_job_message *message, void *user);
int spr_job_messages(const char *spool_root, uint64_t job, spr_job_message_fn on_message,
                     void *user, struct spr_fault *fault);

int spr_job_undo(const char *spool_root, uint64_t job, const struct spr_options *options,
                 struct spr_job_report *ret_report, struct spr_fault *fault);
/* Settles what is open, then goes on with the plan kept in index_dir. */
int spr_job_resume(const char *spool_root, uint64_t job, const char *index_dir,
                   const struct spr_options *options, struct spr_job_report *ret_report,
                   struct spr_fault *fault);
int spr_job_purge(const char *spool_root, uint64_t job, const struct spr_options *options,
                  struct spr_job_report *ret_report, struct spr_fault *fault);
/* Settles what a crash left, in every job. */
int spr_recover(const char *spool_root, const struct spr_options *options,
                struct spr_job_report *ret_report, struct spr_fault *fault);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
