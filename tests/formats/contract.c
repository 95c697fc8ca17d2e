/*
 * The battery: what the contract asks of every built-in format, run over the fixtures of all.
 *
 *  (1) Only the format's own spools are recognised as certain.
 *  (2) Any bytes in any file: parse ends, its verdict is sane, its needs can be served.
 *  (3) An "enough" of the sink ends the emits.
 *  (4) Any name: classify yields an id that the format itself calls valid, and locate and plan lead
 *      to paths inside the format's dirs.
 */
#include "tests/support/drive.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#define NOW       1300091273
#define FROZEN    1300091213
#define MUTATIONS 10000
#define ALL_WANTS (SPR_WANT_SUBJECTS | SPR_WANT_ERRORS)

struct fixture {
    char format[16];
    char root[DRIVE_PATH_MAX];
};

#define FIXTURES_MAX 64
static struct fixture fixtures[FIXTURES_MAX];
static size_t fixture_count;

/* tests/fixtures/<format>/<case>/spool/ */
static void find_fixtures(void)
{
    fixture_count = 0;
    for (size_t i = 0; spr_formats[i] != NULL; i++) {
        char folder[DRIVE_PATH_MAX];
        struct dirent **entries = NULL;
        (void)snprintf(folder, sizeof(folder), "%s/%s", SPR_FIXTURES, spr_formats[i]->name);
        int count = scandir(folder, &entries, NULL, alphasort);
        for (int k = 0; k < count; k++) {
            struct fixture *fixture = &fixtures[fixture_count];
            struct stat meta;
            (void)snprintf(fixture->format, sizeof(fixture->format), "%s", spr_formats[i]->name);
            (void)snprintf(fixture->root, sizeof(fixture->root), "%.700s/%s/spool", folder,
                           entries[k]->d_name);
            if (entries[k]->d_name[0] != '.' && stat(fixture->root, &meta) == 0) {
                cr_assert_lt(++fixture_count, FIXTURES_MAX);
            }
            free(entries[k]);
        }
        free(entries);
    }
    cr_assert_gt(fixture_count, 15);
}

static void read_frozen(struct drive_spool *spool, const struct fixture *fixture)
{
    drive_spool_read(spool, drive_format(fixture->format), fixture->root);
    drive_spool_freeze(spool, FROZEN, 0700, 100);
}

TestSuite(contract, .init = find_fixtures);

struct one_format {
    char name[16]; /* parameters are copied between processes: no pointers */
};

static struct criterion_test_params every_format(void)
{
    static struct one_format formats[16];
    size_t count = 0;
    for (; spr_formats[count] != NULL && count < 16; count++) {
        (void)snprintf(formats[count].name, sizeof(formats[count].name), "%s",
                       spr_formats[count]->name);
    }
    return cr_make_param_array(struct one_format, formats, count);
}

static void expect_sane(const struct drive_message *message)
{
    cr_assert_neq(message->verdict, SPR_MORE);
    if (message->verdict == SPR_MALFORMED) {
        cr_assert_not_null(message->need.reason);
        cr_assert_lt(message->need.role, message->format->role_count);
        cr_assert_leq(message->need.offset, message->files[message->need.role].size);
    }
    for (size_t i = 0; i < COLLECTED_FACTS; i++) {
        cr_assert(message->found.texts[i].length <= 1u << 20);
    }
}

Test(contract, is_kept_by_the_tables)
{
    for (size_t i = 0; spr_formats[i] != NULL; i++) {
        const struct spr_format *format = spr_formats[i];
        unsigned primaries = 0;
        cr_expect_eq(format->contract, SPR_FORMAT_CONTRACT);
        cr_expect(i == 0 || strcmp(spr_formats[i - 1]->name, format->name) < 0, "alphabetical");
        cr_expect_leq(format->role_count, SPR_ROLES_MAX);
        cr_expect_leq(format->dir_count, SPR_DIRS_MAX);
        cr_expect_gt(format->head_bytes, 0);
        for (unsigned role = 0; role < format->role_count; role++) {
            primaries += (format->roles[role].flags & SPR_ROLE_PRIMARY) != 0 ? 1 : 0;
        }
        cr_expect_gt(primaries, 0, "%s", format->name);
        cr_expect_not_null(format->hints->title);
        cr_expect_not_null(format->hints->stop);
        cr_expect_not_null(format->hints->lock_account);
        cr_expect_not_null(format->hints->live);
    }
}

Test(contract, recognises_its_own_spools_only) /* (1) */
{
    for (size_t k = 0; k < fixture_count; k++) {
        struct spr_tree tree = drive_tree(fixtures[k].root);
        for (size_t i = 0; spr_formats[i] != NULL; i++) {
            struct spr_probe probe = { .score = 1000 };

            spr_formats[i]->probe(&tree, &probe);

            bool own = strcmp(spr_formats[i]->name, fixtures[k].format) == 0;
            cr_expect_not_null(probe.reason);
            cr_expect_leq(probe.score, 100);
            cr_expect_eq(probe.score > 0, own, "%s on %s", spr_formats[i]->name, fixtures[k].root);
        }
    }
}

ParameterizedTestParameters(contract, survives_truncation_at_every_byte)
{
    return every_format();
}

ParameterizedTest(struct one_format *one, contract, survives_truncation_at_every_byte) /* (2) */
{
    size_t cuts = 0;
    for (size_t k = 0; k < fixture_count; k++) {
        struct drive_spool spool;
        if (strcmp(fixtures[k].format, one->name) != 0) {
            continue;
        }
        read_frozen(&spool, &fixtures[k]);
        for (size_t i = 0; i < spool.message_count; i++) {
            struct drive_message *message = &spool.messages[i];
            for (unsigned role = 0; role < spool.format->role_count; role++) {
                size_t whole = message->files[role].size;
                for (size_t length = 0; message->files[role].present && length < whole; length++) {
                    message->files[role].size = length;
                    drive_parse(message, ALL_WANTS, NOW);
                    expect_sane(message);
                    cuts++;
                }
                message->files[role].size = whole;
            }
        }
        drive_spool_done(&spool);
    }
    cr_expect_gt(cuts, 5000, "%zu", cuts);
}

static uint32_t next_chance(uint32_t *chance)
{
    *chance = *chance * 1664525u + 1013904223u;
    return *chance >> 8;
}

/* One of: a bit flipped, a byte set, a piece copied over another, the end cut off. */
static void mutate(struct drive_file *file, uint32_t *chance)
{
    if (file->size == 0) {
        return;
    }
    size_t at = next_chance(chance) % file->size;
    size_t from = next_chance(chance) % file->size;
    size_t later = at > from ? at : from;
    size_t length = next_chance(chance) % 40;
    length = length < file->size - later ? length : file->size - later;
    switch (next_chance(chance) % 4) {
    case 0:
        file->bytes[at] ^= (uint8_t)(1u << next_chance(chance) % 8);
        break;
    case 1:
        file->bytes[at] = (uint8_t)next_chance(chance);
        break;
    case 2:
        memmove(file->bytes + at, file->bytes + from, length);
        break;
    default:
        file->size = at;
        break;
    }
}

static void parse_mutated(struct drive_message *message, uint32_t *chance)
{
    uint8_t *kept[SPR_ROLES_MAX];
    size_t sizes[SPR_ROLES_MAX];
    for (unsigned role = 0; role < message->format->role_count; role++) {
        struct drive_file *file = &message->files[role];
        kept[role] = file->bytes;
        sizes[role] = file->size;
        file->bytes = malloc(file->size + 1);
        cr_assert_not_null(file->bytes);
        if (file->present) {
            memcpy(file->bytes, kept[role], file->size);
            for (unsigned n = next_chance(chance) % 6; n > 0; n--) {
                mutate(file, chance);
            }
        }
    }
    drive_parse(message, next_chance(chance) % 4, NOW);
    expect_sane(message);
    if (message->format->content != NULL) {
        free(drive_content(message));
    }
    for (unsigned role = 0; role < message->format->role_count; role++) {
        free(message->files[role].bytes);
        message->files[role].bytes = kept[role];
        message->files[role].size = sizes[role];
    }
}

ParameterizedTestParameters(contract, survives_ten_thousand_mutations)
{
    return every_format();
}

ParameterizedTest(struct one_format *one, contract, survives_ten_thousand_mutations) /* (2) */
{
    uint32_t chance = 20110314;
    size_t done = 0;
    while (done < MUTATIONS) {
        for (size_t k = 0; k < fixture_count && done < MUTATIONS; k++) {
            struct drive_spool spool;
            if (strcmp(fixtures[k].format, one->name) != 0) {
                continue;
            }
            read_frozen(&spool, &fixtures[k]);
            for (size_t i = 0; i < 100 * spool.message_count; i++) {
                parse_mutated(&spool.messages[i % spool.message_count], &chance);
                done++;
            }
            drive_spool_done(&spool);
        }
    }
    cr_expect_geq(done, MUTATIONS);
}

ParameterizedTestParameters(contract, stops_when_the_sink_has_enough)
{
    return every_format();
}

ParameterizedTest(struct one_format *one, contract, stops_when_the_sink_has_enough) /* (3) */
{
    for (size_t k = 0; k < fixture_count; k++) {
        struct drive_spool spool;
        if (strcmp(fixtures[k].format, one->name) != 0) {
            continue;
        }
        read_frozen(&spool, &fixtures[k]);
        for (size_t i = 0; i < spool.message_count; i++) {
            struct drive_message *message = &spool.messages[i];
            drive_parse(message, ALL_WANTS, NOW);
            size_t emits = message->found.emits;
            for (size_t max = 1; max <= emits; max++) {
                message->found.emits_max = max;
                drive_parse(message, ALL_WANTS, NOW);
                cr_assert_not(message->found.emitted_after_enough, "%s after %zu",
                              message->key_name, max);
            }
            message->found.emits_max = 0;
        }
        drive_spool_done(&spool);
    }
}

/* Is path one of the format's dirs or a place below one? */
static bool is_inside(const struct spr_format *format, const struct spr_path *path)
{
    if (path->length == 0 || path->text[0] == '/' || strstr(path->text, "..") != NULL ||
        path->text[path->length] != '\0' || strlen(path->text) != path->length) {
        return false;
    }
    for (unsigned dir = 0; dir < format->dir_count; dir++) {
        size_t length = strlen(format->dirs[dir].path);
        if (strncmp(path->text, format->dirs[dir].path, length) == 0 &&
            (length == 0 || path->text[length] == '/')) {
            return true;
        }
    }
    return false;
}

static void check_plans(const struct spr_format *format, const struct spr_layout *layout,
                        unsigned dir, const struct spr_key *key)
{
    for (int action = SPR_DELETE; action <= SPR_RESTORE; action++) {
        for (unsigned runs = 0; runs < 2; runs++) {
            struct spr_steps steps;
            const char *folder = format->dirs[dir].path;
            struct spr_target target = {
                .layout = layout,
                .dir = dir,
                .folder = { (const uint8_t *)folder, strlen(folder) },
                .key = *key,
                .roles_present = (1u << format->role_count) - 1,
                .server_runs = runs == 1,
                .from_dir = dir,
                .from_folder = { (const uint8_t *)folder, strlen(folder) },
            };
            bool able = format->plan(&target, (enum spr_action)action, &steps);
            cr_assert(able || steps.refusal != NULL);
            cr_assert(!able || steps.count > 0);
            for (unsigned i = 0; able && i < steps.count; i++) {
                const struct spr_step *step = &steps.step[i];
                bool back = action == SPR_RESTORE && step->path.length == 0;
                cr_assert_lt(step->role, format->role_count);
                cr_assert(step->op != SPR_STEP_PUT || back || is_inside(format, &step->path), "%s",
                          step->path.text);
            }
        }
    }
}

static void check_name(const struct spr_format *format, const struct spr_layout *layout,
                       unsigned dir, const uint8_t *bytes, size_t length)
{
    struct spr_key key = { 0 };
    uint8_t *exact = malloc(length > 0 ? length : 1);
    cr_assert_not_null(exact);
    memcpy(exact, bytes, length);
    if (format->classify(layout, dir, (struct spr_text){ exact, length }, &key) == SPR_KIND_PART) {
        struct spr_path path = { .length = 0 };
        cr_assert(format->id_valid(key.id));
        cr_assert_lt(key.role, format->role_count);
        cr_assert(key.stem.bytes >= exact && key.stem.bytes + key.stem.length <= exact + length);
        for (unsigned role = 0; role < format->role_count; role++) {
            for (unsigned attempt = 0;
                 attempt < 100 && format->locate(layout, &key, role, attempt, &path); attempt++) {
                cr_assert(is_inside(format, &path), "%s", path.text);
            }
        }
        check_plans(format, layout, dir, &key);
    }
    free(exact);
}

ParameterizedTestParameters(contract, keeps_any_name_inside_the_spool)
{
    return every_format();
}

ParameterizedTest(struct one_format *one, contract, keeps_any_name_inside_the_spool) /* (4) */
{
    static const char letters[] = "0123456789ABCDEFQTDA_.~/zS\0#MP";
    const struct spr_format *format = drive_format(one->name);
    uint32_t chance = 7;
    for (unsigned n = 0; n < 200000; n++) {
        uint8_t name[300];
        size_t length = next_chance(&chance) % (n % 50 == 0 ? sizeof(name) : 20);
        bool hex = next_chance(&chance) % 2 == 0;
        for (size_t i = 0; i < length; i++) {
            name[i] = (uint8_t)letters[next_chance(&chance) % (hex ? 16 : sizeof(letters) - 1)];
        }
        const struct spr_layout layout = {
            .hash_depth = next_chance(&chance) % 10,
            .hashed_dirs = next_chance(&chance),
        };
        check_name(format, &layout, next_chance(&chance) % format->dir_count, name, length);
    }
    static const uint8_t real[] = "Q5f3a01c200b4e1d5.SMD";
    static const struct spr_layout layout = { .hash_depth = UINT32_MAX, .hashed_dirs = 0xffffffff };
    check_name(format, &layout, 0, real, sizeof(real) - 1);
}

ParameterizedTestParameters(contract, survives_any_log_line)
{
    return every_format();
}

ParameterizedTest(struct one_format *one, contract, survives_any_log_line)
{
    static const char *const lines[] = {
        "03:14 09:26 SMTPD(00180250) [192.0.2.17] Authenticated ann@example.org, session",
        "Mar  4 12:34:56 mx postfix/smtpd[311]: 01110160C7A: client=h[2001:db8::1], "
        "sasl_method=PLAIN, sasl_username=ann@x",
        "2026-11-24T12:00:00.1+01:00 mx postfix/smtpd[311]: 01110160C7A: client=h[::1], "
        "sasl_username=ann@x",
    };
    const struct spr_format *format = drive_format(one->name);
    uint32_t chance = 11;
    for (size_t k = 0; format->log_line != NULL && k < sizeof(lines) / sizeof(lines[0]); k++) {
        size_t whole = strlen(lines[k]);
        for (size_t n = 0; n < 4000; n++) {
            size_t length = n <= whole ? n : whole;
            uint8_t *line = malloc(length > 0 ? length : 1);
            cr_assert_not_null(line);
            memcpy(line, lines[k], length);
            if (n > whole) {
                line[next_chance(&chance) % length] = (uint8_t)next_chance(&chance);
                line[next_chance(&chance) % length] = (uint8_t)next_chance(&chance);
            }
            struct spr_log_event event = { 0 };
            if (format->log_line((struct spr_text){ line, length }, &event)) {
                cr_assert(event.session.bytes >= line &&
                          event.session.bytes + event.session.length <= line + length);
                cr_assert(event.account.bytes >= line &&
                          event.account.bytes + event.account.length <= line + length);
            }
            free(line);
        }
    }
}
