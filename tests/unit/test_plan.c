#include "core/batch/plan.h"
#include "tests/support/change_spool.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <criterion/criterion.h>

static struct change_spool spool;
static struct spr_plan *plan;

static void set_up(void)
{
    make_pair_spool(&spool, 4);
    plan = plan_for(&spool, SPR_DELETE, "");
    plan->reason = strdup("hacked\naccount");
    plan->recipients = 7;
}

static void tear_down(void)
{
    spr_plan_free(plan);
    remove_spool(&spool);
}

TestSuite(plan, .init = set_up, .fini = tear_down);

static struct spr_text save(void)
{
    const int fd = memfd_create("plan", MFD_CLOEXEC);
    cr_assert_eq(spr_plan_save(plan, fd, NULL), 0);
    const off_t length = lseek(fd, 0, SEEK_END);
    uint8_t *bytes = malloc((size_t)length);
    cr_assert_eq(pread(fd, bytes, (size_t)length, 0), length);
    (void)close(fd);
    return (struct spr_text){ bytes, (size_t)length };
}

Test(plan, comes_back_as_it_was_saved)
{
    const struct spr_text file = save();
    struct spr_plan *found = NULL;

    cr_assert_eq(spr_plan_parse(file, &found, NULL), 0);

    struct spr_plan_report report;
    spr_plan_describe(found, &report);
    cr_expect_eq(report.messages, 4);
    cr_expect_eq(report.recipients, 7);
    cr_expect_str_eq(found->reason, "hacked\naccount");
    cr_expect_null(found->refusal);
    for (unsigned i = 0; i < 4; i++) {
        struct spr_plan_names names;
        spr_plan_names(found, &found->entries[i], &names);
        cr_expect_eq(names.count, 2);
        cr_expect_eq(found->entries[i].identity_digest, plan->entries[i].identity_digest);
    }
    spr_plan_free(found);
}

/* Reviewers read the head; a reason cannot forge a line of it. */
Test(plan, head_is_text_that_cannot_be_forged)
{
    const struct spr_text file = save();

    cr_expect_not_null(memmem(file.bytes, file.length, "\nmessages: 4\n", 13));
    cr_expect_not_null(memmem(file.bytes, file.length, "\nreason: hacked\\x0Aaccount\n", 27));
}

Test(plan, cut_or_flipped_anywhere_is_damage)
{
    const struct spr_text file = save();
    uint8_t *copy = malloc(file.length);
    memcpy(copy, file.bytes, file.length);
    struct spr_plan *found = NULL;

    for (size_t i = 0; i < file.length; i++) {
        cr_assert_eq(spr_plan_parse((struct spr_text){ file.bytes, i }, &found, NULL),
                     SPR_E_CORRUPT, "cut at %zu", i);
        copy[i] ^= 0x10;
        cr_assert_eq(spr_plan_parse((struct spr_text){ copy, file.length }, &found, NULL),
                     SPR_E_CORRUPT, "flip at %zu", i);
        copy[i] ^= 0x10;
    }
}
