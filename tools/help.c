/*
 * The help pages: the five-step rescue in front, one page a verb, both made from the tables of
 * verbs and options.
 */
#include "tools/cli.h"

static const char RESCUE[] = "spoolray: X-ray and surgery for mail spools\n"
                             "\n"
                             "  spoolray                      # 1 what is here, who did it\n"
                             "  spoolray query  account:bob   # 2 look at it\n"
                             "  spoolray delete account:bob   # 3 preview, then confirm by typing "
                             "the count; goes to the job's trash\n"
                             "  spoolray undo 42              # 4 changed your mind\n"
                             "  spoolray purge 42             # 5 really free the space\n";

static const char EXIT_CODES[] =
    "exit codes: 0 done, 1 nothing matched, 2 usage, 3 partial, 4 refused by a guard,\n"
    "  5 nothing done: the spool changed, 6 I/O or permission, 7 bad index, plan or journal,\n"
    "  130 interrupted, resumable\n";

void spr_help_front(FILE *out, const struct spr_verb *verbs)
{
    (void)fputs(RESCUE, out);
    (void)fputs("\nverbs (spoolray VERB --help tells more):\n", out);
    for (const struct spr_verb *verb = verbs; verb->name != NULL; verb++) {
        (void)fprintf(out, "  %-9s %s\n", verb->name, verb->summary);
    }
    (void)fputs("\noptions of every verb:\n", out);
    spr_options_help(out, SPR_VERBS_ALL, true);
    (void)fprintf(out, "\n%s", EXIT_CODES);
}

void spr_help_verb(FILE *out, const struct spr_verb *verb)
{
    (void)fprintf(out, "usage: spoolray %s%s%s\n\n%s\n", verb->name,
                  verb->usage[0] != '\0' ? " " : "", verb->usage, verb->summary);
    if (verb->details != NULL) {
        (void)fprintf(out, "%s\n", verb->details);
    }
    (void)fputs("\noptions:\n", out);
    spr_options_help(out, verb->bit, false);
    (void)fputs("\noptions of every verb:\n", out);
    spr_options_help(out, verb->bit, true);
}
