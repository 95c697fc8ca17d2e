/*
 * Which spools a command is about.
 *
 * A folder that no format recognises is still taken when jobs of ours lie with it or an index of it
 * is known: a spool that was emptied keeps its undo.
 */
#include "tools/sites.h"

#include "tools/errors.h"
#include "tools/escape.h"
#include "tools/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct search {
    struct spr_sites *sites;
    const char *format; /* only these; NULL: all */
    int result;
};

static char *copy_text(const char *text)
{
    return text != NULL ? strdup(text) : NULL;
}

void spr_site_done(struct spr_site *site)
{
    spr_index_close(site->index);
    free(site->index_dir);
    free(site->root);
    free(site->format);
    free(site->reason);
}

/* Takes the site over, unless it is there already. */
static int take_site(struct spr_sites *sites, struct spr_site *site)
{
    for (unsigned i = 0; i < sites->count; i++) {
        if (strcmp(sites->site[i].root, site->root) == 0) {
            spr_site_done(site);
            return 0;
        }
    }
    struct spr_site *grown = reallocarray(sites->site, sites->count + 1u, sizeof(*grown));
    if (grown == NULL) {
        spr_site_done(site);
        return -ENOMEM;
    }
    sites->site = grown;
    grown[sites->count++] = *site;
    return 0;
}

static int add_site(struct spr_sites *sites, const char *root, const char *format,
                    const char *reason)
{
    struct spr_site site = { .root = copy_text(root),
                             .format = copy_text(format),
                             .reason = copy_text(reason) };
    if (site.root == NULL || (format != NULL && site.format == NULL)) {
        spr_site_done(&site);
        return -ENOMEM;
    }
    return take_site(sites, &site);
}

static int on_found(const struct spr_found *found, void *user)
{
    struct search *search = user;
    if (search->format != NULL && strcmp(search->format, found->format) != 0) {
        return 0;
    }
    search->result = add_site(search->sites, found->spool_root, found->format, found->reason);
    return search->result;
}

/* A path that detection does not know: forced by --format, or known to us from before. */
static int add_unrecognised(const struct spr_cli *cli, const char *path, const char *format,
                            const struct spr_fault *fault, struct spr_sites *sites)
{
    char *root = realpath(path, NULL);
    if (root == NULL) {
        return spr_error_fault(-errno, &(struct spr_fault){ .code = 0 }, NULL);
    }
    char *known = NULL;
    int r = 0;
    if (format == NULL && !spr_session_knows(cli, root, &known)) {
        r = fault->code == SPR_E_UNKNOWN
                ? spr_error_fault(SPR_E_UNKNOWN, fault, NULL)
                : spr_error_say(SPR_EXIT_USAGE, path, "not a spool that is known",
                                "spoolray formats lists what is; --format F decides");
    } else {
        r = add_site(sites, root, format != NULL ? format : known,
                     format != NULL ? "--format says so" : "known from before");
    }
    free(known);
    free(root);
    return r;
}

/* Detection reads folders, which takes longer than many a query: a spool with a fresh index is what
 * it was. True: the site is added, or *ret_result tells why not. */
static bool add_fresh(const struct spr_cli *cli, const char *path, const char *format,
                      struct spr_sites *sites, int *ret_result)
{
    const uint32_t readers = SPR_VERB_TRIAGE | SPR_VERB_TOP | SPR_VERB_QUERY | SPR_VERB_SHOW;
    char *root = (cli->args->verb->bit & readers) != 0 ? realpath(path, NULL) : NULL;
    struct spr_site site = { .root = NULL };
    const bool is_fresh = root != NULL && spr_session_find_fresh(cli, root, &site);
    const bool is_wanted = is_fresh && (format == NULL || strcmp(format, site.format) == 0);
    if (is_wanted) {
        const int r = take_site(sites, &site);
        *ret_result = r < 0 ? spr_error_fault(r, NULL, NULL) : 0;
    } else if (is_fresh) {
        spr_site_done(&site);
    }
    free(root);
    return is_wanted;
}

/* One path the operator named. */
static int find_at(const struct spr_cli *cli, const char *path, const char *format,
                   const struct spr_options *options, struct spr_sites *sites)
{
    struct spr_fault fault = { .code = 0 };
    struct stat meta;
    if (stat(path, &meta) == 0 && !S_ISDIR(meta.st_mode)) {
        return spr_error_say(SPR_EXIT_USAGE, path, "not a folder, so not a spool",
                             "--spool PATH is the queue folder");
    }
    if (access(path, F_OK) != 0 || access(path, R_OK | X_OK) != 0) {
        const int code = -errno;
        return spr_error_say(
            SPR_EXIT_IO, path, code == -ENOENT ? "no such spool" : spr_strerror(code),
            code == -ENOENT ? "--spool PATH is the queue folder" : "nothing was read; run as root");
    }
    int added = 0;
    if (add_fresh(cli, path, format, sites, &added)) {
        return added;
    }
    const unsigned before = sites->count;
    struct search search = { .sites = sites, .format = format };
    const int r = spr_detect(path, options, on_found, &search, &fault);
    if (search.result < 0) {
        return spr_error_fault(search.result, NULL, NULL);
    }
    if (r < 0 && r != SPR_E_UNKNOWN) {
        return spr_error_fault(r, &fault, NULL);
    }
    return sites->count > before ? 0 : add_unrecognised(cli, path, format, &fault, sites);
}

static int find_everywhere(const char *format, const struct spr_options *options,
                           struct spr_sites *sites)
{
    struct spr_fault fault = { .code = 0 };
    struct search search = { .sites = sites, .format = format };
    const int r = spr_detect(NULL, options, on_found, &search, &fault);
    if (search.result < 0) {
        return spr_error_fault(search.result, NULL, NULL);
    }
    if (r < 0 && r != SPR_E_UNKNOWN) {
        return spr_error_fault(r, &fault, NULL);
    }
    if (sites->count == 0) {
        return spr_error_say(SPR_EXIT_USAGE, NULL,
                             "no mail spool found in the places where servers keep them",
                             geteuid() == 0 ? "--spool PATH names one"
                                            : "run as root, or name one with --spool PATH");
    }
    return 0;
}

static int compare_roots(const void *a, const void *b)
{
    const struct spr_site *first = a;
    const struct spr_site *second = b;
    return strcmp(first->root, second->root);
}

int spr_sites_find(const struct spr_cli *cli, const char *const *paths, unsigned path_count,
                   struct spr_sites *ret_sites)
{
    struct spr_options options = SPR_OPTIONS_INIT;
    const char *format = spr_args_text(cli->args, SPR_OPT_FORMAT);
    struct spr_sites sites = { .count = 0 };
    int r = spr_session_check_format(format);
    for (unsigned i = 0; i < path_count && r == 0; i++) {
        r = find_at(cli, paths[i], format, &options, &sites);
    }
    for (unsigned i = 0; path_count == 0 && i < cli->args->spool_count && r == 0; i++) {
        r = find_at(cli, cli->args->spools[i], format, &options, &sites);
    }
    if (r == 0 && path_count == 0 && cli->args->spool_count == 0) {
        r = find_everywhere(format, &options, &sites);
    }
    if (r == 0 && sites.count > 1 && spr_args_on(cli->args, SPR_OPT_INDEX)) {
        r = spr_error_say(SPR_EXIT_USAGE, spr_args_text(cli->args, SPR_OPT_INDEX),
                          "one index serves one spool", "--spool PATH picks it");
    }
    if (r != 0) {
        spr_sites_free(&sites);
        return r;
    }
    qsort(sites.site, sites.count, sizeof(*sites.site), compare_roots);
    *ret_sites = sites;
    return 0;
}

int spr_sites_one(const struct spr_cli *cli, const char *why_one, struct spr_sites *ret_sites)
{
    struct spr_sites sites;
    const int r = spr_sites_find(cli, NULL, 0, &sites);
    if (r != 0) {
        return r;
    }
    if (sites.count == 1) {
        *ret_sites = sites;
        return 0;
    }
    (void)spr_error_say(SPR_EXIT_USAGE, NULL, why_one, "name one of these with --spool");
    for (unsigned i = 0; i < sites.count; i++) {
        (void)fputs("  --spool ", stderr);
        spr_escape_shell(stderr, spr_text_string(sites.site[i].root));
        (void)fprintf(stderr, "   (%s)\n",
                      sites.site[i].format != NULL ? sites.site[i].format
                                                   : "format not recognised");
    }
    spr_sites_free(&sites);
    return SPR_EXIT_USAGE;
}

void spr_sites_free(struct spr_sites *sites)
{
    for (unsigned i = 0; i < sites->count; i++) {
        spr_site_done(&sites->site[i]);
    }
    free(sites->site);
    *sites = (struct spr_sites){ .count = 0 };
}
