/*
 * Postfix: the tables, how a queue directory is recognised, and how a message is changed.
 *
 * The queue file is the message; logs of the same name stand beside it in defer/, bounce/ and
 * trace/. Changes claim by rename first, so that no daemon opens the file any more, then prove by
 * flock that nobody delivers it.
 */
#include "formats/postfix.h"

#include "formats/cursor.h"
#include "formats/path.h"

#include <string.h>

#define DEPTH_DEFAULT 1 /* hash_queue_depth since 2.0 */
#define HUP           1 /* what "postfix reload" sends to the master */

const struct spr_dir spr_postfix_dirs[SPR_POSTFIX_DIR_COUNT] = {
    [SPR_POSTFIX_DEFERRED] = { "deferred", "deferred", SPR_STATE_DEFERRED,
                               SPR_DIR_HASHED | SPR_DIR_OPTIONAL },
    [SPR_POSTFIX_HOLD] = { "hold", "hold", SPR_STATE_HELD, SPR_DIR_HASHED | SPR_DIR_OPTIONAL },
    [SPR_POSTFIX_INCOMING] = { "incoming", "incoming", SPR_STATE_INCOMING,
                               SPR_DIR_HASHED | SPR_DIR_OPTIONAL },
    [SPR_POSTFIX_ACTIVE] = { "active", "active", SPR_STATE_ACTIVE,
                             SPR_DIR_HASHED | SPR_DIR_OPTIONAL | SPR_DIR_MEMORY },
    [SPR_POSTFIX_MAILDROP] = { "maildrop", "maildrop", SPR_STATE_INCOMING,
                               SPR_DIR_OPTIONAL | SPR_DIR_STOPPED },
    [SPR_POSTFIX_CORRUPT] = { "corrupt", "corrupt", SPR_STATE_CORRUPT,
                              SPR_DIR_HASHED | SPR_DIR_OPTIONAL | SPR_DIR_STOPPED },
    [SPR_POSTFIX_SAVED] = { "saved", "saved", SPR_STATE_CORRUPT,
                            SPR_DIR_HASHED | SPR_DIR_OPTIONAL | SPR_DIR_STOPPED },
    [SPR_POSTFIX_DEFER] = { "defer", "defer", SPR_STATE_DEFERRED,
                            SPR_DIR_HASHED | SPR_DIR_OPTIONAL | SPR_DIR_NO_WALK },
    [SPR_POSTFIX_BOUNCE] = { "bounce", "bounce", SPR_STATE_DEFERRED,
                             SPR_DIR_HASHED | SPR_DIR_OPTIONAL | SPR_DIR_NO_WALK },
    [SPR_POSTFIX_TRACE] = { "trace", "trace", SPR_STATE_DEFERRED,
                            SPR_DIR_HASHED | SPR_DIR_OPTIONAL | SPR_DIR_NO_WALK },
};

static const struct spr_role roles[SPR_POSTFIX_ROLE_COUNT] = {
    [SPR_POSTFIX_MESSAGE] = { "message", SPR_ROLE_PRIMARY | SPR_ROLE_REQUIRED | SPR_ROLE_READ, 1 },
    [SPR_POSTFIX_DEFER_LOG] = { "defer log", SPR_ROLE_ON_DEMAND, 1 },
    [SPR_POSTFIX_BOUNCE_LOG] = { "bounce log", SPR_ROLE_ON_DEMAND, 1 },
    [SPR_POSTFIX_TRACE_LOG] = { "trace log", SPR_ROLE_ON_DEMAND, 1 },
};

/* ---- Recognising a queue directory ----------------------------------------------------------- */

static bool is_dir(const struct spr_tree *tree, struct spr_path *path, struct spr_text child)
{
    struct spr_path below = *path;
    if (!spr_path_add(&below, child) || tree->kind(tree, below.text) != 'd') {
        return false;
    }
    *path = below;
    return true;
}

/* How many levels of hash folders lie below path, following the first folder of each level. */
static uint32_t measure_depth(const struct spr_tree *tree, struct spr_path path)
{
    static const char letters[] = "0123456789ABCDEF_";
    for (uint32_t depth = 0; depth < SPR_POSTFIX_DEPTH_MAX; depth++) {
        bool found = false;
        for (size_t i = 0; i < sizeof(letters) - 1 && !found; i++) {
            found = is_dir(tree, &path, (struct spr_text){ (const uint8_t *)&letters[i], 1 });
        }
        if (!found) {
            return depth;
        }
    }
    return SPR_POSTFIX_DEPTH_MAX;
}

struct sample {
    unsigned ids, others;
};

static bool count_name(struct spr_text name, void *user)
{
    struct sample *sample = user;
    struct spr_key key;
    if (name.length == 1) {
        return true;
    }
    switch (spr_postfix_classify(NULL, SPR_POSTFIX_DEFERRED, name, &key)) {
    case SPR_KIND_PART:
        sample->ids++;
        break;
    case SPR_KIND_TEMPORARY:
    case SPR_KIND_LOG:
        break;
    case SPR_KIND_FOREIGN:
        sample->others++;
        break;
    }
    return true;
}

/* Adds the names in a queue's top folder and in its first hash folders. */
static void sample_names(const struct spr_tree *tree, struct spr_path path, struct sample *sample)
{
    static const char letters[] = "0123456789ABCDEF";
    const unsigned names_max = 64;
    tree->list(tree, path.text, names_max, count_name, sample);
    for (size_t i = 0; i < sizeof(letters) - 1; i++) {
        struct spr_path below = path;
        if (is_dir(tree, &below, (struct spr_text){ (const uint8_t *)&letters[i], 1 })) {
            tree->list(tree, below.text, names_max, count_name, sample);
        }
    }
}

/* Which of the format's dirs are there, and how they are hashed. */
static uint32_t survey(const struct spr_tree *tree, struct spr_layout *layout,
                       struct sample *sample)
{
    uint32_t present = 0;
    for (unsigned dir = 0; dir < SPR_POSTFIX_DIR_COUNT; dir++) {
        struct spr_path path = { .length = 0 };
        if (!is_dir(tree, &path, spr_text_of(spr_postfix_dirs[dir].path))) {
            continue;
        }
        present |= 1u << dir;
        bool hashable = (spr_postfix_dirs[dir].flags & SPR_DIR_HASHED) != 0;
        uint32_t depth = hashable ? measure_depth(tree, path) : 0;
        if (depth > 0) {
            layout->hashed_dirs |= 1u << dir;
            layout->hash_depth = depth > layout->hash_depth ? depth : layout->hash_depth;
        }
        if (dir < SPR_POSTFIX_DEFER) {
            sample_names(tree, path, sample);
        }
    }
    if (layout->hash_depth == 0) {
        layout->hash_depth = DEPTH_DEFAULT;
        if (sample->ids == 0) { /* nothing lies there yet: the server's defaults */
            layout->hashed_dirs = 1u << SPR_POSTFIX_DEFERRED | 1u << SPR_POSTFIX_DEFER;
        }
    }
    return present;
}

static unsigned count_service_dirs(const struct spr_tree *tree)
{
    static const char *const names[] = { "pid", "private", "public" };
    unsigned count = 0;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        count += tree->kind(tree, names[i]) == 'd' ? 1 : 0;
    }
    return count;
}

void spr_postfix_probe(const struct spr_tree *tree, struct spr_probe *ret_probe)
{
    const uint32_t queues = 1u << SPR_POSTFIX_DEFERRED | 1u << SPR_POSTFIX_HOLD |
                            1u << SPR_POSTFIX_INCOMING | 1u << SPR_POSTFIX_ACTIVE;
    const uint32_t core_queues = 1u << SPR_POSTFIX_DEFERRED | 1u << SPR_POSTFIX_ACTIVE;
    struct sample sample = { 0 };
    struct spr_probe probe = { .reason = "no Postfix queue directories" };
    uint32_t present = survey(tree, &probe.layout, &sample);
    int count = __builtin_popcount(present);

    if ((present & queues) == 0) {
        *ret_probe = (struct spr_probe){ .reason = probe.reason };
        return;
    }
    if (count >= 6 && count_service_dirs(tree) >= 2) {
        probe.score = 95;
        probe.reason = "Postfix queue directories with pid/, private/ and public/ beside them";
    } else if (count >= 6) {
        probe.score = 85;
        probe.reason = "Postfix queue directories (deferred/, active/, hold/, …)";
    } else if (sample.ids > 0 && sample.ids > sample.others) {
        probe.score = count > 1 ? 75 : 55;
        probe.reason = "Postfix queue directories with files named like its queue ids";
    } else if (count >= 4 && (present & core_queues) == core_queues && sample.others == 0) {
        probe.score = 40;
        probe.reason = "Postfix queue directories without messages";
    }
    *ret_probe = probe;
}

/* Sets the bit of each of the format's dirs that a list of queue names holds. */
static uint32_t hashed_of(struct spr_text list)
{
    uint32_t bits = 0;
    size_t start = 0;
    for (size_t i = 0; i <= list.length; i++) {
        if (i < list.length && memchr(", \t\r\n", list.bytes[i], 5) == NULL) {
            continue;
        }
        struct spr_text word = { list.bytes + start, i - start };
        for (unsigned dir = 0; dir < SPR_POSTFIX_DIR_COUNT; dir++) {
            bool hashable = (spr_postfix_dirs[dir].flags & SPR_DIR_HASHED) != 0;
            if (hashable && spr_text_equal(word, spr_postfix_dirs[dir].path)) {
                bits |= 1u << dir;
            }
        }
        start = i + 1;
    }
    return bits;
}

void spr_postfix_configure(struct spr_text line, struct spr_layout *layout)
{
    const uint8_t *equals = memchr(line.bytes, '=', line.length);
    if (line.length == 0 || equals == NULL) {
        return;
    }
    size_t length = (size_t)(equals - line.bytes);
    struct spr_text name = spr_text_trim((struct spr_text){ line.bytes, length });
    struct spr_text value =
        spr_text_trim((struct spr_text){ equals + 1, line.length - length - 1 });
    uint64_t depth = 0;
    if (spr_text_equal(name, "hash_queue_names")) {
        layout->hashed_dirs = hashed_of(value);
    } else if (spr_text_equal(name, "hash_queue_depth") && spr_text_decimal(value, &depth) &&
               depth >= 1 && depth <= SPR_POSTFIX_DEPTH_MAX) {
        layout->hash_depth = (uint32_t)depth;
    }
}

static const char *const run_names[] = { "qmgr", "oqmgr", "nqmgr", NULL };
static const char *const default_roots[] = { "/var/spool/postfix", NULL };
static const char *const settings[] = { "queue_directory", "hash_queue_names", "hash_queue_depth",
                                        "enable_long_queue_ids", NULL };

static const struct spr_hints hints = {
    .title = "Postfix 2.0-3.12",
    .emit = "postsuper",
    .emit_how = "postsuper -d -",
    .stop = "postfix stop",
    .lock_account = "change the password of %s in its SASL database (saslpasswd2, the mail "
                    "server's user table or directory), then: postfix reload",
    .undo_limits = "while Postfix runs, messages taken from active/ come back in deferred/",
    .live = "claimed by rename, then tested with flock",
    .default_roots = default_roots,
    .settings_command = "postconf",
    .settings = settings,
};

const struct spr_format spr_format_postfix = {
    .contract = SPR_FORMAT_CONTRACT,
    .name = "postfix",
    .dirs = spr_postfix_dirs,
    .dir_count = SPR_POSTFIX_DIR_COUNT,
    .roles = roles,
    .role_count = SPR_POSTFIX_ROLE_COUNT,
    .lock = {
        .kind = SPR_LOCK_CLAIM_FLOCK,
        .role = SPR_POSTFIX_MESSAGE,
        .run_file = "pid/master.pid",
        .run = run_names,
        .reload_signal = HUP,
    },
    .actions_live = 1u << SPR_DELETE | 1u << SPR_HOLD | 1u << SPR_RELEASE | 1u << SPR_RESTORE,
    .actions_stopped = 1u << SPR_DELETE | 1u << SPR_HOLD | 1u << SPR_RELEASE |
                       1u << SPR_RESTORE,
    .hints = &hints,
    .head_bytes = 4096,
    .probe = spr_postfix_probe,
    .configure = spr_postfix_configure,
    .classify = spr_postfix_classify,
    .locate = spr_postfix_locate,
    .parse = spr_postfix_parse,
    .plan = spr_postfix_plan,
    .log_line = spr_postfix_log_line,
    .id_valid = spr_postfix_id_valid,
    .content = spr_postfix_content,
};
