/*
 * Ipswitch IMail: the tables, how a spool is recognised, how a message is changed.
 *
 * One flat folder holds the pairs of all messages, locks, web-mail files and logs. There is no way
 * to keep a running IMail away from a message: changes are for a stopped server or, as the
 * vendor's own procedure goes, for a spool that was renamed. The control file makes a message
 * deliverable, so it goes first and comes back last.
 */
#include "formats/imail.h"

#include "formats/cursor.h"

#include <string.h>

#define LIST_MAX      4096
#define QUIET_SECONDS 60

static const struct spr_dir dirs[] = {
    { "", "spool", SPR_STATE_DEFERRED, SPR_DIR_TREE },
};

static const struct spr_role roles[SPR_IMAIL_ROLE_COUNT] = {
    [SPR_IMAIL_CONTROL] = { "control", SPR_ROLE_PRIMARY | SPR_ROLE_READ | SPR_ROLE_PAIRED, 1 },
    [SPR_IMAIL_ARRIVING] = { "arriving control", SPR_ROLE_PRIMARY | SPR_ROLE_READ | SPR_ROLE_PAIRED,
                             1 },
    [SPR_IMAIL_DATA] = { "data", SPR_ROLE_PRIMARY | SPR_ROLE_PAIRED, 1 },
    [SPR_IMAIL_FILTERING] = { "data under filtering", SPR_ROLE_PRIMARY | SPR_ROLE_PAIRED, 1 },
    [SPR_IMAIL_LOCK] = { "lock", SPR_ROLE_LOCK | SPR_ROLE_PAIRED, 0 },
};

/* ---- Recognising a spool --------------------------------------------------------------------- */

struct survey {
    unsigned controls, datas, logs;
    char control[SPR_NAME_MAX + 1]; /* the first control file met */
};

static bool count_name(struct spr_text name, void *user)
{
    struct survey *survey = user;
    struct spr_key key;
    switch (spr_imail_classify(NULL, 0, name, &key)) {
    case SPR_KIND_PART:
        if (!spr_imail_is_hex(key.stem)) {
            break;
        }
        survey->datas += key.role == SPR_IMAIL_DATA ? 1 : 0;
        if (key.role <= SPR_IMAIL_ARRIVING && name.length <= SPR_NAME_MAX) {
            survey->controls++;
            if (survey->controls == 1) {
                memcpy(survey->control, name.bytes, name.length);
            }
        }
        break;
    case SPR_KIND_LOG:
        survey->logs++;
        break;
    case SPR_KIND_TEMPORARY:
    case SPR_KIND_FOREIGN:
        break;
    }
    return true;
}

/* A control file begins with a Q line that names a data file. */
static bool is_control_file(const struct spr_tree *tree, const char *name)
{
    uint8_t head[512];
    size_t length = tree->peek(tree, name, head, sizeof(head));
    struct spr_cursor c;
    spr_cursor_init(&c, (struct spr_text){ head, length });
    struct spr_text line = spr_text_trim(spr_take_line(&c));
    if (line.length < 2 || line.bytes[0] != 'Q') {
        return false;
    }
    const uint8_t *dot = memrchr(line.bytes, '.', line.length);
    const uint8_t *slash = memrchr(line.bytes, '\\', line.length);
    return dot != NULL && (slash == NULL || slash < dot);
}

static void probe(const struct spr_tree *tree, struct spr_probe *ret_probe)
{
    struct survey survey = { 0 };
    struct spr_probe found = { .reason = "no pairs of Q and D files" };
    tree->list(tree, "", LIST_MAX, count_name, &survey);
    if (survey.controls > 0 && is_control_file(tree, survey.control)) {
        found.score = survey.datas > 0 ? 90 : 60;
        found.reason = "IMail control files (Q….SMD) whose first line names their data file";
    } else if (survey.controls > 0 && survey.datas > 0) {
        found.score = 30;
        found.reason = "files named like IMail's Q and D pairs";
    } else if (survey.datas > 0 && survey.logs > 0) {
        found.score = 50;
        found.reason = "IMail data files (D….SMD) with its logs beside them";
    }
    *ret_probe = found;
}

static bool locate(const struct spr_layout *layout, const struct spr_key *key, unsigned role,
                   unsigned attempt, struct spr_path *ret_path)
{
    (void)layout;
    (void)key;
    (void)role;
    (void)attempt;
    (void)ret_path;
    return false; /* every part is found by listing; the server moves nothing to other folders */
}

/* ---- Changing a message ---------------------------------------------------------------------- */

static bool refuse(struct spr_steps *steps, const char *why)
{
    steps->count = 0;
    steps->refusal = why;
    return false;
}

static void add_step(struct spr_steps *steps, const struct spr_target *target, enum spr_step_op op,
                     unsigned role)
{
    if ((target->roles_present >> role & 1) != 0) {
        steps->step[steps->count++] = (struct spr_step){ .op = op, .role = role };
    }
}

static bool plan(const struct spr_target *target, enum spr_action action, struct spr_steps *steps)
{
    *steps = (struct spr_steps){ 0 };
    if ((target->flags & SPR_MESSAGE_BUSY) != 0 ||
        (target->roles_present >> SPR_IMAIL_LOCK & 1) != 0) {
        return refuse(steps, "an IMail lock file lies beside it");
    }
    switch (action) {
    case SPR_DELETE:
        for (unsigned role = SPR_IMAIL_CONTROL; role < SPR_IMAIL_LOCK; role++) {
            add_step(steps, target, SPR_STEP_TAKE, role);
        }
        return steps->count > 0 || refuse(steps, "none of its files is there");
    case SPR_RESTORE:
        /* Names may be in any case, so each file goes back under the name it was taken from. */
        for (unsigned role = SPR_IMAIL_LOCK; role > SPR_IMAIL_CONTROL; role--) {
            add_step(steps, target, SPR_STEP_PUT, role - 1);
        }
        return steps->count > 0 || refuse(steps, "none of its files was kept");
    case SPR_HOLD:
    case SPR_RELEASE:
        return refuse(steps, "IMail has no hold; delete keeps the message and undo brings it back");
    case SPR_REQUEUE:
    case SPR_MOVE:
    case SPR_COPY:
        break;
    }
    return refuse(steps, "IMail has no such step");
}

static const char *const default_roots[] = { NULL }; /* Windows paths; a copy lies anywhere */

static const struct spr_hints hints = {
    .title = "IMail Server 6-12",
    .emit = "ids",
    .emit_how = "a script of yours: one stem a line",
    .stop = "stop the SMTP and Queue Manager services, or rename the spool folder and start them "
            "again",
    .lock_account = "disable %s or change its password in the IMail Administrator, then restart "
                    "SMTP and Queue Manager",
    .undo_limits = NULL,
    .live = "not at all: only a renamed spool, or one whose server is stopped",
    .default_roots = default_roots,
};

const struct spr_format spr_format_imail = {
    .contract = SPR_FORMAT_CONTRACT,
    .name = "imail",
    .dirs = dirs,
    .dir_count = sizeof(dirs) / sizeof(dirs[0]),
    .roles = roles,
    .role_count = SPR_IMAIL_ROLE_COUNT,
    .lock = {
        .kind = SPR_LOCK_NONE,
        .role = SPR_IMAIL_LOCK,
        .quiet_seconds = QUIET_SECONDS,
    },
    .actions_stopped = 1u << SPR_DELETE | 1u << SPR_RESTORE,
    .hints = &hints,
    .head_bytes = 4096,
    .edits_in_place = true,
    .probe = probe,
    .classify = spr_imail_classify,
    .locate = locate,
    .parse = spr_imail_parse,
    .plan = plan,
    .log_line = spr_imail_log_line,
    .id_valid = spr_imail_id_valid,
    .content = spr_imail_content,
};
