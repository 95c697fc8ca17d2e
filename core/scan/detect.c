/*
 * Detection: every format is asked about a folder; the surest one has it, a tie is refused.
 */
#include "core/scan/detect.h"

#include "core/fault.h"
#include "core/library.h"
#include "core/scan/settings.h"
#include "core/scan/tree.h"
#include "io/dirents.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHILDREN_MAX 4096 /* of a folder just above a spool */

/* ---- One folder ------------------------------------------------------------------------------ */

void spr_detected_done(struct spr_detected *detected)
{
    if (detected->root_fd >= 0) {
        (void)close(detected->root_fd); /* read only: nothing can be lost */
    }
    free(detected->root);
    *detected = (struct spr_detected){ .root_fd = -1 };
}

/* Asks all formats about the folder. *ret_rival is another one that is just as sure, or NULL. */
static void probe_all(struct spr_detected *detected, const struct spr_options *options,
                      const struct spr_format **ret_rival)
{
    struct spr_tree tree;
    struct spr_tree_root root;
    const struct spr_format *format;
    *ret_rival = NULL;
    spr_tree_init(&tree, &root, detected->root_fd);
    for (unsigned i = 0; (format = spr_format_at(options, i)) != NULL; i++) {
        struct spr_probe probe = { 0 };
        format->probe(&tree, &probe);
        if (probe.score > detected->score) {
            detected->format = format;
            detected->layout = probe.layout;
            detected->score = probe.score;
            detected->reason = probe.reason;
            *ret_rival = NULL;
        } else if (probe.score > 0 && probe.score == detected->score) {
            *ret_rival = format;
        }
    }
    spr_tree_done(&root);
}

static void probe_named(struct spr_detected *detected, const struct spr_format *format)
{
    struct spr_tree tree;
    struct spr_tree_root root;
    struct spr_probe probe = { 0 };
    spr_tree_init(&tree, &root, detected->root_fd);
    format->probe(&tree, &probe);
    spr_tree_done(&root);
    detected->format = format;
    detected->layout = probe.layout;
    detected->score = probe.score;
    detected->reason = "named by the caller";
}

static int refuse_tie(const struct spr_detected *detected, const struct spr_format *rival,
                      struct spr_fault *fault)
{
    char detail[128];
    (void)snprintf(detail, sizeof(detail), "it may be %s or %s: name one by its format",
                   detected->format->name, rival->name); /* cut is good enough */
    return spr_fault_set(fault, SPR_E_UNKNOWN, detected->root, 0, detail);
}

/* Opens path and finds its format. 0 with format NULL: none knows it. */
static int probe_path(const char *path, const struct spr_format *wanted,
                      const struct spr_options *options, struct spr_detected *detected,
                      struct spr_fault *fault)
{
    *detected = (struct spr_detected){ .root_fd = spr_root_open(path) };
    if (detected->root_fd < 0) {
        return spr_fault_set(fault, detected->root_fd, path, 0, spr_strerror(detected->root_fd));
    }
    detected->root = realpath(path, NULL);
    if (detected->root == NULL) {
        return spr_fault_set(fault, -errno, path, 0, "cannot be resolved");
    }
    if (wanted != NULL) {
        probe_named(detected, wanted);
        return 0;
    }
    const struct spr_format *rival;
    probe_all(detected, options, &rival);
    return rival != NULL ? refuse_tie(detected, rival, fault) : 0;
}

/* ---- A folder and its children --------------------------------------------------------------- */

struct children {
    int root_fd;
    const char *path;
    const struct spr_format *wanted;
    const struct spr_options *options;
    int (*on_child)(struct spr_detected *detected, void *user); /* takes it over */
    void *user;
    int refusal; /* of the first child that is a spool, but not a clear one */
    struct spr_fault *fault;
};

static int try_child(const struct spr_dirent *entry, void *user)
{
    struct children *children = user;
    if (entry->kind != 'd' && entry->kind != 'u') {
        return 0;
    }
    const int fd = spr_dir_open(children->root_fd, entry->name);
    if (fd < 0) {
        return 0; /* a link, or not ours to see */
    }
    (void)close(fd); /* opened again by its path, as any other root */
    char *path;
    if (asprintf(&path, "%s/%s", children->path, entry->name) < 0) {
        return -ENOMEM;
    }
    struct spr_detected detected;
    int r = probe_path(path, NULL, children->options, &detected,
                       children->refusal == 0 ? children->fault : NULL);
    free(path);
    if (r == SPR_E_UNKNOWN && children->refusal == 0) {
        children->refusal = r;
    }
    if (r < 0 || detected.format == NULL ||
        (children->wanted != NULL && detected.format != children->wanted)) {
        spr_detected_done(&detected);
        return r == -ENOMEM ? r : 0;
    }
    return children->on_child(&detected, children->user);
}

static int try_children(struct children *children)
{
    const int r = spr_dir_list(children->root_fd, CHILDREN_MAX, try_child, children);
    return r == -E2BIG ? 0 : r;
}

/* ---- The only spool at a path ---------------------------------------------------------------- */

struct only {
    struct spr_detected best; /* format NULL: none so far */
    bool tied;
};

static int keep_best(struct spr_detected *detected, void *user)
{
    struct only *only = user;
    if (only->best.format != NULL && detected->score == only->best.score) {
        only->tied = true;
    }
    if (only->best.format == NULL || detected->score > only->best.score) {
        spr_detected_done(&only->best);
        only->best = *detected;
        only->tied = false;
    } else {
        spr_detected_done(detected);
    }
    return 0;
}

/* "postfix (deferred/, hold/ …), imail (control files)" */
static void describe_formats(const struct spr_options *options, char *out, size_t size)
{
    const struct spr_format *format;
    int used = snprintf(out, size, "no format knows it; looked for");
    for (unsigned i = 0; (format = spr_format_at(options, i)) != NULL; i++) {
        const char *seen[2] = { NULL, NULL };
        unsigned count = 0;
        for (unsigned dir = 0; dir < format->dir_count && count < 2; dir++) {
            if (format->dirs[dir].path[0] != '\0') {
                seen[count++] = format->dirs[dir].path;
            }
        }
        if (used < 0 || (size_t)used >= size) {
            return; /* cut is good enough */
        }
        char *at = out + used;
        const size_t left = size - (size_t)used;
        const char *comma = i > 0 ? "," : "";
        if (count == 2) {
            used +=
                snprintf(at, left, "%s %s/ and %s/ (%s)", comma, seen[0], seen[1], format->name);
        } else {
            used +=
                snprintf(at, left, "%s %s files (%s)", comma, format->roles[0].word, format->name);
        }
    }
}

static int refuse_unknown(const char *path, const struct spr_options *options,
                          struct spr_fault *fault)
{
    char detail[sizeof(fault->detail)];
    describe_formats(options, detail, sizeof(detail));
    return spr_fault_set(fault, SPR_E_UNKNOWN, path, 0, detail);
}

/* *at is the folder itself, open, known by no format for sure. */
static int descend(struct spr_detected *at, const struct spr_format *wanted,
                   const struct spr_options *options, struct spr_fault *fault)
{
    struct only only = { .best = { .root_fd = -1 } };
    struct children children = {
        .root_fd = at->root_fd,
        .path = at->root,
        .wanted = wanted,
        .options = options,
        .on_child = keep_best,
        .user = &only,
        .fault = fault,
    };
    int r = try_children(&children);
    if (r == 0 && only.tied) {
        r = spr_fault_set(fault, SPR_E_UNKNOWN, at->root, 0,
                          "several spools lie in this folder: name one of them");
    } else if (r == 0 && only.best.format == NULL && wanted != NULL) {
        return 0; /* the folder itself, as the caller says */
    } else if (r == 0 && only.best.format == NULL) {
        r = children.refusal < 0 ? children.refusal : refuse_unknown(at->root, options, fault);
    } else if (r < 0) {
        (void)spr_fault_set(fault, r, at->root, 0, "cannot be listed");
    }
    if (r < 0) {
        spr_detected_done(&only.best);
        return r;
    }
    spr_detected_done(at);
    *at = only.best;
    return 0;
}

int spr_detect_one(const char *path, const char *format_or_null, const struct spr_options *options,
                   struct spr_detected *ret_detected, struct spr_fault *fault)
{
    const struct spr_format *wanted = NULL;
    if (format_or_null != NULL) {
        wanted = spr_format_named(options, format_or_null);
        if (wanted == NULL) {
            return spr_fault_set(fault, SPR_E_UNKNOWN, format_or_null, 0, "no such format");
        }
    }
    struct spr_detected detected;
    int r = probe_path(path, wanted, options, &detected, fault);
    if (r == 0 && detected.score == 0) {
        r = descend(&detected, wanted, options, fault);
    }
    if (r < 0) {
        spr_detected_done(&detected);
        return r;
    }
    if (options == NULL || (options->flags & SPR_NO_EXEC) == 0) {
        (void)spr_settings_ask(detected.format, detected.root, &detected.layout);
    }
    *ret_detected = detected;
    return 0;
}

/* ---- Everything that is here ----------------------------------------------------------------- */

struct report {
    spr_found_fn on_found;
    void *user;
    int count;
};

static int report_found(struct spr_detected *detected, void *user)
{
    struct report *report = user;
    const struct spr_found found = {
        .spool_root = detected->root,
        .format = detected->format->name,
        .reason = detected->reason,
        .score = detected->score,
    };
    report->count++;
    const int r = report->on_found(&found, report->user);
    spr_detected_done(detected);
    return r != 0 ? 1 : 0;
}

static int detect_below(const char *root, const struct spr_options *options, struct report *report,
                        struct spr_fault *fault)
{
    struct spr_detected detected;
    int r = probe_path(root, NULL, options, &detected, fault);
    if (r < 0) {
        spr_detected_done(&detected);
        return r;
    }
    if (detected.format != NULL) {
        (void)report_found(&detected, report);
        return report->count;
    }
    struct children children = {
        .root_fd = detected.root_fd,
        .path = detected.root,
        .options = options,
        .on_child = report_found,
        .user = report,
        .fault = fault,
    };
    r = try_children(&children);
    if (r < 0) {
        r = spr_fault_set(fault, r, detected.root, 0, "cannot be listed");
    } else if (report->count == 0) {
        r = children.refusal < 0 ? children.refusal : refuse_unknown(detected.root, options, fault);
    } else {
        r = report->count;
    }
    spr_detected_done(&detected);
    return r;
}

/* Default places of one format: absent ones are no news, unreadable ones are. */
static int detect_default(const struct spr_format *format, const struct spr_options *options,
                          struct report *report, int *refusal, struct spr_fault *fault)
{
    const char *const *roots = format->hints != NULL ? format->hints->default_roots : NULL;
    for (unsigned i = 0; roots != NULL && roots[i] != NULL; i++) {
        struct spr_detected detected;
        const int r = probe_path(roots[i], NULL, options, &detected, *refusal == 0 ? fault : NULL);
        if (r < 0 || detected.format == NULL) {
            spr_detected_done(&detected);
            if (r < 0 && r != -ENOENT && r != -ENOTDIR && *refusal == 0) {
                *refusal = r;
            }
            continue;
        }
        if (report_found(&detected, report) != 0) {
            return 1;
        }
    }
    return 0;
}

int spr_detect(const char *root_or_null, const struct spr_options *options, spr_found_fn on_found,
               void *user, struct spr_fault *fault)
{
    const struct spr_options taken = spr_options_take(options);
    struct report report = { .on_found = on_found, .user = user };
    if (root_or_null != NULL) {
        return detect_below(root_or_null, &taken, &report, fault);
    }
    int refusal = 0;
    const struct spr_format *format;
    for (unsigned i = 0; (format = spr_format_at(&taken, i)) != NULL; i++) {
        if (detect_default(format, &taken, &report, &refusal, fault) != 0) {
            break;
        }
    }
    return report.count == 0 && refusal < 0 ? refusal : report.count;
}
