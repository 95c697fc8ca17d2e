/*
 * A plan in memory.
 */
#include "core/batch/plan.h"

#include "core/batch/batch.h"
#include "formats/cursor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int spr_plan_new(struct spr_plan **ret_plan)
{
    struct spr_plan *plan = calloc(1, sizeof(*plan));
    if (plan == NULL) {
        return -ENOMEM;
    }
    *ret_plan = plan;
    return 0;
}

void spr_plan_free(struct spr_plan *plan)
{
    if (plan == NULL) {
        return;
    }
    for (uint32_t i = 0; i < plan->folder_count; i++) {
        free(plan->folders[i]);
    }
    free(plan->folders);
    free(plan->texts);
    free(plan->entries);
    free(plan->spool_root);
    free(plan->format);
    free(plan->command);
    free(plan->reason);
    free(plan->samples);
    free(plan->refusal);
    free(plan);
}

void spr_plan_describe(const struct spr_plan *plan, struct spr_plan_report *ret_report)
{
    *ret_report = (struct spr_plan_report){
        .action = plan->action,
        .messages = plan->count,
        .recipients = plan->recipients,
        .pending = plan->pending,
        .bytes = plan->bytes,
        .from_active = plan->from_active,
        .unchangeable = plan->unchangeable,
        .header_only = plan->header_only,
        .purge_at_most = plan->purge_at_most,
        .server_runs = plan->server_runs,
        .server_known = plan->server_known,
        .spool_root = plan->spool_root,
        .format = plan->format,
        .refusal = plan->refusal,
    };
}

int spr_plan_add_folder(struct spr_plan *plan, struct spr_text path, uint32_t *ret_folder)
{
    for (uint32_t i = plan->folder_count; i > 0; i--) {
        const char *known = plan->folders[i - 1];
        if (spr_text_equal(path, known)) {
            *ret_folder = i - 1;
            return 0;
        }
    }
    if (plan->folder_count == SPR_PLAN_FOLDERS_MAX) {
        return -E2BIG;
    }
    if (plan->folder_count == plan->folder_capacity) {
        const uint32_t wanted = plan->folder_capacity == 0 ? 64 : plan->folder_capacity * 2;
        char **bigger = realloc(plan->folders, wanted * sizeof(*bigger));
        if (bigger == NULL) {
            return -ENOMEM;
        }
        plan->folders = bigger;
        plan->folder_capacity = wanted;
    }
    char *copy = malloc(path.length + 1);
    if (copy == NULL) {
        return -ENOMEM;
    }
    if (path.length > 0) {
        memcpy(copy, path.bytes, path.length);
    }
    copy[path.length] = '\0';
    plan->folders[plan->folder_count] = copy;
    *ret_folder = plan->folder_count++;
    return 0;
}

static uint8_t *extend_texts(struct spr_plan *plan, size_t length)
{
    if (plan->text_capacity - plan->text_length < length) {
        const uint64_t wanted = (plan->text_capacity + length) * 2;
        uint8_t *bigger = realloc(plan->texts, wanted);
        if (bigger == NULL) {
            return NULL;
        }
        plan->texts = bigger;
        plan->text_capacity = wanted;
    }
    return plan->texts + plan->text_length;
}

static uint8_t *put_text(uint8_t *out, struct spr_text text)
{
    *out++ = (uint8_t)text.length;
    if (text.length > 0) {
        memcpy(out, text.bytes, text.length);
    }
    return out + text.length;
}

static int add_names(struct spr_plan *plan, const struct spr_record *record)
{
    struct spr_text id = record->queue_id;
    id.length = id.bytes == NULL ? 0 : (id.length > SPR_NAME_MAX ? SPR_NAME_MAX : id.length);
    uint8_t *out = extend_texts(plan, (size_t)SPR_ROLES_MAX * (SPR_NAME_MAX + 2) + 256);
    if (out == NULL) {
        return -ENOMEM;
    }
    for (unsigned i = 0; i < record->file_count; i++) {
        *out++ = (uint8_t)record->files[i].role;
        out = put_text(out, record->files[i].name);
    }
    out = put_text(out, id);
    plan->text_length = (uint64_t)(out - plan->texts);
    return 0;
}

static int grow_entries(struct spr_plan *plan)
{
    if (plan->count < plan->capacity) {
        return 0;
    }
    if (plan->count >= SPR_PLAN_ENTRIES_MAX) {
        return -E2BIG;
    }
    const uint64_t wanted = plan->capacity == 0 ? 256 : plan->capacity * 2;
    struct spr_plan_entry *bigger = realloc(plan->entries, wanted * sizeof(*bigger));
    if (bigger == NULL) {
        return -ENOMEM;
    }
    plan->entries = bigger;
    plan->capacity = wanted;
    return 0;
}

static bool has_sound_names(const struct spr_record *record)
{
    if (record->file_count == 0 || record->file_count > SPR_ROLES_MAX ||
        record->dir >= SPR_DIRS_MAX || !spr_relative_path_valid(record->folder)) {
        return false;
    }
    for (unsigned i = 0; i < record->file_count; i++) {
        if (record->files[i].role >= SPR_ROLES_MAX || !spr_name_valid(record->files[i].name)) {
            return false;
        }
    }
    return true;
}

int spr_plan_add(struct spr_plan *plan, const struct spr_record *record)
{
    if (!has_sound_names(record)) {
        return SPR_E_CORRUPT;
    }
    struct spr_plan_entry entry = {
        .inode = record->inode,
        .file_size = record->file_size,
        .identity_digest = record->identity_digest,
        .text = plan->text_length,
        .stat_digest = record->stat_digest,
        .set_digest = record->set_digest,
        .flags = record->flags,
        .dir = (uint8_t)record->dir,
        .file_count = (uint8_t)record->file_count,
    };
    int r = grow_entries(plan);
    if (r == 0) {
        r = spr_plan_add_folder(plan, record->folder, &entry.folder);
    }
    if (r == 0) {
        r = add_names(plan, record);
    }
    if (r == 0) {
        plan->entries[plan->count++] = entry;
    }
    return r;
}

/* Reads one (length, bytes) at *at; false when it does not fit. */
static bool take_text(const struct spr_plan *plan, uint64_t *at, struct spr_text *ret_text)
{
    if (*at >= plan->text_length || plan->texts[*at] > plan->text_length - *at - 1) {
        return false;
    }
    *ret_text = (struct spr_text){ plan->texts + *at + 1, plan->texts[*at] };
    *at += 1 + ret_text->length;
    return true;
}

bool spr_plan_entry_sound(const struct spr_plan *plan, const struct spr_plan_entry *entry)
{
    uint64_t at = entry->text;
    struct spr_text text;
    if (entry->folder >= plan->folder_count || entry->file_count == 0 ||
        entry->file_count > SPR_ROLES_MAX || entry->dir >= SPR_DIRS_MAX) {
        return false;
    }
    for (unsigned i = 0; i < entry->file_count; i++) {
        if (at >= plan->text_length || plan->texts[at] >= SPR_ROLES_MAX) {
            return false;
        }
        at++;
        if (!take_text(plan, &at, &text) || !spr_name_valid(text)) {
            return false;
        }
    }
    return take_text(plan, &at, &text);
}

void spr_plan_names(const struct spr_plan *plan, const struct spr_plan_entry *entry,
                    struct spr_plan_names *ret_names)
{
    uint64_t at = entry->text;
    ret_names->count = entry->file_count;
    for (unsigned i = 0; i < entry->file_count; i++) {
        ret_names->files[i].role = plan->texts[at++];
        (void)take_text(plan, &at, &ret_names->files[i].name); /* sound since it was added */
    }
    (void)take_text(plan, &at, &ret_names->queue_id); /* as above */
}
