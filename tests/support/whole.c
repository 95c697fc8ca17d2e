/*
 * Promises P1 and P2 as checks.
 */
#include "tests/support/whole.h"

#include "core/batch/batch.h"
#include "formats/cursor.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

enum where { AT_PLACE, IN_SLOT, IN_HOLD, NOWHERE };

static unsigned read_files(char *lines, struct whole_file *files)
{
    unsigned count = 0;
    for (char *line = strtok(lines, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        struct whole_file *file = &files[count++];
        cr_assert_leq(count, WHOLE_FILES_MAX);
        cr_assert_eq(sscanf(line, "%255s %lu", file->path, &file->inode), 2);
    }
    free(lines);
    return count;
}

/* Postfix: the id is the name. Pairs: the name without its first letter, case ignored. */
static void name_message(const struct change_spool *spool, struct whole_file *file)
{
    const char *name = strrchr(file->path, '/') + 1;
    if (strcmp(spool->format->name, "postfix") == 0) {
        (void)snprintf(file->message, sizeof(file->message), "%.60s", name);
        file->is_pivot =
            strncmp(file->path, "/defer/", 7) != 0 && strncmp(file->path, "/bounce/", 8) != 0;
        return;
    }
    file->is_pivot = name[0] == 'Q' || name[0] == 'q';
    for (unsigned i = 0; i < sizeof(file->message) - 1 && name[i] != '\0'; i++) {
        file->message[i] = (char)tolower((unsigned char)name[i + 1]);
    }
}

void take_whole(const struct change_spool *spool, struct whole *whole)
{
    memset(whole, 0, sizeof(*whole));
    whole->count = read_files(look_at_spool(spool), whole->files);
    for (unsigned i = 0; i < whole->count; i++) {
        name_message(spool, &whole->files[i]);
        whole->messages += whole->files[i].is_pivot ? 1 : 0;
    }
}

static bool is_slot(const char *path)
{
    const char *name = strrchr(path, '/') + 1;
    return spr_slot_name_valid(spr_text_of(name));
}

/* Where every file is now; a file in two places fails. */
static void find_all(const struct change_spool *spool, const struct whole *whole,
                     enum where *places, const char *occasion, unsigned long number)
{
    static struct whole_file now[WHOLE_FILES_MAX];
    static struct whole_file own[WHOLE_FILES_MAX];
    const unsigned now_count = read_files(look_at_spool(spool), now);
    const unsigned own_count = read_files(look_at_private(spool), own);
    for (unsigned i = 0; i < whole->count; i++) {
        const struct whole_file *file = &whole->files[i];
        unsigned seen = 0;
        places[i] = NOWHERE;
        for (unsigned k = 0; k < now_count; k++) {
            if (now[k].inode == file->inode) {
                places[i] = strcmp(now[k].path, file->path) == 0     ? AT_PLACE
                            : strncmp(now[k].path, "/hold/", 6) == 0 ? IN_HOLD
                                                                     : NOWHERE;
                cr_assert_neq(places[i], NOWHERE, "%s %lu: %s lies at %s", occasion, number,
                              file->path, now[k].path);
                seen++;
            }
        }
        for (unsigned k = 0; k < own_count; k++) {
            if (own[k].inode == file->inode && is_slot(own[k].path)) {
                places[i] = IN_SLOT;
                seen++;
            }
        }
        cr_assert_leq(seen, 1, "%s %lu: %s is in two places", occasion, number, file->path);
    }
}

struct whole_counts check_whole(const struct change_spool *spool, const struct whole *whole,
                                const char *occasion, unsigned long number)
{
    enum where places[WHOLE_FILES_MAX];
    struct whole_counts counts = { 0 };
    find_all(spool, whole, places, occasion, number);
    for (unsigned i = 0; i < whole->count; i++) {
        if (!whole->files[i].is_pivot) {
            continue;
        }
        unsigned *const slots[] = { &counts.in, &counts.out, &counts.held, &counts.gone };
        (*slots[places[i]])++;
        /* Held messages leave their logs where they are. */
        const enum where expected = places[i] == IN_HOLD ? AT_PLACE : places[i];
        for (unsigned k = 0; k < whole->count && !whole->pivots_only; k++) {
            if (k != i && strcmp(whole->files[k].message, whole->files[i].message) == 0) {
                cr_assert_eq(places[k], expected, "%s %lu: %s is half: %d, %s %d", occasion, number,
                             whole->files[i].path, places[i], whole->files[k].path, places[k]);
            }
        }
    }
    return counts;
}

void check_seen_whole(const struct change_spool *spool, const struct whole *whole,
                      const char *occasion, unsigned long number)
{
    enum where places[WHOLE_FILES_MAX];
    find_all(spool, whole, places, occasion, number);
    for (unsigned i = 0; i < whole->count; i++) {
        for (unsigned k = 0; k < whole->count; k++) {
            if (!whole->pivots_only && whole->files[i].is_pivot && places[i] == AT_PLACE &&
                k != i && strcmp(whole->files[k].message, whole->files[i].message) == 0) {
                cr_assert_eq(places[k], AT_PLACE, "%s %lu: %s is seen without %s", occasion, number,
                             whole->files[i].path, whole->files[k].path);
            }
        }
    }
}
