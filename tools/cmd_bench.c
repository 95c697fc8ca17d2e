/*
 * spoolray bench: how fast each way of reading is on this machine and this spool.
 *
 * Every run is a first scan of the whole spool into an index of its own, which lies in the state
 * directory and is removed; a plain walk stands beside it. Runs take turns, so that a disturbance
 * hits all. Warm is re-read immediately before each run; caches are dropped only where --cold asks
 * for it, and only root can.
 */
#include "tools/cli.h"
#include "tools/errors.h"
#include "tools/escape.h"
#include "tools/machine.h"
#include "tools/plain_walk.h"
#include "tools/print_json.h"
#include "tools/print_text.h"
#include "tools/session.h"
#include "tools/signals.h"
#include "tools/state.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 3

struct way {
    const char *name;
    enum spr_engine engine; /* not of the plain walk */
    uint32_t workers;       /* 0: --workers, else io's choice */
    bool is_walk;
    double seconds[ROUNDS];
    uint64_t items;
};

struct bench {
    const struct spr_cli *cli;
    const struct spr_site *site;
    char *folder; /* ours: holds the index of the running scan */
    struct spr_meter meter;
    bool cold;
    struct way ways[5];
    unsigned way_count;
    const char *refused; /* why there is no ring; NULL: there is */
};

static double now(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time); /* cannot fail on Linux */
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status;
    (void)type;
    return at->level > 0 ? remove(path) : 0;
}

/* Only the contents: the folder itself stays for the next run. */
static void empty_folder(const char *folder)
{
    (void)nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS); /* the next run says if it could not */
}

static int make_folder(struct bench *bench)
{
    char *usual = NULL;
    int r = spr_state_choose(bench->cli, bench->site->root, false, &usual);
    if (r != 0) {
        return r;
    }
    r = asprintf(&bench->folder, "%s.bench.XXXXXX", usual) < 0 ? -ENOMEM : 0;
    if (r == 0 && mkdtemp(bench->folder) == NULL) {
        r = spr_error_say(SPR_EXIT_IO, bench->folder, spr_strerror(-errno),
                          "no room for the index; --index DIR names another place");
        free(bench->folder);
        bench->folder = NULL;
    }
    free(usual);
    return r;
}

static int drop_caches(void)
{
    sync();
    const int fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    const int r = write(fd, "3", 1) == 1 ? 0 : -errno;
    (void)close(fd); /* the write has done it */
    return r;
}

static int prepare_cache(const struct bench *bench)
{
    uint64_t files;
    const int r = bench->cold ? drop_caches() : spr_plain_walk(bench->site->root, &files);
    return r < 0 ? spr_error_say(SPR_EXIT_IO,
                                 bench->cold ? "/proc/sys/vm/drop_caches" : bench->site->root,
                                 spr_strerror(r), NULL)
                 : 0;
}

static int scan_once(struct bench *bench, const struct way *way, uint64_t *ret_items)
{
    struct spr_options options;
    struct spr_index *index = NULL;
    struct spr_fault fault = { .code = 0 };
    struct spr_scan_request request = SPR_SCAN_REQUEST_INIT;
    struct spr_scan_report *report = calloc(1, sizeof(*report));
    if (report == NULL) {
        return spr_error_fault(-ENOMEM, NULL, NULL);
    }
    spr_session_options(bench->cli, &options);
    options.engine = way->engine;
    options.workers = way->workers != 0 ? way->workers : options.workers;
    options.on_progress = spr_meter_tick;
    options.user = &bench->meter;
    request.spool_root = bench->site->root;
    request.format = bench->site->format;
    spr_meter_init(&bench->meter, bench->cli, "bench");
    int r = spr_index_open(bench->folder, &options, &index, &fault);
    if (r == 0) {
        r = spr_scan(index, &request, report, &fault);
    }
    spr_meter_end(&bench->meter);
    spr_index_close(index);
    if (r == SPR_E_STOPPED) {
        r = spr_error_say(SPR_EXIT_INTERRUPTED, bench->site->root, "interrupted",
                          "nothing was changed");
    } else if (r < 0) {
        r = spr_error_fault(r, &fault, NULL);
    }
    *ret_items = report->messages;
    free(report);
    return r;
}

static int run_way(struct bench *bench, struct way *way, unsigned round)
{
    int r = prepare_cache(bench);
    if (r != 0) {
        return r;
    }
    const double start = now();
    if (way->is_walk) {
        r = spr_plain_walk(bench->site->root, &way->items);
        r = r < 0 ? spr_error_say(SPR_EXIT_IO, bench->site->root, spr_strerror(r), NULL) : 0;
    } else {
        r = scan_once(bench, way, &way->items);
    }
    way->seconds[round] = now() - start;
    empty_folder(bench->folder);
    if (r == 0 && spr_signals_stopped()) {
        return spr_error_say(SPR_EXIT_INTERRUPTED, bench->site->root, "interrupted",
                             "nothing was changed");
    }
    return r;
}

static void choose_ways(struct bench *bench)
{
    const struct way all[] = {
        { .name = "plain walk", .is_walk = true },
        { .name = "auto", .engine = SPR_ENGINE_AUTO },
        { .name = "uring", .engine = SPR_ENGINE_URING },
        { .name = "threads", .engine = SPR_ENGINE_THREADS },
        { .name = "auto; 1 worker", .engine = SPR_ENGINE_AUTO, .workers = 1 },
    };
    struct spr_engine_report engine;
    spr_engine_probe(SPR_ENGINE_URING, &engine);
    bench->refused = strcmp(engine.engine, "threads") == 0 ? engine.reason : NULL;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (all[i].engine != SPR_ENGINE_URING || bench->refused == NULL) {
            bench->ways[bench->way_count++] = all[i];
        }
    }
}

static int compare_seconds(const void *a, const void *b)
{
    const double *one = a, *other = b;
    return (*one > *other) - (*one < *other);
}

static double rate(const struct way *way)
{
    const double median = way->seconds[ROUNDS / 2];
    return median > 0 ? (double)way->items / median : 0;
}

static void print_rows(const struct bench *bench)
{
    const double walk = bench->ways[0].seconds[ROUNDS / 2];
    for (unsigned i = 0; i < bench->way_count; i++) {
        const struct way *way = &bench->ways[i];
        const double median = way->seconds[ROUNDS / 2];
        char items[SPR_SHORT_MAX];
        (void)printf("| %s | %-14s | %8.3f | %.3f-%.3f | %11s | %5.2f |\n",
                     bench->cold ? "cold" : "warm", way->name, median, way->seconds[0],
                     way->seconds[ROUNDS - 1], spr_text_count((uint64_t)rate(way), items),
                     median > 0 ? walk / median : 0);
    }
}

static void print_head(const struct bench *bench, const struct spr_machine *machine)
{
    char items[SPR_SHORT_MAX];
    (void)printf("spoolray %s bench: %s on %s, %s\n%s\n", spr_version(), bench->site->format,
                 machine->file_system, spr_text_messages(bench->ways[1].items, items),
                 machine->text);
    if (bench->refused != NULL) {
        (void)printf("io_uring: %s\n", bench->refused);
    }
    (void)printf("\n| cache | way            | median s | min-max s | a second    | walk / it |\n"
                 "|---|---|---|---|---|---|\n");
}

static void write_rows(const struct bench *bench, const struct spr_machine *machine)
{
    for (unsigned i = 0; i < bench->way_count; i++) {
        const struct way *way = &bench->ways[i];
        struct spr_out out;
        struct spr_json json;
        spr_out_begin(&out, stdout);
        spr_json_begin(&json, &out, "spoolray.bench/1");
        spr_json_string(&json, "spool", bench->site->root);
        spr_json_string(&json, "format", bench->site->format);
        spr_json_string(&json, "machine", machine->text);
        spr_json_string(&json, "file_system", machine->file_system);
        spr_json_string(&json, "cache", bench->cold ? "cold" : "warm");
        spr_json_string(&json, "way", way->name);
        spr_json_number(&json, "items", way->items);
        spr_json_number(&json, "rounds", ROUNDS);
        spr_json_real(&json, "seconds", way->seconds[ROUNDS / 2]);
        spr_json_real(&json, "seconds_min", way->seconds[0]);
        spr_json_real(&json, "seconds_max", way->seconds[ROUNDS - 1]);
        spr_json_end(&json);
        spr_out_end(&out);
    }
}

/* All ways in turns with one state of the cache. */
static int run_ways(struct bench *bench)
{
    int r = 0;
    for (unsigned round = 0; r == 0 && round < ROUNDS; round++) {
        for (unsigned i = 0; r == 0 && i < bench->way_count; i++) {
            r = run_way(bench, &bench->ways[i], round);
        }
    }
    for (unsigned i = 0; i < bench->way_count; i++) {
        qsort(bench->ways[i].seconds, ROUNDS, sizeof(bench->ways[i].seconds[0]), compare_seconds);
    }
    return r;
}

int spr_cmd_bench(struct spr_cli *cli)
{
    const bool cold = spr_args_on(cli->args, SPR_OPT_COLD);
    if (cold && geteuid() != 0) {
        return spr_error_say(SPR_EXIT_REFUSED, "--cold", "only root can drop the caches",
                             "nothing was measured");
    }
    struct spr_sites sites = { .count = 0 };
    int r = spr_sites_find(cli, cli->args->words, cli->args->word_count, &sites);
    if (r == 0 && sites.count > 1) {
        r = spr_error_say(SPR_EXIT_USAGE, "bench", "several spools are here", "name one");
    }
    struct bench bench = { .cli = cli, .site = sites.site };
    if (r == 0) {
        r = make_folder(&bench);
    }
    if (r == 0) {
        struct spr_machine machine;
        spr_machine_describe(&machine, bench.site->root);
        spr_signals_catch(false);
        choose_ways(&bench);
        for (int pass = 0; r == 0 && pass <= (cold ? 1 : 0); pass++) {
            bench.cold = pass == 1;
            r = run_ways(&bench);
            if (r == 0 && pass == 0 && !cli->json) {
                print_head(&bench, &machine);
            }
            if (r == 0 && cli->json) {
                write_rows(&bench, &machine);
            } else if (r == 0) {
                print_rows(&bench);
            }
        }
        empty_folder(bench.folder);
        (void)rmdir(bench.folder); /* empty, and of no use to anybody */
    }
    free(bench.folder);
    spr_sites_free(&sites);
    return r;
}
