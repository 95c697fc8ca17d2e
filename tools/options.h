/*
 * The table of options. An option is named once, in options.c: its long name, letter, argument, the
 * verbs that know it, and its line of help. The configuration file uses the long names.
 */
#ifndef SPR_TOOLS_OPTIONS_H
#define SPR_TOOLS_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum spr_verb_bit {
    SPR_VERB_TRIAGE = 1u << 0,
    SPR_VERB_SCAN = 1u << 1,
    SPR_VERB_TOP = 1u << 2,
    SPR_VERB_QUERY = 1u << 3,
    SPR_VERB_SHOW = 1u << 4,
    SPR_VERB_PLAN = 1u << 5,
    SPR_VERB_APPLY = 1u << 6,
    SPR_VERB_DELETE = 1u << 7,
    SPR_VERB_HOLD = 1u << 8,
    SPR_VERB_RELEASE = 1u << 9,
    SPR_VERB_JOBS = 1u << 10,
    SPR_VERB_UNDO = 1u << 11,
    SPR_VERB_RESUME = 1u << 12,
    SPR_VERB_PURGE = 1u << 13,
    SPR_VERB_FORMATS = 1u << 14,
    SPR_VERB_BENCH = 1u << 15,
    SPR_VERB_VERSION = 1u << 16,
    SPR_VERBS_ALL = (1u << 17) - 1,
    SPR_VERBS_CHANGE = SPR_VERB_DELETE | SPR_VERB_HOLD | SPR_VERB_RELEASE,
};

enum spr_option_id {
    SPR_OPT_SPOOL,
    SPR_OPT_FORMAT,
    SPR_OPT_INDEX,
    SPR_OPT_JSON,
    SPR_OPT_QUIET,
    SPR_OPT_CONFIG,
    SPR_OPT_SERVER_STOPPED,
    SPR_OPT_ENGINE,
    SPR_OPT_WORKERS,
    SPR_OPT_PROGRESS,
    SPR_OPT_HELP,
    SPR_OPT_VERSION,
    SPR_OPT_NO_REFRESH,
    SPR_OPT_SUBJECTS,
    SPR_OPT_ERRORS,
    SPR_OPT_FULL,
    SPR_OPT_QUICK,
    SPR_OPT_NICE,
    SPR_OPT_SHARD,
    SPR_OPT_COLD,
    SPR_OPT_CASE,
    SPR_OPT_TRUST_HEADERS,
    SPR_OPT_COUNT,
    SPR_OPT_FIELDS,
    SPR_OPT_SORT,
    SPR_OPT_LIMIT,
    SPR_OPT_CSV,
    SPR_OPT_NUL,
    SPR_OPT_EXPLAIN,
    SPR_OPT_EMIT,
    SPR_OPT_BODY,
    SPR_OPT_OUTPUT,
    SPR_OPT_REASON,
    SPR_OPT_DRY_RUN,
    SPR_OPT_YES,
    SPR_OPT_EXPECT,
    SPR_OPT_EVERYTHING,
    SPR_OPT_NO_RELOAD,
    SPR_OPT_KEEP_UNDO,
    SPR_OPT_PURGE_NOW,
    SPR_OPT_OLDER_THAN,
    SPR_OPT_TOTAL,
};

enum spr_option_kind { SPR_OPTION_SWITCH, SPR_OPTION_TEXT, SPR_OPTION_NUMBER, SPR_OPTION_DURATION };

struct spr_option {
    enum spr_option_id id;
    const char *name;
    char letter; /* 0: none */
    enum spr_option_kind kind;
    uint32_t verbs;    /* spr_verb_bit */
    bool configurable; /* may stand in the configuration file */
    const char *argument;
    const char *help;
};

/* NULL when there is none; number from 0. */
const struct spr_option *spr_option_at(unsigned number);
const struct spr_option *spr_option_find(const char *name, size_t length);
const struct spr_option *spr_option_letter(char letter);
/* The option probably meant by an unknown name, or NULL. */
const char *spr_option_nearest(const char *name, size_t length);
/* NULL if text is a value of its kind, else what is wrong with it. */
const char *spr_option_refuses(const struct spr_option *option, const char *text);

/* "7d", "36h", "90m", "30s", "2w" or plain seconds; false if it is none. */
bool spr_duration_parse(const char *text, uint64_t *ret_seconds);

/* Lines of help for the options that verb_bit knows: those of every verb, or its own. */
void spr_options_help(FILE *out, uint32_t verb_bit, bool global);

#endif
