/*
 * One message read again from the spool: its content, or the last error of each recipient. Nothing
 * of either is kept.
 */
#include "core/catalog.h"
#include "core/fault.h"
#include "core/library.h"
#include "core/scan/fetch.h"
#include "core/scan/listing.h"
#include "formats/cursor.h"
#include "io/dirents.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A spool in which one message is known. */
struct reader {
    struct spr_snapshot *snapshot;
    const struct spr_format *format;
    int root_fd;
    struct spr_tally tally;
    struct spr_walk walk;
    struct spr_io_shared *shared;
    struct spr_extract *extract;
    int result; /* of the message */
    struct spr_position position;
    spr_bytes_fn on_bytes;
    void (*on_error)(struct spr_text address, struct spr_text error, void *user);
    void *user;
    bool body;
    bool at_line_start; /* of an empty line, so far */
    struct spr_fault *fault;
};

static int changed(struct reader *reader, struct spr_text path)
{
    return spr_fault_text(reader->fault, SPR_E_CHANGED, path, 0, "the message is no longer there");
}

/* ---- Finding it ------------------------------------------------------------------------------ */

static bool has_id(const struct reader *reader, unsigned dir, struct spr_text name,
                   struct spr_text id, struct spr_key *ret_key)
{
    *ret_key = (struct spr_key){ 0 };
    return reader->format->classify(&reader->snapshot->manifest->layout, dir, name, ret_key) ==
               SPR_KIND_PART &&
           spr_texts_equal(ret_key->id, id);
}

static bool is_named(const struct spr_candidate *candidate, struct spr_text name)
{
    struct spr_candidate_file file;
    spr_candidate_first(candidate, &file);
    return spr_texts_equal(file.name, name);
}

/* The files of the message whose primary is name, by listing its folder where files are paired. */
static int list_candidate(struct reader *reader, struct spr_text name, const struct spr_key *key)
{
    struct spr_walk *walk = &reader->walk;
    struct spr_listing listing;
    struct spr_io_meta meta;
    spr_listing_init(&listing, &walk->setup);
    int r;
    if (listing.pairs) {
        struct spr_listing_task task = { .listing = &listing,
                                         .path = walk->folders[0].path,
                                         .dir = walk->folders[0].dir,
                                         .depth = SPR_WALK_DEPTH_MAX };
        r = spr_listing_folder(&task, &meta);
        spr_listing_task_done(&task);
    } else {
        r = spr_listing_add(&listing, 0, key, name, 0);
    }
    size_t at = 0;
    while (r == 0 && at < listing.candidate_count && !is_named(&listing.candidates[at], name)) {
        at++;
    }
    if (r == 0 && at == listing.candidate_count) {
        r = -ENOENT;
    }
    if (r == 0) {
        walk->candidates = malloc(sizeof(*walk->candidates));
        r = walk->candidates != NULL ? 0 : -ENOMEM;
    }
    if (r == 0) {
        walk->candidates[0] = listing.candidates[at];
        walk->candidate_count = 1;
        spr_pool_adopt(&walk->arena, &listing.arena);
    }
    spr_listing_done(&listing);
    return r;
}

static int find_message(struct reader *reader, struct spr_text path, struct spr_text id)
{
    size_t slash = path.length;
    while (slash > 0 && path.bytes[slash - 1] != '/') {
        slash--;
    }
    const struct spr_text folder = { path.bytes, slash > 0 ? slash - 1 : 0 };
    const struct spr_text name = { path.bytes + slash, path.length - slash };
    struct spr_key key;
    unsigned dir;
    if (name.length > SPR_NAME_MAX || !spr_format_dir_of(reader->format, folder, &dir) ||
        !has_id(reader, dir, name, id, &key)) {
        return -ENOENT;
    }
    free(reader->walk.candidates);
    reader->walk.candidates = NULL;
    for (uint32_t i = 0; i < reader->walk.folder_count; i++) {
        free(reader->walk.folders[i].path);
    }
    free(reader->walk.folders);
    reader->walk.folder_count = 0;
    reader->walk.folders = calloc(1, sizeof(*reader->walk.folders));
    char *copy = strndup(folder.length > 0 ? (const char *)folder.bytes : "", folder.length);
    if (reader->walk.folders == NULL || copy == NULL) {
        free(copy);
        return -ENOMEM;
    }
    reader->walk.folders[0] = (struct spr_walk_folder){ .path = copy, .dir = dir };
    reader->walk.folder_count = 1;
    return list_candidate(reader, name, &key);
}

/* ---- What is done with it -------------------------------------------------------------------- */

/* The header block ends at the first empty line. How much of bytes belongs to it. */
static size_t header_part(struct reader *reader, struct spr_text bytes, bool *ret_is_end)
{
    for (size_t i = 0; i < bytes.length; i++) {
        const uint8_t c = bytes.bytes[i];
        if (c == '\n' && reader->at_line_start) {
            *ret_is_end = true;
            return i;
        }
        if (c != '\r') {
            reader->at_line_start = c == '\n';
        }
    }
    *ret_is_end = false;
    return bytes.length;
}

static bool pass_bytes(struct spr_text bytes, void *user)
{
    struct reader *reader = user;
    bool is_end = false;
    if (!reader->body) {
        bytes.length = header_part(reader, bytes, &is_end);
    }
    if (bytes.length > 0 && reader->on_bytes(bytes, reader->user) != 0) {
        reader->result = SPR_E_STOPPED;
        return false;
    }
    return !is_end;
}

static int take_verdict(struct reader *reader, enum spr_verdict verdict,
                        const struct spr_fetched *fetched, enum spr_fetch_answer *ret_answer,
                        const struct spr_need *need)
{
    struct spr_candidate_file primary;
    switch (verdict) {
    case SPR_MORE:
        *ret_answer = SPR_FETCH_MORE;
        break;
    case SPR_MALFORMED:
        spr_candidate_first(fetched->candidate, &primary);
        reader->result = spr_fault_text(reader->fault, SPR_E_CHANGED, primary.name, need->offset,
                                        need->reason != NULL ? need->reason : "malformed");
        break;
    case SPR_PARSED:
    case SPR_UNFINISHED:
        break;
    }
    return 0;
}

static int on_content(const struct spr_fetched *fetched, enum spr_fetch_answer *ret_answer,
                      struct spr_need *ret_need, void *user)
{
    struct reader *reader = user;
    *ret_need = (struct spr_need){ 0 };
    const enum spr_verdict verdict =
        reader->format->content(&fetched->view, &reader->position, pass_bytes, reader, ret_need);
    return take_verdict(reader, verdict, fetched, ret_answer, ret_need);
}

static int on_errors(const struct spr_fetched *fetched, enum spr_fetch_answer *ret_answer,
                     struct spr_need *ret_need, void *user)
{
    struct reader *reader = user;
    enum spr_verdict verdict;
    int r = spr_extract_parse(reader->extract, fetched, &verdict, ret_need);
    if (r < 0) {
        return r;
    }
    const struct spr_record *record = spr_extract_record(reader->extract);
    for (uint32_t i = 0; verdict == SPR_PARSED && i < record->recipient_count; i++) {
        const struct spr_recipient *recipient = &record->recipients[i];
        if (recipient->error.bytes != NULL) {
            reader->on_error(recipient->address, recipient->error, reader->user);
        }
    }
    return take_verdict(reader, verdict, fetched, ret_answer, ret_need);
}

static void on_failure(struct spr_candidate *candidate, int code, void *user)
{
    struct reader *reader = user;
    struct spr_candidate_file primary;
    spr_candidate_first(candidate, &primary);
    if (code == -ENOENT) {
        reader->result = code;
        return;
    }
    const char *detail =
        code == -EFBIG ? "more of it is wanted than is ever read" : strerrordesc_np(-code);
    reader->result = spr_fault_text(reader->fault, code, primary.name, 0,
                                    detail != NULL ? detail : "cannot be read");
}

static int on_large(struct spr_candidate *candidate, void *user)
{
    (void)candidate;
    (void)user;
    return -EFBIG; /* it is read alone already */
}

/* ---- Reading --------------------------------------------------------------------------------- */

static int open_reader(struct reader *reader, struct spr_index *index, struct spr_fault *fault)
{
    reader->root_fd = -1;
    reader->at_line_start = true; /* a message may begin with the empty line */
    reader->fault = fault;
    int r = spr_tally_init(&reader->tally);
    if (r == 0) {
        r = spr_catalog_snapshot(index, &reader->snapshot, fault);
    }
    if (r < 0) {
        return r;
    }
    const struct spr_manifest *manifest = reader->snapshot->manifest;
    if (manifest->spool_root == NULL) {
        return spr_fault_set(fault, SPR_E_UNABLE, index->dir, 0, "nothing is indexed yet");
    }
    reader->format = spr_format_named(&index->options, manifest->format);
    if (reader->format == NULL) {
        return spr_fault_set(fault, SPR_E_UNKNOWN, manifest->format, 0, "no such format here");
    }
    reader->root_fd = spr_root_open(manifest->spool_root);
    struct spr_io_meta root;
    r = reader->root_fd < 0 ? reader->root_fd : spr_meta_of(reader->root_fd, &root);
    if (r == 0) {
        r = spr_io_shared_new(SPR_IO_THREADS, root.device, 1, &reader->shared);
    }
    if (r == 0) {
        r = spr_extract_new(reader->format, &reader->extract);
    }
    if (r < 0) {
        return spr_fault_set(fault, r, manifest->spool_root, 0, "the spool cannot be opened");
    }
    const struct spr_walk_setup setup = {
        .root_fd = reader->root_fd,
        .format = reader->format,
        .layout = &manifest->layout,
        .tally = &reader->tally,
    };
    spr_walk_init(&reader->walk, &setup);
    return 0;
}

static void close_reader(struct reader *reader)
{
    spr_walk_done(&reader->walk);
    spr_extract_free(reader->extract);
    spr_io_shared_free(reader->shared);
    if (reader->root_fd >= 0) {
        (void)close(reader->root_fd); /* read only: nothing can be lost */
    }
    spr_snapshot_release(reader->snapshot);
    spr_tally_done(&reader->tally);
}

static int read_candidate(struct reader *reader, bool errors)
{
    const struct spr_fetch_setup setup = {
        .walk = &reader->walk,
        .format = reader->format,
        .layout = &reader->snapshot->manifest->layout,
        .shared = reader->shared,
        .wants = errors ? SPR_WANT_ERRORS : 0,
        .now = (int64_t)time(NULL),
        .on_message = errors ? on_errors : on_content,
        .on_failure = on_failure,
        .on_large = on_large,
        .user = reader,
    };
    struct spr_fetch *fetch;
    reader->result = 0;
    reader->position = (struct spr_position){ 0 };
    int r = spr_fetch_new(&setup, &fetch);
    if (r < 0) {
        return r;
    }
    r = spr_fetch_alone(fetch, &reader->walk.candidates[0]);
    spr_fetch_free(fetch);
    return r < 0 ? r : reader->result;
}

/* Where it was indexed, else where the server may have moved it since. */
static int read_message(struct reader *reader, const struct spr_message *message, bool errors)
{
    int r = find_message(reader, message->path, message->queue_id);
    if (r == 0) {
        r = read_candidate(reader, errors);
    }
    const struct spr_key key = { .id = message->queue_id, .stem = message->queue_id };
    struct spr_path path = { .length = 0 };
    const struct spr_layout *layout = &reader->snapshot->manifest->layout;
    for (unsigned i = 0; r == -ENOENT && reader->format->locate != NULL &&
                         reader->format->locate(layout, &key, 0, i, &path);
         i++) {
        r = find_message(reader, (struct spr_text){ (const uint8_t *)path.text, path.length },
                         message->queue_id);
        if (r == 0) {
            r = read_candidate(reader, errors);
        }
    }
    return r == -ENOENT ? changed(reader, message->path) : r;
}

int spr_message_content(struct spr_index *index, const struct spr_message *message, bool body,
                        spr_bytes_fn on_bytes, void *user, struct spr_fault *fault)
{
    struct reader reader = { .on_bytes = on_bytes, .user = user, .body = body };
    int r = open_reader(&reader, index, fault);
    if (r == 0 && reader.format->content == NULL) {
        r = spr_fault_set(fault, SPR_E_UNABLE, reader.format->name, 0,
                          "its content cannot be read");
    }
    if (r == 0) {
        r = read_message(&reader, message, false);
    }
    close_reader(&reader);
    return r;
}

int spr_message_errors(struct spr_index *index, const struct spr_message *message,
                       void (*on_error)(struct spr_text address, struct spr_text error, void *user),
                       void *user, struct spr_fault *fault)
{
    struct reader reader = { .on_error = on_error, .user = user };
    int r = open_reader(&reader, index, fault);
    if (r == 0) {
        r = read_message(&reader, message, true);
    }
    close_reader(&reader);
    return r;
}
