/*
 * What the files of the Postfix format share: queue ids and their folders, the walk over records,
 * the parts of parse.
 */
#ifndef SPR_FORMATS_POSTFIX_H
#define SPR_FORMATS_POSTFIX_H

#include "formats/format.h"

/* Indices into the format's dirs; the order is that of a scan: what waits longest first. They are
 * stored in journals: append only. */
enum spr_postfix_dir {
    SPR_POSTFIX_DEFERRED,
    SPR_POSTFIX_HOLD,
    SPR_POSTFIX_INCOMING,
    SPR_POSTFIX_ACTIVE,
    SPR_POSTFIX_MAILDROP,
    SPR_POSTFIX_CORRUPT,
    SPR_POSTFIX_SAVED,
    SPR_POSTFIX_DEFER,
    SPR_POSTFIX_BOUNCE,
    SPR_POSTFIX_TRACE,
    SPR_POSTFIX_DIR_COUNT,
};

enum spr_postfix_role {
    SPR_POSTFIX_MESSAGE,
    SPR_POSTFIX_DEFER_LOG,
    SPR_POSTFIX_BOUNCE_LOG,
    SPR_POSTFIX_TRACE_LOG,
    SPR_POSTFIX_ROLE_COUNT,
};

#define SPR_POSTFIX_DEPTH_MAX 4 /* levels of hash folders looked for; installations use 1 or 2 */

extern const struct spr_dir spr_postfix_dirs[SPR_POSTFIX_DIR_COUNT];

/* ---- Names ----------------------------------------------------------------------------------- */

struct spr_postfix_id {
    uint64_t inode;  /* short ids only, else 0 */
    int64_t created; /* Unix microseconds; long ids only, else 0 */
    char usec[6];    /* long ids: the microseconds as the five hex digits that hash; else "" */
};
bool spr_postfix_id_parse(struct spr_text name, struct spr_postfix_id *ret_id);
/* dir/hash folders/name for a depth; false if it does not fit. */
bool spr_postfix_path(unsigned dir, uint32_t depth, struct spr_text name,
                      struct spr_path *ret_path);
/* The depth at which the server looks in dir. */
uint32_t spr_postfix_depth(const struct spr_layout *layout, unsigned dir);

enum spr_kind spr_postfix_classify(const struct spr_layout *layout, unsigned dir,
                                   struct spr_text name, struct spr_key *ret_key);
bool spr_postfix_locate(const struct spr_layout *layout, const struct spr_key *key, unsigned role,
                        unsigned attempt, struct spr_path *ret_path);
bool spr_postfix_id_valid(struct spr_text id);
bool spr_postfix_log_line(struct spr_text line, struct spr_log_event *ret_event);

/* ---- The spool as a whole -------------------------------------------------------------------- */

void spr_postfix_probe(const struct spr_tree *tree, struct spr_probe *ret_probe);
void spr_postfix_configure(struct spr_text line, struct spr_layout *layout);

/* ---- Records --------------------------------------------------------------------------------- */

struct spr_postfix_record {
    uint8_t type;
    uint64_t offset;
    struct spr_text payload;
};

/* Reads record after record and follows pointers. Bounded: 10000 backward jumps as the server
 * allows, no jump once twice the file's bytes were walked, no run between two jumps longer than the
 * file. */
struct spr_postfix_walk {
    const struct spr_file_view *file;
    struct spr_need *need; /* filled when a verdict other than SPR_PARSED is given */
    const uint8_t *at; /* the next record, where its bytes were read; NULL before they are sought */
    const uint8_t *end; /* of the bytes at hand, not beyond the file's */
    uint64_t offset;    /* of the next record */
    uint64_t region_at; /* bytes up to here are wanted anyway when more must be read */
    uint64_t run_at;    /* where the last jump led */
    uint64_t walked;    /* bytes before that jump */
    unsigned backward;
    bool jumped; /* a pointer to somewhere was met */
};

void spr_postfix_walk_init(struct spr_postfix_walk *walk, const struct spr_file_view *file,
                           struct spr_need *need, uint64_t offset);
/* Goes on at offset; spends nothing of the limits. */
void spr_postfix_walk_to(struct spr_postfix_walk *walk, uint64_t offset);
/* Any record, pointers included. SPR_PARSED: ret_record is the next one that is not a pointer. */
enum spr_verdict spr_postfix_walk_any(struct spr_postfix_walk *walk,
                                      struct spr_postfix_record *ret_record);
/* Bytes walked so far. */
static inline uint64_t spr_postfix_walked(const struct spr_postfix_walk *walk)
{
    return walk->walked + (walk->offset - walk->run_at);
}

/* Fills need. */
enum spr_verdict spr_postfix_malformed(struct spr_postfix_walk *walk, uint64_t offset,
                                       const char *reason);

/* spr_postfix_walk_any; the common record (no pointer, all of it at hand, a length of one byte) is
 * cut out at the caller's, since a message has fifty of them. It asks the same questions: both
 * bytes of the header and the payload lie before end. */
static inline enum spr_verdict spr_postfix_walk_next(struct spr_postfix_walk *walk,
                                                     struct spr_postfix_record *ret_record)
{
    const uint8_t *at = walk->at;
    const size_t left = (size_t)(walk->end - at);
    if (left >= 2 && at[0] != 'p' && at[1] < 0x80 && at[1] <= left - 2) {
        const size_t length = at[1];
        *ret_record = (struct spr_postfix_record){ at[0], walk->offset, { at + 2, length } };
        walk->at = at + 2 + length;
        walk->offset += 2 + length;
        return SPR_PARSED;
    }
    struct spr_postfix_record record;
    const enum spr_verdict verdict = spr_postfix_walk_any(walk, &record);
    if (verdict == SPR_PARSED) {
        *ret_record = record;
    }
    return verdict;
}

/* The next blank-separated number, taken off the text; false if there is none, or it has more than
 * nineteen digits. */
bool spr_postfix_take_number(struct spr_text *text, uint64_t *ret_number);

/* Content length, content offset, recipients; like the server, no one looks at those behind. */
#define SPR_POSTFIX_SIZES_MAX 3

/* The fields of a size record, as many as there are up to that; false if one is no number. */
bool spr_postfix_sizes(struct spr_text payload, uint64_t sizes[SPR_POSTFIX_SIZES_MAX],
                       unsigned *ret_count);

/* ---- Parsing --------------------------------------------------------------------------------- */

enum spr_verdict spr_postfix_parse(const struct spr_view *view, struct spr_sink *sink,
                                   struct spr_need *ret_need);
/* The last error of each recipient, and whether a report is not yet sent. */
enum spr_verdict spr_postfix_parse_logs(const struct spr_view *view, struct spr_sink *sink,
                                        struct spr_need *ret_need);
enum spr_verdict spr_postfix_content(const struct spr_view *view, struct spr_position *position,
                                     spr_content_fn on_bytes, void *user,
                                     struct spr_need *ret_need);
bool spr_postfix_plan(const struct spr_target *target, enum spr_action action,
                      struct spr_steps *steps);

#endif
