/*
 * The format contract: what a mail server's plug-in answers about names and bytes.
 *
 * A format performs no I/O, allocates nothing, keeps no state and may be called from any worker at
 * once. Every text it receives is borrowed for the call; every text it hands out points into what
 * it was given, into static storage, or (texts of an emit) into its own stack. Every byte may have
 * been chosen by an enemy.
 *
 * Core does the rest: listing, pairing, reading, locks, identity, journal, undo.
 */
#ifndef SPR_FORMATS_FORMAT_H
#define SPR_FORMATS_FORMAT_H

#include "formats/words.h"

#include <stdbool.h>

#define SPR_FORMAT_CONTRACT 1

#define SPR_NAME_MAX  255 /* NAME_MAX of Linux; longer names are rejects */
#define SPR_PATH_MAX  511 /* below the spool root; every layout known needs under 300 */
#define SPR_ROLES_MAX 8
#define SPR_STEPS_MAX 16
#define SPR_DIRS_MAX  32

/* ---- 1. Is this spool mine? ------------------------------------------------------------------ */

/* The tree as probe may see it. Paths are relative to the candidate root. */
struct spr_tree {
    /* 'd' directory, 'f' regular file, 'p' FIFO, 's' socket, 'o' other, 0 absent. */
    char (*kind)(const struct spr_tree *tree, const char *path);
    /* Up to length first bytes of a regular file; the number read, 0 if absent. */
    size_t (*peek)(const struct spr_tree *tree, const char *path, uint8_t *bytes, size_t length);
    /* Calls on_name for up to max entries of a directory, in no order, until it returns false. */
    void (*list)(const struct spr_tree *tree, const char *path, unsigned max,
                 bool (*on_name)(struct spr_text name, void *user), void *user);
    void *user;
};

/* Facts about one spool that later calls need; written by probe, stored in the index manifest and
 * in every journal. configure may refine it with the server's own settings. */
struct spr_layout {
    uint32_t hash_depth;  /* levels of hash folders where the server hashes now */
    uint32_t hashed_dirs; /* bit i: dirs[i] is hashed now */
    uint32_t flags;       /* the format's own */
};

/* probe's answer: how sure it is, and the reason in one clause for people. */
struct spr_probe {
    unsigned score; /* 0 no ... 100 certain */
    const char *reason;
    struct spr_layout layout;
};

/* ---- 2. Where are messages, and what is an entry? -------------------------------------------- */

enum spr_dir_flag {
    SPR_DIR_HASHED = 1u << 0,   /* every one-character entry is a folder of the same kind */
    SPR_DIR_OPTIONAL = 1u << 1, /* may be absent */
    SPR_DIR_NO_WALK = 1u << 2,  /* known, but never listed by a scan (log folders) */
    SPR_DIR_STOPPED = 1u << 3,  /* its messages are changed only with the server stopped */
    SPR_DIR_MEMORY = 1u << 4,   /* the server keeps its messages in memory: see spr_lock_rule.run */
    SPR_DIR_TREE = 1u << 5,     /* sub-folders of any name are entered, up to depth 4 */
};

struct spr_dir {
    const char *path; /* relative to the root; "" is the root itself */
    const char *word; /* the server's own word, what queue_name shows */
    enum spr_state state;
    uint32_t flags;
};

enum spr_kind {
    SPR_KIND_PART,      /* one file of a message: the key says which, and which role */
    SPR_KIND_TEMPORARY, /* the server is writing it; counted, not an error */
    SPR_KIND_LOG,       /* belongs to the server, not a message; counted */
    SPR_KIND_FOREIGN,   /* nothing the server would accept: counted as a reject class */
};

/* Which message a file belongs to, and as what. */
struct spr_key {
    struct spr_text id;      /* the queue id as the server writes it; points into the name */
    struct spr_text stem;    /* parts with equal stem (and variant), ASCII case ignored, are one
                                message; points into the name */
    struct spr_text variant; /* second part of the key; empty: belongs to every message with that
                                stem in the same folder (a lock) */
    unsigned role;           /* index into roles */
    int64_t created;         /* Unix microseconds if the name tells, else 0; only for ordering */
    uint64_t inode;          /* the inode number that the name claims, 0 if none */
};

enum spr_role_flag {
    SPR_ROLE_REQUIRED = 1u << 0,  /* a message without it is incomplete */
    SPR_ROLE_READ = 1u << 1,      /* its head is read by a scan */
    SPR_ROLE_PAIRED = 1u << 2,    /* found by listing and pairing by key, never by a guessed name */
    SPR_ROLE_ON_DEMAND = 1u << 3, /* found by locate, and only when a change or parse needs it */
    SPR_ROLE_LOCK = 1u << 4,      /* the server's lock file: its presence alone speaks */
    SPR_ROLE_PRIMARY = 1u << 5,   /* SAFETY's pivot. Several roles may bear it; the first present
                                     one in role order is the message's primary */
};

struct spr_role {
    const char *word; /* "control", "data", "defer log" */
    uint32_t flags;
    uint32_t links; /* expected hard links; 0: any */
};

/* A path below the spool root. */
struct spr_path {
    char text[SPR_PATH_MAX + 1];
    size_t length;
};

/* ---- 3. What does a message say? ------------------------------------------------------------- */

/* Bytes of a file that were read. Extents of a file are sorted, do not overlap, and adjacent ones
 * are merged into one. */
struct spr_extent {
    uint64_t offset;
    struct spr_text bytes;
};

struct spr_file_view {
    bool present;
    bool sought; /* ON_DEMAND roles: it was looked for; not present then means absent. Core sets it
                    once it answered a MORE for the role, and always for all other roles */
    struct spr_text name; /* last component */
    uint64_t size;
    int64_t mtime_ns;
    uint32_t mode; /* st_mode */
    uint32_t uid;
    uint64_t inode;
    const struct spr_extent *extents;
    unsigned extent_count;
};

enum spr_want {
    SPR_WANT_SUBJECTS = 1u << 0, /* Subject, From, Message-ID */
    SPR_WANT_ERRORS = 1u << 1,   /* last error per recipient, also from files of their own */
};

struct spr_view {
    const struct spr_layout *layout;
    unsigned dir;           /* index into dirs */
    struct spr_text folder; /* path of the folder below the root; for dirs with TREE */
    struct spr_key key;
    uint32_t wants;                    /* spr_want */
    int64_t now;                       /* Unix seconds when the scan began */
    const struct spr_file_view *files; /* one per role */
};

enum spr_verdict {
    SPR_PARSED,
    SPR_MORE,       /* ret_need says what; parse is called again from the start */
    SPR_MALFORMED,  /* ret_need says where and why */
    SPR_UNFINISHED, /* the server is still writing: listed as arriving, not an error */
};

struct spr_need {
    unsigned role;
    uint64_t offset;    /* MORE: first byte wanted; MALFORMED: where */
    uint64_t length;    /* MORE: bytes wanted; may reach beyond the end of the file */
    const char *reason; /* MALFORMED: one clause, what was expected */
};

enum spr_fact {
    /* texts */
    SPR_FACT_SENDER, /* raw address without brackets; empty: null sender */
    SPR_FACT_ACCOUNT,
    SPR_FACT_AUTH_METHOD,
    SPR_FACT_LOCAL_USER,
    SPR_FACT_CLIENT, /* address text without brackets or the IPv6: prefix */
    SPR_FACT_HELO,
    SPR_FACT_LOG_SESSION, /* joins with spr_log_event.session */
    SPR_FACT_SUBJECT,
    SPR_FACT_HEADER_FROM,
    SPR_FACT_MESSAGE_ID,
    SPR_FACT_QUEUE_NAME, /* the server's word, where the folder's word does not say it */
    SPR_FACT_LAST_ERROR, /* of the message as a whole */
    SPR_FACT_IDENTITY,   /* bytes that never change while this message lives; may come in parts */
    /* numbers */
    SPR_FACT_ARRIVAL,    /* Unix seconds */
    SPR_FACT_NEXT_RETRY, /* Unix seconds */
    SPR_FACT_ATTEMPTS,
    SPR_FACT_SIZE,  /* bytes, as the server's own listing prints it */
    SPR_FACT_STATE, /* enum spr_state, where the folder's state does not say it */
    SPR_FACT_UID,   /* of the local submitter */
    SPR_FACT_AUTH_SOURCE,
    SPR_FACT_FLAGS, /* spr_message_flag bits, or-ed over all emits */
};

struct spr_recipient_fact {
    struct spr_text address;  /* raw, unquoted */
    struct spr_text original; /* bytes NULL: unknown or the same */
    struct spr_text error;    /* bytes NULL: none known here */
    enum spr_recipient_state state;
    uint64_t offset; /* of its record in the primary: joins with errors; 0 if none */
};

/* The receiver of what parse finds. It copies what does not lie in the view; a false answer means
 * "enough": return at once. */
struct spr_sink {
    bool (*text)(struct spr_sink *sink, enum spr_fact fact, struct spr_text value);
    bool (*number)(struct spr_sink *sink, enum spr_fact fact, int64_t value);
    bool (*recipient)(struct spr_sink *sink, const struct spr_recipient_fact *recipient);
    /* The last error of the recipient whose record lies at offset; a later one replaces it. */
    bool (*error)(struct spr_sink *sink, uint64_t offset, struct spr_text reason);
};

static inline bool spr_emit_text(struct spr_sink *sink, enum spr_fact fact, struct spr_text value)
{
    return sink->text(sink, fact, value);
}

static inline bool spr_emit_number(struct spr_sink *sink, enum spr_fact fact, int64_t value)
{
    return sink->number(sink, fact, value);
}

static inline bool spr_emit_recipient(struct spr_sink *sink,
                                      const struct spr_recipient_fact *recipient)
{
    return sink->recipient(sink, recipient);
}

static inline bool spr_emit_error(struct spr_sink *sink, uint64_t offset, struct spr_text reason)
{
    return sink->error(sink, offset, reason);
}

/* The bytes [offset, offset + length) of a file if one extent covers them, else bytes == NULL.
 * Defined in formats/cursor.c. */
struct spr_text spr_view_bytes(const struct spr_file_view *file, uint64_t offset, uint64_t length);
/* From offset to the end of the extent that covers it; bytes NULL if none does. */
struct spr_text spr_view_from(const struct spr_file_view *file, uint64_t offset);

/* ---- 4. How is it changed? ------------------------------------------------------------------- */

enum spr_lock_kind {
    SPR_LOCK_NONE,        /* only a stopped server or a renamed spool */
    SPR_LOCK_CLAIM_FLOCK, /* take first (rename), then flock without blocking is the proof */
    SPR_LOCK_FILES,       /* a lock file beside the message means busy */
};

/* How the server is kept away, and how to tell that it runs. Data, not code. */
struct spr_lock_rule {
    enum spr_lock_kind kind;
    unsigned role;          /* the file that is locked */
    const char *run_file;   /* below the root; the server holds a lock on it while it runs; NULL:
                               cannot be told, the operator must say it (--server-stopped) */
    const char *const *run; /* process names, NULL-terminated: the child of the lock's holder whose
                               memory SPR_DIR_MEMORY speaks of; NULL: none */
    int reload_signal;      /* sent to the lock's holder, it ends that child's run; 0: none */
    uint32_t quiet_seconds; /* SPR_LOCK_NONE: the spool counts as renamed when nothing in it
                               changed for so long; 0: never by itself */
};

enum spr_step_op {
    SPR_STEP_TAKE,   /* role → its slot */
    SPR_STEP_PUT,    /* role → path: in one rename for a message of one file, else by its slot */
    SPR_STEP_NOTIFY, /* once a batch: bytes into the FIFO or stream socket at path */
    SPR_STEP_RELOAD, /* once a batch, before messages of SPR_DIR_MEMORY are given back or held */
};

struct spr_step {
    enum spr_step_op op;
    unsigned role;
    struct spr_path path; /* PUT, NOTIFY; PUT under RESTORE: empty is the path it was taken from */
    struct spr_text notify; /* NOTIFY; static */
    bool touch;             /* PUT: set the times to now */
};

struct spr_steps {
    struct spr_step step[SPR_STEPS_MAX];
    unsigned count;
    const char *refusal; /* set when plan answers false: one clause for the operator */
};

/* The message to change, as it lies now. */
struct spr_target {
    const struct spr_layout *layout;
    unsigned dir;           /* where its primary lies now */
    struct spr_text folder; /* path of that folder below the root */
    struct spr_key key;
    uint32_t roles_present; /* bit per role; those of ON_DEMAND roles are set too: core looks for
                               them before it asks. plan names no role without its bit */
    uint32_t flags;         /* spr_message_flag */
    bool server_runs;
    bool run_lives;    /* RESTORE: the server's run that had it in memory when taken still lives */
    unsigned from_dir; /* RESTORE: where it was taken from */
    struct spr_text from_folder; /* RESTORE: that folder's path */
};

/* ---- 5. What does a log line say? ------------------------------------------------------------ */

struct spr_log_event {
    struct spr_text session; /* queue id or the session number that SPR_FACT_LOG_SESSION gives;
                                ASCII case ignored */
    struct spr_text account; /* empty: the line only ties session and file together */
    struct spr_text client;
    int64_t time;  /* Unix seconds; 0 if the line does not tell */
    bool yearless; /* the line names no year: time is that clock in 1972, read as UTC; core finds
                      the year, and allows for the hours of a zone */
};

/* ---- 6. Words for people --------------------------------------------------------------------- */

struct spr_hints {
    const char *title;                /* "Postfix 2.0-3.12" */
    const char *emit;                 /* name for --emit */
    const char *emit_how;             /* what reads the ids: "postsuper -d -" */
    const char *stop;                 /* how the server is stopped */
    const char *lock_account;         /* how an account is locked here; %s is the account */
    const char *undo_limits;          /* what undo cannot restore to the letter; NULL: nothing */
    const char *live;                 /* how it is changed while the server runs, in a few words */
    const char *const *default_roots; /* where installations keep it; NULL-terminated */
    const char *settings_command;     /* NULL, or the server's program that prints settings as
                                         "name = value" lines; see configure */
    const char *const *settings;      /* its argument list after the program; NULL-terminated. The
                                         first names the setting whose value is the spool root:
                                         core configures only the spool that it names */
};

/* ---- 7. What does the message itself say? ---------------------------------------------------- */

/* Where reading the content stands; all zero at the start. Core keeps it between calls and looks
 * at nothing in it. */
struct spr_position {
    uint64_t offset; /* of the next byte wanted */
    uint64_t end;    /* where the content ends, when known */
    uint32_t jumps;  /* budget spent on pointers */
    uint32_t stage;  /* the format's own */
};
/* Takes the next bytes of the message as it travels, lines ending in LF or CRLF; false: enough. */
typedef bool (*spr_content_fn)(struct spr_text bytes, void *user);

/* ---- The contract ---------------------------------------------------------------------------- */

struct spr_format {
    uint32_t contract; /* SPR_FORMAT_CONTRACT */
    const char *name;  /* stable word, stored in every index and journal */
    const struct spr_dir *dirs;
    unsigned dir_count;
    const struct spr_role *roles;
    unsigned role_count;
    struct spr_lock_rule lock;
    uint32_t actions_live;    /* 1u << action */
    uint32_t actions_stopped; /* stopped server or renamed spool */
    const struct spr_hints *hints;
    uint32_t head_bytes; /* first read of each SPR_ROLE_READ file */
    bool edits_in_place; /* folder times do not tell about changes: stale after 60 s */

    void (*probe)(const struct spr_tree *tree, struct spr_probe *ret_probe);
    /* One "name = value" line of settings_command; NULL if there is none. */
    void (*configure)(struct spr_text line, struct spr_layout *layout);
    /* dir: index into dirs. The key is whole for SPR_KIND_PART. For other kinds its stem may be
     * set, with a role that is none: a name that stands in the way of messages with that stem. */
    enum spr_kind (*classify)(const struct spr_layout *layout, unsigned dir, struct spr_text name,
                              struct spr_key *ret_key);
    /* Candidate paths of an ON_DEMAND role, or of the primary after the server moved it, by attempt
     * 0, 1, 2 … until false. */
    bool (*locate)(const struct spr_layout *layout, const struct spr_key *key, unsigned role,
                   unsigned attempt, struct spr_path *ret_path);
    enum spr_verdict (*parse)(const struct spr_view *view, struct spr_sink *sink,
                              struct spr_need *ret_need);
    bool (*plan)(const struct spr_target *target, enum spr_action action, struct spr_steps *steps);
    bool (*log_line)(struct spr_text line, struct spr_log_event *ret_event); /* or NULL */
    /* Does the operator's text have the form of a queue id here? */
    bool (*id_valid)(struct spr_text id);
    /* Hands out what the view holds of the message's content (header block, empty line, body) from
     * position on and moves position. SPR_MORE: ret_need says what to read next; the next view
     * may hold nothing else. SPR_PARSED: all was handed out, or on_bytes had enough. NULL: none. */
    enum spr_verdict (*content)(const struct spr_view *view, struct spr_position *position,
                                spr_content_fn on_bytes, void *user, struct spr_need *ret_need);
};

/* Built-in formats, alphabetical, NULL-terminated. */
extern const struct spr_format *const spr_formats[];

#endif
