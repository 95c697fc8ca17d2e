/*
 * From a query to a plan: what the query selects, less what may not be touched.
 */
#include "core/batch/change.h"
#include "core/batch/plan.h"
#include "core/batch/private.h"
#include "core/batch/server.h"
#include "core/fault.h"
#include "core/library.h"
#include "core/query/compile.h"
#include "core/query/result.h"
#include "formats/cursor.h"
#include "io/dirents.h"
#include "io/own.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Room that a job is sure to need: the reserve, and a journal for a full batch; and more with each
 * message. */
#define ROOM_BYTES_MIN     (16u << 20)
#define ROOM_BYTES_MESSAGE 1024
#define ROOM_FILES_MIN     64
/* Messages that may go for good on a full disk: what the private directory needs, and one for the
 * journal of some others. A message frees a block at least, its lines in a journal are a tenth. */
#define PURGE_FOR_ROOM       1024
#define PURGE_FOR_ROOM_SHARE 8

struct preparer {
    struct spr_plan *plan;
    const struct spr_format *format;
    struct spr_server server;
    struct spr_options options;
    struct spr_space space; /* free where the spool lies */
    bool space_known;
    bool by_account; /* the query looks at accounts, and headers are not trusted */
    FILE *samples;
    unsigned sample_count;
};

/* ---- What is left out ------------------------------------------------------------------------ */

static bool looks_at_accounts(const struct spr_query *query)
{
    if (query == NULL || (query->flags & SPR_QUERY_TRUST_HEADERS) != 0) {
        return false;
    }
    for (uint32_t i = 0; i < query->filter->node_count; i++) {
        const struct spr_filter_node *node = &query->filter->nodes[i];
        if (node->kind == SPR_FILTER_TERM &&
            (node->term.field == SPR_FILTER_ACCOUNT || node->term.field == SPR_FILTER_ANY)) {
            return true;
        }
    }
    return false;
}

static uint32_t roles_of(const struct preparer *p, const struct spr_record *record)
{
    uint32_t roles = 0;
    for (unsigned i = 0; i < record->file_count; i++) {
        roles |= 1u << record->files[i].role;
    }
    for (unsigned i = 0; i < p->format->role_count; i++) {
        if ((p->format->roles[i].flags & SPR_ROLE_ON_DEMAND) != 0) {
            roles |= 1u << i;
        }
    }
    return roles;
}

/* NULL, or why this message may not be changed. */
static const char *refusal_of(const struct preparer *p, const struct spr_record *record)
{
    const uint32_t dir_flags = p->format->dirs[record->dir].flags;
    struct spr_steps steps = { 0 };
    struct spr_target target = {
        .layout = &p->plan->layout,
        .dir = record->dir,
        .folder = record->folder,
        .roles_present = roles_of(p, record),
        .flags = record->flags,
        .server_runs = p->server.runs,
    };
    if ((record->flags & SPR_MESSAGE_INCOMPLETE) != 0) {
        return "a part of it is missing or still arriving";
    }
    if ((record->flags & SPR_MESSAGE_BUSY) != 0) {
        return "a lock of the server lies beside it";
    }
    if ((dir_flags & SPR_DIR_STOPPED) != 0 && p->server.runs) {
        return "messages of this queue are changed only with the server stopped";
    }
    if ((dir_flags & SPR_DIR_MEMORY) != 0 &&
        !spr_server_memory_seen(p->format, &p->server, p->options.flags)) {
        return "the server has it in memory and may not be reloaded";
    }
    if (p->format->classify(&p->plan->layout, record->dir, record->files[0].name, &target.key) !=
        SPR_KIND_PART) {
        return "its name is not a message's";
    }
    if (!p->format->plan(&target, p->plan->action, &steps)) {
        return steps.refusal != NULL ? steps.refusal : "its state does not allow this";
    }
    return NULL;
}

/* ---- What is taken --------------------------------------------------------------------------- */

static void print_escaped(FILE *out, struct spr_text text)
{
    for (size_t i = 0; i < text.length; i++) {
        const uint8_t c = text.bytes[i];
        if (c >= ' ' && c < 0x7f && c != '\\') {
            (void)fputc(c, out); /* memory streams fail at fclose */
        } else {
            (void)fprintf(out, "\\x%02X", c); /* as above */
        }
    }
}

static void add_sample(struct preparer *p, const struct spr_record *record)
{
    if (p->sample_count >= SPR_PLAN_SAMPLES) {
        return;
    }
    p->sample_count++;
    (void)fputs("sample: ", p->samples); /* as above */
    print_escaped(p->samples, record->folder);
    (void)fputc('/', p->samples); /* as above */
    print_escaped(p->samples, record->files[0].name);
    (void)fputs("  from ", p->samples); /* as above */
    const struct spr_text sender = record->text[SPR_COLUMN_SENDER];
    print_escaped(p->samples, sender.length > 0      ? sender
                              : sender.bytes != NULL ? spr_text_of("<>")
                                                     : spr_text_of("?"));
    (void)fprintf(p->samples, "  recipients %u\n", record->recipient_count); /* as above */
}

static int take_record(struct preparer *p, const struct spr_record *record)
{
    struct spr_plan *plan = p->plan;
    if (record->dir >= p->format->dir_count || record->file_count == 0 ||
        record->file_count > SPR_ROLES_MAX) {
        return SPR_E_CORRUPT;
    }
    if (p->by_account && record->auth_source == SPR_AUTH_HEADER) {
        plan->header_only++;
        return 0;
    }
    const char *refusal = refusal_of(p, record);
    if (refusal != NULL) {
        plan->unchangeable++;
        if (plan->refusal == NULL) {
            plan->refusal = strdup(refusal);
        }
        return 0;
    }
    const int r = spr_plan_add(plan, record);
    if (r < 0) {
        return r;
    }
    const int64_t size = record->number[SPR_NUMBER_SIZE];
    plan->bytes += size > 0 ? (uint64_t)size : record->file_size;
    plan->recipients += record->recipient_count;
    for (uint32_t i = 0; i < record->recipient_count; i++) {
        plan->pending += record->recipients[i].state == SPR_RECIPIENT_PENDING ? 1 : 0;
    }
    if (p->server.runs && (p->format->dirs[record->dir].flags & SPR_DIR_MEMORY) != 0) {
        plan->from_active++;
    }
    add_sample(p, record);
    return 0;
}

/* ---- Together -------------------------------------------------------------------------------- */

static char *copy_text(const char *text, bool *failed)
{
    char *copy = text != NULL ? strndup(text, SPR_PLAN_TEXT_MAX) : NULL;
    *failed = *failed || (text != NULL && copy == NULL);
    return copy;
}

static int fill_head(struct preparer *p, const struct spr_plan_request *request,
                     const struct spr_manifest *manifest)
{
    struct spr_plan *plan = p->plan;
    bool failed = false;
    plan->action = request->action;
    plan->spool_root = copy_text(manifest->spool_root, &failed);
    plan->format = copy_text(manifest->format, &failed);
    plan->command = copy_text(request->command, &failed);
    plan->reason = copy_text(request->reason, &failed);
    plan->layout = manifest->layout;
    plan->root_inode = manifest->root_inode;
    plan->created = (int64_t)time(NULL);
    return failed ? -ENOMEM : spr_random(plan->id, sizeof(plan->id));
}

/* When the messages are counted. */
static uint64_t purge_at_most(const struct preparer *p)
{
    const uint64_t count = p->plan->count;
    const bool is_short =
        p->space_known && (p->space.free_bytes < ROOM_BYTES_MIN + count * ROOM_BYTES_MESSAGE ||
                           p->space.free_files < ROOM_FILES_MIN);
    if (!is_short || p->plan->action != SPR_DELETE || (p->options.flags & SPR_KEEP_UNDO) != 0) {
        return 0;
    }
    const uint64_t most = PURGE_FOR_ROOM + count / PURGE_FOR_ROOM_SHARE;
    return most < count ? most : count;
}

static int look_at_spool(struct preparer *p, struct spr_fault *fault)
{
    struct spr_plan *plan = p->plan;
    struct spr_private *place = NULL;
    int r = spr_private_open(plan->spool_root, false, &place, fault);
    if (r < 0) {
        return r;
    }
    r = spr_server_look(p->format, place, p->options.flags, &p->server);
    if (r == 0) {
        plan->server_runs = p->server.runs;
        plan->server_known = p->server.known;
        p->space_known = spr_space_of(place->root_fd, &p->space) == 0;
    }
    spr_private_close(place);
    return r;
}

static int check_action(const struct preparer *p, struct spr_fault *fault)
{
    const uint32_t actions = p->server.runs ? p->format->actions_live : p->format->actions_stopped;
    const enum spr_action action = p->plan->action;
    if (action == SPR_MOVE || action == SPR_COPY || action == SPR_REQUEUE) {
        return spr_fault_set(fault, SPR_E_UNABLE, p->plan->format, 0,
                             "plans are made of delete, hold and release");
    }
    if (action > SPR_COPY || (actions >> action & 1) == 0) {
        return spr_fault_set(fault, SPR_E_UNABLE, p->plan->format, 0,
                             p->server.runs ? "this action is not possible while the server runs"
                                            : "this action is not possible on this kind of spool");
    }
    return 0;
}

static int take_all(struct preparer *p, struct spr_result *result, struct spr_fault *fault)
{
    int r;
    char *samples = NULL;
    size_t length = 0;
    p->samples = open_memstream(&samples, &length);
    if (p->samples == NULL) {
        return -ENOMEM;
    }
    struct spr_record record;
    while ((r = spr_result_next_record(result, &record, fault)) > 0) {
        r = take_record(p, &record);
        if (r < 0) {
            break;
        }
    }
    if (fclose(p->samples) != 0 && r == 0) {
        r = -ENOMEM;
    }
    p->plan->samples = samples;
    p->plan->purge_at_most = purge_at_most(p);
    return r;
}

int spr_plan_prepare(struct spr_index *index, const struct spr_plan_request *request,
                     const struct spr_options *options, struct spr_plan **ret_plan,
                     struct spr_fault *fault)
{
    struct preparer p = { .options = spr_options_take(options),
                          .by_account = looks_at_accounts(request->query) };
    struct spr_result *result = NULL;
    int r = spr_result_open(index, request->query, SPR_SORT_NONE, false, &result, fault);
    if (r < 0) {
        return r;
    }
    const struct spr_manifest *manifest = spr_result_snapshot(result)->manifest;
    if (manifest->spool_root == NULL || manifest->format == NULL) {
        r = spr_fault_set(fault, SPR_E_UNKNOWN, "", 0, "the index holds no spool yet");
        goto done;
    }
    p.format = spr_format_named(&index->options, manifest->format);
    if (p.format == NULL) {
        r = spr_fault_set(fault, SPR_E_UNABLE, manifest->format, 0,
                          "this kind of spool is not known here");
        goto done;
    }
    r = spr_plan_new(&p.plan);
    if (r == 0) {
        r = fill_head(&p, request, manifest);
    }
    if (r == 0) {
        r = look_at_spool(&p, fault);
    }
    if (r == 0) {
        r = check_action(&p, fault);
    }
    if (r == 0) {
        r = take_all(&p, result, fault);
    }
    if (r == 0) {
        *ret_plan = p.plan;
        p.plan = NULL;
    }

done:
    spr_plan_free(p.plan);
    spr_result_close(result);
    return r;
}
