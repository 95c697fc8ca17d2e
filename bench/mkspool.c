/*
 * mkspool: makes a mail spool of any size, the same for the same seed, and says on standard output
 * what is in it.
 *
 *   mkspool --server postfix --count 100000 --seed 1 DIR
 *
 * DIR is made, and must not hold anything.
 */
#include "bench/mkspool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WORKERS_MAX 64

static const char usage[] =
    "usage: mkspool [options] DIR\n"
    "  --server postfix|imail  whose spool (postfix)\n"
    "  --count N               messages (1000)\n"
    "  --seed N                same seed, same mail (1)\n"
    "  --size BYTES            mean file size, the largest is 1600 times that (6000)\n"
    "  --hacked PERCENT        share of the hacked account, 0: a healthy spool (60)\n"
    "  --unique                no address receives twice\n"
    "  --accounts N            accounts besides it (count / 500, 20 to 5000)\n"
    "  --depth N               levels of hash folders, 0 to 3 (1; Postfix)\n"
    "  --long-ids              long queue ids (Postfix)\n"
    "  --in-place              create each file in its hash folder, not in incoming/ (Postfix)\n"
    "  --active PERCENT        share in active/ (0; Postfix)\n"
    "  --logs                  also write defer logs (Postfix), session logs (IMail)\n"
    "  --owner UID:GID         of files and folders\n"
    "  --now SECONDS           the present, in Unix seconds (1795500000)\n"
    "  --threads N             (as many as processors)\n"
    "  --lines FILE            also write one JSON object a message\n";

/* What the workers share; next is taken with relaxed order, as nothing else hangs on it. */
struct shared {
    const struct spr_mail_options *options;
    atomic_uint_fast64_t next;
    atomic_int failure; /* the first negative errno */
};
struct worker {
    struct shared *shared;
    struct spr_mail_writer writer;
    pthread_t thread;
};

static void *run_worker(void *argument)
{
    struct worker *worker = argument;
    struct shared *shared = worker->shared;
    const struct spr_mail_options *options = shared->options;
    while (atomic_load_explicit(&shared->failure, memory_order_relaxed) == 0) {
        uint64_t n = atomic_fetch_add_explicit(&shared->next, 1, memory_order_relaxed);
        if (n >= options->count) {
            break;
        }
        struct spr_mail mail;
        spr_mail_make(options, n, &mail);
        int r = options->server == SPR_MAIL_POSTFIX ? spr_mail_postfix_write(&worker->writer, &mail)
                                                    : spr_mail_imail_write(&worker->writer, &mail);
        if (r < 0) {
            int none = 0;
            atomic_compare_exchange_strong(&shared->failure, &none, r);
        }
    }
    return NULL;
}

static int truth_init(struct spr_mail_truth *truth, const struct spr_mail_options *options)
{
    truth->account_count = options->account_count;
    truth->accounts = calloc(options->account_count, sizeof(*truth->accounts));
    return truth->accounts != NULL ? 0 : -ENOMEM;
}

static int generate(const struct spr_mail_options *options, uint32_t worker_count, int root_fd,
                    struct spr_mail_truth *truth)
{
    struct shared shared = { .options = options };
    struct worker workers[WORKERS_MAX] = { 0 };
    struct spr_mail_writer writers[WORKERS_MAX] = { 0 };
    uint32_t started = 0;
    int r = 0;
    for (; started < worker_count && r == 0; started++) {
        struct worker *worker = &workers[started];
        worker->shared = &shared;
        worker->writer =
            (struct spr_mail_writer){ .options = options, .root_fd = root_fd, .worker = started };
        r = truth_init(&worker->writer.truth, options);
        if (r == 0) {
            r = -pthread_create(&worker->thread, NULL, run_worker, worker);
        }
        if (r < 0) {
            break;
        }
    }
    for (uint32_t i = 0; i < started; i++) {
        pthread_join(workers[i].thread, NULL);
        spr_mail_truth_merge(truth, &workers[i].writer.truth);
        writers[i] = workers[i].writer;
    }
    if (r == 0) {
        r = atomic_load(&shared.failure);
    }
    if (r == 0 && options->server == SPR_MAIL_IMAIL) {
        r = spr_mail_imail_finish(writers, started);
    }
    for (uint32_t i = 0; i < WORKERS_MAX; i++) {
        free(writers[i].file.bytes);
        free(writers[i].log.bytes);
        free(writers[i].offsets);
        free(writers[i].truth.accounts);
    }
    return r;
}

/* The folder exists afterwards and was empty. */
static int open_empty(const char *path, int *ret_fd)
{
    if (mkdir(path, 0755) < 0 && errno != EEXIST) {
        return -errno;
    }
    DIR *dir = opendir(path);
    if (dir == NULL) {
        return -errno;
    }
    unsigned entries = 0;
    while (readdir(dir) != NULL) {
        entries++;
    }
    closedir(dir);
    if (entries > 2) {
        return -ENOTEMPTY;
    }
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    *ret_fd = fd;
    return 0;
}

static int fail_usage(const char *reason)
{
    fprintf(stderr, "mkspool: %s\n%s", reason, usage);
    return 2;
}

static bool take_number(const char *text, uint64_t limit, uint64_t *ret_number)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || *text == '-' || number > limit) {
        return false;
    }
    *ret_number = number;
    return true;
}

static bool take_owner(const char *text, struct spr_mail_options *options)
{
    long long uid, gid;
    char end;
    if (sscanf(text, "%lld:%lld%c", &uid, &gid, &end) != 2 || uid < 0 || gid < 0) {
        return false;
    }
    options->uid = uid;
    options->gid = gid;
    return true;
}

enum option_code {
    OPTION_SERVER = 1,
    OPTION_COUNT,
    OPTION_SEED,
    OPTION_SIZE,
    OPTION_HACKED,
    OPTION_UNIQUE,
    OPTION_IN_PLACE,
    OPTION_ACCOUNTS,
    OPTION_DEPTH,
    OPTION_LONG,
    OPTION_ACTIVE,
    OPTION_LOGS,
    OPTION_OWNER,
    OPTION_NOW,
    OPTION_THREADS,
    OPTION_LINES,
};

static bool take_option(int code, const char *value, struct spr_mail_options *options,
                        uint64_t *threads)
{
    uint64_t number = 0;
    switch (code) {
    case '?':
        return false;
    case OPTION_SERVER:
        options->server = strcmp(value, "imail") == 0 ? SPR_MAIL_IMAIL : SPR_MAIL_POSTFIX;
        return strcmp(value, "imail") == 0 || strcmp(value, "postfix") == 0;
    case OPTION_COUNT:
        return take_number(value, 1u << 30, &options->count);
    case OPTION_SEED:
        return take_number(value, UINT64_MAX, &options->seed);
    case OPTION_LONG:
        options->long_ids = true;
        return true;
    case OPTION_UNIQUE:
        options->unique_recipients = true;
        return true;
    case OPTION_IN_PLACE:
        options->in_place = true;
        return true;
    case OPTION_LOGS:
        options->with_logs = true;
        return true;
    case OPTION_OWNER:
        return take_owner(value, options);
    case OPTION_THREADS:
        return take_number(value, WORKERS_MAX, threads) && *threads > 0;
    case OPTION_LINES:
        options->lines = fopen(value, "we");
        return options->lines != NULL;
    default:
        break;
    }
    if (!take_number(value, 1u << 31, &number)) {
        return false;
    }
    switch (code) {
    case OPTION_SIZE:
        options->file_mean_bytes = (uint32_t)number;
        return number <= 1u << 20;
    case OPTION_HACKED:
        options->hacked_percent = (uint32_t)number;
        return number <= 100;
    case OPTION_ACCOUNTS:
        options->account_count = (uint32_t)number + 1;
        return number > 0 && number <= 1000000;
    case OPTION_DEPTH:
        options->depth = (uint32_t)number;
        return number <= 3;
    case OPTION_ACTIVE:
        options->active_percent = (uint32_t)number;
        return number <= 97;
    case OPTION_NOW:
        options->now = (int64_t)number;
        return true;
    default:
        return false;
    }
}

static const struct option long_options[] = {
    { "server", required_argument, NULL, OPTION_SERVER },
    { "count", required_argument, NULL, OPTION_COUNT },
    { "seed", required_argument, NULL, OPTION_SEED },
    { "size", required_argument, NULL, OPTION_SIZE },
    { "unique", no_argument, NULL, OPTION_UNIQUE },
    { "in-place", no_argument, NULL, OPTION_IN_PLACE },
    { "hacked", required_argument, NULL, OPTION_HACKED },
    { "accounts", required_argument, NULL, OPTION_ACCOUNTS },
    { "depth", required_argument, NULL, OPTION_DEPTH },
    { "long-ids", no_argument, NULL, OPTION_LONG },
    { "active", required_argument, NULL, OPTION_ACTIVE },
    { "logs", no_argument, NULL, OPTION_LOGS },
    { "owner", required_argument, NULL, OPTION_OWNER },
    { "now", required_argument, NULL, OPTION_NOW },
    { "threads", required_argument, NULL, OPTION_THREADS },
    { "lines", required_argument, NULL, OPTION_LINES },
    { NULL, 0, NULL, 0 },
};

int main(int argc, char **argv)
{
    struct spr_mail_options options = {
        .seed = 1,
        .count = 1000,
        .file_mean_bytes = 6000,
        .hacked_percent = 60,
        .depth = 1,
        .now = 1795500000,
        .uid = -1,
        .gid = -1,
    };
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t threads = processors > 0 && processors < WORKERS_MAX ? (uint64_t)processors : 1;
    int code;
    while ((code = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (!take_option(code, optarg, &options, &threads)) {
            return fail_usage("bad option or value");
        }
    }
    if (optind + 1 != argc) {
        return fail_usage("one folder is needed");
    }
    options.root = argv[optind];
    if (options.account_count == 0) {
        uint64_t accounts = options.count / 500;
        options.account_count = 1 + (uint32_t)(accounts < 20     ? 20
                                               : accounts > 5000 ? 5000
                                                                 : accounts);
    }

    umask(0);
    int root_fd = -1;
    struct spr_mail_truth truth = { 0 };
    int r = open_empty(options.root, &root_fd);
    if (r == 0) {
        r = options.server == SPR_MAIL_POSTFIX ? spr_mail_postfix_prepare(&options, root_fd)
                                               : spr_mail_imail_prepare(&options, root_fd);
    }
    if (r == 0) {
        r = truth_init(&truth, &options);
    }
    if (r == 0) {
        r = generate(&options, (uint32_t)threads, root_fd, &truth);
    }
    if (r == 0) {
        spr_mail_truth_print(&truth, &options, stdout);
    } else {
        fprintf(stderr, "mkspool: %s: %s\n", options.root, strerror(-r));
    }
    free(truth.accounts);
    if (root_fd >= 0) {
        (void)close(root_fd); /* a directory: nothing to lose */
    }
    if (options.lines != NULL && fclose(options.lines) != 0) {
        r = -EIO;
    }
    return r == 0 ? 0 : 1;
}
